"""What each index of the message table costs: the time of a row on its way in, and room.

Each of several tables lacks another index. All have real rows already, so that the descents are real, and get the same
further ones, in each round in another order.
"""

from random import Random
from statistics import quantiles

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from pushlog.models import Message
from tests.benchmarks.figures import Facts, Found, timed

ROWS = 100_000  # that are there before
BATCH = 10_000
ROUNDS = 12
ALL, SAME, NONE = "all indexes", "all indexes once more", "no index"
_PARENT = Message._meta.db_table
_COLUMNS = ", ".join(str(field.column) for field in Message._meta.concrete_fields)
_COUNT = (
    "SELECT sum(reltuples) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass"
)
# Of a copy of the table, the indexes have names of their own: what stands behind the method is the same.
_INDEXES = """
    SELECT split_part(pg_get_indexdef(indexrelid), ' USING ', 2), relname, indisprimary
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass ORDER BY 2
"""


def measure() -> Found:
    """Numbers for each index; of a log that was analysed.

    In a transaction that is never committed: nothing is left behind, even if this process is killed.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            facts = _measure(cursor)
        transaction.set_rollback(True)
    return Found(facts=facts)


def _measure(cursor: CursorWrapper) -> Facts:
    lines = _sample(cursor)
    there = min(ROWS, len(lines) // 2)
    batch = min(BATCH, (len(lines) - there) // ROUNDS)
    cursor.execute(_INDEXES, [_PARENT])
    indexes = {definition: name for definition, name, _ in cursor.fetchall()}
    # What each table lacks. Two lack nothing: how far they differ shows how exact the figures are.
    lacking = {ALL: set[str](), SAME: set[str](), NONE: {*indexes.values()}} | {
        name: {name} for name in indexes.values()
    }
    tables = {way: f"bench_{number}" for number, way in enumerate(lacking)}
    for way, table in tables.items():
        _make(cursor, table, indexes, lacking[way])
        _copy(cursor, table, lines[:there])
    times: dict[str, list[float]] = {way: [] for way in lacking}
    for number in range(ROUNDS):
        rows = lines[there + number * batch :][:batch]
        for way, table in Random(number).sample([*tables.items()], len(tables)):
            timed(times[way], lambda table=table, rows=rows: _copy(cursor, table, rows))  # type: ignore[misc]
    # The quicker rounds: a COPY is short, and what disturbs one of them need not meet its neighbour.
    us = {way: quantiles(taken, n=4)[0] * 1000 / batch for way, taken in times.items()}
    whole = (us[ALL] + us[SAME]) / 2
    costs = {f"with {ALL}": whole, f"with {NONE}": us[NONE], "by which two of the same kind differ": us[ALL] - us[SAME]}
    costs |= {f"for {name}": whole - us[name] for name in indexes.values()}
    facts: Facts = {f"µs a row {what}": round(cost, 2) for what, cost in costs.items()}
    return facts | _room(cursor, tables[ALL], indexes, there + ROUNDS * batch)


def _sample(cursor: CursorWrapper) -> list[bytes]:
    """Rows for COPY in the order of their creation, from all over the log: a campaign may fill whole hours of it."""
    cursor.execute(_COUNT, [_PARENT])
    share = min(100.0, 105 * (ROWS + ROUNDS * BATCH) / float(cursor.fetchone()[0]))
    query = f"SELECT {_COLUMNS} FROM {_PARENT} TABLESAMPLE SYSTEM ({share}) REPEATABLE (1) ORDER BY id"
    with cursor.copy(f"COPY ({query}) TO STDOUT") as taken:
        return b"".join(taken).splitlines(keepends=True)


def _make(cursor: CursorWrapper, table: str, indexes: dict[str, str], lacking: set[str]) -> None:
    """A table like the partitions of the log, but for the indexes that it lacks."""
    cursor.execute(f"CREATE TABLE {table} (LIKE {_PARENT} INCLUDING ALL)")
    cursor.execute(_INDEXES, [table])
    for definition, name, is_primary in cursor.fetchall():
        if indexes[definition] in lacking:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}" if is_primary else f"DROP INDEX {name}")


def _copy(cursor: CursorWrapper, table: str, lines: list[bytes]) -> None:
    with cursor.copy(f"COPY {table} ({_COLUMNS}) FROM STDIN") as stream:
        stream.write(b"".join(lines))


def _room(cursor: CursorWrapper, table: str, indexes: dict[str, str], rows: int) -> Facts:
    """Bytes for each message of the log; an index that leaves out some has fewer entries than there are messages."""
    cursor.execute(f"REINDEX TABLE {table}")
    cursor.execute(_INDEXES, [table])
    facts: Facts = {}
    for definition, name, _ in cursor.fetchall():
        cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
        facts[f"bytes a message, reindexed: {indexes[definition]}"] = round(cursor.fetchone()[0] / rows, 1)
    return facts
