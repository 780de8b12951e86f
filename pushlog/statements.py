"""Statements that take whole columns as parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg import Cursor


def run(statement: str, parameters: Sequence[object] | Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Runs a statement with placeholders `%b`, or `%(name)b`, in Django's transaction, and gives the rows it returns.

    The values go to the server in binary. Django's own cursor writes them into the SQL text, which for columns of
    10,000 values takes five times as long.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # As bytes: Psycopg takes a str only if it is a literal, and ours have table names in them.
        cursor.execute(statement.encode(), parameters, binary=True)
        return cursor.fetchall() if cursor.description else []
