"""Reads what host agents send: JSON, perhaps in gzip, into the values of the use cases; every error names the field."""

import json
import re
import zlib
from datetime import UTC, datetime
from typing import Any

from smart_redirect.errors import BodyMalformed, BodyTooLarge
from smart_redirect.usecases.ports_dialplan import Report

SENT_LIMIT = 5 * 1024 * 1024
PLAIN_LIMIT = 64 * 1024 * 1024
_RELEASE = re.compile(r"[0-9a-f]{16}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST = 2000
_MOST_FILES = 100


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body as it was before gzip; BodyTooLarge beyond 64 MiB, BodyMalformed if it is not gzip."""
    if encoding in {"", "identity"}:
        return body
    if encoding != "gzip":
        raise BodyMalformed("Content-Encoding: only gzip is taken")
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(body, PLAIN_LIMIT)
    except zlib.error as error:
        raise BodyMalformed("the body is not gzip") from error
    if unpack.unconsumed_tail:
        raise BodyTooLarge
    if not unpack.eof:
        raise BodyMalformed("the gzip body is cut")
    return plain


def read_announcement(body: bytes) -> str:
    """Return the release that is about to be loaded."""
    return _release(_document(body), "release")


def read_report(body: bytes) -> Report:
    """Return a report."""
    given = _document(body)
    contexts = given.get("contexts")
    if not isinstance(contexts, dict):
        raise BodyMalformed("contexts must be an object")
    return Report(
        release=_release(given, "release") if given.get("release") is not None else None,
        wanted=_release(given, "wanted") if given.get("wanted") is not None else None,
        contexts=_count(contexts, "count"),
        sha256=_hash(contexts, "sha256"),
        names=_names(given),
        asterisk=_text(given, "asterisk") or "",
        agent=_text(given, "agent") or "",
        mode=_text(given, "mode") or "",
        step=_text(given, "step"),
        error=_text(given, "error"),
        pool_busy=given.get("pool_busy") is True,
        files_sha256=_hash(given, "host_files_sha256") if given.get("host_files_sha256") is not None else None,
        at=_time(given),
    )


def read_files(body: bytes) -> tuple[tuple[str, str], ...]:
    """Return a host's own files as (name, text), extensions.conf first and then in the order sent."""
    given = _document(body).get("files")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_FILES:
        raise BodyMalformed(f"files must be a list of 1 to {_MOST_FILES} files")
    return tuple(_file(each) for each in given)


def _file(given: object) -> tuple[str, str]:
    if not isinstance(given, dict) or not all(isinstance(given.get(key), str) for key in ("name", "text")):
        raise BodyMalformed("files: each needs a name and a text")
    if not given["name"] or len(given["name"]) > 255 or "\0" in given["name"] + given["text"]:
        raise BodyMalformed("files: a name is empty or too long, or a file has a NUL")
    return given["name"], given["text"]


def _document(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyMalformed("the body is not JSON") from error
    if not isinstance(given, dict):
        raise BodyMalformed("the body is not a JSON object")
    return given


def _release(given: dict[str, Any], field: str) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not _RELEASE.fullmatch(value):
        raise BodyMalformed(f"{field} must be the 16 hex digits of a release")
    return value


def _hash(given: dict[str, Any], field: str) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise BodyMalformed(f"{field} must be a SHA-256 in hex")
    return value


def _count(given: dict[str, Any], field: str) -> int:
    value = given.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10_000_000:
        raise BodyMalformed(f"{field} must be a number of contexts")
    return value


def _names(given: dict[str, Any]) -> tuple[str, ...] | None:
    value = given.get("names")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) and len(each) <= 80 for each in value):
        raise BodyMalformed("names must be a list of context names")
    return tuple(value)


def _text(given: dict[str, Any], field: str) -> str | None:
    value = given.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BodyMalformed(f"{field} must be text")
    return value.replace("\0", "")[:_LONGEST].encode("utf-8", "replace").decode()


def _time(given: dict[str, Any]) -> datetime:
    value = given.get("at")
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BodyMalformed("at must be a time in ISO 8601") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
