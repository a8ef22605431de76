"""Settings have one definition; both readers give the same values and name what cannot be used."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from smart_redirect.bootstrap.checked_settings import as_environment, read_settings
from smart_redirect.errors import SettingInvalid
from smart_redirect.settings import Settings, from_environ


def test_without_variables_both_give_the_defaults() -> None:
    assert from_environ({}) == Settings() == read_settings()


@hypothesis_settings(derandomize=True, max_examples=50)
@given(st.integers(20, 10_000), st.floats(0, 1e6), st.booleans(), st.text("abcdef0123456789", min_size=32))
def test_both_read_the_same(budget: int, seconds: float, switch: bool, key: str) -> None:
    given_settings = Settings(budget_ms=budget, stale_seconds=seconds, full_phones=switch, key=key, database_url="x")
    variables = as_environment(given_settings)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        assert from_environ(variables) == given_settings == read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMART_REDIRECT_BUDGET_MS", "soon"),
        ("SMART_REDIRECT_FULL_PHONES", "perhaps"),
        ("SMART_REDIRECT_PORT", "0"),
        ("SMART_REDIRECT_POOL_SIZE", "1e3"),
        ("SMART_REDIRECT_STALE_SECONDS", "nan"),
    ],
)
def test_both_name_the_variable_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=name):
        from_environ({name: value})
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingInvalid, match=name):
        read_settings()


def test_both_name_all_of_them_at_once_with_what_was_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"SMART_REDIRECT_PORT": "99999", "SMART_REDIRECT_BUDGET_MS": "soon", "SMART_REDIRECT_DEMO": "perhaps"}
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    for read in (lambda: from_environ(wrong), read_settings):
        with pytest.raises(SettingInvalid) as caught:
            read()
        assert [name for name in wrong if name not in str(caught.value)] == []
        assert "65535" in str(caught.value)


def test_what_secrets_say_wins_over_the_environment_and_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_REDIRECT_POOL_SIZE", "7")
    monkeypatch.setenv("SMART_REDIRECT_PORT", "7")
    read = read_settings({"SMART_REDIRECT_POOL_SIZE": "9", "DATABASE_URL": "x", "HOME": "/"})
    assert (read.pool_size, read.port, read.database_url) == (9, 7, "x")
    with pytest.raises(SettingInvalid, match="SMART_REDIRECT_POOL_SIZE"):
        read_settings({"SMART_REDIRECT_POOL_SIZE": "none"})


def test_each_concern_has_a_documented_class_and_no_field_is_in_two() -> None:
    parts = Settings.__bases__
    names = [each.name for part in parts for each in fields(part)]  # type: ignore[arg-type]
    assert sorted(names) == sorted(each.name for each in fields(Settings))
    assert all(part.__doc__ and len(part.__annotations__) <= 9 for part in parts)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="SMART_REDIRECT_KEY"):
        _ = Settings(key="short").key_bytes
