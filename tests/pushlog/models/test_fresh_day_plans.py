"""Plans where the planner knows nothing: of a day without statistics, as every day is when it begins (rule D).

It takes such a partition for small, and every condition for a rare one: one index that fits is as good to it as any.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from pushlog import ingest
from pushlog.models import Message
from tests import factories
from tests.pushlog.models.plans import (
    EVERY_SORT,
    FILTERS,
    NOW,
    READABLE,
    Log,
    filtered,
    log,
    plan_of,
    plans_of,
    undone,
)

__all__ = ["log"]  # the fixture

pytestmark = pytest.mark.django_db

START = (NOW - timedelta(days=20)).replace(hour=12)
ROWS = 8_000
SIZE = 40


def row(number: int) -> dict[str, Any]:
    return factories.message_row(
        created_at=START + timedelta(milliseconds=number),
        target_id="hot" if number % 7 == 0 else f"fresh-{number}",
        customer_message_id="shared" if number % 7 == 1 else f"fresh-{number}",
        push_type="ios" if number % 1000 == 1 else "android" if number % 3 else "user",
        expires_in=3600,
    )


def receipt(number: int, code: int, **target: str) -> dict[str, Any]:
    return {"channel": "own", "code": code, "at": (START + timedelta(seconds=number)).isoformat()} | target


@pytest.fixture(scope="module")
def fresh(log: Log, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """The log with one day more, of which there are no statistics."""
    with django_db_blocker.unblock(), undone():
        ids = factories.create_messages(log.app, [row(number) for number in range(ROWS)], now=NOW)
        received = [receipt(number, 2, message_id=str(one)) for number, one in enumerate(ids) if number % 40]
        assert not ingest.write_receipts(app=log.app, rows=received, now=NOW).rejected
        day = dict.fromkeys((f"pushlog_message_{START:%Y%m%d}", f"pushlog_statuschange_{START:%Y%m%d}"), ROWS)
        yield Log(log.app, log.rows | day, log.index_of)


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_first_page(fresh: Log, sort: str, once: bool) -> None:
    plan = plan_of(fresh, Message.objects.listed(fresh.app, now=NOW), sort, once=once)

    assert "" not in plan.indexes(fresh), plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize("query", [query for query, _ in FILTERS])
def test_filter(fresh: Log, query: str) -> None:
    plan = plan_of(fresh, filtered(fresh, query))

    assert "" not in plan.indexes(fresh), plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize("value", ["hot", "shared", "fresh-9", "nothing"])
@pytest.mark.parametrize("name", ["target_id", "customer_message_id"])
def test_search(fresh: Log, name: str, value: str) -> None:
    plan = plan_of(fresh, Message.objects.matching(fresh.app, **{name: value}, now=NOW))

    assert "" not in plan.indexes(fresh), plan.text
    assert plan.rows_read <= READABLE, plan.text


def test_search_by_both(fresh: Log, once: bool) -> None:
    found = Message.objects.matching(fresh.app, target_id="hot", customer_message_id="shared", now=NOW)

    plan = plan_of(fresh, found, once=once)

    assert plan.rows_read <= READABLE, plan.text


def test_receipts_by_the_ids_of_messages(fresh: Log) -> None:
    messages = Message.objects.filter(app=fresh.app, target_id__startswith="fresh-").order_by("pk")[:SIZE]
    rows = [receipt(number, 2001, message_id=str(one.pk)) for number, one in enumerate(messages)]

    plans = plans_of(fresh, lambda: ingest.write_receipts(app=fresh.app, rows=rows, now=NOW), "pushlog_message")

    assert len(plans) == 2
    for plan in plans:
        assert "" not in plan.indexes(fresh), plan.text
        # Of a message that was just changed, the version before may be read as well.
        assert plan.rows_read <= 2 * SIZE, plan.text


def test_receipts_by_both_ids(fresh: Log) -> None:
    """Such a day is read once for a batch, in an index; pushlog/ingest/status_changes.py says why.

    It lasts until autovacuum has analysed the day. With conditions that only the hash's index fits, 10,000 receipts of
    today were looked up in 47 ms instead of 21, and of ten days ago in 142 instead of 20.
    """
    messages = Message.objects.filter(app=fresh.app, target_id__startswith="fresh-").order_by("pk")[:SIZE]
    rows = [
        receipt(number, 2001, target_id=one.target_id, customer_message_id=one.customer_message_id)
        for number, one in enumerate(messages)
    ]

    plans = plans_of(fresh, lambda: ingest.write_receipts(app=fresh.app, rows=rows, now=NOW), "uuid_send")

    assert sum(plan.rows_read for plan in plans) <= ROWS, plans[0].text
    assert all("" not in plan.indexes(fresh) for plan in plans), plans[0].text
