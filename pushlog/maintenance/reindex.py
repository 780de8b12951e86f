"""Reindexing: the indexes of days that are over, built anew once, while others read and write there.

A message's status is in its indexes, so every change of it writes a new entry into each of them, and most keys come
in no order, which leaves pages half empty. When a day is over, its indexes are twice as large as they need be, and
stay so for a month. Built anew they also fit into memory, which is what makes the pages of past days quick.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, Error, connection, transaction
from psycopg import errors, sql

from pushlog.postgres import partitions
from pushlog.postgres.partitions import Partition

# A day's last messages have most of their receipts within hours, and a sender that was cut off repeats its batches.
# Reindexed before them, the indexes would grow again: a page that is full is split in two halves for a single entry.
_SETTLED = timedelta(hours=24)
# Bytes. What a smaller one could give back is not worth the waits for others.
_WORTH = 1024 * 1024
# Nobody queues behind this wait: it is for transactions to end, and keeps out only DDL and vacuum of one partition.
# What was built for nothing is the greater loss, so it may take as long as any batch or page, though not a backup.
_LOCK_TIMEOUT = "60s"
_LOCK_TIMEOUT_TO_TIDY = "1s"
# 14.0 to 14.3 may leave out rows that are updated during the build.
_SOUND = 140004
# On each index and not on the table: it goes over to the index that takes its place, a run that ends early has done
# what it has done, an index that a migration adds is without it, and the table's own comment is for `partitions`.
# With the size, so that a day into which a large import came later is reindexed again.
_MARK = "pushlog: reindexed to {} bytes"
# Indexes that an earlier version marked are not built anew after the upgrade.
# The sizes are those of the files: no table is read. What is invalid was left by an attempt that did not come to its
# end, before (new) or after (old) the new index took the place of the old one. Writers still have to write into it.
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
    """The partitions that are to be reindexed at `now` (aware), the oldest first.

    A partition is due once its last UTC day ended a day ago, until it expires, while it has an index that is neither
    reindexed nor small.
    """
    if connection.pg_version < _SOUND:  # type: ignore[attr-defined]
        return []
    limit = (now - _SETTLED).astimezone(UTC).date()
    ended = [one for table in partitions.TABLES for one in partitions.attached(table) if one.end <= limit]
    expired = partitions.expired(now)
    settled = {one.name: one for one in ended if not one.pending and one not in expired}
    undone = {table for table, _, _ in _undone([*settled])}
    return sorted((settled[name] for name in undone), key=lambda one: (one.start, one.name))


def rebuild(partition: Partition, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Builds a partition's indexes anew, each once: those that are reindexed already, or small, it leaves alone.

    Nobody is kept from reading or writing. `go_on` is asked before each index but the first, so that the largest
    partition comes to its end even if every call is cut short. May be killed: the next call removes what was begun.

    Waits for transactions that use the partition, and for all that began before an index was built. When one takes
    longer than a minute, or DDL or vacuum of the partition is running (another `rebuild` is such), it raises
    OperationalError, and DatabaseError for what else goes wrong. Must not run in a transaction.
    """
    try:
        with _waiting(_LOCK_TIMEOUT):
            _remove_leftovers(partition)
            indexes = [index for _, index, valid in _undone([partition.name]) if valid]
            for number, index in enumerate(indexes):
                if number and not go_on():
                    break
                _rebuild_index(partition, index)
    except DatabaseError as error:
        # At once if that is possible, above all when the disk is full; but not for one who wants it to end now.
        if not isinstance(error.__cause__, errors.QueryCanceled):
            with suppress(Error), _waiting(_LOCK_TIMEOUT_TO_TIDY):
                _remove_leftovers(partition)
        raise


def _rebuild_index(partition: Partition, index: str) -> None:
    # By index and not by table: that needs room for one of them beside the old ones, and not for all.
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
            # Concurrently, or readers would queue behind it while it waits for one of them.
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(index)))


def _expect_no_ddl(partition: Partition) -> None:
    # While REINDEX waits for its lock it has a snapshot, and another one's REINDEX that has the lock waits for just
    # that to end: a deadlock, in which PostgreSQL may choose the other one. Autovacuum would be cancelled. LOCK has
    # no snapshot, and with NOWAIT nobody is disturbed: they come first, and this is for another time.
    lock = sql.SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT").format(sql.Identifier(partition.name))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(lock)


def _undone(names: list[str]) -> list[tuple[str, str, bool]]:
    """Partition, index and whether it is valid, of each index that is to be built anew, or (invalid) removed."""
    with connection.cursor() as cursor:
        cursor.execute(_UNDONE, [names, _WORTH])
        return list(cursor.fetchall())


@contextmanager
def _waiting(longest: str) -> Iterator[None]:
    """Has this session wait for others no longer than that, and its statements run for as long as they take."""
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
