"""Pages in an order for which no index has the filter or the search: they read no more than the bounds allow."""

from datetime import timedelta
from typing import Any

import pytest

from pushlog import message_pages, walks
from pushlog.message_pages import Question
from tests.pushlog.plans.plans import (
    COUNT,
    HOT,
    NOW,
    ORDERS,
    READABLE,
    Log,
    asked,
    check,
    middle,
    plan_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_as_in_a_large_log", "_bounds")]

FIRST, SORTED, WALKED = 100, 400, 1000
# The first look, two attempts to sort, and the walk; and an entry of each partition in each of them.
BOUND = FIRST + 2 * (SORTED + 1) + WALKED + 4 * 40


@pytest.fixture
def _bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far below this log as the real ones are below a real log."""
    monkeypatch.setattr(message_pages, "FIRST_WALKED", FIRST)
    monkeypatch.setattr(walks, "SORTED", SORTED)
    monkeypatch.setattr(walks, "WALKED", WALKED)


# Filters by what nobody has, by what few have, and by what most have.
CLEAR_FILTERS = [
    "push_type=harmony",
    "outcome=unknown",
    "status=oppo+33",
    "push_type=ios",
    "mode=template",
    "outcome=failed",
    "status=apns+2009",
    "outcome=failed&push_type=user",
    "outcome=received&push_type=ios",
    "created_from={four_days_ago}&created_to={two_minutes_later}",
    "push_type=user",
    "mode=simple",
    "outcome=received",
    "status=own+2",
    "created_from={four_days_ago}&created_to={three_days_ago}",
]


@pytest.mark.parametrize("query", CLEAR_FILTERS)
@pytest.mark.parametrize("sort", ORDERS)
def test_filter_in_another_order(log: Log, sort: str, query: str) -> None:
    plan = plan_of(log, asked(log, query), sort)

    check(plan, readable=BOUND)


@pytest.mark.parametrize("query", ["status=apns+2009", "push_type=harmony", "outcome=received", "push_type=user"])
@pytest.mark.parametrize("sort", ["title", "-target_id", "-customer_message_id", "push_type"])
@pytest.mark.parametrize("place", ["after", "before"])
def test_filter_in_another_order_from_a_cursor(log: Log, place: str, sort: str, query: str) -> None:
    cursor: dict[str, Any] = {place: middle(log, sort)}

    plan = plan_of(log, asked(log, query), sort, **cursor)

    check(plan, readable=BOUND)


@pytest.mark.parametrize("query", ["status=own+0", "outcome=expired", "outcome=expired&push_type=user"])
@pytest.mark.parametrize("sort", [sort for sort in ORDERS if sort != "status"])
def test_filter_that_one_in_forty_passes_in_another_order(log: Log, sort: str, query: str) -> None:
    plan = plan_of(log, asked(log, query), sort)

    check(plan, readable=BOUND)


@pytest.mark.parametrize("query", ["outcome=expired", "outcome=failed", "outcome=received", "status=own+0"])
def test_filter_by_outcome_in_the_order_of_status(log: Log, query: str) -> None:
    plan = plan_of(log, asked(log, query), "status")

    assert plan.rows_read <= COUNT // 5, plan.text


@pytest.mark.parametrize("sort", ORDERS)
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
    plan = plan_of(log, asked(log, "", **terms), sort)

    assert plan.rows_read <= min(found, SORTED + 1) + READABLE, plan.text


@pytest.mark.parametrize("sort", ["-created_at", "title", "-status"])
@pytest.mark.parametrize(
    "query",
    [
        "status=apns+2009",
        "status=own+2",
        "outcome=failed",
        "outcome=received",
        "outcome=waiting",
        "outcome=expired",
        "mode=multiple",
        "mode=simple",
        "push_type=harmony",
        "push_type=user",
        "created_from={four_days_ago}&created_to={three_days_ago}",
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
def test_search_with_a_filter(log: Log, terms: dict[str, str], query: str, sort: str) -> None:
    plan = plan_of(log, asked(log, query, **terms), sort)

    check(plan, readable=BOUND)


def test_list_leaves_out_partitions_behind_the_window(log: Log) -> None:
    later = NOW + timedelta(days=28)

    plan = plan_of(log, Question(log.app, later))

    days = {f"{NOW - timedelta(days=days):%Y%m%d}" for days in range(3, 7)}
    assert not any(node.get("Relation Name", "")[-8:] in days for node in plan.nodes), plan.text
