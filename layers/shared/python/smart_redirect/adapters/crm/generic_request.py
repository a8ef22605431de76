"""One kind of request to somebody's own CRM: an address with placeholders, a body, and how we say who we are."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from smart_redirect.adapters.crm.generic_url import PLACEHOLDER, Template, check_placeholders, read_template
from smart_redirect.adapters.crm.json_values import Json, read_json
from smart_redirect.adapters.crm.outbound import Answer, Outbound
from smart_redirect.adapters.crm.session import READ_SECONDS, Session, credential
from smart_redirect.errors import CrmMalformed, CrmRefused
from smart_redirect.usecases.ports_crm import Access

_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
_OURS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding", "cookie"}


class Nobody(CrmMalformed):
    """404 that is the CRM's own, with JSON or nothing in it: there is none of that name."""


@dataclass(frozen=True, slots=True)
class Request:
    """Sends it; without a body it is a GET, text is a form, everything else is JSON."""

    session: Session
    template: Template
    method: str = "GET"
    body: object = field(default=None, repr=False)
    token: str = field(default="", repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The placeholders of the address and of the body."""
        return self.template.names.union(*(PLACEHOLDER.findall(text) for text in _texts(self.body)))

    async def send(self, values: Mapping[str, str], seconds: float = READ_SECONDS) -> Json:
        """Return the answer; Nobody for a 404."""
        known = {**values, "token": self.token}
        path = self.template.fill(known)
        if self.method == "GET":
            return await self.session.get(path, seconds=seconds)
        if isinstance(self.body, str):
            fields = [(name, _put(value, known)) for name, value in parse_qsl(self.body, keep_blank_values=True)]
            return await self.session.post_form(path, fields, seconds=seconds)
        document = json.dumps(_put_all(self.body, known), ensure_ascii=False)
        return await self.session.post_json(path, document.encode("utf-8", "replace"), seconds=seconds)


def read_request(http: Outbound, access: Access, name: str, allowed: frozenset[str]) -> Request:
    """Return a GET of the address that a setting gives; `token` of the credentials may be in it too."""
    template = read_template(access.settings, name, allowed | {"token"})
    session = Session(http, access, template.base, _headers(access.settings), _complain)
    token = credential(access.settings, "token") if "token" in template.names else ""
    return Request(session, template, token=token)


def with_body(request: Request, settings: Mapping[str, object], allowed: frozenset[str]) -> Request:
    """Return the request with the method and the body that the settings give."""
    method, body = settings.get("method") or "GET", settings.get("body")
    if method not in {"GET", "POST"}:
        raise CrmRefused("the setting method must be GET or POST")
    if method == "GET":
        return request
    for text in _texts(body):
        check_placeholders("body", text, allowed | {"token"})
    posted = replace(request, method="POST", body={} if body is None else body)
    return replace(posted, token=credential(settings, "token")) if "token" in posted.names else posted


def _complain(answer: Answer) -> None:
    """Tell a 404 of the CRM from the page that something in between sends; that one is no JSON, and raises so."""
    if answer.status == 404:
        read_json(answer.body)
        raise Nobody("has none (404)")


def _headers(settings: Mapping[str, object]) -> dict[str, str]:
    """Return how we say who we are: `auth` is none, basic, bearer or header."""
    accept = {"Accept": "application/json"}
    match settings.get("auth") or "none":
        case "none":
            return accept
        case "basic":
            pair = f"{credential(settings, 'user')}:{credential(settings, 'password')}"
            return {**accept, "Authorization": "Basic " + b64encode(pair.encode()).decode()}
        case "bearer":
            return {**accept, "Authorization": f"Bearer {_ascii(settings, 'token')}"}
        case "header":
            name = settings.get("auth_header")
            if not isinstance(name, str) or not _HEADER.fullmatch(name) or name.lower() in _OURS:
                raise CrmRefused("the setting auth_header must be the name of a header such as X-Api-Key")
            return {**accept, name: _ascii(settings, "token")}
    raise CrmRefused("the setting auth must be none, basic, bearer or header")


def _ascii(settings: Mapping[str, object], name: str) -> str:
    found = credential(settings, name)
    if not found.isascii():
        raise CrmRefused(f"the credential {name} has letters that no header may have")
    return found


def _put(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda part: values[part[1]], text)


def _put_all(value: object, values: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _put(value, values)
    if isinstance(value, Mapping):
        return {name: _put_all(each, values) for name, each in value.items()}
    return [_put_all(each, values) for each in value] if isinstance(value, list) else value


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for each in members for text in _texts(each)]
