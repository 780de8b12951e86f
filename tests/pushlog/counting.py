"""Compares the counts with the messages, in one statement and so in one snapshot."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

from pushlog import message_ids
from pushlog.models.counts import first_hour

# Written apart from the code: the hour by PostgreSQL's own calendar.
_DIFFERENCE = """
    WITH truth AS (
        SELECT app_id,
            date_trunc('hour', to_timestamp(('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
                AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
            push_type, mode, channel, code, count(*)
        FROM pushlog_message WHERE id >= %s GROUP BY 1, 2, 3, 4, 5, 6
    ), counted AS (
        SELECT app_id, hour, push_type, mode, channel, code, messages FROM pushlog_messagecount WHERE hour >= %s
    )
    SELECT 'missing', * FROM (TABLE truth EXCEPT ALL TABLE counted) AS missing
    UNION ALL
    SELECT 'wrong', * FROM (TABLE counted EXCEPT ALL TABLE truth) AS wrong
"""


def statement(now: datetime | None = None) -> tuple[str, list[Any]]:
    """SQL with its parameters that gives the rows in which the counts of the window and its messages differ."""
    hour = first_hour(now or datetime.now(UTC))
    return _DIFFERENCE, [message_ids.first_id(hour), hour]


def difference(now: datetime | None = None) -> list[tuple[Any, ...]]:
    """Rows in which the counts of the window and a GROUP BY of its messages differ."""
    with connection.cursor() as cursor:
        cursor.execute(*statement(now))
        return list(cursor.fetchall())
