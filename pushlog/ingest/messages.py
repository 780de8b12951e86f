"""Messages on their way into the log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg.types.json import Jsonb

from pushlog import counts, message_ids, metrics, partitions, statuses
from pushlog.ingest import kept
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
# What a message is counted by, beside its hour.
_KIND = itemgetter(*map(list(_COLUMNS).index, ("push_type", "mode", "channel", "code")))
_TABLE = Message._meta.db_table
_COPY = f"COPY {_TABLE} ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
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
    fresh: dict[UUID, tuple[object, ...]] = {}
    key = bytes(app.id_key)
    valid_rows = 0
    for index, row in valid(MESSAGE, rows, app=app, now=now, rejected=rejected):
        valid_rows += 1
        created_ms = message_ids.milliseconds(row.created_at)
        identifier = message_ids.message_id(
            key=key,
            created_ms=created_ms,
            target_id=row.target_id,
            customer_message_id=row.customer_message_id,
        )
        ids[index] = identifier
        if identifier not in fresh:
            fresh[identifier] = _values(identifier, created_ms, app, row)
    accepted: list[UUID] = []
    if fresh:
        # Every writer goes through the rows in the order of their IDs. Two that bring the same rows then wait
        # for one another, and never each for the other.
        ordered = sorted(fresh, key=attrgetter("int"))
        partitions.ensure(message_ids.created_at(ordered[0]).date(), message_ids.created_at(ordered[-1]).date())
        with transaction.atomic():
            accepted = _write([fresh[identifier] for identifier in ordered], ordered)
            counts.add(app, _counted(fresh, accepted))
        kept.apply(app=app, arrived=ordered)
    duplicates = valid_rows - len(accepted)
    metrics.count("messages", accepted=len(accepted), duplicate=duplicates, refused=len(rejected))
    metrics.observe_lag(sorted(accepted, key=attrgetter("int")), now)
    return MessagesResult(len(accepted), duplicates, rejected, ids)


def _values(identifier: UUID, created_ms: int, app: App, row: MessageRow) -> tuple[object, ...]:
    return (
        identifier,
        message_ids.EPOCH + timedelta(milliseconds=created_ms),
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


def _counted(values: Mapping[UUID, tuple[object, ...]], accepted: list[UUID]) -> counts.Changes:
    return Counter((counts.hour_of(identifier), *_KIND(values[identifier])) for identifier in accepted)


def _write(values: list[tuple[object, ...]], identifiers: list[UUID]) -> list[UUID]:
    """Writes the rows and gives the IDs of those that were not there.

    COPY is the fastest way in but knows no ON CONFLICT: a single row that is there already undoes the whole batch,
    which then goes the slower way. Repeated batches are rare, and their first row gives them away.
    """
    errors = connection.wrap_database_errors
    try:
        with transaction.atomic(), errors, connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(list(_COLUMNS.values()))
            for row in values:
                copy.write_row(row)
    except IntegrityError:
        return [identifier for (identifier,) in run(_INSERT, [list(column) for column in zip(*values, strict=True)])]
    return identifiers
