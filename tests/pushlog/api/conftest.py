import pytest

from pushlog.models import App
from tests.pushlog.api.client import Program


@pytest.fixture
def program(app: App) -> Program:
    """A program with a credential of the app."""
    return Program(app)
