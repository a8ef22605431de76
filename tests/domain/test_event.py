"""Bodies as hosts send them: read or refused, never with the token in what is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.domain.event import EventKind, ReceivedEvent, read_posted

ID = "1795417798.12"


def kept(body: bytes) -> dict[str, object]:
    posted = read_posted(body)
    assert posted is not None
    return json.loads(posted.body)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[1]", b'"text"', b"{}", b"not json", b'{"Phone":"1"}', b'{"UniqueId":""}', b'{"UniqueId":"a b"}',
     b'{"UniqueId":["1795417798.12"]}', b'{"UniqueId":null}', b"[" * 4000, b'{"a":' * 800, b'[{"UniqueId":"1.2"}]'],
)  # fmt: skip
def test_what_is_no_event_is_refused(body):
    assert read_posted(body) is None


@pytest.mark.parametrize(
    "body",
    [b'{"UniqueId":"1795417798.12"}', b'\xef\xbb\xbf{"UniqueId":" 1795417798.12 "}', b'{"UniqueId":1795417798.12}'],
)
def test_a_unique_id_is_a_text_or_a_number(body):
    assert read_posted(body).unique_id == ID


def test_a_number_keeps_its_last_zero():
    assert read_posted(b'{"UniqueId":1795417798.10}').unique_id == "1795417798.10"


@pytest.mark.parametrize("name", ["Token", "token", "TOKEN", " Token "])
def test_no_spelling_of_the_token_is_kept(name):
    assert "sesame" not in read_posted(json.dumps({name: "sesame", "UniqueId": ID}).encode()).body


def test_the_token_is_read():
    assert read_posted(b'{"Token":"sesame","UniqueId":"1.2"}').token == "sesame"


def test_equal_reports_are_kept_as_equal_texts():
    one = read_posted(b'{"UniqueId":"1.2","Phone":"5","Trunk":"6","Token":"a"}')
    two = read_posted(b'{ "Token":" a ", "Trunk":"6", "Phone":"5", "UniqueId":"1.2" }')
    assert one.body == two.body


def test_cp1251_is_read():
    assert kept('{"UniqueId":"1.2","Phone":"Иван"}'.encode("cp1251")) == {"Phone": "Иван"}


def test_a_tab_in_a_name_is_read():
    assert kept(b'{"UniqueId":"1.2","Phone":"a\tb"}') == {"Phone": "a\tb"}


def test_what_postgresql_can_not_store_is_replaced():
    assert kept(rb'{"UniqueId":"1.2","Phone":"a\u0000\ud800b"}') == {"Phone": "a\ufffd\ufffdb"}


def test_lists_and_numbers_are_kept_as_texts():
    body = b'{"UniqueId":"1.2","Extensions":[150,"151",{"a":1}],"CallStatus":2,"Done":true,"No":null,"Deep":{"a":1}}'
    assert kept(body) == {"Extensions": ["150", "151"], "CallStatus": "2", "Done": "true"}


def test_an_injected_phone_is_nobodys():
    assert kept(b'{"UniqueId":"1.2","Phone":"1","Phone":"666","Trunk":"7"}') == {"Trunk": "7"}


def test_an_injected_key_says_nothing_and_the_first_token_counts():
    body = b'{"Token":"ours","UniqueId":"1.2","Phone":"1","Token":"theirs","CallStatus":"2","CallStatus":"0"}'
    assert (read_posted(body).token, kept(body)) == ("ours", {})


def test_a_quote_in_a_name_leaves_what_the_host_wrote():
    body = '{"Token":"t","UniqueId":"1.2","Phone":"ООО "Ромашка"","CallType":"0","Trunk":"7"}'.encode()
    assert (read_posted(body).token, kept(body)) == ("t", {"CallType": "0", "Trunk": "7"})


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    posted = read_posted(body)
    assert posted is None or posted.body.isascii()


@given(st.dictionaries(st.text(max_size=8), st.text() | st.lists(st.text(), max_size=3), max_size=5))
def test_any_object_survives_the_way_through_a_queue(fields):
    posted = read_posted(json.dumps({**fields, "UniqueId": ID}).encode())
    event = ReceivedEvent(EventKind.DIAL, posted.unique_id, posted.body, b"\x00\xff", "::1", 1.5)
    assert ReceivedEvent.of_message(event.message()) == event


@pytest.mark.parametrize(
    "text", ["", "7", "null", "[]", "{}", '["start","1.2","{}","zz","",1]', '["other","1","{}","","",1]']
)
def test_what_is_no_message_is_told(text):
    with pytest.raises(ValueError):  # noqa: PT011
        ReceivedEvent.of_message(text)
