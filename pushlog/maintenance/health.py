"""The checks behind /healthz."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pushlog import message_ids
from pushlog.models import WINDOW, EarlyReceipt, MaintenanceRun
from pushlog.postgres.partitions import GRACE, TABLES

MAINTENANCE_AGE = timedelta(hours=3)

_DAY = timedelta(days=1)
_MOST_EARLY = 1_000_000
# IDs sort by time, as text too.
_SPANS = r"""
    SELECT parent.relname, min(ends), max(ends) FROM pg_inherits
    JOIN pg_class AS parent ON parent.oid = inhparent
    JOIN pg_class AS child ON child.oid = inhrelid
    CROSS JOIN LATERAL substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \(''([0-9a-f-]{36})''\)') AS ends
    WHERE inhparent IN (SELECT unnest(%s::text[])::regclass)
    GROUP BY parent.relname
"""
_LAST_RUN = f"""
    SELECT finished_at, succeeded, ARRAY(SELECT jsonb_object_keys(coalesce(result -> 'failed', '{{}}')))
    FROM {MaintenanceRun._meta.db_table} WHERE finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
"""
_EARLY = f"SELECT count(*) FROM (SELECT 1 FROM {EarlyReceipt._meta.db_table} LIMIT {_MOST_EARLY}) AS early"


def problems(cursor: Any, now: datetime | None = None) -> list[str]:
    now = now or datetime.now(UTC)
    return [*_of_partitions(cursor, now), *_of_maintenance(cursor, now)]


def early_receipts(cursor: Any) -> int:
    """Their number, up to a million."""
    cursor.execute(_EARLY)
    return int(cursor.fetchone()[0])


def last_maintenance(cursor: Any) -> datetime | None:
    cursor.execute(_LAST_RUN)
    row = cursor.fetchone()
    return row[0] if row else None


def _of_partitions(cursor: Any, now: datetime) -> list[str]:
    cursor.execute(_SPANS, [list(TABLES)])
    spans = {table: [message_ids.created_at(UUID(end)) for end in ends] for table, *ends in cursor.fetchall()}
    tomorrow = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    found = []
    for table in TABLES:
        if table not in spans or spans[table][1] < tomorrow + _DAY:
            found.append(f"partitions: {table} has none for tomorrow")
        # A long reader may delay maintenance, but not for a day.
        if table in spans and spans[table][0] < now - WINDOW - GRACE - _DAY:
            found.append(f"partitions: {table} has one that expired more than a day ago")
    return found


def _of_maintenance(cursor: Any, now: datetime) -> list[str]:
    cursor.execute(_LAST_RUN)
    row = cursor.fetchone()
    if row is None:
        return ["maintenance: has never been done"]
    finished_at, succeeded, failed = row
    found = []
    if now - finished_at > MAINTENANCE_AGE:
        found.append(f"maintenance: was last done at {finished_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if not succeeded:
        found.append(f"maintenance: failed ({', '.join(failed)})")
    return found
