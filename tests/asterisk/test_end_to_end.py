"""All of it at once: the real service and its database, the agent, a real Asterisk, and calls placed with sipp."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.conftest import GOSUB_22, MACRO_16
from tests.asterisk.host import LINE
from tests.asterisk.scenario import answering_phone
from tests.asterisk.sip import wait_until
from tests.asterisk.site import OFFICE, Site, running_site


@pytest.fixture(params=[MACRO_16, GOSUB_22], ids=["16", "22"])
def site(request: pytest.FixtureRequest, memory_dir: Path, tmp_path: Path) -> Iterator[Site]:
    with running_site(request.param, memory_dir, tmp_path) as site:
        yield site


def test_a_known_caller_rings_her_manager(site: Site) -> None:
    manager = site.host.phone("150", answering_phone(100))
    site.call()
    invite = manager.wait_for("INVITE").text
    assert "Петрова Ольга" in invite
    assert site.host.hangup_event()["Extensions"] == "150"


def test_a_changed_follow_me_rings_another_phone_within_seconds(site: Site) -> None:
    site.sql(
        "UPDATE users SET follow_me_enabled = true WHERE id = 25; DELETE FROM follow_me_steps;"
        " INSERT INTO follow_me_steps VALUES (1, 25, 1, 2, ARRAY['152'])"
    )
    began = time.monotonic()
    done = site.run("dialplan", "deploy", *OFFICE, "--wait", "10")
    assert (done.returncode, time.monotonic() - began < 8) == (0, True), done.stderr
    other = site.host.phone("152", answering_phone(100))
    site.call()
    other.wait_for("INVITE")
    assert site.host.hangup_event()["Extensions"] == "152"


def test_a_line_that_is_switched_off_goes_its_own_way(site: Site) -> None:
    site.sql(f"UPDATE lines SET enabled = false WHERE line_id = '{LINE}'")
    assert site.run("dialplan", "deploy", *OFFICE, "--wait", "10").returncode == 0
    secretary = site.host.phone("152", answering_phone(100))
    site.call(hangs_up_ms=4000)
    secretary.wait_for("INVITE")


def test_a_new_extension_is_answered_once_it_is_loaded(site: Site) -> None:
    site.sql("UPDATE user_internal_phones SET number = '253' WHERE number = '153'")
    site.sql(
        "INSERT INTO user_internal_phones (enterprise_id, id, user_id, number) VALUES (1, 60, 27, '153');"
        " UPDATE user_extensions SET extension = '153'; UPDATE lines SET algorithms = '{crm}'"
    )
    wait_until(lambda: '"mngr60_0001363_1"' in site.server.ask().text, 10, "an answer with the new context")
    assert f"mngr60_{LINE}_1" in site.agent.loaded()


def test_pulling_the_plug_on_the_service_leaves_calls_on_their_line(site: Site) -> None:
    site.server.process.kill()
    site.server.process.wait()
    secretary = site.host.phone("152", answering_phone(100))
    site.call(hangs_up_ms=4000)
    secretary.wait_for("INVITE")
