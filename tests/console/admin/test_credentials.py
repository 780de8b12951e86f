"""Credentials in the admin: scopes, expiry, networks, a second secret, and revoking that asks first."""

import re
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client

from pushlog import credentials
from pushlog.models import App, AuditEntry, AuditKind, Credential, Role
from tests import factories
from tests.console.admin.forms import untouched
from tests.console.browsers import browser_of
from tests.pushlog.threads import run_together

ADD = "/admin/pushlog/credential/add/"


@pytest.fixture
def manager(app: App) -> User:
    return factories.create_user(app, role=Role.MANAGER)


@pytest.fixture
def client(manager: User) -> Client:
    return browser_of(manager)


@pytest.fixture
def made(app: App) -> tuple[Credential, str]:
    return credentials.create(app=app, name="gateway")


def step(one: Credential, name: str) -> str:
    return f"/admin/pushlog/credential/{one.pk}/step/{name}/"


def test_scopes_and_networks_are_chosen_when_it_is_made(client: Client, app: App) -> None:
    form = untouched(client, ADD) | {
        "app": app.pk,
        "name": "report",
        "scopes": ["read", "tpns"],
        "networks": "10.0.0.0/8,192.0.2.7",
    }

    page = client.post(ADD, form).content.decode()

    made = Credential.objects.get()
    assert (made.scopes, made.networks, made.expires_at) == (["read", "tpns"], ["10.0.0.0/8", "192.0.2.7"], None)
    assert made.access_id in page


@pytest.mark.parametrize(
    ("field", "value"), [("scopes", []), ("scopes", ["all"]), ("networks", "10.0.0.1/8"), ("networks", "home")]
)
def test_walls_that_mean_nothing_are_refused(client: Client, app: App, field: str, value: object) -> None:
    form = untouched(client, ADD) | {"app": app.pk, "name": "report", field: value}

    assert client.post(ADD, form).status_code == 200
    assert not Credential.objects.exists()


def test_walls_are_changed_later(client: Client, made: tuple[Credential, str]) -> None:
    where = f"/admin/pushlog/credential/{made[0].pk}/change/"

    assert client.post(where, untouched(client, where) | {"scopes": ["read"]}).status_code == 302

    assert Credential.objects.get().scopes == ["read"]
    [entry] = AuditEntry.objects.filter(kind=AuditKind.CHANGE)
    assert entry.details["changes"][0]["fields"]["scopes"][1] == ["read"]


def test_revoking_asks_first_and_is_taken_back(client: Client, made: tuple[Credential, str]) -> None:
    one, secret = made
    assert step(one, "revoke") in client.get(f"/admin/pushlog/credential/{one.pk}/change/").content.decode()
    assert "refused at once" in client.get(step(one, "revoke")).content.decode()
    assert credentials.check(one.access_id, secret)

    assert client.post(step(one, "revoke")).status_code == 302
    assert credentials.check(one.access_id, secret) is None
    assert client.post(step(one, "take-back")).status_code == 302
    assert credentials.check(one.access_id, secret)
    client.post(step(one, "revoke"))
    Credential.objects.update(revoked_at=F("revoked_at") - timedelta(minutes=61))
    assert "no longer" in client.post(step(one, "take-back")).content.decode()

    assert credentials.check(one.access_id, secret) is None
    found = AuditEntry.objects.filter(kind=AuditKind.CHANGE).order_by("pk").values_list("details__changes", flat=True)
    assert [list(changes[0]) for changes in found] == [["revoked"], ["valid again"], ["revoked"]]


def test_a_secret_is_changed_without_a_gap(client: Client, made: tuple[Credential, str]) -> None:
    one, first = made
    page = client.post(step(one, "second-secret"))
    found = re.search(r"<dt>Secret</dt><dd><code>([^<]+)</code>", page.content.decode())
    assert found
    second = found[1]
    assert second not in str(page.cookies)
    assert all(credentials.check(one.access_id, secret) for secret in (first, second))

    assert client.post(step(one, "end-first-secret")).status_code == 302

    assert credentials.check(one.access_id, first) is None
    assert credentials.check(one.access_id, second)
    assert "no longer" in client.post(step(one, "end-first-secret")).content.decode()


def test_a_second_secret_that_went_wrong_is_replaced(client: Client, made: tuple[Credential, str]) -> None:
    one, first = made
    client.post(step(one, "second-secret"))
    assert "no longer possible" in client.post(step(one, "second-secret")).content.decode()
    second = credentials.add_secret(one)

    assert client.post(step(one, "end-second-secret")).status_code == 302

    assert credentials.check(one.access_id, second) is None
    assert credentials.check(one.access_id, first)
    assert "Secret</dt>" in client.post(step(one, "second-secret")).content.decode()


@pytest.mark.parametrize("text", ["9999-12-31T23:30-10:00", "0001-01-01T00:00+14:00", "1999-12-31 23:59"])
def test_an_expiry_that_cannot_be_read_again_is_refused(
    client: Client, app: App, made: tuple[Credential, str], text: str
) -> None:
    where = f"/admin/pushlog/credential/{made[0].pk}/change/"

    page = client.post(where, untouched(client, where) | {"expires_at": text}).content.decode()

    assert "2000 to 8999" in page or "Type a time such as" in page
    assert Credential.objects.get().expires_at is None
    if "T" in text:
        with pytest.raises(CommandError, match="2000 to 8999"):
            call_command("create_credential", "--app", app.slug, "--name", "x", "--expires", text)


@pytest.mark.django_db(transaction=True)
def test_a_step_is_taken_once(made: tuple[Credential, str], manager: User) -> None:
    clients = [browser_of(manager) for _ in range(2)]

    run_together(*(partial(client.post, step(made[0], "second-secret")) for client in clients))

    [entry] = AuditEntry.objects.filter(kind=AuditKind.CHANGE)
    assert [*entry.details["changes"][0]] == ["second secret made"]


@pytest.mark.parametrize(
    "name", ["revoke", "take-back", "second-secret", "end-first-secret", "end-second-secret", "other"]
)
def test_no_step_is_open_to_others(made: tuple[Credential, str], app: App, name: str) -> None:
    people = [factories.create_user(app), factories.create_user(factories.create_app(), role=Role.MANAGER)]

    assert [browser_of(one).post(step(made[0], name)).status_code for one in people] == [404, 404]
    assert Credential.objects.get().revoked_at is None


def test_the_password_is_asked_again(app: App) -> None:
    person = factories.create_user(app, role=Role.MANAGER, password="right", kind="administrator")
    one, _ = credentials.create(app=app, name="gateway")
    client = Client()
    client.force_login(person)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.SECOND_FACTOR_ROLES", [], raising=False)
        places = [
            ADD,
            f"/admin/pushlog/credential/{one.pk}/change/",
            step(one, "revoke"),
            f"/admin/pushlog/app/{app.pk}/change/",
            f"/admin/auth/user/{person.pk}/change/",
            f"/admin/auth/user/{person.pk}/password/",
            "/admin/auth/user/add/",
        ]
        for place in places:
            for answer in (client.get(place), client.post(place)):
                assert answer.headers["Location"] == "/accounts/reauthenticate/?next=" + place.replace("/", "%2F")
        answer = client.post("/audit/export/")
        assert answer.headers["Location"] == "/accounts/reauthenticate/?next=%2Faudit%2F"

        confirm = {"password": "right", "next": ADD}
        assert client.post("/accounts/reauthenticate/", confirm).headers["Location"] == ADD
        assert {client.get(place).status_code for place in places} == {200}
        assert client.post("/audit/export/").status_code == 200
    assert Credential.objects.get().revoked_at is None
