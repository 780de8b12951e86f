import base64
import time

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from pushlog import credentials
from pushlog.models import App, CallWindow
from tests import factories
from tests.pushlog.api.client import basic
from tests.pushlog.test_credentials_brought import ACCESS_ID, BODY, SECRET
from tests.pushlog.tpns.client import Program, signed

NOT_AUTHENTICATED = {"retCode": 1008003, "errMsg": "auth failure"}
UNKNOWN = {"retCode": 1008035, "errMsg": "accessId is not correct or domain not correct"}
THERE_IS_NONE = {"retCode": 1008015, "errMsg": "push id not exist"}


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def test_the_basic_vector_of_the_documents_is_taken(app: App, program: Program) -> None:
    credentials.create(app=app, name="moved here", access_id=ACCESS_ID, secret=SECRET)
    vector = "MTUwMDAwMTA0ODoxNDUyZmNlYmFlOWYzMTE1YmE3OTRmYjBmZmYyZmQ3Mw=="

    for scheme in ("Basic", "basic", "BASIC"):
        assert program.send(BODY, {"Authorization": f"{scheme} {vector}"}) == THERE_IS_NONE


def test_a_signature_is_over_the_bytes_as_they_are(program: Program) -> None:
    given = {"access_id": program.credential.access_id, "secret": program.secret, "timestamp": f"{int(time.time())}"}

    for body in (b'{"pushId": "1"}', b'{"pushId":"1"}', b' {"pushId":\n"1"}\n', '{"pushId":"推"}'.encode()):
        assert program.send(body, signed(body, **given)) == THERE_IS_NONE
        assert program.send(body + b" ", signed(body, **given)) == NOT_AUTHENTICATED
    call_command("unlock", program.credential.access_id)
    # Whether a body can be read is told to who signed it.
    for body in (b"", b"\xff\x00", b"{"):
        assert program.send(body, signed(body, **given))["retCode"] == 1008001
        assert program.send(body, signed(b"{}", **given)) == NOT_AUTHENTICATED


def test_a_signature_is_refused_when_its_time_is_over(program: Program, settings: Settings) -> None:
    settings.SIGNATURE_MAX_AGE = 60
    given = {"access_id": program.credential.access_id, "secret": program.secret}
    now = int(time.time())

    for seconds, expected in ((-50, THERE_IS_NONE), (50, THERE_IS_NONE), (-70, NOT_AUTHENTICATED)):
        assert program.send(BODY, signed(BODY, timestamp=f"{now + seconds}", **given)) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic x",
        "Bearer x",
        "Basic " + "A" * 5000,
        "Basic " + encoded(b"\xff:\xff"),
        "Basic " + encoded(b"1500001048"),
        "Digest " + encoded(b"1500001048:x"),
        encoded(b"1500001048:x"),
        "Basic \u00e9\u00e9==",
    ],
)
def test_nothing_that_could_be_a_credential_is_no_authentication(program: Program, header: str | None) -> None:
    assert program.send(BODY, {} if header is None else {"Authorization": header}) == NOT_AUTHENTICATED


@pytest.mark.parametrize("access_id", ["1234567890", "", "x", "1\x00", "9" * 1000, "²²²²²²²²²²"])
def test_an_access_id_that_nobody_has_is_told(program: Program, access_id: str) -> None:
    assert program.send(BODY, {"Authorization": basic(access_id, program.secret)}) == UNKNOWN


def test_a_wrong_secret_is_no_unknown_access_id(program: Program) -> None:
    access_id, timestamp = program.credential.access_id, f"{int(time.time())}"
    shown = [
        {"Authorization": basic(access_id, "wrong")},
        {"Authorization": basic(access_id, "")},
        signed(BODY, access_id=access_id, secret="wrong", timestamp=timestamp),
    ]

    assert [program.send(BODY, headers) for headers in shown] == [NOT_AUTHENTICATED] * 3
    assert program.send(BODY, signed(BODY, access_id="1234567890", secret="x", timestamp=timestamp)) == UNKNOWN


def test_a_revoked_credential_is_a_wrong_one(program: Program) -> None:
    given = {"access_id": program.credential.access_id, "secret": program.secret, "timestamp": f"{int(time.time())}"}
    credentials.revoke(access_id=program.credential.access_id)

    assert program.send(BODY) == NOT_AUTHENTICATED
    assert program.send(BODY, signed(BODY, **given)) == NOT_AUTHENTICATED


@pytest.mark.parametrize("missing", ["AccessId", "TimeStamp", "Sign"])
def test_a_signature_takes_three_headers(program: Program, missing: str) -> None:
    headers = signed(
        BODY, access_id=program.credential.access_id, secret=program.secret, timestamp=f"{int(time.time())}"
    )
    del headers[missing]

    assert program.send(BODY, headers) == NOT_AUTHENTICATED


def test_of_two_ways_the_signature_counts(app: App, program: Program) -> None:
    wrong = signed(BODY, access_id=program.credential.access_id, secret="wrong", timestamp=f"{int(time.time())}")

    assert program.send(BODY, program.authorization | wrong) == NOT_AUTHENTICATED
    # What some clients send with every request is no signature.
    assert program.send(BODY, program.authorization | {"AccessId": "1", "TimeStamp": "2"}) == THERE_IS_NONE


def test_a_login_in_the_console_is_no_authentication(app: App, program: Program) -> None:
    program.client.force_login(factories.create_user(app, is_superuser=True))

    with CaptureQueriesContext(connection) as queries:
        assert program.send(BODY, {}) == NOT_AUTHENTICATED
    assert len(queries) == 0


def test_whoever_is_refused_costs_the_same(program: Program) -> None:
    found = []
    for headers in (
        {"Authorization": basic("1234567890", "x")},
        {"Authorization": basic(program.credential.access_id, "x")},
        signed(BODY, access_id=program.credential.access_id, secret=program.secret, timestamp="1"),
    ):
        with CaptureQueriesContext(connection) as queries:
            program.send(BODY, headers)
        found.append(len(queries))

    assert found == [2, 2, 2]
    assert not CallWindow.objects.exists()
