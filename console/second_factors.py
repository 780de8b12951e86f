"""Second factors: allauth's, with our limits on tries, our encryption, and entries in the audit log."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import signals
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from console.views.errors import too_many_tries
from pushlog import audit, sealing, throttle
from pushlog.audit import Actor
from pushlog.http.addresses import client_address
from pushlog.models import AuditKind

_FREE_AT_ADDRESS, _FREE_OF_ACCOUNT = 5, 30
# A code counts for a minute and a half: MFA_TOTP_TOLERANCE.
_USED_FOR = 120  # seconds


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets are encrypted like those of credentials."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """If no key opens it, a new secret: nobody knows its codes, and others of the person still count."""
        [text] = sealing.unseal(encrypted_text.encode()) or [generate_totp_secret()]
        return str(text)


class _CountedCode(forms.Form):
    """Wrong codes delay further tries, as wrong passwords do. A code counts once."""

    user: User

    def clean_code(self) -> str:
        request = context.request
        who = throttle.of_second_factor(self.user.get_username())
        keys = [
            throttle.Key(who, client_address(request), _FREE_AT_ADDRESS),
            # Whoever tries codes knows the password. So nobody else can delay this account.
            throttle.Key(who, "", _FREE_OF_ACCOUNT),
        ]
        if seconds := throttle.begin(*keys):
            raise ImmediateHttpResponse(too_many_tries(request, seconds))
        try:
            code: str = super().clean_code()  # type: ignore[misc]
            self._use(code)
        except forms.ValidationError:
            audit.record(Actor(self.user, address=client_address(request)), AuditKind.FAILED_LOG_IN, factor="code")
            raise
        for key in keys:
            throttle.forget(key)
        return code

    def _use(self, code: str) -> None:
        key = salted_hmac("used code", f"{self.user.pk} {normalize_user_code(code)}").hexdigest()
        if not cache.add(key, "used", timeout=_USED_FOR):
            raise get_adapter().validation_error("incorrect_code")


class CodeForm(_CountedCode, AuthenticateForm):
    """At the log-in."""


class ConfirmingCodeForm(_CountedCode, ReauthenticateForm):
    """Where a page asks again."""


class FirstCodeForm(_CountedCode, ActivateTOTPForm):
    """When an authenticator app is added."""


@contextmanager
def _what_no_browser_sends() -> Iterator[None]:
    """fido2 fails at it in the ways of its parser."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, struct.error):
        raise get_adapter().validation_error("incorrect_code") from None


class AddPasskeyForm(AddWebAuthnForm):
    def clean(self) -> dict[str, Any]:
        with _what_no_browser_sends():
            cleaned: dict[str, Any] = super().clean()
        return cleaned


class PasskeyForm(AuthenticateWebAuthnForm):
    """At the log-in."""

    def clean_credential(self) -> Authenticator:
        with _what_no_browser_sends():
            return super().clean_credential()


class ConfirmingPasskeyForm(PasskeyForm, ReauthenticateWebAuthnForm):
    """Where a page asks again."""


def remove_factors(person: User) -> int:
    """For somebody who lost them; says how many there were."""
    count: int = Authenticator.objects.filter(user=person).delete()[0]
    return count


@transaction.atomic
def reseal() -> int:
    """Re-encrypts all secrets with the first of ENCRYPTION_KEYS; gives the number of factors with one.

    Raises InvalidToken, and changes nothing, if no key opens a secret.
    """
    count = 0
    for one in Authenticator.objects.select_for_update().order_by("pk"):
        if secrets := {name: one.data[name] for name in ("secret", "seed") if name in one.data}:
            one.data |= {name: sealing.reseal(sealed.encode()).decode() for name, sealed in secrets.items()}
            one.save(update_fields=["data"])
            count += 1
    return count


@receiver(signals.authenticator_added)
@receiver(signals.authenticator_removed)
@receiver(signals.authenticator_reset)
def _record(request: HttpRequest, user: User, authenticator: Authenticator, signal: Any, **_: Any) -> None:
    how = {signals.authenticator_added: "added", signals.authenticator_removed: "removed"}.get(signal, "made anew")
    name = f"second factor ({Authenticator.Type(authenticator.type).label}) of {user}"
    audit.record(Actor(user, address=client_address(request)), AuditKind.CHANGE, subject=name, changes=[{how: name}])
