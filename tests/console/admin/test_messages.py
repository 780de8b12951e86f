import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pushlog.models import App, Message, Role, StatusChange
from pushlog.statuses import NO_RECEIPT, Channel
from tests import factories
from tests.console.admin.forms import untouched

LIST = "/admin/pushlog/message/"


def change(message: Message, **fields: Any) -> dict[str, Any]:
    """The change form of a message as it stands, with other values for some fields."""
    return {
        "title": message.title,
        "content": message.content,
        "extras": json.dumps(message.extras),
        "expires_at": "",
        "channel": message.channel,
        "code": message.code,
    } | fields


def test_admin_list_neither_counts_nor_skips(browser: Client, app: App) -> None:
    factories.create_messages(app, [factories.message_row() for _ in range(60)])

    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = browser.get(LIST)
        older = browser.get(f"{LIST}?app={app.slug}&after={response.context['page'].older[0]}")

    assert (len(response.context["page"].rows), len(older.context["page"].rows)) == (50, 10)
    about_messages = [query["sql"] for query in queries if "pushlog_message" in query["sql"]]
    assert about_messages
    assert not [sql for sql in about_messages if "COUNT(" in sql.upper() or "OFFSET" in sql.upper()]


def test_admin_finds_a_message_by_its_exact_id(browser: Client, app: App) -> None:
    message = factories.create_message(app, mode="multiple")

    assert browser.post(LIST, {"id": f" {message.pk} "}).headers["Location"] == f"{LIST}{message.pk}/change/"


@pytest.mark.parametrize("identifier", ["abc", "+8613800138000", "019a9b3c-0000-7000-8000-000000000000", ""])
def test_admin_says_that_it_found_nothing(browser: Client, identifier: str) -> None:
    response = browser.post(LIST, {"id": identifier})

    assert response.status_code == 200
    assert 'class="errornote"' in response.content.decode()


@pytest.mark.parametrize("query", ["after=x", "app=nope", "page=7", "id=abc"])
def test_admin_list_says_what_is_wrong(browser: Client, query: str) -> None:
    response = browser.get(f"{LIST}?{query}")

    assert response.status_code == 400
    assert 'class="errornote"' in response.content.decode()


def test_admin_shows_no_broadcast_and_no_other_app(browser: Client, app: App) -> None:
    hidden = [
        factories.create_message(app, mode="broadcast"),
        factories.create_message(factories.create_app()),
    ]

    for message in hidden:
        assert str(message.pk) not in browser.get(LIST).content.decode()
        assert browser.post(LIST, {"id": str(message.pk)}).status_code == 200
        assert browser.get(f"{LIST}{message.pk}/change/").status_code == 302


def test_admin_corrects_what_may_be_fixed(browser: Client, app: App) -> None:
    message = factories.create_message(app)
    fields = {
        "title": "Fixed",
        "content": "New",
        "extras": '{"a": 1}',
        "expires_at": "2027-01-01 08:00",
    }

    response = browser.post(f"{LIST}{message.pk}/change/", change(message, **fields))

    assert response.status_code == 302
    message.refresh_from_db()
    assert (message.title, message.content, message.extras) == ("Fixed", "New", {"a": 1})
    assert message.expires_at == datetime(2027, 1, 1, 8, tzinfo=UTC)
    assert message.code == NO_RECEIPT
    assert not StatusChange.objects.filter(message_id=message.pk).exists()


def test_admin_corrects_a_status_by_a_receipt(browser: Client, app: App) -> None:
    message = factories.create_message(app)

    browser.post(f"{LIST}{message.pk}/change/", change(message, channel=Channel.APNS.value, code=2009))

    message.refresh_from_db()
    assert (message.channel, message.code) == (Channel.APNS, 2009)
    assert message.modified_at > datetime.now(UTC) - timedelta(minutes=1)
    assert [entry.detail for entry in StatusChange.objects.filter(message_id=message.pk)] == ["Corrected in the admin"]


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "-1001"},
        {"code": "99999999999"},
        {"extras": "[1]"},
        {"extras": "{"},
        {"title": "x" * 501},
        {"content": "x" * 20_001},
        {"channel": "99"},
        {"channel": "2"},
        {"expires_at": "9999-12-31 23:59"},
        {"expires_at": "2001-01-01 00:00"},
    ],
)
def test_admin_refuses_what_ingestion_refuses(browser: Client, app: App, fields: dict[str, str]) -> None:
    message = factories.create_message(app)

    response = browser.post(f"{LIST}{message.pk}/change/", change(message, **fields))

    assert response.status_code == 200
    assert "Please correct the error" in response.content.decode()
    assert Message.objects.get(pk=message.pk).title == message.title


def test_admin_leaves_what_nobody_touched_as_it_was(browser: Client, app: App) -> None:
    message = factories.create_message(app, title="  lead", content="two\nlines\n")
    form = change(message, content="two\r\nlines\r\n", extras='{"a": 1}')

    browser.post(f"{LIST}{message.pk}/change/", form)

    message.refresh_from_db()
    assert (message.title, message.content, message.extras) == ("  lead", "two\nlines\n", {"a": 1})


