import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from console.views.messages import message_detail
from pushlog import ingest
from pushlog.models import App, Message, PushTask
from tests import factories


def page_of(client: Client, message: Message, **headers: str) -> Any:
    return client.get(reverse("message", args=[message.app.slug, message.pk]), headers=headers)


def test_detail_tells_what_happened_and_what_to_do(member_client: Client, app: App) -> None:
    message = factories.create_message(app, content="Hello", task="133703", extras={"url": "x"})
    at = message.created_at + timedelta(seconds=2)
    factories.send_receipt(message, channel="apns", code=2009, at=at.isoformat(), detail="token is bad")

    page = page_of(member_client, message).content.decode()

    for words in (
        str(message.pk),
        "Failed: device token not valid",
        "code 2009",
        "Who must act:",
        "Hello",
        "133703",
        "token is bad",
    ):
        assert words in page
    assert "2 s later" in page


def test_detail_shows_the_whole_history_in_its_order(member_client: Client, app: App) -> None:
    message = factories.create_message(app)
    start = message.created_at
    for seconds, code in ((5, 2), (1, 0), (9, 3)):
        factories.send_receipt(message, code=code, at=(start + timedelta(seconds=seconds)).isoformat())

    response = page_of(member_client, message)

    assert [entry.code for entry, _ in response.context["history"]] == [0, 2, 3]
    assert "4 s later" in response.content.decode()


@pytest.mark.parametrize(
    ("code", "expires_in", "words"),
    [
        (0, 7 * 86400, "It is sent again when the device connects"),
        (0, 60, "and is not sent any more"),
        (None, 60, "and is not sent any more"),
    ],
)
def test_detail_tells_what_the_expiry_implies_now(
    member_client: Client, app: App, code: int | None, expires_in: int, words: str
) -> None:
    message = factories.create_message(app, expires_in=expires_in)
    if code is not None:
        factories.send_receipt(message, code=code)

    assert words in page_of(member_client, message).content.decode()


@pytest.mark.parametrize(("expires_in", "is_last"), [(60, True), (7 * 86400, False)])
def test_detail_of_an_expired_message_calls_its_status_the_last_one(
    member_client: Client, app: App, expires_in: int, is_last: bool
) -> None:
    message = factories.create_message(app, expires_in=expires_in)
    factories.send_receipt(message, code=0)

    page = page_of(member_client, message).content.decode()

    assert ("<strong>Last status:</strong> The device has no live connection" in page) == is_last


def test_detail_of_a_received_message_says_nothing_of_its_expiry(member_client: Client, app: App) -> None:
    message = factories.create_message(app, expires_in=60)
    factories.send_receipt(message)

    page = page_of(member_client, message).content.decode()

    assert "It expired" not in page
    assert "sent again" not in page


def test_detail_of_a_revoked_message_says_so(member_client: Client, app: App) -> None:
    message = factories.create_message(app)
    factories.send_receipt(message)
    factories.send_receipt(message, revoked=True, at=datetime.now(UTC).isoformat(), channel=None, code=None)

    page = page_of(member_client, message).content.decode()
    assert "The sender took the message back" in page
    assert "<strong>Last status:</strong> The app on the device confirmed" in page


def test_detail_of_an_unknown_code_shows_its_number(member_client: Client, app: App) -> None:
    message = factories.create_message(app)
    factories.send_receipt(message, channel="meizu", code=4242)

    assert "Unknown code 4242" in page_of(member_client, message).content.decode()


def test_detail_is_a_page_or_a_fragment(member_client: Client, app: App) -> None:
    message = factories.create_message(app)

    assert "<html" in page_of(member_client, message).content.decode()
    fragment = page_of(member_client, message, **{"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert str(message.pk) in fragment


def test_detail_of_what_may_not_be_shown_is_not_found(member_client: Client, app: App) -> None:
    broadcast = factories.create_message(app, mode="broadcast")
    created = datetime.now(UTC) - timedelta(days=30, seconds=1)
    row = factories.message_row(created_at=created)
    [old] = factories.create_messages(app, [row], now=created + timedelta(days=1))

    for identifier in (broadcast.pk, old, uuid.uuid4(), uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)):
        assert member_client.get(reverse("message", args=[app.slug, identifier])).status_code == 404


def test_detail_of_a_multiple_message_is_shown(member_client: Client, app: App) -> None:
    assert page_of(member_client, factories.create_message(app, mode="multiple")).status_code == 200


def test_detail_takes_two_queries_beside_the_app(
    rf: RequestFactory, app: App, member: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    message = factories.create_message(app)
    factories.send_receipt(message)
    request = rf.get("/")
    request.user, request.session = member, {SESSION_KEY: member.pk}  # type: ignore[assignment]

    with django_assert_num_queries(3):  # the app with the membership, the message, its history
        response = message_detail(request, app=app.slug, message_id=message.pk)
    with django_assert_num_queries(0):
        response.render()  # type: ignore[attr-defined]


def test_task_is_a_link_if_it_is_in_the_log(member_client: Client, app: App) -> None:
    message = factories.create_message(app, task="a/1")
    link = f'<a href="{reverse("task", args=[app.slug, "a/1"])}">'
    factories.create_task(factories.create_app(), push_id="a/1")
    pushed_at = datetime.now(UTC) - timedelta(days=30, seconds=1)
    task = factories.create_task(app, push_id="a/1", pushed_at=pushed_at, now=pushed_at)

    page = page_of(member_client, message).content.decode()
    assert "<code>a/1</code>" in page
    assert link not in page

    PushTask.objects.filter(pk=task.pk).update(pushed_at=datetime.now(UTC))
    page = page_of(member_client, message).content.decode()
    assert f"{link}<code>a/1</code></a>" in page


def test_long_content_is_cut_and_kept(member_client: Client, app: App) -> None:
    message = factories.create_message(app, content="a" * 700 + "<b>")

    page = page_of(member_client, message).content.decode()

    assert "Show all 703 characters" in page
    assert "a" * 700 + "&lt;b&gt;" in page


def test_history_of_very_many_entries_is_cut_and_says_so(member_client: Client, app: App) -> None:
    message = factories.create_message(app)
    start = message.created_at
    rows = [
        {"message_id": str(message.pk), "channel": "own", "code": 0, "at": (start + timedelta(seconds=n)).isoformat()}
        for n in range(203)
    ]
    ingest.write_receipts(app=app, rows=rows)

    response = page_of(member_client, message)

    shown = [entry.at - start for entry, _ in response.context["history"]]
    assert shown == [timedelta(seconds=n) for n in range(3, 203)]
    assert "Only the last 200 entries are shown." in response.content.decode()
