"""Maintenance. A run may be killed at any moment, repeated, and started twice at once."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from psycopg import errors

from pushlog import audit, clock, counts, credentials, ingest, throttle
from pushlog.ingest import early_receipts
from pushlog.maintenance import analyze, recompute, reindex
from pushlog.models import WINDOW, Correction, CountDelta, MaintenanceRun
from pushlog.postgres import partitions
from pushlog.postgres.advisory_locks import AdvisoryLock

logger = logging.getLogger(__name__)

Result = dict[str, Any]

_LOCK_TIMEOUT = "2s"
# Half a minute in all.
_ATTEMPTS = 6
# The next run goes on. /healthz reports runs longer than three hours.
_REINDEX_SECONDS = 20 * 60
_RECOMPUTE_SECONDS = 20 * 60
_DROPPING = "dropping partitions"
_DROPPING_MONTHS = "audit log"
_REFUSALS = {_DROPPING: "drop_refused", _DROPPING_MONTHS: "audit_months_refused"}
_DAY = timedelta(days=1)
_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected)


def maintain(*, now: datetime | None = None, stop: Event | None = None, force: bool = False) -> Result | None:
    """Does all that is due at `now` (aware); None if another run is in progress. Failed steps are under "failed".

    `force` drops more days than have passed. Raises RuntimeError in a transaction, ClockOff, and DatabaseError if the
    run cannot be recorded.
    """
    if connection.in_atomic_block:
        raise RuntimeError("maintain() makes transactions of its own")
    now, stop = now or clock.checked_now(), stop or Event()
    with _alone() as alone:
        if not alone:
            return None
        run = MaintenanceRun.objects.create(started_at=now)
        result: Result = {}
        steps = _STEPS | {
            _DROPPING: partial(_drop_partitions, force=force),
            _DROPPING_MONTHS: partial(_drop_months, force=force),
        }
        for name, step in steps.items():
            try:
                result |= step(now, stop)
                if _REFUSALS.get(name) in result:
                    result.setdefault("failed", {})[name] = "refused"
            except DatabaseError as error:
                if stop.is_set():  # cancelled
                    return result
                # Its text may quote a row.
                result.setdefault("failed", {})[name] = type(error.__cause__ or error).__name__
                logger.exception("Maintenance: %s failed", name)
            if stop.is_set():
                return result
        run.finished_at, run.succeeded, run.result = clock.now(), "failed" not in result, result
        run.save(update_fields=["finished_at", "succeeded", "result"])
        old = MaintenanceRun.objects.filter(started_at__lt=now - WINDOW)
        if last := _last_good():
            old = old.exclude(pk=last.pk)
        old.delete()
    return result


def due(*, now: datetime | None = None) -> Result:
    now = now or clock.now()
    plan = _to_drop(now)
    return {
        "partitions_made": partitions.missing(now),
        "partitions_dropped": [*partitions.leftovers(), *(one.name for one in plan.due)],
        **plan.remarks(),
        "audit_months_dropped": [one.name for one in partitions.expired_months(now)],
        "early_receipts_removed": early_receipts.count_expired(now=now),
        "tasks_removed": ingest.count_old_tasks(now=now),
        "counts_compacted": CountDelta.objects.count(),
        "sessions_removed": _expired_sessions(now).count(),
        "failed_tries_removed": throttle.expired(now).count(),
        "corrections_removed": _expired_corrections(now).count(),
        "partitions_recomputed": [one.name for one in recompute.due()],
        "tables_analysed": analyze.stale(),
        "partitions_reindexed": [one.name for one in reindex.due(now)],
    }


def _make_partitions(now: datetime, stop: Event) -> Result:
    made: list[str] = []
    _patiently(lambda: made.extend(partitions.ensure_window(now=now)), stop)
    return {"partitions_made": made}


class _Plan(NamedTuple):
    due: list[partitions.Partition]
    kept: list[partitions.Partition]  # as old, but the newest messages are in them
    refused: list[partitions.Partition]

    def remarks(self) -> Result:
        lists = {"drop_kept": self.kept, "drop_refused": self.refused}
        return {name: [one.name for one in found] for name, found in lists.items() if found}


def _to_drop(now: datetime, *, force: bool = False) -> _Plan:
    """What a wrong clock would drop is refused: more days than have passed since the last good run, plus one."""
    expired = partitions.expired(now)
    day = partitions.newest_day() if expired else None
    kept = [one for one in expired if day and one.start <= day < one.end]
    due = [one for one in expired if one not in kept]
    last = _last_good()
    passed = max((now - last.started_at).days, 0) if last else 0
    if force or _days(due) <= passed + 1:
        return _Plan(due, kept, [])
    return _Plan([], kept, due)


def _days(due: list[partitions.Partition]) -> int:
    """How many days must have passed for these to expire: a partition expires as a whole with its last day."""
    days = {one.start + n * _DAY for one in due for n in range((one.end - one.start).days)}
    longest = max(((one.end - one.start).days for one in due), default=1)
    return len(days) - (longest - 1)


def _last_good() -> MaintenanceRun | None:
    # A run that postponed a drop leaves more to the next one than the time between them.
    return (
        MaintenanceRun.objects.filter(succeeded=True)
        .exclude(result__has_key="drop_postponed")
        .order_by("-started_at")
        .first()
    )


def _drop_partitions(now: datetime, stop: Event, *, force: bool = False) -> Result:
    dropped: list[str] = []
    postponed: list[str] = []
    for name in partitions.leftovers():
        (dropped if _patiently(partial(partitions.drop, name), stop) else postponed).append(name)
    busy = set()
    plans: list[_Plan] = []
    if not _patiently(lambda: plans.append(_to_drop(now, force=force)), stop):
        return {"partitions_dropped": dropped, "drop_postponed": [*postponed, "the rest"]}
    for one in plans[0].due:
        # A reader of one partition blocks detaching any of them.
        if one.table not in busy and _patiently(partial(_remove, one), stop):
            dropped.append(one.name)
        else:
            busy.add(one.table)
            postponed.append(one.name)
        if stop.is_set():
            break
    return {"partitions_dropped": dropped} | plans[0].remarks() | ({"drop_postponed": postponed} if postponed else {})


def _remove(partition: partitions.Partition) -> None:
    # A partition left half detached blocks all others.
    for current in partitions.attached(partition.table):
        if current.name == partition.name or current.pending:
            partitions.detach(current)
    partitions.drop(partition.name)


def _drop_months(now: datetime, stop: Event, *, force: bool = False) -> Result:
    """Of the audit log. A wrong clock drops at most one month."""
    due = partitions.expired_months(now)
    if len({one.start for one in due}) > 1 and not force:
        return {"audit_months_dropped": [], "audit_months_refused": [one.name for one in due]}
    dropped = [one.name for one in due if _patiently(partial(_remove, one), stop)]
    return {"audit_months_dropped": dropped}


def _seal(now: datetime, stop: Event) -> Result:
    return {"audit_entries_sealed": audit.seal()}


def _sweep_receipts(now: datetime, stop: Event) -> Result:
    removed = applied = 0
    for of_batch in early_receipts.sweep(now=now):
        removed, applied = removed + of_batch[0], applied + of_batch[1]
        if stop.is_set():
            break
    return {"early_receipts_removed": removed, "early_receipts_applied": applied}


def _sweep_tasks(now: datetime, stop: Event) -> Result:
    removed = 0
    for of_batch in ingest.sweep_tasks(now=now):
        removed += of_batch
        if stop.is_set():
            break
    return {"tasks_removed": removed}


def _tidy_counts(now: datetime, stop: Event) -> Result:
    limit = (now - WINDOW - partitions.GRACE).replace(minute=0, second=0, microsecond=0)
    return {"counts_compacted": counts.compact(), "counts_expired": counts.expire(limit)}


def _end_logins(now: datetime, stop: Event) -> Result:
    return {
        "sessions_removed": _expired_sessions(now).delete()[0],
        "failed_tries_removed": throttle.expired(now).delete()[0],
        "corrections_removed": _expired_corrections(now).delete()[0],
    }


def _expired_corrections(now: datetime) -> QuerySet[Correction]:
    """With the entries of the audit log that tell of them."""
    return Correction.objects.filter(at__lt=now - timedelta(days=settings.AUDIT_DAYS))


def _expired_sessions(now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=now)


def _note_keys(now: datetime, stop: Event) -> Result:
    return {"keys_noted": credentials.note_keys()}


def _recompute(now: datetime, stop: Event) -> Result:
    due = recompute.due()
    if not due:
        return {"partitions_recomputed": [], "statuses_changed": 0}
    current, go_on = recompute.begin(), _until(_RECOMPUTE_SECONDS, stop)
    before = current.changed
    for one in due:
        if not (
            _patiently(partial(recompute.read, current, one, go_on=go_on), stop) and recompute.has_read(current, one)
        ):
            break
    done = [one.name for one in due if recompute.has_read(current, one)]
    postponed = [one.name for one in due if not recompute.has_read(current, one)]
    recompute.end(current, finished=not postponed)
    result = {"partitions_recomputed": done, "statuses_changed": current.changed - before}
    return result | ({"recompute_postponed": postponed} if postponed else {})


def _analyse(now: datetime, stop: Event) -> Result:
    stale = analyze.stale()
    analysed = [table for table in stale if _patiently(partial(analyze.renew, table), stop)]
    postponed = [table for table in stale if table not in analysed]
    return {"tables_analysed": analysed} | ({"analysis_postponed": postponed} if postponed else {})


def _reindex(now: datetime, stop: Event) -> Result:
    due: list[partitions.Partition] = []
    _patiently(lambda: due.extend(reindex.due(now)), stop)
    go_on = _until(_REINDEX_SECONDS, stop)
    for one in due:
        # Once: each attempt builds the index again.
        if not (_patiently(partial(reindex.rebuild, one, go_on=go_on), stop, attempts=1) and go_on()):
            break
    left = reindex.due(now) if due else []
    reindexed = [one.name for one in due if one not in left]
    postponed = [one.name for one in due if one in left]
    return {"partitions_reindexed": reindexed} | ({"reindex_postponed": postponed} if postponed else {})


_STEPS: dict[str, Callable[[datetime, Event], Result]] = {
    "making partitions": _make_partitions,
    _DROPPING: _drop_partitions,
    _DROPPING_MONTHS: _drop_months,
    "sealing": _seal,
    "early receipts": _sweep_receipts,
    "old tasks": _sweep_tasks,
    "counts": _tidy_counts,
    "logins": _end_logins,
    "keys": _note_keys,
    "statuses": _recompute,
    "statistics": _analyse,
    # Takes longest.
    "reindex": _reindex,
}


def _until(seconds: float, stop: Event) -> Callable[[], bool]:
    end = time.monotonic() + seconds

    def go_on() -> bool:
        # `serve` compacts every minute in this thread, and waits for the step.
        counts.compact()
        return not stop.is_set() and time.monotonic() < end

    return go_on


def _patiently(work: Callable[[], object], stop: Event, *, attempts: int | None = None) -> bool:
    """Repeats work that gave up waiting for a lock; says whether it was done."""
    for attempt in range(attempts or _ATTEMPTS):
        try:
            work()
        except DatabaseError as error:
            if not isinstance(error.__cause__, _BUSY):
                raise
            if stop.wait(2**attempt * random.uniform(0.1, 0.2)):  # noqa: S311
                return False
        else:
            return True
    return False


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [AdvisoryLock.MAINTENANCE])
        if not cursor.fetchone()[0]:
            yield False
            return
        cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        yield True
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
                cursor.execute("SELECT pg_advisory_unlock(%s)", [AdvisoryLock.MAINTENANCE])
