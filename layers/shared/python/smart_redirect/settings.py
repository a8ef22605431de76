"""The settings of a deployment: one frozen dataclass, read from the environment without any heavy import.

The call path reads it with `from_environ` (about a millisecond); the local server and the command line check the
same fields with pydantic-settings (local/settings.py), so there is one definition of names, types and defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from smart_redirect.errors import SettingInvalid

PREFIX = "SMART_REDIRECT_"
_UNPREFIXED = frozenset({"database_url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the variable SMART_REDIRECT_<FIELD>, but DATABASE_URL, which has its usual name."""

    database_url: str = ""
    key: str = ""
    key_id: int = 1
    operator_key: str = ""
    budget_ms: int = 300
    pool_size: int = 8
    statement_cache: int = 100
    snapshot_seconds: float = 60.0
    stale_seconds: float = 3600.0
    names_seconds: float = 300.0
    routes_seconds: float = 60.0
    trusted_proxies: str = ""
    alias_paths: str = ""
    failed_attempts_per_minute: int = 60
    full_phones: bool = False
    queue_url: str = ""
    dialplan_queue_url: str = ""
    releases_bucket: str = ""
    releases_dir: str = ""
    secrets: str = ""
    warm_environments: int = 0
    warm_function: str = ""
    host: str = "127.0.0.1"
    port: int = 8021
    data_dir: str = ".data"
    log_dir: str = "logs"
    demo: bool = True

    @property
    def key_bytes(self) -> bytes:
        """The deployment's key as bytes; SettingInvalid when it is missing or short."""
        if len(self.key) < 32:
            raise SettingInvalid(f"{PREFIX}KEY must have at least 32 characters")
        return self.key.encode()

    def listed(self, value: str) -> tuple[str, ...]:
        """Split a comma-separated setting."""
        return tuple(part.strip() for part in value.split(",") if part.strip())


def variable(field_name: str) -> str:
    """Return the environment variable of a field."""
    return field_name.upper() if field_name in _UNPREFIXED else PREFIX + field_name.upper()


def from_environ(environ: Mapping[str, str]) -> Settings:
    """Read the settings; SettingInvalid names the variable that cannot be used."""
    given: dict[str, object] = {}
    for field in fields(Settings):
        text = environ.get(variable(field.name))
        if text is not None:
            given[field.name] = _parse(variable(field.name), text, type(field.default))
    return Settings(**given)  # type: ignore[arg-type]


def _parse(name: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off", ""}:
            return False
        raise SettingInvalid(f"{name} must be true or false, not {text!r}")
    try:
        return kind(text)
    except ValueError as error:
        raise SettingInvalid(f"{name} must be of type {kind.__name__}, not {text!r}") from error
