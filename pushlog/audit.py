"""The audit log: who looked at or changed what. Entries are only added, and sealed in a chain of hashes.

A look is recorded before it is shown: whoever cannot be recorded sees nothing.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from pushlog import message_ids, sealing
from pushlog.models import App, AuditEntry, AuditKind, AuditSeal, Correction, Credential, Message
from pushlog.postgres.advisory_locks import AdvisoryLock
from pushlog.postgres.statements import run

logger = logging.getLogger(__name__)
lines = logging.getLogger("pushlog.audit.lines")

# A UUIDv7 by the database's clock. Made within the statement, it is never older than its transaction: see _SETTLED.
_ADD = f"""
    INSERT INTO {AuditEntry._meta.db_table}
        (id, person_id, app_id, kind, access_id, address, message_id, target, customer_message, subject, details)
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(
        int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid, %(person)b, %(app)b, %(kind)b, %(access_id)b, %(address)b, %(message)b, %(target)b,
        %(customer_message)b, %(subject)b, %(details)b::text::jsonb
    RETURNING id
"""
# An open transaction may still add entries whose IDs are as old as itself.
_SETTLED = """
    SELECT least(clock_timestamp() - interval '1 second', min(xact_start)) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
"""
_SEALED = "encrypted"
_DAY = timedelta(days=1)
_LATE = timedelta(hours=3)


class NotRecorded(Exception):
    """The audit log could not be written. What it should record must not be shown or done."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where. A command line is nobody from nowhere."""

    person: User | None = None
    credential: Credential | None = None
    address: str = ""


COMMAND = Actor()


def record(
    by: Actor,
    kind: AuditKind,
    *,
    app: App | None = None,
    message: Message | None = None,
    target_id: str = "",
    customer_message_id: str = "",
    subject: str = "",
    **details: Any,
) -> UUID:
    """Adds an entry, in the open transaction if there is one. Raises NotRecorded."""
    if message is not None:
        target_id, customer_message_id = message.target_id, message.customer_message_id
    given: dict[str, Any] = {
        "person": by.person.pk if by.person else None,
        "app": app.pk if app else None,
        "kind": kind.value,
        "access_id": by.credential.access_id if by.credential else "",
        "address": by.address,
        "message": message.pk if message else None,
        "target": target_hash(app, target_id) if app and target_id else None,
        "customer_message": customer_message_hash(app, customer_message_id) if app and customer_message_id else None,
        "subject": subject[:200],
        "details": json.dumps(details, ensure_ascii=False, cls=DjangoJSONEncoder),
    }
    try:
        [(identifier,)] = run(_ADD, given)
    except DatabaseError as error:
        logger.error("The audit log cannot be written: %s", type(error.__cause__ or error).__name__)
        raise NotRecorded from error
    if settings.AUDIT_LINES:
        transaction.on_commit(partial(_print, identifier, by, kind, app, given))
    return UUID(str(identifier))


def record_correction(
    by: Actor,
    changes: Mapping[str, tuple[Any, Any]],
    *,
    app: App,
    message: Message | None = None,
    push_id: str = "",
    now: datetime,
    **details: Any,
) -> None:
    """Adds an entry, and the old and new values apart from it: they are personal data, which can be erased."""
    if by.person is None:
        raise ValueError("people correct")
    kept = Correction.objects.create(
        app=app,
        user=by.person,
        message_id=message.pk if message else None,
        push_id=push_id,
        at=now,
        values=_kept_values(app, changes),
    )
    subject = f"push task {push_id}" if push_id else "message"
    details |= {"corrected": sorted(changes), "correction": kept.pk}
    record(by, AuditKind.CHANGE, app=app, message=message, subject=subject, **details)


def record_credential(by: Actor, how: str, credential: Credential) -> None:
    """`how` is "added", "revoked", or what else was done."""
    name = f"credential {credential}"
    record(by, AuditKind.CHANGE, app=credential.app, subject=name, changes=[{how: name}])


def _kept_values(app: App, changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(changes, cls=DjangoJSONEncoder))
    return {_SEALED: sealing.seal(values).decode()} if app.encrypts_content else values


def values_of(correction: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a correction keeps, decrypted."""
    if _SEALED not in correction:
        return dict(correction)
    [values] = sealing.unseal(correction[_SEALED].encode()) or [{}]
    return dict(values)


def target_hash(app: App, target_id: str) -> bytes:
    """Keyed, so that nobody can test guesses without the app's key."""
    return hmac.digest(bytes(app.id_key), b"target:" + target_id.encode(), "sha256")


def customer_message_hash(app: App, customer_message_id: str) -> bytes:
    return hmac.digest(bytes(app.id_key), b"customer message:" + customer_message_id.encode(), "sha256")


def count_since(person: User, kind: AuditKind, moment: datetime) -> int:
    return AuditEntry.objects.filter(person=person.pk, kind=kind, pk__gte=message_ids.first_id(moment)).count()


def seal() -> int:
    """Seals the entries that no open transaction can add to, and returns their number. Safe to run twice at once."""
    with transaction.atomic():
        [(is_free,)] = run("SELECT pg_try_advisory_xact_lock(%b::int8)", [int(AdvisoryLock.AUDIT)])
        if not is_free:
            return 0
        # Before the first query: what is committed until then is seen.
        [(settled,)] = run(_SETTLED, [])
        end, total = message_ids.first_id(settled), 0
        last = AuditSeal.objects.order_by("pk").last()
        while made := _seal_day(last, end):
            last, total = made, total + made.entries
        return total


def _seal_day(last: AuditSeal | None, end: UUID) -> AuditSeal | None:
    """The seal of what comes after another, of one UTC day, so that it is dropped with its entries."""
    start = last.until if last else UUID(int=0)
    first = AuditEntry.objects.filter(pk__gte=start, pk__lt=end).order_by("pk").first()
    if first is None:
        return None
    day = first.at.replace(hour=0, minute=0, second=0, microsecond=0)
    start, until = max(start, message_ids.first_id(day)), min(end, message_ids.first_id(day + _DAY))
    count, digest = _digest(start, until)
    made = AuditSeal(pk=start, until=until, entries=count, digest=digest, previous=bytes(last.hash) if last else b"")
    made.hash, made.key_fingerprint = _hash(made, settings.SECRET_KEY), _fingerprint(settings.SECRET_KEY)
    made.save(force_insert=True)
    return made


@dataclass(slots=True)
class Verification:
    entries: int = 0
    seals: int = 0
    first: datetime | None = None
    last: AuditSeal | None = None
    unsealed: int = 0


def verify(found: Verification, *, since: datetime | None = None, now: datetime) -> Iterator[str]:
    """Reads the whole log, or that `since` a moment; yields what is wrong, and fills `found`."""
    start = message_ids.first_id(since) if since else UUID(int=0)
    keys = {_fingerprint(key): key for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)}
    for one in AuditSeal.objects.filter(pk__gte=start).order_by("pk").iterator():
        when = f"{message_ids.created_at(one.pk):%Y-%m-%d %H:%M:%S} UTC"
        if found.last is None:
            found.first = message_ids.created_at(one.pk)
            if one.previous and since is None and found.first > now - timedelta(days=settings.AUDIT_DAYS):
                yield f"The log begins at {when}: earlier entries and their seals are missing."
        else:
            if bytes(one.previous) != bytes(found.last.hash):
                yield f"A seal before {when} is missing or was changed: the chain is broken."
            if AuditEntry.objects.filter(pk__gte=found.last.until, pk__lt=one.pk).exists():
                yield f"Before {when} are entries that no seal covers."
        count, digest = _digest(one.pk, one.until)
        if count != one.entries:
            yield f"From {when}, {one.entries} entries were sealed, and {count} are there."
        elif digest != bytes(one.digest):
            yield f"From {when}, one of {count} entries was changed."
        key = keys.get(one.key_fingerprint)
        if key is None:
            yield f"The seal of {when} was made with a key that is not in SECRET_KEY or SECRET_KEY_FALLBACKS."
        elif not hmac.compare_digest(_hash(one, key), bytes(one.hash)):
            yield f"The seal of {when} was changed."
        found.last, found.seals, found.entries = one, found.seals + 1, found.entries + count
    rest = AuditEntry.objects.filter(pk__gte=found.last.until if found.last else start).order_by("pk")
    found.unsealed = rest.count()
    if (oldest := rest.first()) and oldest.at < now - _LATE:
        yield f"Entries since {oldest.at:%Y-%m-%d %H:%M:%S} UTC are not sealed: does maintenance run?"


def _digest(start: UUID, until: UUID) -> tuple[int, bytes]:
    hasher, count = hashlib.sha256(), 0
    entries: QuerySet[AuditEntry] = AuditEntry.objects.filter(pk__gte=start, pk__lt=until).order_by("pk")
    for one in entries.iterator():
        fields = [
            *(str(one.pk), one.person_id, one.app_id, one.kind, one.access_id, one.address),
            *(str(value) if (value := one.message_id) else None, _hex(one.target), _hex(one.customer_message)),
            *(one.subject, one.details),
        ]
        # A line each: the text of JSON has no line end.
        hasher.update(json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode() + b"\n")
        count += 1
    return count, hasher.digest()


def _hash(one: AuditSeal, secret: str) -> bytes:
    fields = [str(one.pk), str(one.until), one.entries, _hex(one.digest), _hex(one.previous)]
    return hmac.digest(_key(secret), json.dumps(fields).encode(), "sha256")


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"seals of the audit log", "sha256")


def _fingerprint(secret: str) -> str:
    return hmac.digest(_key(secret), b"fingerprint", "sha256")[:8].hex()


def _hex(value: Any) -> str | None:
    return bytes(value).hex() if value is not None else None


def _print(identifier: Any, by: Actor, kind: AuditKind, app: App | None, given: dict[str, Any]) -> None:
    entry = {
        "id": str(identifier),
        "time": message_ids.created_at(UUID(str(identifier))).astimezone(UTC).isoformat(timespec="milliseconds"),
        "kind": kind.word,
        "person": by.person.get_username() if by.person else None,
        "access_id": given["access_id"] or None,
        "address": by.address or None,
        "app": app.slug if app else None,
        "message_id": str(given["message"]) if given["message"] else None,
        "target": _hex(given["target"]),
        "customer_message": _hex(given["customer_message"]),
        "subject": given["subject"] or None,
        "details": json.loads(given["details"]),
    }
    lines.info(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
