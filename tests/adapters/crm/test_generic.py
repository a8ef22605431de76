"""What is a customer's own service's: templates that keep their host, paths, forms of a phone, the push contract."""

from collections.abc import AsyncIterator, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smart_redirect.adapters.crm import generic
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.templates import read_address, read_path
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Found
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.fakes.crm.server import FakeCrm, serving

PHONE = "+375291112233"
KNOWN = frozenset({"phone", "phone_plus"})
HOSTILE = [
    "@evil.test",
    "x/../..//evil.test",
    "\\evil.test",
    "#",
    "?a=b",
    "\r\nHost: evil.test",
    "%2e%2e",
    "ж",
    "{phone}",
]


class Own(FakeCrm):
    """Answers whatever a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: object = {}
        self.status = 200
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []

    def routes(self) -> Sequence[Route]:
        return [Route("/{path:path}", self.tell, methods=["GET", "POST"])]

    async def tell(self, request: Request) -> Response:
        body = (await request.body()).decode()
        fields = dict(parse_qsl(body)) if "form" in request.headers.get("content-type", "") else {"body": body}
        self.asked.append((str(request.url).partition("test")[2].partition("/")[2], fields, dict(request.headers)))
        return JSONResponse(self.answer, self.status)


@pytest.fixture
async def own(outbound: Outbound) -> AsyncIterator[tuple[Own, int, Outbound]]:
    fake = Own()
    async with serving(fake) as port:
        yield fake, port, outbound


async def no_wait() -> None:
    """Every request may be sent at once."""


def opened(own: tuple[Own, int, Outbound], path: str = "find?p={phone}", **settings: object) -> Crm:
    given_settings = {"url": f"https://own.example.test:{own[1]}/{path}", "path_name": "name", **settings}
    return generic.make(own[2], Access(given_settings, "BY", no_wait, MemoryTokens()))


# --- templates


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("text", ["https://own.test:444/{phone}/x?a={phone}", "https://own.test/?q={phone}"])
def test_a_value_changes_neither_host_nor_the_parts_of_an_address(text: str, value: str) -> None:
    filled = urlsplit(read_address("url", text, KNOWN).filled({"phone": value}))
    assert (filled.scheme, filled.netloc, filled.fragment) == ("https", urlsplit(text).netloc, "")
    assert dict(parse_qsl(filled.query, keep_blank_values=True)) == {urlsplit(text).query.partition("=")[0]: value}


@given(st.text())
def test_any_value_stays_within_its_part(value: str) -> None:
    value = value.encode("utf-8", "ignore").decode()
    filled = urlsplit(read_address("url", "https://own.test/a/{phone}/b", KNOWN).filled({"phone": value}))
    assert (filled.netloc, unquote(filled.path)) == ("own.test", f"/a/{value}/b")


@pytest.mark.parametrize(
    "text",
    [
        "https://{phone}/", "https://own.test{phone}/", "https://own.test:{phone}/", "{phone}", "https://{phone}@own.test/",
        "https://user@own.test/", "http://own.test/", "https:///x", "https://own.test/#{phone}", "https://own.test\\@evil.test/",
        "https://own.test/{other}", "https://own.test/{}", "https://own.test:99999/", "https://own.test/\nx", 5, None, "",
    ],
)  # fmt: skip
def test_an_address_whose_host_could_change_is_refused(text: object) -> None:
    with pytest.raises(CrmRefused, match="the setting url"):
        read_address("url", text, KNOWN)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": [1, {"c": "x"}]}),
        ("a.b[1].c", "x"),
        ("a.b[0]", 1),
        ("a.b[7].c", None),
        ("a.x.y", None),
        ("a[0]", None),
    ],
)
def test_paths_name_members_and_places(path: str, found: object) -> None:
    read = read_path("path", path)
    assert read is not None
    assert read.read(Json({"a": {"b": [1, {"c": "x"}]}})).value == found


@pytest.mark.parametrize("path", ["a..b", ".a", "a.", "a[x]", "a[", "[12345678]", "$.a", 5][:6])
def test_what_is_no_path_is_refused(path: object) -> None:
    with pytest.raises(CrmRefused, match="path_name"):
        read_path("path_name", path)


# --- look-ups


@pytest.mark.parametrize(
    ("answer", "settings", "found"),
    [
        ({"name": "Ольга", "ext": 150}, {"path_extension": "ext"}, ("Ольга", "extension:150", "150")),
        ({"name": "Ольга", "m": 17, "ext": "150"}, {"path_extension": "ext", "path_responsible": "m"}, ("Ольга", "17", "150")),
        ([{"name": "Ольга"}, {"name": "Анна"}], {}, ("Ольга", None, None)),
        ({"ok": True, "name": "Ольга"}, {"path_found": "ok"}, ("Ольга", None, None)),
        ({"d": [{"n": {"f": "Ольга", "l": "П"}}]}, {"path_found": "d", "path_last": "n.l", "path_first": "n.f"}, ("П Ольга", None, None)),
    ],
)  # fmt: skip
async def test_what_a_service_says_is_read_by_the_paths(
    own: tuple[Own, int, Outbound],
    answer: object,
    settings: dict[str, object],
    found: tuple[str, str | None, str | None],
) -> None:
    own[0].answer = answer
    given_back = await opened(own, **settings).lookup(PHONE, 5.0)
    first = given_back.people[0]
    assert (first.name, first.responsible_id, dict(given_back.extensions).get(first.responsible_id or "")) == found
    assert first.phones == (PHONE,)


@pytest.mark.parametrize(
    ("answer", "settings"),
    [({}, {}), ([], {}), ({"ok": False, "name": "x"}, {"path_found": "ok"}), ({"n": 0}, {"path_found": "n"})],
)
async def test_nobody_is_told_in_many_ways(
    own: tuple[Own, int, Outbound], answer: object, settings: dict[str, object]
) -> None:
    own[0].answer = answer
    assert await opened(own, **settings).lookup(PHONE, 5.0) == Found()


async def test_a_status_404_is_nobody(own: tuple[Own, int, Outbound]) -> None:
    own[0].status = 404
    assert await opened(own).lookup(PHONE, 5.0) == Found()


async def test_each_form_of_a_phone_is_tried_until_somebody_has_it(own: tuple[Own, int, Outbound]) -> None:
    await opened(own, phone_forms=["phone", "phone_trunk", "phone_national"]).lookup(PHONE, 5.0)
    assert [each[0] for each in own[0].asked] == ["find?p=375291112233", "find?p=80291112233", "find?p=291112233"]


@pytest.mark.parametrize("kind", ["form", "json"])
async def test_a_body_is_sent_with_its_placeholders_filled(own: tuple[Own, int, Outbound], kind: str) -> None:
    crm = opened(own, "find", body={"tel": "{phone_plus}", "k": "v"}, body_type=kind)
    await crm.lookup(PHONE, 5.0)
    fields = own[0].asked[0][1]
    expected = {"tel": PHONE, "k": "v"} if kind == "form" else {"body": '{"tel": "+375291112233", "k": "v"}'}
    assert fields == expected


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"auth": "basic", "user": "u", "password": "p"}, ("authorization", "Basic dTpw")),
        ({"auth": "bearer", "token": "t"}, ("authorization", "Bearer t")),
        ({"auth": "header", "header": "X-Own", "value": "v"}, ("x-own", "v")),
    ],
)
async def test_a_service_may_want_its_own_kind_of_proof(
    own: tuple[Own, int, Outbound], settings: dict[str, object], header: tuple[str, str]
) -> None:
    await opened(own, **settings).lookup(PHONE, 5.0)
    assert own[0].asked[0][2][header[0]] == header[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"auth": "digest"}, {"auth": "basic", "user": "u"}, {"auth": "header", "header": "Host", "value": "x"},
        {"auth": "header", "header": "a b", "value": "x"}, {"phone_forms": ["fax"]}, {"phone_forms": ["phone"] * 4},
        {"list_url": "https://own.test/{page}"}, {"path_name": "a..b"}, {"path_name": ""}, {"body": "x"},
        {"body": {"a": "{nobody}"}}, {"contract": "soap"}, {"list_url": "https://{page}/"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused(own: tuple[Own, int, Outbound], settings: dict[str, object]) -> None:
    with pytest.raises(CrmRefused):
        opened(own, **settings)


async def test_without_a_list_nothing_is_mirrored_and_nothing_is_dropped(own: tuple[Own, int, Outbound]) -> None:
    crm = opened(own)
    page = await crm.changes(None)
    assert (page.changes, page.more, (await crm.changes(page.cursor)).cursor) == ((), False, page.cursor)
    assert ((await crm.ids(None)).cursor, await crm.people(("1",)), await crm.managers()) == (None, (), ())
    assert own[0].asked == []


# --- the push contract


def cmd(own: tuple[Own, int, Outbound], **settings: object) -> Crm:
    given_settings = {"contract": "cmd", "url": f"https://own.example.test:{own[1]}/crm.php", "crm_token": "S3cret"}
    return generic.make(own[2], Access({**given_settings, **settings}, "BY", no_wait, MemoryTokens()))


async def test_the_push_contract_asks_as_cloud_pbxs_do(own: tuple[Own, int, Outbound]) -> None:
    own[0].answer = {"contact_name": "Петрова Ольга", "responsible": 150}
    found = await cmd(own).lookup(PHONE, 5.0)
    assert (found.people[0].name, found.people[0].responsible_id, found.extensions) == (
        "Петрова Ольга",
        "150",
        (("150", "150"),),
    )
    path, fields, _ = own[0].asked[0]
    assert (path, fields["cmd"], fields["phone"], fields["crm_token"]) == (
        "crm.php",
        "contact",
        "375291112233",
        "S3cret",
    )
    assert "S3cret" not in path


async def test_a_login_is_mapped_by_hand(own: tuple[Own, int, Outbound]) -> None:
    own[0].answer = {"contact_name": "Ольга", "responsible": "anna"}
    found = await cmd(own, responsible_is="login").lookup(PHONE, 5.0)
    assert (found.people[0].responsible_id, found.extensions) == ("anna", ())


async def test_an_empty_object_is_nobody(own: tuple[Own, int, Outbound]) -> None:
    assert await cmd(own).lookup(PHONE, 5.0) == Found()


@pytest.mark.parametrize(("status", "error"), [(401, CrmRefused), (400, CrmMalformed)])
async def test_a_refusal_is_told(own: tuple[Own, int, Outbound], status: int, error: type[Exception]) -> None:
    own[0].status, own[0].answer = status, {"error": "x"}
    with pytest.raises(error):
        await cmd(own).lookup(PHONE, 5.0)


async def test_the_contract_lists_nobody(own: tuple[Own, int, Outbound]) -> None:
    crm = cmd(own)
    page = await crm.changes(None)
    assert (page.changes, page.more, (await crm.ids(None)).external_ids) == ((), False, ())
    with pytest.raises(CrmMalformed):
        await crm.changes('{"page": 1}')
