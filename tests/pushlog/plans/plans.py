"""A log as skewed as real ones, and how PostgreSQL answers a query of it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.http import QueryDict

from console.lists.filters import FoundFilters
from console.lists.tables import SORTS
from pushlog import ingest, message_pages
from pushlog.message_pages import Question
from pushlog.models import App, Message
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog.sent import Statement, sent

# The last time it was 11 o'clock, so that midnight always falls on the same message. Otherwise the time of day decides
# whether a partition's orders begin with a run of multiple messages: before PostgreSQL 17 these are read one by one.
HOUR = 11
NOW = (datetime.now(UTC) - timedelta(hours=HOUR)).replace(hour=HOUR, minute=0, second=0, microsecond=0)
DAYS = 5
COUNT = 36_000
HOT = 5_000
# A partition of fewer rows is a handful of pages: a sequential scan is as good as an index.
FEW = 300
# A page may read this many: its 50, one from each partition, and those that a filter most rows pass drops.
READABLE = 200

INDEX_OF_SORT = {
    "customer_message_id": "message_customer_id",
    "push_type": "message_push_type",
    "target_id": "message_target",
    "title": "message_title",
    "status": "message_status",
    "created_at": "message_newest",
}
# An index is read backwards as well as forwards. So each order is tested one way, and the default one both ways.
ORDERS = ["-created_at", "created_at", "title", "-push_type", "-target_id", "status", "-customer_message_id"]
assert {order.lstrip("-") for order in ORDERS} == set(SORTS)


@dataclass
class Log:
    """The app with most of the log, the rows of each partition, and the model's index of each partition's index."""

    app: App
    rows: dict[str, int]
    index_of: dict[str, str]


def _message(number: int) -> dict[str, Any]:
    """A tenth of the log is a run of multiple messages."""
    created = NOW - timedelta(seconds=number * DAYS * 86_400 // COUNT)
    run = number // 1200 % 10 == 5
    return factories.message_row(
        created_at=created,
        mode="multiple" if run else "template" if number % 4000 == 3 else "simple",
        push_type="ios" if number % 3000 == 1 else "user" if number % 3 else "android",
        target_id="hot" if number % 7 == 0 and number < 7 * HOT else f"target-{number}",
        customer_message_id="shared" if number % 7 == 1 and number < 7 * HOT else f"message-{number}",
        # In runs, as campaigns write them, and whatever the status is.
        title=f"Title {number // 100 % 40}",
        expires_in=3600,
    )


def _receipt(number: int, identifier: Any) -> dict[str, Any]:
    channel, code = ("own", 2) if number % 100 > 2 else ("own", 0)
    if number % 3000 == 7:
        channel, code = "apns", 2009
    return {"message_id": str(identifier), "channel": channel, "code": code, "at": NOW.isoformat()}


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def empty(*tables: str) -> None:
    """Gives tables new files. The planner goes by size, and rolled back rows stay in a file until it is vacuumed."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}")


def load() -> Log:
    """Loads the log. Four out of five messages are one app's."""
    empty(*partitions.TABLES)
    app, other = factories.create_app(), factories.create_app()
    numbers = {app: [n for n in range(COUNT) if n % 5], other: [n for n in range(COUNT) if n % 5 == 0]}
    for one, its in numbers.items():
        for start in range(0, len(its), ingest.MAX_ROWS):
            part = its[start : start + ingest.MAX_ROWS]
            ids = factories.create_messages(one, [_message(number) for number in part], now=NOW)
            receipts = [_receipt(number, identifier) for number, identifier in zip(part, ids, strict=True)]
            assert not ingest.write_receipts(app=one, rows=receipts, now=NOW).rejected
    return log_of(app)


