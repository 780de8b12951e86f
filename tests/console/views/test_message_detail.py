import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from console.views.message import message_detail
from pushlog import ingest
from pushlog.models import App, Message, PushTask, Role
from tests import factories
from tests.console.browsers import browser_of


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
        '<span class="visually-hidden">to be done by: </span>app team</span>',
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

    assert [entry.code for entry in response.context["timeline"]] == [3, 2, 0]
    assert "4 s later" in response.content.decode()


def test_equal_entries_are_folded_as_far_as_they_look_alike(app: App) -> None:
    message = factories.create_message(app)
    start = message.created_at
    given = [(20 * number, 0, "") for number in range(1, 6)] + [(110, 0, "other"), (115, 0, "other"), (120, 2, "")]
    for seconds, code, detail in given:
        factories.send_receipt(message, code=code, detail=detail, at=(start + timedelta(seconds=seconds)).isoformat())
    operator, viewer = (factories.create_user(app, role=role) for role in (Role.OPERATOR, Role.VIEWER))

    seen, masked = (page_of(browser_of(one), message) for one in (operator, viewer))
    assert [(one.code, one.count) for one in seen.context["timeline"]] == [(2, 1), (0, 2), (0, 5)]
    assert "× 5, every 20 s" in seen.content.decode()
    assert [(one.code, one.count) for one in masked.context["timeline"]] == [(2, 1), (0, 7)]


def test_a_message_is_text_for_a_ticket(app: App) -> None:
    target, order = "+8613800000781", " \u2067order  1\u200b7\u2069 x"
    message = factories.create_message(
        app, target_id=target, customer_message_id=order, content="Secret", expires_in=60
    )
    factories.send_receipt(message, channel="apns", code=2009, detail="token is bad")
    message.refresh_from_db()
    page = reverse("message", args=[app.slug, message.pk])
    operator, viewer = (factories.create_user(app, role=role) for role in (Role.OPERATOR, Role.VIEWER))

    response = browser_of(operator).get(page, {"as": "text"})
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    for line in (
        f"App: {app.name} (Production)",
        f"Message ID: {message.pk}",
        f"Customer message ID: {message.customer_message_id}",
        "Target ID: +86•••0781",
        f"Status: Failed: device token not valid (Apple (APNs), code 2009 {message.status.name})",
        f"Created: {message.created_at:%Y-%m-%d %H:%M:%S} UTC+00:00",
        f"Link: http://testserver{page}",
        f"Looked up by {operator.username} at ",
    ):
        assert f"{line}\n" in text or f"\n{line}" in text, line
    assert "token is bad" in text
    assert "Secret" not in text
    assert f"Target ID: {target}\n" in browser_of(operator).get(page, {"as": "text", "target": ""}).content.decode()
    hidden = browser_of(viewer).get(page, {"as": "text", "target": ""}).content.decode()
    assert "Target ID: +86•••0781\n" in hidden
    assert "token is bad" not in hidden


def test_people_go_back_to_the_list_they_came_from(member_client: Client, app: App) -> None:
    message = factories.create_message(app)
    lists = reverse("messages", args=[app.slug])
    for came, back in (
        (f"http://testserver{lists}?outcome=failed&sort=title", f"{lists}?outcome=failed&amp;sort=title"),
        (f"http://testserver{lists}", lists),
        (f"http://elsewhere{lists}?outcome=failed", lists),
        ("http://testserver/apps/other/messages/?outcome=failed", lists),
        ("http://testserver//[", lists),
        ("http://[", lists),
        (f"http://testserver{lists}?outcome=failed&x=guess", lists),
    ):
        assert f'<p><a href="{back}">' in page_of(member_client, message, Referer=came).content.decode()


@pytest.mark.parametrize(("role", "may"), [(Role.SUPPORT, False), (Role.OPERATOR, True)])
def test_who_may_correct_finds_the_way(app: App, role: Role, may: bool) -> None:
    message = factories.create_message(app)
    page = page_of(browser_of(factories.create_user(app, role=role)), message).content.decode()

    assert (f'href="/admin/pushlog/message/{message.pk}/change/">Correct this message' in page) is may


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

    [entry] = response.context["timeline"]
    assert (entry.first_at - start, entry.at - start, entry.count) == (
        timedelta(seconds=3),
        timedelta(seconds=202),
        200,
    )
    assert entry.after == timedelta(seconds=1)
    assert "3 older entries are not shown." in response.content.decode()
