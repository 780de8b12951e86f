"""Making, checking, revoking and re-encrypting credentials.

Secrets are encrypted, not hashed: checking a TPNS signature needs the secret itself.
"""

import base64
import functools
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import Exists, F

from pushlog import clock, throttle
from pushlog.models import App, Credential

logger = logging.getLogger(__name__)

Source = IPv4Address | IPv6Address | None
# A revocation can be taken back for so long.
REGRET = timedelta(hours=1)
DIGITS = 10
_SECRET_BYTES = 32  # 43 characters of URL-safe base64
_NOTED_EVERY = timedelta(hours=1)
_USABLE_SECRET = re.compile(r"[!-~]{16,256}")
_FREE_OF_PROGRAM, _FREE_OF_ADDRESS = 5, 30  # failures
_MAX_TIMESTAMP = 12  # digits: in seconds, for the next 29,000 years
_SECRETS = ["sealed_secret", "key_fingerprint", "new_sealed_secret", "new_key_fingerprint"]
# NOWAIT and SKIP LOCKED: a read waits for nobody.
_LOCK = f"LOCK TABLE {Credential._meta.db_table} IN ROW EXCLUSIVE MODE NOWAIT"
_NOTE = f"""
    UPDATE {Credential._meta.db_table} SET last_used_at = %s WHERE id IN (
        SELECT id FROM {Credential._meta.db_table}
        WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s) FOR NO KEY UPDATE SKIP LOCKED
    )
"""
_PAUSE = 60.0  # seconds without attempts after a failed one: a standby refuses every one

_paused_until = 0.0  # by the monotonic clock


class NotUsable(ValueError):
    """An access ID or a secret that cannot be used. The text holds neither."""


@dataclass(eq=False)
class TooManyTries(Exception):
    """There were too many wrong secrets from this address."""

    seconds: int


def create(
    *, app: App, name: str, access_id: str | None = None, secret: str | None = None, **more: Any
) -> tuple[Credential, str]:
    """A new credential and its secret, which cannot be shown again.

    `access_id` (ten digits) and `secret` (16 to 256 visible ASCII characters) may come from another system; they go
    together. `more` is the other columns, such as `scopes`. Raises NotUsable.
    """
    if access_id is not None or secret is not None:
        access_id, secret = access_id or "", secret or ""
        check_usable(access_id, secret)
        made = Credential(app=app, access_id=access_id, name=name, **more, **_sealed(secret))
        return _brought_along(made, secret), secret
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    sealed = _sealed(secret)
    while True:
        access_id = f"{secrets.randbelow(9 * 10 ** (DIGITS - 1)) + 10 ** (DIGITS - 1)}"
        try:
            with transaction.atomic():
                made = Credential.objects.create(app=app, access_id=access_id, name=name, **more, **sealed)
        except IntegrityError:
            # The access ID is taken. Any other reason is an error.
            if not Credential.objects.filter(access_id=access_id).exists():
                raise
        else:
            return made, secret


def check_usable(access_id: str, secret: str) -> None:
    if not _is_access_id(access_id):
        raise NotUsable(f"an access ID is {DIGITS} digits")
    if not _USABLE_SECRET.fullmatch(secret):
        raise NotUsable("a secret is 16 to 256 visible ASCII characters")
    if is_known(access_id):
        raise NotUsable("there is a credential with this access ID already")


def _brought_along(made: Credential, secret: str) -> Credential:
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        # Another transaction may have been faster. Any other reason is an error.
        check_usable(made.access_id, secret)
        raise
    return made


def check(
    access_id: str,
    secret: str,
    *,
    now: datetime | None = None,
    address: str | None = None,
    source: Source = None,
) -> Credential | None:
    """The valid credential with its app, or None. Records its use.

    An unknown access ID takes the same steps as a wrong secret, so that the time of the answer tells nothing.
    Failures from `address` are counted. `source` must be in the credential's networks. Raises TooManyTries.
    """
    given = secret.encode(errors="replace")
    return _checked(access_id, lambda kept: compare_digest(kept, given), now, address, source)


