"""Second factors: added, asked for, bounded, and required by role."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from pushlog.models import App, AuditEntry, AuditKind, FailedTry, Role
from tests import factories

PASSWORD = "right horse battery"
ADD, CODE = "/accounts/mfa/totp/activate/", "/accounts/mfa/authenticate/"


@pytest.fixture
def manager(app: App) -> User:
    return factories.create_user(app, role=Role.MANAGER, username="Mo", password=PASSWORD)


def log_in(person: User) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/accounts/login/", {"login": person.username, "password": PASSWORD})


def confirmed(client: Client) -> Client:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def add_app(client: Client) -> pyotp.TOTP:
    """What a phone does that scans the code."""
    page = confirmed(client).get(ADD)
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page.content.decode())
    assert secret
    phone = pyotp.TOTP(secret[1])
    answer = client.post(ADD, {"code": phone.now()})
    assert answer.status_code == 302, answer.content.decode()
    return phone


def later_code(phone: pyotp.TOTP) -> str:
    """One that was not used yet, and counts already."""
    return phone.at(datetime.now(UTC) + timedelta(seconds=30))


def test_a_role_that_needs_one_opens_nothing_else_before(app: App, manager: User) -> None:
    client, answer = log_in(manager)
    assert answer.headers["Location"] == f"/apps/{app.slug}/messages/"

    for path in ("/", f"/apps/{app.slug}/messages/", f"/apps/{app.slug}/erase/", "/admin/", "/admin/pushlog/app/"):
        assert client.get(path).headers["Location"] == "/accounts/mfa/", path
    fragment = client.get(f"/apps/{app.slug}/messages/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (204, "/accounts/mfa/")
    assert "Your role needs a second factor" in client.get("/accounts/mfa/").content.decode()

    add_app(client)

    assert client.get(f"/apps/{app.slug}/messages/").status_code == 200
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("role", ["viewer", "support", "operator", "administrator", "auditor"])
def test_the_setting_names_the_roles(app: App, role: str, settings: Settings) -> None:
    if role in Role.values:
        person = factories.create_user(app, role=Role(role), password=PASSWORD)
    else:
        person = factories.create_user(kind=role, password=PASSWORD)
    client, _ = log_in(person)

    settings.SECOND_FACTOR_ROLES = []
    assert client.get("/").status_code == 200
    settings.SECOND_FACTOR_ROLES = [role]
    assert client.get("/").status_code == 302


def test_superusers_count_as_administrators(db: None) -> None:
    client, _ = log_in(factories.create_user(password=PASSWORD, is_superuser=True))

    assert client.get("/").headers["Location"] == "/accounts/mfa/"


def test_the_log_in_asks_for_the_code(app: App, manager: User) -> None:
    client, _ = log_in(manager)
    phone = add_app(client)

    client, answer = log_in(manager)
    assert answer.headers["Location"] == CODE
    assert client.get("/").headers["Location"].startswith("/accounts/login/")
    assert client.post(CODE, {"code": "000000"}).status_code == 200
    assert client.get("/").status_code == 302
    assert client.post(CODE, {"code": later_code(phone)}).headers["Location"] == f"/apps/{app.slug}/messages/"
    assert client.get("/").status_code == 200


def test_a_code_counts_once(manager: User) -> None:
    client, _ = log_in(manager)
    phone = add_app(client)
    code = later_code(phone)

    statuses = []
    for _ in range(2):
        client, _ = log_in(manager)
        statuses.append(client.post(CODE, {"code": code}).status_code)

    assert statuses == [302, 200]


def test_wrong_codes_delay_further_tries(manager: User) -> None:
    client, _ = log_in(manager)
    phone = add_app(client)
    client, _ = log_in(manager)

    assert [client.post(CODE, {"code": f"00000{number}"}).status_code for number in range(6)] == [200] * 5 + [429]
    assert client.post(CODE, {"code": later_code(phone)}).status_code == 429
    FailedTry.objects.update(wait_until=F("wait_until") - timedelta(minutes=20))
    assert client.post(CODE, {"code": later_code(phone)}).status_code == 302


def test_many_addresses_wait_together(manager: User) -> None:
    client, _ = log_in(manager)
    add_app(client)
    client, _ = log_in(manager)

    statuses = [client.post(CODE, {"code": "1"}, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(32)]

    assert statuses[:30] == [200] * 30
    assert 429 in statuses[30:]
    call_command("unlock", "mo")
    assert client.post(CODE, {"code": "1"}, REMOTE_ADDR="192.0.2.200").status_code == 200


def test_recovery_codes_are_shown_once_and_count_once(manager: User) -> None:
    client, _ = log_in(manager)
    add_app(client)
    codes = re.findall(r"<code>(\d{8})</code>", client.get("/accounts/mfa/recovery-codes/").content.decode())
    assert len(codes) == 10
    assert codes[0] not in client.get("/accounts/mfa/recovery-codes/").content.decode()
    assert client.get("/accounts/mfa/recovery-codes/download/").status_code == 403

    statuses = []
    for _ in range(2):
        client, _ = log_in(manager)
        statuses.append(client.post(CODE, {"code": codes[0]}).status_code)

    assert statuses == [302, 200]


def test_factors_are_added_and_removed_only_after_the_password(manager: User) -> None:
    client, _ = log_in(manager)
    assert client.get(ADD).headers["Location"].startswith("/accounts/reauthenticate/")
    add_app(client)

    assert confirmed(client).post("/accounts/mfa/totp/deactivate/").headers["Location"] == "/accounts/mfa/"
    assert not Authenticator.objects.exists()
    assert client.get("/").headers["Location"] == "/accounts/mfa/"
    subjects = AuditEntry.objects.filter(kind=AuditKind.CHANGE).values_list("subject", flat=True)
    assert "second factor (TOTP Authenticator) of Mo" in subjects


def test_secrets_are_encrypted_and_survive_new_keys(manager: User, settings: Settings) -> None:
    client, _ = log_in(manager)
    phone = add_app(client)
    for one in Authenticator.objects.all():
        assert phone.secret not in str(one.data)
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()

    settings.ENCRYPTION_KEYS = [new]
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_credentials")
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("rotate_credentials")
    settings.ENCRYPTION_KEYS = [new]

    client, _ = log_in(manager)
    assert client.post(CODE, {"code": later_code(phone)}).status_code == 302
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    client, _ = log_in(manager)
    # Of an empty secret, which anybody could work out: an app's (HMAC pads keys with zeros), and two of recovery.
    for code in (phone.now(), pyotp.TOTP("A" * 32).now(), "11084268", "68386245"):
        assert client.post(CODE, {"code": code}).status_code == 200


def test_lost_factors_are_removed_by_a_command(app: App, manager: User, capsys: pytest.CaptureFixture[str]) -> None:
    client, _ = log_in(manager)
    add_app(client)

    call_command("remove_second_factors", "Mo")

    assert capsys.readouterr().out == "Removed.\n"
    assert log_in(manager)[1].headers["Location"] == f"/apps/{app.slug}/messages/"
    with pytest.raises(CommandError, match="nobody"):
        call_command("remove_second_factors", "nobody")


@pytest.mark.parametrize(
    "credential",
    [
        "1",
        "[]",
        '"text"',
        "{}",
        '{"id": 1}',
        '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
        '{"id": "AA", "rawId": "AA", "type": "x", "response": {"clientDataJSON": "AA", "attestationObject": "AA"}}',
        '{"id": "A", "rawId": "A", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
        '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "o2NmbXRkbm9uZQ"}}',
        '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": ""}}',  # noqa: E501
        '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "authenticatorData": "", "signature": 1}}',
    ],
)
def test_a_passkey_that_no_browser_made_is_refused(manager: User, credential: str) -> None:
    client, _ = log_in(manager)
    add_app(client)
    again, _ = log_in(manager)
    places = [
        (client, "/accounts/mfa/webauthn/add/"),
        (client, "/accounts/mfa/webauthn/reauthenticate/"),
        (again, CODE),
    ]

    for browser, place in places:
        browser.get(place)
        assert browser.post(place, {"credential": credential}).status_code in {200, 302}
    assert not Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN).exists()
    assert again.get("/").status_code == 302


def test_a_failed_code_is_in_the_audit_log(manager: User) -> None:
    client, _ = log_in(manager)
    add_app(client)
    client, _ = log_in(manager)
    client.post(CODE, {"code": "123"})

    last = AuditEntry.objects.filter(kind=AuditKind.FAILED_LOG_IN).get()
    assert last.person_id == manager.pk
    assert "123" not in str(last.details)


def test_the_picture_of_the_code_holds_what_apps_read(manager: User) -> None:
    client, _ = log_in(manager)
    page = confirmed(client).get(ADD)
    found = urlparse(page.context["totp_url"])

    assert (found.scheme, found.netloc, found.path) == ("otpauth", "totp", "/Mo")
    assert parse_qs(found.query)["issuer"] == ["Pushlog"]
    assert "data:image/svg+xml;base64," in page.content.decode()