def stored(message: Message) -> dict[str, Any]:
    return dict(Message.objects.filter(pk=message.pk).values().get())


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_in": 0},
        {"expires_at": datetime.now(UTC).replace(microsecond=123456)},
        {"expires_at": None},
        {"content": "a\rb\r\nc\n"},
        {"content": "\n\nlead "},
        {"extras": {"b": 1.0, "a": [True, 1, None], "text": "a\r\nb"}},
    ],
)
def test_admin_writes_only_what_was_changed(browser: Client, app: App, fields: dict[str, Any]) -> None:
    created = datetime.now(UTC).replace(microsecond=987654) - timedelta(minutes=10)
    expiry = {name: value and value.isoformat() for name, value in fields.items() if name == "expires_at"}
    message = factories.create_message(app, created_at=created, **{**fields, **expiry})
    address = f"{LIST}{message.pk}/change/"
    before = stored(message)

    response = browser.post(address, untouched(browser, address) | {"title": "Fixed"})

    assert response.status_code == 302
    assert stored(message) == before | {"title": "Fixed"}


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": datetime(2001, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(9999, 1, 1, tzinfo=UTC)},
        {"content": "x" * 20_001},
        {"extras": {"a": "x" * 10_001}},
    ],
)
def test_admin_asks_nothing_of_what_was_not_changed(browser: Client, app: App, fields: dict[str, Any]) -> None:
    message = factories.create_message(app)
    Message.objects.filter(pk=message.pk).update(**fields)
    address = f"{LIST}{message.pk}/change/"
    before = stored(message)

    response = browser.post(address, untouched(browser, address) | {"title": "Fixed"})

    assert response.status_code == 302
    assert stored(message) == before | {"title": "Fixed"}


def test_admin_leaves_a_title_of_two_lines_alone(browser: Client, app: App) -> None:
    message = factories.create_message(app, title=" two\nlines ")
    address = f"{LIST}{message.pk}/change/"
    before = stored(message)

    browser.post(address, untouched(browser, address) | {"content": "Fixed"})

    assert stored(message) == before | {"content": "Fixed"}


def test_admin_tells_one_from_true(browser: Client, app: App) -> None:
    message = factories.create_message(app, extras={"a": 1})

    browser.post(f"{LIST}{message.pk}/change/", change(message, extras='{"a": true}'))

    assert Message.objects.get(pk=message.pk).extras["a"] is True


def test_admin_says_that_a_receipt_ahead_of_the_clock_stands(browser: Client, app: App) -> None:
    message = factories.create_message(app)
    factories.send_receipt(message, at=(datetime.now(UTC) + timedelta(minutes=9)).isoformat())
    message.refresh_from_db()

    response = browser.post(f"{LIST}{message.pk}/change/", change(message, channel=Channel.APNS.value, code=2009))

    assert "dated ahead of the clock" in response.content.decode()
    assert Message.objects.get(pk=message.pk).code == 2


def test_admin_changes_nothing_that_makes_up_the_id(browser: Client, app: App) -> None:
    message = factories.create_message(app)

    browser.post(f"{LIST}{message.pk}/change/", change(message, target_id="other", mode="4", push_type="3"))

    again = Message.objects.get(pk=message.pk)
    assert (again.target_id, again.mode, again.push_type) == (message.target_id, message.mode, message.push_type)


def test_admin_neither_adds_nor_deletes_messages(browser: Client, app: App) -> None:
    message = factories.create_message(app)

    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.post(f"{LIST}{message.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Message.objects.filter(pk=message.pk).exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SUPPORT])
def test_admin_list_needs_a_role_that_corrects(client: Client, app: App, role: Role) -> None:
    client.force_login(factories.create_user(app, role=role, is_staff=True))

    assert client.get(LIST, follow=True).status_code == 403


def test_admin_edits_apps_and_members_but_never_the_slug(browser: Client, app: App) -> None:
    page = browser.get(reverse("admin:pushlog_app_change", args=[app.pk])).content.decode()

    assert 'name="name"' in page
    assert 'name="numeric_push_ids"' in page
    assert 'name="memberships-0-user"' in page
    assert 'name="slug"' not in page
    assert "id_key" not in page


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", "", "Asia"])
def test_admin_refuses_a_time_zone_that_is_none(browser: Client, app: App, zone: str) -> None:
    response = browser.post(
        reverse("admin:pushlog_app_add"),
        {
            "name": "New",
            "slug": "new",
            "environment": "production",
            "time_zone": zone,
            "memberships-TOTAL_FORMS": "0",
            "memberships-INITIAL_FORMS": "0",
        },
    )

    assert response.status_code == 200
    assert not App.objects.filter(slug="new").exists()
