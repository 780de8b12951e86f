from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace

import pytest

from pushlog.models import App
from tests import factories
from tests.pushlog.tpns.client import Program

SetClock = Callable[[str], datetime]


@pytest.fixture
def app(db: None) -> App:
    """An app as the console makes it: its zone is Beijing's."""
    return factories.create_app(time_zone="Asia/Shanghai")


@pytest.fixture
def program(app: App) -> Program:
    """A program with a credential of the app."""
    return Program(app)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Stops the endpoint's clock at a moment (ISO 8601 with a zone)."""

    def stop(moment: str) -> datetime:
        now = datetime.fromisoformat(moment)
        monkeypatch.setattr("pushlog.tpns.views.clock", SimpleNamespace(now=lambda: now))
        return now

    return stop
