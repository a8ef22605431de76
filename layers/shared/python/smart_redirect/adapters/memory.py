"""The ports in memory: the fakes of the unit tests, with the same contract as PostgreSQL."""

from dataclasses import replace

from smart_redirect.domain.enterprise import Enterprise
from smart_redirect.domain.facts import CallerFacts, Freshness
from smart_redirect.errors import DatabaseUnavailable, StoreUnavailable
from smart_redirect.usecases.ports import DecisionRecord, FactsAnswer, FactsQuestion, Refusal


class MemoryDatabase:
    """Settings and caller facts of some enterprises; `down` makes every read fail as a dead database does."""

    def __init__(self, *enterprises: Enterprise) -> None:
        self.enterprises = {enterprise.id: enterprise for enterprise in enterprises}
        self.facts: dict[tuple[int, str], CallerFacts] = {}
        self.cache_epoch = 0
        self.all_switched_off = False
        self.down = False
        self.reads = 0

    def save(self, enterprise: Enterprise) -> None:
        """Store changed settings; their version rises as the triggers of the database raise it."""
        before = self.enterprises.get(enterprise.id)
        version = before.version + 1 if before else 1
        self.enterprises[enterprise.id] = replace(enterprise, version=version)

    async def load(self, token_hash: bytes, deadline: float) -> Enterprise | None:
        """Return the enterprise that a token names."""
        self._read(deadline)
        return next((each for each in self.enterprises.values() if token_hash in each.tokens), None)

    async def reload(self, enterprise_id: int, deadline: float) -> Enterprise | None:
        """Return the current snapshot of an enterprise."""
        self._read(deadline)
        return self.enterprises.get(enterprise_id)

    async def ask(self, question: FactsQuestion, deadline: float) -> FactsAnswer | None:
        """Return the caller's facts, with the settings when the asker's are not the current ones."""
        self._read(deadline)
        enterprise = self.enterprises.get(question.enterprise_id)
        if enterprise is None:
            return None
        known = self.facts.get((question.enterprise_id, question.caller or ""), CallerFacts())
        newer = enterprise if enterprise.version != question.version else None
        return FactsAnswer(known._replace(source=Freshness.DATABASE), self.cache_epoch, self.all_switched_off, newer)

    def _read(self, deadline: float) -> None:
        self.reads += 1
        if self.down or deadline <= 0:
            raise DatabaseUnavailable("down")


class MemoryContents:
    """The ReleaseStore in a mapping; `down` makes it fail as an outage does."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.down = False

    async def put(self, sha256: str, packed: bytes) -> None:
        """Keep a text."""
        if self.down:
            raise StoreUnavailable("down")
        self.texts.setdefault(sha256, packed)

    async def get(self, sha256: str) -> bytes | None:
        """Return a text, None if it is not there."""
        if self.down:
            raise StoreUnavailable("down")
        return self.texts.get(sha256)


class MemoryLog:
    """Keeps decision records and refusals in lists."""

    def __init__(self) -> None:
        self.records: list[DecisionRecord] = []
        self.refusals: list[Refusal] = []

    def write(self, record: DecisionRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    def refused(self, refusal: Refusal) -> None:
        """Keep a refusal."""
        self.refusals.append(refusal)
