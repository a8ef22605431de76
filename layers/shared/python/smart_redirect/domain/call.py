"""The question of a host: the fields of its request, read from whatever bytes its macro pasted together."""

import json
import re
from typing import NamedTuple

# What hosts send unless a caller's name broke it: no quote, no backslash, no control character in any value.
_USUAL = re.compile(
    r'\{"UniqueId":"([^"\\\x00-\x1f]*)","Phone":"([^"\\\x00-\x1f]*)",'
    r'"TrunkId":"([^"\\\x00-\x1f]*)","LoadDialPlan":"([^"\\\x00-\x1f]*)"\}'
)
_TAIL = re.compile(r'","TrunkId":"([^"]*)","LoadDialPlan":"([^"]*)"\s*\}\s*$')
_HEAD = re.compile(r'^\s*\{(?:"Token":"([^"]*)",)?"UniqueId":"([^"]*)","Phone":"')
_TRUTHS = frozenset({"true", "1", "yes", "on"})


class CallRequest(NamedTuple):
    """What a host asks; `phone` and `line_id` are as sent, empty when they could not be read."""

    unique_id: str = ""
    phone: str = ""
    line_id: str = ""
    load_dialplan: bool = False
    token: str = ""
    damaged: bool = False


class _Fields(dict[str, object]):
    """The members of one JSON object; remembers whether a key came twice. The last counts, but the first Token."""

    repeated = False


def _members(pairs: list[tuple[str, object]]) -> _Fields:
    fields = _Fields(pairs)
    if len(fields) != len(pairs):
        fields.repeated = True
        fields.update([pair for pair in pairs if pair[0] == "Token"][:1])
    return fields


# Made once: json.loads with arguments makes a decoder for each call.
_DECODE = json.JSONDecoder(object_pairs_hook=_members, strict=False).decode


def read_request(body: bytes) -> CallRequest:
    """Read a request body; never raises: what cannot be read is empty.

    The macro builds the body by pasting (facts/asterisk.md §1), so a caller's name can break the JSON or add
    keys. A key that came twice was added by the caller: then Phone is nobody's, the last TrunkId is ours, because it
    is pasted behind the name, and the first Token, which stands before it.
    """
    text = _decode(body)
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        unique_id, phone, line_id, wish = usual.groups()
        return CallRequest(unique_id, phone, line_id.strip(), wish.strip().lower() in _TRUTHS)
    return _read_json(text)


def _read_json(text: str) -> CallRequest:
    try:
        fields = _DECODE(text)
    except (ValueError, RecursionError):
        return _salvage(text)
    if not isinstance(fields, _Fields):
        return CallRequest(damaged=True)
    return CallRequest(
        unique_id=_text(fields, "UniqueId"),
        phone="" if fields.repeated else _text(fields, "Phone"),
        line_id=_text(fields, "TrunkId").strip(),
        load_dialplan=_text(fields, "LoadDialPlan").strip().lower() in _TRUTHS,
        token=_text(fields, "Token"),
        damaged=fields.repeated,
    )


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1251", "replace")


def _text(fields: _Fields, key: str) -> str:
    value = fields.get(key, "")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def _salvage(text: str) -> CallRequest:
    """Take the line from the end of a body that a caller's name broke: what follows the name is ours."""
    tail = _TAIL.search(text)
    if tail is None:
        return CallRequest(damaged=True)
    head = _HEAD.search(text)
    token, unique_id = head.groups("") if head else ("", "")
    return CallRequest(
        unique_id=unique_id,
        line_id=tail.group(1).strip(),
        load_dialplan=tail.group(2).strip().lower() in _TRUTHS,
        token=token,
        damaged=True,
    )
