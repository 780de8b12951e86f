"""The first administrator, by a link that counts until somebody has an account."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.test import Client

from console.views.first_administrator import link
from pushlog.models import AuditEntry, AuditKind
from tests import factories

PASSWORD = "correct horse battery"
FORM = {"username": "first", "password1": PASSWORD, "password2": PASSWORD}

pytestmark = pytest.mark.django_db


def test_the_link_makes_an_administrator_once(client: Client) -> None:
    where = link()
    assert client.get(where).status_code == 200

    assert client.post(where, FORM).headers["Location"] == "/accounts/login/"

    person = User.objects.get()
    assert (person.username, person.installation_role.kind, person.is_superuser) == ("first", "administrator", False)
    assert [client.get(where).status_code, client.post(where, FORM | {"username": "second"}).status_code] == [404, 404]
    assert client.post("/accounts/login/", {"login": "first", "password": PASSWORD}).status_code == 302
    assert AuditEntry.objects.filter(kind=AuditKind.CHANGE, subject="person first").count() == 1


@pytest.mark.parametrize("token", ["x", "another", "a:b:c"])
def test_nothing_is_open_without_it(client: Client, token: str) -> None:
    token = signing.dumps(None, salt="another") if token == "another" else token
    assert client.get(f"/first-administrator/{token}/").status_code == 404
    assert client.post(f"/first-administrator/{token}/", FORM).status_code == 404
    assert not User.objects.exists()


def test_bad_passwords_are_refused(client: Client) -> None:
    answer = client.post(link(), FORM | {"password1": "short", "password2": "short"})

    assert "at least 12 characters" in answer.content.decode()
    assert not User.objects.exists()


def test_it_counts_for_a_day(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    where = link()
    later = (datetime.now(UTC) + timedelta(days=1, minutes=1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    assert client.get(where).status_code == 404


def test_deactivated_people_count_as_somebody(client: Client) -> None:
    factories.create_user(is_active=False)

    assert client.get(link()).status_code == 404
