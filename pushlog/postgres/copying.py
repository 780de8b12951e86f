"""COPY, the fastest way into a table, where rows may be there already."""

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, connection, transaction


def copied(table: str, columns: Mapping[str, str], rows: Iterable[tuple[object, ...]]) -> bool:
    """Writes rows to a table, whose `columns` have these types; gives False, and writes none, if one is there already.

    COPY knows no ON CONFLICT: a single such row undoes the whole batch, which its caller then writes the slower way.
    Repeated batches are rare, and their first rows give them away. Must run in a transaction, which goes on.
    """
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    errors = connection.wrap_database_errors
    try:
        with transaction.atomic(), errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row(row)
    except IntegrityError:
        return False
    return True
