"""Encrypts what an app's messages say, at rest. The first of ENCRYPTION_KEYS encrypts, all decrypt."""

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

UNREADABLE = "(This text cannot be decrypted: its key is no longer in ENCRYPTION_KEYS.)"


def seal(*values: Any) -> bytes:
    """Encrypts JSON values."""
    return sealed_json(json.dumps(values, ensure_ascii=False))


def sealed_json(text: str) -> bytes:
    """Encrypts an array that is JSON text already."""
    return _keys(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode())


def unseal(sealed: bytes | memoryview) -> list[Any] | None:
    """The values; None if no key opens them."""
    try:
        found: list[Any] = json.loads(_keys(tuple(settings.ENCRYPTION_KEYS)).decrypt(bytes(sealed)))
    except InvalidToken:
        return None
    return found


def reseal(sealed: bytes) -> bytes:
    """The same values, encrypted with the first key. Raises InvalidToken if no key opens them."""
    return _keys(tuple(settings.ENCRYPTION_KEYS)).rotate(sealed)


@lru_cache(maxsize=4)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
