"""Cases of the queries about dialplans and hosts."""

from datetime import UTC, datetime, timedelta

from tests.adapters.tenants import Case

AT, MINUTE = datetime(2026, 1, 2, tzinfo=UTC), timedelta(seconds=60)
FREE = "UPDATE dialplan_leases SET until = '-infinity' WHERE enterprise_id = 1"
RELEASE = ("e" * 16, "f" * 64, "none", "asterisk16", "classic", 1, 1, "", "{}", "{}", ["x"], "[]")
REPORT = ("a" * 16, "a" * 16, 1, "", "", "16", "1", "auto", "done", None, False, "", AT)
DIALPLAN = {
    ("dialplan", "dirty"): Case((9,), FREE, is_of_all=True),
    ("dialplan", "outlive"): Case(
        (MINUTE,),
        "DELETE FROM dialplan_outbox; UPDATE dialplan_retired SET retired_at = now() WHERE enterprise_id = 2",
        is_of_all=True,
    ),
    ("dialplan", "mark"): Case((1, "x"), "ALTER SEQUENCE dialplan_outbox_id_seq RESTART WITH 9000"),
    ("dialplan", "enterprise_of"): Case(("0001",)),
    ("dialplan", "exists"): Case((1,)),
    ("dialplan", "claim"): Case((1, "me", MINUTE), FREE),
    ("dialplan", "give_up"): Case((1, 1)),
    ("dialplan", "hold"): Case((1, 1)),
    ("dialplan", "changes"): Case((1,)),
    ("dialplan", "forget"): Case((1, list(range(1000)))),
    ("dialplan", "model"): Case((1,)),
    ("dialplan", "hosts"): Case((1,)),
    ("dialplan", "retired"): Case((1, MINUTE * 999)),
    ("dialplan", "add_release"): Case((1, 1, *RELEASE), "ALTER SEQUENCE dialplan_releases_id_seq RESTART WITH 9000"),
    ("dialplan", "want"): Case((1, 1, 1000, "x", "[]")),
    ("dialplan", "retire"): Case((1, 1, ["mngr1_1"], AT, ["x"], ["1"], [1])),
    ("dialplan", "drop_retired"): Case((1, 1, ["mngr1_3"])),
    ("dialplan", "pin"): Case((1, 1, 1000)),
    ("dialplan", "unpin"): Case((1,), "UPDATE dialplan_hosts SET pinned = true"),
    ("hosts", "host_of"): Case((b"agent 1",)),
    ("hosts", "announce"): Case((1, 1, "a" * 16)),
    ("hosts", "release_named"): Case((1, 1, "a" * 16)),
    ("hosts", "state"): Case((1, 1)),
    ("hosts", "loaded"): Case((1, 1, '{"of": "x"}')),
    ("hosts", "report"): Case((1, 1, *REPORT)),
    ("hosts", "put_files"): Case((1, 1, "x", "{}")),
}
