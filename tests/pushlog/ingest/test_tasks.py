from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.db.models import Sum

from pushlog import ingest, task_counts
from pushlog.ingest import Rejection, Unreadable
from pushlog.models import App, MessageType, PushTask, TargetKind, TaskCount, TaskSource, TaskState
from tests import factories
from tests.pushlog.threads import run_together

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

EVERYTHING: dict[str, Any] = {
    "push_id": "1328245138690125824",
    "target_kind": "devices",
    "state": "started",
    "message_type": "data",
    "source": "console",
    "environment": "development",
    "created_at": "2026-11-20T09:00:00Z",
    "pushed_at": "2026-11-21T10:30:00+08:00",
    "title": "Sale",
    "content": "Half price",
    "expires_in": 2**32 - 1,
    "collapse_id": 7,
    "upload_id": 8,
    "multi_package": True,
    "media_url": "https://example.com/a.png",
    "audio_url": "https://example.com/a.mp3",
    "group": "autumn",
    "targets": ["device-1", "device-2"],
    "tag_rule": {"operator": "and", "tags": [{"type": "xg_user_define", "value": "test68"}]},
    "android": {"ring": 1, "action": {"action_type": 1}},
    "ios": {"aps": {"badge_type": 5}},
    "iot": {"a": None},
}


def store(app: App, *rows: Any, now: datetime = NOW) -> ingest.TasksResult:
    return ingest.write_tasks(app=app, rows=rows, now=now)


def counted() -> list[tuple[Any, ...]]:
    rows = TaskCount.objects.exclude(tasks=0).values_list("app", "hour", "message_type", "target_kind", "tasks")
    return sorted(rows)


def grouped() -> list[tuple[Any, ...]]:
    """The same, counted from the tasks."""
    found: dict[tuple[Any, ...], int] = {}
    for task in PushTask.objects.all():
        key = (task.app_id, *task_counts.key_of(task.pushed_at, task.message_type, task.target_kind))
        found[key] = found.get(key, 0) + 1
    return sorted((*key, tasks) for key, tasks in found.items())


def test_everything_is_stored_as_it_was_given(app: App) -> None:
    result = store(app, EVERYTHING)

    assert result == ingest.TasksResult(accepted=1, updated=0, unchanged=0, rejected=[])
    task = PushTask.objects.get()
    assert task.app == app
    for name in EVERYTHING.keys() - {"created_at", "pushed_at", "target_kind", "state", "message_type", "source"}:
        assert getattr(task, name) == EVERYTHING[name]
    assert task.created_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert task.pushed_at == datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    assert (task.target_kind, task.state) == (TargetKind.DEVICES, TaskState.STARTED)
    assert (task.message_type, task.source) == (MessageType.DATA, TaskSource.CONSOLE)


def test_what_is_left_out_gets_the_defaults_of_the_model(app: App) -> None:
    store(app, {"push_id": " 1 ", "target_kind": "all"})

    task = PushTask.objects.get()
    blank = PushTask(app=app, push_id="1", target_kind=TargetKind.ALL, created_at=NOW, pushed_at=NOW, pk=task.pk)
    names = [field.attname for field in PushTask._meta.concrete_fields]
    assert {name: getattr(task, name) for name in names} == {name: getattr(blank, name) for name in names}


@pytest.mark.parametrize(
    ("given", "created", "pushed"),
    [
        ({}, NOW, NOW),
        ({"created_at": "2026-11-22T10:00:00Z"}, NOW - timedelta(hours=2), NOW - timedelta(hours=2)),
        ({"pushed_at": "2026-11-22T10:00:00Z"}, NOW - timedelta(hours=2), NOW - timedelta(hours=2)),
        ({"pushed_at": "2026-11-23T12:00:00Z"}, NOW, NOW + timedelta(days=1)),
    ],
)
def test_times_that_are_left_out(app: App, given: dict[str, str], created: datetime, pushed: datetime) -> None:
    store(app, {"push_id": "1", "target_kind": "all"} | given)

    assert PushTask.objects.values_list("created_at", "pushed_at").get() == (created, pushed)


def test_an_update_changes_what_is_given_and_nothing_else(app: App) -> None:
    store(app, EVERYTHING)
    before = PushTask.objects.values().get()

    result = store(app, {"push_id": EVERYTHING["push_id"], "title": "", "targets": None, "state": "finished"})

    assert (result.accepted, result.updated) == (0, 1)
    assert PushTask.objects.values().get() == before | {"title": "", "targets": None, "state": TaskState.FINISHED}


