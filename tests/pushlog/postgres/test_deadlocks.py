"""Real deadlocks with statements that keep no lock order: PostgreSQL rolls the writer back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from pushlog import ingest
from pushlog.ingest import early_receipts
from pushlog.models import App, CountDelta, EarlyReceipt, Message, PushTask, StatusChange, TaskCount
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog.counting import difference
from tests.pushlog.threads import run_together, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LOCK_MESSAGES = "LOCK pushlog_message IN SHARE MODE"
LOCK_MESSAGE_ROWS = "SELECT 1 FROM pushlog_message FOR UPDATE"
LOCK_EARLY_RECEIPT_ROWS = "SELECT 1 FROM pushlog_keptreceipt FOR UPDATE"
LOCK_COUNTS = "LOCK pushlog_countdelta IN SHARE MODE"
LOCK_HISTORY = "LOCK pushlog_statuschange IN SHARE MODE"
LOCK_TASKS = "LOCK pushlog_pushtask IN SHARE MODE"
LOCK_TASK_COUNTS = "LOCK pushlog_taskcount IN SHARE MODE"
WAITS_FOR_US = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@pytest.fixture
def app(transactional_db: None) -> App:
    partitions.ensure_window()
    return factories.create_app()


@contextmanager
def deadlock(*, held: str, wanted: str) -> Iterator[None]:
    """Another session takes the locks of `held`. Once the writer in this block waits for them, it asks for `wanted`.

    The writer is rolled back: it has waited for longer, so its deadlock_timeout ends first.
    """
    is_held, has_both = Event(), Event()

    def oppose() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(held)
            is_held.set()
            wait_until(lambda: cursor.execute(WAITS_FOR_US).fetchone()[0])
            time.sleep(0.2)
            cursor.execute(wanted)
            has_both.set()
        connection.close()

    opponent = Thread(target=oppose)
    opponent.start()
    assert is_held.wait(20)
    try:
        yield
    finally:
        opponent.join(60)
    assert has_both.is_set()


def applying_with_a_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the second transaction of a writer, which applies early receipts, end in a deadlock once."""
    apply = early_receipts.apply

    def apply_in_a_deadlock(**arguments: Any) -> int:
        with deadlock(held=LOCK_EARLY_RECEIPT_ROWS, wanted=LOCK_MESSAGE_ROWS):
            return apply(**arguments)

    monkeypatch.setattr(early_receipts, "apply", apply_in_a_deadlock)


def unnamed_row() -> dict[str, Any]:
    """A message whose customer message ID and creation time we generate."""
    return {"target_id": "unnamed", "push_type": "user"}


def receipt_for(row: dict[str, Any]) -> dict[str, Any]:
    names = {name: row[name] for name in ("target_id", "customer_message_id")}
    return names | {"channel": "own", "code": 2, "at": datetime.now(UTC).isoformat()}


def test_messages_are_stored_once_after_a_deadlock_while_storing(app: App) -> None:
    row = factories.message_row()

    with deadlock(held=LOCK_COUNTS, wanted=LOCK_MESSAGES):
        result = ingest.write_messages(app=app, rows=[unnamed_row(), row, {}, row])

    assert (result.accepted, result.duplicates) == (2, 1)
    assert [one.index for one in result.rejected] == [2]
    assert set(Message.objects.values_list("pk", flat=True)) == {result.ids[0], result.ids[1]}
    assert sum(CountDelta.objects.values_list("messages", flat=True)) == 2
    assert difference() == []


def test_messages_are_stored_once_after_a_deadlock_while_inserting(app: App) -> None:
    """As above, with a stored row, on which COPY fails."""
    row = factories.message_row()
    factories.create_messages(app, [row])

    with deadlock(held=LOCK_COUNTS, wanted=LOCK_MESSAGES):
        result = ingest.write_messages(app=app, rows=[unnamed_row(), row])

    assert (result.accepted, result.duplicates) == (1, 1)
    assert set(Message.objects.values_list("pk", flat=True)) == set(result.ids)
    assert sum(CountDelta.objects.values_list("messages", flat=True)) == 2
    assert difference() == []


def test_messages_are_stored_once_after_a_deadlock_over_early_receipts(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = factories.message_row()
    ingest.write_receipts(app=app, rows=[receipt_for(row)])
    applying_with_a_deadlock(monkeypatch)

    result = ingest.write_messages(app=app, rows=[unnamed_row(), row, {}])

    assert (result.accepted, result.duplicates) == (2, 0)
    assert [one.index for one in result.rejected] == [2]
    assert dict(Message.objects.values_list("pk", "code")) == {result.ids[0]: -1000, result.ids[1]: 2}
    assert StatusChange.objects.get().message_id == result.ids[1]
    assert not EarlyReceipt.objects.exists()
    assert difference() == []


def test_receipts_are_applied_once_after_a_deadlock_over_their_messages(app: App) -> None:
    row = factories.message_row()
    [identifier] = factories.create_messages(app, [row])
    absent = receipt_for(factories.message_row())

    with deadlock(held=LOCK_HISTORY, wanted=LOCK_MESSAGE_ROWS):
        result = ingest.write_receipts(app=app, rows=[receipt_for(row), {}, absent])

    assert (result.applied, result.stale, result.early, len(result.rejected)) == (1, 0, 1, 1)
    assert Message.objects.values_list("pk", "code").get() == (identifier, 2)
    assert StatusChange.objects.get().message_id == identifier
    assert EarlyReceipt.objects.count() == 1
    assert difference() == []


def test_receipts_are_counted_once_after_a_deadlock_over_early_receipts(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message arrives before the commit that keeps its receipt."""
    known, late = factories.message_row(), factories.message_row()
    factories.create_messages(app, [known])
    keep = early_receipts.keep

    def keep_while_the_message_arrives(*arguments: Any) -> None:
        keep(*arguments)
        run_together(lambda: factories.create_messages(app, [late]))
        applying_with_a_deadlock(monkeypatch)

    monkeypatch.setattr(early_receipts, "keep", keep_while_the_message_arrives)

    result = ingest.write_receipts(app=app, rows=[receipt_for(known), {}, receipt_for(late)])

    assert (result.applied, result.stale, result.early, len(result.rejected)) == (1, 0, 1, 1)
    assert list(Message.objects.values_list("code", flat=True)) == [2, 2]
    assert StatusChange.objects.count() == 2
    assert not EarlyReceipt.objects.exists()
    assert difference() == []


def test_tasks_are_stored_once_after_a_deadlock(app: App) -> None:
    ingest.write_tasks(app=app, rows=[factories.task_row(push_id="1", state="finished")])

    with deadlock(held=LOCK_TASK_COUNTS, wanted=LOCK_TASKS):
        result = ingest.write_tasks(
            app=app,
            rows=[
                {},
                {"push_id": "1", "state": "waiting"},
                {"push_id": "1", "title": "New"},
                {"push_id": "1", "title": "New"},
                {"push_id": "2", "target_kind": "all"},
            ],
        )

    assert (result.accepted, result.updated, result.unchanged) == (1, 1, 1)
    assert [one.index for one in result.rejected] == [0, 1]
    assert set(PushTask.objects.values_list("push_id", "title")) == {("1", "New"), ("2", "")}
    assert sum(TaskCount.objects.values_list("tasks", flat=True)) == 2
