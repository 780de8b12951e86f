"""Making, checking, revoking and re-sealing credentials.

A secret is kept encrypted, not hashed: a signature as TPNS asks for can only be checked by who has the secret itself.
"""

import functools
import secrets
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from pushlog.models import App, Credential

DIGITS = 10
_SECRET_BYTES = 32  # 43 characters of URL-safe base64
_NOTED_EVERY = timedelta(hours=1)


def create(*, app: App, name: str, note: str = "") -> tuple[Credential, str]:
    """A new credential for an app, and its secret, which cannot be had again."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    sealed = _keys().encrypt(secret.encode())
    while True:
        access_id = f"{secrets.randbelow(9 * 10 ** (DIGITS - 1)) + 10 ** (DIGITS - 1)}"
        try:
            with transaction.atomic():
                made = Credential.objects.create(
                    app=app, access_id=access_id, sealed_secret=sealed, name=name, note=note
                )
        except IntegrityError:
            # Taken already: one chance in billions. Any other reason is an error.
            if not Credential.objects.filter(access_id=access_id).exists():
                raise
        else:
            return made, secret


def check(access_id: str, secret: str, *, now: datetime | None = None) -> Credential | None:
    """The valid credential (with its app) that has this access ID and secret, or None. Notes that it was used.

    An access ID which nobody has takes the same steps as one with a wrong secret: neither the answer nor the time
    it takes tells which of the two was wrong.
    """
    # Anything else would be compared in vain, and PostgreSQL refuses a NUL.
    wanted = access_id if len(access_id) == DIGITS and access_id.isascii() and access_id.isdigit() else ""
    found = Credential.objects.select_related("app").filter(access_id=wanted).first()
    kept = _unsealed(bytes(found.sealed_secret) if found else _decoy())
    matches = compare_digest(kept, secret.encode(errors="replace"))
    if found is None or found.revoked_at is not None or not kept or not matches:
        return None
    _note_use(found, now or datetime.now(UTC))
    return found


def revoke(*, access_id: str, now: datetime | None = None) -> bool:
    """Makes a credential useless from the next request on; False if it was already. Raises Credential.DoesNotExist."""
    if Credential.objects.filter(access_id=access_id, revoked_at=None).update(revoked_at=now or datetime.now(UTC)):
        return True
    Credential.objects.get(access_id=access_id)
    return False


def reseal() -> int:
    """Encrypts every secret anew with the first of ENCRYPTION_KEYS, so that the others may go; how many there are.

    Raises InvalidToken, and changes nothing, if a secret was sealed with a key that is not among them.
    """
    keys, count = _keys(), 0
    with transaction.atomic():
        for credential in Credential.objects.select_for_update().order_by("pk"):
            credential.sealed_secret = keys.rotate(bytes(credential.sealed_secret))
            credential.save(update_fields=["sealed_secret"])
            count += 1
    return count


def _note_use(credential: Credential, now: datetime) -> None:
    """A write per request would make all requests of a program wait for one another: once an hour is enough."""
    due = now - _NOTED_EVERY
    if credential.last_used_at is None or credential.last_used_at < due:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=due)
        Credential.objects.filter(unnoted, pk=credential.pk).update(last_used_at=now)


def _unsealed(sealed: bytes) -> bytes:
    """The secret, or nothing (which never matches) if no key of ours opens it."""
    try:
        return _keys().decrypt(sealed)
    except InvalidToken:
        return b""


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


@functools.lru_cache(maxsize=1)
def _decoy_for(keys: tuple[str, ...]) -> bytes:
    return MultiFernet([Fernet(key) for key in keys]).encrypt(secrets.token_urlsafe(_SECRET_BYTES).encode())


def _decoy() -> bytes:
    """A sealed secret that nobody has."""
    return _decoy_for(tuple(settings.ENCRYPTION_KEYS))
