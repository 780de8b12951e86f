"""What all tests share: a real database with partitions, and querysets that show a forgotten order."""

import random
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client

from pushlog.maintenance import database
from pushlog.models import App
from pushlog.postgres import partitions
from tests import factories
from tests.load.served import Served

# Before pytest-django makes its test database on it.
database.start()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Partitions are made by `serve` and the writers, not by migrations; tests find those of the window."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django's type is not public
        partitions.ensure_window()


@pytest.fixture(autouse=True)
def shuffle_unordered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a queryset without an order come in any order: here they really do."""
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The real web server on an embedded PostgreSQL, both of the module's own."""
    served = Served(tmp_path_factory.mktemp("served") / "var")
    served.start()
    yield served
    served.stop()
