"""The contexts of the office itself: where calls come in, what employees dial, and the departments."""

from collections.abc import Iterable, Iterator

from smart_redirect.domain.dialplan import text
from smart_redirect.domain.dialplan.directory import Directory
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.follow_me import SECONDS_PER_RING
from smart_redirect.domain.dialplan.model import Department, Extension
from smart_redirect.domain.dialplan.plan import (
    ANY_NUMBER,
    DIAL_EXECUTE,
    FROM_OUT_OFFICE,
    LINES,
    OUTGOING_BY_EXTENSION,
    PLUS_NUMBER,
    Context,
    Entry,
    NumberChain,
)
from smart_redirect.domain.dialplan.pool import WITHOUT_FOLLOW_ME_S, Fallbacks
from smart_redirect.domain.dialplan.steps import (
    Answer,
    AskService,
    Begin,
    CallKind,
    Desk,
    DialAs,
    Hangup,
    Jump,
    LeaveOffice,
    LineIs,
    Nothing,
    Record,
    Ring,
    RingPhones,
    RouteGiven,
    Step,
    TakeLine,
)

DEPARTMENT_S = 12 * SECONDS_PER_RING


def from_out_office(book: Directory, fallbacks: Fallbacks, *, hook: bool) -> Context:
    """Return where calls come in: the hook, then each line's own scheme; what has none goes to the first available."""
    ask: tuple[Step, ...] = (AskService(), Jump("", RouteGiven())) if hook else (Nothing(), Nothing())
    lines = [Jump(fallbacks.by_line[line.id], LineIs(line.id)) for line in book.lines if line.id in fallbacks.by_line]
    last: Step = Jump(fallbacks.first) if fallbacks.first else Hangup()
    record: Step = Record() if book.model.recording else Nothing()
    head: tuple[Step, ...] = (Answer(), record, TakeLine(), Begin(CallKind.INBOUND), *ask)
    entry = Entry(ANY_NUMBER, (*head, *lines, last), LINES, len(head))
    return Context(FROM_OUT_OFFICE, (entry,), "incoming calls")


def dial_execute(
    book: Directory, departments: Iterable[tuple[Department, Context]], chains: Iterable[NumberChain], found: Findings
) -> Context:
    """Return what employees dial: extensions, departments, follow-me numbers, and numbers outside."""
    entries: dict[str, Entry] = {each.number: _extension(each) for each in book.extensions}
    others = [(each.number, context.name, f"department {each.id}") for each, context in departments]
    others += [(each.number, f"mngr{each.user_id}_1", f"user {each.user_id}, follow-me") for each in chains]
    for number, context, row in others:
        if number in entries:
            found.error(Kind.DUPLICATE_NUMBER, row, f"its number {number} is already taken")
        entries[number] = Entry(number, (Jump(context),))
    ordered = [entries[number] for number in sorted(entries, key=text.numeric)]
    outside = [Entry(pattern, (LeaveOffice(),)) for pattern in (ANY_NUMBER, PLUS_NUMBER)]
    return Context(DIAL_EXECUTE, (*ordered, *outside), "internal calls", inbound=False)


def _extension(extension: Extension) -> Entry:
    ring = Ring(extension.number, (Desk(extension.number),), WITHOUT_FOLLOW_ME_S)
    return Entry(extension.number, (Begin(CallKind.INTERNAL), RingPhones(ring), Hangup()))


def outgoing_by_extension(book: Directory) -> Context | None:
    """Return which outgoing context an extension's own calls take; an extension without one cannot call outside."""
    entries = [
        Entry(each.number, (DialAs(context),))
        for each in book.extensions
        if (context := book.outgoing.get(each.out_scheme or ""))
    ]
    if not entries:
        return None
    return Context(OUTGOING_BY_EXTENSION, tuple(entries), "outgoing schemes of extensions", end=False, inbound=False)


def departments(book: Directory, found: Findings) -> Iterator[tuple[Department, Context]]:
    """Yield the departments that have somebody to ring, with their contexts."""
    by_id = {each.internal_id: each.number for each in book.extensions}
    for department in sorted(book.model.departments, key=lambda each: (each.number, each.id, repr(each))):
        row = f"department {department.id}"
        if not text.is_extension(department.number) or len(department.number) < 2:
            found.error(Kind.UNSAFE_TEXT, row, f"number {department.number!r} is not 2 to 10 digits")
            continue
        members = sorted((by_id[each] for each in set(department.members) if each in by_id), key=text.numeric)
        for foreign in sorted(set(department.members) - set(by_id)):
            found.error(Kind.FOREIGN_EXTENSION, row, f"internal id {foreign} is no extension of this enterprise")
        if members:
            yield department, _department(book.model.number, department.number, members, row)
        else:
            found.warn(Kind.NOTHING_TO_RING, row, "is left out: it has no members")


def _department(enterprise: str, number: str, members: list[str], row: str) -> Context:
    ring = Ring(members[0], tuple(Desk(each) for each in members), DEPARTMENT_S)
    steps: tuple[Step, ...] = (Begin(CallKind.INTERNAL), RingPhones(ring), Hangup())
    name = text.short_hash(f"dep-{enterprise}-{number}")
    return Context(name, (Entry(ANY_NUMBER, steps),), row, inbound=False)
