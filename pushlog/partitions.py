"""Which partitions of the two big tables must exist, and the DDL that makes them.

Both tables are partitioned by message ID in ranges of whole UTC days, so that a day's messages and their history
come and go together. The span of a new partition is the setting PARTITION_DAYS; existing ones keep theirs.
"""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from pushlog import message_ids
from pushlog.models import WINDOW, Message, StatusChange

TABLES = (Message._meta.db_table, StatusChange._meta.db_table)
DAYS_AHEAD = 7

# Any number that no other advisory lock of ours uses.
_LOCK = 7_205_001
_BOUNDS = re.compile(r"FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)")
_DAY = timedelta(days=1)


def ensure_window(*, now: datetime | None = None) -> list[str]:
    """Makes the partitions missing for the window behind `now` (aware) and the days ahead; gives their names."""
    now = now or datetime.now(UTC)
    return ensure(_day(now - WINDOW), _day(now) + DAYS_AHEAD * _DAY)


def ensure(first: date, last: date) -> list[str]:
    """Makes the partitions missing for messages created from `first` to `last`, two UTC days; gives their names.

    Safe to repeat and to run twice at once. A partition is made apart and then attached, which unlike CREATE
    TABLE ... PARTITION OF lets readers and writers of the parent go on.
    """
    if not _missing(first, last):
        return []
    made = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for table, start, end in _missing(first, last):
            name = f"{table}_{start:%Y%m%d}"
            cursor.execute(
                sql.SQL(
                    "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);"
                    "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
                ).format(
                    name=sql.Identifier(name),
                    table=sql.Identifier(table),
                    start=sql.Literal(_first_id(start)),
                    end=sql.Literal(_first_id(end)),
                )
            )
            made.append(name)
    return made


def existing(table: str) -> list[tuple[date, date]]:
    """The spans of a table's partitions in order: first day, and the day after the last one, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_expr(child.relpartbound, child.oid) FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = %s::regclass",
            [table],
        )
        bounds = [_BOUNDS.search(text) for (text,) in cursor.fetchall()]
    return sorted(
        (_day(message_ids.created_at(UUID(found[1]))), _day(message_ids.created_at(UUID(found[2]))))
        for found in bounds
        if found
    )


def _missing(first: date, last: date) -> list[tuple[str, date, date]]:
    """Table, first day and day after the last of every partition that `ensure` has to make."""
    return [(table, *span) for table in TABLES for span in gaps(existing(table), first, last)]


def gaps(spans: list[tuple[date, date]], first: date, last: date) -> list[tuple[date, date]]:
    """The spans to add to `spans` so that every day from `first` to `last` is covered.

    New spans are PARTITION_DAYS long and begin at multiples of it since 1970, so that they are the same whichever
    day is asked for first; next to a span of another length they are cut short.
    """
    length = settings.PARTITION_DAYS
    covered = {start + n * _DAY for start, end in spans for n in range((end - start).days)}
    added: list[tuple[date, date]] = []
    day = first
    while day <= last:
        if day not in covered:
            start = day - (day.toordinal() - date(1970, 1, 1).toordinal()) % length * _DAY
            end = start + length * _DAY
            start = max([one + _DAY for one in covered if start <= one < day], default=start)
            end = min([one for one in covered if day < one < end], default=end)
            added.append((start, end))
            covered.update(start + n * _DAY for n in range((end - start).days))
        day += _DAY
    return added


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _first_id(day: date) -> str:
    return str(message_ids.first_id(datetime(day.year, day.month, day.day, tzinfo=UTC)))
