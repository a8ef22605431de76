"""Cases of the queries about calls: history, decisions, upkeep, and the import of calls."""

import json
from ipaddress import ip_address

from tests.adapters.tenants import NEW, PHONE, STARTED, Case

CALL = (0, "1.1", STARTED)
TALKS = ("a", STARTED, "150", 31, 25, "b", STARTED, "150", 31, 25)
RECORD = {
    "at": STARTED, "enterprise": "0001", "host": 1, "call": "1.1", "line": "0001363", "phone": PHONE, "mode": "off",
    "shadow": False, "name": "я", "context": None, "algorithm": None, "reason": "mode_off", "trace": [], "sources": {}, "ms": {},
}  # fmt: skip
IMPORTED = {
    "unique_id": "3.3", "started_at": STARTED, "phone": PHONE, "caller": PHONE, "line_id": "0001363", "call_type": 0,
    "status": "answered", "answered_at": STARTED, "ended_at": STARTED, "talks": [],
}  # fmt: skip
RUNG = {"extension": "150", "ring_order": 1, "internal_id": 31, "user_id": 25, "status": "answered"}
PARTICIPANT = {**RUNG, "unique_id": "3.3", "started_at": STARTED, "answered_at": STARTED}
HISTORY = {
    "phone": PHONE, "first_call": "a", "first_at": STARTED, "first_extension": "150", "first_internal_id": 31,
    "first_user_id": 25, "last_call": "b", "last_at": STARTED, "last_extension": "150", "last_internal_id": 31,
    "last_user_id": 25,
}  # fmt: skip
EARLIER = "UPDATE calls SET started_at = started_at - interval '1 s' WHERE enterprise_id = 2"
FIRST_TALK = """UPDATE calls SET talks = '[["777", 1.0, 31, 25]]' WHERE enterprise_id = 2"""
OLD_CALLS = """UPDATE {table} SET started_at = started_at - interval '5 days';
    UPDATE enterprises SET calls_kept_days = 1 WHERE id = 1"""
OLD_DECISIONS = """UPDATE decisions SET decided_at = decided_at - interval '5 days';
    UPDATE enterprises SET decisions_kept_days = 1 WHERE id = 1"""
OLD_RELEASES = """INSERT INTO dialplan_releases (enterprise_id, host_id, name, sha256, install, dialect, shape, size, contexts,
        contexts_sha256, pool, outline, created_at)
    SELECT enterprise_id, id, repeat('c', 16), repeat('d', 64), 'none', 'asterisk16', 'classic', 1, 1, '', '{}', '{}',
        CASE enterprise_id WHEN 1 THEN now() - interval '99 days' ELSE now() END
    FROM pbx_hosts, generate_series(1, 12)"""
CALLS = {
    ("history", "origin"): Case((b"token 1", ip_address("192.0.2.1"))),
    ("history", "lock_start"): Case((1, 0, "1.1")),
    ("history", "stored_start"): Case((1, 0, "1.1"), EARLIER),
    ("history", "make_call"): Case((1, 0, "3.3", STARTED)),
    ("history", "lock_call"): Case((1, *CALL)),
    ("history", "find_extensions"): Case((1, ["150", "777"])),
    ("history", "save_call"): Case(
        (1, *CALL, NEW, NEW, "0001363", 0, "answered", STARTED, STARTED, json.dumps([RUNG]), "[]", "[]")
    ),
    ("history", "lock_caller"): Case((1, PHONE)),
    ("history", "caller_history"): Case((1, PHONE)),
    ("history", "other_talks"): Case((1, PHONE, 0, "9.9", False), FIRST_TALK),
    ("history", "save_history"): Case((1, PHONE, *TALKS)),
    ("history", "remove_history"): Case((1, PHONE)),
    ("decisions", "insert_decisions"): Case((json.dumps([RECORD]),)),
    ("upkeep", "expired_decisions"): Case((), OLD_DECISIONS),
    ("upkeep", "expired_calls"): Case((), OLD_CALLS.format(table="calls")),
    ("upkeep", "expired_call_participants"): Case((), OLD_CALLS.format(table="call_participants")),
    ("upkeep", "expired_dialplan_releases"): Case((), OLD_RELEASES),
    ("import_calls", "names"): Case((1, [PHONE])),
    ("import_calls", "put_names"): Case((1, [PHONE, NEW], ["я", "я"])),
    ("import_calls", "known_calls"): Case((1, ["1.1"], STARTED - 9, STARTED + 9)),
    ("import_calls", "put_calls"): Case((1, json.dumps([IMPORTED]))),
    ("import_calls", "put_participants"): Case((1, json.dumps([PARTICIPANT]))),
    ("import_calls", "lock_callers"): Case((1, [PHONE])),
    ("import_calls", "histories"): Case((1, [PHONE])),
    ("import_calls", "put_histories"): Case((1, json.dumps([HISTORY]))),
}
