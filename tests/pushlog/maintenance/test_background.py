import threading
from collections.abc import Callable

import pytest
from django.db import connection

from pushlog import counts
from pushlog.maintenance import background, run
from pushlog.models import MaintenanceRun
from tests.pushlog.threads import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def calls_of(monkeypatch: pytest.MonkeyPatch, module: object, name: str, work: Callable[[], object]) -> threading.Event:
    """Replaces a function, and says when it was called for the third time."""
    calls, third = list[int](), threading.Event()

    def called(**_: object) -> object:
        calls.append(1)
        if len(calls) >= 3:
            third.set()
        return work()

    monkeypatch.setattr(module, name, called)
    return third


def fail() -> None:
    raise RuntimeError("anything")


def test_maintenance_that_fails_is_logged_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "_HOUR", 0)
    monkeypatch.setattr(background, "_TIDY_EVERY", 0.01)
    third = calls_of(monkeypatch, run, "maintain", fail)

    with background.hourly():
        assert third.wait(60)

    assert caplog.messages[:3] == ["Maintenance failed"] * 3


def test_counts_are_compacted_between_the_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_TIDY_EVERY", 0.01)
    maintained = calls_of(monkeypatch, run, "maintain", dict)
    compacted = calls_of(monkeypatch, counts, "compact", lambda: 0)

    with background.hourly():
        assert compacted.wait(60)

    assert not maintained.is_set()


def test_end_of_the_server_cancels_what_the_database_is_at(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started = threading.Event()

    def for_ever(now: object, stop: object) -> run.Result:
        with connection.cursor() as cursor:
            started.set()
            cursor.execute("SELECT pg_sleep(1000)")
        return {}

    monkeypatch.setattr(run, "_STEPS", {"sleeping": for_ever})
    with background.hourly():
        assert started.wait(60)
        # The statement must be running, or there is nothing to cancel.
        with connection.cursor() as cursor:
            sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(1000%'"
            wait_until(lambda: cursor.execute(sleeping).fetchone()[0])

    assert caplog.messages == []
    assert MaintenanceRun.objects.get().finished_at is None
    assert threading.active_count() == 1 or not any(one.name == "maintenance" for one in threading.enumerate())
