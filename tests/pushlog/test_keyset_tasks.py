"""Keyset pages over rows with moments in their keys, and numbers for IDs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.lists.tables import TASK_SORTS
from pushlog.keyset import BadCursor, page_of
from pushlog.models import App, PushTask
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def tasks(app: App) -> list[PushTask]:
    """Ties in every column; push times that differ by a microsecond, or not at all."""
    for number in range(23):
        factories.create_task(
            app,
            title=["", "a", "B"][number % 3],
            state=["finished", "failed"][number % 2],
            target_kind=["all", "tag"][number // 12],
            message_type="data" if number % 7 == 0 else "notification",
            environment="development" if number % 5 == 0 else "production",
            pushed_at=NOW - timedelta(microseconds=number // 2, days=number // 20),
        )
    return list(PushTask.objects.filter(app=app))


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", TASK_SORTS)
def test_walk_shows_each_task_once_and_back(app: App, tasks: list[PushTask], sort: str, descending: bool) -> None:
    keys = TASK_SORTS[sort]
    wanted = sorted(tasks, key=lambda one: [getattr(one, key) for key in keys], reverse=descending)

    def walk(start: str, goes_on: str) -> list[list[PushTask]]:
        place: dict[str, Any] = {}
        found = []
        while True:
            page = page_of(PushTask.objects.filter(app=app), keys=keys, descending=descending, size=4, **place)
            found.append(page.rows)
            if not (cursor := getattr(page, goes_on)):
                return found
            # As in an address.
            place = {start: json.loads(json.dumps(cursor))}

    assert [row for rows in walk("after", "older") for row in rows] == wanted
    last = [str(value) if isinstance(value, datetime) else value for value in (getattr(wanted[-1], k) for k in keys)]
    before = page_of(PushTask.objects.filter(app=app), keys=keys, descending=descending, size=30, before=last)
    assert before.rows == wanted[:-1]


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("pushed_at", ["2026-11-22T05:00:00", 1]),
        ("pushed_at", ["2026-11-22", 1]),
        ("pushed_at", ["yesterday", 1]),
        ("pushed_at", ["9999-99-99T00:00:00Z", 1]),
        ("pushed_at", [1, 1]),
        ("pushed_at", ["2026-11-22T05:00:00Z"]),
        ("pushed_at", ["2026-11-22T05:00:00Z", "x"]),
        ("pushed_at", ["2026-11-22T05:00:00Z", 2**63]),
        ("state", [2**15, "2026-11-22T05:00:00Z", 1]),
        ("push_id", ["x" * 65]),
        ("push_id", ["1", 2]),
    ],
)
def test_bad_cursor(app: App, sort: str, cursor: list[Any]) -> None:
    with pytest.raises(BadCursor):
        page_of(PushTask.objects.filter(app=app), keys=TASK_SORTS[sort], descending=True, after=cursor)
