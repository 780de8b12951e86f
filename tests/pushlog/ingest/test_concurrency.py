"""Several writers at once, each with its own connection."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any, TypeVar

import pytest
from django.db import connection

from pushlog import ingest
from pushlog.ingest import early_receipts, status_changes
from pushlog.models import App, EarlyReceipt, Message, StatusChange
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC).replace(microsecond=0)
PATIENCE = 20
T = TypeVar("T")


def at_once(*functions: Callable[[], T]) -> list[T]:
    barrier = Barrier(len(functions))

    def run(function: Callable[[], T]) -> T:
        try:
            barrier.wait(PATIENCE)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(run, function) for function in functions]]


def message_rows(count: int) -> list[dict[str, Any]]:
    """Rows of two days."""
    return [factories.message_row(created_at=NOW - timedelta(days=1 + n % 2, seconds=n)) for n in range(count)]


def receipt_rows(rows: list[dict[str, Any]], ids: list[Any], **fields: Any) -> list[dict[str, Any]]:
    """A receipt for each message, alternately by message ID and by target and customer message ID."""
    by_id: list[dict[str, Any]] = [{"message_id": str(identifier)} for identifier in ids]
    by_pair = [{name: row[name] for name in ("target_id", "customer_message_id")} for row in rows]
    common = {"channel": "own", "code": 2, "at": NOW.isoformat()} | fields
    return [(pair if n % 2 else one) | common for n, (one, pair) in enumerate(zip(by_id, by_pair, strict=True))]


def ids_of(app: App, rows: list[dict[str, Any]]) -> list[Any]:
    """The IDs that messages will have, found by storing and deleting them."""
    ids = factories.create_messages(app, rows)
    Message.objects.all().delete()
    return ids


@pytest.mark.parametrize("backwards", [False, True])
def test_the_same_messages_at_once(app: App, backwards: bool) -> None:
    rows = message_rows(400)
    batches = [rows, rows[::-1] if backwards else rows, rows[100:] + message_rows(50)]

    results = at_once(*[lambda batch=batch: ingest.write_messages(app=app, rows=batch) for batch in batches])

    assert sum(result.accepted for result in results) == Message.objects.count() == 450
    assert sum(result.duplicates for result in results) == 2 * 400 - 100
    assert all(all(result.ids) for result in results)


def test_overlapping_receipts_in_opposite_orders(app: App) -> None:
    rows = message_rows(300)
    ids = factories.create_messages(app, rows)
    batches = [
        receipt_rows(rows, ids, code=code, at=(NOW - timedelta(seconds=code)).isoformat()) for code in (0, 1, 2000)
    ]
    batches[1].reverse()

    results = at_once(*[lambda batch=batch: ingest.write_receipts(app=app, rows=batch) for batch in batches])

    assert all(result.applied + result.stale == 300 for result in results)
    # Of the same rank, the one with the latest time, although it has the lowest code.
    assert set(Message.objects.values_list("code", flat=True)) == {0}
    assert StatusChange.objects.count() == 900


@pytest.mark.parametrize("attempt", range(5))
def test_receipts_and_their_messages_at_once(app: App, attempt: int) -> None:
    rows = message_rows(200)
    batch = receipt_rows(rows, ids_of(app, rows))

    at_once(
        lambda: ingest.write_messages(app=app, rows=rows),
        lambda: ingest.write_receipts(app=app, rows=batch),
        lambda: ingest.write_receipts(app=app, rows=batch[::-1]),
        lambda: ingest.write_messages(app=app, rows=rows[100:]),
    )

    assert set(Message.objects.values_list("code", flat=True)) == {2}
    assert StatusChange.objects.count() == 200
    assert not EarlyReceipt.objects.exists()


def test_early_receipts_repeated_while_their_messages_arrive(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locking early receipts before messages would deadlock here.

    Events make `write_receipts` look for the first message before the commit of both, and for the second after it. It
    then holds the second message and keeps a receipt for the first, while `write_messages` applies those of both.
    """
    rows = [factories.message_row(created_at=NOW - timedelta(days=days)) for days in (2, 1)]
    first, second = ids_of(app, rows)
    early = [{"message_id": str(one), "channel": "own", "code": 0, "at": NOW.isoformat()} for one in (first, second)]
    ingest.write_receipts(app=app, rows=early)
    looked_for_first, committed, holds_second = Event(), Event(), Event()
    writer: list[int] = []
    apply_day, apply_kept = status_changes._apply_day, early_receipts.apply

    def apply_day_in_steps(app: App, changes: Any, result: Any) -> None:
        apply_day(app, changes, result)
        if not looked_for_first.is_set():
            looked_for_first.set()
            assert committed.wait(PATIENCE)
        elif not holds_second.is_set():
            holds_second.set()
            _until_waiting(writer[0])

    def apply_kept_in_steps(*, app: App, arrived: Any) -> None:
        if not committed.is_set():
            writer.append(connection.connection.info.backend_pid)
            committed.set()
            assert holds_second.wait(PATIENCE)
        apply_kept(app=app, arrived=arrived)

    def write_messages() -> ingest.MessagesResult:
        assert looked_for_first.wait(PATIENCE)
        return ingest.write_messages(app=app, rows=rows)

    monkeypatch.setattr(status_changes, "_apply_day", apply_day_in_steps)
    monkeypatch.setattr(early_receipts, "apply", apply_kept_in_steps)

    at_once(
        lambda: ingest.write_receipts(app=app, rows=[early[0], early[1] | {"code": 2}]),
        write_messages,
    )

    assert list(Message.objects.order_by("id").values_list("code", flat=True)) == [0, 2]
    assert not EarlyReceipt.objects.exists()


def _until_waiting(backend: int) -> None:
    deadline = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [backend])
            if cursor.fetchone():
                return
            time.sleep(0.01)
    raise AssertionError("the other side never waited")
