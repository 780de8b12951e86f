"""What all tests share: a real database with partitions, and querysets that show a forgotten order."""

import os
import random
import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client

from console import database
from pushlog import partitions
from pushlog.models import App
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


@pytest.fixture
def curl() -> None:
    """What the README's shell examples need: curl and openssl.

    `make test` promises to pass with Python and make alone, so on a machine of one's own without them these examples
    are left out, with the reason; CI installs both, and there their absence is a failure.
    """
    missing = [name for name in ("curl", "openssl") if not shutil.which(name)]
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI lacks {' and '.join(missing)}.")
    if missing:
        pytest.skip(f"The README's shell examples need {' and '.join(missing)}, which this machine lacks.")
