"""Plans of the queries that are not a page of the plain list, on the same skewed log."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from console.filters import FoundFilter, MessageFilter
from console.misses import explain_miss
from console.search_links import SearchTerms
from console.tables import SORTS
from pushlog import message_ids
from pushlog.models import App, Message, StatusChange
from tests.pushlog.models.plans import NOW, Log, explain, log, plan_of

__all__ = ["log"]  # the fixture

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_a_large_log(log: Log) -> None:
    """One message in seven is the hot target's: in so small a log, to read all of it is right. So it is made dear."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.parametrize("sort", list(SORTS))
@pytest.mark.parametrize("terms", [{"target_id": "hot"}, {"target_id": "target-13"}, {"customer_message_id": "shared"}])
def test_search_in_another_order_reads_what_was_found_or_the_order_itself(
    log: Log, sort: str, terms: dict[str, str]
) -> None:
    """No index has both: of a busy target, all messages are read and sorted, or the sort's index is read along."""
    plan = plan_of(log, Message.objects.matching(log.app, **terms, now=NOW), sort)

    assert "" not in plan.indexes(log), plan.text


@pytest.mark.parametrize("query", ["channel=apns&code=2009", "outcome=failed", "mode=multiple", "push_type=harmony"])
@pytest.mark.parametrize("terms", [{"target_id": "hot"}, {"customer_message_id": "shared"}])
def test_search_with_a_filter_reads_no_partition_as_a_whole(log: Log, query: str, terms: dict[str, str]) -> None:
    found = Message.objects.matching(log.app, **terms, now=NOW)

    plan = plan_of(log, FoundFilter(QueryDict(query), queryset=found).qs)

    assert "" not in plan.indexes(log), plan.text


@pytest.mark.parametrize("query", ["channel=apns&code=2009", "outcome=received", "push_type=harmony", "mode=template"])
@pytest.mark.parametrize("sort", ["title", "target_id", "-status"])
def test_filter_in_another_order_reads_no_partition_as_a_whole(log: Log, query: str, sort: str) -> None:
    listed = Message.objects.listed(log.app, now=NOW)

    plan = plan_of(log, MessageFilter(QueryDict(query), queryset=listed).qs, sort)

    assert "" not in plan.indexes(log), plan.text


def test_list_leaves_out_partitions_behind_the_window(log: Log) -> None:
    later = NOW + timedelta(days=28)

    plan = plan_of(log, Message.objects.listed(log.app, now=later))

    days = {f"{NOW - timedelta(days=days):%Y%m%d}" for days in range(3, 7)}
    assert not any(node.get("Relation Name", "")[-8:] in days for node in plan.nodes), plan.text


def test_message_and_its_history_are_read_from_one_partition_each(log: Log) -> None:
    message = Message.objects.listed(log.app, now=NOW).order_by("-pk")[1000]

    for queryset in (
        Message.objects.findable(log.app, now=NOW).filter(pk=message.pk),
        StatusChange.objects.filter(message_id=message.pk).order_by("-at", "-code")[:201],
    ):
        with CaptureQueriesContext(connection) as captured:
            list(queryset)
        plan = explain(log, captured)
        tables = {node["Relation Name"] for node in plan.nodes if "Relation Name" in node}
        assert len(tables) == 1, plan.text
        assert not any(node["Node Type"] == "Seq Scan" for node in plan.nodes), plan.text


@pytest.mark.parametrize("terms", [SearchTerms("hot", "nothing"), SearchTerms("nobody", "shared"), SearchTerms("hot")])
def test_miss_is_explained_from_indexes(log: Log, terms: SearchTerms) -> None:
    with CaptureQueriesContext(connection) as captured:
        explain_miss(log.app, terms, others=App.objects.all(), now=NOW)

    for query in captured.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            text = "\n".join(line for (line,) in cursor.fetchall())
        assert not any(f"Seq Scan on {name} " in text for name, rows in log.rows.items() if rows), text


def test_receipts_find_and_lock_messages_by_index(log: Log) -> None:
    messages = list(Message.objects.listed(log.app, now=NOW).order_by("-pk")[2000:2020])
    first, last = min(message.pk for message in messages), max(message.pk for message in messages)
    hashes = [message_ids.pair_hash(message.pk) for message in messages]
    statements: list[tuple[str, list[Any]]] = [
        (
            """SELECT id FROM pushlog_message WHERE id = ANY(%s) AND id BETWEEN %s AND %s AND app_id = %s
            ORDER BY id FOR NO KEY UPDATE""",
            [[message.pk for message in messages], first, last, log.app.pk],
        ),
        (
            """SELECT id FROM pushlog_message WHERE substr(uuid_send(id), 9) = ANY(%s) AND app_id = %s AND id >= %s
            AND id < %s ORDER BY id""",
            [hashes, log.app.pk, first, message_ids.first_id(NOW)],
        ),
    ]
    for statement, parameters in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", parameters)
            text = "\n".join(line for (line,) in cursor.fetchall())
        assert not any(f"Seq Scan on {name} " in text for name, rows in log.rows.items() if rows), text
