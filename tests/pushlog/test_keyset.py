"""Keyset pages: walks over rows with many ties, in every order, there and back."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from console.lists.tables import SORTS
from pushlog import ingest
from pushlog.keyset import BadCursor, Page, page_of
from pushlog.models import App, Message
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
SIZE = 4
COUNT = 23
# Code points, not letters: the order is the one of PostgreSQL's collation C, and Python's.
TITLES = ["", "a", "B", "É", "题", "\U0001f680", "a b"]

every_order = pytest.mark.parametrize(
    ("sort", "descending"), [(sort, descending) for sort in SORTS for descending in (True, False)]
)


@pytest.fixture
def messages(app: App) -> list[Message]:
    """Over four days; two or three values in most columns, and several messages in one millisecond."""
    rows = [
        factories.message_row(
            target_id=f"target-{number % 3}",
            customer_message_id=f"customer-{number}" if number % 2 else "shared",
            push_type=["user", "ios"][number % 2],
            title=TITLES[number % len(TITLES)],
            created_at=NOW - timedelta(days=number % 4, milliseconds=number // 12),
        )
        for number in range(COUNT)
    ]
    ids = factories.create_messages(app, rows)
    receipts = [
        {"message_id": str(identifier), "channel": ["own", "apns"][number % 2], "code": number % 3, "at": NOW}
        for number, identifier in enumerate(ids)
        if number % 4
    ]
    ingest.write_receipts(app=app, rows=receipts)
    return list(Message.objects.filter(app=app))


def in_order(messages: list[Message], sort: str, descending: bool) -> list[Message]:
    return sorted(messages, key=lambda one: [getattr(one, key) for key in SORTS[sort]], reverse=descending)


def page(app: App, keys: Sequence[str], **options: Any) -> Page[Message]:
    return page_of(Message.objects.filter(app=app), keys=keys, **{"size": SIZE, "descending": True} | options)


def walk(app: App, sort: str, descending: bool, size: int) -> list[Page[Message]]:
    """All pages from the first to the last. Cursors go through JSON, as they do in addresses."""
    pages = [page(app, SORTS[sort], descending=descending, size=size)]
    while pages[-1].older:
        after = json.loads(json.dumps(pages[-1].older))
        pages.append(page(app, SORTS[sort], descending=descending, size=size, after=after))
        assert len(pages) <= COUNT
    return pages


def walk_back(app: App, sort: str, descending: bool, size: int, last: Page[Message]) -> list[Page[Message]]:
    """From the last page to the first, in the order of the walk forwards."""
    pages = [last]
    while pages[0].newer:
        before = json.loads(json.dumps(pages[0].newer))
        pages.insert(0, page(app, SORTS[sort], descending=descending, size=size, before=before))
        assert len(pages) <= COUNT + 1
    return pages


@every_order
@pytest.mark.parametrize("size", [SIZE, COUNT - 1, COUNT, COUNT + 1])
def test_walk_shows_each_row_once(app: App, messages: list[Message], sort: str, descending: bool, size: int) -> None:
    pages = walk(app, sort, descending, size)

    assert [row for one in pages for row in one.rows] == in_order(messages, sort, descending)
    assert [len(one.rows) for one in pages[:-1]] == [size] * (len(pages) - 1)
    assert pages[0].newer is None


@every_order
@pytest.mark.parametrize("size", [1, SIZE])
def test_walk_back_shows_each_row_once(
    app: App, messages: list[Message], sort: str, descending: bool, size: int
) -> None:
    last = walk(app, sort, descending, size)[-1]

    pages = walk_back(app, sort, descending, size, last)

    assert [row for one in pages for row in one.rows] == in_order(messages, sort, descending)
    assert pages[0].newer is None
    assert all(one.older for one in pages[:-1])


@every_order
def test_from_every_single_row(app: App, messages: list[Message], sort: str, descending: bool) -> None:
    """Whatever ties meet at the edge of a page: what is after a row and what is before it are all the others."""
    rows = in_order(messages, sort, descending)
    for number, row in enumerate(rows):
        cursor = [str(value) if key == "id" else value for key in SORTS[sort] for value in [getattr(row, key)]]

        after = page(app, SORTS[sort], descending=descending, size=COUNT, after=cursor)
        before = page(app, SORTS[sort], descending=descending, size=COUNT, before=cursor)

        assert before.rows == rows[:number]
        assert after.rows == rows[number + 1 :]


def test_exactly_a_page(app: App, messages: list[Message]) -> None:
    found = page(app, ["id"], size=COUNT)

    assert len(found.rows) == COUNT
    assert (found.newer, found.older) == (None, None)


def test_no_rows(app: App) -> None:
    assert page(app, ["id"]) == Page(rows=[], newer=None, older=None)


def test_beyond_the_last_and_before_the_first(app: App, messages: list[Message]) -> None:
    rows = in_order(messages, "created_at", True)

    assert page(app, ["id"], after=[str(rows[-1].pk)]).rows == []
    assert page(app, ["id"], before=[str(rows[0].pk)]).rows == []


def test_cursor_holds_json_values(app: App, messages: list[Message]) -> None:
    rows = in_order(messages, "status", True)

    older = page(app, SORTS["status"]).older

    last = rows[SIZE - 1]
    assert older == [last.outcome, last.channel, last.code, str(last.pk)]


@every_order
def test_rows_written_meanwhile_repeat_nothing(app: App, messages: list[Message], sort: str, descending: bool) -> None:
    first = page(app, SORTS[sort], descending=descending)
    newer = [factories.message_row(title="\U0001f680" * 3, target_id="zzz", created_at=NOW) for _ in range(3)]
    older = [factories.message_row(title="", target_id="0", created_at=NOW - timedelta(days=9)) for _ in range(3)]
    factories.create_messages(app, newer + older)

    rows = list(first.rows)
    cursor = first.older
    while cursor:
        following = page(app, SORTS[sort], descending=descending, after=cursor)
        rows += following.rows
        cursor = following.older

    assert len(rows) == len(set(rows))
    assert [row for row in rows if row in set(messages)] == in_order(messages, sort, descending)


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_a_row_taken_away_is_still_a_place(app: App, messages: list[Message], cursor: str) -> None:
    rows = in_order(messages, "created_at", True)
    Message.objects.filter(pk=rows[10].pk).delete()

    found = page(app, ["id"], size=COUNT, **{cursor: [str(rows[10].pk)]})

    assert found.rows == (rows[11:] if cursor == "after" else rows[:10])


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("created_at", []),
        ("created_at", ["x"]),
        ("created_at", ["00000000-0000-7000-8000-000000000000", 1]),
        ("created_at", [[]]),
        ("created_at", [{}]),
        ("created_at", [2**200]),
        ("title", ["only a title"]),
        ("title", ["a", "not an ID"]),
        ("status", [1, 2]),
        ("status", ["own", 2, "00000000-0000-7000-8000-000000000000"]),
        ("status", [1, [], "00000000-0000-7000-8000-000000000000"]),
    ],
)
@pytest.mark.parametrize("name", ["after", "before"])
def test_bad_cursor(app: App, sort: str, cursor: list[Any], name: str) -> None:
    with pytest.raises(BadCursor):
        page(app, SORTS[sort], **{name: cursor})


def test_unknown_key(app: App) -> None:
    with pytest.raises(BadCursor):
        page(app, ["nothing"], after=["x"])


@pytest.mark.parametrize("cursor", ["after", "before", None])
@pytest.mark.parametrize("sort", SORTS)
def test_one_query(
    app: App,
    messages: list[Message],
    django_assert_num_queries: DjangoAssertNumQueries,
    sort: str,
    cursor: str | None,
) -> None:
    place = page(app, SORTS[sort]).older
    options = {cursor: place} if cursor else {}

    with django_assert_num_queries(1):
        found = page(app, SORTS[sort], **options)
        assert found.rows


def test_one_row_more_than_the_page_is_read(app: App, messages: list[Message]) -> None:
    with CaptureQueriesContext(connection) as captured:
        page(app, ["id"])

    [query] = captured.captured_queries
    assert query["sql"].endswith(f"LIMIT {SIZE + 1}")
    assert "OFFSET" not in query["sql"]
    assert "COUNT" not in query["sql"]
