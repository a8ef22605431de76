"""The schedule refreshes likely callers beside the syncs, and whatever one of them does the other goes on."""

import json

from smart_redirect.bootstrap.cache_warm import ScheduleHandler
from tests.conftest import run
from tests.functions.test_cache_warm import Context, Vendors, schedule, sql, url, vendors

__all__ = ["schedule", "url", "vendors"]
PHONE = "+375291000000"
LIKELY = (
    """UPDATE crm_connections SET settings = '{"live": true}' WHERE enterprise_id = 1 AND id = 1""",
    f"INSERT INTO crm_misses VALUES (1, 1, '{PHONE}', now() + interval '60 s')",
    f"INSERT INTO calls (enterprise_id, unique_id, started_at, caller) VALUES (1, 'x', now(), '{PHONE}')",
    """INSERT INTO decisions (decided_at, enterprise_id, mode, reason, trace, sources, timings)
        VALUES (now(), 1, 'off', 'x', '[]', '[]', '{}')""",
    "SELECT 1",
)


def test_a_turn_refreshes_who_is_likely_beside_the_syncs(url: str, schedule: ScheduleHandler) -> None:
    run(sql(url, *LIKELY))
    assert schedule({}, Context()) == {"done": 1, "refreshed": {"callers": 1, "failures": 0}}
    known = f"SELECT name FROM crm_contacts WHERE enterprise_id = 1 AND connection_id = 1 AND phone = '{PHONE}'"
    assert run(sql(url, known)) == "Клиент 0"


def test_a_connection_without_live_look_ups_is_only_synced(url: str, schedule: ScheduleHandler) -> None:
    run(sql(url, *LIKELY[1:]))
    assert schedule({}, Context()) == {"done": 1}


def test_what_a_turn_tells_can_be_answered_by_lambda(url: str, schedule: ScheduleHandler, vendors: Vendors) -> None:
    run(sql(url, *LIKELY))
    vendors.crm.failure = ValueError("s3cret")
    told = json.dumps(schedule({}, Context()))
    assert json.loads(told) == {"failed": 1, "refreshed": {"callers": 0, "failures": 1}}