def test_rows_of_one_task_are_taken_in_their_order(app: App) -> None:
    result = store(
        app,
        {"push_id": "1", "state": "waiting"},  # without a target kind
        {"push_id": "1", "target_kind": "all", "title": "First"},
        {"push_id": "1", "title": "Second"},
        {"push_id": "1", "title": "Second"},
        {"push_id": "1", "state": "nowhere"},
        {"push_id": "1", "title": "Third", "state": "started"},
        {"push_id": "1", "state": "waiting"},
        Unreadable("not JSON"),
    )

    assert (result.accepted, result.updated, result.unchanged) == (1, 2, 1)
    assert [(one.index, one.field) for one in result.rejected] == [
        (0, "target_kind"),
        (4, "state"),
        (6, "state"),
        (7, ""),
    ]
    assert PushTask.objects.values_list("title", "state").get() == ("Third", TaskState.STARTED)


def test_a_row_that_cannot_be_an_update_does_not_undo_the_others(app: App) -> None:
    store(app, {"push_id": "1", "target_kind": "all", "state": "deleted"})

    result = store(app, {"push_id": "1", "state": "started"}, {"push_id": "1", "title": "Seen"})

    assert result.rejected == [
        Rejection(0, "state: a task that is deleted cannot become started, nor anything else", "state")
    ]
    assert PushTask.objects.get().title == "Seen"


@pytest.mark.parametrize(("old", "new"), [*product(TaskState, TaskState)])
def test_a_state_moves_as_the_model_says(app: App, old: TaskState, new: TaskState) -> None:
    store(app, {"push_id": "1", "target_kind": "all", "state": old.word})

    result = store(app, {"push_id": "1", "state": new.word})

    allowed = new == old or new in old.next_states
    assert bool(result.rejected) != allowed
    assert PushTask.objects.get().state == (new if allowed else old)


def test_times_out_of_bounds_are_rejected(app: App) -> None:
    rows = [
        {"push_id": "1", "target_kind": "all", "pushed_at": (NOW - timedelta(days=30, seconds=1)).isoformat()},
        {"push_id": "2", "target_kind": "all", "pushed_at": (NOW + timedelta(days=90, seconds=1)).isoformat()},
        {"push_id": "3", "target_kind": "all", "created_at": (NOW + timedelta(minutes=11)).isoformat()},
        {"push_id": "4", "target_kind": "all", "created_at": (NOW - timedelta(days=121)).isoformat()},
        {"push_id": "5", "target_kind": "all", "pushed_at": (NOW - timedelta(days=30)).isoformat()},
        {"push_id": "6", "target_kind": "all", "pushed_at": (NOW + timedelta(days=90)).isoformat()},
    ]

    result = store(app, *rows)

    assert [one.field for one in result.rejected] == ["pushed_at", "pushed_at", "created_at", "created_at"]
    assert set(PushTask.objects.values_list("push_id", flat=True)) == {"5", "6"}


def test_counts_follow_every_change(app: App) -> None:
    other = factories.create_app()
    for owner in (app, other):
        store(
            owner,
            {"push_id": "1", "target_kind": "all"},
            {"push_id": "2", "target_kind": "all"},
            {"push_id": "3", "target_kind": "tag", "message_type": "data"},
        )
    assert counted() == grouped() != []

    store(app, {"push_id": "1", "pushed_at": "2026-11-22T09:59:59.999Z"}, {"push_id": "2", "target_kind": "accounts"})
    store(app, {"push_id": "3", "message_type": "notification"}, {"push_id": "3", "title": "Not counted by"})

    assert counted() == grouped()
    assert TaskCount.objects.filter(app=app).aggregate(all=Sum("tasks"))["all"] == 3


def test_too_many_rows_are_an_error(app: App) -> None:
    with pytest.raises(ValueError, match="at most 10,000"):
        ingest.write_tasks(app=app, rows=[{}] * 10_001)


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_tasks_wait_for_one_another_and_lose_nothing() -> None:
    app = factories.create_app()
    ids = [f"{number}" for number in range(40)]

    results: list[ingest.TasksResult] = []

    def write(number: int) -> None:
        some = ids[::-1] if number % 2 else ids
        rows = [{"push_id": push_id, "target_kind": "all", "group": f"{number}"} for push_id in some]
        results.append(ingest.write_tasks(app=app, rows=rows))

    run_together(*(partial(write, number) for number in range(8)))

    assert sum(one.accepted for one in results) == len(ids)
    assert sum(one.accepted + one.updated for one in results) == 8 * len(ids)
    assert counted() == grouped()
