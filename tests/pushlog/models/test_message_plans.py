"""Plans of the list's and the search's queries, on a log as skewed as real ones (rule D in the lessons).

No partition with more than a few rows may be read as a whole, whatever the value: each page must come out of the index
that was made for it. What cannot be read in its order is sorted only where the planner expects few rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from console.filters import MessageFilter
from console.pages import page_of
from console.tables import SORTS
from pushlog import ingest, message_ids
from pushlog.models import App, Message
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = 5
COUNT = 36_000
HOT = 5_000
# A partition of fewer rows is a handful of pages: reading them all is as good as an index.
FEW = 300
# So many rows may be sorted for a page: more would be the whole match.
SORTABLE = 200

INDEX_OF_SORT = {
    "customer_message_id": "message_customer_id",
    "push_type": "message_push_type",
    "target_id": "message_target",
    "title": "message_title",
    "status": "message_status",
    "created_at": "message_newest",
}


@dataclass
class Log:
    """The app that has most of the log, how many rows each partition has, and whose part an index is."""

    app: App
    rows: dict[str, int]
    index_of: dict[str, str]


def _message(number: int) -> dict[str, Any]:
    """Four out of five messages are one app's; every tenth part is a run of multiple messages to other targets."""
    created = NOW - timedelta(seconds=number * DAYS * 86_400 // COUNT)
    run = number // 1200 % 10 == 5
    return factories.message_row(
        created_at=created,
        mode="multiple" if run else "template" if number % 4000 == 0 else "simple",
        push_type="ios" if number % 3000 == 1 else "user" if number % 3 else "android",
        target_id="hot" if number % 7 == 0 and number < 7 * HOT else f"target-{number}",
        customer_message_id="shared" if number % 7 == 1 and number < 7 * HOT else f"message-{number}",
        title=f"Title {number % 40}",
        expires_in=3600,
    )


def _receipt(number: int, identifier: Any) -> dict[str, Any]:
    channel, code = ("own", 2) if number % 100 > 2 else ("own", 0)
    if number % 3000 == 7:
        channel, code = "apns", 2009
    return {"message_id": str(identifier), "channel": channel, "code": code, "at": NOW.isoformat()}


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def log(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """Loaded once, and undone behind the last test of this file."""
    with django_db_blocker.unblock(), _undone():
        app, other = factories.create_app(), factories.create_app()
        numbers = {app: [n for n in range(COUNT) if n % 5], other: [n for n in range(COUNT) if n % 5 == 0]}
        for one, its in numbers.items():
            for start in range(0, len(its), ingest.MAX_ROWS):
                part = its[start : start + ingest.MAX_ROWS]
                ids = factories.create_messages(one, [_message(number) for number in part], now=NOW)
                receipts = [_receipt(number, identifier) for number, identifier in zip(part, ids, strict=True)]
                assert not ingest.receipts(app=one, rows=receipts, now=NOW).rejected
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE pushlog_message")
            cursor.execute("SELECT tableoid::regclass::text, count(*) FROM pushlog_message GROUP BY 1")
            rows = dict(cursor.fetchall())
            cursor.execute(
                "SELECT child.relname, parent.relname FROM pg_inherits"
                " JOIN pg_class child ON child.oid = inhrelid AND child.relkind = 'i'"
                " JOIN pg_class parent ON parent.oid = inhparent"
            )
            yield Log(app, rows, dict(cursor.fetchall()))


@dataclass
class Plan:
    """The nodes of a plan, those of them that read a table with more than a few rows, and the plan as text."""

    nodes: list[dict[str, Any]]
    reads: list[dict[str, Any]]
    text: str

    def indexes(self, log: Log) -> set[str]:
        """The indexes that are read, by the names that the model gives them; a table read as a whole is ''."""
        used = (node.get("Index Name") or _bitmap_index(node) for node in self.reads)
        return {log.index_of.get(name, name) for name in used}

    def sorts(self) -> bool:
        """Whether more rows than a few are sorted, by the planner's estimate."""
        return any(
            node["Node Type"] in {"Sort", "Incremental Sort"} and node["Plans"][0]["Plan Rows"] > SORTABLE
            for node in self.nodes
        )


def plan_of(log: Log, queryset: Any, sort: str = "-created_at", **place: Any) -> Plan:
    """How PostgreSQL gets a page of this queryset, asked for as the page does."""
    with CaptureQueriesContext(connection) as captured:
        page_of(queryset.for_rows(), keys=SORTS[sort.lstrip("-")], descending=sort.startswith("-"), **place)
    [query] = captured.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query['sql']}")
        [[top]] = cursor.fetchone()
        cursor.execute(f"EXPLAIN {query['sql']}")
        text = "\n".join(line for (line,) in cursor.fetchall())
    nodes = list(_nodes(top["Plan"]))
    return Plan(nodes, [node for node in nodes if log.rows.get(node.get("Relation Name", ""), 0) > FEW], text)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _bitmap_index(node: dict[str, Any]) -> str:
    return next((child["Index Name"] for child in _nodes(node) if "Index Name" in child), "")


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
