"""RetailCRM's API as it is called: lists page by page, in pages of fewer rows where theirs are long."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from smart_redirect.adapters.crm.bounds import End
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import READ_SECONDS, Params, Session, base_url, credential
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmTooLong
from smart_redirect.usecases.ports_crm import Access

T = TypeVar("T")
SIZES = (100, 50, 20)
"""Rows of a page: there are no other sizes."""


@dataclass(frozen=True, slots=True)
class Api:
    """The methods of one account."""

    session: Session

    async def get(
        self, path: str, params: Params = (), *, seconds: float = READ_SECONDS, missing: Sequence[int] = ()
    ) -> Json:
        """Return the answer to a GET."""
        return await self.session.get(f"/v5{path}", params, seconds=seconds, missing=missing)

    async def page(self, path: str, size: int, number: int, filters: Params = ()) -> Json:
        """Return one page of a list; pages begin with 1."""
        return await self.get(path, (*filters, ("limit", str(size)), ("page", str(number))))

    async def all(self, path: str, name: str, most: int, filters: Params = ()) -> list[Json]:
        """Return all rows of a list that has to end."""

        async def read(size: int) -> list[Json]:
            rows, number, last, end = list[Json](), 1, 1, End(most)
            while number <= last:
                answer = await self.page(path, size, number, filters)
                end.count(len(answer.rows(name)))
                rows += answer.rows(name)
                number, last = number + 1, pages_of(answer)
            return rows

        return await in_pages(read)


async def in_pages(read: Callable[[int], Awaitable[T]]) -> T:
    """Read by the longest pages, and by shorter ones where their answers are too long; CrmTooLong if all are."""
    for size in SIZES[:-1]:
        with suppress(CrmTooLong):
            return await read(size)
    return await read(SIZES[-1])


def make_api(http: Outbound, access: Access) -> Api:
    """Return the way to an account."""
    headers = {"X-API-KEY": credential(access.settings, "api_key")}
    return Api(Session(http, access, base_url(access.settings) + "/api", headers, _complain))


def pages_of(answer: Json) -> int:
    """Return how many pages a list has; CrmMalformed when it does not say so."""
    pages, rows = (answer["pagination"][name].count for name in ("totalPageCount", "totalCount"))
    if pages is None or (pages == 0 and rows):
        raise CrmMalformed("its list does not say how many pages it has")
    return pages


def _complain(answer: Answer) -> None:
    """Say what a refusal is about: the text names rights and parameters, never keys or phones."""
    if answer.status == 403:
        raise CrmRefused("refuses the API key or its rights (403)")
    if answer.status in {200, 400} and answer.body.lstrip().startswith(b"<"):
        raise CrmMalformed("answers with a page: is there such an account?")
    if answer.status == 200 and read_json(answer.body)["success"].value is not True:
        raise CrmMalformed("says that it did not succeed")
