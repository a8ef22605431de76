"""Cases of the queries that import settings; the tokens of both are given for the first: the other's stays his."""

import json

from tests.adapters.tenants import Case

TOKENS = [{"token_hash": f"token {number}".encode().hex(), "key_id": 2} for number in (1, 2)]
PUT: dict[str, list[dict[str, object]]] = {
    "put_enterprises": [{"number": each, "name": "я", "mode": "name-only"} for each in ("0001", "0002")],
    "put_call_tokens": TOKENS,
    "put_dial_schemas": [{"schema_id": "s", "name": "я", "type": "incoming", "data": {}}],
    "put_users": [
        {"id": 25, "first_name": "я", "last_name": "я", "patronymic": "", "follow_me_number": 200, "follow_me_enabled": True}
    ],
    "put_user_internal_phones": [{"id": 31, "user_id": 25, "number": "151", "outgoing_schema_id": "s"}],
    "put_follow_me_steps": [{"user_id": 25, "step": 1, "rings": 4, "numbers": ["151"]}],
    "put_lines": [
        {"line_id": "0001363", "kind": "gsm", "name": "я", "prefix": "", "in_schema_id": "s", "enabled": False}
        | {"do_routing": True, "algorithms": ["crm"], "line_name_order": 1}
    ],
    "put_shops": [{"id": 1, "name": "я"}],
    "put_shop_lines": [{"shop_id": 1, "line_id": "0001363"}],
    "put_crm_connections": [{"id": 1, "vendor": "uon", "name": "я", "position": 1, "enabled": False}],
    "put_user_extensions": [{"connection_id": 1, "manager_id": "17", "extension": "151"}],
    "put_departments": [{"id": 1, "name": "я", "number": "301"}],
    "put_department_members": [{"department_id": 1, "internal_id": 31}],
    "park_dial_schemas": [{"schema_id": "s"}],
    "park_users": [{"id": 25}],
    "park_user_internal_phones": [{"id": 31}],
    "park_departments": [{"id": 1}],
}  # fmt: skip
BEFORE = {
    "put_shop_lines": "DELETE FROM shop_lines WHERE enterprise_id = 1",
    "put_department_members": "DELETE FROM department_members WHERE enterprise_id = 1",
    "park_users": "UPDATE users SET follow_me_number = 200",
}
SHOPS = {"table": "shops", "compared": "id::text", "columns": "id", "typed": "id text"}
NEW = {"number": "0003", "name": "новый", "country": "BY", "time_zone": "Europe/Minsk", "mode": "off"}
SETTINGS = {
    ("import_settings", "enterprise"): Case(("0001",)),
    ("import_settings", "lock_enterprise"): Case(("0001",)),
    ("import_settings", "settings"): Case((1,)),
    ("import_settings", "add_enterprise"): Case(
        (json.dumps([NEW]),), "ALTER SEQUENCE enterprises_id_seq RESTART WITH 50"
    ),
    ("import_settings", "drop_rows"): Case((1, '[{"id": "1"}]'), fill=SHOPS),
    **{
        ("import_settings", name): Case((1, json.dumps(rows)), BEFORE.get(name, ""))
        for name, rows in PUT.items()
    },
}  # fmt: skip
