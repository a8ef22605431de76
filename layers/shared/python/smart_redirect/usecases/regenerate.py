"""Builds the releases of an enterprise's hosts: claim, build, validate, store, publish; nothing gets lost."""

import gzip
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from smart_redirect.domain.dialplan.findings import DialplanInvalid
from smart_redirect.domain.dialplan.host import HostFile, read_host
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.release import Order, make_release
from smart_redirect.errors import SmartRedirectError
from smart_redirect.usecases.ports_dialplan import Claim, DialplanLedger, Host, Install, ReleaseStore, Result, Work

logger = logging.getLogger(__name__)
LEASE_SECONDS = 120.0
_PACKING = 6


class Outcome(StrEnum):
    """How a build ended."""

    DONE = "done"
    BUSY = "busy"
    LOST = "lost"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Built:
    """What became of one enterprise."""

    outcome: Outcome
    results: tuple[Result, ...] = ()


Build = Callable[[int], Awaitable[Built]]


class Regenerate:
    """One build at a time for an enterprise; those of different enterprises may run side by side.

    `elsewhere` does the same in another process, where this one has callers who wait.
    """

    def __init__(self, ledger: DialplanLedger, store: ReleaseStore, elsewhere: Build | None = None) -> None:
        self._ledger = ledger
        self._store = store
        self._elsewhere = elsewhere

    async def __call__(self, enterprise_id: int) -> Built:
        """Build for one enterprise; Unavailable when database or store do not answer, and then nothing is lost."""
        if self._elsewhere is not None:
            return await self._elsewhere(enterprise_id)
        claim = await self._ledger.claim(enterprise_id, LEASE_SECONDS)
        if claim is None:
            return Built(Outcome.BUSY if await self._ledger.exists(enterprise_id) else Outcome.GONE)
        try:
            work = await self._ledger.read(claim)
        except SmartRedirectError:
            await self._ledger.give_up(claim)
            raise
        if work is None:
            return Built(Outcome.GONE)
        return await self._publish(claim, work)

    async def _publish(self, claim: Claim, work: Work) -> Built:
        results = tuple(build_for(work.model, host, work) for host in work.hosts)
        for result in results:
            if result.release is not None:
                packed = gzip.compress(result.release.text.encode(), _PACKING, mtime=0)
                await self._store.put(result.release.sha256, packed)
        if not await self._ledger.publish(claim, work, results):
            return Built(Outcome.LOST)
        return Built(Outcome.DONE, results)

    async def sweep(self, limit: int, may_go_on: Callable[[], bool] = lambda: True) -> Sequence[Built]:
        """Build for enterprises with changes, the longest waiting first; one that fails does not stop the others.

        `may_go_on` is asked before each: a function that is about to be stopped leaves the rest to the next sweep.
        """
        built = []
        for enterprise_id in await self._ledger.dirty(limit):
            if not may_go_on():
                break
            try:
                built.append(await self(enterprise_id))
            except Exception:
                # Its lease runs out by itself: an enterprise that always fails is tried again, but not first.
                about = {"enterprise_id": enterprise_id}
                logger.exception("the dialplan of enterprise id %s could not be built", enterprise_id, extra=about)
        return built


def build_for(model: Model, host: Host, work: Work) -> Result:
    """Build one host's release: pure but for the time it takes."""
    own = _own_file(host)
    if host.install is Install.BLOCK_ONLY and own is None:
        return Result(host, error="waits for the host's own extensions.conf, which its agent sends")
    before = host.newest.outline if host.newest else None
    order = Order(host.style, work.now, host.retired, before, own)
    try:
        made = make_release(model, order)
    except DialplanInvalid as invalid:
        return Result(host, error=f"{len(invalid.findings)} errors: {invalid.findings[0]}", findings=invalid.findings)
    if host.newest is not None and host.newest.sha256 == made.release.sha256:
        return Result(host, findings=made.release.findings, retired=made.retired, kept=made.kept)
    return Result(host, made.release, None, made.release.findings, made.retired, made.kept)


def _own_file(host: Host) -> HostFile | None:
    if host.install is not Install.BLOCK_ONLY or host.files is None:
        return None
    return read_host(*host.files)
