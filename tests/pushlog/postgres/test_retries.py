from collections.abc import Callable

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, QueryCanceled, SerializationFailure

from pushlog.postgres import retries
from pushlog.postgres.retries import ATTEMPTS, retried


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_PAUSE", 0)


def failing(times: int, error: Callable[[], Exception]) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    @retried
    def write() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error()
        return "written"

    return write, calls


def wrapped(cause: Exception) -> Exception:
    """As Django raises what psycopg raised."""
    error = OperationalError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error", [SerializationFailure, lambda: wrapped(DeadlockDetected()), lambda: wrapped(SerializationFailure())]
)
def test_write_is_repeated_after_a_rollback(error: Callable[[], Exception]) -> None:
    write, calls = failing(ATTEMPTS - 1, error)

    assert write() == "written"
    assert len(calls) == ATTEMPTS


def test_last_attempt_raises() -> None:
    write, calls = failing(ATTEMPTS, DeadlockDetected)

    with pytest.raises(DeadlockDetected):
        write()
    assert len(calls) == ATTEMPTS


@pytest.mark.parametrize(
    "error", [ValueError, IntegrityError, OperationalError, psycopg.OperationalError, lambda: wrapped(QueryCanceled())]
)
def test_other_errors_are_not_retried(error: Callable[[], Exception]) -> None:
    write, calls = failing(1, error)

    with pytest.raises((ValueError, IntegrityError, OperationalError, psycopg.Error)):
        write()
    assert len(calls) == 1


@pytest.mark.django_db
def test_nothing_is_retried_in_an_outer_transaction() -> None:
    write, calls = failing(1, DeadlockDetected)

    with pytest.raises(DeadlockDetected), transaction.atomic():
        write()
    assert len(calls) == 1
    assert connection.in_atomic_block
