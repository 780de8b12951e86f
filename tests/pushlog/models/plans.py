"""A log as skewed as real ones (rule D in the lessons), and what PostgreSQL plans to do with a query of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from console.pages import page_of
from console.tables import SORTS
from pushlog import ingest
from pushlog.models import App
from tests import factories

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
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def log(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """Loaded once, and undone behind the last test of this file."""
    with django_db_blocker.unblock(), undone():
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
    return explain(log, captured)


def explain(log: Log, captured: CaptureQueriesContext) -> Plan:
    """The plan of the one query that was captured."""
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
