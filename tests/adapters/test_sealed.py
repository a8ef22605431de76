"""Credentials open only with the deployment's key, and only in the row that they were sealed for."""

import pytest

from smart_redirect.adapters.sealed import Seal
from smart_redirect.errors import SecretUnavailable

KEY = b"k" * 32
SEAL = Seal(KEY, 1)
TEXT = '{"api_key": "s3cret"}'


def test_what_was_sealed_opens_in_its_own_row() -> None:
    assert SEAL.open(SEAL.close(TEXT, 1, 2), 1, 1, 2) == TEXT


@pytest.mark.parametrize(("enterprise_id", "connection_id"), [(2, 2), (1, 1), (12, 0)])
def test_moved_to_another_row_it_does_not_open(enterprise_id: int, connection_id: int) -> None:
    with pytest.raises(SecretUnavailable):
        SEAL.open(SEAL.close(TEXT, 1, 2), 1, enterprise_id, connection_id)


def test_another_key_of_the_deployment_does_not_open_it() -> None:
    with pytest.raises(SecretUnavailable):
        Seal(b"x" * 32, 1).open(SEAL.close(TEXT, 1, 2), 1, 1, 2)


def test_a_row_of_an_older_key_says_which() -> None:
    with pytest.raises(SecretUnavailable, match="key 7"):
        SEAL.open(SEAL.close(TEXT, 1, 2), 7, 1, 2)


@pytest.mark.parametrize("place", [0, 12, -1])
def test_one_changed_bit_is_noticed(place: int) -> None:
    sealed = bytearray(SEAL.close(TEXT, 1, 2))
    sealed[place] ^= 1
    with pytest.raises(SecretUnavailable):
        SEAL.open(bytes(sealed), 1, 1, 2)


@pytest.mark.parametrize("sealed", [b"", b"short"])
def test_what_is_no_sealed_text_is_refused_without_a_crash(sealed: bytes) -> None:
    with pytest.raises(SecretUnavailable):
        SEAL.open(sealed, 1, 1, 2)


def test_the_sealed_text_shows_nothing_and_differs_each_time() -> None:
    first, second = SEAL.close(TEXT, 1, 2), SEAL.close(TEXT, 1, 2)
    assert first != second
    assert b"s3cret" not in first
