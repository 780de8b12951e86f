"""Other sessions of the database, to be in the way."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.db import connection

from pushlog.models import Message


@contextmanager
def open_transaction(statement: str, isolation: str = "READ COMMITTED") -> Iterator[None]:
    """Somebody who began a transaction with this statement, and does not end it before the block does."""
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        cursor.execute(statement.format(id=Message.objects.latest("id").pk))
        yield
        cursor.execute("COMMIT")
