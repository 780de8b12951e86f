from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from pushlog.models import App, PushTask, TargetKind, TaskCount, TaskState
from tests import factories
from tests.console.admin.forms import untouched

LIST = "/admin/pushlog/pushtask/"


def filled(app: App, **fields: Any) -> dict[str, Any]:
    """The form for a new task."""
    now = datetime.now(UTC)
    return {
        "app": app.pk,
        "push_id": "77",
        "state": TaskState.WAITING.value,
        "target_kind": TargetKind.TAG.value,
        "message_type": "1",
        "environment": "production",
        "source": "1",
        "created_at": now.isoformat(" ", "seconds"),
        "pushed_at": now.isoformat(" ", "seconds"),
        "title": "Sale",
        "content": "Half\r\nprice",
        "expires_in": "86400",
        "collapse_id": "0",
        "upload_id": "0",
        "media_url": "",
        "audio_url": "",
        "group": "",
        "targets": "null",
        "tag_rule": '{"operator": "or", "tags": [{"type": "a", "value": "b"}]}',
        "android": '{"ring": 1}',
        "ios": "null",
        "iot": "null",
    } | fields


def as_it_stands(task: PushTask, **fields: Any) -> dict[str, Any]:
    """The form of a task that is there."""
    form = filled(task.app, state=task.state, target_kind=task.target_kind, title=task.title, content=task.content)
    form |= {"tag_rule": "null", "android": "null", "expires_in": task.expires_in}
    for name in ("created_at", "pushed_at"):
        moment = getattr(task, name)
        form |= {name: moment.isoformat(" ")}
    return form | fields


def test_a_task_is_put_in_by_the_record_s_own_writer(browser: Client, app: App) -> None:
    response = browser.post(f"{LIST}add/", filled(app))

    task = PushTask.objects.get()
    assert response.status_code == 302
    assert (task.app, task.push_id, task.state, task.content) == (app, "77", TaskState.WAITING, "Half\nprice")
    assert (task.tag_rule, task.android, task.ios) == (
        {"operator": "or", "tags": [{"type": "a", "value": "b"}]},
        {"ring": 1},
        None,
    )
    assert TaskCount.objects.get().tasks == 1


def test_a_change_leaves_the_rest_as_it_is(browser: Client, app: App) -> None:
    task = factories.create_task(app, title="  lead", android={"ring": 1}, state="started")
    form = as_it_stands(task, state=TaskState.FINISHED.value, android='{"ring": 1}')

    response = browser.post(f"{LIST}{task.pk}/change/", form)

    assert response.status_code == 302
    before = PushTask.objects.filter(pk=task.pk).values().get()
    task.state = TaskState.FINISHED
    assert before == {field.attname: getattr(task, field.attname) for field in PushTask._meta.concrete_fields}


def test_a_change_of_the_state_writes_nothing_else(browser: Client, app: App) -> None:
    moment = datetime.now(UTC).replace(microsecond=123456) - timedelta(minutes=10)
    task = factories.create_task(
        app,
        state="started",
        created_at=moment.isoformat(),
        pushed_at=moment,
        title=" two\nlines ",
        content="\na\rb\r\nc\n",
        group=" outer ",
        media_url="https://example.com/a ",
        multi_package=True,
        target_kind="devices",
        targets=["b", "a"],
        android={"b": 1.0, "a": True},
    )
    address = f"{LIST}{task.pk}/change/"
    before = PushTask.objects.values().get()

    response = browser.post(address, untouched(browser, address) | {"state": TaskState.FINISHED.value})

    assert response.status_code == 302
    assert PushTask.objects.values().get() == before | {"state": TaskState.FINISHED}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": "2"}, "a task that is finished cannot become waiting"),
        ({"media_url": "javascript:alert(1)"}, "must begin with https"),
        ({"expires_in": "-1"}, "greater than or equal to 0"),
        ({"targets": '"a"'}, "valid list"),
        ({"tag_rule": '{"operator": "xor", "tags": []}'}, "Input should be"),
        ({"pushed_at": "2001-01-01 00:00"}, "is not in the last 30 days"),
        ({"android": "[1]"}, "must be an object"),
    ],
)
def test_what_ingestion_refuses_is_refused_at_its_field(
    browser: Client, app: App, fields: dict[str, str], reason: str
) -> None:
    task = factories.create_task(app)

    response = browser.post(f"{LIST}{task.pk}/change/", as_it_stands(task, **fields))

    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert list(errors) == [name.removesuffix("_0") for name in fields]
    assert reason.lower() in str(errors).lower()
    assert PushTask.objects.get().state == TaskState.FINISHED


def test_a_push_id_that_is_there_is_not_put_in_again(browser: Client, app: App) -> None:
    factories.create_task(app, push_id="77")

    response = browser.post(f"{LIST}add/", filled(app))

    assert "already" in str(response.context["adminform"].form.errors["push_id"])


def test_a_push_id_is_stripped_as_ingestion_strips_it(browser: Client, app: App) -> None:
    response = browser.post(f"{LIST}add/", filled(app, push_id="\u200b77\ufeff"))

    assert response.status_code == 302
    assert PushTask.objects.get().push_id == "77"
    response = browser.post(f"{LIST}add/", filled(app, push_id="77\u2060"))
    assert "already" in str(response.context["adminform"].form.errors["push_id"])
    response = browser.post(f"{LIST}add/", filled(app, push_id="\u200b"))
    assert "push_id" in response.context["adminform"].form.errors


def test_only_own_apps_within_the_window(browser: Client, app: App) -> None:
    other = factories.create_task(factories.create_app())
    month = timedelta(days=30)
    old = factories.create_task(
        app, pushed_at=datetime.now(UTC) - month - timedelta(hours=1), now=datetime.now(UTC) - timedelta(days=1)
    )

    for hidden in (other, old):
        assert browser.get(f"{LIST}{hidden.pk}/change/").status_code == 302
    assert browser.post(f"{LIST}add/", filled(other.app)).status_code == 200
    assert PushTask.objects.count() == 2


def test_the_list_finds_a_complete_push_id_and_lists_nothing_unasked(browser: Client, app: App) -> None:
    task = factories.create_task(app, push_id="4711")

    assert [*browser.get(LIST).context["cl"].result_list] == []
    assert [*browser.get(LIST, {"q": " 4711 \u200b"}).context["cl"].result_list] == [task]
    assert [*browser.get(LIST, {"q": "471"}).context["cl"].result_list] == []


def test_nothing_is_deleted(browser: Client, app: App) -> None:
    task = factories.create_task(app)

    assert browser.post(f"{LIST}{task.pk}/delete/", {"post": "yes"}).status_code == 403
    assert PushTask.objects.exists()
