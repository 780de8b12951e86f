"""Reindexes past days, whose indexes are twice as large as need be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, Error, connection, transaction
from psycopg import errors, sql

from pushlog.postgres import partitions
from pushlog.postgres.partitions import Partition

# Late receipts would bloat new indexes again.
_SETTLED = timedelta(hours=24)
_WORTH = 1024 * 1024  # bytes
# Only DDL and vacuum queue behind it.
_LOCK_TIMEOUT = "60s"
_LOCK_TIMEOUT_TO_TIDY = "1s"
# 14.0 to 14.3 may lose rows updated during the build.
_SOUND = 140004
# An index that grows later is due again.
_MARK = "pushlog: reindexed to {} bytes"
# Earlier versions wrote "packed". Failed attempts leave invalid indexes, which slow down writers.
_UNDONE = r"""
    SELECT tab.relname, idx.relname, indisvalid
    FROM pg_index JOIN pg_class AS tab ON tab.oid = indrelid JOIN pg_class AS idx ON idx.oid = indexrelid
    WHERE tab.relname = ANY(%s) AND pg_table_is_visible(tab.oid) AND CASE
        WHEN indisvalid THEN pg_relation_size(indexrelid) >= greatest(%s, 1.5 * substring(
            obj_description(indexrelid, 'pg_class') FROM '^pushlog: (?:reindexed|packed) to (\d+) bytes$')::bigint)
        ELSE idx.relname ~ '_cc(new|old)\d*$'
    END
    ORDER BY idx.relname
"""
_WAIT = "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)"


def due(now: datetime) -> list[Partition]:
    if connection.pg_version < _SOUND:  # type: ignore[attr-defined]
        return []
    limit = (now - _SETTLED).astimezone(UTC).date()
    ended = [one for table in partitions.TABLES for one in partitions.attached(table) if one.end <= limit]
    expired = partitions.expired(now)
    settled = {one.name: one for one in ended if not one.pending and one not in expired}
    undone = {table for table, _, _ in _undone([*settled])}
    return sorted((settled[name] for name in undone), key=lambda one: (one.start, one.name))


def rebuild(partition: Partition, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Asks `go_on` between indexes. Raises OperationalError if long transactions, DDL or vacuum are in the way."""
    try:
        with _waiting(_LOCK_TIMEOUT):
            _remove_leftovers(partition)
            indexes = [index for _, index, valid in _undone([partition.name]) if valid]
            for number, index in enumerate(indexes):
                if number and not go_on():
                    break
                _rebuild_index(partition, index)
    except DatabaseError as error:
        # The disk may be full: make room, unless we were cancelled.
        if not isinstance(error.__cause__, errors.QueryCanceled):
            with suppress(Error), _waiting(_LOCK_TIMEOUT_TO_TIDY):
                _remove_leftovers(partition)
        raise


def _rebuild_index(partition: Partition, index: str) -> None:
    # By index: needs less disk space.
    name = sql.Identifier(index)
    _expect_no_ddl(partition)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(name))
        cursor.execute("SELECT pg_relation_size(%s::regclass)", [index])
        mark = sql.Literal(_MARK.format(cursor.fetchone()[0]))
        cursor.execute(sql.SQL("COMMENT ON INDEX {} IS {}").format(name, mark))


def _remove_leftovers(partition: Partition) -> None:
    for _, index, valid in _undone([partition.name]):
        if not valid:
            _expect_no_ddl(partition)
            # Without CONCURRENTLY, readers queue behind it.
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(index)))


def _expect_no_ddl(partition: Partition) -> None:
    # A waiting REINDEX holds a snapshot, for which the other REINDEX waits: a deadlock.
    lock = sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT").format(sql.Identifier(partition.name))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(lock)


def _undone(names: list[str]) -> list[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(_UNDONE, [names, _WORTH])
        return list(cursor.fetchall())


@contextmanager
def _waiting(longest: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
        before = cursor.fetchone()
        cursor.execute(_WAIT, [longest, "0"])
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(_WAIT, before)
