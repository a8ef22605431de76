"""Our tables that an import of settings fills, and the difference between what it wants there and what is there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smart_redirect.domain.platform.values import Row

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours: its key within the enterprise and the columns that the import sets.

    Rows of a table with a parent belong to the parent's row: those that the platform no longer has are removed.
    `kept` tables never lose a row to an import, `unique` columns must not repeat.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...] = ()
    parent: str = ""
    kept: bool = False
    unique: tuple[str, ...] = ()

    def key_of(self, row: Row) -> Key:
        """Return what tells a row from the others."""
        return tuple(row[column] for column in self.key)

    def unique_of(self, row: Row) -> Key | None:
        """Return what must not repeat, None if the row has nothing of it."""
        values = tuple(row[column] for column in self.unique)
        return values if values and None not in values else None


_NAMES = ("first_name", "last_name", "patronymic", "email", "personal_phone")
_TRUNK = ("kind", "name", "phone_number", "prefix")
_ORDERS = ("line_name_order", "customer_name_order", "shop_name_order")

ENTERPRISES = Table("enterprises", ("number",), ("name", "country", "time_zone", "mode"), kept=True)
CALL_TOKENS = Table("call_tokens", ("token_hash",), ("key_id",), kept=True)
DIAL_SCHEMAS = Table("dial_schemas", ("schema_id",), ("name", "type", "data"), unique=("type", "name"))
USERS = Table("users", ("id",), (*_NAMES, "follow_me_number", "follow_me_enabled"), unique=("follow_me_number",))
PHONES = Table("user_internal_phones", ("id",), ("user_id", "number", "outgoing_schema_id"), unique=("number",))
STEPS = Table("follow_me_steps", ("user_id", "step"), ("rings", "numbers"), parent="users")
LINES = Table(
    "lines",
    ("line_id",),
    (*_TRUNK, "in_schema_id", "out_schema_id", "enabled", "do_routing", "algorithms", *_ORDERS),
)
SHOPS = Table("shops", ("id",), ("name",))
SHOP_LINES = Table("shop_lines", ("shop_id", "line_id"), parent="shops")
CONNECTIONS = Table("crm_connections", ("id",), ("vendor", "name", "position", "enabled"), kept=True)
USER_EXTENSIONS = Table("user_extensions", ("connection_id", "manager_id"), ("extension",), parent="crm_connections")
DEPARTMENTS = Table("departments", ("id",), ("name", "number"), unique=("number",))
MEMBERS = Table("department_members", ("department_id", "internal_id"), parent="departments")

# In the order of writing: what others refer to comes first.
TABLES = (
    *(ENTERPRISES, CALL_TOKENS, DIAL_SCHEMAS, USERS, PHONES, STEPS, LINES, SHOPS, SHOP_LINES),
    *(CONNECTIONS, USER_EXTENSIONS, DEPARTMENTS, MEMBERS),
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done with one table; `moved` are keys whose unique columns change, `only_ours` stay."""

    table: Table
    new: tuple[Row, ...] = ()
    changed: tuple[Row, ...] = ()
    gone: tuple[Row, ...] = ()
    moved: tuple[Row, ...] = ()
    same: int = 0
    only_ours: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.new or self.changed or self.gone)


def compare(table: Table, wanted: Sequence[Row], present: Iterable[Row], owners: frozenset[object] | None) -> Changes:
    """Return the difference; rows only we have go when their owner, the first of the key, is among `owners`.

    `owners` None means that all of them go.
    """
    ours = {table.key_of(row): row for row in present}
    theirs = {table.key_of(row): row for row in wanted}
    lost = [row for key, row in ours.items() if key not in theirs]
    gone = tuple(row for row in lost if owners is None or row[table.key[0]] in owners)
    changed = tuple(row for key, row in theirs.items() if key in ours and _differ(table, row, ours[key]))
    new = tuple(row for key, row in theirs.items() if key not in ours)
    return Changes(
        table,
        new,
        changed,
        gone,
        moved=tuple(row for row in changed if table.unique_of(row) != table.unique_of(ours[table.key_of(row)])),
        same=len(theirs) - len(new) - len(changed),
        only_ours=len(lost) - len(gone),
    )


def _differ(table: Table, one: Row, other: Row) -> bool:
    return any(one[column] != other[column] for column in table.columns)


def compare_all(
    wanted: Mapping[str, Sequence[Row]], present: Mapping[str, Sequence[Row]], *, prune: bool
) -> tuple[Changes, ...]:
    """Return the differences of all tables that the platform has something to say about, in the order of writing."""
    return tuple(
        compare(table, wanted[table.name], present.get(table.name, ()), _owners(table, wanted, prune))
        for table in TABLES
        if table.name in wanted
    )


def _owners(table: Table, wanted: Mapping[str, Sequence[Row]], prune: bool) -> frozenset[object] | None:
    if table.parent:
        return frozenset(row["id"] for row in wanted[table.parent])
    return None if prune and not table.kept else frozenset()
