"""What is put into an address can change neither its host nor another part of it, and paths are what they say."""

from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_redirect.adapters.crm.generic_paths import read_path, read_paths
from smart_redirect.adapters.crm.generic_url import read_template
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.errors import CrmRefused

ALLOWED = frozenset({"id", "phone"})
HOSTILE = [
    "@evil.example", "#x", "//evil.example/", "\\\\evil.example", "\r\nHost: evil.example", "..", "../../admin", "?a=b",
    "&admin=1", "%2F..%2F", "https://evil.example/", "{phone}", "\x00", "\ud800", "：／／", " ", "a;b", "+",
]  # fmt: skip


def template(text: object) -> object:
    return read_template({"url": text}, "url", ALLOWED)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("rest", ["/{id}", "/a/{id}/b", "/a?q={id}", "?q={id}&r=1", "/a.{id}"])
def test_no_value_leads_elsewhere(rest: str, value: str) -> None:
    filled = read_template({"url": "https://crm.example.by:8443" + rest}, "url", ALLOWED).fill({"id": value})
    url = httpx.URL("https://crm.example.by:8443" + filled)
    assert (url.scheme, url.host, url.port, url.userinfo, url.fragment) == ("https", "crm.example.by", 8443, b"", "")
    assert (url.raw_path.count(b"/"), url.raw_path.count(b"&")) == (max(rest.count("/"), 1), rest.count("&"))


@given(st.text(max_size=60))
def test_a_value_arrives_as_it_is(value: str) -> None:
    filled = read_template({"url": "https://crm.example.by/a?q={id}"}, "url", ALLOWED).fill({"id": value})
    parts = urlsplit(str(httpx.URL("https://crm.example.by" + filled)))
    expected = value.encode("utf-8", "replace").decode()
    assert (parts.netloc, unquote(parts.query.removeprefix("q="))) == ("crm.example.by", expected)


@pytest.mark.parametrize(
    "text",
    [
        "http://crm.example.by/{id}", "https://{id}/", "https://crm.{id}.by/", "https://crm.example.by:{id}/",
        "{id}://crm.example.by/", "https://crm.example.by{id}", "https://user:secret@crm.example.by/{id}",
        "https://crm.example.by/{id}#x", "https://crm.example.by\\@evil.example/", "https://crm.example.by/{other}",
        "https://crm.example.by/{id", "https://crm.example.by/id}", "https://crm.example.by/{{id}}",
        "https://crm.example.by/{}", "https://crm.example.by/\r\nX: y", "https:///{id}", "https://", "", None, 5, ["x"],
        "https://crm%2eexample.by/", "https://crm.example.by:99999/", "ftp://x/", "https://crm.example.by/\x7f",
        "https://crm.example.by/" + "a" * 3000,
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(CrmRefused, match="url"):
        template(text)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", [1]), ("$.a", [1]), ("b.c", ["x"]), ("d[0].e", [1]), ("d[*].e", [1, 2]), ("d[1].f", [[8]]),
        ("d[9].e", []), ("d.e", []), ("a.b", []), ("нет", []), ("Имя.Фамилия", ["Ш"]), ("n", []), ("d[*].f[*]", [7, 8]),
        ("with space", [3]), ("b[0]", []),
    ],
)  # fmt: skip
def test_a_path_leads_to_what_is_there(path: str, found: list[object]) -> None:
    document = {
        "a": 1, "b": {"c": "x"}, "d": [{"e": 1, "f": [7]}, {"e": 2, "f": [8]}], "Имя": {"Фамилия": "Ш"}, "n": None,
        "with space": 3,
    }  # fmt: skip
    read = read_path({"p": path}, "p")
    assert read is not None
    assert [each.value for each in read.all(Json(document))] == found


def test_the_dollar_is_all_of_it() -> None:
    read = read_path({"p": "$"}, "p")
    assert read is not None
    assert read.first(Json([1])).value == [1]


@pytest.mark.parametrize(
    "path", ["a..b", "a.", ".", "a[x]", "a[?(@.b)]", "a[0", "a]", "a[-1]", "a[0]b", "..", 5, "a" * 501]
)
def test_a_path_that_is_none_is_refused(path: object) -> None:
    with pytest.raises(CrmRefused, match="the setting p"):
        read_path({"p": path}, "p")


@pytest.mark.parametrize("given_paths", ["a, b.c", ["a", "b.c"]])
def test_several_paths_are_a_list_or_have_commas(given_paths: object) -> None:
    assert len(read_paths({"p": given_paths}, "p")) == 2
    assert read_paths({}, "p") == ()
