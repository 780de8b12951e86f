"""Counts of messages: added to by the writers, put together later, and read through `models.MessageCount`.

Ten writers that each add to the row of the current hour would wait for one another. So every batch appends how it
changed the counts (`CountDelta`) in its own transaction, and `compact` adds those up into `HourlyCount` now and then.
The sum of both tables, read in one statement, is exact at any moment.
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
"""  # noqa: S608 (table names)
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
"""  # noqa: S608 (table names)
_EXPIRE = f"DELETE FROM {HourlyCount._meta.db_table} WHERE hour < %s OR messages = 0"  # noqa: S608 (table names)


def hour_of(created_ms: int) -> int:
    """The hour of a message created so many milliseconds after 1970, in hours since then."""
    return created_ms // _HOUR_MS


def add(app: App, changes: Mapping[Key, int]) -> None:
    """Adds to an app's counts (or takes away). Must run in the transaction of what is counted."""
    rows = [(message_ids.EPOCH + key[0] * _HOUR, *key[1:], change) for key, change in changes.items() if change]
    if rows:
        statements.run(_ADD, [app.pk, *map(list, zip(*rows, strict=True))])


def compact() -> int:
    """Puts deltas together, and gives their number. Safe to repeat, to run twice at once and to kill.

    No writer or reader waits for it: it takes away only what is committed, and nobody else changes those rows.
    Raises RuntimeError in a transaction: the locks of all its batches would be held to its end.
    """
    if connection.in_atomic_block:
        raise RuntimeError("compact() makes transactions of its own")
    total = 0
    while taken := _compact_some():
        total += taken
        if taken < _BATCH:
            break
    return total


def expire(before: datetime) -> int:
    """Removes hourly counts before a moment (aware), and those which are zero; gives their number.

    What was appended for those hours must have been compacted.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [AdvisoryLock.COUNTS])
        cursor.execute(_EXPIRE, [before])
        return int(cursor.rowcount)


def _compact_some() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # Of two at once, the second has nothing to do: the first takes all there is.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [AdvisoryLock.COUNTS])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_COMPACT, [_BATCH])
        return int(cursor.fetchone()[0])
