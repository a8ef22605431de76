"""What a host's agent asks and says: which release to install, what it is about to load, and what is loaded."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from smart_redirect.domain.dialplan.loaded import EMPTY, names_hash, pool_of
from smart_redirect.domain.enterprise import ContextPool
from smart_redirect.domain.rate import Buckets
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import BodyMalformed, Conflict, TokenMissing, TokenUnknown, TooManyRequests
from smart_redirect.usecases.ports import Clock
from smart_redirect.usecases.ports_dialplan import Agent, HostLedger, Install, Known, Report, State


@dataclass(frozen=True, slots=True)
class Asked:
    """What the service still wants of the agent."""

    names: bool
    files: bool


class AdmitAgent:
    """Tells the host by its agent's key; failed attempts are limited per source address."""

    def __init__(self, ledger: HostLedger, key: bytes, clock: Clock, failures_per_minute: int = 60) -> None:
        self._ledger = ledger
        self._key = key
        self._clock = clock
        self._failures = Buckets(failures_per_minute / 60, failures_per_minute)

    async def __call__(self, agent_key: str, address: str) -> Agent:
        """Return the agent; TokenMissing, TokenUnknown or TooManyRequests."""
        if self._failures.level(address, self._clock()) < 1:
            raise TooManyRequests
        if not agent_key:
            self._failures.take(address, self._clock())
            raise TokenMissing
        agent = await self._ledger.agent(token_hash(self._key, agent_key))
        if agent is None:
            self._failures.take(address, self._clock())
            raise TokenUnknown
        return agent


class TakeReport:
    """Makes what a host has loaded the only thing that calls may be sent to."""

    def __init__(self, ledger: HostLedger) -> None:
        self._ledger = ledger

    async def announce(self, agent: Agent, release: str) -> None:
        """Answer only contexts that are in the old and the new dialplan; Conflict if the host has no such release."""
        if not await self._ledger.announce(agent, release):
            raise Conflict(f"release {release} is none of this host's")

    async def __call__(self, agent: Agent, report: Report) -> Asked:
        """Take a report; BodyMalformed when its list of names is not what its hash says."""
        if report.names is not None and names_hash(report.names) != (report.contexts, report.sha256):
            raise BodyMalformed("names: count or SHA-256 differ from those in contexts")
        async with self._ledger.reporting(agent) as taken:
            known = await taken.release(report.release) if report.release else None
            seen = _loaded(known, report, taken.state)
            await taken.store(report, seen.pool, seen.names_sha256)
            wants_files = agent.install is Install.BLOCK_ONLY and report.files_sha256 != taken.state.files_sha256
        return Asked(seen.names_needed, wants_files)

    async def files(self, agent: Agent, files: Sequence[tuple[str, str]]) -> bool:
        """Keep a host's own files; False if they are as before."""
        return await self._ledger.put_files(agent, files_hash(files), files)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The pool that counts from now on (None: the one that is stored), and the list that it was made of."""

    pool: ContextPool | None
    names_sha256: str | None
    names_needed: bool


def _loaded(known: Known | None, report: Report, state: State) -> _Loaded:
    if report.names is not None:
        return _Loaded(pool_of(report.names, known.steps if known else {}), report.sha256, names_needed=False)
    if known is not None and (known.contexts, known.sha256) == (report.contexts, report.sha256):
        return _Loaded(known.pool, None, names_needed=False)
    if report.contexts == 0:
        return _Loaded(EMPTY, None, names_needed=False)
    if state.names_sha256 == report.sha256:
        return _Loaded(None, report.sha256, names_needed=False)
    # Until the list comes, nothing may be answered of which nobody knows whether it is there.
    return _Loaded(EMPTY, None, names_needed=True)


def files_hash(files: Sequence[tuple[str, str]]) -> str:
    """Return the SHA-256 of a host's own files: of the JSON [[name, text], …], compact, names in order, as UTF-8."""
    document = json.dumps(sorted(files), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(document.encode()).hexdigest()
