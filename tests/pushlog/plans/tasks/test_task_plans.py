"""Plans of the list of push tasks and of a task's messages, on data as skewed as real ones."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from console.lists.filters import TaskFilter
from console.lists.tables import TASK_SORTS
from pushlog.keyset import page_of
from pushlog.models import Message, PushTask
from tests.pushlog.plans.plans import FEW, NOW, Log, check, plans_of
from tests.pushlog.plans.tasks.task_plans import INDEX_OF_SORT, ORDERS, RUN, TASKS, middle, plan_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("sort", ORDERS)
def test_first_page(log: Log, sort: str) -> None:
    plan = plan_of(log, PushTask.objects.findable(log.app, now=NOW), sort)

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    check(plan, sortable=0)


@pytest.mark.parametrize("place", ["after", "before"])
@pytest.mark.parametrize("sort", ORDERS)
def test_page_from_a_cursor(log: Log, sort: str, place: str) -> None:
    plan = plan_of(log, PushTask.objects.findable(log.app, now=NOW), sort, **{place: middle(log, sort)})

    check(plan, sortable=0)
    if len(TASK_SORTS[sort.lstrip("-")]) > 1:
        assert all("ROW(" in node["Index Cond"] for node in plan.reads), plan.text


def filtered(log: Log, query: str) -> Any:
    """The list as the query string of its page narrows it."""
    days = {"three_days_ago": NOW - timedelta(days=3), "long_ago": NOW - timedelta(days=25)}
    query = query.format(**{name: f"{moment:%Y-%m-%d}" for name, moment in days.items()})
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
        ("day={three_days_ago}", "push_task_newest"),
        ("day={long_ago}", "push_task_newest"),
        ("day=2020-01-01", "push_task_newest"),
    ],
)
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_filter(log: Log, query: str, index: str, place: str | None) -> None:
    options: dict[str, Any] = {place: middle(log, "-pushed_at")} if place else {}

    plan = plan_of(log, filtered(log, query), **options)

    assert place or plan.indexes(log) == {index}, plan.text
    check(plan)


@pytest.mark.parametrize("query", ["state=finished", "target_kind=accounts", "state=finished&target_kind=accounts"])
def test_filter_that_nearly_every_task_passes(log: Log, query: str) -> None:
    plan = plan_of(log, filtered(log, query))

    check(plan, sortable=0)


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
@pytest.mark.parametrize("sort", ORDERS)
def test_filter_in_another_order(log: Log, sort: str, query: str) -> None:
    plan = plan_of(log, filtered(log, query), sort)

    check(plan)


def test_filter_by_day_in_the_order_of_push_ids(log: Log) -> None:
    """The order is read in its index up to the end of the page: the planner does not know that push IDs go with time.

    The filter must not use that either: senders choose push IDs as they like.
    """
    found = filtered(log, "day={three_days_ago}")
    last = found.order_by("push_id").values_list("push_id", flat=True)[50]

    plan = plan_of(log, found, "push_id")

    check(plan, readable=PushTask.objects.filter(app=log.app, push_id__lte=last).count())


@pytest.mark.parametrize("sort", ORDERS)
def test_filter_that_one_in_twenty_passes_in_another_order(log: Log, sort: str) -> None:
    """All matches are read, or the order up to fifty of them: both are a small part of the list."""
    plan = plan_of(log, filtered(log, "target_kind=tag"), sort)

    assert plan.rows_read <= TASKS // 6, plan.text


@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.parametrize("push_id", ["hot", "rare", "nothing"])
def test_messages_of_a_task_are_counted_from_their_index_alone(log: Log, push_id: str) -> None:
    with connection.cursor() as cursor:
        # The rows of this open transaction are not marked as visible to all, which makes an index-only scan cheap.
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    messages = Message.objects.of_task(log.app, push_id, now=NOW)

    [plan] = plans_of(log, lambda: messages.count_outcomes(now=NOW, limit=100_000))

    assert {node["Node Type"] for node in plan.reads} == {"Index Only Scan"}, plan.text
    assert plan.indexes(log) == {"message_task"}, plan.text
    # Partition by partition from the newest on, so that nothing is read beyond the bound.
    assert not {"Sort", "Incremental Sort", "Merge Append"} & {node["Node Type"] for node in plan.nodes}, plan.text
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
    check(plan, readable=len(RUN))
