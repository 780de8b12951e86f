"""Filters and counts by outcome, with expired ones told apart by the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from pushlog.models import App, Message
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def counted(app: App, push_id: str = "1", limit: int = 100) -> dict[str, int]:
    found = Message.objects.of_task(app, push_id, now=NOW).count_outcomes(now=NOW, limit=limit)
    return {word: number for word, number in found.items() if number}


def test_every_outcome_is_counted_and_expired_by_the_clock(app: App) -> None:
    create = factories.create_message
    for expires in (NOW + timedelta(hours=1), NOW - timedelta(seconds=1), None, None):
        create(app, task="1", **({"expires_at": expires.isoformat()} if expires else {}))
    for channel, code in (("own", 2), ("own", 2), ("xiaomi", 0), ("apns", 2009), ("meizu", 4242)):
        # Expiry times say nothing of what has an outcome.
        message = create(app, task="1", expires_at=(NOW - timedelta(seconds=1)).isoformat())
        factories.send_receipt(message, channel=channel, code=code)

    expected = {"waiting": 3, "expired": 1, "received": 2, "accepted": 1, "failed": 1, "unknown": 1}
    assert counted(app) == expected
    messages = Message.objects.of_task(app, "1", now=NOW)
    assert {word: messages.with_outcome(word, now=NOW).count() for word in expected} == expected
    assert sum(message.is_expired(NOW) for message in messages) == 1


def test_only_what_may_be_shown_of_this_task_is_counted(app: App) -> None:
    for mode in ("simple", "template", "multiple", "broadcast"):
        factories.create_message(app, task="1", mode=mode)
    factories.create_message(app, task="2")
    factories.create_message(app)
    factories.create_message(factories.create_app(), task="1")
    old = NOW - timedelta(days=30, seconds=1)
    factories.create_messages(app, [factories.message_row(task="1", created_at=old)], now=old)

    assert counted(app) == {"waiting": 3}
    assert counted(app, "3") == {}


def test_newest_are_counted_up_to_the_limit(app: App, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for minutes in range(4):
        message = factories.create_message(app, task="1", created_at=NOW - timedelta(minutes=minutes))
        if minutes == 3:
            factories.send_receipt(message)

    with django_assert_num_queries(1):
        assert counted(app, limit=3) == {"waiting": 3}
    assert counted(app, limit=5) == {"waiting": 3, "received": 1}
