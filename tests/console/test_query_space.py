"""No query string makes the message list read much: pairs of all choices, on a small log in order of arrival.

`make bench ONLY=space` asks the whole space on a large one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from console.lists.state import MESSAGES
from pushlog import message_pages, walks
from pushlog.models import Role
from pushlog.postgres.partitions import DAYS_AHEAD, TABLES
from tests import factories
from tests.benchmarks import arrival
from tests.benchmarks.questions import BACK, FIRST, LAST, MIDDLE, Chosen, Question, Space
from tests.benchmarks.reading import Indexes, reading
from tests.pushlog.plans.plans import NOW, empty, undone

# Not on PostgreSQL 15: explaining a search by both IDs that misses, it reads a partition by the primary key.
pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

COUNT, SEED = 12_000, 1
# In place of the product's own bounds. The busiest target has 750 messages, and so has the shared customer message ID.
WALKED, SORTED, FIRST_WALKED, COUNTED = 200, 100, 50, 100
# A first look, two attempts to sort, and the walk, or two of both kinds of walk. Beside the list, the newest messages
# of a target are summed up. Each statement reads one row of each partition more.
ROWS = 2 * (WALKED + SORTED + FIRST_WALKED) + COUNTED + 6 * 40
# Each row may lie on a page of its own. On top of it comes the way down each index of each partition.
BUFFERS = ROWS + 10 * 5 * (31 + DAYS_AHEAD)
CONTROLS = ("sort", "search", "push_type", "mode", "outcome", "status", "range", "created_from", "created_to")
EACH = {"shop": 12, "news": 6, "lab": 3}  # questions of each pair
FAULTS = [
    Question("shop", (("sort", "target_id"), ("push_type", "user"))),
    Question("shop", (("sort", "-target_id"), ("push_type", "android"))),
    Question("shop", (("sort", "target_id"), ("push_type", "user"), ("outcome", "received"))),
    Question("shop", (("sort", "target_id"), ("outcome", "waiting"))),
    Question("shop", (("sort", "title"), ("search", "busy target"))),
    Question("shop", (("sort", "target_id"), ("search", "shared customer ID"))),
    Question("shop", (("sort", "target_id"), ("search", "target of another app"))),
    Question("bank", (("sort", "target_id"), ("search", "shared customer ID"))),
    Question("bank", (("sort", "title"), ("mode", "template"))),
    Question("news", (("sort", "title"), ("mode", "simple"))),
]


@dataclass(frozen=True, slots=True)
class Log:
    """The questions about each app, and the indexes as they were analysed."""

    spaces: dict[str, Space]
    indexes: Indexes


@pytest.fixture(scope="module")
def log(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """Loaded once, and rolled back after the last test of this file."""
    with django_db_blocker.unblock(), undone():
        empty(*TABLES)
        arrival.load(arrival.Arrivals(COUNT, SEED, NOW))
        _settle()
        spaces = {slug: Space(app, now=NOW) for slug, app in arrival.ensure_apps().items()}
        yield Log(spaces, Indexes())


def _settle() -> None:
    """As after VACUUM, which no transaction can run: receipts have left a dead row of each message."""
    message, _ = TABLES
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM {message}")
        empty(message)
        cursor.execute(f"INSERT INTO {message} SELECT * FROM kept ORDER BY id")
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


@pytest.fixture(autouse=True)
def _bound_as_low_as_the_log_is_small(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """In so small a log a sequential scan would often be right."""
    monkeypatch.setattr("console.lists.target.COUNTED", COUNTED)
    monkeypatch.setattr(walks, "WALKED", WALKED)
    monkeypatch.setattr(walks, "SORTED", SORTED)
    monkeypatch.setattr(message_pages, "FIRST_WALKED", FIRST_WALKED)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.fixture
def browser(log: Log, client: Client) -> Client:
    """The browser of a manager of all apps."""
    client.force_login(factories.create_user(*(space.app for space in log.spaces.values()), role=Role.MANAGER))
    return client


@pytest.mark.parametrize("question", FAULTS, ids=str)
@pytest.mark.parametrize("place", [FIRST, MIDDLE, BACK, LAST])
def test_what_once_read_much(log: Log, browser: Client, question: Question, place: str) -> None:
    _check(log, browser, [Question(question.app, question.chosen, place)])


@pytest.mark.parametrize("slug", EACH)
@pytest.mark.parametrize(("first", "second"), [*combinations(CONTROLS, 2)])
def test_two_choices_at_once(log: Log, browser: Client, slug: str, first: str, second: str) -> None:
    pairs = [one for one in log.spaces[slug].pairs() if _controls(one.chosen) == {first, second}]
    chosen = random.Random(f"{SEED} {slug} {first} {second}").sample(pairs, min(EACH[slug], len(pairs)))

    _check(log, browser, chosen)


def test_many_choices_at_once(log: Log, browser: Client) -> None:
    _check(log, browser, list(log.spaces["shop"].sample(40, seed=SEED)))


def test_all_controls_are_asked(log: Log) -> None:
    assert tuple(log.spaces["shop"].values) == CONTROLS
    assert {*CONTROLS} == MESSAGES.parameters - {"after", "before"}


def _check(log: Log, browser: Client, questions: list[Question]) -> None:
    """None of them reads more than the bound."""
    over = []
    for question in questions:
        space = log.spaces[question.app]
        if address := space.address(question, browser):
            response, explained = reading(lambda address=address: browser.get(address), log.indexes)  # type: ignore[misc]
            assert response.status_code == 200, question
            space.note(question, response)
            read = explained()
            if read.rows > ROWS or read.buffers > BUFFERS:
                over.append(f"{question}: {read.rows:,} rows, {read.buffers:,} buffers: {read.nodes}")
    assert not over, "\n".join(over)


def _controls(chosen: Chosen) -> set[str]:
    return {name for name, _ in chosen}
