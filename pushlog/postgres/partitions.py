"""Which partitions of the two big tables must exist, and the DDL that makes them and takes them away.

Both tables are partitioned by message ID in ranges of whole UTC days, so that a day's messages and their history
come and go together. The span of a new partition is the setting PARTITION_DAYS; existing ones keep theirs.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from pushlog import message_ids
from pushlog.models import WINDOW, Message, StatusChange
from pushlog.postgres.advisory_locks import AdvisoryLock

TABLES = (Message._meta.db_table, StatusChange._meta.db_table)
DAYS_AHEAD = 7
# A page that began before a day left the window may still read it, and a clock may be behind ours.
GRACE = timedelta(hours=1)

_BOUNDS = re.compile(r"FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)")
_DAY = timedelta(days=1)
# Says of a table that it held an expired day: the only sign by which a table is dropped that is no partition now.
# One that a person detached, to keep it, does not have it.
_MARK = "pushlog: expired"


class Partition(NamedTuple):
    """A partition: its table, its own name, its first UTC day, the day after its last, and if it is half detached."""

    table: str
    name: str
    start: date
    end: date
    pending: bool


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
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [AdvisoryLock.PARTITIONS])
        for table, start, end in _missing(first, last):
            name = f"{table}_{start:%Y%m%d}"
            cursor.execute(
                sql.SQL(
                    "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STATISTICS);"
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
    return [(one.start, one.end) for one in attached(table)]


def attached(table: str) -> list[Partition]:
    """A table's partitions in order, with those whose detaching was not finished."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname, pg_get_expr(child.relpartbound, child.oid), inhdetachpending FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = %s::regclass",
            [table],
        )
        rows = [(name, _BOUNDS.search(bounds), pending) for name, bounds, pending in cursor.fetchall()]
    return sorted(
        Partition(table, name, _first_day(found[1]), _first_day(found[2]), pending)
        for name, found, pending in rows
        if found
    )


def expired(now: datetime) -> list[Partition]:
    """The partitions whose whole span is older than the window that ends at `now` (aware), the oldest first.

    A day's history comes before its messages: so there is never history of a message that is gone.
    """
    limit = _day(now - WINDOW - GRACE)
    return sorted((one for table in TABLES for one in attached(table) if one.end <= limit), key=_history_first)


def leftovers() -> list[str]:
    """The tables of expired days that were detached and not dropped, because somebody was killed in between."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition AND pg_table_is_visible(oid)"
            " AND relname ~ %s AND obj_description(oid, 'pg_class') = %s ORDER BY relname",
            [rf"^({'|'.join(TABLES)})_\d{{8}}$", _MARK],
        )
        return [name for (name,) in cursor.fetchall()]


def detach(partition: Partition) -> None:
    """Takes a partition out of its table while others read and write there; `drop` removes it.

    Waits for transactions that use the table, without keeping anybody out. When that takes longer than lock_timeout,
    it raises OperationalError and leaves the partition `pending`: invisible to others, and to be detached again.
    Must not run in a transaction.
    """
    alter = sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(
        sql.Identifier(partition.table), sql.Identifier(partition.name)
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(partition.name), sql.Literal(_MARK)))
        cursor.execute(sql.SQL(" ").join([alter, sql.SQL("FINALIZE" if partition.pending else "CONCURRENTLY")]))


def drop(name: str) -> None:
    """Removes the table of a detached partition, if it is still there."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def missing(now: datetime) -> list[str]:
    """The names of the partitions that `ensure_window` would make."""
    first, last = _day(now - WINDOW), _day(now) + DAYS_AHEAD * _DAY
    return [f"{table}_{start:%Y%m%d}" for table, start, _ in _missing(first, last)]


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
            covered |= {start + n * _DAY for n in range((end - start).days)}
        day += _DAY
    return added


def _history_first(partition: Partition) -> tuple[date, int]:
    return partition.start, -TABLES.index(partition.table)


def _first_day(identifier: str) -> date:
    return _day(message_ids.created_at(UUID(identifier)))


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _first_id(day: date) -> str:
    return str(message_ids.first_id(datetime(day.year, day.month, day.day, tzinfo=UTC)))
