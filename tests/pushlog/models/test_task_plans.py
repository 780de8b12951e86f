"""Plans of the list of push tasks and of a task's messages, on data as skewed as real ones (rule D in the lessons)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from console.filters import TaskFilter
from console.outcomes import count_outcomes
from console.pages import page_of
from console.tables import TASK_SORTS
from pushlog import ingest
from pushlog.models import Message, PushTask
from tests import factories
from tests.pushlog.models.plans import FEW, NOW, Log, Plan, explain, undone

pytestmark = pytest.mark.django_db

TASKS = 12_000
MESSAGES = 12_000
RUN = range(6_000, 7_000)
INDEX_OF_SORT = {"push_id": "push_task_once"} | {
    name: f"push_task_{name}" for name in ("title", "target_kind", "message_type", "environment", "state")
}
INDEX_OF_SORT["pushed_at"] = "push_task_newest"
EVERY_SORT = [f"{sign}{name}" for name in TASK_SORTS for sign in ("", "-")]


def _task(number: int) -> dict[str, Any]:
    """Nearly all are finished, to accounts, notifications and in production; some titles are most tasks'."""
    return factories.task_row(
        push_id=f"{number:08}",
        pushed_at=NOW - timedelta(seconds=number * 200),
        state="failed" if number % 500 == 3 else "started" if number % 5000 == 1 else "finished",
        target_kind="all" if number % 400 == 0 else "tag" if number % 20 == 0 else "accounts",
        message_type="data" if number % 1000 == 0 else "notification",
        environment="development" if number % 1000 == 7 else "production",
        title="Your order" if number % 3 else f"Title {number}",
        targets=["a" * 40] * 10,
    )


def _message(number: int) -> dict[str, Any]:
    """A run of them is of one task, and one in three thousand of another."""
    return factories.message_row(
        # All of yesterday, so of one partition: many small ones would be read whole whatever they hold.
        created_at=NOW.replace(hour=0, minute=0, second=0) - timedelta(seconds=1 + number * 7),
        mode="multiple" if number in RUN else "simple",
        task="hot" if number in RUN else "rare" if number % 3000 == 0 else "",
        expires_in=3600,
    )


