"""One import under way: the platform's rows, what we have, the order given and the report, in one value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.tables import Key, Table
from smart_redirect.domain.platform.values import Row, mapping
from smart_redirect.domain.token import clean_token, token_hash

Instead = Callable[[Row], Row | None]
# A row of the platform: its table and its id.
Source = tuple[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the operator asks for; `now` is a Unix time, `gsm_digits` restores leading zeros of integer line ids."""

    number: str
    key: bytes
    key_id: int
    now: float
    dry_run: bool = False
    prune: bool = False
    country: str = "BY"
    time_zone: str = "Europe/Minsk"
    gsm_digits: int | None = None


@dataclass(frozen=True, slots=True)
class Theirs:
    """The settings of one enterprise as the platform has them; a table that it lacks is not in `tables`."""

    tables: Mapping[str, Sequence[Row]]

    def rows(self, table: str) -> Sequence[Row]:
        """Return a table's rows, none when the table is not there."""
        return self.tables.get(table, ())

    @property
    def enterprise(self) -> Row:
        """The enterprise itself."""
        return self.tables["enterprises"][0]

    @property
    def integrations(self) -> Row:
        """The column integrations_config."""
        return mapping(self.enterprise.get("integrations_config"))

    @property
    def smart(self) -> Row:
        """The settings of Smart Redirect."""
        return mapping(self.integrations.get("smart"))

    def token(self) -> str:
        """Return the token of the enterprise's hosts, empty if there is none that a header can carry."""
        value = self.enterprise.get("name2")
        token = clean_token(value) if isinstance(value, str) else ""
        return token if token.isascii() and token.isprintable() else ""

    def token_hash(self, order: Order) -> str:
        """Return the token's HMAC in hexadecimal, empty if there is no token."""
        return token_hash(order.key, self.token()).hex() if self.token() else ""


@dataclass(frozen=True, slots=True)
class Ours:
    """What our database has of the enterprise; `id` is 0 and `enterprise` None while it is not there."""

    id: int = 0
    enterprise: Row | None = None
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    another_has_token: bool = False

    def rows(self, table: Table) -> Sequence[Row]:
        """Return a table's rows."""
        return self.tables.get(table.name, ())


@dataclass(frozen=True, slots=True)
class Move:
    """Everything that the mapping of a table reads, and the report that it adds to."""

    theirs: Theirs
    ours: Ours
    order: Order
    report: Report


def settle(move: Move, table: Table, rows: Iterable[tuple[Source, Row]], instead: Instead) -> tuple[Row, ...]:
    """Return the rows, each with where it is from, but for what repeats a key or a unique value.

    `instead` makes another row of one whose unique value is taken, by an earlier one or by one that only we have.
    """
    listed = sorted(rows, key=lambda pair: table.key_of(pair[1]))
    taken = _held_by_others(move, table, {table.key_of(row) for _, row in listed})
    kept: dict[Key, Row] = {}
    for source, row in listed:
        key = table.key_of(row)
        if key in kept:
            move.report.left_out(*source, "the same id stands in an earlier row")
            continue
        settled: Row | None = row
        value = table.unique_of(row)
        if value is not None and value in taken:
            settled = _free(instead(row), table, taken)
            _say(move, table, source, (taken[value], settled))
        if settled is not None:
            kept[key] = settled
            _take(taken, table.unique_of(settled), f"row {'/'.join(map(str, key))}")
    return tuple(kept.values())


def _take(taken: dict[Key | None, str], value: Key | None, holder: str) -> None:
    if value is not None:
        taken.setdefault(value, holder)


def _free(row: Row | None, table: Table, taken: Mapping[Key | None, str]) -> Row | None:
    """Return what stands instead of a row, None if its unique value is taken as well."""
    return None if row is None or table.unique_of(row) in taken else row


def _held_by_others(move: Move, table: Table, wanted: set[Key]) -> dict[Key | None, str]:
    if move.order.prune or not table.unique:
        return {}
    others = (row for row in move.ours.rows(table) if table.key_of(row) not in wanted)
    return {
        value: f"row {table.key_of(row)[0]}, which only our database has"
        for row in others
        if (value := table.unique_of(row)) is not None
    }


def _say(move: Move, table: Table, source: Source, what: tuple[str, Row | None]) -> None:
    holder, settled = what
    columns = " and ".join(table.unique)
    if settled is None:
        move.report.left_out(*source, f"its {columns} belongs to {holder}")
    else:
        changed = ", ".join(f"{column} is now {settled[column]}" for column in table.unique if column != "type")
        move.report.repaired(*source, f"its {columns} belongs to {holder}: {changed}")
