"""The dialplan's functions, built and under Lambda's runtime client: built from the queue, given to a host from S3."""

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from smart_redirect.domain.token import token_hash
from tests.aws.bundle import Bundle
from tests.aws.conftest import KEY
from tests.aws.emulator import Emulator
from tests.aws.test_call_path import asked
from tests.fakes.aws import FakeAws
from tests.fakes.secrets_extension import FakeExtension
from tests.parity import Sent, rest_event

AGENT_KEY, OPERATOR_KEY = "agent-key-of-a-host-0123456789", "o" * 64
RELEASE = Sent("/api/dialplan/release", b"", (("Authorization", f"Bearer {AGENT_KEY}"),), "GET")
REGENERATE = Sent("/api/dialplan/0367/regenerate", b"", (("Authorization", f"Bearer {OPERATOR_KEY}"),))
OWN_FILES = b'{"files":[{"name":"extensions.conf","text":"[a]"}]}'
FILES = replace(RELEASE, method="PUT", path="/api/dialplan/host-files", body=OWN_FILES)
CHANGES = json.loads(Path("tests/events/dialplan_sqs.json").read_text(encoding="utf-8"))
SWEEP = json.loads(Path("tests/events/dialplan_sweep.json").read_text(encoding="utf-8"))


async def add_agent(url: str) -> None:
    connection = await asyncpg.connect(url)
    query = "INSERT INTO agent_keys (key_hash, key_id, enterprise_id, host_id) VALUES ($1, 1, 1, 1)"
    await connection.execute(query, token_hash(KEY.encode(), AGENT_KEY))
    await connection.close()


@pytest.fixture
def given(demo_url: str, extension: FakeExtension, variables: dict[str, str], aws: FakeAws) -> dict[str, str]:
    """The variables of the dialplan's functions: bucket, queue and the operator's key."""
    asyncio.run(add_agent(demo_url))
    extension.put("database", DATABASE_URL=demo_url)
    extension.put("operator", SMART_REDIRECT_OPERATOR_KEY=OPERATOR_KEY)
    places = {
        "SMART_REDIRECT_RELEASES_BUCKET": "releases",
        "SMART_REDIRECT_DIALPLAN_QUEUE_URL": f"{aws.url}/1/dialplan.fifo",
        "SMART_REDIRECT_SECRETS": "database,key,operator",
    }
    return {**variables, **aws.variables(), **places}


@pytest.fixture
def build(bundle: Bundle, given: dict[str, str]) -> Iterator[Emulator]:
    with Emulator(bundle.function("DialplanQueueFunction"), given) as emulator:
        yield emulator


@pytest.fixture
def http(bundle: Bundle, given: dict[str, str]) -> Iterator[Emulator]:
    with Emulator(bundle.function("DialplanHttpFunction"), given) as emulator:
        yield emulator


def text(answered: dict[str, Any]) -> str:
    body = answered["body"]
    return base64.b64decode(body).decode() if answered["isBase64Encoded"] else str(body)


def test_a_change_is_built_into_the_bucket_and_given_to_the_host(build: Emulator, http: Emulator, aws: FakeAws) -> None:
    assert build.invoke(CHANGES) == {"batchItemFailures": []}
    [stored] = [gzip.decompress(each).decode() for each in aws.objects.values()]
    answered = http.invoke(rest_event(RELEASE))
    assert (answered["statusCode"], text(answered)) == (200, stored)
    assert "[mngr31_0001363_1]" in stored


def test_a_release_in_gzip_arrives_whole(build: Emulator, http: Emulator, aws: FakeAws) -> None:
    build.invoke(CHANGES)
    packed = replace(RELEASE, headers=(*RELEASE.headers, ("Accept-Encoding", "gzip")))
    assert asked(http, rest_event(packed)).body in aws.objects.values()


def test_a_stranger_gets_no_release(http: Emulator) -> None:
    assert asked(http, rest_event(replace(RELEASE, headers=()))).status == 401


def test_the_operator_has_a_dialplan_built_at_once(http: Emulator, aws: FakeAws) -> None:
    assert asked(http, rest_event(REGENERATE)).status == 200
    assert len(aws.objects) == 1


def test_a_change_of_a_host_s_own_files_is_one_message_of_its_enterprise(http: Emulator, aws: FakeAws) -> None:
    assert asked(http, rest_event(FILES)).status == 204
    [sent] = aws.sent("sqs:SendMessage")
    assert (sent["MessageGroupId"], sent["MessageDeduplicationId"].partition("-")[0]) == ("1", "1")


def test_the_sweep_finds_what_no_message_told_of(bundle: Bundle, given: dict[str, str], aws: FakeAws) -> None:
    with Emulator(bundle.function("DialplanSweepFunction"), given) as sweep:
        assert sweep.invoke(SWEEP) == {"built": 1}
        assert sweep.invoke(SWEEP) == {"built": 0}
    assert len(aws.objects) == 1
