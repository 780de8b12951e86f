"""What a credential may do, until when, and from where."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from pushlog import clock, credentials
from pushlog.maintenance import health
from pushlog.models import App, AuditEntry, Credential, Scope
from tests import factories
from tests.pushlog.api.client import JSON, basic

CALLS = {
    "/api/v1/messages": (Scope.MESSAGES, {"messages": []}),
    "/api/v1/tasks": (Scope.MESSAGES, {"tasks": []}),
    "/api/v1/receipts": (Scope.RECEIPTS, {"receipts": []}),
    "/api/v1/messages/search": (Scope.READ, {"target_id": "x"}),
    "/v3/statistics/get_push_record": (Scope.TPNS, {"pushId": "1"}),
}


def call(one: Credential, secret: str, path: str, body: Any, address: str = "192.0.2.1") -> Any:
    given = {"Authorization": basic(one.access_id, secret)}
    return Client().post(path, body, content_type=JSON, headers=given, REMOTE_ADDR=address)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("path", CALLS)
def test_each_call_needs_its_scope(app: App, scope: Scope, path: str) -> None:
    one, secret = credentials.create(app=app, name="gateway", scopes=[scope])
    needed, body = CALLS[path]

    answer = call(one, secret, path, body)

    if needed == Scope.TPNS:
        assert (answer.json()["retCode"] == 1008003) == (scope != needed)
    else:
        assert (answer.status_code == 403) == (scope != needed), answer.content
        assert scope == needed or needed.label in answer.json()["message"]


def test_a_message_is_read_with_the_scope_alone(app: App) -> None:
    message = factories.create_message(app)
    for scopes, status in (([Scope.READ], 200), ([Scope.MESSAGES, Scope.RECEIPTS, Scope.TPNS], 403)):
        one, secret = credentials.create(app=app, name="report", scopes=scopes)
        given = {"Authorization": basic(one.access_id, secret)}
        assert Client().get(f"/api/v1/messages/{message.pk}", headers=given).status_code == status


def test_credentials_of_before_may_do_everything(app: App) -> None:
    one, _ = credentials.create(app=app, name="gateway")

    assert Credential.objects.get(pk=one.pk).scopes == [*Scope.values]


def test_an_expired_one_is_a_wrong_one(app: App, caplog: pytest.LogCaptureFixture) -> None:
    end = clock.now() + timedelta(hours=1)
    one, secret = credentials.create(app=app, name="gateway", expires_at=end)

    assert credentials.check(one.access_id, secret, now=end - timedelta(seconds=1))
    assert credentials.check(one.access_id, secret, now=end) is None
    assert f"Credential {one.access_id} has expired" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ([], "192.0.2.1", 200),
        (["192.0.2.0/24"], "192.0.2.1", 200),
        (["192.0.2.1"], "192.0.2.1", 200),
        (["192.0.2.1"], "192.0.2.2", 401),
        (["10.0.0.0/8", "2001:db8::/32"], "2001:db8::1", 200),
        (["2001:db8::5"], "2001:db8::6", 401),
        (["10.0.0.0/8"], "not an address", 401),
    ],
)
def test_it_counts_from_its_networks_alone(app: App, networks: list[str], address: str, status: int) -> None:
    one, secret = credentials.create(app=app, name="gateway", networks=networks)

    assert call(one, secret, "/api/v1/messages/search", {"target_id": "x"}, address).status_code == status


def test_no_header_of_a_client_moves_it_into_the_network(app: App) -> None:
    one, secret = credentials.create(app=app, name="gateway", networks=["10.0.0.0/8"])
    given = {"Authorization": basic(one.access_id, secret), "X-Forwarded-For": "10.0.0.1"}

    answer = Client().post("/api/v1/messages/search", {"target_id": "x"}, content_type=JSON, headers=given)

    assert answer.status_code == 401


def test_commands_set_the_walls(app: App) -> None:
    out = StringIO()
    given = ["--scope", "read", "--scope", "tpns", "--expires", "2027-01-31T00:00+08:00", "--network", "10.0.0.0/8"]
    call_command("create_credential", "--app", app.slug, "--name", "report", *given, stdout=out, stderr=StringIO())

    one = Credential.objects.get()
    assert (one.scopes, one.networks) == (["read", "tpns"], ["10.0.0.0/8"])
    assert one.expires_at == datetime(2027, 1, 30, 16, tzinfo=UTC)
    for wrong in (["--network", "home"], ["--expires", "2027-01-31T00:00"], ["--scope", "all"]):
        with pytest.raises(CommandError):
            call_command("create_credential", "--app", app.slug, "--name", "x", *wrong, stdout=out, stderr=StringIO())


def test_commands_change_the_secret_without_a_gap(app: App, settings: Settings) -> None:
    one, first = credentials.create(app=app, name="gateway")
    out = StringIO()
    call_command("change_secret", one.access_id, stdout=out, stderr=StringIO())
    second = out.getvalue().split()[-1]
    assert all(credentials.check(one.access_id, secret) for secret in (first, second))

    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("rotate_credentials", stdout=StringIO())
    settings.ENCRYPTION_KEYS = [new]
    assert all(credentials.check(one.access_id, secret) for secret in (first, second))

    call_command("change_secret", one.access_id, "--finish", stdout=StringIO())
    assert credentials.check(one.access_id, first) is None
    assert credentials.check(one.access_id, second)
    with pytest.raises(CommandError, match="one secret only"):
        call_command("change_secret", one.access_id, "--finish")
    changes = AuditEntry.objects.order_by("pk").values_list("details__changes", flat=True)
    assert [list(one[0]) for one in changes] == [["second secret made"], ["first secret ended"]]


def test_a_machine_without_the_key_of_a_second_secret_is_not_ready(app: App, settings: Settings) -> None:
    one, _ = credentials.create(app=app, name="gateway")
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    credentials.add_secret(one)
    settings.ENCRYPTION_KEYS = [old]

    with connection.cursor() as cursor:
        found = [text for text in health.problems(cursor).now if text.startswith("keys")]

    assert len(found) == 1


def test_a_command_takes_a_revocation_back(app: App) -> None:
    one, secret = credentials.create(app=app, name="gateway")
    call_command("revoke_credential", one.access_id, stdout=StringIO())
    call_command("revoke_credential", one.access_id, "--undo", stdout=StringIO())
    assert credentials.check(one.access_id, secret)

    now = clock.now()
    credentials.revoke(access_id=one.access_id, now=now - timedelta(minutes=61))
    with pytest.raises(CommandError, match="within the last hour"):
        call_command("revoke_credential", one.access_id, "--undo")
