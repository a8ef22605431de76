"""Who is who in one enterprise: its usable rows in a fixed order, and what a dialled number means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smart_redirect.domain.dialplan import text
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.model import Extension, Line, Model, User
from smart_redirect.domain.dialplan.steps import Desk, Outside, Target
from smart_redirect.domain.phone import normalise

# Fewer digits without a plus are an internal number, and then one of our own or a mistake.
_SHORTEST_OUTSIDE = 5


@dataclass(frozen=True)
class Directory:
    """The rows that can be written, sorted, and the indexes over them."""

    model: Model
    extensions: tuple[Extension, ...]
    lines: tuple[Line, ...]
    users: tuple[User, ...]
    by_number: Mapping[str, Extension]
    of_user: Mapping[int, tuple[Extension, ...]]
    follow_me: Mapping[str, int]
    own: frozenset[str]
    outgoing: Mapping[str, str]

    def smallest(self, user_id: int) -> str:
        """Return the user's smallest extension, or nothing."""
        return next((each.number for each in self.of_user.get(user_id, ())), "")

    def outgoing_of(self, user_id: int | None) -> str | None:
        """Return the context through which this user's calls leave: that of his smallest extension that has one."""
        if user_id is None:
            return None
        schemes = (each.out_scheme for each in self.of_user.get(user_id, ()) if each.out_scheme)
        return next((self.outgoing[scheme] for scheme in schemes if scheme in self.outgoing), None)


def directory(model: Model, outgoing: Mapping[str, str], found: Findings) -> Directory:
    """Sort and index the rows; those that cannot be written are left out and noted."""
    extensions = _extensions(model.extensions, found)
    lines = _lines(model.lines, found)
    users = _users(model.users, found)
    of_user: dict[int, tuple[Extension, ...]] = {}
    for each in extensions:
        if each.user_id is not None:
            of_user[each.user_id] = (*of_user.get(each.user_id, ()), each)
    return Directory(
        model=model,
        extensions=extensions,
        lines=lines,
        users=users,
        by_number={each.number: each for each in extensions},
        of_user=of_user,
        follow_me=_follow_me_numbers(users),
        own=_own_numbers(model),
        outgoing=outgoing,
    )


def _extensions(given: Iterable[Extension], found: Findings) -> tuple[Extension, ...]:
    usable: dict[str, Extension] = {}
    ids: set[int] = set()
    for each in sorted(given, key=lambda row: (row.number, row.internal_id, repr(row))):
        row = f"extension {each.number!r} (internal id {each.internal_id})"
        if not text.is_extension(each.number) or each.internal_id < 0:
            found.error(Kind.UNSAFE_TEXT, row, "is not 1 to 10 digits with an id of its own")
        elif each.number in usable:
            found.error(Kind.DUPLICATE_NUMBER, row, "is there twice")
        elif each.internal_id in ids:
            found.error(Kind.DUPLICATE_CONTEXT, row, "has the internal id of another extension")
        else:
            usable[each.number] = each
            ids.add(each.internal_id)
    return tuple(sorted(usable.values(), key=lambda row: text.numeric(row.number)))


def _lines(given: Iterable[Line], found: Findings) -> tuple[Line, ...]:
    usable: dict[str, Line] = {}
    for each in sorted(given, key=lambda row: (row.id, not row.enabled, repr(row))):
        row = f"line {each.id!r}"
        if not text.is_line_id(each.id):
            note = found.error if each.enabled else found.warn
            note(
                Kind.LINE_ID,
                row,
                "cannot be matched by _X. or written in a context's name: a digit, then letters, digits, _ or -",
            )
        elif each.id in usable:
            found.error(Kind.DUPLICATE_NUMBER, row, "is there twice")
        elif not text.is_prefix(each.prefix):
            found.error(Kind.UNSAFE_TEXT, row, "has a prefix with something else than digits, *, # and +")
        else:
            usable[each.id] = each
    return tuple(usable.values())


def _users(given: Iterable[User], found: Findings) -> tuple[User, ...]:
    usable: dict[int, User] = {}
    for each in sorted(given, key=lambda row: (row.id, repr(row))):
        if each.id < 0 or each.id in usable:
            found.error(Kind.DUPLICATE_CONTEXT, f"user {each.id}", "is there twice, or has no id of his own")
        else:
            usable[each.id] = each
    return tuple(usable.values())


def _follow_me_numbers(users: Iterable[User]) -> dict[str, int]:
    numbered = ((user.follow_me_number, user.id) for user in users)
    return {number: user_id for number, user_id in numbered if number}


def _own_numbers(model: Model) -> frozenset[str]:
    digits = {text.number(line.number) or "" for line in model.lines} | {line.id for line in model.lines}
    public = {normalise(line.number, model.country, line.area_code) or "" for line in model.lines if line.number}
    return frozenset(number.lstrip("+") for number in digits | public if number)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose row a number stands in: how findings name it, and the user, if there is one."""

    row: str
    user_id: int | None


def target(raw: str, owner: Owner, book: Directory, found: Findings) -> Target | None:
    """Return what a number rings, or None for one that is left out; findings say why."""
    number = text.number(raw)
    if number is None:
        found.error(Kind.UNDIALLABLE, owner.row, f"{raw!r} cannot be dialled")
        return None
    if number in book.by_number:
        return Desk(number)
    if number in book.follow_me:
        _note_follow_me(number, owner, book, found)
        return None
    return _outside(number, owner, book, found)


def _note_follow_me(number: str, owner: Owner, book: Directory, found: Findings) -> None:
    if book.follow_me[number] == owner.user_id:
        found.error(Kind.RINGS_ITSELF, owner.row, f"{number} is its own follow-me number")
    else:
        found.error(Kind.UNDIALLABLE, owner.row, f"{number} is a follow-me number; name the phones behind it")


def _outside(number: str, owner: Owner, book: Directory, found: Findings) -> Outside | None:
    digits = number.lstrip("+")
    if _is_own_line(number, book):
        found.error(Kind.OWN_LINE, owner.row, f"{number} is one of the enterprise's own lines")
    elif len(digits) < _SHORTEST_OUTSIDE:
        found.error(Kind.FOREIGN_EXTENSION, owner.row, f"{number} is no extension of this enterprise")
    elif (context := book.outgoing_of(owner.user_id)) is None:
        found.warn(Kind.NO_OUTGOING, owner.row, f"{number} is left out: the user has no outgoing scheme")
    else:
        return Outside(digits, context)
    return None


def _is_own_line(number: str, book: Directory) -> bool:
    areas = sorted({"", *(line.area_code for line in book.model.lines)})
    forms = {number, *(normalise(number, book.model.country, area) or "" for area in areas)}
    return any(form.lstrip("+") in book.own for form in forms if form)
