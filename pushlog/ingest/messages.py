"""Messages on their way into the log."""

from collections import Counter
from collections.abc import Sequence
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
    ids: list[UUID | None] = [None] * len(rows)
    fresh: dict[UUID, MessageRow] = {}
    key = bytes(app.id_key)
    valid_rows = 0
    for index, row in valid(MESSAGE, rows, app=app, now=now, rejected=rejected):
        valid_rows += 1
        ids[index] = identifier = message_ids.message_id(
            key=key,
            created_ms=message_ids.milliseconds(row.created_at),
            target_id=row.target_id,
            customer_message_id=row.customer_message_id,
        )
        fresh.setdefault(identifier, row)
    accepted: list[tuple[UUID, MessageRow]] = []
    if fresh:
        # Every writer goes through the rows in the order of their IDs. Two that bring the same rows then wait
        # for one another, and never each for the other.
        ordered = sorted(fresh.items(), key=lambda item: item[0].int)
        first, last = ordered[0][0], ordered[-1][0]
        partitions.ensure(message_ids.created_at(first).date(), message_ids.created_at(last).date())
        with transaction.atomic():
            accepted = _write(app, ordered)
            counts.add(app, _counted(accepted))
        kept.apply(app=app, arrived=fresh)
    duplicates = valid_rows - len(accepted)
    metrics.count("messages", accepted=len(accepted), duplicate=duplicates, refused=len(rejected))
    metrics.observe_lag([identifier for identifier, _ in accepted], now)
    return MessagesResult(len(accepted), duplicates, rejected, ids)


def _counted(rows: list[tuple[UUID, MessageRow]]) -> counts.Changes:
    return Counter(
        (counts.hour_of(identifier), row.push_type, row.mode, row.channel, statuses.NO_RECEIPT)
        for identifier, row in rows
    )


def _write(app: App, rows: list[tuple[UUID, MessageRow]]) -> list[tuple[UUID, MessageRow]]:
    """Writes rows with their IDs, in this order, and gives those that were not there."""
    # Each is made when its turn comes: the server stores the ones before it meanwhile.
    if copied(_TABLE, _COLUMNS, (_values(app, identifier, row) for identifier, row in rows)):
        return rows
    columns = zip(*[_values(app, identifier, row) for identifier, row in rows], strict=True)
    new = {identifier for (identifier,) in run(_INSERT, [*map(list, columns)])}
    return [(identifier, row) for identifier, row in rows if identifier in new]


def _values(app: App, identifier: UUID, row: MessageRow) -> tuple[object, ...]:
    """What stands in `_COLUMNS`."""
    return (
        identifier,
        message_ids.created_at(identifier),
        row.expiry,
        app.pk,
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
