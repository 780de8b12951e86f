"""What all tests share: a real database with partitions, and querysets that expose a forgotten order."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import QuerySet
from django.test import Client

from console.middleware import StaticFiles
from pushlog import clock
from pushlog.maintenance import database
from pushlog.models import App
from pushlog.postgres import partitions
from tests import factories
from tests.load.served import Served

REFUSE = import_module("pushlog.migrations.0015_audit_log").REFUSE
_DATABASE = {"db", "transactional_db"}

# Before pytest-django makes its test database on it.
database.start()
# Pages name static files as they were collected. The first process does it.
call_command("collectstatic", verbosity=0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses the database. Those with servers of their own come first, because they take longest."""
    for item in items:
        if item.get_closest_marker("django_db") or _DATABASE & {*getattr(item, "fixturenames", ())}:
            item.add_marker("database")
    items.sort(key=lambda item: not item.get_closest_marker("embedded"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """`serve` and the writers make partitions, migrations do not: tests find those of the window.

    After each test that commits, Django empties all tables by TRUNCATE, also the audit log.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]  # not public
        partitions.ensure_window()
        cursor.execute(REFUSE.replace("BEGIN", "BEGIN IF TG_OP = 'TRUNCATE' THEN RETURN NULL; END IF;"))


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """Each test client loads the middleware, for which WhiteNoise looks at all static files: half of a page's time."""
    find, found = StaticFiles.add_files, dict[str, Any]()

    def find_once(middleware: StaticFiles, *where: Any, **named: Any) -> None:
        if not found:
            find(middleware, *where, **named)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(StaticFiles, "add_files", find_once)
        yield


@pytest.fixture(autouse=True)
def clock_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's time is known for ten seconds, so that it is no query of a test's, and needs no database."""
    now = datetime.now(UTC)
    monkeypatch.setattr(clock, "_sample", clock._Sample(time.monotonic(), now, now))


@pytest.fixture(autouse=True)
def shuffle_unordered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shuffles the rows of querysets without an order, so that no test passes by chance."""
    fetch = QuerySet._fetch_all

    def fetch_shuffled(queryset: QuerySet) -> None:  # type: ignore[type-arg]
        fresh = queryset._result_cache is None
        fetch(queryset)
        if fresh and not queryset.ordered and isinstance(queryset._result_cache, list):
            random.shuffle(queryset._result_cache)

    monkeypatch.setattr(QuerySet, "_fetch_all", fetch_shuffled)


@pytest.fixture
def app(db: None) -> App:
    """An app."""
    return factories.create_app()


@pytest.fixture
def member(app: App) -> User:
    """A member of the app."""
    return factories.create_user(app)


@pytest.fixture
def member_client(client: Client, member: User) -> Client:
    """A browser in which the member of the app is logged in."""
    client.force_login(member)
    return client


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The real web server on an embedded PostgreSQL of its own, which the tests of a process share."""
    served = Served(tmp_path_factory.mktemp("served") / "var")
    try:
        served.start()
        yield served
    finally:
        served.stop()
