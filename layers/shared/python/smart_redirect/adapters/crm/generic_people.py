"""How a record of somebody's own CRM becomes a person of the mirror: by paths that the settings give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from smart_redirect.adapters.crm.generic_paths import JsonPath, read_path, read_paths
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.domain.crm import Manager, Person
from smart_redirect.domain.crm_mirror import MOST_PHONES
from smart_redirect.domain.crm_name import NameFormats, NameParts, read_formats, shown_name
from smart_redirect.errors import CrmMalformed, CrmRefused

_NO = {"", "0", "false", "no", "n", "null", "none"}
# Seconds since the epoch are smaller for a thousand years to come; milliseconds have been larger since 1971.
_MILLISECONDS = 4e10


@dataclass(frozen=True, slots=True)
class Fields:
    """Paths within a record; those that are not set find nothing."""

    paths: Mapping[str, JsonPath]
    phones: tuple[JsonPath, ...]
    formats: NameFormats
    responsible_is_extension: bool = False

    def of(self, record: Json, name: str) -> Json:
        """Return the value that a setting's path leads to."""
        path = self.paths.get(name)
        return path.first(record) if path else Json()

    def has(self, record: Json) -> bool:
        """Tell whether a record says that somebody was found: `found_path`, else any name, id or responsible."""
        if "found_path" in self.paths:
            return _says_yes(self.of(record, "found_path"))
        return any(self.of(record, name).text for name in self.paths)

    def person(self, record: Json, external_id: str, otherwise: str = "") -> Person:
        """Read a record; `otherwise` is the phone of one that has none of its own."""
        company = self.of(record, "company_path").text
        last, first, middle = (self.of(record, f"{part}_path").text for part in ("last", "first", "middle"))
        whole = self.of(record, "name_path").text
        phones = (each.text for path in self.phones for each in path.all(record) if each.text)
        listed = tuple(islice(phones, MOST_PHONES))
        return Person(
            external_id=external_id,
            name=shown_name(NameParts(last, first, middle, company, whole), self.formats),
            phones=listed or ((otherwise,) if otherwise and not self.phones else ()),
            responsible_id=self.responsible(record),
            updated_at=_seconds(self.of(record, "updated_path")),
            is_company=bool(company),
        )

    def responsible(self, record: Json) -> str | None:
        """Return who is responsible: an id, else the extension, which then is one."""
        found = self.of(record, "responsible_path").id
        return (None if found == "0" else found) or self.extension(record) or None

    def extension(self, record: Json) -> str:
        """Return the extension of the responsible, if the record has it."""
        told = self.of(record, "extension_path").text
        return told or (self.of(record, "responsible_path").text if self.responsible_is_extension else "")


_PATHS = (
    *("found_path", "id_path", "name_path", "last_path", "first_path", "middle_path", "company_path"),
    *("responsible_path", "extension_path", "updated_path"),
)


def read_fields(settings: Mapping[str, object]) -> Fields:
    """Return the paths of the settings; CrmRefused if there is none to a name."""
    paths = {name: path for name in _PATHS if (path := read_path(settings, name))}
    if not paths.keys() & {"name_path", "last_path", "first_path", "company_path"}:
        raise CrmRefused("the settings need name_path, or last_path and first_path")
    phones = read_paths(settings, "phones_path")
    return Fields(paths, phones, read_formats(settings), responsible_is(settings, "id") == "extension")


def responsible_is(settings: Mapping[str, object], otherwise: str) -> str:
    """Return what a responsible is: an id of the CRM's own, a login, both of them mapped, or an extension itself."""
    given = settings.get("responsible_is") or otherwise
    if given not in {"id", "login", "extension"}:
        raise CrmRefused("the setting responsible_is must be id, login or extension")
    return str(given)


@dataclass(frozen=True, slots=True)
class ManagerFields:
    """Paths within the record of a manager."""

    id: JsonPath
    name: JsonPath
    extension: JsonPath | None
    active: JsonPath | None

    def manager(self, record: Json) -> Manager:
        """Read a record; CrmMalformed when it has no id."""
        found = self.id.first(record).id
        if found is None:
            raise CrmMalformed("its answer has a manager without an id")
        extension = self.extension.first(record).text if self.extension else ""
        is_active = self.active is None or _says_yes(self.active.first(record))
        return Manager(found, self.name.first(record).text, extension or None, is_active)


def read_manager_fields(settings: Mapping[str, object]) -> ManagerFields:
    """Return the paths of the settings: `id` and `name` unless they say otherwise."""
    return ManagerFields(
        read_path(settings, "manager_id_path") or JsonPath(("id",)),
        read_path(settings, "manager_name_path") or JsonPath(("name",)),
        read_path(settings, "manager_extension_path"),
        read_path(settings, "manager_active_path"),
    )


def _says_yes(found: Json) -> bool:
    if isinstance(found.value, list | dict):
        return bool(found.value)
    return found.value is True or found.text.lower() not in _NO


def _seconds(found: Json) -> float | None:
    """Return a time, given in seconds, in milliseconds or as ISO 8601, which is UTC unless it says otherwise."""
    if found.number is not None:
        return found.number / 1000 if found.number > _MILLISECONDS else found.number
    try:
        moment = datetime.fromisoformat(found.text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
