import pytest

from pushlog import ingest
from pushlog.models import App, MessageType, PushTask, TargetKind, TaskSource, TaskState
from pushlog.tpns import words
from tests import factories
from tests.pushlog.tpns.client import Program


def test_every_word_of_ours_has_one_of_theirs() -> None:
    for ours, theirs in (
        (TaskState, words.STATUS),
        (TargetKind, words.PUSH_TYPE),
        (MessageType, words.MESSAGE_TYPE),
        (TaskSource, words.SOURCE),
        (App.Environment, words.ENVIRONMENT),
    ):
        assert list(theirs) == list(ours)
        assert len(set(theirs.values())) == len(theirs)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("created", "PUSH_INIT"),
        ("waiting", "PUSH_WAIT"),
        ("started", "PUSH_STARTED"),
        ("finished", "PUSH_FINISHED"),
        ("failed", "PUSH_FAILED"),
        ("cancelled", "PUSH_CANCELED"),
        ("deleted", "PUSH_DELETED"),
        ("revoked", "PUSH_REVOKED"),
        ("overwritten", "PUSH_COLLAPSED"),
        ("terminated", "PUSH_DELETED_PUSH_MSG"),
    ],
)
def test_states(app: App, program: Program, state: str, status: str) -> None:
    task = factories.create_task(app, state=state)

    assert program.ask(pushId=task.push_id)["pushRecordData"][0]["status"] == status


@pytest.mark.parametrize(
    ("kind", "push_type", "asked"),
    [
        ("all", "all", "all"),
        ("tag", "tag", "tag"),
        ("devices", "token_list", "token_list"),
        ("accounts", "account_list", "account_list"),
        ("devices", "token_list", "token"),
        ("accounts", "account_list", "account"),
        ("account_file", "package_account_push", "package_account_push"),
        ("device_file", "package_token_push", "package_token_push"),
    ],
)
def test_whom_a_task_was_sent_to(app: App, program: Program, kind: str, push_type: str, asked: str) -> None:
    rows = [factories.task_row(push_id=member.word, target_kind=member.word) for member in TargetKind]
    assert ingest.write_tasks(app=app, rows=rows).accepted == len(TargetKind)
    [record] = program.ask(pushId=kind)["pushRecordData"]
    days = [f"{record['date'][:10]}"] * 2

    assert record["pushType"] == push_type
    answer = program.ask(startDate=days[0], endDate=days[1], pushType=asked)
    assert (answer["count"], [one["pushId"] for one in answer["pushRecordData"]]) == (1, [kind])


def test_what_the_device_does_with_it(app: App, program: Program) -> None:
    for word in ("notification", "data"):
        factories.create_task(app, push_id=word, message_type=word)
    [record] = program.ask(pushId="data")["pushRecordData"]
    day = record["date"][:10]

    assert PushTask.objects.filter(app=app).count() == 2
    for theirs, ours in (("notify", "notification"), ("notification", "notification"), ("message", "data")):
        [found] = program.ask(startDate=day, endDate=day, msgType=theirs)["pushRecordData"]
        assert found["pushId"] == ours
