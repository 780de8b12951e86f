"""Receipts that came before their message: kept aside, and applied when it is there."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from pushlog import message_ids
from pushlog.ingest import status_changes
from pushlog.ingest.status_changes import Change
from pushlog.models import App, KeptReceipt, Message
from pushlog.statements import run

_TABLE = KeptReceipt._meta.db_table
_KEEP = f"""
    INSERT INTO {_TABLE} AS old (app_id, message_id, at, code, channel, detail, revoked, arrived_at)
    SELECT %b, *, now()
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::text[], %b::bool[])
    ON CONFLICT (app_id, message_id, at, code) DO UPDATE SET
        revoked = old.revoked OR EXCLUDED.revoked,
        (channel, detail) = (
            SELECT * FROM (VALUES (old.channel, old.detail), (EXCLUDED.channel, EXCLUDED.detail)) AS either
            ORDER BY column1 DESC, column2 COLLATE "C" DESC LIMIT 1
        )
"""  # noqa: S608 (table names)
_KEYS = f"SELECT DISTINCT message_id FROM {_TABLE} WHERE app_id = %b AND message_id = ANY(%b)"  # noqa: S608
# Locked in the order in which they are kept: two who are at the same ones wait for one another only one way.
_TAKE = f"""
    DELETE FROM {_TABLE} WHERE id IN (
        SELECT id FROM {_TABLE} WHERE app_id = %b AND message_id = ANY(%b)
        ORDER BY message_id, at, code FOR UPDATE
    )
    RETURNING message_id, at, code, channel, detail, revoked
"""  # noqa: S608 (table names)


def keep(app: App, changes: Iterable[Change]) -> None:
    """Keeps receipts for later. One that is kept already is not kept twice."""
    columns = zip(*status_changes.one_per_entry(changes), strict=True)
    run(_KEEP, [app.pk, *map(list, columns)])


def arrived(app: App, changes: Iterable[Change], now: datetime) -> list[UUID]:
    """The messages of kept receipts which are in the log by now."""
    ids = {(change.message_id, change.at) for change in changes}
    by_pair = [pair for pair in ids if not message_ids.has_time(pair[0])]
    by_id = Message.objects.filter(app=app, pk__in={pk for pk, _ in ids if message_ids.has_time(pk)})
    found = status_changes.find_pairs(app, by_pair, now)
    return [*by_id.order_by("pk").values_list("pk", flat=True), *found.values()]


def apply(*, app: App, arrived: Collection[UUID]) -> None:
    """Applies what is kept for messages which are now in the log (their IDs)."""
    if not arrived or not KeptReceipt.objects.filter(app=app).exists():
        return
    by_key = {message_ids.without_time(identifier): identifier for identifier in sorted(arrived)}
    keys = [key for (key,) in run(_KEYS, [app.pk, [*arrived, *by_key]])]
    if not keys:
        return
    with transaction.atomic():
        # Messages first and kept receipts second, as in `receipts`: the other way round, the two could deadlock.
        status_changes.lock(app, {by_key.get(key, key) for key in keys})
        taken = [Change(*row) for row in run(_TAKE, [app.pk, keys])]
        # What another message of the same pair took away meanwhile is simply not among them.
        status_changes.apply(
            app,
            [change._replace(message_id=by_key.get(change.message_id, change.message_id)) for change in taken],
        )
