"""Whom each vendor's webhook names; what cannot be read names nobody."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.crm_hooks import hinted

HREF = "https://api.moysklad.ru/api/remap/1.2/entity/counterparty/7944ef04"


@pytest.mark.parametrize(
    ("vendor", "body", "ids"),
    [
        ("bitrix24", "event=ONCRMCONTACTUPDATE&data%5BFIELDS%5D%5BID%5D=5&ts=1", ("contact:5",)),
        ("bitrix24", "event=ONCRMCOMPANYDELETE&data[FIELDS][ID]=7", ("company:7",)),
        ("bitrix24", "event=OnCrmLeadAdd&data[FIELDS][ID]=9&auth[application_token]=x", ("lead:9",)),
        ("bitrix24", "event=ONCRMCONTACTUSERFIELDADD&data[FIELDS][ID]=9", ()),
        ("bitrix24", "event=ONUSERADD&data[FIELDS][ID]=7", ()),
        (
            "amocrm",
            "contacts[update][0][id]=5&contacts[update][0][name]=x&contacts[delete][1][id]=6",
            ("contact:5", "contact:6"),
        ),
        ("amocrm", "companies[add][0][id]=7", ("company:7",)),
        ("amocrm", "leads[update][0][id]=5", ()),
        ("moysklad", json.dumps({"events": [{"meta": {"type": "counterparty", "href": HREF}}]}), ("7944ef04",)),
        ("moysklad", json.dumps({"events": [{"meta": 5}, 7, {"meta": {"href": None}}]}), ()),
        ("uon", "uon_id=1&type_id=4&client_id=55", ("55",)),
        ("uon", json.dumps({"client_id": 55}), ("55",)),
        ("retailcrm", json.dumps({"ids": [5, "6", True, None, 5]}), ("5", "6")),
        ("generic", "id=5&id=6", ("5", "6")),
        ("generic", "", ()),
        ("generic", "[[[", ()),
        ("generic", "[" * 60_000, ()),
        ("generic", json.dumps({"id": "\x00\ud800"}), ()),
    ],
)
def test_a_webhook_names_whom_it_is_about(vendor: str, body: str, ids: tuple[str, ...]) -> None:
    assert hinted(vendor, body.encode("utf-8", "surrogatepass")) == ids


@given(st.sampled_from(["bitrix24", "amocrm", "moysklad", "uon", "generic"]), st.binary(max_size=200))
def test_no_body_is_an_error(vendor: str, body: bytes) -> None:
    assert all(0 < len(each) <= 200 and "\x00" not in each for each in hinted(vendor, body))


def test_a_flood_of_names_is_cut() -> None:
    assert len(hinted("generic", json.dumps({"ids": list(range(9000))}).encode())) == 500
