"""The settings of a deployment: a frozen dataclass for each concern, read without any heavy import.

The call path reads them with `from_environ` (about a millisecond), and so do the functions that have its wheels only;
all else checks the same fields with pydantic-settings (bootstrap/checked_settings.py), so there is one definition of
names, types, defaults and bounds. docs/operations.md says what each of them means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from smart_redirect.errors import SettingInvalid

PREFIX = "SMART_REDIRECT_"
_UNPREFIXED = frozenset({"database_url"})
_LEAST_KEY = 32


def within(default: float, least: float, most: float) -> Any:
    """Return a number's field with its bounds, both allowed."""
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where the database is, and how its connections are used."""

    database_url: str = ""
    pool_size: int = within(8, 1, 1000)
    statement_cache: int = within(100, 0, 10_000)


@dataclass(frozen=True, kw_only=True)
class SecretSettings:
    """Keys, and where they are read from."""

    key: str = ""
    key_id: int = within(1, 0, 32_767)
    operator_key: str = ""
    secrets: str = ""

    @property
    def key_bytes(self) -> bytes:
        """The deployment's key as bytes; SettingInvalid when it is missing or short."""
        if len(self.key) < _LEAST_KEY:
            raise SettingInvalid(f"{PREFIX}KEY must have at least {_LEAST_KEY} characters")
        return self.key.encode()


@dataclass(frozen=True, kw_only=True)
class CallSettings:
    """The call path: its time, what it keeps in memory (seconds), whom it believes, what it writes."""

    budget_ms: int = within(300, 20, 10_000)
    snapshot_seconds: float = within(60.0, 1.0, 3600.0)
    stale_seconds: float = within(3600.0, 0.0, 1e6)
    names_seconds: float = within(300.0, 0.0, 86_400.0)
    routes_seconds: float = within(60.0, 0.0, 86_400.0)
    trusted_proxies: str = ""
    alias_paths: str = ""
    failed_attempts_per_minute: int = within(60, 1, 1_000_000)
    full_phones: bool = False


@dataclass(frozen=True, kw_only=True)
class QueueSettings:
    """The queues of AWS."""

    queue_url: str = ""
    dialplan_queue_url: str = ""


@dataclass(frozen=True, kw_only=True)
class WarmSettings:
    """The environments of the call path that `cache_warm` keeps warm."""

    warm_environments: int = within(0, 0, 1000)
    warm_function: str = ""


@dataclass(frozen=True, kw_only=True)
class ReleaseSettings:
    """Where the texts of releases are kept."""

    releases_bucket: str = ""
    releases_dir: str = ""


@dataclass(frozen=True, kw_only=True)
class CrmSettings:
    """What no enterprise may say of the way to its CRM."""

    crm_live: bool = False
    crm_private_networks: str = ""
    crm_ca_file: str = ""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The server on one machine."""

    host: str = "127.0.0.1"
    port: int = within(8021, 1, 65_535)
    data_dir: str = ".data"
    log_dir: str = "logs"
    demo: bool = True


@dataclass(frozen=True, kw_only=True)
class Settings(
    ServerSettings,
    CrmSettings,
    ReleaseSettings,
    WarmSettings,
    QueueSettings,
    CallSettings,
    SecretSettings,
    DatabaseSettings,
):
    """All of them; each field is the variable SMART_REDIRECT_<FIELD>, but DATABASE_URL, which has its usual name."""

    def listed(self, value: str) -> tuple[str, ...]:
        """Split a comma-separated setting."""
        return tuple(part.strip() for part in value.split(",") if part.strip())


def variable(field_name: str) -> str:
    """Return the environment variable of a field."""
    return field_name.upper() if field_name in _UNPREFIXED else PREFIX + field_name.upper()


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Read the settings; SettingInvalid names every variable that cannot be used, and what was expected."""
    given: dict[str, object] = {}
    complaints: list[str] = []
    for each in fields(Settings):
        text = environ.get(variable(each.name))
        if text is not None:
            try:
                given[each.name] = _parse(text, type(each.default), each.metadata)
            except ValueError as error:
                complaints.append(f"{variable(each.name)} must be {error}, not {text!r}")
    if complaints:
        raise SettingInvalid("; ".join(complaints))
    return Settings(**given)  # type: ignore[arg-type]


def _parse(text: str, kind: type, bounds: Mapping[str, float]) -> object:
    """Return the value; ValueError says what was expected."""
    if kind is bool:
        return _switch(text)
    if not bounds:
        return kind(text)
    expected = f"a {'whole ' if kind is int else ''}number from {bounds['least']:g} to {bounds['most']:g}"
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(expected) from None
    if not bounds["least"] <= value <= bounds["most"]:
        raise ValueError(expected)
    return value


def _switch(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("true or false")
