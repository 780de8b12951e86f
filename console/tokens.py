"""Encrypted tokens for addresses: search terms and cursors hold personal data."""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from pushlog.models import App


class BadToken(ValueError):
    """The token is damaged, or has another purpose or key."""


def seal(purpose: list[Any], content: list[Any]) -> str:
    """A URL-safe token of JSON values. Only `unseal` with the same purpose opens it."""
    text = json.dumps([purpose, content], ensure_ascii=False, separators=(",", ":"))
    return _keys().encrypt(text.encode()).decode().rstrip("=")


def unseal(purpose: list[Any], token: str, *, max_age: int | None = None) -> list[Any]:
    """The content of a token, at most `max_age` seconds after it was made. Raises BadToken."""
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        sealed_for, content = json.loads(_keys().decrypt(padded, ttl=max_age))
    except (InvalidToken, ValueError) as error:
        raise BadToken from error
    if sealed_for != purpose or not isinstance(content, list):
        raise BadToken
    return content


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """Complete IDs to search for. Empty: not given."""

    target_id: str = ""
    customer_message_id: str = ""
    # The key of the person who typed them: others may open the link, too.
    typed_by: int | None = None

    def __bool__(self) -> bool:
        return bool(self.target_id or self.customer_message_id)

    @property
    def ids(self) -> dict[str, str]:
        return {"target_id": self.target_id, "customer_message_id": self.customer_message_id}

    @property
    def has_both(self) -> bool:
        return bool(self.target_id and self.customer_message_id)


def token_of(app: App, terms: SearchTerms) -> str:
    return seal(["search", app.pk], [terms.target_id, terms.customer_message_id, terms.typed_by])


def terms_of(app: App, token: str) -> SearchTerms:
    """Raises BadToken."""
    try:
        target_id, customer_message_id, *typed_by = unseal(["search", app.pk], token)
    except ValueError as error:
        raise BadToken from error
    # Links made by version 0.1 name nobody.
    return SearchTerms(target_id, customer_message_id, typed_by[0] if typed_by else None)
