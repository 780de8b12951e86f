"""Push tasks in files, with their messages and receipts."""

from pathlib import Path

import pytest

from pushlog.models import App, Message, PushTask, TaskState
from tests.factories import message_row, task_row
from tests.pushlog.management.test_import_messages import folder as folder
from tests.pushlog.management.test_import_messages import receipt_for, rejected, run, write

pytestmark = pytest.mark.django_db


def test_tasks_come_in_with_their_messages_and_receipts(app: App, folder: Path) -> None:
    message = message_row(task="77")
    started = task_row(push_id="77", state="started")
    name = write(
        folder / "log.jsonl",
        receipt_for(message),
        message,
        started,
        {"push_id": "77", "state": "finished"},
        {"push_id": "77", "state": "waiting"},
    )

    first, again = run(app, name, status=3), run(app, name, status=3)

    assert first == {
        "lines read": 5,
        "tasks accepted": 1,
        "tasks updated": 1,
        "messages accepted": 1,
        "receipts applied": 1,
        "lines rejected": 1,
    }
    assert again["lines rejected"] == 2  # a task that is finished is not started again
    assert (again["tasks unchanged"], again["duplicates"], again["receipts stale"]) == (1, 1, 1)
    assert [one["line"] for one in rejected("log.jsonl.rejected-2.jsonl")] == [3, 5]
    assert PushTask.objects.get().state == TaskState.FINISHED
    assert Message.objects.of_task(app, "77").count() == 1


def test_tasks_come_in_as_csv(app: App, folder: Path) -> None:
    (folder / "tasks.csv").write_text(
        "push_id,target_kind,state,title,expires_in,multi_package,tag_rule,targets,android\n"
        '1,tag,finished,Sale,86400,true,"{""operator"": ""or"", ""tags"": [{""type"": ""a"", ""value"": ""b""}]}",,\n'
        '2,devices,created,,,,,"[""d1"", ""d2""]","{""ring"": 1}"\n'
        "3,devices,created,,,,,[NaN],\n"
    )

    assert run(app, "tasks.csv", status=3) == {"lines read": 3, "tasks accepted": 2, "lines rejected": 1}
    rows = PushTask.objects.order_by("push_id").values_list(
        "title", "expires_in", "multi_package", "targets", "android"
    )
    assert list(rows) == [("Sale", 86400, True, None, None), ("", 0, False, ["d1", "d2"], {"ring": 1})]
    assert PushTask.objects.get(push_id="1").tag_rule == {"operator": "or", "tags": [{"type": "a", "value": "b"}]}
