import base64
import hmac
import re
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from pushlog import credentials
from pushlog.maintenance import health
from pushlog.models import App, Credential, Message, Role
from tests import factories
from tests.pushlog.api.client import basic
from tests.pushlog.sent import sent
from tests.pushlog.shifted import shift_clock


def test_a_credential_opens_its_app_until_it_is_revoked(app: App) -> None:
    made, secret = credentials.create(app=app, name="gateway")

    assert re.fullmatch(r"[1-9]\d{9}", made.access_id)
    assert len(secret) >= 32
    checked = credentials.check(made.access_id, secret)
    assert checked is not None
    assert checked.app == app
    assert credentials.revoke(access_id=made.access_id)
    assert not credentials.revoke(access_id=made.access_id)
    assert credentials.check(made.access_id, secret) is None


def test_the_secret_is_not_in_the_database(app: App) -> None:
    made, secret = credentials.create(app=app, name="gateway")

    stored = " ".join(str(value) for value in Credential.objects.filter(pk=made.pk).values_list().get())
    assert secret not in stored
    assert secret.encode() not in bytes(Credential.objects.get(pk=made.pk).sealed_secret)


@pytest.mark.parametrize("access_id", ["0000000000", "", "x", "1\x00", "²²²²²²²²²²", "9" * 1000])
@pytest.mark.parametrize("secret", ["", "wrong", "\ud800", "\x00"])
def test_wrong_ones_are_refused(app: App, access_id: str, secret: str) -> None:
    credentials.create(app=app, name="gateway")

    assert credentials.check(access_id, secret) is None


