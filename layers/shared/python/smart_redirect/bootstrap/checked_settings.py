"""The deployment's settings checked by pydantic-settings: the same fields as settings.Settings, with clear errors."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from pydantic import AliasChoices, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

from smart_redirect.bootstrap.deployment import Clock, Deployment
from smart_redirect.errors import SettingInvalid
from smart_redirect.settings import Settings, variable


def _model() -> type[BaseSettings]:
    found: dict[str, Any] = {
        field.name: (
            type(field.default),
            Field(
                default=field.default,
                validation_alias=AliasChoices(variable(field.name)),
                ge=field.metadata.get("least"),
                le=field.metadata.get("most"),
            ),
        )
        for field in fields(Settings)
    }
    model = create_model("CheckedSettings", __base__=BaseSettings, **found)
    model.model_config = SettingsConfigDict(extra="ignore")
    return model


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment, and over it what is given; SettingInvalid lists every variable that cannot be used."""
    names = [variable(field.name) for field in fields(Settings)]
    given: dict[str, Any] = {name: environ[name] for name in names if environ and name in environ}
    try:
        checked = _model()(**given)
    except ValidationError as error:
        raise SettingInvalid("; ".join(_sentence(each) for each in error.errors())) from error
    return Settings(**checked.model_dump())


def checked_deployment(clock: Clock = time.monotonic) -> Deployment:
    """Return what reads this function's settings, secrets included: for all functions that no caller waits for."""
    return Deployment(os.environ, clock, read_settings)


def _sentence(error: Any) -> str:
    return f"{error['loc'][0]}: {error['msg']} (given: {error['input']!r})"


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give these settings."""
    return {variable(name): str(value) for name, value in asdict(settings).items()}
