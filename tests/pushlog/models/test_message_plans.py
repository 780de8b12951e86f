"""Plans of the list's and the search's queries, on a log as skewed as real ones (rule D in the lessons).

No partition with more than a few rows may be read as a whole, whatever the value: each page must come out of the index
that was made for it. What cannot be read in its order is sorted only where the planner expects few rows.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict

from console.filters import MessageFilter
from console.tables import SORTS
from pushlog import message_ids
from pushlog.models import Message
from tests.pushlog.models.plans import INDEX_OF_SORT, NOW, Log, log, plan_of

__all__ = ["log"]  # the fixture

pytestmark = pytest.mark.django_db


def middle(log: Log, sort: str) -> list[Any]:
    """A place in the midst of the list: for most sorts, in the midst of rows that all have the same value."""
    keys = SORTS[sort.lstrip("-")]
    listed = Message.objects.listed(log.app, now=NOW)
    rows = listed.order_by(*(f"-{key}" if sort.startswith("-") else key for key in keys))
    row = rows[listed.count() * 6 // 10]
    return [str(value) if key == "id" else value for key in keys for value in [getattr(row, key)]]


EVERY_SORT = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_first_page(log: Log, sort: str) -> None:
    plan = plan_of(log, Message.objects.listed(log.app, now=NOW), sort)

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    assert not any(node["Node Type"] == "Sort" for node in plan.nodes), plan.text


@pytest.mark.parametrize(
    ("sort", "place"),
    [(sort, place) for sort in EVERY_SORT for place in ("after", "before")],
)
def test_page_from_a_cursor(log: Log, sort: str, place: str) -> None:
    plan = plan_of(log, Message.objects.listed(log.app, now=NOW), sort, **{place: middle(log, sort)})

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    assert not any(node["Node Type"] == "Sort" for node in plan.nodes), plan.text
    if len(SORTS[sort.lstrip("-")]) > 1:
        assert all("ROW(" in node["Index Cond"] for node in plan.reads), plan.text


@pytest.mark.parametrize(("sort", "place"), [("-created_at", "after"), ("created_at", "before")])
def test_cursor_leaves_out_newer_partitions(log: Log, sort: str, place: str) -> None:
    cursor = middle(log, "-created_at")

    plan = plan_of(log, Message.objects.listed(log.app, now=NOW), sort, **{place: cursor})

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
def test_search(log: Log, terms: dict[str, str], index: str | None) -> None:
    """With one rare ID and one common, the planner may take the rare one's own index as well."""
    plan = plan_of(log, Message.objects.matching(log.app, **terms, now=NOW))

    either = {"message_pair", "message_target", "message_customer_id"}
    assert plan.indexes(log) <= ({index} if index else either), plan.text
    assert not plan.sorts(), plan.text


def _time(days: int) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("push_type=user", "message_push_type"),
        ("push_type=ios", "message_push_type"),
        ("push_type=harmony", "message_push_type"),
        ("mode=simple", "message_mode"),
        ("mode=template", "message_mode"),
        ("outcome=received", "message_outcome"),
        ("outcome=failed", "message_outcome"),
        ("outcome=unknown", "message_outcome"),
        ("outcome=waiting", "message_outcome"),
        ("outcome=expired", "message_outcome"),
        ("channel=own&code=2", "message_status"),
        ("channel=apns&code=2009", "message_status"),
        ("channel=oppo&code=33", "message_status"),
        (f"created_from={_time(2)}", "message_newest"),
        (f"created_to={_time(2)}", "message_newest"),
        (f"created_from={_time(4)}&created_to={_time(3)}", "message_newest"),
    ],
)
def test_filter(log: Log, query: str, index: str) -> None:
    filters = MessageFilter(QueryDict(query), queryset=Message.objects.listed(log.app, now=NOW))
    assert filters.is_valid(), filters.errors

    plan = plan_of(log, filters.qs)

    # A filter that nearly every row passes may as well be read off the newest rows.
    common = query in {"push_type=user", "mode=simple", "outcome=received", "channel=own&code=2"}
    assert plan.indexes(log) <= ({index, "message_newest"} if common else {index}), plan.text
    assert not plan.sorts(), plan.text


def test_filter_by_time_leaves_out_other_partitions(log: Log) -> None:
    query = QueryDict(f"created_from={_time(3)}&created_to={_time(2)}")

    plan = plan_of(log, MessageFilter(query, queryset=Message.objects.listed(log.app, now=NOW)).qs)

    assert 1 <= len(plan.reads) <= 2, plan.text
