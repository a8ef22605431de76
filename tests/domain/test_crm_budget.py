"""A full bucket and its rate together stay within what a vendor publishes, in any window that it may count in."""

import pytest

from smart_redirect.domain.crm_budget import PUBLISHED, Rate, rate_of

LIMITS = [("retailcrm", 10, 1.0), ("amocrm", 7, 1.0), ("moysklad", 11, 3.0), ("uon", 10, 1.0)]


@pytest.mark.parametrize(("vendor", "requests", "seconds"), LIMITS)
def test_no_window_has_more_than_the_vendor_allows(vendor: str, requests: int, seconds: float) -> None:
    rate = PUBLISHED[vendor]
    # Of a slice one request may be sent now, and the others up to a second after they were taken.
    assert rate.burst + rate.per_second * seconds + rate.slice - 1 <= requests


def test_bitrix24_counts_as_a_bucket_itself() -> None:
    rate = PUBLISHED["bitrix24"]
    assert (rate.per_second, rate.burst + rate.slice - 1) == (2.0, 50)


@pytest.mark.parametrize("vendor", [*PUBLISHED, "generic"])
def test_something_is_kept_for_calls_and_something_left_for_syncs(vendor: str) -> None:
    rate = rate_of(vendor, {})
    assert 1 <= rate.reserve < rate.burst


def test_the_settings_of_a_connection_win() -> None:
    assert rate_of("moysklad", {"requests_per_second": 15, "burst": 45}) == Rate(15.0, 45, 2, 2)


@pytest.mark.parametrize("vendor", [*PUBLISHED, "generic"])
def test_the_reserve_is_enough_for_a_look_up(vendor: str) -> None:
    rate = rate_of(vendor, {})
    assert rate.reserve >= rate.look_up


@pytest.mark.parametrize(
    ("settings", "reserve", "look_up"),
    [({"formats": "{phone},8{phone_national}"}, 2, 2), ({"formats": ["a", "b", "c"]}, 3, 3), ({"burst": 2}, 1, 1)],
)
def test_a_look_up_of_somebody_s_own_crm_needs_a_request_for_each_format(
    settings: dict[str, object], reserve: int, look_up: int
) -> None:
    rate = rate_of("generic", settings)
    assert (rate.reserve, rate.look_up) == (reserve, look_up)


def test_a_small_bucket_leaves_syncs_a_request_all_the_same() -> None:
    assert rate_of("amocrm", {"burst": 2}) == Rate(4.0, 2, 1, 2)


@pytest.mark.parametrize("wrong", [0, -1, "5", True, None, 1e9, float("nan")])
def test_a_setting_that_is_no_rate_is_none(wrong: object) -> None:
    assert rate_of("uon", {"requests_per_second": wrong}).per_second == 7.0
