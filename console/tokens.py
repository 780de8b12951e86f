"""Sealed tokens: what stands in an address but must not be read from it, or changed in it."""

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class BadToken(ValueError):
    """A token that is damaged, was sealed for something else, or with a key that is not ours."""


def seal(purpose: list[Any], content: list[Any]) -> str:
    """A URL-safe token that holds `content` (JSON values), encrypted, for this purpose alone."""
    text = json.dumps([purpose, content], ensure_ascii=False, separators=(",", ":"))
    return _keys().encrypt(text.encode()).decode().rstrip("=")


def unseal(purpose: list[Any], token: str) -> list[Any]:
    """The content of a token which `seal` made for the same purpose. Raises BadToken."""
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        sealed_for, content = json.loads(_keys().decrypt(padded))
    except (InvalidToken, ValueError) as error:
        raise BadToken from error
    if sealed_for != purpose or not isinstance(content, list):
        raise BadToken
    return content


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
