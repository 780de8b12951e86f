"""The samples of TPNS's documents (docs/tpns.md): their tasks, in our words, give their answers."""

import json
from typing import Any

import pytest

from pushlog import credentials, ingest
from pushlog.models import App
from tests import factories
from tests.pushlog.test_credentials_brought import ACCESS_ID, BODY, SECRET, SIGN, TIME
from tests.pushlog.tpns.client import Program
from tests.pushlog.tpns.conftest import SetClock

SINGLE = """
{"retCode": 0, "errMsg": "NO_ERROR", "pushRecordData": [{
  "date": "2019-07-25 20:06:28", "pushId": 133703, "title": "1", "content": "2",
  "status": "PUSH_FINISHED", "pushType": "tag", "targetList": null,
  "tagSet": {"op": "OR", "tagWithType": [{"tagTypeName": "xg_user_define", "tagValue": "test68"}]},
  "uploadId": 0, "expireTime": 86400, "messageType": "notify", "xgMediaResources": "",
  "environment": "product", "collapseID": 0,
  "pushConfig": {"android": {"ring": 1, "vibrate": 0, "lights": 1, "clearable": 1,
                             "action": {"action_type": 1}, "custom_content": "{}"}, "ios": null},
  "multiPkg": false}]}
"""
LIST = """
{"retCode": 0, "errMsg": "NO_ERROR", "count": 126, "pushRecordData": [{
  "date": "2019-11-18 11:26:54", "pushId": "12", "title": "test title", "content": "test log",
  "status": "PUSH_FINISHED", "pushType": "all", "targetList": null, "tagSet": null, "uploadId": 0,
  "groupId": "", "expireTime": 43200, "messageType": "notify", "xgMediaResources": "",
  "environment": "product",
  "pushConfig": {"android": {"n_id": 0, "builder_id": 0, "ring": 1, "ring_raw": "", "vibrate": 1,
      "lights": 1, "clearable": 1, "icon_type": 0, "icon_res": "", "style_id": 0, "small_icon": "",
      "action": {"action_type": 3, "activity": "", "aty_attr": null, "browser": null, "intent": ""},
      "custom_content": ""}, "ios": null, "iot": null},
  "multiPkg": true, "source": "api"}]}
"""
# Which later versions of the list's page added, without a sample.
ADDED = {"collapseID": 0, "createTime": 1574047614, "xgMediaAudioResources": ""}
IOS = {
    "aps": {
        "alert": {"subtitle": "my subtitle"},
        "badge_type": 5,
        "category": "INVITE_CATEGORY",
        "sound": "default",
        "mutable-content": 1,
    }
}


def typed(value: Any) -> Any:
    """The value with the type of everything in it, since 1 equals True."""
    if isinstance(value, dict):
        return {name: typed(member) for name, member in value.items()}
    return [typed(member) for member in value] if isinstance(value, list) else (type(value), value)


@pytest.fixture
def sample_task(app: App, set_clock: SetClock) -> None:
    now = set_clock("2019-08-09T09:39:49+08:00")
    factories.create_task(
        app,
        now=now,
        push_id="133703",
        pushed_at="2019-07-25T20:06:28+08:00",
        title="1",
        content="2",
        target_kind="tag",
        tag_rule={"operator": "or", "tags": [{"type": "xg_user_define", "value": "test68"}]},
        expires_in=86400,
        android={
            "ring": 1,
            "vibrate": 0,
            "lights": 1,
            "clearable": 1,
            "action": {"action_type": 1},
            "custom_content": "{}",
        },
    )


@pytest.mark.parametrize("push_id", ["133703", 133703])
def test_one_task_is_answered_as_in_the_sample(
    app: App, program: Program, sample_task: None, push_id: str | int
) -> None:
    App.objects.filter(pk=app.pk).update(numeric_push_ids=True)
    expected = json.loads(SINGLE)

    assert typed(program.ask(pushId=push_id)) == typed(expected)
    assert len(expected["pushRecordData"][0]) == 16
    # As the documents' tables have it, which is how all answer that were not told otherwise.
    App.objects.filter(pk=app.pk).update(numeric_push_ids=False)
    expected["pushRecordData"][0]["pushId"] = "133703"
    assert typed(program.ask(pushId=push_id)) == typed(expected)


