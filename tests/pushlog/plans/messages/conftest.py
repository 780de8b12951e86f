"""The log that the tests of this folder share."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.pushlog.plans import plans
from tests.pushlog.plans.plans import Log, undone


@pytest.fixture(scope="package")
def log(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Log]:
    """Loaded once, and rolled back after the last test of this folder."""
    with django_db_blocker.unblock(), undone():
        yield plans.load()
