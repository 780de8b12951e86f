"""Messages on their way into the log."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from django.db import transaction
from psycopg.types.json import Jsonb

from pushlog import counts, message_ids, metrics, statuses
from pushlog.ingest import early_receipts
from pushlog.ingest.rows import MESSAGE, MessageRow, Rejection, valid
from pushlog.models import App, Message
from pushlog.postgres import partitions
from pushlog.postgres.copying import copied
from pushlog.postgres.retries import retried
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
}
_TABLE = Message._meta.db_table
_ARRAYS = ", ".join(f"%b::{kind}[]" for kind in _COLUMNS.values())
_INSERT = (
    f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) SELECT * FROM unnest({_ARRAYS})"  # noqa: S608 (constants)
    " ON CONFLICT DO NOTHING RETURNING id"
)
_WAITING = statuses.Outcome.WAITING.value

# Messages of one millisecond come in no order, and those of several senders behind one gateway overtake one another.
_NEAR = 500

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
def write_messages(*, app: App, rows: Sequence[object], now: datetime | None = None) -> MessagesResult:
    """Stores messages of an app, in one transaction, and applies the receipts that were waiting for them.

    `rows` are JSON values, at most `MAX_ROWS`; `now` (aware) is the clock that the window ends at. Valid rows are
    stored and the others reported. A message that is in the log already is a duplicate and changes nothing.
    Raises ValueError for too many rows.
    """
    now = now or datetime.now(UTC)
    batch = _Batch(app, rows, now)
    accepted = _stored(batch)
    if batch.ids:
        early_receipts.apply(app=app, arrived=batch.ids.values())
    duplicates = len(rows) - len(batch.rejected) - len(accepted)
    metrics.count("messages", accepted=len(accepted), duplicate=duplicates, rejected=len(batch.rejected))
    metrics.observe_lag([created_ms for created_ms, _, _ in accepted], now)
    ids = [batch.ids[key] if key else None for key in batch.keys]
    return MessagesResult(len(accepted), duplicates, batch.rejected, ids)


class _Batch:
    """Rows on their way in, which are checked when their turn comes: the server stores those before them meanwhile."""

    def __init__(self, app: App, rows: Sequence[object], now: datetime) -> None:
        self.app = app
        self.rejected: list[Rejection] = []
        self.keys: list[_Key | None] = [None] * len(rows)
        self.fresh: dict[_Key, MessageRow] = {}
        self.ids: dict[_Key, UUID] = {}
        self.is_ordered = True
        self._valid = valid(MESSAGE, rows, app=app, now=now, rejected=self.rejected)

    def arriving(self) -> Iterator[_Key]:
        """The key of every valid row that is not in the batch before it. Goes on where it was left."""
        for index, row in self._valid:
            key = message_ids.milliseconds(row.created_at), row.target_id, row.customer_message_id
            self.keys[index] = key
            if key not in self.fresh:
                self.fresh[key] = row
                yield key

    def ascending(self) -> Iterator[_Key]:
        """The same in order. Ends early where putting so many beside one another in order is not enough: `_NEAR`.

        `is_ordered` is False then.
        """
        arriving = self.arriving()
        waiting = list(islice(arriving, _NEAR))
        last = (0, "", "")
        while waiting:
            arrived = list(islice(arriving, _NEAR))
            waiting = sorted(waiting + arrived)
            ready = len(arrived) or len(waiting)
            if waiting[0] < last:
                self.is_ordered = False
                return
            yield from waiting[:ready]
            last, waiting = waiting[ready - 1], waiting[ready:]

    def values(self, keys: Iterable[_Key]) -> Iterator[tuple[object, ...]]:
        """What stands in `_COLUMNS`, row by row; enters the ID of each into `ids`."""
        app_id, id_key = self.app.pk, bytes(self.app.id_key)
        for key in keys:
            row = self.fresh[key]
            self.ids[key] = identifier = message_ids.message_id(
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

    def count(self, accepted: Iterable[_Key]) -> None:
        """Counts messages in the transaction that stored them."""
        changes = Counter(
            (counts.hour_of(key[0]), (row := self.fresh[key]).push_type, row.mode, row.channel, statuses.NO_RECEIPT)
            for key in accepted
        )
        counts.add(self.app, changes)


def _stored(batch: _Batch) -> list[_Key]:
    """Stores what is valid and not there yet, with its counts, and gives its keys in order.

    Every writer goes through its rows in the order of their keys. Two that bring the same rows then wait for one
    another, and never each for the other. Rows mostly come nearly in that order, and are written as they come.
    """
    with transaction.atomic():
        are_new = copied(_TABLE, _COLUMNS, batch.values(batch.ascending()))
        if are_new and batch.is_ordered:
            ordered = list(batch.ids)
            batch.count(ordered)
            return ordered
        # COPY was ended and is undone. Had it been broken off, the server would log an error for every such batch.
        transaction.set_rollback(True)
    for _ in batch.arriving():
        pass
    ordered = sorted(batch.fresh)
    partitions.ensure(*(message_ids.from_milliseconds(key[0]).date() for key in (ordered[0], ordered[-1])))
    with transaction.atomic():
        if not (are_new and copied(_TABLE, _COLUMNS, batch.values(ordered))):
            ordered = _inserted(batch, ordered)
        batch.count(ordered)
    return ordered


def _inserted(batch: _Batch, ordered: list[_Key]) -> list[_Key]:
    """Writes rows, some of which are there, and gives the others."""
    columns = zip(*batch.values(ordered), strict=True)
    new = {identifier for (identifier,) in run(_INSERT, [*map(list, columns)])}
    return [key for key in ordered if batch.ids[key] in new]
