"""The ways of writing a caller's phone that somebody's own CRM may want to be asked by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smart_redirect.adapters.crm.generic_url import PLACEHOLDER, check_placeholders
from smart_redirect.errors import CrmRefused

PHONES = frozenset({"phone", "phone_plus", "phone_national"})
ASKED_BY = PHONES | {"number"}
_MOST = 3


@dataclass(frozen=True, slots=True)
class Formats:
    """What `{number}` is in one request after another, until somebody is found; `country` is the enterprise's own."""

    templates: tuple[str, ...]
    country: str

    def of(self, phone: str, used: frozenset[str]) -> Iterator[Mapping[str, str]]:
        """Return the values of each request for a phone (E.164); `used` are the placeholders of the request.

        What needs the national number is left out for callers from abroad, whose number at home may be somebody else's
        here.
        """
        national = _national(phone, self.country)
        values = {"phone": phone.removeprefix("+"), "phone_plus": phone, "phone_national": national}
        for template in self.templates if "number" in used else ("",):
            needed = set(PLACEHOLDER.findall(template)) | used
            if national or "phone_national" not in needed:
                yield {**values, "number": PLACEHOLDER.sub(lambda part: values[part[1]], template)}


def read_phone_formats(settings: Mapping[str, object], country: str) -> Formats:
    """Return the `formats` of the settings: at most three, as a list or as text with commas."""
    given = settings.get("formats")
    listed = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    texts = tuple(each.strip() for each in listed if isinstance(each, str) and each.strip()) or ("{phone}",)
    if len(texts) > _MOST:
        raise CrmRefused(f"the setting formats may have {_MOST} formats, for each of them is a request")
    for text in texts:
        check_placeholders("formats", text, PHONES)
    return Formats(texts, country)


def _national(phone: str, country: str) -> str:
    """Return the number without the code of its country; nothing for one of another country."""
    # Loaded by the first look-up that needs it, as in domain/phone.py.
    import phonenumbers

    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ""
    is_ours = number.country_code == phonenumbers.country_code_for_region(country)
    return str(phonenumbers.national_significant_number(number)) if is_ours else ""
