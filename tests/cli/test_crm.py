"""The command line of the CRMs: connections in order, secrets that are never shown, mirrors and managers."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from smart_redirect.adapters.sealed import Seal
from smart_redirect.cli.main import main
from smart_redirect.domain.token import token_hash
from smart_redirect.local.demo import load_demo
from tests.fakes.crm.retailcrm import KEY as API_KEY
from tests.fakes.crm.retailcrm import MODULE, RetailCrm
from tests.fakes.crm.server import serving_beside, write_authority
from tests.fakes.crm.vendor import Customer

KEY = b"k" * 32
OFFICE = ("--enterprise", "0367")
SECRET = '{"api_key": "s3cret"}'


class Office:
    """The demo enterprise and the command line."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.url, self.capsys = url, capsys

    def run(self, action: str, *words: str) -> tuple[int, str]:
        code = main(["crm", action, *OFFICE, *words])
        captured = self.capsys.readouterr()
        return code, captured.out + captured.err

    def sql(self, query: str, *values: object) -> Any:
        async def read() -> Any:
            connection = await asyncpg.connect(self.url)
            try:
                return await connection.fetchrow(query, *values)
            finally:
                await connection.close()

        return asyncio.run(read())


@pytest.fixture
def office(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    async def prepare() -> None:
        connection = await asyncpg.connect(database_url)
        await load_demo(connection, KEY, 1)
        await connection.close()

    asyncio.run(prepare())
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SMART_REDIRECT_KEY", KEY.decode())
    return Office(database_url, capsys)


def test_connections_are_listed_in_the_order_of_asking(office: Office) -> None:
    code, text = office.run("list")
    assert code == 0
    assert text.splitlines() == [
        "1  1  retailcrm  RetailCRM  no credentials",
        "2  2  bitrix24  Битрикс24  no credentials",
    ]


def test_a_connection_is_added_where_it_is_wanted(office: Office) -> None:
    assert office.run("add", "--vendor", "uon", "--name", "U-ON", "--position", "1") == (0, "connection 3: U-ON\n")
    assert office.run("add", "--vendor", "generic", "--name", "1C")[0] == 0
    assert [line.split("  ")[3] for line in office.run("list")[1].splitlines()] == [
        "U-ON",
        "RetailCRM",
        "Битрикс24",
        "1C",
    ]


def test_credentials_are_read_from_the_standard_input_and_sealed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRET))
    code, text = office.run("set", "--connection", "RetailCRM", "--credentials", "-")
    assert (code, "s3cret" in text) == (0, False)
    row = office.sql("SELECT sealed, key_id FROM crm_connections WHERE id = 1")
    assert b"s3cret" not in row["sealed"]
    assert Seal(KEY, 1).open(row["sealed"], row["key_id"], 1, 1) == SECRET


@pytest.mark.parametrize("text", ["s3cret", '["s3cret"]', ""])
def test_credentials_that_are_no_object_are_refused_without_being_shown(
    office: Office, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    code, told = office.run("set", "--connection", "1", "--credentials", str(file))
    assert (code, "one JSON object" in told, "s3cret" in told) == (1, True, False)


def test_settings_are_laid_over_those_that_are_there(office: Office) -> None:
    office.run("set", "--connection", "1", "--set", "url=https://x.retailcrm.ru", "--set", "live=true", "--set", "a=1")
    office.run("set", "--connection", "1", "--set", "a=", "--enabled", "no", "--name", "Главная")
    row = office.sql("SELECT name, enabled, settings FROM crm_connections WHERE id = 1")
    assert (row["name"], row["enabled"]) == ("Главная", False)
    assert json.loads(row["settings"]) == {"url": "https://x.retailcrm.ru", "live": True}


def test_a_connection_becomes_the_primary(office: Office) -> None:
    office.run("set", "--connection", "Битрикс24", "--position", "1")
    assert [line.split("  ")[3] for line in office.run("list")[1].splitlines()] == ["Битрикс24", "RetailCRM"]


def test_a_webhook_s_address_is_shown_once_and_only_its_hmac_is_kept(office: Office) -> None:
    code, address = office.run("set", "--connection", "1", "--new-hook")
    _, api, crm, hook, secret = address.strip().split("/")
    row = office.sql("SELECT hook::text AS hook, hook_hash FROM crm_connections WHERE id = 1")
    assert (code, api, crm, row["hook"]) == (0, "api", "crm", hook)
    assert row["hook_hash"] == token_hash(KEY, secret)


def test_status_tells_what_is_not_synced_and_why(office: Office) -> None:
    code, text = office.run("status")
    assert (code, text.count("not synced: no credentials")) == (0, 2)


def test_status_tells_that_look_ups_are_refused_until_the_settings_change(office: Office) -> None:
    refused = "INSERT INTO crm_sync (enterprise_id, connection_id, look_ups_open_until)"
    office.sql(refused + " VALUES (1, 1, '2999-01-01 10:20:30+00')")
    assert "the CRM refuses look-ups: calls ask it again at 10:20:30 UTC" in office.run("status")[1]
    office.run("set", "--connection", "1", "--set", "live=true")
    assert "refuses look-ups" not in office.run("status")[1]


def test_a_sync_that_fails_says_why_and_shows_no_secret(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    office.run("add", "--vendor", "nobody's", "--name", "X", "--credentials", str(file))
    code, text = office.run("sync", "--connection", "X", "--full")
    assert (code, "error: " in text, "first load" in text, "s3cret" in text) == (1, True, True, False)
    assert office.run("status")[0] == 1


def test_a_connection_without_credentials_cannot_be_synced(office: Office) -> None:
    code, text = office.run("sync", "--connection", "1")
    assert (code, "without credentials" in text) == (1, True)


def test_managers_are_mapped_by_hand_over_what_the_crm_says(office: Office) -> None:
    managers = "INSERT INTO crm_managers VALUES (1, 1, '17', 'Анна', '151', true), (1, 1, '99', 'Олег', '999', false)"
    office.sql(managers)
    assert office.run("managers", "--connection", "1", "--map", "18=")[1].splitlines() == [
        "17  Анна  150 by hand",
        "99  Олег  999 from the CRM  not an extension of this enterprise, not active",
    ]
    assert "99  Олег  152 by hand  not active" in office.run("managers", "--connection", "1", "--map", "99=152")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "--connection", "нет"), "no connection нет"),
        (("set", "--connection", "1", "--set", "novalue"), "not NAME=VALUE"),
        (("add", "--vendor", "uon", "--name", "RetailCRM"), "already"),
        (("managers", "--connection", "1", "--map", "17"), "ID=EXTENSION"),
    ],
)
def test_what_cannot_be_done_says_why(office: Office, words: tuple[str, ...], said: str) -> None:
    code, text = office.run(*words)
    assert (code, said in text) == (1, True)


