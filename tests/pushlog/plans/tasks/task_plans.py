"""Push tasks and their messages, as skewed as real ones, for tests of plans."""

from datetime import timedelta
from typing import Any

from console.lists.tables import TASK_SORTS
from pushlog import ingest
from pushlog.keyset import page_of
from pushlog.models import PushTask
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog.plans.plans import NOW, Log, Plan, empty, log_of, plans_of

TASKS = 12_000
SECONDS = 200  # from a task to the next one
MESSAGES = 12_000
RUN = range(6_000, 7_000)
INDEX_OF_SORT = {"push_id": "push_task_once"} | {
    name: f"push_task_{name}" for name in ("title", "target_kind", "message_type", "environment", "state")
}
INDEX_OF_SORT["pushed_at"] = "push_task_newest"
# What every task of the other app is, and none of this one.
OTHER = {"state": "cancelled", "target_kind": "device_file"}
# Each order one way, and the default one both ways.
ORDERS = [
    "-pushed_at",
    "pushed_at",
    "-push_id",
    "title",
    "-target_kind",
    "message_type",
    "-environment",
    "state",
]
assert {order.lstrip("-") for order in ORDERS} == set(TASK_SORTS)


def _task(number: int) -> dict[str, Any]:
    """Nearly all are finished, to accounts, notifications and in production; some titles are most tasks'."""
    return factories.task_row(
        push_id=f"{number:08}",
        pushed_at=NOW - timedelta(seconds=number * SECONDS),
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


def load() -> Log:
    """Loads the tasks and their messages. Another app has a fifth of the tasks."""
    empty("pushlog_pushtask", *partitions.TABLES)
    app, other = factories.create_app(), factories.create_app()
    for one, numbers in (app, range(TASKS * 4 // 5)), (other, range(TASKS // 5)):
        rows = [_task(number) | ({} if one == app else OTHER) for number in numbers]
        for start in range(0, len(rows), ingest.MAX_ROWS):
            assert not ingest.write_tasks(app=one, rows=rows[start : start + ingest.MAX_ROWS], now=NOW).rejected
    for start in range(0, MESSAGES, ingest.MAX_ROWS):
        numbers = range(start, min(start + ingest.MAX_ROWS, MESSAGES))
        factories.create_messages(app, [_message(number) for number in numbers], now=NOW)
    return log_of(app, "pushlog_pushtask")


def plan_of(log: Log, queryset: Any, sort: str = "-pushed_at", **place: Any) -> Plan:
    """How PostgreSQL answers the console's query for a page of these tasks."""
    keys, descending = TASK_SORTS[sort.lstrip("-")], sort.startswith("-")
    [plan] = plans_of(log, lambda: page_of(queryset.for_rows(), keys=keys, descending=descending, **place))
    return plan


def middle(log: Log, sort: str) -> list[Any]:
    """A cursor in the middle of the list: for most sorts, among rows that all have the same value."""
    keys = TASK_SORTS[sort.lstrip("-")]
    tasks = PushTask.objects.findable(log.app, now=NOW)
    row = tasks.order_by(*(f"-{key}" if sort.startswith("-") else key for key in keys))[TASKS // 2]
    values = (getattr(row, key) for key in keys)
    return [value if isinstance(value, (str, int)) else value.isoformat() for value in values]
