"""Statistics of the partitioned parents, which autovacuum never analyses."""

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
    with connection.cursor() as cursor:
        return [table for table in partitions.TABLES if cursor.execute(_STALE, [table]).fetchone()[0]]


def renew(table: str) -> None:
    """Must not run in a transaction. Raises OperationalError, caused by LockNotAvailable, if the table is locked."""
    # Before 18, ANALYZE reads all partitions too, and skips locked ones.
    options = sql.SQL("(SKIP_LOCKED) ONLY" if connection.pg_version >= 180000 else "(SKIP_LOCKED)")  # type: ignore[attr-defined]
    with connection.cursor() as cursor, _skips(table) as skips:
        cursor.execute(sql.SQL("ANALYZE {} {}").format(options, sql.Identifier(table)))
    if skips:
        raise OperationalError(skips[0]) from errors.LockNotAvailable(skips[0])


@contextmanager
def _skips(table: str) -> Iterator[list[str]]:
    # The server only warns, of partitions as well.
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
