from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from console import outcomes
from console.outcomes import count_outcomes
from pushlog.models import App, Message
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def counted(app: App, push_id: str = "1") -> dict[str, int]:
    found = count_outcomes(Message.objects.of_task(app, push_id, now=NOW), now=NOW)
    assert found.total == sum(number for _, _, number in found.numbers)
    return {word: number for word, _, number in found.numbers if number}


def test_every_outcome_is_counted_and_expired_by_the_clock(app: App) -> None:
    create = factories.create_message
    for expires in (NOW + timedelta(hours=1), NOW - timedelta(seconds=1), None, None):
        create(app, task="1", **({"expires_at": expires.isoformat()} if expires else {}))
    for channel, code in (("own", 2), ("own", 2), ("xiaomi", 0), ("apns", 2009), ("meizu", 4242)):
        # Expiry times say nothing of what has an outcome.
        message = create(app, task="1", expires_at=(NOW - timedelta(seconds=1)).isoformat())
        factories.send_receipt(message, channel=channel, code=code)

    assert counted(app) == {"waiting": 3, "expired": 1, "received": 2, "accepted": 1, "failed": 1, "unknown": 1}


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


def test_newest_are_counted_up_to_the_bound(
    app: App, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(outcomes, "COUNTED", 3)
    for minutes in range(4):
        message = factories.create_message(app, task="1", created_at=NOW - timedelta(minutes=minutes))
        if minutes == 3:
            factories.send_receipt(message)
    found = Message.objects.of_task(app, "1", now=NOW)

    with django_assert_num_queries(1):
        bounded = count_outcomes(found, now=NOW)

    assert (bounded.total, bounded.is_cut) == (3, True)
    assert {word: number for word, _, number in bounded.numbers}["received"] == 0
    monkeypatch.setattr(outcomes, "COUNTED", 5)
    assert (count_outcomes(found, now=NOW).total, count_outcomes(found, now=NOW).is_cut) == (4, False)
