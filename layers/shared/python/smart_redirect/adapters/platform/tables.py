"""Which tables and columns of the platform an import reads; passwords and keys of its own are never among them."""

from dataclasses import dataclass

_NUMBER = "enterprise_number::text = $1"


@dataclass(frozen=True, slots=True)
class Source:
    """A table of the platform: `required` columns must be there, the others are read if they are.

    `optional` tables may be missing; `scope` is the condition that leaves one enterprise, whose number is $1.
    """

    table: str
    required: tuple[str, ...]
    others: tuple[str, ...] = ()
    optional: bool = False
    scope: str = _NUMBER

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns that are of use."""
        return (*self.required, *self.others)


_LINE = ("in_schema", "out_schema", "prefix")
_USER = ("email", "first_name", "last_name", "patronymic", "personal_phone")
_FOLLOW_ME = ("follow_me_number", "follow_me_enabled", "follow_me_steps")

SETTINGS = (
    Source(
        "enterprises",
        ("number", "name"),
        ("name2", "host", "ip", "active", "is_enabled", "integrations_config"),
        scope="number::text = $1",
    ),
    Source("users", ("id", "enterprise_number"), (*_USER, *_FOLLOW_ME)),
    Source("user_internal_phones", ("id", "phone_number", "enterprise_number"), ("user_id", "outgoing_schema_id")),
    Source("gsm_lines", ("id", "line_id", "enterprise_number"), ("line_name", "phone_number", "shop", *_LINE)),
    Source(
        "sip_unit", ("id", "line_name", "enterprise_number"), ("info", "phone_number", "incoming_transform", *_LINE)
    ),
    Source(
        "dial_schemas",
        ("schema_id", "enterprise_id", "schema_name", "schema_data", "schema_type"),
        scope="enterprise_id::text = $1",
    ),
    Source("shops", ("id", "name", "enterprise_number"), optional=True),
    Source("shop_lines", ("shop_id", "gsm_line_id", "enterprise_number"), optional=True),
    Source("shop_sip_lines", ("shop_id", "sip_line_id", "enterprise_number"), optional=True),
    Source("departments", ("id", "name", "number", "enterprise_number"), optional=True),
    Source(
        "department_members",
        ("department_id", "internal_phone_id"),
        optional=True,
        scope=f"department_id IN (SELECT d.id FROM departments d WHERE d.{_NUMBER})",
    ),
)
CUSTOMERS = Source(
    "customers",
    ("phone_e164", "enterprise_number"),
    ("last_name", "first_name", "enterprise_name"),
    optional=True,
)
CALLS = Source(
    "calls",
    ("id", "unique_id", "enterprise_id"),
    ("timestamp", "start_time", "end_time", "phone_number", "trunk", "main_extension", "call_type", "call_status"),
    optional=True,
    scope="enterprise_id::text = $1",
)
PARTICIPANTS = Source(
    "call_participants",
    ("call_id", "extension", "participant_status"),
    ("ring_order", "answer_time"),
    optional=True,
)
