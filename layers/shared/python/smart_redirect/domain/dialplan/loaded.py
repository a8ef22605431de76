"""What a host has loaded, read from the names of its contexts: which routes the service may answer."""

import hashlib
import re
from collections.abc import Iterable, Mapping

from smart_redirect.domain.enterprise import ContextPool

_POOLED = re.compile(r"mngr([0-9]{1,9})_([0-9][0-9A-Za-z_-]{1,39})_([0-9]{1,4})")
EMPTY = ContextPool(frozenset(), frozenset())


def is_ours(name: str) -> bool:
    """Tell whether a context is one of those that reports are about."""
    return name.startswith("mngr")


def names_hash(names: Iterable[str]) -> tuple[int, str]:
    """Return how many names there are, and the SHA-256 of the sorted names joined with line feeds."""
    ordered = sorted(set(names))
    return len(ordered), hashlib.sha256("\n".join(ordered).encode()).hexdigest()


def pool_of(names: Iterable[str], steps: Mapping[int, int]) -> ContextPool:
    """Return the routes whose whole chain is there.

    `steps` is how many contexts the chain of each internal id has in the release that is loaded; of an id that it does
    not name, the contexts from the first to the last that is there must be without a gap.
    """
    chains: dict[tuple[int, str], set[int]] = {}
    for name in names:
        if found := _POOLED.fullmatch(name):
            chains.setdefault((int(found[1]), found[2]), set()).add(int(found[3]))
    whole = {
        (internal_id, line)
        for (internal_id, line), there in chains.items()
        if there >= set(range(1, steps.get(internal_id, max(there)) + 1))
    }
    ids, lines = frozenset(each for each, _ in whole), frozenset(line for _, line in whole)
    missing = ((each, line) for each in ids for line in lines if (each, line) not in whole)
    return ContextPool(ids, lines, frozenset(f"mngr{each}_{line}_1" for each, line in missing))
