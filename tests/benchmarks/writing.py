"""Speed of writing, compared with raw statements for the same rows in the same tables.

The raw side has its rows ready: COPY gets the output of COPY, UPDATE and INSERT get binary arrays. The sides take
turns in being first. VACUUM runs between them, because inserting where the same key was deleted is slower.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from pushlog import ingest, statuses
from pushlog.models import App, Message, StatusChange
from pushlog.postgres.statements import run
from tests.benchmarks.figures import Found, speed, timed

BATCH = 10_000
ROUNDS = 16
CODE = 2
_COLUMNS = ", ".join(str(field.column) for field in Message._meta.concrete_fields)
_UPDATE = """
    UPDATE pushlog_message AS message
    SET modified_at = new.at, code = new.code, channel = new.channel, outcome = new.outcome
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::int2[])
        AS new (id, at, code, channel, outcome)
    WHERE message.id = new.id AND message.id BETWEEN %b AND %b
"""
_RECORD = """
    INSERT INTO pushlog_statuschange (message_id, at, code, channel, detail)
    SELECT * FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::text[])
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch as senders give it, and as PostgreSQL takes it."""

    rows: list[dict[str, Any]]
    receipts: list[dict[str, Any]]
    ids: list[UUID]
    lines: bytes
    update: list[object]
    history: list[object]


def measure() -> Found:
    """Writes messages and their receipts, our way and raw in turn. Leaves the log as it was."""
    app = App.objects.get(slug="bank")
    messages: dict[str, list[float]] = {"ours": [], "raw": []}
    receipts: dict[str, list[float]] = {"ours": [], "raw": []}
    for number in range(ROUNDS):
        batch = prepare(app, number)
        for side in ("ours", "raw") if number % 2 else ("raw", "ours"):
            if side == "ours":
                timed(messages[side], partial(ingest.write_messages, app=app, rows=batch.rows))
                timed(receipts[side], partial(ingest.write_receipts, app=app, rows=batch.receipts))
            else:
                timed(messages[side], partial(copy, batch.lines))
                timed(receipts[side], partial(_update, batch))
            take_out(batch.ids)
    figures = [
        speed("10,000 messages in process", messages["ours"], messages["raw"], least=0.6, of="raw COPY"),
        speed("10,000 receipts in process", receipts["ours"], receipts["raw"], least=0.6, of="raw UPDATE and INSERT"),
    ]
    return Found(figures)


def prepare(app: App, number: int) -> Prepared:
    """A batch that was stored and deleted, to get its IDs and the lines for COPY."""
    rows = message_rows(number, BATCH)
    ids = sorted(identifier for identifier in ingest.write_messages(app=app, rows=rows).ids if identifier)
    lines = take_out(ids)
    moments = [datetime.now(UTC) + timedelta(microseconds=one) for one in range(BATCH)]
    receipts = [
        {"message_id": str(identifier), "channel": "own", "code": CODE, "at": moment.isoformat()}
        for identifier, moment in zip(ids, moments, strict=True)
    ]
    own = statuses.Channel.OWN.value
    codes, channels = [CODE] * BATCH, [own] * BATCH
    outcomes = [statuses.outcome_of(own, CODE)] * BATCH
    update = [ids, moments, codes, channels, outcomes, ids[0], ids[-1]]
    return Prepared(rows, receipts, ids, lines, update, [ids, moments, codes, channels, [""] * BATCH])


def message_rows(number: int, count: int) -> list[dict[str, Any]]:
    """Messages of the last minutes, four in each millisecond, as a gateway under load sends them."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    return [
        {
            "target_id": f"{number:032x}{one * 7919 % count:032x}",
            "push_type": "android",
            "customer_message_id": f"bench-{number}-{one}",
            "title": f"Order {one % 500} is on its way",
            "content": "Your order was handed to the carrier. Tap to follow it on its way to you.",
            "extras": {"url": "https://shop.example/orders"},
            "created_at": (start + timedelta(milliseconds=one // 4)).isoformat(),
            "expires_in": 86400,
        }
        for one in range(count)
    ]


def take_out(ids: list[UUID]) -> bytes:
    """Deletes messages and their history, and returns the messages as lines for COPY."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = Message.objects.filter(pk__in=ids)
        query = cursor.mogrify(f"SELECT {_COLUMNS} FROM pushlog_message WHERE id = ANY(%s) ORDER BY id", [ids])
        with cursor.copy(f"COPY ({query}) TO STDOUT") as taken:
            lines = b"".join(taken)
        StatusChange.objects.filter(message_id__in=ids)._raw_delete("default")
        rows._raw_delete("default")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (INDEX_CLEANUP ON) pushlog_message, pushlog_statuschange")
    return lines


def copy(lines: bytes) -> None:
    statement = f"COPY pushlog_message ({_COLUMNS}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(lines)


def _update(batch: Prepared) -> None:
    with transaction.atomic():
        run(_UPDATE, batch.update)
        run(_RECORD, batch.history)