def test_an_unknown_access_id_takes_the_same_steps(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = credentials.create(app=app, name="gateway")
    opened: list[int] = []
    unsealed = credentials._unsealed

    def counted(sealed: bytes) -> bytes:
        opened.append(len(sealed))
        return unsealed(sealed)

    monkeypatch.setattr(credentials, "_unsealed", counted)

    for access_id in (made.access_id, "1234567890", "nonsense"):
        with CaptureQueriesContext(connection) as queries:
            assert credentials.check(access_id, "wrong") is None
        assert len(queries) == 1

    assert len(opened) == 3
    assert len(set(opened)) == 1


def test_use_is_noted_once_an_hour(app: App) -> None:
    made, secret = credentials.create(app=app, name="gateway")
    now = datetime.now(UTC)
    noted = []

    for minutes in (0, 1, 59, 61, 62):
        assert credentials.check(made.access_id, secret, now=now + timedelta(minutes=minutes))
        noted.append(Credential.objects.get(pk=made.pk).last_used_at)

    assert noted == [now, now, now, now + timedelta(minutes=61), now + timedelta(minutes=61)]


@pytest.fixture
def notes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed note keeps this process from others for a minute."""
    monkeypatch.setattr(credentials, "_paused_until", 0.0)


@pytest.fixture
def elsewhere() -> Iterator[Any]:
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute("BEGIN")
        yield cursor


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("notes_again")
@pytest.mark.parametrize("in_transaction", [False, True])
def test_read_on_a_standby_notes_no_use_and_is_refused(app: App, in_transaction: bool) -> None:
    made, secret = credentials.create(app=app, name="gateway")
    header = basic(made.access_id, secret)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        with transaction.atomic() if in_transaction else nullcontext():
            assert credentials.check(made.access_id, secret) == made
            assert not Message.objects.exists()
        answer = Client().post(
            "/api/v1/messages/search",
            '{"target_id": "t"}',
            content_type="application/json",
            headers={"Authorization": header},
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")

    # The audit log cannot be written there, so nothing is read.
    assert answer.status_code == 503
    made.refresh_from_db()
    assert made.last_used_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("notes_again")
@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize(
    "lock", ["SELECT 1 FROM pushlog_credential FOR UPDATE", "LOCK TABLE pushlog_credential IN SHARE MODE"]
)
def test_read_waits_for_no_lock(app: App, elsewhere: Any, lock: str, in_transaction: bool) -> None:
    made, secret = credentials.create(app=app, name="gateway")
    elsewhere.execute(lock)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")
    try:
        with transaction.atomic() if in_transaction else nullcontext(), sent() as statements:
            assert credentials.check(made.access_id, secret) == made
            assert not Message.objects.exists()  # the transaction is not broken
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
        elsewhere.execute("ROLLBACK")

    assert statements
    made.refresh_from_db()
    assert made.last_used_at is None


@pytest.mark.django_db(transaction=True)
def test_failed_note_is_not_tried_with_every_request(app: App, monkeypatch: pytest.MonkeyPatch, elsewhere: Any) -> None:
    monkeypatch.setattr(credentials, "_paused_until", 0.0)
    made, secret = credentials.create(app=app, name="gateway")
    elsewhere.execute("LOCK TABLE pushlog_credential IN SHARE MODE")
    numbers = []

    for _ in range(3):
        with sent() as statements:
            assert credentials.check(made.access_id, secret)
        numbers.append(len(statements))

    assert numbers[0] > 1
    assert numbers[1:] == [1, 1]
    elsewhere.execute("ROLLBACK")
    monkeypatch.setattr(credentials, "_paused_until", time.monotonic() - 1)
    assert credentials.check(made.access_id, secret)
    made.refresh_from_db()
    assert made.last_used_at is not None


def test_signature_is_checked_by_the_databases_clock(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made, secret = credentials.create(app=app, name="report")
    timestamp = f"{int(time.time())}"
    signed = hmac.new(secret.encode(), f"{timestamp}{made.access_id}".encode(), "sha256").hexdigest()
    signature = base64.b64encode(signed.encode()).decode()
    shift_clock(monkeypatch, timedelta(days=2))

    assert credentials.check_signature(made.access_id, signature, timestamp=timestamp, body=b"") == made


def test_keys_can_be_rotated(app: App, settings: Settings) -> None:
    made, secret = credentials.create(app=app, name="gateway")
    old, new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()

    settings.ENCRYPTION_KEYS = [new, *old]
    output = StringIO()
    call_command("rotate_credentials", stdout=output)
    assert "1 secrets" in output.getvalue()
    settings.ENCRYPTION_KEYS = [new]
    assert credentials.check(made.access_id, secret)

    settings.ENCRYPTION_KEYS = old
    assert credentials.check(made.access_id, secret) is None
    with pytest.raises(InvalidToken):
        credentials.reseal()
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_credentials")


def test_commands_make_and_revoke(app: App) -> None:
    output = StringIO()

    call_command("create_credential", app=app.slug, name="gateway", stdout=output, stderr=StringIO())
    found = re.fullmatch(r"access ID  (\d{10})\nsecret     (\S{32,})\n", output.getvalue())
    assert found
    assert credentials.check(found[1], found[2])
    call_command("revoke_credential", found[1], stdout=output)
    call_command("revoke_credential", found[1], stdout=output)
    assert output.getvalue().endswith("Revoked.\nIt was revoked already.\n")
    assert credentials.check(found[1], found[2]) is None


def test_commands_say_what_is_wrong(app: App) -> None:
    with pytest.raises(CommandError, match=f"apps: {app.slug}"):
        call_command("create_credential", app="nope", name="gateway")
    with pytest.raises(CommandError, match="at most 100"):
        call_command("create_credential", app=app.slug, name="x" * 101)
    with pytest.raises(CommandError, match="no credential"):
        call_command("revoke_credential", "123")


@pytest.fixture
def browser(client: Client, app: App) -> Client:
    admin: User = factories.create_user(app, role=Role.MANAGER)
    client.force_login(admin)
    return client


LIST = "/admin/pushlog/credential/"


def test_admin_shows_the_secret_once(browser: Client, app: App) -> None:
    answer = browser.post(f"{LIST}add/", {"app": app.pk, "name": "gateway", "note": "", "scopes": ["read"]})

    assert (answer.status_code, answer.headers["Cache-Control"]) == (
        200,
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )
    access_id, secret = re.findall(r"<code>(\S+)</code>", answer.content.decode())
    assert credentials.check(access_id, secret)
    assert all(secret not in cookie.value for cookie in browser.cookies.values())
    assert secret not in browser.get(LIST).content.decode()
    made = Credential.objects.get(access_id=access_id)
    assert secret not in browser.get(f"{LIST}{made.pk}/change/").content.decode()


def test_admin_changes_words_and_limits_alone(browser: Client, app: App) -> None:
    made, secret = credentials.create(app=app, name="gateway")
    other = factories.create_app()

    limits = {"calls_per_hour": 5000, "requests_per_minute": 1, "rows_per_minute": 2, "mib_per_minute": 3}
    given = {"app": other.pk, "name": "new", "note": "n", "access_id": "1", "scopes": ["read"]} | limits
    browser.post(f"{LIST}{made.pk}/change/", given)
    again = Credential.objects.get(pk=made.pk)
    assert (again.name, again.note, {name: getattr(again, name) for name in limits}) == ("new", "n", limits)
    assert (again.app, again.access_id) == (app, made.access_id)
    assert credentials.check(made.access_id, secret)

    assert browser.post(f"{LIST}{made.pk}/delete/", {"post": "yes"}).status_code == 403


OTHER_KEY = "bWFueSBtYWNoaW5lcywgb25lIHNldCBvZiBrZXlzISE="


def problems() -> list[str]:
    with connection.cursor() as cursor:
        return [one for one in health.problems(cursor).now if one.startswith("keys")]


@pytest.mark.django_db
def test_a_machine_without_the_key_of_a_credential_is_not_ready(app: App, settings: Any) -> None:
    made, _ = credentials.create(app=app, name="gateway")
    assert problems() == []

    settings.ENCRYPTION_KEYS = [OTHER_KEY]

    assert problems() == ["keys: the keys of 1 credentials are missing in ENCRYPTION_KEYS"]
    credentials.revoke(access_id=made.access_id)
    assert problems() == []


@pytest.mark.django_db
def test_keys_change_on_several_machines_without_a_gap(app: App, settings: Any) -> None:
    """As docs/operations.md says: first all machines know the new key, then it encrypts, then the old one goes."""
    old = settings.ENCRYPTION_KEYS[0]
    made, secret = credentials.create(app=app, name="gateway")

    def works(*keys: str) -> bool:
        settings.ENCRYPTION_KEYS = [*keys]
        return credentials.check(made.access_id, secret) is not None and problems() == []

    assert works(old)
    assert works(old, OTHER_KEY)
    assert works(OTHER_KEY, old)
    credentials.reseal()
    assert works(OTHER_KEY, old)
    assert works(old, OTHER_KEY)  # a machine that was forgotten in the second step
    assert works(OTHER_KEY)
    assert not works(old)


@pytest.mark.django_db
def test_keys_of_older_credentials_are_found(app: App, settings: Any) -> None:
    first, _ = credentials.create(app=app, name="gateway")
    settings.ENCRYPTION_KEYS = [OTHER_KEY, *settings.ENCRYPTION_KEYS]
    second, _ = credentials.create(app=app, name="gateway")
    known = {one.pk: one.key_fingerprint for one in Credential.objects.all()}
    Credential.objects.update(key_fingerprint="")
    settings.ENCRYPTION_KEYS = [OTHER_KEY]

    assert credentials.note_keys() == 1

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.key_fingerprint, second.key_fingerprint) == ("", known[second.pk])
    assert len(set(known.values())) == 2
