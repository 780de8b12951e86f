"""Plans of the list's and the search's queries, on a log as skewed as real ones.

Whatever the value, a page reads few rows, and sorts only where the planner expects few. That each index is used is
asserted once. Orders other than a filter's or a search's own are in test_other_plans.py.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from console.lists.tables import SORTS
from pushlog import message_ids
from pushlog.models import Message
from pushlog.statuses import Outcome
from tests.pushlog.plans.plans import (
    FILTERS,
    INDEX_OF_SORT,
    NOW,
    ORDERS,
    Log,
    check,
    filtered,
    middle,
    plan_of,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sort", ORDERS)
def test_first_page(log: Log, sort: str, once: bool) -> None:
    plan = plan_of(log, Message.objects.listed(log.app, now=NOW), sort, once=once)

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    check(plan, sortable=0)


@pytest.mark.parametrize("place", ["after", "before"])
@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.usefixtures("_as_in_a_large_log")
def test_page_from_a_cursor(log: Log, sort: str, place: str, once: bool) -> None:
    plan = plan_of(log, Message.objects.listed(log.app, now=NOW), sort, once=once, **{place: middle(log, sort)})

    check(plan, sortable=0)
    if len(SORTS[sort.lstrip("-")]) > 1:
        assert all("ROW(" in node["Index Cond"] for node in plan.reads), plan.text


@pytest.mark.parametrize(("sort", "place"), [("-created_at", "after"), ("created_at", "before")])
def test_cursor_leaves_out_newer_partitions(log: Log, sort: str, place: str, once: bool) -> None:
    cursor = middle(log, "-created_at")

    plan = plan_of(log, Message.objects.listed(log.app, now=NOW), sort, once=once, **{place: cursor})

    read = {node["Relation Name"] for node in plan.nodes if "Relation Name" in node}
    day = message_ids.created_at(UUID(cursor[0])).date()
    assert {name[-8:] for name in read} <= {f"{day - timedelta(days=days):%Y%m%d}" for days in range(31)}
    assert plan.reads


@pytest.mark.parametrize(
    ("terms", "index"),
    [
        ({"target_id": "hot"}, "message_target"),
        ({"target_id": "target-13"}, "message_target"),
        ({"target_id": "nobody"}, "message_target"),
        ({"customer_message_id": "shared"}, "message_customer_id"),
        ({"customer_message_id": "message-12"}, "message_customer_id"),
        ({"customer_message_id": "nothing"}, "message_customer_id"),
        ({"target_id": "hot", "customer_message_id": "shared"}, "message_pair"),
        ({"target_id": "nobody", "customer_message_id": "shared"}, None),
        ({"target_id": "hot", "customer_message_id": "message-14"}, None),
    ],
)
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_search(log: Log, terms: dict[str, str], index: str | None, place: str | None) -> None:
    """With one rare ID and one common, the planner may take the rare one's own index as well."""
    options: dict[str, Any] = {place: middle(log, "-created_at")} if place else {}

    plan = plan_of(log, Message.objects.matching(log.app, **terms, now=NOW), **options)

    either = {"message_pair", "message_target", "message_customer_id"}
    assert place or plan.indexes(log) <= ({index} if index else either), plan.text
    check(plan)


@pytest.mark.parametrize("customer_message_id", ["shared", "message-14", "nothing"])
@pytest.mark.parametrize("target_id", ["hot", "nobody"])
@pytest.mark.parametrize(("sort", "place"), [("-created_at", None), ("-created_at", "after"), ("title", "before")])
def test_search_by_both_that_is_planned_once(
    log: Log, sort: str, place: str | None, target_id: str, customer_message_id: str
) -> None:
    options: dict[str, Any] = {place: middle(log, sort)} if place else {}
    found = Message.objects.matching(log.app, target_id=target_id, customer_message_id=customer_message_id, now=NOW)

    plan = plan_of(log, found, sort, once=True, **options)

    assert plan.indexes(log) == {"message_pair"}, plan.text
    check(plan)


@pytest.mark.parametrize(("query", "index"), FILTERS)
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_filter(log: Log, place: str | None, query: str, index: str) -> None:
    options: dict[str, Any] = {place: middle(log, "-created_at")} if place else {}

    plan = plan_of(log, filtered(log, query), **options)

    # For a filter that nearly every row passes, the newest rows may be read instead.
    common = query in {"push_type=user", "mode=simple", "outcome=received", "status=own+2"}
    # For a status that nearly all rows of its outcome have, the rows of the outcome.
    either = {index, "message_outcome"} if index == "message_status" else {index}
    assert place or plan.indexes(log) <= (either | {"message_newest"} if common else either), plan.text
    check(plan)


def test_filter_by_waiting(log: Log) -> None:
    """Where few still wait, all that have expired are read too, in an index: no index knows the time of day.

    An index by expiry time would not help. Its rows must be sorted, and the planner takes those that have not expired
    for evenly spread over the log. So it would read along the order all the same.
    """
    waited = Message.objects.filter(app=log.app, outcome=Outcome.WAITING).count()

    plan = plan_of(log, filtered(log, "outcome=waiting"))

    assert plan.indexes(log) == {"message_outcome"}, plan.text
    check(plan, readable=waited)


@pytest.mark.parametrize(
    "query",
    [
        "outcome=failed&push_type=user",
        "outcome=failed&push_type=ios",
        "outcome=received&push_type=ios",
        "outcome=received&push_type=user&mode=simple",
        "status=apns+2009&outcome=received",
        "status=own+2&push_type=harmony",
        "mode=template&outcome=expired",
        "outcome=failed&created_to={two_days_ago}",
        "push_type=user&created_from={four_days_ago}&created_to={three_days_ago}",
    ],
)
def test_filters_together_read_what_the_rarest_of_them_finds(log: Log, query: str) -> None:
    plan = plan_of(log, filtered(log, query))

    check(plan)


def test_filter_by_time_leaves_out_other_partitions(log: Log) -> None:
    plan = plan_of(log, filtered(log, "created_from={three_days_ago}&created_to={two_days_ago}"))

    assert 1 <= len(plan.reads) <= 2, plan.text
