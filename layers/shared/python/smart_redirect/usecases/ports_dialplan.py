"""The Protocols that building releases and handing them to hosts need from the outside."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from smart_redirect.domain.dialplan.findings import Finding
from smart_redirect.domain.dialplan.model import Model
from smart_redirect.domain.dialplan.outline import Outline
from smart_redirect.domain.dialplan.release import Release, Style
from smart_redirect.domain.dialplan.tombstones import Retired
from smart_redirect.domain.enterprise import ContextPool


class Install(StrEnum):
    """What a host's agent installs."""

    NONE = "none"
    WHOLE_FILE = "whole-file"
    BLOCK_ONLY = "block-only"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to build for an enterprise; a result counts only under its fence."""

    enterprise_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest release of a host."""

    name: str
    sha256: str
    outline: Outline


@dataclass(frozen=True, slots=True)
class Host:
    """A host that gets releases; `files` are the texts of its own files, None if it has not sent them."""

    id: int
    name: str
    install: Install
    style: Style
    pinned: bool = False
    files: tuple[str, ...] | None = None
    newest: Newest | None = None
    retired: tuple[Retired, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """All that one build of an enterprise needs, as one snapshot of the database shows it."""

    model: Model
    hosts: tuple[Host, ...]
    changes: tuple[int, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What came out for one host: a new release, or why there is none; neither means that nothing changed."""

    host: Host
    release: Release | None = None
    error: str | None = None
    findings: tuple[Finding, ...] = ()
    retired: tuple[Retired, ...] = ()
    kept: tuple[str, ...] = ()
    """Names of the retired contexts that the release carries."""


class DialplanLedger(Protocol):
    """Changes, claims and releases. Every method raises DatabaseUnavailable when the database does not answer."""

    async def dirty(self, limit: int) -> Sequence[int]:
        """Return ids of enterprises with changes that nobody works on, the longest waiting first."""

    async def mark(self, enterprise_id: int, reason: str) -> int:
        """Note a change and return its number."""

    async def exists(self, enterprise_id: int) -> bool:
        """Tell whether there is such an enterprise."""

    async def claim(self, enterprise_id: int, seconds: float) -> Claim | None:
        """Take the lease of an enterprise for so long, None while somebody else has it."""

    async def give_up(self, claim: Claim) -> None:
        """End a lease without a result."""

    async def read(self, claim: Claim) -> Work | None:
        """Return what there is to do, None if the enterprise is gone."""

    async def publish(self, claim: Claim, work: Work, results: Sequence[Result]) -> bool:
        """Store the results, forget the changes that were read and end the lease; False if it was lost meanwhile."""


class ReleaseStore(Protocol):
    """Texts of releases by their SHA-256, in gzip. Unavailable when it does not answer."""

    async def put(self, sha256: str, packed: bytes) -> None:
        """Keep a text; a second time does nothing."""

    async def get(self, sha256: str) -> bytes | None:
        """Return a text, None if it is not there."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The host whose agent asks, and the release that it is to have."""

    enterprise_id: int
    host_id: int
    install: Install
    release: str | None = None
    sha256: str = ""
    style: Style | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What a release of a host has loaded, when it is loaded: how many contexts mngr…, their hash, and the pool."""

    contexts: int
    sha256: str
    pool: ContextPool
    steps: dict[int, int]
    """How many contexts the chain of each internal id has."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a host before its report is taken."""

    loaded: ContextPool | None
    names_sha256: str | None
    files_sha256: str | None
    install: Install


@dataclass(frozen=True, slots=True)
class Report:
    """What an agent says of its host. `names` are the loaded contexts mngr…, None unless asked for."""

    release: str | None
    wanted: str | None
    contexts: int
    sha256: str
    names: tuple[str, ...] | None
    asterisk: str
    agent: str
    mode: str
    step: str | None
    error: str | None
    pool_busy: bool
    files_sha256: str | None
    at: datetime


class OpenReport(Protocol):
    """A report that is being taken: its host's row is held until the block ends."""

    state: State

    async def release(self, name: str) -> Known | None:
        """Return a release of this host by its name."""

    async def store(self, report: Report, pool: ContextPool | None, names_sha256: str | None) -> None:
        """Keep the report; a pool replaces what is loaded, None leaves it, and what was announced is over."""


class HostLedger(Protocol):
    """What hosts ask for and say. Every method raises DatabaseUnavailable when the database does not answer."""

    async def agent(self, key_hash: bytes) -> Agent | None:
        """Return whose agent's key this is."""

    async def announce(self, agent: Agent, release: str) -> bool:
        """Answer only contexts of both dialplans from now on; False if the host has no such release."""

    def reporting(self, agent: Agent) -> AbstractAsyncContextManager[OpenReport]:
        """Take reports of one host one after the other."""

    async def put_files(self, agent: Agent, sha256: str, files: Sequence[tuple[str, str]]) -> bool:
        """Keep a host's own files (name, text); False if they are the same as before."""
