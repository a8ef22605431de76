"""Whom a vendor's webhook names: hints only, so what cannot be read is no error and names nobody."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl

from smart_redirect.domain.crm_mirror import kept_id

_MOST = 500
_AMO = re.compile(r"(contacts|companies)\[(?:add|update|delete|restore|responsible)\]\[\d+\]\[id\]")
_BITRIX = re.compile(r"ONCRM(CONTACT|COMPANY|LEAD)(?:ADD|UPDATE|DELETE)", re.IGNORECASE)
Fields = list[tuple[str, str]]


def hinted(vendor: str, body: bytes) -> tuple[str, ...]:
    """Return the ids that a webhook of this vendor names, as the CRM writes them, at most 500."""
    text = body.decode("utf-8", "replace")
    document = _document(text)
    fields = [] if document is not None else parse_qsl(text, max_num_fields=None, errors="replace")
    found = map(kept_id, _READERS.get(vendor, _plain)(document, fields))
    return tuple(dict.fromkeys(each for each in found if each))[:_MOST]


def _document(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _bitrix(_: object, fields: Fields) -> Iterator[str]:
    """Read `event=ONCRMCONTACTUPDATE&data[FIELDS][ID]=5`: ids are unique within a kind only."""
    given = dict(fields)
    event = _BITRIX.fullmatch(given.get("event", ""))
    if event and given.get("data[FIELDS][ID]"):
        yield f"{event[1].lower()}:{given['data[FIELDS][ID]']}"


def _amo(_: object, fields: Fields) -> Iterator[str]:
    """Read `contacts[update][0][id]=5`: our ids say which kind it is."""
    for name, value in fields:
        found = _AMO.fullmatch(name)
        if found:
            yield f"{'contact' if found[1] == 'contacts' else 'company'}:{value}"


def _moysklad(document: object, _: Fields) -> Iterator[str]:
    """Read `events[].meta.href`: the id is the end of the address."""
    for event in _members(document, "events"):
        meta = event.get("meta") if isinstance(event, Mapping) else None
        href = meta.get("href") if isinstance(meta, Mapping) else None
        if isinstance(href, str):
            yield href.rstrip("/").rpartition("/")[2].partition("?")[0]


def _uon(document: object, fields: Fields) -> Iterator[str]:
    return _named(document, fields, "client_id")


def _plain(document: object, fields: Fields) -> Iterator[str]:
    """Read `{"ids": [...]}`, `{"id": ...}` or `id=…`: what a trigger of one's own sends."""
    yield from (str(each) for each in _members(document, "ids") if _is_id(each))
    yield from _named(document, fields, "id")


def _named(document: object, fields: Fields, name: str) -> Iterator[str]:
    if isinstance(document, Mapping) and _is_id(document.get(name)):
        yield str(document[name])
    yield from (value for key, value in fields if key == name)


def _members(document: object, name: str) -> list[object]:
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, list) else []


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


_READERS: Mapping[str, Callable[[object, Fields], Iterator[str]]] = {
    "bitrix24": _bitrix,
    "amocrm": _amo,
    "moysklad": _moysklad,
    "uon": _uon,
}