def log_of(app: App, *tables: str) -> Log:
    """Analyses the log and these tables, and describes them."""
    rows: dict[str, int] = {}
    with connection.cursor() as cursor:
        for table in (*partitions.TABLES, *tables):
            cursor.execute(f"ANALYZE {table}")
            cursor.execute(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1")
            rows |= dict(cursor.fetchall())
        cursor.execute(
            "SELECT child.relname, parent.relname FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid AND child.relkind = 'i'"
            " JOIN pg_class parent ON parent.oid = inhparent"
        )
        return Log(app, rows, dict(cursor.fetchall()))


@dataclass
class Plan:
    """The nodes of a plan, and those that read a table with more than FEW rows.

    `rows_read` counts the rows of the log that were really read, those that a filter dropped too. `rows_sorted` is the
    planner's estimate for the largest sort.
    """

    nodes: list[dict[str, Any]]
    reads: list[dict[str, Any]]
    rows_read: int
    rows_sorted: int

    def indexes(self, log: Log) -> set[str]:
        """The model's names of the indexes that are read; a sequential scan is ''."""
        used = (node.get("Index Name") or _bitmap_index(node) for node in self.reads)
        return {log.index_of.get(name, name) for name in used}

    @property
    def text(self) -> str:
        """For a failed test: a node a line, without those that were never executed."""
        told = re.compile("Node Type|Relation Name|Index Name|Plan Rows|Actual|Cond|Filter|Sort Key")
        return "\n".join(
            ", ".join(f"{name}: {value}" for name, value in node.items() if told.search(name))
            for node in self.nodes
            if node["Actual Loops"]
        )


def check(plan: Plan, *, readable: int = READABLE, sortable: int | None = None) -> None:
    """Few rows are read and few are sorted: no table with more is read as a whole."""
    assert sortable is None or plan.rows_sorted <= sortable, plan.text
    assert plan.rows_read <= readable, plan.text


def ago(**span: int) -> str:
    """A moment before now, as the filters' fields have it."""
    return (NOW - timedelta(**span)).strftime("%Y-%m-%dT%H:%M")


# Moments in the queries of tests, whose names must not contain the clock: pytest-xdist compares them.
MOMENTS = {
    "two_days_ago": ago(days=2),
    "three_days_ago": ago(days=3),
    "four_days_ago": ago(days=4),
    "two_minutes_later": ago(days=3, hours=23, minutes=58),
}
# A filter, and the index that gives its rows in the order of time.
FILTERS = [
    ("push_type=user", "message_push_type"),
    ("push_type=ios", "message_push_type"),
    ("push_type=harmony", "message_push_type"),
    ("mode=simple", "message_mode"),
    ("mode=template", "message_mode"),
    ("outcome=received", "message_outcome"),
    ("outcome=failed", "message_outcome"),
    ("outcome=accepted", "message_outcome"),
    ("outcome=unknown", "message_outcome"),
    ("outcome=expired", "message_outcome"),
    ("outcome=revoked", "message_revoked"),
    ("status=own+2", "message_status"),
    ("status=own+0", "message_status"),
    ("status=apns+2009", "message_status"),
    ("status=oppo+33", "message_status"),
    ("created_from={two_days_ago}", "message_newest"),
    ("created_to={two_days_ago}", "message_newest"),
    ("created_from={four_days_ago}&created_to={three_days_ago}", "message_newest"),
    ("created_from=2020-01-01T00:00&created_to=2020-01-02T00:00", "message_newest"),
]


def asked(log: Log, query: str, **terms: str) -> Question:
    """What the query string of a list asks for, with the names of MOMENTS."""
    filters = FoundFilters(QueryDict(query.format(**MOMENTS)))
    assert filters.is_valid(), filters.errors
    return filters.question(log.app, now=NOW, **terms)


def middle(log: Log, sort: str) -> list[Any]:
    """A cursor in the middle of the list: for most sorts, among rows that all have the same value."""
    keys = SORTS[sort.lstrip("-")]
    listed = Message.objects.listed(log.app, now=NOW)
    rows = listed.order_by(*(f"-{key}" if sort.startswith("-") else key for key in keys))
    row = rows[listed.count() * 6 // 10]
    return [str(value) if key == "id" else value for key in keys for value in [getattr(row, key)]]


def plan_of(log: Log, question: Question, sort: str = "-created_at", **place: Any) -> Plan:
    """How PostgreSQL answers all that a page of messages asks, as one plan."""
    keys, descending = SORTS[sort.lstrip("-")], sort.startswith("-")

    def act() -> None:
        with suppress(message_pages.TooMany):
            message_pages.page(question, keys=keys, descending=descending, **place)

    plans = plans_of(log, act, Message._meta.db_table)
    return Plan(
        [node for plan in plans for node in plan.nodes],
        [node for plan in plans for node in plan.reads],
        sum(plan.rows_read for plan in plans),
        max(plan.rows_sorted for plan in plans),
    )


def plans_of(log: Log, act: Callable[[], object], *tables: str) -> list[Plan]:
    """The plans of the statements that `act` sends; if tables are given, of those about them. There must be one."""
    with sent() as all_sent:
        act()
    found = [one for one in all_sent if one.has_plan and (not tables or any(table in one.sql for table in tables))]
    assert found
    return [_explain(log, one) for one in found]


def _explain(log: Log, statement: Statement) -> Plan:
    with undone():
        [([top],)] = statement.repeat("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)")
    nodes = list(_nodes(top["Plan"]))
    of_log = [node for node in nodes if "Scan" in node["Node Type"] and node.get("Relation Name") in log.rows]
    reads = [node for node in of_log if log.rows[node["Relation Name"]] > FEW]
    sorts = [node for node in nodes if node["Node Type"] in {"Sort", "Incremental Sort"}]
    rows_sorted = max((node["Plans"][0]["Plan Rows"] for node in sorts), default=0)
    return Plan(nodes, reads, round(sum(map(_rows_read, of_log))), rows_sorted)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _rows_read(node: dict[str, Any]) -> float:
    read = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(sum(node.get(name, 0) for name in read) * node["Actual Loops"])


def _bitmap_index(node: dict[str, Any]) -> str:
    return next((child["Index Name"] for child in _nodes(node) if "Index Name" in child), "")
