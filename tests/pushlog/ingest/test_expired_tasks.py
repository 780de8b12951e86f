from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from pushlog import ingest
from pushlog.ingest import expired_tasks
from pushlog.models import App, PushTask, TaskCount
from pushlog.postgres.partitions import GRACE
from tests import factories
from tests.pushlog.threads import run_together

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
LIMIT = timedelta(days=30) + GRACE


def fill(app: App, ages: list[timedelta]) -> None:
    """Stores tasks of these ages at NOW, by an earlier clock."""
    rows: list[dict[str, Any]] = [
        {"push_id": f"{number}", "target_kind": "all", "pushed_at": (NOW - age).isoformat()}
        for number, age in enumerate(ages)
    ]
    result = ingest.write_tasks(app=app, rows=rows, now=NOW - timedelta(days=20))
    assert result.accepted == len(ages)


def sweep() -> int:
    assert ingest.count_old_tasks(now=NOW) == PushTask.objects.filter(pushed_at__lt=NOW - LIMIT).count()
    return sum(ingest.sweep_tasks(now=NOW))


def counted() -> int:
    return sum(TaskCount.objects.values_list("tasks", flat=True))


def test_what_is_old_goes_and_the_counts_with_it(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        expired_tasks, "_REMOVE", expired_tasks._REMOVE.replace(f"LIMIT {expired_tasks._BATCH}", "LIMIT 3")
    )
    monkeypatch.setattr(expired_tasks, "_BATCH", 3)
    second = timedelta(seconds=1)
    for one in (app, factories.create_app()):
        fill(one, [LIMIT + second] * 7 + [LIMIT - second] * 2 + [timedelta(days=1)])

    assert sweep() == 14
    assert sweep() == 0
    assert PushTask.objects.count() == counted() == 6
    assert not TaskCount.objects.filter(tasks=0).exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_being_changed_is_left_for_the_next_time() -> None:
    app = factories.create_app()
    fill(app, [LIMIT + timedelta(hours=1)] * 3)

    def remove() -> None:
        assert sum(ingest.sweep_tasks(now=NOW)) == 2

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pushlog_pushtask WHERE push_id = '1' FOR UPDATE")
        run_together(remove, timeout=20)

    assert PushTask.objects.get().push_id == "1"
    assert counted() == 1
    assert sweep() == 1
