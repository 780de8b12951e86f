"""Writes receipts to the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pushlog import clock, message_ids, metrics
from pushlog.ingest import early_receipts
from pushlog.ingest.rows import RECEIPT, ReceiptRow, Rejection, valid
from pushlog.ingest.status_changes import Applied, Change, apply, find_pairs
from pushlog.models import App
from pushlog.postgres.retries import retried
from pushlog.postgres.sessions import writing


@dataclass(frozen=True, slots=True)
class ReceiptsResult:
    """What became of each row; together the four are all rows."""

    applied: int  # changed a status
    stale: int  # late or repeated: at most added to the history
    early: int  # kept until their message arrives
    rejected: list[Rejection]


def write_receipts(*, app: App, rows: Sequence[object], now: datetime | None = None) -> ReceiptsResult:
    """Applies receipts to an app's messages in one transaction, and keeps early ones until their message arrives.

    `rows` are JSON values; the window ends at `now` (aware). A receipt with target ID and customer message ID belongs
    to the newest message with both. Raises ValueError for more than MAX_ROWS.
    """
    now = now or clock.checked_now()
    rejected: list[Rejection] = []
    by_id: list[Change] = []
    by_pair: list[Change] = []
    for _, row in valid(RECEIPT, rows, app=app, now=now, rejected=rejected):
        if row.message_id is None:
            by_pair.append(_change(_pair_id(app, row), row))
        else:
            by_id.append(_change(row.message_id, row))
    outcome = _apply(app, by_id, by_pair, now)
    if outcome.early:
        # Their messages may have been committed since. Both writers look after their commit, and the later one sees
        # the other's rows.
        early_receipts.apply(app=app, arrived=early_receipts.arrived(app, outcome.early, now))
    early = len(outcome.early)
    metrics.count("receipts", applied=outcome.applied, stale=outcome.stale, early=early, rejected=len(rejected))
    return ReceiptsResult(outcome.applied, outcome.stale, early, rejected)


@retried
def _apply(app: App, by_id: list[Change], by_pair: list[Change], now: datetime) -> Applied:
    with writing():
        found = find_pairs(app, [(change.message_id, change.at) for change in by_pair], now)
        matched = [
            change._replace(message_id=found.get((change.message_id, change.at), change.message_id))
            for change in by_pair
        ]
        outcome = apply(app, by_id + matched)
        if outcome.early:
            early_receipts.keep(app, outcome.early)
    return outcome


def _pair_id(app: App, row: ReceiptRow) -> UUID:
    assert row.target_id is not None  # noqa: S101 (ReceiptRow checks it)
    assert row.customer_message_id is not None  # noqa: S101
    return message_ids.pair_id(
        key=bytes(app.id_key), target_id=row.target_id, customer_message_id=row.customer_message_id
    )


def _change(message_id: UUID, row: ReceiptRow) -> Change:
    return Change(message_id, row.at, row.code, row.channel, row.detail, row.revoked)
