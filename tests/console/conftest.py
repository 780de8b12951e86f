import pytest
from django.contrib.auth.models import User
from django.test import Client

from pushlog.models import App, Role
from tests import factories


@pytest.fixture
def admin(app: App) -> User:
    """A superuser who is a manager of the app."""
    return factories.create_user(app, role=Role.MANAGER, is_superuser=True)


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    """A browser in which the superuser is logged in."""
    client.force_login(admin)
    return client
