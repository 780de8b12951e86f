"""Apps: their names, their zones and the secret of their IDs."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from pushlog.models import App, Membership
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_app_has_its_own_key() -> None:
    one, two = factories.create_app(), factories.create_app()

    assert len(bytes(one.id_key)) == 32
    assert bytes(one.id_key) != bytes(two.id_key)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "Europe/Berlin"])
def test_time_zone_is_known(zone: str) -> None:
    App(slug="a", name="A", time_zone=zone).full_clean()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "", "Asia", "x" * 60])
def test_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError) as caught:
        App(slug="a", name="A", time_zone=zone).full_clean()

    assert set(caught.value.message_dict) == {"time_zone"}


def test_str_names_the_environment() -> None:
    assert str(App(name="Shop", environment="development")) == "Shop (Development)"


def test_membership_once() -> None:
    app = factories.create_app()
    user = factories.create_user(app)

    assert str(Membership.objects.get(user=user)) == f"{user}, operator in {app}"
    with pytest.raises(IntegrityError):
        Membership.objects.create(user=user, app=app)
