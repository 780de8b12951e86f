"""Repeats a transaction that PostgreSQL rolled back because of another one."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure

ATTEMPTS = 3
_PAUSE = 0.05  # seconds, at most, before the second attempt

P = ParamSpec("P")
Result = TypeVar("Result")


def retried(write: Callable[P, Result]) -> Callable[P, Result]:
    """Calls `write` again after a deadlock or serialization failure: at most `ATTEMPTS` calls.

    `write` must be one transaction: what it committed before would be done again. In an outer transaction the error
    is raised at once, because PostgreSQL rolled back all of it.
    """

    @wraps(write)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> Result:
        for number in range(1, ATTEMPTS):
            try:
                return write(*args, **kwargs)
            # COPY can raise psycopg's own errors. All others are wrapped in Django's.
            except (OperationalError, psycopg.OperationalError) as error:
                cause = error if isinstance(error, psycopg.Error) else error.__cause__
                if connection.in_atomic_block or not isinstance(cause, (SerializationFailure, DeadlockDetected)):
                    raise
            time.sleep(random.random() * _PAUSE * number)  # noqa: S311
        return write(*args, **kwargs)

    return attempt
