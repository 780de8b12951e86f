from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db.models import Count

from pushlog import demo
from pushlog.demo import tasks as demo_tasks
from pushlog.ingest.task_rows import TaskRow
from pushlog.models import Message, Mode, PushTask, TargetKind, TaskState

UNTIL = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def batches() -> list[demo.Batch]:
    return list(demo.batches(count=40_000, seed=1, until=UNTIL))


def test_rows_are_valid_and_of_every_kind(batches: list[demo.Batch]) -> None:
    rows = [row for batch in batches for row in demo_tasks.rows(batch.messages, until=UNTIL)]
    tasks = [TaskRow.model_validate(row) for row in rows + demo_tasks.to_come(UNTIL)]

    assert {task.state for task in tasks} == set(TaskState)
    assert {task.target_kind for task in tasks} == set(TargetKind) - {TargetKind.DEVICE_FILE}
    assert {task.message_type for task in tasks} == {1, 2}
    assert {task.environment for task in tasks} == {"production", "development"}
    assert sum(task.state == TaskState.FINISHED for task in tasks) > 0.9 * len(tasks)


def test_messages_of_a_task_say_the_same(batches: list[demo.Batch]) -> None:
    texts: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for batch in batches:
        for message in batch.messages:
            if "task" in message:
                texts.setdefault((batch.app, message["task"]), set()).add((message["title"], message["content"]))

    assert len(texts) > 500
    assert {len(one) for one in texts.values()} == {1}


def test_known_tasks_are_left_out(batches: list[demo.Batch]) -> None:
    messages = batches[0].messages
    [first, *others] = demo_tasks.rows(messages, until=UNTIL)

    assert demo_tasks.rows(messages, until=UNTIL, known={first["push_id"]}) == others


@pytest.mark.django_db
def test_load_stores_a_task_for_every_message_that_names_one() -> None:
    until = datetime.now(UTC).replace(second=0, microsecond=0)

    for _ in range(2):  # the second time changes nothing
        demo.load(count=12_000, seed=3, until=until)

    named = dict(
        Message.objects.exclude(task="")
        .values_list("app", "task")
        .annotate(Count("pk"))
        .values_list("task", "pk__count")
    )
    stored = Counter(PushTask.objects.values_list("push_id", flat=True))
    assert named.keys() <= stored.keys()
    assert PushTask.objects.filter(pushed_at__gt=until).count() == 8
    modes = {kind: {task.push_id for task in PushTask.objects.filter(target_kind=kind)} for kind in TargetKind}
    broadcast = set(Message.objects.filter(mode=Mode.BROADCAST).values_list("task", flat=True))
    assert broadcast <= modes[TargetKind.ALL]
    small = PushTask.objects.filter(target_kind=TargetKind.ACCOUNTS).first()
    assert small
    assert small.targets
    targets = Message.objects.filter(app=small.app, task=small.push_id).values_list("target_id", flat=True)
    assert set(targets) == set(small.targets)
