"""What the database asks to be tried again is tried again."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure

ATTEMPTS = 3
_PAUSE = 0.05  # seconds, at most, before the second attempt; twice that before the third

P = ParamSpec("P")
Result = TypeVar("Result")


def retried(write: Callable[P, Result]) -> Callable[P, Result]:
    """Repeats a write that PostgreSQL undid for the sake of another one: up to `ATTEMPTS` times in all.

    Our lock order rules deadlocks out among ourselves, not with other people's statements. In somebody's outer
    transaction nothing is repeated: what it did before is undone as well, and only its owner can begin again.
    """

    @wraps(write)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> Result:
        for number in range(1, ATTEMPTS):
            try:
                return write(*args, **kwargs)
            # COPY's errors come as psycopg's own, all others wrapped in Django's.
            except (OperationalError, psycopg.OperationalError) as error:
                cause = error if isinstance(error, psycopg.Error) else error.__cause__
                if connection.in_atomic_block or not isinstance(cause, (SerializationFailure, DeadlockDetected)):
                    raise
            time.sleep(random.random() * _PAUSE * number)  # noqa: S311 (so that two do not meet again)
        return write(*args, **kwargs)

    return attempt