@pytest.fixture(scope="module")
def log(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """Loaded once, and undone behind the last test of this file. Another app has a fifth of the tasks."""
    with django_db_blocker.unblock(), undone():
        app, other = factories.create_app(), factories.create_app()
        for one, numbers in (app, range(TASKS * 4 // 5)), (other, range(TASKS // 5)):
            rows = [_task(number) for number in numbers]
            for start in range(0, len(rows), ingest.MAX_ROWS):
                assert not ingest.tasks(app=one, rows=rows[start : start + ingest.MAX_ROWS], now=NOW).rejected
        for start in range(0, MESSAGES, ingest.MAX_ROWS):
            numbers = range(start, min(start + ingest.MAX_ROWS, MESSAGES))
            factories.create_messages(app, [_message(number) for number in numbers], now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE pushlog_message, pushlog_pushtask")
            cursor.execute("SELECT tableoid::regclass::text, count(*) FROM pushlog_message GROUP BY 1")
            rows_of = dict(cursor.fetchall()) | {"pushlog_pushtask": TASKS}
            cursor.execute(
                "SELECT child.relname, parent.relname FROM pg_inherits"
                " JOIN pg_class child ON child.oid = inhrelid AND child.relkind = 'i'"
                " JOIN pg_class parent ON parent.oid = inhparent"
            )
            yield Log(app, rows_of, dict(cursor.fetchall()))


def plan_of(log: Log, queryset: Any, sort: str = "-pushed_at", **place: Any) -> Plan:
    """How PostgreSQL gets a page of these tasks, asked for as the page does."""
    with CaptureQueriesContext(connection) as captured:
        page_of(queryset.for_rows(), keys=TASK_SORTS[sort.lstrip("-")], descending=sort.startswith("-"), **place)
    return explain(log, captured)


def middle(log: Log, sort: str) -> list[Any]:
    """A place in the midst of the list: for most sorts, in the midst of rows that all have the same value."""
    keys = TASK_SORTS[sort.lstrip("-")]
    tasks = PushTask.objects.findable(log.app, now=NOW)
    row = tasks.order_by(*(f"-{key}" if sort.startswith("-") else key for key in keys))[TASKS // 2]
    values = (getattr(row, key) for key in keys)
    return [value if isinstance(value, (str, int)) else value.isoformat() for value in values]


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_first_page(log: Log, sort: str) -> None:
    plan = plan_of(log, PushTask.objects.findable(log.app, now=NOW), sort)

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    assert "Sort" not in plan.text, plan.text


@pytest.mark.parametrize(("sort", "place"), [(sort, place) for sort in EVERY_SORT for place in ("after", "before")])
def test_page_from_a_cursor(log: Log, sort: str, place: str) -> None:
    plan = plan_of(log, PushTask.objects.findable(log.app, now=NOW), sort, **{place: middle(log, sort)})

    assert plan.indexes(log) == {INDEX_OF_SORT[sort.lstrip("-")]}, plan.text
    assert "Sort" not in plan.text, plan.text
    if len(TASK_SORTS[sort.lstrip("-")]) > 1:
        assert all("ROW(" in node["Index Cond"] for node in plan.reads), plan.text


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
def test_filter(log: Log, query: str, index: str) -> None:
    tasks = TaskFilter(QueryDict(query), queryset=PushTask.objects.findable(log.app, now=NOW)).qs

    plan = plan_of(log, tasks)

    assert plan.indexes(log) == {index}, plan.text
    assert not plan.sorts(), plan.text


@pytest.mark.parametrize("query", ["state=finished", "target_kind=accounts", "state=finished&target_kind=accounts"])
def test_filter_that_nearly_every_task_passes(log: Log, query: str) -> None:
    tasks = TaskFilter(QueryDict(query), queryset=PushTask.objects.findable(log.app, now=NOW)).qs

    plan = plan_of(log, tasks)

    # It may as well be read off the newest ones.
    assert plan.indexes(log) <= {"push_task_newest", "push_task_state", "push_task_target_kind"}, plan.text
    assert "Sort" not in plan.text, plan.text


@pytest.mark.parametrize("query", ["state=failed", "target_kind=tag", "state=failed&target_kind=all", "state=finished"])
@pytest.mark.parametrize("sort", ["title", "-push_id", "environment"])
def test_filter_in_another_order_does_not_read_the_whole_table(log: Log, query: str, sort: str) -> None:
    tasks = TaskFilter(QueryDict(query), queryset=PushTask.objects.findable(log.app, now=NOW)).qs

    plan = plan_of(log, tasks, sort)

    assert "" not in plan.indexes(log), plan.text


@pytest.mark.parametrize("push_id", ["00000007", "nothing"])
def test_task_is_found_by_its_push_id(log: Log, push_id: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        PushTask.objects.findable(log.app, now=NOW).filter(push_id=push_id).exists()

    assert explain(log, captured).indexes(log) == {"push_task_once"}


@pytest.fixture
def _as_in_a_large_log(log: Log) -> None:
    """Many messages are one task's: in so small a log, to read all of it is right. So it is made dear."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.parametrize("push_id", ["hot", "rare", "nothing"])
def test_messages_of_a_task_are_counted_from_their_index_alone(log: Log, push_id: str) -> None:
    with connection.cursor() as cursor:
        # Nothing of a transaction that is still open is marked as visible to all, which is what makes this scan cheap.
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    with CaptureQueriesContext(connection) as captured:
        count_outcomes(Message.objects.of_task(log.app, push_id, now=NOW), now=NOW)

    plan = explain(log, captured)
    assert {node["Node Type"] for node in plan.reads} == {"Index Only Scan"}, plan.text
    assert plan.indexes(log) == {"message_task"}, plan.text
    # Partition by partition from the newest on: nothing is read beyond the bound.
    assert "Sort" not in plan.text, plan.text


@pytest.mark.usefixtures("_as_in_a_large_log")
@pytest.mark.parametrize("push_id", ["hot", "rare", "nothing"])
@pytest.mark.parametrize("place", [None, "after", "before"])
def test_page_of_a_tasks_messages(log: Log, push_id: str, place: str | None) -> None:
    messages = Message.objects.of_task(log.app, push_id, now=NOW)
    somewhere = Message.objects.of_task(log.app, "hot", now=NOW).order_by("pk")[len(RUN) // 2]
    options: dict[str, Any] = {place: [str(somewhere.pk)]} if place else {}

    with CaptureQueriesContext(connection) as captured:
        page_of(messages.for_rows(), keys=("id",), descending=True, **options)

    plan = explain(log, captured)
    assert any(rows > FEW for name, rows in log.rows.items() if name != "pushlog_pushtask")
    assert plan.indexes(log) == {"message_task"}, plan.text
    assert not plan.sorts(), plan.text
