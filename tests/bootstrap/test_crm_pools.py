"""A look-up waits for none of the connections that syncs hold, whatever its vendor asks the database."""

import json
from time import monotonic

from smart_redirect.adapters.sealed import Seal
from smart_redirect.bootstrap.crm import open_crm
from smart_redirect.domain.crm import Found, Person
from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.settings import Settings
from smart_redirect.usecases.ports import Missed
from smart_redirect.usecases.ports_crm import Access
from tests.usecases.conftest import mirrored
from tests.usecases.mirrored import Mirrored

__all__ = ["mirrored"]
SECRET = "k" * 32
CALLER = "+375291112233"


class OAuthCrm:
    """Reads its tokens before it asks, as Bitrix24 and amoCRM do; it knows everybody."""

    def __init__(self, _vendor: str, access: Access) -> None:
        self._access = access

    async def lookup(self, phone: str, _seconds: float) -> Found:
        assert self._access.tokens is not None
        await self._access.tokens.current()
        await self._access.turn()
        return Found((Person("1", "Ольга", (phone,)),))


async def test_a_look_up_by_oauth_waits_for_no_connection_that_a_sync_holds(
    database_url: str, mirrored: Mirrored
) -> None:
    sealed = Seal(SECRET.encode(), 1).close(json.dumps({"client_id": "x"}), 1, 1)
    await mirrored.pool.execute("UPDATE crm_connections SET sealed = $1, settings = '{\"live\": true}'", sealed)
    async with open_crm(Settings(database_url=database_url, key=SECRET), OAuthCrm) as parts:
        held = [await parts.pool.acquire() for _ in range(parts.pool.get_max_size())]
        missed = Missed(Enterprise(1, "0001", version=1), CALLER, 0, frozenset({1}))
        # The first one has to connect, too: a busy machine may need more than a call's time, and is asked again.
        for _ in range(5):
            found = await parts.live(missed, monotonic() + 0.3)
            await parts.live.close()
        for connection in held:
            await parts.pool.release(connection)
    assert [each.name for each in found] == ["Ольга"]
