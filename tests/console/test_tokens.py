import base64

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from console import tokens


@given(st.lists(st.text() | st.integers()))
def test_token_opens_to_what_was_sealed(content: list[object]) -> None:
    assert tokens.unseal(["purpose"], tokens.seal(["purpose"], content)) == content


def test_token_shows_nothing_and_needs_no_escaping() -> None:
    token = tokens.seal(["purpose"], ["+8613800138000"])

    assert b"13800138000" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_token_of_another_purpose_is_refused() -> None:
    with pytest.raises(tokens.BadToken):
        tokens.unseal(["cursor", 1], tokens.seal(["search", 1], ["a"]))


@pytest.mark.parametrize("token", ["", "x", "é", "gAAAAA", "=" * 40, "\x00", "a" * 5000])
def test_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(tokens.BadToken):
        tokens.unseal(["purpose"], token)


def test_token_with_one_character_changed_is_refused() -> None:
    token = tokens.seal(["purpose"], ["a"])
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]

    with pytest.raises(tokens.BadToken):
        tokens.unseal(["purpose"], changed)


def test_key_can_be_rotated(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    token = tokens.seal(["purpose"], ["a"])

    settings.ENCRYPTION_KEYS = [new, old]
    assert tokens.unseal(["purpose"], token) == ["a"]

    settings.ENCRYPTION_KEYS = [new]
    with pytest.raises(tokens.BadToken):
        tokens.unseal(["purpose"], token)
