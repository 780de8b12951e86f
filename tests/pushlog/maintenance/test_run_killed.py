"""Maintenance that is killed after any statement: what is left is right, and the next run ends the work."""

import os
import signal
from contextlib import closing

import pytest
from django.db import connection, connections

from pushlog.maintenance import run
from pushlog.models import CountDelta, MaintenanceRun, Message, StatusChange
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog import expired_days
from tests.pushlog.counting import difference
from tests.pushlog.killing import killed_after
from tests.pushlog.threads import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_killed_while_it_waits_for_a_reader() -> None:
    app = factories.create_app()
    due = expired_days.make(app, 33, 34)
    factories.create_message(app)
    connections.close_all()
    reader = connection.copy()
    with closing(reader), reader.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM pushlog_message")
        child = os.fork()
        if child == 0:
            run._LOCK_TIMEOUT = "60s"
            run.maintain()
            os._exit(0)
        wait_until(lambda: any(one.pending for one in partitions.attached("pushlog_message")))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        cursor.execute("SELECT count(*) FROM pushlog_message")  # it neither waits nor fails
        cursor.execute("COMMIT")

    result = wait_until(run.maintain)

    assert not expired_days.tables() & set(due)
    assert expired_days.tables() == expired_days.attached()
    assert "failed" not in result


def test_killed_anywhere_and_repeated() -> None:
    app = factories.create_app()
    fresh = factories.create_messages(app, [factories.message_row() for _ in range(3)])
    killed, states = 0, set[tuple[int, int]]()
    # Every one while days are dropped, then some: which one is killed must not depend on what comes before.
    for statements in [*range(1, 40), *range(40, 200, 3)]:
        expired_days.make(app, 33, 34)
        if not killed_after(statements, run.maintain):
            break
        killed += 1
        states.add((len(expired_days.expired()), len(expired_days.tables() - expired_days.attached())))
        assert difference() == []

        # The killed one's session may not have ended yet.
        result = wait_until(run.maintain)

        assert "failed" not in result
        assert expired_days.tables() == expired_days.attached()
        assert expired_days.expired() == []
        assert set(Message.objects.values_list("pk", flat=True)) == set(fresh)
        assert not StatusChange.objects.exists()
        assert not CountDelta.objects.exists()
        assert difference() == []

    assert killed > 10
    # It was killed with all to do, with nothing left, and between detaching and dropping.
    assert {(4, 0), (0, 0)} < states
    assert any(left for _, left in states)
    assert MaintenanceRun.objects.filter(finished_at=None).count() > 5