def test_the_signed_request_of_the_documents_is_answered_too(app: App, program: Program, sample_task: None) -> None:
    credentials.create(app=app, name="moved here", access_id=ACCESS_ID, secret=SECRET)

    for names in (("AccessId", "TimeStamp", "Sign"), ("accessid", "TIMESTAMP", "sign")):
        answer = program.send(BODY, dict(zip(names, (ACCESS_ID, TIME, SIGN), strict=True)))
        assert answer["pushRecordData"][0]["pushId"] == "133703"


def test_a_period_is_answered_as_in_the_sample(app: App, program: Program, set_clock: SetClock) -> None:
    now = set_clock("2019-11-19T09:00:00+08:00")
    given = json.loads(LIST)["pushRecordData"][0]["pushConfig"]["android"]
    task = factories.task_row(
        push_id="12",
        pushed_at="2019-11-18T11:26:54+08:00",
        title="test title",
        content="test log",
        expires_in=43200,
        android=given,
        multi_package=True,
        source="api",
    )
    older = [factories.task_row(pushed_at=f"2019-11-{day}T09:00:00+08:00") for day in (10, 11, 12, 13, 14)] * 25
    rows = [task, *(row | {"push_id": f"old-{number}"} for number, row in enumerate(older))]
    assert ingest.write_tasks(app=app, rows=rows, now=now).accepted == 126
    expected = json.loads(LIST)
    expected["pushRecordData"][0] |= ADDED

    answer = program.ask(limit=1, startDate="2019-11-01", endDate="2019-11-30", msgType="notify", pushType="all")

    assert typed(answer) == typed(expected)


def test_the_sample_request_for_a_period_is_answered(app: App, program: Program, set_clock: SetClock) -> None:
    now = set_clock("2019-08-01T12:00:00+08:00")
    factories.create_task(app, now=now, push_id="in", pushed_at="2019-08-01T11:59:59+08:00")
    factories.create_task(app, now=now, push_id="other", pushed_at="2019-08-01T11:00:00+08:00", message_type="data")

    body = b"""{"limit": 50, "startDate": "2019-07-01", "endDate": "2019-08-01", "msgType": "notify",
        "pushType": "all", "offset": 0}"""
    answer = program.send(body)

    assert (answer["count"], [one["pushId"] for one in answer["pushRecordData"]]) == (1, ["in"])


def test_every_field_is_answered(app: App, program: Program) -> None:
    task = factories.create_task(
        app,
        push_id="1328245138690125824",
        target_kind="devices",
        targets=["token-1", "token-2"],
        message_type="data",
        environment="development",
        source="console",
        collapse_id=4_000_000_000,
        upload_id=7,
        multi_package=True,
        media_url="https://media.example/a.png",
        audio_url="https://media.example/a.mp3",
        group="tpns_20261122",
        ios=IOS,
        iot={"x": 1},
        title="😀 标题",
    )

    [record] = program.ask(pushId=task.push_id)["pushRecordData"]
    day = record["date"][:10]
    [listed] = program.ask(startDate=day, endDate=day)["pushRecordData"]

    assert record["pushId"] == "1328245138690125824"
    assert record["pushConfig"] == {"android": None, "ios": IOS}
    assert listed["pushConfig"] == {"android": None, "ios": IOS, "iot": {"x": 1}}
    expected = {
        "title": "😀 标题",
        "targetList": ["token-1", "token-2"],
        "pushType": "token_list",
        "messageType": "message",
        "environment": "dev",
        "collapseID": 4_000_000_000,
        "uploadId": 7,
        "multiPkg": True,
        "xgMediaResources": "https://media.example/a.png",
    }
    added = {
        "xgMediaAudioResources": "https://media.example/a.mp3",
        "groupId": "tpns_20261122",
        "source": "web",
        "createTime": int(task.created_at.timestamp()),
    }
    assert {name: record[name] for name in expected} == expected
    assert {name: listed[name] for name in expected | added} == expected | added
    assert listed.keys() - record.keys() == added.keys()


@pytest.mark.parametrize(
    ("push_id", "answered"),
    [("1", 1), ("0", 0), ("01", "01"), ("x1", "x1"), ("²", "²"), ("1328245138690125824", 1328245138690125824)],
)
def test_push_ids_are_numbers_only_if_they_are_and_the_app_says_so(
    app: App, program: Program, push_id: str, answered: str | int
) -> None:
    factories.create_task(app, push_id=push_id)

    for numeric in (False, True):
        App.objects.filter(pk=app.pk).update(numeric_push_ids=numeric)
        [record] = program.ask(pushId=push_id)["pushRecordData"]
        assert typed(record["pushId"]) == typed(answered if numeric else push_id)
