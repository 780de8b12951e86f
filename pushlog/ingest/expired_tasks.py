"""Removes push tasks that are older than the window."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from pushlog import task_counts
from pushlog.models import WINDOW, App, PushTask
from pushlog.postgres.partitions import GRACE
from pushlog.postgres.statements import run

_BATCH = 1000
# SKIP LOCKED: a task being updated may get a new push time; the next run gets it.
_REMOVE = f"""
    DELETE FROM {PushTask._meta.db_table} WHERE id IN (
        SELECT id FROM {PushTask._meta.db_table} WHERE app_id = %b AND pushed_at < %b
        ORDER BY pushed_at LIMIT {_BATCH} FOR UPDATE SKIP LOCKED
    )
    RETURNING pushed_at, message_type, target_kind
"""


def sweep_tasks(*, now: datetime) -> Iterator[int]:
    """Removes tasks older than the window that ends at `now` (aware); yields each transaction's number of tasks."""
    for app in App.objects.order_by("pk"):
        removed = _BATCH
        while removed == _BATCH:
            with transaction.atomic():
                gone = run(_REMOVE, [app.pk, _limit(now)])
                keys = (task_counts.key_of(*row) for row in gone)
                task_counts.add(app, {key: -tasks for key, tasks in Counter(keys).items()})
            removed = len(gone)
            yield removed
    task_counts.clear()


def count_old_tasks(*, now: datetime) -> int:
    return PushTask.objects.filter(app__in=App.objects.all(), pushed_at__lt=_limit(now)).count()


def _limit(now: datetime) -> datetime:
    return now - WINDOW - GRACE
