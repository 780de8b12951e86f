"""Creates, detaches and drops partitions: ranges of IDs in whole UTC days, and in months for the audit log."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from psycopg import sql

from pushlog import clock, message_ids
from pushlog.models import WINDOW, AuditEntry, AuditSeal, Message, StatusChange
from pushlog.postgres.advisory_locks import AdvisoryLock
from pushlog.postgres.sessions import writing

TABLES = (Message._meta.db_table, StatusChange._meta.db_table)
MONTHLY = (AuditEntry._meta.db_table, AuditSeal._meta.db_table)
DAYS_AHEAD = 7
MONTHS_AHEAD = 2
# A running query may still read the day that has just left the window, and another clock may be behind ours.
GRACE = timedelta(hours=1)

_BOUNDS = re.compile(r"FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)")
_DAY = timedelta(days=1)
# Comment on a table before it is detached. We drop only tables with it: a person may have detached one to keep it.
_MARK = "pushlog: expired"
_REFUSE_TRUNCATE = sql.SQL(
    "CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {name} EXECUTE FUNCTION pushlog_refuse_change()"
)


class Partition(NamedTuple):
    table: str
    name: str
    start: date  # UTC
    end: date  # the day after the last
    pending: bool  # DETACH CONCURRENTLY was interrupted


def ensure_window(*, now: datetime | None = None) -> list[str]:
    """Creates the missing partitions of the window, of the days ahead and of the audit log; `now` is aware."""
    now = now or clock.now()
    made = ensure(_day(now - WINDOW), _day(now) + DAYS_AHEAD * _DAY)
    return made + _ensure(lambda: _missing_months(_day(now)))


def ensure(first: date, last: date) -> list[str]:
    """Creates the missing partitions from `first` to `last` (UTC), and returns their names. Safe to run twice at once.

    ATTACH PARTITION, because CREATE TABLE ... PARTITION OF would lock out readers and writers.
    """
    return _ensure(lambda: _missing(first, last))


def _ensure(missing: Callable[[], list[tuple[str, date, date]]]) -> list[str]:
    if not missing():
        return []
    made = []
    with writing(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [AdvisoryLock.PARTITIONS])
        for table, start, end in missing():
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
            if table in MONTHLY:
                # Row triggers come with ATTACH, triggers of statements do not.
                cursor.execute(_REFUSE_TRUNCATE.format(name=sql.Identifier(name)))
            made.append(name)
    return made


def existing(table: str) -> list[tuple[date, date]]:
    """First UTC day, and the day after the last, of each partition in order."""
    return [(one.start, one.end) for one in attached(table)]


def attached(table: str) -> list[Partition]:
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
    """Partitions wholly before the window, oldest first; history before messages, so that none outlives them."""
    limit = _day(now - WINDOW - GRACE)
    return sorted((one for table in TABLES for one in attached(table) if one.end <= limit), key=_history_first)


def expired_months(now: datetime) -> list[Partition]:
    """Partitions of the audit log that are wholly older than AUDIT_DAYS, oldest first; never the newest entry's."""
    limit = _day(now - timedelta(days=settings.AUDIT_DAYS))
    newest = _newest_day(AuditEntry)
    found = (one for table in MONTHLY for one in attached(table) if one.end <= limit)
    return sorted((one for one in found if newest is None or one.end <= newest), key=lambda one: one.start)


def newest_day() -> date | None:
    """UTC day of the newest message."""
    return _newest_day(Message)


def _newest_day(model: type[Message] | type[AuditEntry]) -> date | None:
    newest = model.objects.order_by("-pk").values_list("pk", flat=True).first()
    return _day(message_ids.created_at(newest)) if newest else None


def leftovers() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition AND pg_table_is_visible(oid)"
            " AND relname ~ %s AND obj_description(oid, 'pg_class') = %s ORDER BY relname",
            [rf"^({'|'.join(TABLES + MONTHLY)})_\d{{8}}$", _MARK],
        )
        return [name for (name,) in cursor.fetchall()]


def detach(partition: Partition) -> None:
    """Waits for the table's transactions, without locking out new ones. Must not run in a transaction.

    Raises OperationalError after lock_timeout. The partition is `pending` then: invisible, and to be detached again.
    """
    alter = sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(
        sql.Identifier(partition.table), sql.Identifier(partition.name)
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(partition.name), sql.Literal(_MARK)))
        cursor.execute(sql.SQL(" ").join([alter, sql.SQL("FINALIZE" if partition.pending else "CONCURRENTLY")]))


def drop(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def missing(now: datetime) -> list[str]:
    first, last = _day(now - WINDOW), _day(now) + DAYS_AHEAD * _DAY
    return [f"{table}_{start:%Y%m%d}" for table, start, _ in _missing(first, last) + _missing_months(_day(now))]


def _missing(first: date, last: date) -> list[tuple[str, date, date]]:
    return [(table, *span) for table in TABLES for span in gaps(existing(table), first, last)]


def _missing_months(first: date) -> list[tuple[str, date, date]]:
    starts = [first.replace(day=1)]
    while len(starts) < MONTHS_AHEAD + 2:
        starts.append((starts[-1] + 31 * _DAY).replace(day=1))
    spans = list(pairwise(starts))
    return [(table, *span) for table in MONTHLY for span in spans if span not in existing(table)]


def gaps(spans: list[tuple[date, date]], first: date, last: date) -> list[tuple[date, date]]:
    """Spans to add so that `spans` cover every day from `first` to `last`.

    They start at multiples of PARTITION_DAYS since 1970, and are cut short where they would overlap.
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


def whole_partitions(first: UUID, end: UUID | None) -> tuple[UUID, UUID]:
    """First and last ID of the partitions from that of `first` to that of `end`."""
    length = settings.PARTITION_DAYS

    def start_of(day: date) -> date:
        return day - (day.toordinal() - date(1970, 1, 1).toordinal()) % length * _DAY

    low = UUID(_first_id(start_of(_day(message_ids.created_at(first)))))
    try:
        high = UUID(_first_id(start_of(_day(message_ids.created_at(end))) + length * _DAY)) if end else None
    except OverflowError:  # the last days of the calendar
        high = None
    return low, UUID(int=high.int - 1 if high else 2**128 - 1)


def _history_first(partition: Partition) -> tuple[date, int]:
    return partition.start, -TABLES.index(partition.table)


def _first_day(identifier: str) -> date:
    return _day(message_ids.created_at(UUID(identifier)))


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _first_id(day: date) -> str:
    return str(message_ids.first_id(datetime(day.year, day.month, day.day, tzinfo=UTC)))
