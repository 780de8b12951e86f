"""Messages on their way into the log."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from psycopg.types.json import Jsonb

from pushlog import counts, message_ids, metrics, partitions, statuses
from pushlog.ingest import kept
from pushlog.ingest.copying import copied
from pushlog.ingest.retries import retried
from pushlog.ingest.rows import MESSAGE, MessageRow, Rejection, valid
from pushlog.models import App, Message
from pushlog.statements import run

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
}
_TABLE = Message._meta.db_table
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _COLUMNS.values())
_INSERT = (
    f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) SELECT * FROM unnest({_ARRAYS})"  # noqa: S608 (constants)
    " ON CONFLICT DO NOTHING RETURNING id"
)
_WAITING = statuses.Outcome.WAITING.value

# What makes a message's ID in its app: milliseconds since 1970, target ID, customer message ID.
_Key = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class MessagesResult:
    """What became of the rows: `accepted` + `duplicates` + `rejected` are all of them; `ids` has one for each row."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]
    ids: list[UUID | None]


@retried
def messages(*, app: App, rows: Sequence[object], now: datetime | None = None) -> MessagesResult:
    """Stores messages of an app, in one transaction, and applies the receipts that were waiting for them.

    `rows` are JSON values, at most `MAX_ROWS`; `now` (aware) is the clock that the window ends at. Valid rows are
    stored and the others reported. A message that is in the log already is a duplicate and changes nothing.
    Raises ValueError for too many rows.
    """
    now = now or datetime.now(UTC)
    rejected: list[Rejection] = []
    keys: list[_Key | None] = [None] * len(rows)
    fresh: dict[_Key, MessageRow] = {}
    for index, row in valid(MESSAGE, rows, app=app, now=now, rejected=rejected):
        keys[index] = key = (
            message_ids.milliseconds(row.created_at),
            row.target_id,
            row.customer_message_id,
        )
        fresh.setdefault(key, row)
    accepted: list[_Key] = []
    ids: dict[_Key, UUID] = {}
    if fresh:
        # Every writer goes through the rows in the same order. Two that bring the same rows then wait for one another,
        # and never each for the other.
        ordered = sorted(fresh)
        partitions.ensure(*(message_ids.from_milliseconds(key[0]).date() for key in (ordered[0], ordered[-1])))
        with transaction.atomic():
            accepted = _write(app, ordered, fresh, ids)
            counts.add(app, _counted(accepted, fresh))
        kept.apply(app=app, arrived=ids.values())
    duplicates = len(rows) - len(rejected) - len(accepted)
    metrics.count("messages", accepted=len(accepted), duplicate=duplicates, refused=len(rejected))
    metrics.observe_lag([created_ms for created_ms, _, _ in accepted], now)
    return MessagesResult(len(accepted), duplicates, rejected, [ids[key] if key else None for key in keys])


def _counted(accepted: list[_Key], rows: dict[_Key, MessageRow]) -> counts.Changes:
    return Counter(
        (counts.hour_of(key[0]), (row := rows[key]).push_type, row.mode, row.channel, statuses.NO_RECEIPT)
        for key in accepted
    )


def _write(app: App, ordered: list[_Key], rows: dict[_Key, MessageRow], ids: dict[_Key, UUID]) -> list[_Key]:
    """Writes rows in this order, gives those that were not there, and enters the IDs of all into `ids`."""
    # Each is made when its turn comes: the server stores the ones before it meanwhile.
    if copied(_TABLE, _COLUMNS, _values(app, ordered, rows, ids)):
        return ordered
    columns = zip(*_values(app, ordered, rows, ids), strict=True)
    new = {identifier for (identifier,) in run(_INSERT, [*map(list, columns)])}
    return [key for key in ordered if ids[key] in new]


def _values(
    app: App, ordered: list[_Key], rows: dict[_Key, MessageRow], ids: dict[_Key, UUID]
) -> Iterator[tuple[object, ...]]:
    """What stands in `_COLUMNS`, row by row; enters the ID of each into `ids`."""
    app_id, id_key = app.pk, bytes(app.id_key)
    for key in ordered:
        row = rows[key]
        ids[key] = identifier = message_ids.message_id(
            key=id_key, created_ms=key[0], target_id=key[1], customer_message_id=key[2]
        )
        yield (
            identifier,
            message_ids.from_milliseconds(key[0]),
            row.expiry,
            app_id,
            statuses.NO_RECEIPT,
            row.channel,
            _WAITING,
            row.push_type,
            row.mode,
            row.target_id,
            row.customer_message_id,
            row.task,
            row.title,
            row.content,
            Jsonb(row.extras, dumps=str),  # JSON text already
        )
