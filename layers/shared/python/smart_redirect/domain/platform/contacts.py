"""Customers of the platform as contacts: a phone in E.164 and the name that is shown when no CRM knows the caller."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from smart_redirect.domain.platform.report import Report
from smart_redirect.domain.platform.values import Row, text

Normalise = Callable[[str, str], str | None]


@dataclass(slots=True)
class PhoneBook:
    """Reads batches of customers; of two that have one phone the first counts, in whichever batch it stood."""

    country: str
    normalise: Normalise
    report: Report
    seen: dict[str, str] = field(default_factory=dict)

    def read(self, rows: Iterable[Row]) -> dict[str, str]:
        """Return names by phone."""
        found: dict[str, str] = {}
        for row in rows:
            written, name = text(row["phone_e164"]), name_of(row)
            if not name:
                self.report.skip("customers", "customers without a name")
                continue
            phone = self.normalise(written, self.country)
            if phone is None:
                self.report.left_out("customers", written, "its phone is not a full public number")
            elif phone in self.seen:
                self.report.left_out("customers", written, f"{phone} is the phone of customer {self.seen[phone]} too")
            else:
                self.seen[phone] = written
                found[phone] = name
        return found


def name_of(row: Row) -> str:
    """Return last and first name, the company's name when there are none."""
    person = " ".join(part for part in (text(row.get("last_name")), text(row.get("first_name"))) if part)
    return person or text(row.get("enterprise_name"))


def differing(wanted: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """Return the names that are to be written."""
    return {phone: name for phone, name in wanted.items() if present.get(phone) != name}
