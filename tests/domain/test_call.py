"""The request that a host's macro pasted together is read, whatever a caller's name did to it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_redirect.domain.call import CallRequest, read_request
from smart_redirect.domain.event import read_posted

SENT = '{"UniqueId":"1795417798.0","Phone":"%s","TrunkId":"0001363","LoadDialPlan":"true"}'


def body(phone: str) -> bytes:
    return (SENT % phone).encode()


def test_reads_what_hosts_send() -> None:
    expected = CallRequest("1795417798.0", "+375291112233", "0001363", load_dialplan=True)
    assert read_request(body("+375291112233")) == expected


@pytest.mark.parametrize("phone", ["", "anonymous", "Ivan Petrov", "Иван", "9" * 128])
def test_keeps_the_phone_as_sent(phone: str) -> None:
    assert read_request(body(phone)).phone == phone


def test_a_comma_in_the_name_spoils_the_line() -> None:
    request = read_request(b'{"UniqueId":"1.0","Phone":"Petrov","TrunkId":" Ivan","LoadDialPlan":"true"}')
    assert (request.phone, request.line_id) == ("Petrov", "Ivan")


def test_a_key_added_by_the_caller_costs_the_identity_and_not_the_line() -> None:
    request = read_request(body('1","Phone":"+375291112233","TrunkId":"0001366'))
    assert (request.phone, request.line_id, request.damaged) == ("", "0001363", True)


INJECTED = '1","Token":"evil","Phone":"2'


@pytest.mark.parametrize("phone", [INJECTED, f'a"b{INJECTED}'], ids=["json", "broken"])
def test_the_hosts_own_token_stands_before_the_one_that_a_caller_adds(phone: str) -> None:
    sent = body(phone).replace(b"{", b'{"Token":"good",', 1)
    posted = read_posted(sent)
    assert posted is not None
    assert (read_request(sent).token, posted.token) == ("good", "good")


@pytest.mark.parametrize("phone", ['Ivan "Big" Petrov', 'a"b', 'x"}', "\\"])
def test_a_name_that_breaks_the_json_leaves_the_line(phone: str) -> None:
    request = read_request(body(phone))
    assert (request.unique_id, request.phone, request.line_id) == ("1795417798.0", "", "0001363")
    assert request.load_dialplan
    assert request.damaged


def test_control_characters_and_cp1251_are_read() -> None:
    assert read_request(body("a\tb")).phone == "a\tb"
    assert read_request((SENT % "Иван").encode("cp1251")).phone == "Иван"


def test_a_body_cut_by_an_unbalanced_bracket_is_nothing() -> None:
    assert read_request(b'{"UniqueId":"1795417798.0","Phone":"Ann :') == CallRequest(damaged=True)


@pytest.mark.parametrize(
    ("value", "wanted"), [("true", True), ("TRUE", True), ("1", True), ("false", False), ("", False)]
)
def test_load_dialplan_is_a_text(value: str, wanted: bool) -> None:
    request = read_request(json.dumps({"LoadDialPlan": value}).encode())
    assert request.load_dialplan is wanted


def test_json_types_that_hosts_do_not_send_are_read_or_ignored() -> None:
    request = read_request(b'{"UniqueId":1,"Phone":["x"],"TrunkId":1363,"LoadDialPlan":true}')
    assert request == CallRequest("1", "", "1363", load_dialplan=True)


@settings(derandomize=True, max_examples=500)
@given(st.one_of(st.binary(), st.text().map(body)))
def test_never_raises(raw: bytes) -> None:
    assert isinstance(read_request(raw), CallRequest)


@settings(derandomize=True, max_examples=500)
@given(st.text())
def test_no_name_chooses_the_line(name: str) -> None:
    assert read_request(body(name)).line_id in {"0001363", ""}


@settings(derandomize=True, max_examples=500)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=4, max_size=4))
def test_the_usual_form_is_read_as_the_json_that_it_is(values: list[str]) -> None:
    keys = ("UniqueId", "Phone", "TrunkId", "LoadDialPlan")
    exact = json.dumps(dict(zip(keys, values, strict=True)), ensure_ascii=False, separators=(",", ":"))
    spaced = exact.replace('{"UniqueId"', '{ "UniqueId"')
    assert read_request(exact.encode()) == read_request(spaced.encode())
