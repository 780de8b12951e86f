"""Receipts that came before their message: kept aside, and applied when it is there."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from pushlog import message_ids
from pushlog.ingest.status_changes import Change, find_pairs
from pushlog.ingest.status_changes import apply as apply_changes
from pushlog.models import App, KeptReceipt, Message

_TABLE = KeptReceipt._meta.db_table
_KEEP = f"""
    INSERT INTO {_TABLE} (app_id, message_id, at, code, channel, detail, revoked, arrived_at)
    SELECT %s, *, now()
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::int4[], %s::int2[], %s::text[], %s::bool[])
    ON CONFLICT DO NOTHING
"""  # noqa: S608 (table names)
# Locked in one order, and passed over where another writer is at it already: it will apply them.
_TAKE = f"""
    DELETE FROM {_TABLE} WHERE id IN (
        SELECT id FROM {_TABLE} WHERE app_id = %s AND message_id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED
    )
    RETURNING message_id, at, code, channel, detail, revoked
"""  # noqa: S608 (table names)


def keep(app: App, changes: Collection[Change]) -> None:
    """Keeps receipts for later. One that is kept already is not kept twice."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [app.pk, *map(list, zip(*changes, strict=True))])


def arrived(app: App, changes: Iterable[Change], now: datetime) -> list[UUID]:
    """The messages of kept receipts which are in the log by now."""
    ids = {change.message_id: change.at for change in changes}
    by_pair = {identifier: at for identifier, at in ids.items() if not message_ids.has_time(identifier)}
    by_id = Message.objects.filter(app=app, pk__in=[identifier for identifier in ids if identifier not in by_pair])
    return [*by_id.order_by("pk").values_list("pk", flat=True), *find_pairs(app, by_pair, now).values()]


def apply(*, app: App, arrived: Collection[UUID]) -> None:
    """Applies what is kept for messages which are now in the log (their IDs)."""
    if not arrived or not KeptReceipt.objects.filter(app=app).exists():
        return
    by_key = {message_ids.without_time(identifier): identifier for identifier in sorted(arrived)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [app.pk, [*arrived, *by_key]])
        taken = [Change(*row) for row in cursor.fetchall()]
        # What another message of the same pair took away meanwhile is simply not among them.
        apply_changes(
            app,
            [change._replace(message_id=by_key.get(change.message_id, change.message_id)) for change in taken],
        )
