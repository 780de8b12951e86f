"""How many queries a request makes: the same however much there is to show, and at most six.

All statements count, with those for the session, the person and the membership, and with those that do not go through
Django's cursors.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from console.lists.tables import SORTS, TASK_SORTS
from console.tokens import SearchTerms, token_of
from pushlog import ingest
from pushlog.models import App
from tests import factories
from tests.pushlog.api.client import Program
from tests.pushlog.plans.plans import undone
from tests.pushlog.sent import sent
from tests.pushlog.tpns.client import Program as ReportProgram

pytestmark = pytest.mark.django_db

MOST = 6
DAY = f"{datetime.now(UTC):%Y-%m-%d}"
FRAGMENT = {"HX-Request": "true"}
MANY = 120  # three pages


@dataclass
class World:
    """An app, a member of it, and one of its messages. Its ID is M twice, and it is of task 1; the others are T's."""

    app: App
    person: User
    message: UUID

    def address(self, name: str, *arguments: object, **query: object) -> str:
        """The address of a page of the app."""
        return f"{reverse(name, args=[self.app.slug, *arguments])}?{urlencode(query)}"

    def search(self, terms: SearchTerms, **query: object) -> str:
        """The address that a search leads to."""
        token = token_of(self.app, terms)
        if terms.target_id and not terms.has_both:
            return self.address("target", token, **query)
        return self.address("messages", search=token, **query)


def world(*, rows: int, receipts: int, apps: int) -> World:
    """So many messages and tasks, receipts of one message, and other apps of the person with messages of their own."""
    app, *others = (factories.create_app() for _ in range(1 + apps))
    created = datetime.now(UTC) - timedelta(hours=1)
    for one in (app, *others):
        given = [factories.message_row(target_id="T", title=f"{number % 3}", task="1") for number in range(rows)]
        factories.create_messages(one, given)
    message = factories.create_message(app, target_id="M", customer_message_id="M", task="1", created_at=created)
    ats = [(created + timedelta(seconds=number)).isoformat() for number in range(receipts)]
    reports = [{"message_id": str(message.pk), "channel": "apns", "code": 2009, "at": at} for at in ats]
    assert not ingest.write_receipts(app=app, rows=reports).rejected
    tasks = [factories.task_row(push_id=f"{number}", title=f"{number % 3}") for number in range(1, rows + 1)]
    assert not ingest.write_tasks(app=app, rows=tasks).rejected
    return World(app, factories.create_user(app, *others), message.pk)


@pytest.fixture(scope="module")
def worlds(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[World]]:
    """One with next to nothing, and one with several pages of everything."""
    with django_db_blocker.unblock(), undone():
        yield [world(rows=1, receipts=1, apps=1), world(rows=MANY, receipts=230, apps=9)]


def count(ask: Callable[[], Any], status: int = 200) -> int:
    """How many statements a request sends, but for settings."""
    with sent() as every:
        response = ask()
    assert response.status_code == status
    statements = [statement for statement in every if statement.asks]
    assert len(statements) <= MOST, [statement.sql for statement in statements]
    return len(statements)


def counts(worlds: list[World], address: Callable[[World], str], status: int = 200, **how: Any) -> list[int]:
    """How many statements a page sends in each world."""

    def counted(one: World) -> int:
        client = Client()
        client.force_login(one.person)
        return count(lambda: client.get(address(one), **how), status)

    return [counted(one) for one in worlds]


def both_ways(sorts: dict[str, Any]) -> list[str]:
    return [f"{sign}{name}" for name in sorts for sign in ("", "-")]


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
@pytest.mark.parametrize(
    "query",
    [
        {},
        *({"sort": sort} for sort in both_ways(SORTS)),
        {"push_type": "user"},
        {"push_type": "harmony"},
        {"mode": "simple"},
        {"outcome": "waiting"},
        {"outcome": "expired"},
        {"outcome": "failed"},
        {"status": "own -1"},
        {"status": "apns 2009"},
        {"created_from": f"{DAY}T00:00"},
        {"created_to": "2020-01-01T00:00"},
        {"sort": "title", "push_type": "user", "mode": "simple", "outcome": "waiting", "status": "own -1"},
    ],
)
def test_message_list(worlds: list[World], query: dict[str, Any], headers: dict[str, str]) -> None:
    found = counts(worlds, lambda one: one.address("messages", **query), headers=headers)

    assert found == [4, 4]  # session, person and app with membership, page, audit log


@pytest.mark.parametrize("sort", both_ways(SORTS))
@pytest.mark.parametrize("query", [{}, {"push_type": "user"}, {"search": "T"}])
def test_every_page_of_a_message_list(worlds: list[World], client: Client, sort: str, query: dict[str, str]) -> None:
    one = worlds[-1]
    client.force_login(one.person)

    found: list[int] = []
    place: dict[str, str] = {}
    for link in ("older", "older", "newer", "newer"):
        if "search" in query:
            address = one.search(SearchTerms(query["search"]), sort=sort, **place)
        else:
            address = one.address("messages", sort=sort, **query, **place)
        with sent() as statements:
            response = client.get(address)
        found.append(sum(statement.asks for statement in statements))
        place = {"after" if link == "older" else "before": response.context[link]}

    # The page of a target sums up what became of its messages.
    assert found == [5 if "search" in query else 4] * 4


