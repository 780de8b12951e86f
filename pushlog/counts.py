"""Counts of messages by hour.

Writers append changes (`CountDelta`), because updates of the current hour's row would wait for one another.
`compact` adds them to `HourlyCount`. `models.MessageCount` reads the sum of both, which is always exact.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from pushlog import message_ids
from pushlog.models import App, CountDelta, HourlyCount
from pushlog.postgres import statements
from pushlog.postgres.advisory_locks import AdvisoryLock

Key = tuple[int, int, int, int, int]  # hour (`hour_of`), push type, mode, channel, code
Changes = Counter[Key]

_HOUR = timedelta(hours=1)
_HOUR_MS = 3_600_000
_BATCH = 50_000
_KEYS = "app_id, hour, push_type, mode, channel, code"
_ADD = f"""
    INSERT INTO {CountDelta._meta.db_table} (app_id, hour, push_type, mode, channel, code, messages)
    SELECT %b, * FROM unnest(%b::timestamptz[], %b::int2[], %b::int2[], %b::int2[], %b::int4[], %b::int8[])
"""
_COMPACT = f"""
    WITH taken AS (
        DELETE FROM {CountDelta._meta.db_table} WHERE id IN (
            SELECT id FROM {CountDelta._meta.db_table} ORDER BY id LIMIT %s
        )
        RETURNING {_KEYS}, messages
    ), added AS (
        INSERT INTO {HourlyCount._meta.db_table} AS old ({_KEYS}, messages)
        SELECT {_KEYS}, sum(messages) FROM taken GROUP BY {_KEYS}
        ON CONFLICT ({_KEYS}) DO UPDATE SET messages = old.messages + EXCLUDED.messages
    )
    SELECT count(*) FROM taken
"""
_EXPIRE = f"DELETE FROM {HourlyCount._meta.db_table} WHERE hour < %s OR messages = 0"


def hour_of(created_ms: int) -> int:
    """Hours since 1970; `created_ms` are milliseconds since then."""
    return created_ms // _HOUR_MS


def add(app: App, changes: Mapping[Key, int]) -> None:
    """Must run in the writer's transaction."""
    rows = [(message_ids.EPOCH + key[0] * _HOUR, *key[1:], change) for key, change in changes.items() if change]
    if rows:
        statements.run(_ADD, [app.pk, *map(list, zip(*rows, strict=True))])


def compact() -> int:
    """Returns the number of deltas added to hourly counts. Safe to repeat, to run twice at once and to kill.

    Raises RuntimeError in a transaction, which would hold the locks of all batches to its end.
    """
    if connection.in_atomic_block:
        raise RuntimeError("compact() must not run in a transaction")
    total = 0
    while taken := _compact_some():
        total += taken
        if taken < _BATCH:
            break
    return total


def expire(before: datetime) -> int:
    """Deletes hourly counts before a moment (aware), and zeros. Run `compact` first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [AdvisoryLock.COUNTS])
        cursor.execute(_EXPIRE, [before])
        return int(cursor.rowcount)


def _compact_some() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # If another compact() runs, it takes all deltas.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [AdvisoryLock.COUNTS])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_COMPACT, [_BATCH])
        return int(cursor.fetchone()[0])
