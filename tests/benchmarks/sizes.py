"""How much room a message takes, with its indexes and its history."""

from django.db import connection

from tests.benchmarks.figures import Facts, Found

_SIZES = """
    SELECT sum(pg_relation_size(inhrelid)), sum(pg_indexes_size(inhrelid)), sum(pg_total_relation_size(inhrelid)),
        sum(reltuples)
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = %s::regclass AND reltuples > 0
"""
_BY_INDEX = """
    SELECT parent.relname, sum(pg_relation_size(child.inhrelid))
    FROM pg_index JOIN pg_class AS parent ON parent.oid = indexrelid
    JOIN pg_inherits AS child ON child.inhparent = indexrelid
    WHERE indrelid = %s::regclass GROUP BY parent.relname ORDER BY 2 DESC
"""


def measure() -> Found:
    """Bytes for each row of the two large tables, by what they are for; of analysed tables."""
    facts: Facts = {}
    with connection.cursor() as cursor:
        for name, table in (("message", "pushlog_message"), ("history entry", "pushlog_statuschange")):
            cursor.execute(_SIZES, [table])
            rows, indexes, total, count = map(float, cursor.fetchone())
            facts[f"bytes a {name}"] = round(total / count)
            facts[f"bytes a {name}: the row"] = round(rows / count)
            facts[f"bytes a {name}: indexes"] = round(indexes / count)
        cursor.execute(_SIZES, ["pushlog_message"])
        messages = float(cursor.fetchone()[3])
        cursor.execute(_BY_INDEX, ["pushlog_message"])
        for index, size in cursor.fetchall():
            facts[f"bytes a message: index {index}"] = round(float(size) / messages)
    return Found(facts=facts)
