"""Plans of the list of push tasks and of a task's messages, on data as skewed as real ones (rule D in the lessons)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from console.lists.filters import TaskFilter
from console.lists.tables import TASK_SORTS
from pushlog.keyset import page_of
from pushlog.models import Message, PushTask
from tests.pushlog.models.plans import FEW, NOW, READABLE, Log, plans_of
from tests.pushlog.models.task_plans import EVERY_SORT, INDEX_OF_SORT, RUN, TASKS, log, middle, plan_of

__all__ = ["log"]  # the fixture

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_first_page(log: Log, sort: str) -> None:
    plan = plan_of(log, PushTask.objects.findable(log.app, now=NOW), sort)

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    assert "Sort" not in plan.text, plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize(("sort", "place"), [(sort, place) for sort in EVERY_SORT for place in ("after", "before")])
def test_page_from_a_cursor(log: Log, sort: str, place: str) -> None:
    plan = plan_of(log, PushTask.objects.findable(log.app, now=NOW), sort, **{place: middle(log, sort)})

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    assert "Sort" not in plan.text, plan.text
    assert plan.rows_read <= READABLE, plan.text
    if len(TASK_SORTS[sort.lstrip("-")]) > 1:
        assert all("ROW(" in node["Index Cond"] for node in plan.reads), plan.text


def filtered(log: Log, query: str) -> Any:
    """The list as the query string of its page narrows it."""
    filters = TaskFilter(QueryDict(query), queryset=PushTask.objects.findable(log.app, now=NOW))
    assert filters.is_valid(), filters.errors
    return filters.qs


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("state=failed", "push_task_state"),
        ("state=started", "push_task_state"),
        ("state=terminated", "push_task_state"),
        ("target_kind=all", "push_task_target_kind"),
        ("target_kind=account_file", "push_task_target_kind"),
        (f"day={NOW - timedelta(days=3):%Y-%m-%d}", "push_task_newest"),
        (f"day={NOW - timedelta(days=25):%Y-%m-%d}", "push_task_newest"),
        ("day=2020-01-01", "push_task_newest"),
    ],
)
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_filter(log: Log, query: str, index: str, place: str | None) -> None:
    options: dict[str, Any] = {place: middle(log, "-pushed_at")} if place else {}

    plan = plan_of(log, filtered(log, query), **options)

    assert plan.indexes(log) == {index}, plan.text
    assert not plan.sorts(), plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize("query", ["state=finished", "target_kind=accounts", "state=finished&target_kind=accounts"])
def test_filter_that_nearly_every_task_passes(log: Log, query: str) -> None:
    plan = plan_of(log, filtered(log, query))

    # It may as well be read off the newest ones.
    assert plan.indexes(log) <= {"push_task_newest", "push_task_state", "push_task_target_kind"}, plan.text
    assert "Sort" not in plan.text, plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize(
    "query",
    [
        "state=failed",
        "state=terminated",
        "state=finished",
        "target_kind=all",
        "target_kind=accounts",
        "state=failed&target_kind=all",
        "state=cancelled",
        "target_kind=device_file",
        "state=cancelled&target_kind=device_file",
        "state=cancelled&message_type=data",
        "day=2020-01-01",
    ],
)
@pytest.mark.parametrize("sort", EVERY_SORT)
def test_filter_in_another_order(log: Log, sort: str, query: str) -> None:
    plan = plan_of(log, filtered(log, query), sort)

    assert "" not in plan.indexes(log), plan.text
    assert plan.rows_read <= READABLE, plan.text


@pytest.mark.parametrize("sort", ["push_id", "-push_id"])
def test_filter_by_day_in_the_order_of_push_ids(log: Log, sort: str) -> None:
    """The order is read as far as the page, in its index, for nothing tells the planner that push IDs go with time.

    The filter must not tell it either: senders choose them as they like.
    """
    found = filtered(log, f"day={NOW - timedelta(days=3):%Y-%m-%d}")
    last = found.order_by(sort).values_list("push_id", flat=True)[50]
    behind = {"push_id__lte": last} if sort == "push_id" else {"push_id__gte": last}

    plan = plan_of(log, found, sort)

    assert plan.indexes(log) == {"push_task_once"}, plan.text
    assert not plan.sorts(), plan.text
    assert plan.rows_read <= PushTask.objects.filter(app=log.app, **behind).count(), plan.text


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_filter_that_one_in_twenty_passes_in_another_order(log: Log, sort: str) -> None:
    """All of them, or the order until there are fifty of them: both are a small part of the list."""
    plan = plan_of(log, filtered(log, "target_kind=tag"), sort)

    assert "" not in plan.indexes(log), plan.text
    assert plan.rows_read <= TASKS // 6, plan.text


@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.parametrize("push_id", ["hot", "rare", "nothing"])
def test_messages_of_a_task_are_counted_from_their_index_alone(log: Log, push_id: str) -> None:
    with connection.cursor() as cursor:
        # Nothing of a transaction that is still open is marked as visible to all, which is what makes this scan cheap.
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    messages = Message.objects.of_task(log.app, push_id, now=NOW)

    [plan] = plans_of(log, lambda: messages.count_outcomes(now=NOW, limit=100_000))

    assert {node["Node Type"] for node in plan.reads} == {"Index Only Scan"}, plan.text
    assert plan.indexes(log) == {"message_task"}, plan.text
    # Partition by partition from the newest on: nothing is read beyond the bound.
    assert "Sort" not in plan.text, plan.text
    assert plan.rows_read == {"hot": len(RUN), "rare": 3, "nothing": 0}[push_id], plan.text


@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.parametrize("push_id", ["hot", "rare", "nothing"])
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_page_of_a_tasks_messages(log: Log, push_id: str, place: str | None) -> None:
    messages = Message.objects.of_task(log.app, push_id, now=NOW)
    somewhere = Message.objects.of_task(log.app, "hot", now=NOW).order_by("pk")[len(RUN) // 2]
    options: dict[str, Any] = {place: [str(somewhere.pk)]} if place else {}

    [plan] = plans_of(log, lambda: page_of(messages.for_rows(), keys=("id",), descending=True, **options))

    assert any(rows > FEW for name, rows in log.rows.items() if name.startswith("pushlog_message_"))
    assert plan.indexes(log) == {"message_task"}, plan.text
    assert not plan.sorts(), plan.text
    assert plan.rows_read <= len(RUN), plan.text
