"""Early receipts: kept until their message arrives, and then applied."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from django.db.models import Q

from pushlog import message_ids
from pushlog.ingest import status_changes
from pushlog.ingest.status_changes import Change
from pushlog.models import WINDOW, App, EarlyReceipt, Message
from pushlog.postgres.partitions import GRACE
from pushlog.postgres.retries import retried
from pushlog.postgres.sessions import writing
from pushlog.postgres.statements import run

_TABLE = EarlyReceipt._meta.db_table
_KEEP = f"""
    {status_changes.RANKED}
    INSERT INTO {_TABLE} AS old (app_id, message_id, at, code, channel, detail, revoked, arrived_at)
    SELECT %b, *, now()
    FROM unnest(%b::uuid[], %b::timestamptz[], %b::int4[], %b::int2[], %b::text[], %b::bool[])
    ON CONFLICT (app_id, message_id, at, code) DO UPDATE SET
        revoked = old.revoked OR EXCLUDED.revoked,
        (channel, detail) = (
            SELECT either.channel, detail
            FROM (VALUES (old.channel, old.detail), (EXCLUDED.channel, EXCLUDED.detail)) AS either (channel, detail)
            LEFT JOIN ranked ON ranked.channel = either.channel AND ranked.code = old.code
            ORDER BY coalesce(rank, 1) DESC, either.channel DESC, detail COLLATE "C" DESC LIMIT 1
        )
"""
_KEYS = f"SELECT DISTINCT message_id FROM {_TABLE} WHERE app_id = %b AND message_id = ANY(%b)"
# Every writer locks them in this order, so that no two deadlock.
_TAKE = f"""
    DELETE FROM {_TABLE} WHERE id IN (
        SELECT id FROM {_TABLE} WHERE app_id = %b AND message_id = ANY(%b)
        ORDER BY message_id, at, code FOR UPDATE
    )
    RETURNING message_id, at, code, channel, detail, revoked
"""
# SKIP LOCKED: waiting for a writer's row here could deadlock.
_REMOVE = f"""
    DELETE FROM {_TABLE} WHERE id IN (SELECT id FROM {_TABLE} WHERE id = ANY(%b) FOR UPDATE SKIP LOCKED) RETURNING id
"""
_BATCH = 2_000


def keep(app: App, changes: Iterable[Change]) -> None:
    entries = status_changes.one_per_entry(status_changes.in_order(changes))
    run(_KEEP, [*status_changes.ranks(entries), app.pk, *map(list, zip(*entries, strict=True))])


def arrived(app: App, changes: Iterable[Change], now: datetime) -> list[UUID]:
    ids = {(change.message_id, change.at) for change in changes}
    by_pair = [pair for pair in ids if not message_ids.has_time(pair[0])]
    by_id = Message.objects.filter(app=app, pk__in={pk for pk, _ in ids if message_ids.has_time(pk)})
    found = status_changes.find_pairs(app, by_pair, now)
    return [*by_id.order_by("pk").values_list("pk", flat=True), *found.values()]


@retried
def apply(*, app: App, arrived: Collection[UUID]) -> int:
    """Applies what is kept for stored messages, in one transaction, and returns the number of receipts."""
    if not arrived or not EarlyReceipt.objects.filter(app=app).exists():
        return 0
    by_key = {message_ids.without_time(one): one for one in sorted(arrived, key=attrgetter("int"))}
    keys = [key for (key,) in run(_KEYS, [app.pk, [*arrived, *by_key]])]
    if not keys:
        return 0
    with writing():
        # `write_receipts` locks messages before early receipts too. In another order, the two could deadlock.
        status_changes.lock(app, {by_key.get(key, key) for key in keys})
        taken = [Change(*row) for row in run(_TAKE, [app.pk, keys])]
        # Another message of the same pair may have taken some of them meanwhile.
        status_changes.apply(
            app,
            [change._replace(message_id=by_key.get(change.message_id, change.message_id)) for change in taken],
        )
    return len(taken)


def sweep(*, now: datetime) -> Iterator[tuple[int, int]]:
    """Applies what a killed writer left, and removes what is older than the window that ends at `now` (aware).

    Yields the numbers of receipts removed and applied by each of its small transactions.
    """
    last = 0
    while batch := list(EarlyReceipt.objects.filter(pk__gt=last).order_by("pk").select_related("app")[:_BATCH]):
        last = batch[-1].pk
        old = [one.pk for one in batch if _is_expired(one, now)]
        waiting: defaultdict[App, list[Change]] = defaultdict(list)
        for one in batch:
            change = Change(one.message_id, one.at, one.code, one.channel, one.detail, one.revoked)
            waiting[one.app].append(change)
        applied = sum(apply(app=app, arrived=arrived(app, changes, now)) for app, changes in waiting.items())
        # After apply(): an old receipt whose message is stored is applied.
        removed = len(run(_REMOVE, [old])) if old else 0
        yield removed, applied


def count_expired(*, now: datetime) -> int:
    limit, first_with_time = now - WINDOW - GRACE, UUID(int=1 << 80)
    by_id = Q(message_id__gte=first_with_time, message_id__lt=message_ids.first_id(limit))
    return EarlyReceipt.objects.filter(by_id | Q(at__lt=limit)).count()


def _is_expired(kept: EarlyReceipt, now: datetime) -> bool:
    limit = now - WINDOW - GRACE
    return kept.at < limit or (
        message_ids.has_time(kept.message_id) and message_ids.created_at(kept.message_id) < limit
    )
