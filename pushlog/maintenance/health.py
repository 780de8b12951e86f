"""The checks behind /readyz and /healthz."""

import shutil
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from pushlog import clock, credentials, message_ids
from pushlog.models import WINDOW, Credential, EarlyReceipt, MaintenanceRun
from pushlog.postgres.partitions import GRACE, MONTHLY, TABLES

MAINTENANCE_AGE = timedelta(hours=3)
LEAST_FREE = 256 << 20  # bytes: PostgreSQL stops when it cannot write its log

_DAY = timedelta(days=1)
_MOST_EARLY = 1_000_000
_DATABASE = "SELECT clock_timestamp(), current_setting('transaction_read_only')::bool"
_SPANS = r"""
    SELECT parent.relname, child.relname, inhdetachpending,
           regexp_match(pg_get_expr(child.relpartbound, child.oid), 'FROM \(''(.{36})''\) TO \(''(.{36})''\)')
    FROM pg_inherits
    JOIN pg_class AS parent ON parent.oid = inhparent
    JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent IN (SELECT unnest(%s::text[])::regclass)
"""
_LAST_RUN = f"""
    SELECT finished_at, succeeded, ARRAY(SELECT jsonb_object_keys(coalesce(result -> 'failed', '{{}}'))),
           result ? 'drop_refused', ARRAY(SELECT jsonb_array_elements_text(coalesce(result -> 'drop_kept', '[]')))
    FROM {MaintenanceRun._meta.db_table} WHERE finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
"""
_SEALED_ELSEWHERE = f"""
    SELECT count(*) FROM {Credential._meta.db_table}
    CROSS JOIN LATERAL (VALUES (key_fingerprint), (new_key_fingerprint)) AS used (key)
    WHERE revoked_at IS NULL AND used.key <> '' AND used.key <> ALL(%s)
"""
_EARLY = f"SELECT count(*) FROM (SELECT 1 FROM {EarlyReceipt._meta.db_table} LIMIT {_MOST_EARLY}) AS early"


class Problems(NamedTuple):
    now: list[str]  # rows cannot be read or stored
    upkeep: list[str]  # someone should look


class _Span(NamedTuple):
    table: str
    name: str
    pending: bool
    start: datetime
    end: datetime


def problems(cursor: Any, now: datetime | None = None) -> Problems:
    cursor.execute(_DATABASE)
    moment, is_read_only = cursor.fetchone()
    now = now or moment
    found = ["database: is read-only"] if is_read_only else []
    if why := clock.describe_skew(now):
        found.append(f"clock: {why}")
    if settings.EMBEDDED and (free := shutil.disk_usage(settings.VAR).free) < LEAST_FREE:
        found.append(f"disk: only {free >> 20} MiB are free")
    cursor.execute(_SEALED_ELSEWHERE, [credentials.fingerprints()])
    if unknown := cursor.fetchone()[0]:
        found.append(f"keys: the keys of {unknown} credentials are missing in ENCRYPTION_KEYS")
    spans = _spans(cursor)
    cursor.execute(_LAST_RUN)
    run = cursor.fetchone()
    kept = run[4] if run else []
    return Problems(found + _missing(spans, now), [*_overdue(spans, kept, now), *_of_maintenance(run, now)])


def early_receipts(cursor: Any) -> int:
    """Their number, up to a million."""
    cursor.execute(_EARLY)
    return int(cursor.fetchone()[0])


def last_maintenance(cursor: Any) -> datetime | None:
    cursor.execute(_LAST_RUN)
    row = cursor.fetchone()
    return row[0] if row else None


def _spans(cursor: Any) -> list[_Span]:
    cursor.execute(_SPANS, [[*TABLES, *MONTHLY]])
    return [
        _Span(table, name, pending, *(message_ids.created_at(UUID(one)) for one in bounds))
        for table, name, pending, bounds in cursor.fetchall()
        if bounds
    ]


def _missing(spans: list[_Span], now: datetime) -> list[str]:
    days = {"today": now, "tomorrow": now + _DAY}
    return [
        f"partitions: {table} has none for {word}"
        for table in (*TABLES, *MONTHLY)
        for word, moment in days.items()
        if not any(one.table == table and not one.pending and one.start <= moment < one.end for one in spans)
    ]


def _overdue(spans: list[_Span], kept: list[str], now: datetime) -> list[str]:
    # A long reader may delay maintenance, but not for a day.
    limit = now - WINDOW - GRACE - _DAY
    late = {one.table for one in spans if one.end < limit and one.name not in kept}
    return [f"partitions: {table} has one that expired more than a day ago" for table in TABLES if table in late]


def _of_maintenance(run: Any, now: datetime) -> list[str]:
    if run is None:
        return ["maintenance: has never been done"]
    finished_at, succeeded, failed, is_refused, _ = run
    found = []
    if now - finished_at > MAINTENANCE_AGE:
        found.append(f"maintenance: was last done at {finished_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if not succeeded:
        found.append(f"maintenance: failed ({', '.join(failed)})")
    if is_refused:
        found.append("maintenance: drops no days, because more are due than have passed; see maintain --force")
    return found
