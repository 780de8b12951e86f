"""Walks through pages of messages: every filter, search and order gives each match once, there and back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from console.lists.tables import SORTS
from pushlog import ingest, message_pages, walks
from pushlog.keyset import BadCursor, Page
from pushlog.message_pages import Question, TooMany
from pushlog.models import App, Message, Mode, PushType
from pushlog.statuses import Channel, Outcome
from tests import factories
from tests.pushlog.sent import sent

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
COUNT, SIZE = 90, 4
TITLES = ["", "a", "B", "É", "题", "\U0001f680", "a b"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"push_type": PushType.IOS.value},
    {"push_type": PushType.HARMONY.value},
    {"mode": Mode.TEMPLATE.value},
    {"outcome": "received"},
    {"outcome": "waiting"},
    {"outcome": "expired"},
    {"outcome": "revoked"},
    {"status": (Outcome.FAILED.value, Channel.APNS.value, 2009)},
    {"push_type": PushType.USER.value, "outcome": "failed"},
    {"push_type": PushType.IOS.value, "mode": Mode.SIMPLE.value, "outcome": "received"},
    {"start": NOW - timedelta(days=3), "end": NOW - timedelta(hours=30)},
    {"start": NOW - timedelta(days=2), "outcome": "received"},
    {"target_id": "target-1"},
    {"customer_message_id": "shared"},
    {"target_id": "target-1", "customer_message_id": "shared"},
    {"target_id": "target-1", "push_type": PushType.IOS.value},
    {"task": "77"},
]
ORDERS = list(product(SORTS, (True, False)))


@pytest.fixture
def messages(app: App) -> list[Message]:
    rows = [
        factories.message_row(
            target_id=f"target-{number % 3}",
            customer_message_id=f"customer-{number}" if number % 2 else "shared",
            push_type="user" if number % 5 else "ios",
            mode=["simple", "simple", "template", "multiple"][number % 4],
            title=TITLES[number % len(TITLES)],
            task="77" if number % 10 == 3 else "",
            created_at=NOW - timedelta(days=number % 5, milliseconds=number // 12),
            expires_in=3600 if number % 3 else 864_000,
        )
        for number in range(COUNT)
    ]
    ids = factories.create_messages(app, rows)
    receipts: list[dict[str, Any]] = [
        {
            "message_id": str(one),
            "channel": "own" if number % 3 else "apns",
            "code": 2 if number % 3 else 2009,
            "at": NOW,
        }
        for number, one in enumerate(ids)
        if number % 4 != 1
    ]
    receipts += [{"message_id": str(one), "revoked": True, "at": NOW} for one in ids[::9]]
    ingest.write_receipts(app=app, rows=receipts)
    # Of another app.
    factories.create_messages(factories.create_app(), rows[:20])
    return list(Message.objects.filter(app=app))


def fits(message: Message, asked: dict[str, Any]) -> bool:
    """The rules once more, in Python."""
    is_search = {"target_id", "customer_message_id", "task"} & asked.keys()
    is_expired = message.is_expired(NOW)
    outcome = {"expired": is_expired, "revoked": message.revoked_at is not None}.get(
        asked.get("outcome", ""), message.status.outcome.word == asked.get("outcome") and not is_expired
    )
    return (
        (message.mode != Mode.MULTIPLE or bool(is_search))
        and all(
            getattr(message, name) == value
            for name, value in asked.items()
            if hasattr(message, name) and name not in {"outcome", "status"}
        )
        and ("outcome" not in asked or outcome)
        and ("status" not in asked or (message.outcome, message.channel, message.code) == asked["status"])
        and ("start" not in asked or asked["start"] <= message.created_at)
        and ("end" not in asked or message.created_at < asked["end"])
    )


def in_order(messages: list[Message], asked: dict[str, Any], sort: str, descending: bool) -> list[Any]:
    found = [one for one in messages if fits(one, asked)]
    return [
        one.pk for one in sorted(found, key=lambda one: [getattr(one, key) for key in SORTS[sort]], reverse=descending)
    ]


@pytest.fixture(params=[(1000, 1000), (7, 5), (7, 1000), (1000, 5), (2, 1)], ids=str)
def _bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    walked, sortable = request.param
    monkeypatch.setattr(walks, "WALKED", walked)
    monkeypatch.setattr(walks, "SORTED", sortable)
    monkeypatch.setattr(message_pages, "FIRST_WALKED", min(walked, 5))


def pages(app: App, asked: dict[str, Any], sort: str, descending: bool) -> Iterator[Page[Message]]:
    """From the first to the last, and back to the first. Cursors go through JSON, as they do in addresses."""
    question = Question(app, NOW, **asked)

    def page(**place: Any) -> Page[Message]:
        cursor = json.loads(json.dumps(place))
        return message_pages.page(question, keys=SORTS[sort], descending=descending, size=SIZE, **cursor)

    forwards = [page()]
    while forwards[-1].older:
        forwards.append(page(after=forwards[-1].older))
        assert len(forwards) <= 3 * COUNT
    yield from forwards
    backwards = [forwards[-1]]
    while backwards[-1].newer:
        backwards.append(page(before=backwards[-1].newer))
        assert len(backwards) <= 3 * COUNT
    yield from reversed(backwards)


@pytest.mark.parametrize(("sort", "descending"), ORDERS)
@pytest.mark.usefixtures("_bounds")
def test_every_match_comes_once_there_and_back(app: App, messages: list[Message], sort: str, descending: bool) -> None:
    for asked in FILTERS:
        if "task" in asked and sort != "created_at":
            continue
        expected = in_order(messages, asked, sort, descending)
        try:
            found = [message.pk for page in pages(app, asked, sort, descending) for message in page.rows]
        except TooMany:
            assert {"target_id", "customer_message_id"} & asked.keys()
            assert sort != "created_at"
        else:
            assert found == expected * 2, asked


def test_a_page_that_was_cut_says_where(app: App, messages: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "WALKED", 10)
    monkeypatch.setattr(walks, "SORTED", 1)
    monkeypatch.setattr(message_pages, "FIRST_WALKED", 1)

    page = message_pages.page(
        Question(app, NOW, push_type=PushType.IOS.value), keys=SORTS["title"], descending=False, size=50
    )

    tenth = in_order(messages, {}, "title", False)[9]
    assert page.stopped
    assert page.stopped.pk == tenth
    assert page.older == [page.stopped.title, str(tenth)]
    assert all(message.push_type == PushType.IOS for message in page.rows)


@pytest.mark.parametrize("cursor", [[], ["x"], ["", "not an ID"], ["", "=", "="], [1, 2, 3, 4]])
def test_a_cursor_for_other_keys_is_refused(app: App, cursor: list[Any]) -> None:
    with pytest.raises(BadCursor):
        message_pages.page(Question(app, NOW), keys=SORTS["title"], descending=False, after=cursor)


def test_the_settings_of_a_walk_end_with_it(app: App) -> None:
    with sent() as statements:
        message_pages.page(Question(app, NOW), keys=("id",), descending=True)

    assert any("'enable_sort', 'on'" in one.sql for one in statements)
