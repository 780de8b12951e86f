"""Credentials that programs have from TPNS, and the signatures they make with them (docs/tpns.md)."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from pushlog import credentials
from pushlog.models import App, Credential, Role
from tests import factories

ACCESS_ID, SECRET = "1500001048", "1452fcebae9f3115ba794fb0fff2fd73"
TIME = "1565314789"
NOW = datetime.fromtimestamp(int(TIME), UTC)
V1 = (
    b'{"audience_type": "account","platform": "android","message": {"title": "test title","content": "test content",'
    b'"android": { "action": {"action_type": 3,"intent": "xgscheme://com.xg.push/notify_detail?param1=xg"}}},'
    b'"message_type": "notify","account_list": ["5822f0eee44c3625ef0000bb"] }'
)
BODY = b'{"pushId": "133703"}'
SIGN = "MzhmOGE5M2M0YWFjZWRkYzhkNDMyNmRkMTA5NGEyY2I5NGYwYTRjOTI4YzM4OWQ2ZTBkYWQ4MTBjMjI4YTE3Mw=="
VECTORS = {
    "published": (
        V1,
        "Y2QyMDc3NDY4MmJmNzhiZmRiNDNlMTdkMWQ1ZDU2YjNlNWI3ODlhMTY3MGZjMTUyN2VmNTRjNjVkMmQ3Yjc2ZA==",
    ),
    "as the present pages print it": (
        V1.replace(b'"platform": "android",', b""),
        "MDlmMDdkMmE1MThhODgxNGUzNjlkY2Q5NTM0ZjEwYjhhMjlkMTI4NTMxYTE5YWRhYTI4Y2IyNDc2MDVjMWU4NA==",
    ),
    "one task": (BODY, SIGN),
    "one task, without the blank": (
        b'{"pushId":"133703"}',
        "NmM2MWU2Zjc2MjE1MjBiMDVhMjNhODExMDE1ZDNiYWMyZDVmYjg4NDIyZmYwM2VhODJkMjhmNDcxNjdjYzg0Yw==",
    ),
}


@pytest.fixture
def brought(app: App) -> Credential:
    return credentials.create(app=app, name="report", access_id=ACCESS_ID, secret=SECRET)[0]


def signature(signed: bytes, key: bytes = SECRET.encode()) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).hexdigest().encode()).decode()


def test_a_credential_may_be_brought_along(app: App, brought: Credential) -> None:
    found = credentials.check(ACCESS_ID, SECRET)

    assert found == brought
    assert found.app == app
    assert found.calls_per_hour == 200
    assert SECRET.encode() not in bytes(Credential.objects.get(access_id=ACCESS_ID).sealed_secret)


@pytest.mark.parametrize(
    ("access_id", "secret", "why"),
    [
        (ACCESS_ID, SECRET, "already"),
        ("150000104", SECRET, "10 digits"),
        ("15000010480", SECRET, "10 digits"),
        ("15000O1048", SECRET, "10 digits"),
        ("²²²²²²²²²²", SECRET, "10 digits"),
        (None, SECRET, "10 digits"),
        ("1500001049", None, "visible"),
        ("1500001049", "", "visible"),
        ("1500001049", "x" * 15, "visible"),
        ("1500001049", "x" * 257, "visible"),
        ("1500001049", SECRET + "\n", "visible"),
        ("1500001049", "密" * 20, "visible"),
    ],
)
def test_what_cannot_be_taken_is_told_without_it(
    brought: Credential, access_id: str | None, secret: str | None, why: str
) -> None:
    with pytest.raises(credentials.NotUsable, match=why) as refused:
        credentials.create(app=factories.create_app(), name="another", access_id=access_id, secret=secret)

    assert SECRET not in str(refused.value)
    assert Credential.objects.get().app == brought.app


@pytest.mark.parametrize("name", VECTORS)
def test_signatures_of_the_documents_are_right(brought: Credential, name: str) -> None:
    body, sign = VECTORS[name]

    assert credentials.check_signature(ACCESS_ID, sign, timestamp=TIME, body=body, now=NOW) == brought


WRONG = {
    "of the raw digest": "OPipPEqs7dyNQybdEJSiy5TwpMkow4nW4NrYEMIooXM=",
    "hex without base64": "38f8a93c4aaceddc8d4326dd1094a2cb94f0a4c928c389d6e0dad810c228a173",
    "in capitals": base64.b64encode(base64.b64decode(SIGN).upper()).decode(),
    "key taken for hex": signature(TIME.encode() + ACCESS_ID.encode() + BODY, bytes.fromhex(SECRET)),
    "another order": signature(ACCESS_ID.encode() + TIME.encode() + BODY),
    "of another body": VECTORS["one task, without the blank"][1],
    "with the empty key": signature(TIME.encode() + ACCESS_ID.encode() + BODY, b""),
    "published beside another body": VECTORS["published"][1],
    "empty": "",
    "cut": SIGN[:-1],
    "longer": SIGN + "=",
    "not ASCII": "é" * 88,
    "half a pair": "\ud800",
}


@pytest.mark.parametrize("name", WRONG)
def test_other_signatures_are_refused(brought: Credential, name: str) -> None:
    assert credentials.check_signature(ACCESS_ID, WRONG[name], timestamp=TIME, body=BODY, now=NOW) is None


@pytest.mark.parametrize(
    ("seconds", "taken"), [(-601, False), (-600, True), (0, True), (600, True), (601, False), (10**8, False)]
)
def test_a_signature_holds_for_ten_minutes_either_way(brought: Credential, seconds: int, taken: bool) -> None:
    now = NOW + timedelta(seconds=seconds)

    found = credentials.check_signature(ACCESS_ID, SIGN, timestamp=TIME, body=BODY, now=now)
    assert (found is not None) == taken


def test_a_setting_says_how_long(brought: Credential, settings: Settings) -> None:
    settings.SIGNATURE_MAX_AGE = 5

    for seconds, taken in ((5, True), (6, False)):
        now = NOW + timedelta(seconds=seconds)
        found = credentials.check_signature(ACCESS_ID, SIGN, timestamp=TIME, body=BODY, now=now)
        assert (found is not None) == taken


@pytest.mark.parametrize(
    "timestamp", ["", "x", "1565314789.0", "-1565314789", "+1565314789", "1" * 5000, "²", "\ud800"]
)
def test_a_time_that_is_none_is_refused(brought: Credential, timestamp: str) -> None:
    sign = signature(timestamp.encode(errors="replace") + ACCESS_ID.encode() + BODY)

    assert credentials.check_signature(ACCESS_ID, sign, timestamp=timestamp, body=BODY, now=NOW) is None


def test_whatever_is_wrong_takes_the_same_steps(brought: Credential, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counted(expected: bytes, given: bytes) -> bool:
        compared.append(len(expected))
        return hmac.compare_digest(expected, given)

    monkeypatch.setattr(credentials, "compare_digest", counted)
    late = f"{int(TIME) - 10_000}"

    def steps(access_id: str, sign: str, timestamp: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert credentials.check_signature(access_id, sign, timestamp=timestamp, body=BODY, now=NOW) is None
        return len(queries)

    assert {steps("1234567890", SIGN, TIME), steps(ACCESS_ID, "x", TIME), steps(ACCESS_ID, SIGN, late)} == {1}
    credentials.revoke(access_id=ACCESS_ID)
    assert steps(ACCESS_ID, SIGN, TIME) == 1
    assert compared == [88] * 4
    assert credentials.is_known(ACCESS_ID)
    assert not credentials.is_known("1234567890")
    assert not credentials.is_known("\x00")


def test_the_command_reads_the_secret_from_the_standard_input(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    output = StringIO()
    monkeypatch.setattr("sys.stdin", StringIO(f" {SECRET}\nnot this\n"))

    call_command("create_credential", app=app.slug, name="report", access_id=ACCESS_ID, stdout=output)

    assert output.getvalue() == f"access ID  {ACCESS_ID}\n"
    assert credentials.check(ACCESS_ID, SECRET)
    monkeypatch.setattr("sys.stdin", StringIO(f"{SECRET}\n"))
    with pytest.raises(CommandError, match="already"):
        call_command("create_credential", app=app.slug, name="report", access_id=ACCESS_ID)


def test_the_command_asks_at_a_terminal(app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: SECRET)

    call_command("create_credential", app=app.slug, name="report", access_id=ACCESS_ID, stdout=StringIO())

    assert credentials.check(ACCESS_ID, SECRET)


def test_admin_takes_one_that_is_brought_along(app: App, client: Client) -> None:
    client.force_login(factories.create_user(app, role=Role.MANAGER))
    given = {"app": app.pk, "name": "report", "scopes": ["tpns"], "own_access_id": ACCESS_ID, "own_secret": SECRET}
    address = "/admin/pushlog/credential/add/"

    for wrong in ({"own_secret": ""}, {"own_access_id": ""}, {"own_access_id": "1"}, {"own_secret": "short"}):
        page = client.post(address, given | wrong).content.decode()
        assert "Not taken: a" in page
        assert SECRET not in page
    page = client.post(address, given, follow=True).content.decode()
    assert SECRET not in page
    assert credentials.check(ACCESS_ID, SECRET)
    assert "already" in client.post(address, given).content.decode()
    assert Credential.objects.count() == 1
