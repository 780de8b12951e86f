"""On the skewed log, the cost of a write must depend on its batch alone.

Rows are written, and then every statement that was sent is explained with its own parameters.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from pushlog import ingest
from pushlog.ingest import early_receipts
from pushlog.models import EarlyReceipt, Message
from tests import factories
from tests.pushlog.plans.plans import NOW, Log, Plan, empty, log_of, plans_of, undone

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_as_in_a_large_log")]

MESSAGE, HISTORY, KEPT = "pushlog_message", "pushlog_statuschange", "pushlog_keptreceipt"
SIZE = 40
KEPT_OF_EACH = 5000


def receipt(**fields: Any) -> dict[str, Any]:
    return {"channel": "own", "code": 2001, "at": NOW.isoformat()} | fields


def lost(number: int) -> dict[str, Any]:
    """A receipt without a message, alternately by message ID and by both other IDs."""
    if number % 2:
        return receipt(target_id=f"lost-{number}", customer_message_id="shared")
    return receipt(message_id=str(UUID(int=(int((NOW.timestamp() - 60) * 1000) << 80 | 7 << 76 | 2 << 62) + number)))


@pytest.fixture(scope="module")
def waiting(log: Log, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """The log, with thousands of early receipts of two apps."""
    with django_db_blocker.unblock(), undone():
        empty(KEPT)
        for app in (log.app, factories.create_app()):
            ingest.write_receipts(app=app, rows=[lost(number) for number in range(KEPT_OF_EACH)], now=NOW)
        yield log_of(log.app, KEPT)


@pytest.fixture
def messages(log: Log) -> list[Message]:
    """Messages around midnight."""
    midnight = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    newest = Message.objects.findable(log.app, now=NOW).order_by("-pk")
    around = [one for one in newest if abs(one.created_at - midnight) < timedelta(hours=1)]
    found = around[len(around) // 2 - SIZE // 2 :][:SIZE]
    assert len({one.created_at.date() for one in found}) == 2
    return found


def tables(plan: Plan) -> set[str]:
    return {node["Relation Name"] for node in plan.nodes if "Scan" in node["Node Type"] and "Relation Name" in node}


def test_receipts_lock_and_change_their_messages_alone(log: Log, messages: list[Message]) -> None:
    rows = [receipt(message_id=str(one.pk), code=3) for one in messages]

    plans = plans_of(log, lambda: ingest.write_receipts(app=log.app, rows=rows, now=NOW), MESSAGE)

    # For each of two days: lock and update.
    assert len(plans) == 4
    for plan in plans:
        assert len(tables(plan)) == 1, plan.text
        assert "" not in plan.indexes(log), plan.text
        # The previous version of an updated row may be read too.
        assert 0 < plan.rows_read <= 2 * SIZE, plan.text


def test_receipts_that_come_again_look_up_their_entries(log: Log, messages: list[Message]) -> None:
    rows = [receipt(message_id=str(one.pk)) for one in messages]
    ingest.write_receipts(app=log.app, rows=rows, now=NOW)

    plans = plans_of(log, lambda: ingest.write_receipts(app=log.app, rows=rows, now=NOW), HISTORY)

    assert len(plans) == 2
    for plan in plans:
        assert plan.nodes[0]["Conflict Resolution"] == "UPDATE", plan.text
        assert tables(plan) == set(), plan.text


def test_receipts_find_their_messages_by_both_ids(log: Log, messages: list[Message]) -> None:
    """In the receipt's own day and the days next to it."""
    rows = [
        receipt(
            target_id=one.target_id,
            customer_message_id=one.customer_message_id,
            at=(one.created_at + timedelta(minutes=1)).isoformat(),
        )
        for one in messages
    ]

    plans = plans_of(log, lambda: ingest.write_receipts(app=log.app, rows=rows, now=NOW), "uuid_send")

    assert len(plans) == 2
    for plan in plans:
        assert len(tables(plan)) == 3, plan.text
        assert plan.indexes(log) == {"message_pair"}, plan.text
        assert plan.rows_read <= 2 * SIZE, plan.text


def test_receipts_look_for_their_messages_in_the_whole_window(log: Log) -> None:
    """For a target with thousands of messages, and for an ID that thousands share."""
    rows = [
        receipt(target_id="hot", customer_message_id="nothing"),
        receipt(target_id="nobody", customer_message_id="shared"),
    ]

    near, everywhere, again, *_ = plans_of(
        log, lambda: ingest.write_receipts(app=log.app, rows=rows, now=NOW), "uuid_send"
    )

    assert len(tables(near)) == len(tables(again)) == 3
    assert len(tables(everywhere)) > 30
    for plan in (near, everywhere):
        assert plan.indexes(log) == {"message_pair"}, plan.text
        assert plan.rows_read == 0, plan.text


def test_early_receipts_read_no_message(waiting: Log) -> None:
    rows = [lost(KEPT_OF_EACH + number) for number in range(SIZE)]

    plans = plans_of(waiting, lambda: ingest.write_receipts(app=waiting.app, rows=rows, now=NOW), MESSAGE, KEPT)

    assert any(plan.nodes[0].get("Conflict Resolution") == "UPDATE" for plan in plans)
    for plan in plans:
        assert "" not in plan.indexes(waiting), plan.text
        assert plan.rows_read == 0, plan.text


def test_messages_read_only_their_own_early_receipts(waiting: Log) -> None:
    rows = [
        factories.message_row(target_id=f"lost-{number}", customer_message_id="shared", created_at=NOW)
        for number in range(1, 2 * SIZE, 2)
    ]
    kept_before = EarlyReceipt.objects.count()

    plans = plans_of(waiting, lambda: ingest.write_messages(app=waiting.app, rows=rows, now=NOW), MESSAGE, KEPT)

    assert EarlyReceipt.objects.count() == kept_before - SIZE
    # exists(), their keys, lock, delete, update, and the history.
    assert len(plans) == 6
    for plan in plans:
        assert "" not in plan.indexes(waiting), plan.text
        assert plan.rows_read <= 2 * SIZE, plan.text


def test_messages_of_an_app_without_early_receipts_read_none(waiting: Log) -> None:
    app = factories.create_app()

    [plan] = plans_of(waiting, lambda: ingest.write_messages(app=app, rows=[factories.message_row()]), KEPT)

    assert plan.rows_read == 0, plan.text


def test_messages_that_come_again_look_up_their_ids(log: Log, messages: list[Message]) -> None:
    given = ("target_id", "customer_message_id", "created_at")
    rows = [factories.message_row(**{name: getattr(one, name) for name in given}) for one in messages]

    [plan] = plans_of(log, lambda: ingest.write_messages(app=log.app, rows=rows, now=NOW), MESSAGE)

    assert plan.nodes[0]["Conflict Resolution"] == "NOTHING", plan.text
    assert tables(plan) == set(), plan.text


def test_maintenance_reads_early_receipts_in_batches(waiting: Log) -> None:
    plans = plans_of(waiting, lambda: list(early_receipts.sweep(now=NOW)), KEPT)

    assert len(plans) > 2 * KEPT_OF_EACH // early_receipts._BATCH
    for plan in plans:
        assert "" not in plan.indexes(waiting), plan.text
        assert plan.rows_read <= 2 * early_receipts._BATCH, plan.text
