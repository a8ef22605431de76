"""The way to a fake CRM without a network, for tests that send thousands of requests; the process may die on it."""

import httpx

from smart_redirect.adapters.crm.outbound import ANSWER_LIMIT, Answer, Outbound, Query
from smart_redirect.errors import CrmTooLong
from tests.fakes.crm.server import FakeCrm


class Killed(BaseException):
    """The process ends here, and nothing of it is done any more: no lease is given back."""


class Direct(Outbound):
    """Hands requests to the fake itself; `dies_after` is how many it lets through, None: all."""

    def __init__(self, fake: FakeCrm) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=fake.application()))
        self.dies_after: int | None = None

    async def send(self, query: Query) -> Answer:
        if self.dies_after is not None:
            if self.dies_after == 0:
                raise Killed
            self.dies_after -= 1
        headers = {"Accept-Encoding": "gzip", **query.headers}
        given = await self._client.request(
            query.method, query.url, params=list(query.params) or None, headers=headers, content=query.body
        )
        if len(given.content) > ANSWER_LIMIT:
            raise CrmTooLong("its answer is longer than 1 MB")
        return Answer(given.status_code, dict(given.headers), given.content)
