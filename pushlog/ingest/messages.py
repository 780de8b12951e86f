"""Writes messages to the log."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from pushlog import clock, counts, message_ids, metrics, sealing, statuses
from pushlog.ingest import early_receipts
from pushlog.ingest.rows import MESSAGE, MessageRow, Rejection, valid
from pushlog.models import App, Message
from pushlog.postgres import partitions
from pushlog.postgres.copying import copied
from pushlog.postgres.retries import retried
from pushlog.postgres.sessions import writing
from pushlog.postgres.statements import run

_COLUMNS = {
    "id": "uuid",
    "modified_at": "timestamptz",
    "expires_at": "timestamptz",
    "app_id": "int4",
    "code": "int4",
    "channel": "int2",
    "outcome": "int2",
    "push_type": "int2",
    "mode": "int2",
    "target_id": "text",
    "customer_message_id": "text",
    "task": "text",
    "title": "text",
    "content": "text",
    "extras": "jsonb",
    "sealed_title": "bytea",
    "sealed_content": "bytea",
}
_TABLE = Message._meta.db_table
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _COLUMNS.values())
_INSERT = (
    f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) SELECT * FROM unnest({_ARRAYS}) ON CONFLICT DO NOTHING RETURNING id"
)
_NO_EXTRAS = Jsonb({})
_WAITING = statuses.Outcome.WAITING.value

_Key = tuple[int, str, str]  # milliseconds since 1970, target ID, customer message ID: what the ID is made of


@dataclass(frozen=True, slots=True)
class MessagesResult:
    """What became of each row; together the first three are all rows."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]
    ids: list[UUID | None]  # one for each row


def write_messages(*, app: App, rows: Sequence[object], now: datetime | None = None) -> MessagesResult:
    """Stores an app's messages in one transaction, and applies their early receipts in another.

    `rows` are JSON values; the window ends at `now` (aware). A message that is stored already changes nothing. Raises
    ValueError for more than MAX_ROWS.
    """
    now = now or clock.checked_now()
    rejected: list[Rejection] = []
    keys: list[_Key | None] = [None] * len(rows)
    messages: dict[_Key, MessageRow] = {}
    for index, row in valid(MESSAGE, rows, app=app, now=now, rejected=rejected):
        keys[index] = key = message_ids.milliseconds(row.created_at), row.target_id, row.customer_message_id
        messages.setdefault(key, row)
    # Every writer stores in this order, so that two with the same messages do not deadlock.
    messages = {key: messages[key] for key in sorted(messages)}
    ids: dict[_Key, UUID] = {}
    new = _store(app, messages, ids)
    if ids:
        early_receipts.apply(app=app, arrived=ids.values())
    duplicates = len(rows) - len(rejected) - len(new)
    metrics.count("messages", accepted=len(new), duplicate=duplicates, rejected=len(rejected))
    metrics.observe_lag([created_ms for created_ms, _, _ in new], now)
    return MessagesResult(len(new), duplicates, rejected, [ids[key] if key else None for key in keys])


@retried
def _store(app: App, messages: Mapping[_Key, MessageRow], ids: dict[_Key, UUID]) -> list[_Key]:
    new = list(messages)
    with writing():
        if copied(_TABLE, _COLUMNS, _values(app, messages, ids)):
            _count(app, messages, new)
            return new
    # COPY failed, because a message is stored already or a partition is missing.
    partitions.ensure(*(message_ids.from_milliseconds(key[0]).date() for key in (new[0], new[-1])))
    columns = zip(*_values(app, messages, ids), strict=True)
    with writing():
        inserted = {identifier for (identifier,) in run(_INSERT, [*map(list, columns)])}
        new = [key for key in new if ids[key] in inserted]
        _count(app, messages, new)
    return new


def _values(app: App, messages: Mapping[_Key, MessageRow], ids: dict[_Key, UUID]) -> Iterator[tuple[object, ...]]:
    """Yields the values of `_COLUMNS`, and sets `ids` here, where PostgreSQL stores rows while we hash."""
    app_id, id_key, encrypts = app.pk, bytes(app.id_key), app.encrypts_content
    for key, row in messages.items():
        created_ms, target_id, customer_message_id = key
        ids[key] = identifier = message_ids.message_id(
            key=id_key, created_ms=created_ms, target_id=target_id, customer_message_id=customer_message_id
        )
        yield (
            identifier,
            message_ids.from_milliseconds(created_ms),
            row.expiry,
            app_id,
            statuses.NO_RECEIPT,
            row.channel,
            _WAITING,
            row.push_type,
            row.mode,
            target_id,
            customer_message_id,
            row.task,
            *(_sealed(row) if encrypts else _in_clear(row)),
        )


def _in_clear(row: MessageRow) -> tuple[object, ...]:
    # The extras are JSON text already.
    return row.title, row.content, Jsonb(row.extras, dumps=str), None, None


def _sealed(row: MessageRow) -> tuple[object, ...]:
    title = sealing.seal(row.title) if row.title else None
    content = sealing.sealed_json(f"[{json.dumps(row.content, ensure_ascii=False)},{row.extras}]")
    return "", "", _NO_EXTRAS, title, content


def _count(app: App, messages: Mapping[_Key, MessageRow], new: list[_Key]) -> None:
    changes: counts.Changes = Counter()
    for key in new:
        row = messages[key]
        changes[counts.hour_of(key[0]), row.push_type, row.mode, row.channel, statuses.NO_RECEIPT] += 1
    counts.add(app, changes)
