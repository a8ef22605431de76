"""Gives the text of a release, in gzip as it is stored or plain."""

import gzip

from smart_redirect.errors import StoreUnavailable
from smart_redirect.usecases.ports_dialplan import ReleaseStore


class GiveRelease:
    """Reads the store; a text that should be there and is not is an outage, never an empty dialplan."""

    def __init__(self, store: ReleaseStore) -> None:
        self._store = store

    async def __call__(self, sha256: str, *, packed: bool) -> bytes:
        """Return the text; StoreUnavailable if it is not there."""
        found = await self._store.get(sha256)
        if found is None:
            raise StoreUnavailable("the text of this release is not in the store")
        return found if packed else gzip.decompress(found)
