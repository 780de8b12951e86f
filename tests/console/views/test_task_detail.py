from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from pushlog.models import App, PushTask, Role
from pushlog.models.message import MessageQuerySet
from tests import factories
from tests.console.views.pages import addresses, titles

RULE = {"operator": "or", "tags": [{"type": "xg_user_define", "value": "test68"}, {"type": "xg_auto", "value": ""}]}


def page_of(client: Client, task: PushTask, **headers: str) -> Any:
    return client.get(reverse("task", args=[task.app.slug, task.push_id]), headers=headers)


def text_of(client: Client, app: App, **fields: Any) -> str:
    """The page of a new task."""
    return str(page_of(client, factories.create_task(app, **fields)).content.decode())


def test_page_tells_every_setting(member_client: Client, app: App) -> None:
    now = datetime.now(UTC)
    page = text_of(
        member_client,
        app,
        push_id="133703",
        title="Weekend sale",
        content="Everything is cheaper.",
        state="overwritten",
        target_kind="tag",
        message_type="data",
        environment="development",
        source="console",
        pushed_at=now - timedelta(hours=2),
        created_at=(now - timedelta(hours=3)).isoformat(),
        expires_in=86400,
        collapse_id=4711,
        upload_id=815,
        multi_package=True,
        group="group-9",
        media_url="https://media.example.com/a.png",
        audio_url="http://media.example.com/a.mp3",
        tag_rule=RULE,
        android={"ring": 1, "action": {"activity": "com.example.Order"}},
        ios={"aps": {"sound": "default"}},
        iot={"volume": 3},
    )

    for words in (
        *("133703", "Weekend sale", "Everything is cheaper.", "Overwritten", "A newer task with the same collapse ID"),
        *("Tags", "Data message", "Development", "Console of the push service", "2 h ago", "1 day"),
        *("4711", "815", "group-9", "Devices with any of the tags:", "(empty)"),
        "<code>xg_user_define</code> = <code>test68</code>",
        '<a href="https://media.example.com/a.png" rel="noreferrer noopener">https://media.example.com/a.png</a>',
        '<a href="http://media.example.com/a.mp3" rel="noreferrer noopener">',
        '<span class="path">action.</span>activity',
        *("com.example.Order", "Android</h3>", "iOS</h3>", "IoT</h3>"),
        "&quot;tag_rule&quot;: {",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "Task without a title"),
        ({"expires_in": 0}, "no time: only devices that are connected when it is sent"),
        ({"expires_in": 2**32 - 1}, "49,710 days 6 hours 28 minutes 15 seconds"),
        ({"expires_in": 1}, "1 second"),
        ({"expires_in": 5400}, "1 hour 30 minutes"),
        ({"target_kind": "all"}, "Everybody who has the app."),
        ({"target_kind": "devices"}, "Devices (list not reported)"),
        (
            {"target_kind": "account_file", "upload_id": 7},
            "The targets in the uploaded file with the ID <code>7</code>.",
        ),
        ({"target_kind": "devices", "targets": ["a"]}, "1 device:"),
        ({"target_kind": "accounts", "targets": ["a"] * 10}, "10 accounts:"),
        ({"tag_rule": RULE | {"operator": "and"}}, "Devices with all of the tags:"),
        ({"tag_rule": {"operator": "and", "tags": RULE["tags"][:1]}}, "Devices with the tag:"),
        ({}, "8 settings not set"),
        ({"group": "g", "ios": {"aps": {"sound": "default", "alert": ""}}}, "7 settings not set"),
        ({"ios": {"aps": {"sound": "default", "alert": ""}}}, "<li>iOS: aps.alert (empty)</li>"),
        ({"android": {"icon": None}}, "<li>Android: icon (none)</li>"),
        ({"android": {}}, "<li>Android configuration</li>"),
    ],
)
def test_setting_in_words(member_client: Client, app: App, fields: dict[str, Any], words: str) -> None:
    assert words in text_of(member_client, app, **fields)


def test_settings_that_were_not_given_are_folded(member_client: Client, app: App) -> None:
    page = text_of(member_client, app, collapse_id=7)

    facts, folded = page.split("settings not set</summary>")
    assert "<dt>Collapse ID</dt>" in facts
    for name in ("Upload ID", "Group", "Rich media", "Audio", "Android configuration", "IoT configuration"):
        assert f"<li>{name}</li>" in folded
        assert f"<dt>{name}</dt>" not in facts


def test_settings_that_a_role_does_not_show_are_not_called_unset(client: Client, app: App) -> None:
    client.force_login(factories.create_user(app, role=Role.SUPPORT))

    page = text_of(client, app)

    assert "3 settings not set" in page
    assert "Audio" not in page


def test_a_task_still_to_come_says_in_how_long(member_client: Client, app: App) -> None:
    page = text_of(member_client, app, pushed_at=datetime.now(UTC) + timedelta(hours=5, seconds=50))

    assert "in 5 h" in page


@pytest.mark.parametrize(("count", "shortened"), [(10, False), (11, True), (1000, True)])
def test_targets_are_shortened(member_client: Client, app: App, count: int, shortened: bool) -> None:
    page = text_of(member_client, app, target_kind="accounts", targets=[f"person-{n}" for n in range(count)])

    assert page.count("<li><code>person-") == (10 + count if shortened else count)
    assert (f"Show all {count} targets" in page) == shortened


