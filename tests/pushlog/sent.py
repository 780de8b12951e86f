"""The statements that go to the database, by Django's cursors and by our own, as they are sent."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.db import connection
from psycopg import Cursor

from pushlog import walks
from pushlog.postgres import statements


@dataclass(frozen=True, slots=True)
class Statement:
    """Its text with placeholders, its parameters, and the way it went."""

    sql: str
    parameters: Any
    send: Callable[[str, str, Any], list[tuple[Any, ...]]]

    @property
    def has_plan(self) -> bool:
        """Whether there is anything to be planned in it."""
        return self.sql.split(maxsplit=1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}

    @property
    def asks(self) -> bool:
        """Whether it is more than a setting or a savepoint."""
        return not self.sql.startswith(("SELECT set_config(", "SAVEPOINT", "RELEASE SAVEPOINT"))

    def repeat(self, prefix: str = "") -> list[tuple[Any, ...]]:
        """What it gives when it is sent once more, the same way and with the same parameters.

        One that is planned once is sent as it is from the sixth time on, by the plan for all values.
        """
        return self.send(prefix, self.sql, self.parameters)


@contextmanager
def sent() -> Iterator[list[Statement]]:
    """The statements that are sent meanwhile, but for COPY. Django's own tools see none of `statements.run`."""
    found: list[Statement] = []

    class Noting(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
            found.append(Statement(query.decode(), params, _by_run))
            return super().execute(query, params, **how)

    def noted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        is_kept = connection.connection.prepare_threshold is not None
        found.append(Statement(sql, params, _by_kept_plan if is_kept else _by_django))
        return execute(sql, params, many, context)

    with patch.object(statements, "Cursor", Noting), connection.execute_wrapper(noted):
        yield found


def _by_run(prefix: str, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
    return statements.run(f"{prefix} {sql}", parameters)


def _by_django(prefix: str, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
    with walks.in_index_order() if isinstance(parameters, dict) else nullcontext(), connection.cursor() as cursor:
        cursor.execute(f"{prefix} {sql}", parameters)
        return list(cursor.fetchall())


def _by_kept_plan(prefix: str, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
    """By a generic plan, as walks make it."""
    values: list[Any] = []

    def number(found: re.Match[str]) -> str:
        values.append(parameters[found[1]] if found[1] else parameters[len(values)])
        return f"${len(values)}"

    numbered = re.sub(r"%(?:\((\w+)\))?s", number, sql)
    with walks.in_index_order(), connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE kept AS {numbered}")
        try:
            cursor.execute(f"{prefix} EXECUTE kept ({', '.join(['%s'] * len(values))})", values)
            return list(cursor.fetchall())
        finally:
            cursor.execute("DEALLOCATE kept")
            cursor.execute("RESET plan_cache_mode")
