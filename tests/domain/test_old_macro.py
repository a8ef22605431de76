"""The model of the old macro agrees with what the real one was seen to do."""

import pytest

from tests.fakes.old_macro import goes_to, read

CONTEXT = "mngr31_0001363_1"
LOADED = frozenset({CONTEXT})
LINE = "line"

SEEN = [
    pytest.param('{"Name":"Иван Петров","DialPlan":"mngr31_0001363_1"}', "Иван Петров", CONTEXT, id="name-and-route"),
    pytest.param('{"Name":"","DialPlan":"mngr31_0001363_1"}', "", CONTEXT, id="route-without-name"),
    pytest.param(
        '{"Name":"ООО \\"Ромашка\\"","DialPlan":"mngr31_0001363_1"}', "ООО \\Ромашка\\", CONTEXT, id="escaped-quotes"
    ),
    pytest.param('{"Name":"Ann :)","DialPlan":"mngr31_0001363_1"}', "", LINE, id="unbalanced-bracket"),
    pytest.param(
        '{"Name":"\\u0418\\u0432","DialPlan":"mngr31_0001363_1"}', "\\u0418\\u0432", CONTEXT, id="escaped-letters"
    ),
    pytest.param('{"Name":"ab","DialPlan":null}', "", LINE, id="29-bytes"),
    pytest.param('{"Name":"ab","DialPlan":null,"Pad":"1"}', "ab", LINE, id="padded"),
    pytest.param('{"Name":"abc","DialPlan":null}', "abc", LINE, id="30-bytes"),
    pytest.param('{"Name":"","DialPlan":null}', "", LINE, id="nothing"),
    pytest.param("", "", LINE, id="empty-body"),
    pytest.param("{}", "", LINE, id="empty-object"),
    pytest.param(
        '{"Name":"Ann (Minsk)","DialPlan":"mngr31_0001363_1"}', "Ann (Minsk)", CONTEXT, id="balanced-brackets"
    ),
    pytest.param('{"Name":"Ann","DialPlan":"mngr31_0001363_1"}\r\n', "Ann", CONTEXT, id="trailing-white-space"),
    pytest.param('{"Name":"null","DialPlan":"mngr31_0001363_1"}', "", CONTEXT, id="the-name-null"),
    pytest.param('{"detail":"Token header is required"}', ":Token header is required", LINE, id="error-body"),
]

DROPPED = [
    pytest.param('{"Name":null,"DialPlan":"mngr31_0001363_1"}', id="name-null"),
    pytest.param('{"Name":"Иванов, Иван","DialPlan":"mngr31_0001363_1"}', id="comma-in-name"),
    pytest.param('{"Name": "Иван", "DialPlan": "mngr31_0001363_1"}', id="spaces"),
    pytest.param('{"DialPlan":"mngr31_0001363_1","Name":"Иван"}', id="route-first"),
    pytest.param('{"Name":"Иван","DialPlan":"mngr99_0001363_1"}', id="unknown-context"),
    pytest.param('{"Name":"Иван","DialPlan":true}', id="route-true"),
    pytest.param('{"Name":"Иван","DialPlan":12}', id="route-number"),
    pytest.param('{"Name":"Иван","DialPlan":"mngr31_00013', id="cut-in-the-route"),
    pytest.param('{"detail":[{"type":"missing","loc":["body","Phone"]}]}', id="validation-error"),
]


@pytest.mark.parametrize(("body", "name", "destination"), SEEN)
def test_the_model_reads_what_the_macro_was_seen_to_read(body: str, name: str, destination: str) -> None:
    assert read(body.encode())[0] == name
    assert goes_to(body.encode(), LOADED) == destination


@pytest.mark.parametrize("body", DROPPED)
def test_the_model_drops_the_calls_that_the_macro_was_seen_to_drop(body: str) -> None:
    assert goes_to(body.encode(), LOADED) == "dropped"


def test_a_reply_of_more_than_4095_bytes_loses_its_route() -> None:
    fits = b'{"Name":"%b","DialPlan":"mngr31_0001363_1"}' % (b"x" * 4054)

    assert len(fits) == 4095
    assert goes_to(fits, LOADED) == CONTEXT
    assert goes_to(fits.replace(b'"x', b'"xx'), LOADED) == LINE


def test_a_bracket_that_closes_after_30_bytes_does_no_harm() -> None:
    name = "Ann from the bakery in Minsk :)"

    assert read(f'{{"Name":"{name}","DialPlan":"{CONTEXT}"}}'.encode()) == (name, CONTEXT)
