import json
from typing import Any

import pytest

from pushlog.models import PushTask, TaskState
from tests import factories
from tests.pushlog.api.client import NDJSON, Program, is_error


def test_many_tasks_are_stored_and_the_wrong_ones_named(program: Program) -> None:
    rows = [
        factories.task_row(push_id="1"),
        factories.task_row(target_kind="everyone"),
        factories.task_row(push_id="2"),
    ]

    status, content = program.post("tasks", {"tasks": rows})

    assert (status, content["accepted"], content["updated"], content["unchanged"]) == (200, 2, 0, 0)
    assert [(one["index"], one["field"]) for one in content["rejected"]] == [(1, "target_kind")]
    assert set(PushTask.objects.values_list("push_id", "app")) == {("1", program.app.pk), ("2", program.app.pk)}


def test_one_task_may_come_by_itself_and_is_updated_by_its_push_id(program: Program) -> None:
    first = program.post("tasks", factories.task_row(push_id="1", state="started", title="Sale"))[1]
    second = program.post("tasks", {"push_id": "1", "state": "finished"})[1]
    again = program.post("tasks", {"push_id": "1", "state": "finished"})[1]

    assert (first["accepted"], second["updated"], again["unchanged"]) == (1, 1, 1)
    task = PushTask.objects.get()
    assert (task.title, task.state) == ("Sale", TaskState.FINISHED)


def test_lines_are_taken_too(program: Program) -> None:
    rows = [factories.task_row(), factories.task_row()]

    status, content = program.post("tasks", b"\n".join(json.dumps(row).encode() for row in rows), NDJSON)

    assert (status, content["accepted"]) == (200, 2)


def test_a_task_of_another_app_is_not_touched(program: Program) -> None:
    other = factories.create_task(factories.create_app(), push_id="7", title="Theirs")

    accepted = program.post("tasks", factories.task_row(push_id="7", title="Ours"))[1]["accepted"]
    named = program.post("tasks", factories.task_row(push_id="8", app=other.app.slug))[1]["rejected"]

    other.refresh_from_db()
    assert (accepted, other.title) == (1, "Theirs")
    assert [(one["field"], one["error"]) for one in named] == [("app", "app: unknown app")]


def test_a_state_only_moves_on(program: Program) -> None:
    program.post("tasks", factories.task_row(push_id="1", state="finished"))

    status, content = program.post("tasks", {"tasks": [{"push_id": "1", "state": "waiting", "title": "New"}]})

    assert (status, content["updated"]) == (200, 0)
    assert content["rejected"][0]["field"] == "state"
    assert "finished cannot become waiting" in content["rejected"][0]["error"]
    assert PushTask.objects.get().title != "New"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[1]", 422),
        (b'{"push_id": "1", "targets": 1e999}', 200),  # one row, which is wrong
        (b'{"push_id": "1", "targets": NaN}', 400),
        (b'{"push_id": "1", "title": "\\ud800", "target_kind": "all"}', 400),
        (b'{"tasks": 5}', 422),
        (b'{"tasks": [', 400),
        (b"nothing", 400),
    ],
)
def test_what_is_no_task_is_refused(program: Program, body: bytes, status: int) -> None:
    answered, content = program.post("tasks", body)

    assert answered == status
    assert PushTask.objects.count() == 0
    if status == 200:
        assert len(content["rejected"]) == 1
    else:
        assert is_error(content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_in", -1),
        ("collapse_id", 2**32),
        ("media_url", "javascript:alert(1)"),
        ("targets", ["a"] * 1001),
        ("targets", [""]),
        ("tag_rule", {"operator": "xor", "tags": [{"type": "a", "value": "b"}]}),
        ("tag_rule", {"operator": "or", "tags": []}),
        ("android", [1]),
        ("android", {"a": "b" * 10_000}),
        ("environment", "staging"),
        ("created_at", None),
        ("pushed_at", "2019-07-25T20:06:28Z"),
        ("pushed_at", "2026-01-01 10:00:00"),
        ("title", "nul\0"),
        ("colour", "red"),
        ("multi_package", "perhaps"),
    ],
)
def test_every_field_has_its_bounds(program: Program, field: str, value: Any) -> None:
    content = program.post("tasks", {"tasks": [factories.task_row() | {field: value}, factories.task_row()]})[1]

    assert content["accepted"] == 1
    assert [(one["index"], one["field"]) for one in content["rejected"]] == [(0, field)]
