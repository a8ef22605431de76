"""Migrations and decision records, built and under Lambda's runtime client."""

import asyncio
import base64
import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.aws.bundle import Bundle
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import GOOD, asked
from tests.conftest import MIGRATIONS, Server, execute
from tests.fakes.aws import FakeAws
from tests.fakes.secrets_extension import FakeExtension
from tests.parity import rest_event

HOOK = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}
WATCH, MAINTAIN = (json.loads(Path(f"tests/events/upkeep_{run}.json").read_text()) for run in ("watch", "maintain"))
STATUS = "codedeploy:PutLifecycleEventHookExecutionStatus"


async def value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.fixture
def empty_url(postgres: Server, database_names: Iterator[str]) -> Iterator[str]:
    name = next(database_names)
    postgres.execute(f"CREATE DATABASE {name}")
    yield postgres.tcp(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def migrate(bundle: Bundle, aws: FakeAws, variables: dict[str, str]) -> Iterator[Emulator]:
    with Emulator(bundle.function("MigrateFunction"), {**variables, **aws.variables()}) as emulator:
        yield emulator


@pytest.fixture
def store(bundle: Bundle, demo_url: str, extension: FakeExtension, variables: dict[str, str]) -> Iterator[Emulator]:
    extension.put("database", DATABASE_URL=demo_url)
    with Emulator(bundle.function("StoreDecisionsFunction"), variables) as emulator:
        yield emulator


def delivery(*messages: str) -> dict[str, Any]:
    """What CloudWatch Logs sends to a subscription."""
    events = [{"id": str(number), "timestamp": 0, "message": each} for number, each in enumerate(messages)]
    text = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events})
    return {"awslogs": {"data": base64.b64encode(gzip.compress(text.encode())).decode()}}


def printed(call_path: Emulator) -> str:
    """A decision record as the call path prints it."""
    asked(call_path, rest_event(GOOD))
    [line] = [line for line in call_path.output().splitlines() if '"trace"' in line]
    return line


def test_an_empty_database_gets_every_migration_of_the_bundle_once(
    migrate: Emulator, extension: FakeExtension, empty_url: str
) -> None:
    extension.put("database", DATABASE_URL=empty_url)
    names = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
    assert len(migrate.invoke({})["applied"]) == len(names)
    assert migrate.invoke({}) == {"applied": []}
    assert asyncio.run(value(empty_url, "SELECT count(*) FROM schema_migrations")) == len(names)


def test_codedeploy_is_told_that_new_code_may_run(
    migrate: Emulator, extension: FakeExtension, demo_url: str, aws: FakeAws
) -> None:
    extension.put("database", DATABASE_URL=demo_url)
    assert migrate.invoke(HOOK) == {"applied": []}
    told = {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "hook-1", "status": "Succeeded"}
    assert aws.sent(STATUS) == [told]


def test_codedeploy_is_told_that_it_may_not(migrate: Emulator, extension: FakeExtension, aws: FakeAws) -> None:
    extension.put("database", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert "errorMessage" in migrate.invoke(HOOK)
    assert [each["status"] for each in aws.sent(STATUS)] == ["Failed"]


def test_a_printed_decision_is_stored(store: Emulator, call_path: Emulator, demo_url: str) -> None:
    assert store.invoke(delivery("START RequestId: 1", printed(call_path), "{}")) == {"stored": 1, "refused": 0}
    assert asyncio.run(value(demo_url, "SELECT context FROM decisions")) == "mngr31_0001363_1"


def test_a_record_that_the_table_refuses_does_not_hold_up_the_others(
    store: Emulator, call_path: Emulator, demo_url: str
) -> None:
    good = printed(call_path)
    bad = json.dumps({**json.loads(good), "at": "soon"})
    assert store.invoke(delivery(bad, good)) == {"stored": 1, "refused": 1}
    assert asyncio.run(value(demo_url, "SELECT count(*) FROM decisions")) == 1


def test_while_the_database_is_away_the_delivery_fails_and_comes_again(
    bundle: Bundle, call_path: Emulator, extension: FakeExtension, variables: dict[str, str]
) -> None:
    line = printed(call_path)
    extension.put("database", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    with Emulator(bundle.function("StoreDecisionsFunction"), variables) as away:
        assert away.invoke(delivery(line))["errorType"] == "DatabaseUnavailable"


OLD_MIRROR = """
    WITH connected AS (
        UPDATE crm_connections SET sealed = 'x', key_id = 1 WHERE enterprise_id = 1 AND id = 1 RETURNING enterprise_id, id
    )
    INSERT INTO crm_sync (enterprise_id, connection_id, synced_at)
    SELECT enterprise_id, id, now() - interval '1 hour' FROM connected"""


@pytest.fixture
def upkeep(bundle: Bundle, demo_url: str, extension: FakeExtension, variables: dict[str, str]) -> Iterator[Emulator]:
    extension.put("database", DATABASE_URL=demo_url)
    with Emulator(bundle.function("UpkeepFunction"), variables) as emulator:
        yield emulator


def test_a_host_that_is_silent_and_a_change_that_waits_are_seen_and_are_metrics(
    upkeep: Emulator, demo_url: str
) -> None:
    asyncio.run(execute(demo_url, "UPDATE pbx_hosts SET install = 'whole-file'", OLD_MIRROR))
    seen = upkeep.invoke(WATCH)
    assert seen["silent_hosts"] == 1
    assert seen["oldest_change"] > 0
    assert 3600 <= seen["oldest_mirror"] < 3660
    [line] = [json.loads(line) for line in upkeep.output().splitlines() if line.startswith("{") and "_aws" in line]
    names = {each["Name"] for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert (names, line["SilentHosts"]) == ({"SilentHosts", "OldestChangeSeconds", "OldestMirrorMinutes"}, [1.0])
    assert 60 <= line["OldestMirrorMinutes"][0] < 61


def test_the_coming_months_have_their_partitions(upkeep: Emulator, demo_url: str) -> None:
    assert set(upkeep.invoke(MAINTAIN)) >= {"calls", "decisions"}
    parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'decisions'::regclass"
    assert asyncio.run(value(demo_url, parts)) >= 4


def test_a_connection_that_died_since_the_last_minute_is_replaced(
    upkeep: Emulator, postgres: Server, database: str
) -> None:
    upkeep.invoke(WATCH)
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    time.sleep(0.6)  # instead of the minute
    assert "silent_hosts" in upkeep.invoke(WATCH)
