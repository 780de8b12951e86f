"""The two ways in which a statement goes to the server otherwise than Django sends it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
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


# Plans that a connection keeps at the most, half a megabyte each in a log of 38 partitions.
_KEPT = 40


@contextmanager
def generic_plans_cached(*, when: bool = True) -> Iterator[None]:
    """Has the server keep the plans of Django's queries in this block, one for all values, in this connection.

    Planning a query of 38 partitions with eleven indexes each takes 4 ms, and running it half of one. Only `when` the
    right plan is the same whatever is asked for (rule D in the lessons): where it depends on the value, the one that
    suits most values takes a thousand times as long for some. What a plan goes by must therefore stand in the query's
    text: the app, and what a partial index asks for.

    PostgreSQL plans each query five times for its values before it makes a plan for all, and goes on so if it takes
    that one for dearer. It plans anew whenever tables or their statistics change. Psycopg drops what was not used for
    longest, and all of it when a transaction is rolled back. Does nothing if not `when`, or where PREPARED_STATEMENTS
    is off.
    """
    if not (when and settings.PREPARED_STATEMENTS):
        yield
        return
    connection.ensure_connection()
    # If it breaks in the block, Django makes another one, which just prepares nothing.
    own = connection.connection
    usual = own.cursor_factory, own.prepare_threshold
    own.cursor_factory, own.prepare_threshold, own.prepared_max = ServerBindingCursor, 0, _KEPT
    try:
        yield
    finally:
        own.cursor_factory, own.prepare_threshold = usual
