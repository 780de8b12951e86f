"""How fast rows come in, as ratios to what PostgreSQL does with the same rows in the same tables."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from time import perf_counter
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from pushlog import ingest
from pushlog.models import App, Message, StatusChange
from tests.benchmarks.figures import Figure

BATCH = 10_000
ROUNDS = 6
_COLUMNS = ", ".join(str(field.column) for field in Message._meta.concrete_fields)
_UPDATE = """
    UPDATE pushlog_message AS message SET modified_at = now(), code = 2, channel = 1, outcome = 3
    FROM unnest(%s::uuid[]) AS new (id) WHERE message.id = new.id AND message.id BETWEEN %s AND %s
"""
_RECORD = """
    INSERT INTO pushlog_statuschange (message_id, at, code, channel, detail)
    SELECT id, now(), 2, 1, '' FROM unnest(%s::uuid[]) AS new (id)
"""


def measure() -> list[Figure]:
    """Batches of messages, and of receipts for them, our way and the bare way in turn. Leaves the log as it was."""
    app = App.objects.get(slug="bank")
    times: dict[str, list[float]] = {"ours": [], "bare": [], "our receipts": [], "bare receipts": []}
    for number in range(ROUNDS):
        rows = _rows(number)
        stored = _timed(times["ours"], lambda rows=rows: ingest.messages(app=app, rows=rows))  # type: ignore[misc]
        ids = [identifier for identifier in stored.ids if identifier]
        receipts = [_receipt(identifier) for identifier in ids]
        _timed(times["our receipts"], lambda given=receipts: ingest.receipts(app=app, rows=given))  # type: ignore[misc]
        copied = _taken_out(ids)
        _timed(times["bare"], lambda copied=copied: _copy(copied))  # type: ignore[misc]
        _timed(times["bare receipts"], lambda ids=ids: _update(ids))  # type: ignore[misc]
        _taken_out(ids)
    return [
        _figure("10,000 messages in process", times["ours"], times["bare"], "raw COPY"),
        _figure("10,000 receipts in process", times["our receipts"], times["bare receipts"], "raw UPDATE and INSERT"),
    ]


def _rows(number: int) -> list[dict[str, Any]]:
    # A gateway under load: messages of the last minutes, so that they go into one partition.
    start = datetime.now(UTC) - timedelta(minutes=5)
    return [
        {
            "target_id": f"{number:032x}{one:032x}",
            "push_type": "android",
            "customer_message_id": f"bench-{number}-{one}",
            "title": f"Order {one % 500} is on its way",
            "content": "Your order was handed to the carrier. Tap to follow it on its way to you.",
            "extras": {"url": "https://shop.example/orders"},
            "created_at": (start + timedelta(milliseconds=one)).isoformat(),
            "expires_in": 86400,
        }
        for one in range(BATCH)
    ]


def _receipt(identifier: UUID) -> dict[str, Any]:
    return {"message_id": str(identifier), "channel": "own", "code": 2, "at": datetime.now(UTC).isoformat()}


def _taken_out(ids: list[UUID]) -> bytes:
    """Takes messages out of the log with their history, and gives them as COPY wants them."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = Message.objects.filter(pk__in=ids)
        query = cursor.mogrify(f"SELECT {_COLUMNS} FROM pushlog_message WHERE id = ANY(%s) ORDER BY id", [ids])
        with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
            taken = b"".join(copy)
        StatusChange.objects.filter(message_id__in=ids)._raw_delete("default")
        rows._raw_delete("default")
    return taken


def _copy(rows: bytes) -> None:
    statement = f"COPY pushlog_message ({_COLUMNS}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(rows)


def _update(ids: list[UUID]) -> None:
    ordered = sorted(ids)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_UPDATE, [ordered, ordered[0], ordered[-1]])
        cursor.execute(_RECORD, [ordered])


def _timed(times: list[float], work: Callable[[], Any]) -> Any:
    start = perf_counter()
    result = work()
    times.append((perf_counter() - start) * 1000)
    return result


def _figure(name: str, ours: list[float], bare: list[float], what: str) -> Figure:
    ratio = median(bare) / median(ours)
    return Figure(name, median(ours), quantiles(ours, n=20)[-1], ratio, f"≥ 0.6 of {what}", ratio >= 0.6)
