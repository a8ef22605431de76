"""What a release keeps of its dialplan: enough to say what the next one changes, and which contexts it retires."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from smart_redirect.domain.dialplan.plan import Context, Dialplan, NumberChain, Pool, Shelter
from smart_redirect.domain.dialplan.priorities import priorities


@dataclass(frozen=True, slots=True)
class ContextOutline:
    """A context outside the pool: what it was made of, how many priorities it has, and a digest of what it does."""

    name: str
    origin: str
    priorities: int
    shelter: Shelter
    digest: str


@dataclass(frozen=True, slots=True)
class Outline:
    """A built dialplan without its text; it grows with lines + extensions, not with their product."""

    whole: bool = True
    pool: Pool = field(default_factory=Pool)
    chains: tuple[NumberChain, ...] = ()
    contexts: tuple[ContextOutline, ...] = ()

    def names(self) -> Iterator[str]:
        """Name every context that a call may be sent to."""
        yield from (context.name for context in self.contexts)
        for chain in self.chains:
            yield from chain.names()
        yield from self.pool.names()

    def __len__(self) -> int:
        """Count the contexts."""
        return len(self.contexts) + sum(len(chain.rings) for chain in self.chains) + len(self.pool)


def outline(dialplan: Dialplan) -> Outline:
    """Return the outline of a dialplan; its tombstones are not among the contexts."""
    contexts = tuple(_context(context) for context in dialplan.contexts)
    return Outline(dialplan.whole, dialplan.pool, dialplan.chains, contexts)


def _context(context: Context) -> ContextOutline:
    longest = max(priorities(entry.steps) for entry in context.entries)
    shelter = Shelter.LINE if context.inbound else Shelter.HANGUP
    digest = hashlib.sha256(repr((context.entries, context.end)).encode()).hexdigest()[:16]
    return ContextOutline(context.name, context.origin, longest, shelter, digest)
