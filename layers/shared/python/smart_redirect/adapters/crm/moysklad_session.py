"""How MoySklad's two APIs are reached: addresses, credentials, and what they say when they refuse."""

from base64 import b64encode
from collections.abc import Mapping

from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import Session, base_url, credential
from smart_redirect.errors import CrmLimited, CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access

_API = "https://api.moysklad.ru/api/remap/1.2"
_PHONE_API = "https://api.moysklad.ru/api/phone/1.0"
# Packed answers only, else 415; the client asks for them of itself, and this holds it to that.
_HEADERS = {"Accept": "application/json;charset=utf-8", "Accept-Encoding": "gzip"}
_WAIT = 1.0


def open_session(http: Outbound, access: Access) -> Session:
    """Return the session of the JSON API; CrmRefused when the credentials lack something."""
    headers = {**_HEADERS, "Authorization": _authorization(access.settings)}
    return Session(http, access, _address(access.settings, "url", _API), headers, _complain)


def open_phone_session(http: Outbound, access: Access) -> Session | None:
    """Return the session of the Phone API, None when there is no key for it."""
    if not access.settings.get("phone_token"):
        return None
    headers = {**_HEADERS, "Lognex-Phone-Auth-Token": credential(access.settings, "phone_token")}
    return Session(http, access, _address(access.settings, "phone_url", _PHONE_API), headers, _complain_of_phone)


def _address(settings: Mapping[str, object], name: str, usual: str) -> str:
    return base_url(settings, name) if settings.get(name) else usual


def _authorization(settings: Mapping[str, object]) -> str:
    if settings.get("token") or not settings.get("login"):
        return f"Bearer {credential(settings, 'token')}"
    pair = f"{credential(settings, 'login')}:{credential(settings, 'password')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _complain(answer: Answer) -> None:
    """Say what is refused; of the vendor's words only the code, since its texts repeat what was asked."""
    if answer.status == 401:
        raise CrmRefused(f"refuses the token, or login and password (401{_code(answer)})")
    if answer.status == 403:
        raise CrmRefused(f"does not let the employee see this, or the plan has no API (403{_code(answer)})")
    _complain_of_both(answer)


def _complain_of_phone(answer: Answer) -> None:
    if answer.status in {401, 403}:
        raise CrmRefused(f"the Phone API refuses phone_token ({answer.status}{_code(answer)})")
    _complain_of_both(answer)


def _complain_of_both(answer: Answer) -> None:
    if answer.status == 429:
        raise CrmLimited(_wait(answer))
    if 400 <= answer.status < 500 and answer.status != 408:
        raise CrmMalformed(f"answers {answer.status}{_code(answer)}")


def _wait(answer: Answer) -> float:
    """Return the seconds to wait: told in milliseconds, and not at all where too many requests run at once."""
    told = Json(answer.headers.get("x-lognex-retry-after")).number
    return told / 1000 if told and told > 0 else _WAIT


def _code(answer: Answer) -> str:
    try:
        codes = [each["code"].count for each in read_json(answer.body)["errors"]]
    except CrmMalformed:
        return ""
    return f", error {codes[0]}" if codes and codes[0] is not None else ""
