from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection

from pushlog import ingest
from pushlog.models import App, MessageType, PushTask, TargetKind
from pushlog.tpns import task_pages
from tests import factories

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KINDS = ["all", "tag", "devices", "accounts", "account_file", "device_file"]


def store(app: App, rows: list[dict[str, Any]]) -> None:
    assert not ingest.write_tasks(app=app, rows=rows, now=NOW).rejected


@pytest.fixture
def tasks(app: App) -> list[PushTask]:
    """Two hundred, some at one moment, on both sides of whole hours, and as many of another app."""
    random = Random(7)
    for owner in (app, factories.create_app()):
        rows = [
            factories.task_row(
                pushed_at=NOW - random.choice([0, 1, 29, 30, 31, 59, 60, 61, 119, 120, 500, 3000]) * MINUTE,
                target_kind=random.choice(KINDS),
                message_type=random.choice(["notification", "data"]),
            )
            for _ in range(200)
        ]
        store(owner, rows)
    return list(PushTask.objects.filter(app=app).order_by("-pushed_at", "-id"))


MOMENTS = [NOW - minutes * MINUTE for minutes in (-60, 0, 1, 15, 30, 45, 60, 61, 90, 120, 121, 600, 3000, 3001)]


@pytest.mark.parametrize("message_type", [None, MessageType.DATA])
@pytest.mark.parametrize("target_kind", [None, TargetKind.TAG])
def test_every_page_of_every_period_is_that_of_a_plain_list(
    app: App, tasks: list[PushTask], message_type: MessageType | None, target_kind: TargetKind | None
) -> None:
    narrowed = [
        task for task in tasks if message_type in (None, task.message_type) and target_kind in (None, task.target_kind)
    ]
    for start in MOMENTS:
        for end in MOMENTS:
            expected = [task.push_id for task in narrowed if start <= task.pushed_at < end]
            for offset in {0, 1, 17, max(len(expected) - 3, 0), len(expected), 10**30}:
                page = task_pages.page(
                    app,
                    start=start,
                    end=end,
                    message_type=message_type,
                    target_kind=target_kind,
                    offset=offset,
                    limit=7,
                )
                assert page.total == len(expected)
                assert [task.push_id for task in page.tasks] == expected[offset : offset + 7]


def test_tasks_come_whole(app: App) -> None:
    made = factories.create_task(app, targets=["a", "b"], target_kind="devices", android={"ring": 1}, now=None)

    page = task_pages.page(app, start=made.pushed_at, end=made.pushed_at + MINUTE, offset=0, limit=1)

    assert page.tasks == [made]
    assert {name: getattr(page.tasks[0], name) for name in made.__dict__ if name[0] != "_"} == {
        name: value for name, value in made.__dict__.items() if name[0] != "_"
    }


@pytest.fixture
def writer(transactional_db: None, app: App) -> Iterator[App]:
    """Somebody who moves tasks between hours, all the time."""
    push_ids = [f"moved-{number}" for number in range(20)]
    store(app, [factories.task_row(push_id=one, pushed_at=NOW) for one in push_ids])
    stop = Event()

    def move() -> None:
        random = Random()
        while not stop.is_set():
            rows = [
                {"push_id": one, "pushed_at": (NOW - random.randrange(300) * MINUTE).isoformat()}
                for one in random.sample(push_ids, 5)
            ]
            store(app, rows)
        connection.close()

    thread = Thread(target=move)
    thread.start()
    yield app
    stop.set()
    thread.join()


def test_number_and_tasks_are_of_one_moment(writer: App) -> None:
    for round_ in range(200):
        page = task_pages.page(writer, start=NOW - (90 + round_) * MINUTE, end=NOW - 30 * MINUTE, offset=0, limit=100)
        assert page.total == len(page.tasks)
        moments = [task.pushed_at for task in page.tasks]
        assert moments == sorted(moments, reverse=True)
