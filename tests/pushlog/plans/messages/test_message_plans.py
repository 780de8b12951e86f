"""Plans of the list's and the search's queries, on a log as skewed as real ones.

Whatever the value, a page reads few rows, and sorts only where the planner expects few. That each index is used is
asserted once. Orders other than a filter's or a search's own are in test_other_plans.py.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from console.lists.tables import SORTS
from pushlog import message_ids, message_pages
from pushlog.message_pages import Question
from pushlog.models import Message
from pushlog.statuses import Outcome
from tests.pushlog.plans.plans import (
    FILTERS,
    INDEX_OF_SORT,
    NOW,
    ORDERS,
    READABLE,
    Log,
    asked,
    check,
    middle,
    plan_of,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.usefixtures("once")
def test_first_page(log: Log, sort: str) -> None:
    plan = plan_of(log, Question(log.app, NOW), sort)

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    check(plan)


@pytest.mark.parametrize("place", ["after", "before"])
@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.usefixtures("once")
def test_page_from_a_cursor(log: Log, sort: str, place: str) -> None:
    plan = plan_of(log, Question(log.app, NOW), sort, **{place: middle(log, sort)})

    check(plan)
    if len(SORTS[sort.lstrip("-")]) > 1:
        assert all("ROW(" in node["Index Cond"] for node in plan.reads), plan.text


@pytest.mark.parametrize(("sort", "place"), [("-created_at", "after"), ("created_at", "before")])
@pytest.mark.usefixtures("once")
def test_cursor_leaves_out_newer_partitions(log: Log, sort: str, place: str) -> None:
    cursor = middle(log, "-created_at")

    plan = plan_of(log, Question(log.app, NOW), sort, **{place: cursor})

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

    plan = plan_of(log, asked(log, "", **terms), **options)

    either = {"message_pair", "message_target", "message_customer_id"}
    assert place or plan.indexes(log) <= ({index} if index else either), plan.text
    check(plan)


@pytest.mark.parametrize(("query", "index"), FILTERS)
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_filter(log: Log, place: str | None, query: str, index: str) -> None:
    options: dict[str, Any] = {place: middle(log, "-created_at")} if place else {}

    plan = plan_of(log, asked(log, query), **options)

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

    plan = plan_of(log, asked(log, "outcome=waiting"))

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
def test_filters_together_read_what_the_rarest_of_them_finds(
    log: Log, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_pages, "FIRST_WALKED", 150)

    # The one that was tried first may have been the common one.
    check(plan_of(log, asked(log, query)), readable=2 * READABLE)
