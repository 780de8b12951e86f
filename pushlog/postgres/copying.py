"""COPY into a table that may have some of the rows."""

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, connection, transaction


def copied(table: str, columns: Mapping[str, str], rows: Iterable[tuple[object, ...]]) -> bool:
    """Returns False, with no row written, if one is stored already or has no partition.

    `columns` are names and types. Must run in a transaction, which stays usable.
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
