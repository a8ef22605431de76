"""Tells all processes that a CRM wants to be left alone, whoever of us it has told."""

import asyncio

from smart_redirect.errors import CrmLimited, CrmRefused, Unavailable
from smart_redirect.usecases.ports_mirror import Key, Pauses
from smart_redirect.usecases.sync_crm import pause_after

_WRITING = 2.0


async def keep_away(pauses: Pauses, key: Key, error: Exception) -> None:
    """Write how long nobody asks, if the error says so; without the database only whoever met it knows."""
    try:
        async with asyncio.timeout(_WRITING):
            if isinstance(error, CrmLimited):
                await pauses.limited(key, pause_after(error, 1))
            elif isinstance(error, CrmRefused):
                # A key may lack the right to search and still read the changes: a sync that is refused says so itself.
                await pauses.refused(key, pause_after(error, 1))
    except (Unavailable, TimeoutError):
        return
