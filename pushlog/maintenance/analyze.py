"""The planner's statistics of the partitioned tables as a whole.

Autovacuum analyses partitions and never their parent, whose statistics then stay those of an empty table.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection
from psycopg import errors, sql

from pushlog.postgres import partitions

_STALE = """
    SELECT parent.reltuples < 0 OR last_analyze IS NULL OR last_analyze < now() - interval '20 hours'
        OR abs(live - parent.reltuples) > parent.reltuples / 10 + 1000
    FROM pg_class parent
    LEFT JOIN pg_stat_user_tables AS stat ON stat.relid = parent.oid
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(n_live_tup), 0) AS live
        FROM pg_inherits JOIN pg_stat_user_tables AS child ON child.relid = inhrelid
        WHERE inhparent = parent.oid
    ) AS children
    WHERE parent.oid = %s::regclass
"""


def stale() -> list[str]:
    """The tables whose statistics are old, or of far fewer or far more rows than there are."""
    with connection.cursor() as cursor:
        return [table for table in partitions.TABLES if cursor.execute(_STALE, [table]).fetchone()[0]]


def renew(table: str) -> None:
    """Analyses a table. Must run outside a transaction.

    Raises OperationalError, caused by psycopg's LockNotAvailable, if another session is at the same, or keeps all
    others from reading the table for longer than the lock time-out.
    """
    # Before 18, all partitions are read again with their parent. One that is being vacuumed is left out then, which
    # costs the parent nothing: its own sample is taken past such locks.
    options = sql.SQL("(SKIP_LOCKED) ONLY" if connection.pg_version >= 180000 else "(SKIP_LOCKED)")  # type: ignore[attr-defined]
    with connection.cursor() as cursor, _skips(table) as skips:
        cursor.execute(sql.SQL("ANALYZE {} {}").format(options, sql.Identifier(table)))
    if skips:
        raise OperationalError(skips[0]) from errors.LockNotAvailable(skips[0])


@contextmanager
def _skips(table: str) -> Iterator[list[str]]:
    """The server's warnings that this table, rather than one of its partitions, was locked and passed over."""
    warnings: list[str] = []

    def note(diagnostic: errors.Diagnostic) -> None:
        text = diagnostic.message_primary or ""
        if diagnostic.sqlstate == errors.LockNotAvailable.sqlstate and re.search(rf"\b{table}\b", text):
            warnings.append(text)

    connection.connection.add_notice_handler(note)
    try:
        yield warnings
    finally:
        connection.connection.remove_notice_handler(note)
