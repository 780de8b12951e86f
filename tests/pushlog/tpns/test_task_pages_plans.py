"""What PostgreSQL plans for a page of tasks: it must depend on the page, and not on how many tasks there are."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from pushlog import ingest
from pushlog.models import App, MessageType, TargetKind
from pushlog.postgres import statements
from pushlog.tpns import task_pages
from tests import factories

NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[App]:
    """Twenty thousand tasks of an app, ten of which are data messages to files of devices."""
    with django_db_blocker.unblock(), transaction.atomic():
        app = factories.create_app()
        for batch in range(2):
            rows = [_one_of_many(batch * ingest.MAX_ROWS + number) for number in range(ingest.MAX_ROWS)]
            assert not ingest.write_tasks(app=app, rows=rows, now=NOW).rejected
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE pushlog_pushtask, pushlog_taskcount")
        yield app
        transaction.set_rollback(True)


def _one_of_many(number: int) -> dict[str, Any]:
    rare = number % 2000 == 7
    return factories.task_row(
        pushed_at=NOW - timedelta(minutes=2 * number),
        target_kind="device_file" if rare else "all",
        message_type="data" if rare else "notification",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("index", "given"),
    [
        ("push_task_newest", {}),
        ("push_task_message_type", {"message_type": MessageType.NOTIFICATION}),
        ("push_task_message_type", {"message_type": MessageType.DATA}),
        ("push_task_target_kind", {"target_kind": TargetKind.ALL}),
        ("push_task_target_kind", {"target_kind": TargetKind.DEVICE_FILE}),
        ("push_task_type_and_kind", {"message_type": MessageType.DATA, "target_kind": TargetKind.DEVICE_FILE}),
        ("push_task_type_and_kind", {"message_type": MessageType.DATA, "target_kind": TargetKind.ALL}),
    ],
)
@pytest.mark.parametrize("offset", [0, 19_000])
def test_tasks_are_passed_over_in_the_index_of_the_filter(
    many: App, monkeypatch: pytest.MonkeyPatch, offset: int, index: str, given: dict[str, Any]
) -> None:
    asked: list[tuple[str, Any]] = []

    def noted(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        asked.append((statement, parameters))
        return statements.run(statement, parameters)

    monkeypatch.setattr(task_pages, "run", noted)
    task_pages.page(many, start=NOW - timedelta(days=27, minutes=7), end=NOW, offset=offset, limit=200, **given)

    [(statement, parameters)] = asked
    [(plan,)] = statements.run(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    nodes = list(_nodes(plan[0]["Plan"]))
    text = json.dumps(plan, indent=1)
    used = {node["Index Name"] for node in nodes if node.get("Relation Name") == "pushlog_pushtask"}
    # Of a rare type, the index that has the kind as well finds the ten just as fast: PostgreSQL 15 takes that one.
    right = {index} | ({"push_task_type_and_kind"} if given == {"message_type": MessageType.DATA} else set())
    assert "pushlog_pushtask_pkey" in used, text
    assert used <= right | {"pushlog_pushtask_pkey"}, text
    only = {node["Index Name"] for node in nodes if node["Node Type"] == "Index Only Scan"}
    assert only, text
    assert only <= right, text


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
