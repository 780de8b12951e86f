"""Receipts find their app's message by its ID, or by target ID and customer message ID."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pushlog import ingest
from pushlog.models import App, EarlyReceipt, Message, StatusChange
from pushlog.statuses import NO_RECEIPT
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def by_pair(message: Message, *, at: datetime, **fields: Any) -> dict[str, Any]:
    names = {"target_id": message.target_id, "customer_message_id": message.customer_message_id}
    return names | {"channel": "own", "code": 2, "at": at.isoformat()} | fields


def by_id(message: Message, *, at: datetime, **fields: Any) -> dict[str, Any]:
    return {"message_id": str(message.pk), "channel": "own", "code": 2, "at": at.isoformat()} | fields


def codes(*messages: Message) -> list[int]:
    return [Message.objects.get(pk=message.pk).code for message in messages]


@pytest.mark.parametrize("days", [0, 1, 5, 29])
def test_by_pair(app: App, days: int) -> None:
    """On the same day, after midnight, and much later: two queries find the message."""
    other = factories.create_message(app)
    message = factories.create_message(app, created_at=NOW - days * DAY - timedelta(minutes=1))

    result = ingest.write_receipts(app=app, rows=[by_pair(message, at=NOW, target_id=f" {message.target_id}\n")])

    assert (result.applied, result.early) == (1, 0)
    assert codes(message, other) == [2, NO_RECEIPT]
    assert StatusChange.objects.get().message_id == message.pk


@pytest.mark.parametrize("name", ["target_id", "customer_message_id"])
def test_by_pair_needs_both(app: App, name: str) -> None:
    message = factories.create_message(app)

    result = ingest.write_receipts(app=app, rows=[by_pair(message, at=NOW, **{name: "another"})])

    assert result.early == 1
    assert codes(message) == [NO_RECEIPT]


def test_by_pair_and_by_id_in_one_batch(app: App) -> None:
    one, two = factories.create_message(app), factories.create_message(app, created_at=NOW - 3 * DAY)
    rows = [by_pair(one, at=NOW), by_id(two, at=NOW), by_id(one, at=NOW), by_pair(two, at=NOW, code=3)]

    result = ingest.write_receipts(app=app, rows=rows)

    assert (result.applied, result.stale, result.early) == (3, 1, 0)
    assert codes(one, two) == [2, 3]


def test_by_pair_of_several_messages_the_newest(app: App) -> None:
    row = factories.message_row()
    times = [NOW - timedelta(minutes=minutes) for minutes in (3, 1, 2)]
    messages = [factories.create_message(app, **row | {"created_at": time}) for time in times]

    ingest.write_receipts(app=app, rows=[by_pair(messages[0], at=NOW)])

    assert codes(*messages) == [NO_RECEIPT, 2, NO_RECEIPT]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", [1, -1])
def test_by_pair_of_several_days(app: App, together: bool, order: int) -> None:
    """Each receipt looks at the days around its own, whatever else is in its batch."""
    row = factories.message_row()
    times = [NOW - 20 * DAY, NOW - 5 * DAY]
    messages = [factories.create_message(app, **row | {"created_at": time}) for time in times]
    rows = [by_pair(messages[0], at=time + timedelta(seconds=1)) for time in times][::order]

    for batch in [rows] if together else [[one] for one in rows]:
        ingest.write_receipts(app=app, rows=batch)

    assert codes(*messages) == [2, 2]


def test_by_pair_finds_multiple_and_broadcast_messages(app: App) -> None:
    messages = [factories.create_message(app, mode=mode) for mode in ("multiple", "broadcast")]

    ingest.write_receipts(app=app, rows=[by_pair(message, at=NOW) for message in messages])

    assert codes(*messages) == [2, 2]


@pytest.mark.parametrize("row", [by_id, by_pair])
def test_another_apps_message_is_not_touched(app: App, row: Any) -> None:
    message = factories.create_message(factories.create_app())

    result = ingest.write_receipts(app=app, rows=[row(message, at=NOW)])

    assert (result.applied, result.early) == (0, 1)
    assert codes(message) == [NO_RECEIPT]
    assert not StatusChange.objects.exists()
    assert EarlyReceipt.objects.get().app_id == app.pk


def test_receipts_add_up(app: App) -> None:
    message, absent = factories.create_message(app), Message(target_id="nobody", customer_message_id="nothing")
    rows = [by_id(message, at=NOW), {}, by_pair(absent, at=NOW), by_id(message, at=NOW), by_id(message, at=NOW, code=0)]

    result = ingest.write_receipts(app=app, rows=rows)

    assert (result.applied, result.stale, result.early) == (2, 1, 1)
    assert [rejection.index for rejection in result.rejected] == [1]


@pytest.mark.parametrize("rows", [[], [{}]])
def test_receipts_with_nothing_to_apply(app: App, rows: list[object]) -> None:
    result = ingest.write_receipts(app=app, rows=rows)

    assert (result.applied, result.stale, result.early, len(result.rejected)) == (0, 0, 0, len(rows))
