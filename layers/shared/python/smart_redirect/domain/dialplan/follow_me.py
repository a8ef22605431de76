"""Follow-me: the steps of a user as rings, and the chain behind the number that colleagues dial for it."""

from collections.abc import Iterable

from smart_redirect.domain.dialplan import text
from smart_redirect.domain.dialplan.directory import Directory, Owner, target
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.model import FollowMeStep, User
from smart_redirect.domain.dialplan.plan import NumberChain
from smart_redirect.domain.dialplan.steps import Desk, Ring, Target

SECONDS_PER_RING = 5
_RINGS = range(1, 21)


def rings(user: User, book: Directory, found: Findings) -> tuple[Ring, ...]:
    """Return the rings of a user's follow-me, first to last; empty when it is off or has nothing to ring.

    A step with nothing to ring is left out, and the chain closes over it.
    """
    if not user.follow_me_enabled:
        return ()
    steps = sorted(user.follow_me_steps, key=lambda step: (step.step, repr(step)))
    for number in _twice(steps):
        found.error(Kind.DUPLICATE_NUMBER, f"user {user.id}, follow-me step {number}", "is there twice")
    made = (_ring(step, user, book, found) for step in steps)
    return tuple(ring for ring in made if ring)


def _twice(steps: list[FollowMeStep]) -> set[int]:
    numbers = [step.step for step in steps]
    return {number for number in numbers if numbers.count(number) > 1}


def _ring(step: FollowMeStep, user: User, book: Directory, found: Findings) -> Ring | None:
    owner = Owner(f"user {user.id}, follow-me step {step.step}", user.id)
    if step.rings not in _RINGS:
        found.error(Kind.RING_TIME, owner.row, f"{step.rings} rings are not from {_RINGS[0]} to {_RINGS[-1]}")
        return None
    ring = ring_of(step.numbers, owner, step.rings * SECONDS_PER_RING, (book, found))
    if ring is None:
        found.warn(Kind.NOTHING_TO_RING, owner.row, "is left out: it has nothing to ring")
    return ring


def ring_of(numbers: Iterable[str], owner: Owner, seconds: int, context: tuple[Directory, Findings]) -> Ring | None:
    """Return the ring of these numbers, each once, or None when none of them can be rung."""
    book, found = context
    read = (target(number, owner, book, found) for number in numbers)
    targets = tuple(dict.fromkeys(each for each in read if each is not None))
    return Ring(_credited(targets, owner, book), targets, seconds) if targets else None


def _credited(targets: tuple[Target, ...], owner: Owner, book: Directory) -> str:
    """Return the smallest internal number among them, else the user's smallest."""
    desks = [each.number for each in targets if isinstance(each, Desk)]
    if desks:
        return min(desks, key=text.numeric)
    return book.smallest(owner.user_id) if owner.user_id is not None else ""


def number_chains(by_user: dict[int, tuple[Ring, ...]], book: Directory, found: Findings) -> tuple[NumberChain, ...]:
    """Return the chains of the users whose follow-me has a number of its own, in the order of these numbers."""
    chains = []
    for user in book.users:
        if not (user.follow_me_number and by_user.get(user.id)):
            continue
        row = f"user {user.id}"
        if not text.is_extension(user.follow_me_number) or len(user.follow_me_number) < 2:
            found.error(Kind.UNSAFE_TEXT, row, f"follow-me number {user.follow_me_number!r} is not 2 to 10 digits")
        else:
            chains.append(NumberChain(user.id, user.follow_me_number, by_user[user.id]))
    return tuple(sorted(chains, key=lambda chain: (text.numeric(chain.number), chain.user_id)))
