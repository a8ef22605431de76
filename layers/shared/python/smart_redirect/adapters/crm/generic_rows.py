"""How the answers of a customer's own service are read: by the paths that the connection's settings name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.templates import JsonPath, read_path
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.domain.crm_name import NameFormats, NameParts, read_formats, shown_name
from smart_redirect.errors import CrmMalformed, CrmRefused

PHONE_FORMS = ("phone", "phone_plus", "phone_national", "phone_trunk")
_MOST_FORMS = 3
_FIELDS = (
    "found", "name", "last", "first", "middle", "company", "responsible", "extension", "phones", "id", "updated_at",
)  # fmt: skip
_MANAGER_FIELDS = ("manager_id", "manager_name", "manager_extension", "manager_active")
# Country → its calling code and the digit before a national number.
_COUNTRIES = {"BY": ("375", "80"), "RU": ("7", "8"), "KZ": ("7", "8"), "UA": ("380", "0"), "PL": ("48", "")}


@dataclass(frozen=True, slots=True)
class Reading:
    """The paths, by name; those that are not given read nothing."""

    paths: Mapping[str, JsonPath]
    wanted: tuple[str, ...]
    formats: NameFormats
    country: str
    list_rows: JsonPath = field(default_factory=JsonPath)
    managers: JsonPath = field(default_factory=JsonPath)

    def forms(self, phone: str) -> Sequence[Mapping[str, str]]:
        """Return the values of the placeholders, once for each form to be tried: `{phone}` is the form itself."""
        digits = phone.lstrip("+")
        code, trunk = _COUNTRIES.get(self.country, ("", ""))
        national = digits.removeprefix(code) if code else digits
        values = {"phone": digits, "phone_plus": phone, "phone_national": national, "phone_trunk": trunk + national}
        return [{**values, "phone": values[each]} for each in self.wanted]

    def found(self, answer: Json) -> Sequence[Json]:
        """Return the rows of a look-up's answer: its object, or those in the list that it is or has."""
        if not answer:
            return ()
        if "found" not in self.paths:
            rows = tuple(answer) if isinstance(answer.value, list) else (answer,)
            return [row for row in _objects(rows) if row.value]
        found = self.paths["found"].read(answer)
        if isinstance(found.value, list):
            return _objects(tuple(found))
        if isinstance(found.value, dict):
            return [found]
        if not isinstance(answer.value, dict):
            raise CrmMalformed("its answer is no object")
        return [answer] if found.is_true or (found.number or 0) > 0 else []

    def rows(self, answer: Json, path: object) -> Sequence[Json]:
        """Return the rows of a list; CrmMalformed when there is none at its path."""
        rows = path.read(answer) if isinstance(path, JsonPath) else answer
        if not isinstance(rows.value, list):
            raise CrmMalformed("its answer has no list where the settings say")
        return _objects(tuple(rows))

    def person(self, row: Json, phone: str = "") -> Person:
        """Read a person; one without phones in a look-up's answer has the one that was asked for."""
        last, first, middle, company, whole = (
            self._at(row, each).text for each in ("last", "first", "middle", "company", "name")
        )
        parts = NameParts(last, first, middle, company, whole)
        phones = self._phones(row) or ((phone,) if phone else ())
        responsible, extension = self._at(row, "responsible").id, self._at(row, "extension").id
        return Person(
            external_id=self._at(row, "id").id or (f"phone:{phone}" if phone else ""),
            name=shown_name(parts, self.formats),
            phones=phones,
            responsible_id=responsible or (f"extension:{extension}" if extension else None),
            updated_at=_time(self._at(row, "updated_at")),
            is_company=bool(parts.company),
        )

    def extension(self, row: Json, person: Person) -> Mapping[str, str]:
        """Return the extension of a person's responsible, if the service tells it."""
        extension = self._at(row, "extension").id
        return {person.responsible_id: extension} if extension and person.responsible_id else {}

    def manager(self, row: Json) -> Manager:
        """Read a user of the service."""
        is_active = self.paths["manager_active"].read(row).is_true if "manager_active" in self.paths else True
        extension = self._at(row, "manager_extension").id
        return Manager(self._at(row, "manager_id").text, self._at(row, "manager_name").text, extension, is_active)

    def _phones(self, row: Json) -> tuple[str, ...]:
        found = self._at(row, "phones")
        each = tuple(found) if isinstance(found.value, list) else (found,)
        return tuple(phone.text for phone in each if phone.text)

    def _at(self, row: Json, name: str) -> Json:
        path = self.paths.get(name)
        return path.read(row) if path is not None else Json()


def read_settings(settings: Mapping[str, object], country: str) -> Reading:
    """Read the paths and the forms of a phone; CrmRefused names what cannot be used."""
    paths = {name: read_path(name, settings.get(f"path_{name}")) for name in (*_FIELDS, *_MANAGER_FIELDS)}
    given = {name: path for name, path in paths.items() if path is not None}
    if not given.keys() & {"name", "last", "first", "company"}:
        raise CrmRefused("the settings need a path of the name: path_name, path_last, path_first or path_company")
    if settings.get("list_url") and not {"id", "phones"} <= given.keys():
        raise CrmRefused("a list needs path_id and path_phones")
    if settings.get("managers_url") and "manager_id" not in given:
        raise CrmRefused("the list of managers needs path_manager_id")
    lists = [read_path(name, settings.get(name)) or JsonPath() for name in ("path_rows", "path_managers")]
    return Reading(given, _forms(settings.get("phone_forms")), read_formats(settings), country, *lists)


def _forms(given: object) -> tuple[str, ...]:
    if given is None or given == "":
        return ("phone",)
    forms = tuple(given) if isinstance(given, list) else (given,)
    if not forms or len(forms) > _MOST_FORMS or any(each not in PHONE_FORMS for each in forms):
        raise CrmRefused(f"the setting phone_forms must be up to {_MOST_FORMS} of {', '.join(PHONE_FORMS)}")
    return tuple(str(each) for each in forms)


def _objects(rows: Sequence[Json]) -> Sequence[Json]:
    if any(not isinstance(row.value, dict) for row in rows):
        raise CrmMalformed("its list holds what is no object")
    return rows


def _time(found: Json) -> float | None:
    if found.number is not None:
        return found.number
    try:
        moment = datetime.fromisoformat(found.text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
