"""Settings of our database sessions, and transactions of writers.

They are sent by SET after connecting. In the start-up packet (`options`), PgBouncer refuses or drops them.
"""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.backends.signals import connection_created

_settings: dict[str, str] = {}
_write_timeout = ""
_PROBE = "pushlog.probe"
_ATTEMPTS = 3


class SettingsLost(Exception):
    """A pooler gives our sessions other settings than we need; the text says what to run."""


def use(*, write_timeout: str = "", **settings: str) -> None:
    """Sets these on every connection that this process makes from now on, and the time limit of `writing`."""
    global _write_timeout
    _write_timeout = write_timeout
    _settings.update(settings)
    connection_created.connect(_set, dispatch_uid="pushlog.sessions")


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that stores rows. In the web server it may take longer than the query of a page."""
    with transaction.atomic():
        if _write_timeout:
            with connection.cursor() as cursor:
                # SET LOCAL also holds behind a pooler in transaction mode.
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_write_timeout])
        yield


def _set(*, connection: Any, **_: object) -> None:
    calls = ", ".join(["set_config(%s, %s, false)"] * len(_settings))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", [word for setting in _settings.items() for word in setting])


def check(*, statement_timeout: str) -> None:
    """Raises SettingsLost if a pooler in transaction mode drops our settings, and the role does not have them."""
    if not are_shared():
        return
    with closing(connection.copy()) as own, own.cursor() as cursor:
        # Without the settings of this session: PostgreSQL's defaults, or those of the role and the database.
        cursor.execute(
            "SELECT current_user, ARRAY(SELECT name FROM pg_settings WHERE (name, reset_val) IN"
            " (('random_page_cost', '4'), ('statement_timeout', '0')) ORDER BY name)"
        )
        role, missing = cursor.fetchone()
    wanted = {"random_page_cost": "1.1", "statement_timeout": f"'{statement_timeout}'"}
    commands = [f'ALTER ROLE "{role}" SET {name} = {wanted[name]};' for name in missing]
    if commands:
        raise SettingsLost(
            "DATABASE_URL leads through a pooler in transaction mode, which drops the settings of a session."
            f" Run {' '.join(commands)} and let the pooler reconnect."
        )


def are_shared() -> bool:
    """Whether several of our sessions use one server connection, as behind a pooler in transaction mode."""
    first, second = connection.copy(), connection.copy()
    with closing(first), closing(second):
        for _ in range(_ATTEMPTS):
            token = secrets.token_hex(8)
            _ask(first, f"set_config('{_PROBE}', '{token}', false)")
            # In its transaction, the second session holds a server connection: the first one's, or another.
            with second.cursor() as cursor:
                cursor.execute("BEGIN")
                seen = _ask(second, f"current_setting('{_PROBE}', true)") == token
                lost = not seen and _ask(first, f"current_setting('{_PROBE}', true)") != token
                cursor.execute("ROLLBACK")
            if seen or lost:
                return True
    return False


def _ask(session: Any, expression: str) -> Any:
    with session.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        return cursor.fetchone()[0]