@pytest.mark.parametrize(
    ("terms", "queries"),
    [
        # The page of a target sums up what became of its messages.
        (SearchTerms("T"), 5),
        (SearchTerms("", "M"), 4),
        (SearchTerms("M", "M"), 4),
        # A miss is explained: what is known in which app, and if that may lead anywhere, a look there.
        (SearchTerms("nobody"), 6),
        (SearchTerms("", "T"), 6),
        (SearchTerms("nobody", "nothing"), 5),
        (SearchTerms("T", "M"), 6),
        (SearchTerms("T", "nothing"), 6),
        (SearchTerms("nobody", "M"), 5),
    ],
)
def test_search(worlds: list[World], terms: SearchTerms, queries: int) -> None:
    found = counts(worlds, lambda one: one.search(terms))

    assert found == [queries, queries]


@pytest.mark.parametrize("sort", ["title", "-status"])
@pytest.mark.parametrize("terms", [SearchTerms("T"), SearchTerms("T", "nothing")])
def test_search_with_a_filter(worlds: list[World], terms: SearchTerms, sort: str) -> None:
    """What a filter hides is not explained."""
    query = {"sort": sort, "push_type": "ios"}

    found = counts(worlds, lambda one: one.search(terms, **query))

    assert found == [4, 4] if terms.has_both else [5, 5]


def test_search_form(worlds: list[World], client: Client) -> None:
    client.force_login(worlds[-1].person)

    found = count(lambda: client.post(worlds[-1].address("search"), {"target_id": "T"}), status=302)

    # Session, person and app with membership, whose the ID is, earlier searches, audit log.
    assert found == 5


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
def test_message(worlds: list[World], headers: dict[str, str]) -> None:
    found = counts(worlds, lambda one: one.address("message", one.message), headers=headers)

    # Session, person and app with membership, message with task and corrections, audit log, history, and how long it is
    # if that is not shown.
    assert found == [5, 6]


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
@pytest.mark.parametrize(
    "query",
    [
        {},
        *({"sort": sort} for sort in both_ways(TASK_SORTS)),
        {"state": "finished"},
        {"state": "failed"},
        {"target_kind": "all"},
        {"day": DAY},
        {"day": "2020-01-01"},
        {"sort": "title", "state": "finished", "target_kind": "all", "day": DAY},
    ],
)
def test_task_list(worlds: list[World], query: dict[str, str], headers: dict[str, str]) -> None:
    found = counts(worlds, lambda one: one.address("tasks", **query), headers=headers)

    assert found == [4, 4]  # session, person and app with membership, page, audit log


def test_search_for_a_task(worlds: list[World]) -> None:
    hits = counts(worlds, lambda one: one.address("tasks", push_id="1"), status=302)
    misses = counts(worlds, lambda one: one.address("tasks", push_id="nothing"))

    assert hits == [3, 3]
    # Session, person and app with membership, task, audit log, other apps' tasks, messages of a task not reported.
    assert misses == [6, 6]


@pytest.mark.parametrize(("headers", "queries"), [({}, 6), (FRAGMENT, 5)])
def test_task(worlds: list[World], headers: dict[str, str], queries: int) -> None:
    found = counts(worlds, lambda one: one.address("task", "1"), headers=headers)

    # Session, person and app with membership, task, page of its messages, audit log, and their counts, which do not
    # change with it.
    assert found == [queries, queries]


@pytest.mark.parametrize(("name", "queries"), [("apps", 3), ("status-codes", 2), ("letter-keys", 2)])
def test_page_of_no_app(worlds: list[World], name: str, queries: int) -> None:
    found = counts(worlds, lambda one: reverse(name))

    assert found == [queries, queries]  # session, person with roles, and the apps


def test_page_of_an_app_that_is_not_mine(worlds: list[World]) -> None:
    strange = factories.create_app().slug

    found = counts(worlds, lambda one: reverse("messages", args=[strange]), status=404)

    assert found == [3, 3]  # session, no membership, person with roles


@pytest.mark.parametrize(
    "body",
    [
        {"target_id": "T"},
        {"target_id": "T", "limit": 200},
        {"target_id": "T", "limit": 10, "after": "ffffffff-ffff-7fff-bfff-ffffffffffff"},
        {"target_id": "M", "customer_message_id": "M"},
        {"customer_message_id": "nothing"},
    ],
)
def test_search_by_the_api(worlds: list[World], body: dict[str, Any]) -> None:
    programs = [Program(one.app) for one in worlds]

    found = []
    for program in programs:
        with sent() as statements:
            assert program.post("messages/search", body)[0] == 200
        found.append(sum(one.asks for one in statements))

    assert found == [4, 4]  # credential with app, its usage, page, audit log


def test_message_by_the_api(worlds: list[World]) -> None:
    programs = [Program(one.app) for one in worlds]

    found = []
    for one, program in zip(worlds, programs, strict=True):
        with sent() as statements:
            assert program.get(f"/api/v1/messages/{one.message}")[0] == 200
        found.append(len(statements))

    assert found == [5, 5]  # credential with app, its usage, message, audit log, history


@pytest.mark.parametrize(
    "question",
    [
        {"pushId": "1"},
        {"startDate": "2020-01-01", "endDate": "2999-01-01"},
        {"startDate": "2020-01-01", "endDate": "2999-01-01", "offset": 1, "limit": 1, "pushType": "all"},
    ],
)
def test_call_of_tpns(worlds: list[World], question: dict[str, Any]) -> None:
    programs = [ReportProgram(one.app) for one in worlds]

    found = []
    for program in programs:
        program.ask(pushId="notes the first use")
        with sent() as statements:
            assert program.code(**question) == 0
        found.append(len(statements))

    assert found == [4, 4]  # credential with app, the limit of calls, tasks, audit log