def test_times_are_in_the_zone_of_the_app(client: Client, db: None) -> None:
    app = factories.create_app(time_zone="Asia/Shanghai")
    client.force_login(factories.create_user(app))
    pushed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)

    page = text_of(client, app, pushed_at=pushed_at)

    assert f'{pushed_at + timedelta(hours=8):%Y-%m-%d %H:%M:%S}</time> <span class="zone">UTC+08:00' in page


def test_hostile_texts_are_escaped_and_no_link(member_client: Client, app: App) -> None:
    evil = "<script>alert(1)</script>"
    task = factories.create_task(
        app,
        push_id="<b>1</b>",
        title=evil,
        content=evil,
        group=evil,
        targets=[evil],
        tag_rule={"operator": "or", "tags": [{"type": evil, "value": evil}]},
        android={evil: {evil: evil}},
        ios={"a": [{evil: [evil]}]},
    )
    # Not through the writer, which refuses it.
    PushTask.objects.filter(pk=task.pk).update(media_url="javascript:alert(1)", audio_url="http://[")

    page = page_of(member_client, task).content.decode()

    assert "<script>alert" not in page
    assert "<b>1" not in page
    assert "javascript:alert(1)" in page
    assert 'href="javascript:' not in page


def test_messages_are_counted_and_listed(member_client: Client, app: App) -> None:
    task = factories.create_task(app, push_id="1", target_kind="accounts")
    now = datetime.now(UTC)
    for number, mode in enumerate(("simple", "multiple", "template", "broadcast")):
        created = now - timedelta(minutes=number)
        factories.create_message(app, task="1", mode=mode, title=mode, created_at=created)
    factories.send_receipt(factories.create_message(app, task="1", title="received"), channel="apns", code=2009)
    factories.create_message(app, task="2")
    factories.create_message(factories.create_app(), task="1")

    response = page_of(member_client, task)

    page = response.content.decode()
    assert titles(response) == ["simple", "multiple", "template", "received"]
    assert {word: number for word, _, number in response.context["outcomes"]["numbers"] if number} == {
        "waiting": 3,
        "failed": 1,
    }
    assert "4 messages of this task, created from" in page
    assert '3 <span class="quiet">75.0%</span>' in page
    assert "Broadcast messages are never shown or counted." in page


def test_messages_are_counted_up_to_the_bound(member_client: Client, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.views.tasks.COUNTED", 2)
    for _ in range(3):
        factories.create_message(app, task="1")

    page = text_of(member_client, app, push_id="1")

    assert "The newest 2 messages of this task are counted" in page
    assert "Its 2 or more messages" in page


def test_counts_that_take_too_long_are_left_out(
    member_client: Client, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(MessageQuerySet, "count_outcomes", fail)
    factories.create_message(app, task="1", title="there")

    response = page_of(member_client, factories.create_task(app, push_id="1"))

    assert "Counting took too long." in response.content.decode()
    assert titles(response) == ["there"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [("all", "The messages of a broadcast are never shown."), ("tag", "The log has no message of this task")],
)
def test_task_without_messages_says_why(member_client: Client, app: App, kind: str, words: str) -> None:
    factories.create_message(app, task="1", mode="broadcast", title="to all")

    page = text_of(member_client, app, push_id="1", target_kind=kind, title="")

    assert words in page
    assert "to all" not in page


def test_messages_have_pages_both_ways(member_client: Client, app: App) -> None:
    task = factories.create_task(app, push_id="a/b")
    factories.create_messages(app, [factories.message_row(task="a/b", mode="multiple") for _ in range(120)])

    first = page_of(member_client, task)
    pages = list(addresses(member_client, first.request, "older"))
    back = list(addresses(member_client, pages[-1].request, "newer"))

    shown = [message.pk for response in pages for message in response.context["page"].rows]
    assert len(pages) == 3
    assert shown == sorted(set(shown), reverse=True)
    assert len(shown) == 120
    assert len(back) == 3
    turned = member_client.get(
        first.request["PATH_INFO"], {"after": first.context["older"]}, headers={"HX-Request": "true"}
    )
    assert "<html" not in turned.content.decode()
    assert "50 messages on this page, newest first." in turned.content.decode()


@pytest.mark.parametrize(
    ("query", "words"),
    [("?after=x", "is damaged"), ("?search=x", "is not a parameter"), ("?sort=title", "Cannot sort by")],
)
def test_bad_query_string_is_a_400_on_the_page(member_client: Client, app: App, query: str, words: str) -> None:
    factories.create_task(app, push_id="1", title="Sale")
    address = reverse("task", args=[app.slug, "1"])

    response = member_client.get(address + query)

    assert response.status_code == 400
    for text in (words, "Sale", f'href="{address}">Show all messages'):
        assert text in response.content.decode()


def test_task_behind_the_window_is_not_found(member_client: Client, app: App) -> None:
    pushed_at = datetime.now(UTC) - timedelta(days=30, seconds=1)
    task = factories.create_task(app, pushed_at=pushed_at, now=pushed_at)

    assert page_of(member_client, task).status_code == 404


def test_task_of_another_app_is_not_found(member_client: Client, app: App) -> None:
    task = factories.create_task(factories.create_app())

    assert page_of(member_client, task).status_code == 404
    assert member_client.get(reverse("task", args=[app.slug, task.push_id])).status_code == 404
