"""What tests of plans share, beside the log that each file loads."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from pushlog.models import App
from tests import factories


@pytest.fixture
def _as_in_a_large_log(log: Any) -> None:
    """A hot target, a task or a batch is a good part of so small a log: to read all of it is right.

    So that is made dear.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.fixture(params=[False, True], ids=["planned each time", "planned once"])
def once(request: pytest.FixtureRequest, settings: Settings) -> bool:
    """Whether plans are kept for all values; else they are made for those at hand, as they are the first five times."""
    settings.PREPARED_STATEMENTS = request.param
    return bool(request.param)


@pytest.fixture
def browser(log: Any, client: Client) -> Client:
    """The browser of a superuser who is a member of both apps of the log, and of twenty that have nothing in it."""
    apps = [*App.objects.order_by("pk"), *(factories.create_app() for _ in range(20))]
    client.force_login(factories.create_user(*apps, is_staff=True, is_superuser=True))
    return client
