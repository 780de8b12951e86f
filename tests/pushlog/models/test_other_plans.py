"""Plans of the pages in an order for which no index is made, on the same skewed log.

No index has both a filter, or a search, and any order but that of time. So what was found is read and sorted, or the
order itself is read along until a page is full. Either is right for some values and ruinous for others: how many rows
are really read tells which one was taken.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict

from console.lists.filters import FoundFilter
from pushlog.models import Message
from tests.pushlog.models.plans import (
    COUNT,
    EVERY_SORT,
    FEW,
    HOT,
    NOW,
    READABLE,
    Log,
    ago,
    filtered,
    log,
    middle,
    plan_of,
)

__all__ = ["log"]  # the fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_as_in_a_large_log")]

BY_STATUS = {"status", "-status"}
# Filters by what nobody has, by what few have, and by what most have.
CLEAR_FILTERS = [
    "push_type=harmony",
    "outcome=unknown",
    "channel=oppo&code=33",
    "push_type=ios",
    "mode=template",
    "outcome=failed",
    "channel=apns&code=2009",
    "outcome=failed&push_type=user",
    "outcome=received&push_type=ios",
    f"created_from={ago(days=4)}&created_to={ago(days=3, hours=23, minutes=58)}",
    "push_type=user",
    "mode=simple",
    "outcome=received",
    "channel=own&code=2",
    f"created_from={ago(days=4)}&created_to={ago(days=3)}",
]


@pytest.mark.parametrize("query", CLEAR_FILTERS)
@pytest.mark.parametrize("sort", EVERY_SORT)
def test_filter_in_another_order(log: Log, sort: str, query: str) -> None:
    plan = plan_of(log, filtered(log, query), sort)

    assert "" not in plan.indexes(log), plan.text
    assert not plan.sorts(), plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize("query", ["channel=apns&code=2009", "push_type=harmony", "outcome=received", "push_type=user"])
@pytest.mark.parametrize("sort", ["title", "-target_id", "-customer_message_id", "push_type"])
@pytest.mark.parametrize("place", ["after", "before"])
def test_filter_in_another_order_from_a_cursor(log: Log, place: str, sort: str, query: str) -> None:
    cursor: dict[str, Any] = {place: middle(log, sort)}

    plan = plan_of(log, filtered(log, query), sort, **cursor)

    assert "" not in plan.indexes(log), plan.text
    assert not plan.sorts(), plan.text
    # Where little is left of a day behind the cursor, all of that may be read.
    assert plan.rows_read <= COUNT // 50, plan.text


@pytest.mark.parametrize("query", ["channel=own&code=0", "outcome=expired", "outcome=expired&push_type=user"])
@pytest.mark.parametrize("sort", [sort for sort in EVERY_SORT if sort not in BY_STATUS])
def test_filter_that_one_in_forty_passes_in_another_order(log: Log, sort: str, query: str) -> None:
    """The order until there are fifty of them. The others are passed over in its index, which has their outcome."""
    plan = plan_of(log, filtered(log, query), sort)

    assert "" not in plan.indexes(log), plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize("query", ["outcome=expired", "outcome=failed", "outcome=received", "channel=own&code=0"])
@pytest.mark.parametrize("sort", ["status", "-status"])
def test_filter_by_outcome_in_the_order_of_status(log: Log, sort: str, query: str) -> None:
    plan = plan_of(log, filtered(log, query), sort)

    assert plan.indexes(log) <= {"message_status", "message_outcome"}, plan.text
    assert plan.rows_read <= COUNT // 5, plan.text


@pytest.mark.parametrize("sort", EVERY_SORT)
@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({"target_id": "hot"}, HOT),
        ({"customer_message_id": "shared"}, HOT),
        ({"target_id": "target-13"}, 1),
        ({"customer_message_id": "nothing"}, 0),
        ({"target_id": "hot", "customer_message_id": "shared"}, 0),
    ],
)
def test_search_in_another_order(log: Log, terms: dict[str, str], found: int, sort: str) -> None:
    plan = plan_of(log, Message.objects.matching(log.app, **terms, now=NOW), sort)

    assert "" not in plan.indexes(log), plan.text
    assert plan.rows_read <= found + READABLE, plan.text


@pytest.mark.parametrize("sort", ["-created_at", "title", "-status"])
@pytest.mark.parametrize(
    "query",
    [
        "channel=apns&code=2009",
        "channel=own&code=2",
        "outcome=failed",
        "outcome=received",
        "outcome=waiting",
        "outcome=expired",
        "mode=multiple",
        "mode=simple",
        "push_type=harmony",
        "push_type=user",
        f"created_from={ago(days=4)}&created_to={ago(days=3)}",
    ],
)
@pytest.mark.parametrize(
    "terms",
    [
        {"target_id": "hot"},
        {"customer_message_id": "shared"},
        {"target_id": "hot", "customer_message_id": "message-14"},
    ],
)
def test_search_with_a_filter_reads_no_more_than_was_found(
    log: Log, terms: dict[str, str], query: str, sort: str
) -> None:
    filters = FoundFilter(QueryDict(query), queryset=Message.objects.matching(log.app, **terms, now=NOW))
    assert filters.is_valid(), filters.errors

    plan = plan_of(log, filters.qs, sort)

    assert "" not in plan.indexes(log), plan.text
    assert plan.rows_read <= (FEW if len(terms) > 1 else HOT), plan.text


def test_list_leaves_out_partitions_behind_the_window(log: Log) -> None:
    later = NOW + timedelta(days=28)

    plan = plan_of(log, Message.objects.listed(log.app, now=later))

    days = {f"{NOW - timedelta(days=days):%Y%m%d}" for days in range(3, 7)}
    assert not any(node.get("Relation Name", "")[-8:] in days for node in plan.nodes), plan.text
