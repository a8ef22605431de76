"""Bitrix24's errors in our words: each has a code, whatever its status, alone or as that of a command in a batch."""

import re
from time import time

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused, CrmUnavailable

# A bucket that drains twice a second has room again after this.
_DRAIN_SECONDS = 2.0
# For so long a method is closed that has used up its time, unless the answer says when it opens.
_OPERATION_SECONDS = 600.0
_OVERLOAD_SECONDS = 3600.0
_CODE = re.compile(r"[A-Za-z_]{2,60}")
_ADVICE = {
    "NO_AUTH_FOUND": "it sees no credentials",
    "INVALID_CREDENTIALS": "there is no such webhook any more",
    "INVALID_TOKEN": "the access token is not one of this portal",
    "ACCESS_DENIED": "the user may not read this, or the portal's plan has no REST",
    "INSUFFICIENT_SCOPE": "a scope is missing: crm and user_brief are needed, telephony with skip_absent",
    "ERROR_METHOD_NOT_FOUND": "a scope is missing, or the portal is too old",
    "WRONG_AUTH_TYPE": "a webhook may not call this",
    "USER_ACCESS_ERROR": "the user has no access to the application",
    "PAYMENT_REQUIRED": "the application or the portal's plan is not paid",
    "PORTAL_DELETED": "the portal is closed",
    "INVALID_REQUEST": "it wants https",
}
_FAILURES = frozenset({"INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER"})


class TokenExpired(CrmRefused):
    """The access token is too old: the one error after which a new one is asked for."""


def complain(answer: Answer) -> None:
    """Raise what an answer says by its error's code, whatever its status; HTML and the rest are judged by that."""
    if not answer.body.lstrip().startswith(b"{"):
        return
    document = read_json(answer.body)
    if document["error"]:
        complain_about(document, document["time"], answer.status)


def complain_about(error: Json, timing: Json, status: int = 200, method: str = "") -> None:
    """Raise an error of ours for one of Bitrix24's; the text has its code and never its description."""
    code, place = error["error"].text.upper(), f" in {method}" if method else ""
    _refuse(code, error["error_description"].text, place)
    _limit(code, timing)
    if code in _FAILURES:
        raise CrmUnavailable(f"answers {code}")
    if status in {200, 400}:
        raise CrmMalformed(f"answers an error{place}{f' ({code})' if _CODE.fullmatch(code) else ''}")


def _refuse(code: str, description: str, place: str) -> None:
    if code == "EXPIRED_TOKEN":
        raise TokenExpired("says that the access token has expired")
    if code in _ADVICE:
        raise CrmRefused(f"refuses the credentials or rights ({code}{place}): {_ADVICE[code]}")
    if not code and description.lower().startswith("access denied"):
        # The lists have no code for it.
        raise CrmRefused(f"refuses the rights{place}: the user may not read them; the setting leads leaves leads out")


def _limit(code: str, timing: Json) -> None:
    if code == "QUERY_LIMIT_EXCEEDED":
        raise CrmLimited(_DRAIN_SECONDS)
    if code == "OPERATION_TIME_LIMIT":
        raise CrmLimited(_until_reset(timing))
    if code == "OVERLOAD_LIMIT":
        raise CrmLimited(_OVERLOAD_SECONDS, "is blocked by Bitrix24 (OVERLOAD_LIMIT): only its support can open it")


def _until_reset(timing: Json) -> float:
    """Return the seconds until a method's time is free again, by the portal's clock where it tells it."""
    reset, now = timing["operating_reset_at"].number, timing["start"].number
    if reset is None:
        return _OPERATION_SECONDS
    return min(max(reset - (now if now is not None else time()), 1.0), _OPERATION_SECONDS)
