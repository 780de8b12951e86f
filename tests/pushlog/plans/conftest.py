"""What the tests of plans share. Each folder loads its `log` once, and rolls it back before other tests begin."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from pushlog.models import App, Role
from tests import factories


@pytest.fixture
def _as_in_a_large_log(log: Any) -> None:
    """Makes sequential scans dear. In so small a log they are right for a hot target, a task or a batch."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.fixture(params=[False, True], ids=["planned each time", "planned once"])
def once(request: pytest.FixtureRequest, settings: Settings) -> bool:
    """Whether a generic plan is used; else a custom one, as PostgreSQL does for the first five executions."""
    settings.PREPARED_STATEMENTS = request.param
    return bool(request.param)


@pytest.fixture
def browser(log: Any, client: Client) -> Client:
    """The browser of a superuser who is a member of all apps of the log, and of twenty that have nothing in it."""
    apps = [*App.objects.order_by("pk"), *(factories.create_app() for _ in range(20))]
    client.force_login(factories.create_user(*apps, role=Role.MANAGER))
    return client