# --- against a CRM's strict fake


@pytest.fixture
def shop(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RetailCrm]:
    """The demo enterprise's first connection is an account of the fake."""
    vendor = RetailCrm()
    vendor.add_manager("17", "Иванова", "Анна", "150")
    vendor.add(Customer("Орлова", "Вера", ("+375447654321",), "17"))
    monkeypatch.setenv("SMART_REDIRECT_CRM_PRIVATE_NETWORKS", "127.0.0.0/8,::1/128")
    monkeypatch.setenv("SMART_REDIRECT_CRM_CA_FILE", write_authority(tmp_path))
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"api_key": API_KEY}))
    with serving_beside(vendor.fake) as port:
        settings = ("--set", f"url=https://localhost:{port}", "--set", f"module={MODULE}")
        office.run("add", "--vendor", "retailcrm", "--name", "Магазин", "--credentials", str(secret), *settings)
        yield vendor
    assert vendor.fake.refusals == []


def test_check_says_that_all_is_well_or_what_is_not(office: Office, shop: RetailCrm) -> None:
    code, text = office.run("check", "--connection", "Магазин")
    assert (code, "FAIL" in text) == (0, False)
    assert "managers: 1, 1 with an extension" in text
    shop.revoke()
    code, text = office.run("check", "--connection", "Магазин")
    assert (code, "FAIL  customers: CrmRefused" in text, API_KEY in text) == (1, True, False)


def test_lookup_shows_each_source_and_what_a_call_would_take(office: Office, shop: RetailCrm) -> None:
    code, text = office.run("lookup", "--phone", "80447654321")
    assert (code, "a call shows: nothing" in text) == (0, True)
    assert "Орлова Вера, responsible 17 at 150" in text
    office.run("sync", "--connection", "Магазин")
    code, text = office.run("lookup", "--phone", "80447654321")
    assert "a call shows: Орлова Вера (Магазин, mirror" in text
    assert "crm routes to: 150 (Магазин, mirror" in text


def test_lookup_of_what_is_no_phone_is_refused(office: Office, shop: RetailCrm) -> None:
    code, text = office.run("lookup", "--phone", "150")
    assert (code, "full public number" in text) == (1, True)


def test_lookup_of_one_connection_shows_its_word_alone(office: Office, shop: RetailCrm) -> None:
    office.run("sync", "--connection", "Магазин")
    office.sql("INSERT INTO crm_contacts VALUES (1, '+375447654321', 1, '1', 'Сидоров')")
    code, text = office.run("lookup", "--phone", "80447654321", "--connection", "Магазин")
    assert (code, [line.split(" (")[0] for line in text.splitlines()]) == (
        0,
        ["Магазин, mirror: Орлова Вера, responsible 17", "Магазин itself"],
    )
    _, text = office.run("lookup", "--phone", "80447654321", "--connection", "1")
    assert text == "RetailCRM, mirror: Сидоров, responsible nobody\n"
    assert "may not be asked now" in office.run("lookup", "--phone", "80447654321", "--connection", "2")[1]


def test_check_is_content_with_managers_who_are_mapped_by_hand_to_extensions_of_ours(
    office: Office, shop: RetailCrm
) -> None:
    shop.fake.codes.clear()
    for extension, code in (("999", 1), ("150", 0)):
        office.run("managers", "--connection", "Магазин", "--map", f"17={extension}")
        assert office.run("check", "--connection", "Магазин")[0] == code
    assert "1, 1 with an extension, 1 of them by hand" in office.run("check", "--connection", "Магазин")[1]
