"""Two ways to bypass Django's cursor: binary parameters, and cached generic plans."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import Cursor


def run(statement: str, parameters: Sequence[object] | Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Runs a statement with placeholders `%b` or `%(name)b` in Django's transaction.

    Django's cursor writes values into the SQL text: five times as long for arrays of 10,000.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        # As bytes: as str, Psycopg's types accept only literals.
        cursor.execute(statement.encode(), parameters, binary=True)
        return cursor.fetchall() if cursor.description else []


_MOST_PLANS = 40  # per connection; each takes half a megabyte with 38 partitions


@contextmanager
def generic_plans_cached(*, when: bool = True) -> Iterator[None]:
    """Prepares Django's queries in this block, if PREPARED_STATEMENTS is on. PostgreSQL then caches generic plans.

    Only for queries with one right plan for all values. What it depends on must be a literal in the query.
    """
    if not (when and settings.PREPARED_STATEMENTS):
        yield
        return
    connection.ensure_connection()
    # If Django replaces a broken connection, the new one prepares nothing.
    own = connection.connection
    usual = own.cursor_factory, own.prepare_threshold
    own.cursor_factory, own.prepare_threshold, own.prepared_max = ServerBindingCursor, 0, _MOST_PLANS
    try:
        yield
    finally:
        own.cursor_factory, own.prepare_threshold = usual