def check_signature(
    access_id: str,
    signature: str,
    *,
    timestamp: str,
    body: bytes,
    now: datetime | None = None,
    address: str | None = None,
    source: Source = None,
) -> Credential | None:
    """As `check`, by a TPNS signature (docs/tpns.md): base64 of the lower-case hex of an HMAC-SHA256.

    The key is the secret's text. Signed are `timestamp` (Unix seconds, as sent), access ID and body in one string.
    The timestamp may be SIGNATURE_MAX_AGE seconds off either way.
    """
    now = now or clock.now()
    digits = timestamp if len(timestamp) <= _MAX_TIMESTAMP and timestamp.isascii() and timestamp.isdigit() else "0"
    in_time = abs(int(digits) - now.timestamp()) <= settings.SIGNATURE_MAX_AGE
    signed = timestamp.encode(errors="replace") + access_id.encode(errors="replace") + body

    def proves(kept: bytes) -> bool:
        expected = base64.b64encode(hmac.new(kept, signed, hashlib.sha256).hexdigest().encode())
        # No short cut: the time must not tell which is wrong.
        return compare_digest(expected, signature.encode(errors="replace")) & in_time

    return _checked(access_id, proves, now, address, source)


def is_known(access_id: str) -> bool:
    """Whether a credential with this access ID exists, valid or revoked."""
    return Credential.objects.filter(access_id=_wanted(access_id)).exists()


def _checked(
    access_id: str, proves: Callable[[bytes], bool], now: datetime | None, address: str | None, source: Source
) -> Credential | None:
    access_id, now = _wanted(access_id), now or clock.now()
    pair = throttle.Key(throttle.of_program(access_id), address or "", _FREE_OF_PROGRAM)
    # The wait is read along, because successful calls are many.
    found = (
        Credential.objects.select_related("app")
        .annotate(waits=Exists(throttle.waiting(pair)))
        .filter(access_id=access_id)
        .order_by("pk")
        .first()
    )
    if found and found.waits:
        raise TooManyTries(throttle.seconds_to_wait(pair))
    sealed = [found.sealed_secret, found.new_sealed_secret] if found else [_decoy()]
    kept = [_unsealed(bytes(one)) for one in sealed if one is not None]
    proven = sum(bool(one) & proves(one) for one in kept) > 0  # all are tried
    if found is None or not proven or not _counts(found, now, source):
        if address is not None:
            _count_failure(pair, is_known=found is not None)
        return None
    _note_use(found, now)
    return found


def _counts(found: Credential, now: datetime, source: Source) -> bool:
    """Of a credential whose secret was right. The answer is that of a wrong secret, so the log says why."""
    if found.revoked_at is not None:
        why = "is revoked"
    elif found.expires_at is not None and found.expires_at <= now:
        why = "has expired"
    elif found.networks and not any(source and source in ip_network(one) for one in found.networks):
        why = "does not count from the address that used it"
    else:
        return True
    logger.warning("Credential %s %s", found.access_id, why)
    return False


def _count_failure(pair: throttle.Key, *, is_known: bool) -> None:
    of_address = throttle.Key("programs", pair.place, _FREE_OF_ADDRESS)
    if not is_known and (seconds := throttle.seconds_to_wait(pair)):
        raise TooManyTries(seconds)
    if seconds := throttle.seconds_to_wait(of_address):
        # Otherwise this access ID could be guessed on. Made-up ones would fill the table.
        if is_known:
            throttle.fail(pair)
        raise TooManyTries(seconds)
    throttle.fail(pair, of_address)


def _wanted(access_id: str) -> str:
    # PostgreSQL refuses NUL.
    return access_id if _is_access_id(access_id) else ""


def _is_access_id(text: str) -> bool:
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def revoke(*, access_id: str, now: datetime | None = None) -> bool:
    """Revokes a credential; False if it was revoked already. Raises Credential.DoesNotExist."""
    if Credential.objects.filter(access_id=access_id, revoked_at=None).update(revoked_at=now or clock.now()):
        return True
    Credential.objects.get(access_id=access_id)
    return False


