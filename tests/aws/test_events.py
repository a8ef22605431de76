"""Call events, built and under Lambda's runtime client: into the queue before 202, out of it into the history."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.bundle import Bundle
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import asked
from tests.fakes.aws import FakeAws
from tests.fakes.pbx import KEY, Pbx, set_up
from tests.fakes.secrets_extension import FakeExtension
from tests.functions.test_callevent import GOOD, REQUESTS, ask_local_server, in_database
from tests.parity import Answered, http_event, rest_event

BATCH = json.loads(Path("tests/events/callevent_sqs.json").read_text(encoding="utf-8"))


@pytest.fixture
def given(variables: dict[str, str], aws: FakeAws) -> dict[str, str]:
    return {**variables, **aws.variables(), "SMART_REDIRECT_QUEUE_URL": f"{aws.url}/1/events.fifo"}


@pytest.fixture
def events(bundle: Bundle, database_url: str, extension: FakeExtension, given: dict[str, str]) -> Iterator[Emulator]:
    """The function that takes events."""
    extension.put("key", SMART_REDIRECT_KEY=KEY.decode())
    extension.put("database", DATABASE_URL=database_url)
    with Emulator(bundle.function("CallEventFunction"), given) as emulator:
        yield emulator


@pytest.fixture
def recorder(bundle: Bundle, database_url: str, extension: FakeExtension, given: dict[str, str]) -> Iterator[Emulator]:
    """The function that records them."""
    in_database(database_url, set_up)
    extension.put("database", DATABASE_URL=database_url)
    with Emulator(bundle.function("RecordEventsFunction"), given) as emulator:
        yield emulator


def test_every_event_gets_the_bytes_of_the_local_server(events: Emulator, tmp_path: Path) -> None:
    local = [ask_local_server(tmp_path, each) for each in REQUESTS.values()]
    assert [asked(events, rest_event(each)) for each in REQUESTS.values()] == local
    assert [asked(events, http_event(each)) for each in REQUESTS.values()] == local


def test_what_is_answered_202_is_in_the_queue_by_call(events: Emulator, aws: FakeAws) -> None:
    assert [asked(events, rest_event(GOOD)).status for _ in range(2)] == [202, 202]
    [first, again] = aws.sent("sqs:SendMessage")
    assert first["MessageGroupId"] == again["MessageGroupId"]
    assert first["MessageDeduplicationId"] == again["MessageDeduplicationId"]
    assert "sesame" not in json.dumps(aws.sent("sqs:SendMessage"))


def test_a_queue_that_takes_nothing_is_503_and_the_host_sends_again(events: Emulator, aws: FakeAws) -> None:
    aws.broken = True
    assert asked(events, rest_event(GOOD)) == Answered(503, b"{}")
    aws.broken = False
    assert asked(events, rest_event(GOOD)).status == 202


def test_a_batch_of_the_queue_is_recorded(recorder: Emulator, database_url: str) -> None:
    assert recorder.invoke(BATCH) == {"batchItemFailures": []}
    assert in_database(database_url, lambda connection: Pbx(None, connection).ends()) == ("150", "150")


def test_what_cannot_be_recorded_now_stays_in_the_queue(
    bundle: Bundle, extension: FakeExtension, given: dict[str, str]
) -> None:
    extension.put("database", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    with Emulator(bundle.function("RecordEventsFunction"), given) as recorder:
        kept = {each["itemIdentifier"] for each in recorder.invoke(BATCH)["batchItemFailures"]}
    assert kept >= {BATCH["Records"][0]["messageId"]}
