"""How a CRM's customer is shown: the parts of a name put together as the connection's settings say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PERSON_FORMAT = "{last} {first}"
COMPANY_FORMAT = "{company} {last} {first}"
_PART = re.compile(r"\{(last|first|middle|company)\}")
_GAPS = re.compile(r"\s+")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name in its parts; `whole` is for CRMs that have but one field."""

    last: str = ""
    first: str = ""
    middle: str = ""
    company: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class NameFormats:
    """Templates of the parts {last}, {first}, {middle} and {company}: for a person, and for one of a company."""

    person: str = PERSON_FORMAT
    company: str = COMPANY_FORMAT


def read_formats(settings: Mapping[str, object]) -> NameFormats:
    """Return the formats of a connection: `name_format` and `company_format` of its settings."""
    person, company = settings.get("name_format"), settings.get("company_format")
    return NameFormats(
        person if isinstance(person, str) and _PART.search(person) else PERSON_FORMAT,
        company if isinstance(company, str) and _PART.search(company) else COMPANY_FORMAT,
    )


def shown_name(parts: NameParts, formats: NameFormats) -> str:
    """Return the name: by the company's format if there is a company; what is missing leaves no gap.

    A name that comes out empty is the whole name, else whatever part there is.
    """
    template = formats.company if parts.company.strip() else formats.person
    if not parts.last.strip() and not parts.first.strip() and parts.whole.strip():
        template = _PART.sub(lambda part: "{company}" if part[1] == "company" else "", template) + " {whole}"
    text = _filled(template, parts)
    return text or _filled("{company} {last} {first} {middle} {whole}", parts)


def _filled(template: str, parts: NameParts) -> str:
    values = {
        "last": parts.last,
        "first": parts.first,
        "middle": parts.middle,
        "company": parts.company,
        "whole": parts.whole,
    }
    text = re.sub(r"\{(\w+)\}", lambda part: values.get(part[1], ""), template[:_LONGEST])
    return _GAPS.sub(" ", text).strip(" ,;-–—|/")