def take_back_revocation(*, access_id: str, now: datetime | None = None) -> bool:
    """Within an hour; False after it."""
    since = (now or clock.now()) - REGRET
    return bool(Credential.objects.filter(access_id=access_id, revoked_at__gte=since).update(revoked_at=None))


def add_secret(credential: Credential) -> str:
    """A second secret, which counts beside the first. Replaces a second one that was there."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    new = {f"new_{name}": value for name, value in _sealed(secret).items()}
    Credential.objects.filter(pk=credential.pk).update(**new)
    return secret


def keep_new_secret(credential: Credential) -> bool:
    """Ends the first secret; False if there is no second one."""
    both = Credential.objects.filter(pk=credential.pk, new_sealed_secret__isnull=False)
    return bool(
        both.update(
            sealed_secret=F("new_sealed_secret"),
            key_fingerprint=F("new_key_fingerprint"),
            new_sealed_secret=None,
            new_key_fingerprint="",
        )
    )


def drop_new_secret(credential: Credential) -> bool:
    """Ends the second secret; False if there is none."""
    both = Credential.objects.filter(pk=credential.pk, new_sealed_secret__isnull=False)
    return bool(both.update(new_sealed_secret=None, new_key_fingerprint=""))


def reseal() -> int:
    """Re-encrypts every secret with the first of ENCRYPTION_KEYS; gives their number.

    Raises InvalidToken, and changes nothing, if no key opens a secret.
    """
    keys, count = _keys(), 0
    with transaction.atomic():
        for credential in Credential.objects.select_for_update().order_by("pk"):
            credential.sealed_secret = keys.rotate(bytes(credential.sealed_secret))
            credential.key_fingerprint = _fingerprint(settings.ENCRYPTION_KEYS[0])
            if credential.new_sealed_secret is not None:
                credential.new_sealed_secret = keys.rotate(bytes(credential.new_sealed_secret))
                credential.new_key_fingerprint = credential.key_fingerprint
            credential.save(update_fields=_SECRETS)
            count += 1
    return count


def note_keys() -> int:
    """Finds the keys of secrets that were stored without a fingerprint, and returns how many it found."""
    found = 0
    for credential in Credential.objects.filter(key_fingerprint="").order_by("pk"):
        for key in settings.ENCRYPTION_KEYS:
            with suppress(InvalidToken):
                Fernet(key).decrypt(bytes(credential.sealed_secret))
                # `reseal` may run at the same time.
                found += Credential.objects.filter(pk=credential.pk, key_fingerprint="").update(
                    key_fingerprint=_fingerprint(key)
                )
    return found


def fingerprints() -> list[str]:
    return [_fingerprint(key) for key in settings.ENCRYPTION_KEYS]


def _note_use(credential: Credential, now: datetime) -> None:
    """Once an hour, and never at the cost of the request: not on a standby, nor while the row or table is locked."""
    global _paused_until
    due = now - _NOTED_EVERY
    if (credential.last_used_at and credential.last_used_at >= due) or time.monotonic() < _paused_until:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK)
            cursor.execute(_NOTE, [now, credential.pk, due])
    except Error as error:
        _paused_until = time.monotonic() + _PAUSE
        logger.info("The use of a credential was not noted: %s", type(error.__cause__ or error).__name__)


def _unsealed(sealed: bytes) -> bytes:
    """The secret, or nothing, which never matches, if no key opens it."""
    try:
        return _keys().decrypt(sealed)
    except InvalidToken:
        return b""


def _sealed(secret: str) -> dict[str, Any]:
    first = settings.ENCRYPTION_KEYS[0]
    return {"sealed_secret": Fernet(first).encrypt(secret.encode()), "key_fingerprint": _fingerprint(first)}


def _fingerprint(key: str) -> str:
    return hmac.digest(base64.urlsafe_b64decode(key), b"fingerprint of an encryption key", "sha256")[:8].hex()


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


@functools.lru_cache(maxsize=1)
def _decoy_for(keys: tuple[str, ...]) -> bytes:
    return MultiFernet([Fernet(key) for key in keys]).encrypt(secrets.token_urlsafe(_SECRET_BYTES).encode())


def _decoy() -> bytes:
    return _decoy_for(tuple(settings.ENCRYPTION_KEYS))
