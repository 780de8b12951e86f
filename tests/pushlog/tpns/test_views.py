"""What every answer has in common, whatever happens. See also what `Program` asserts."""

import logging

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from pushlog import credentials
from pushlog.models import App
from tests import factories
from tests.pushlog.tpns.client import PATH, Program

INVALID = {"retCode": 1008007, "errMsg": "invalid parameter"}
FAILED = {"retCode": 1008004, "errMsg": "invoke service error"}
PRIVATE = "+8613912345678"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"])
def test_other_methods(program: Program, method: str) -> None:
    assert program.send(b"", method=method) == INVALID


@pytest.mark.parametrize(
    "path", ["/v3/", "/v3/push/app", f"{PATH}/", f"{PATH}x", "/v3/%00", "/v3/%ff", "/v3/a%0Ab", "/v3//"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_addresses(program: Program, path: str, method: str) -> None:
    """With both spellings: a client that pushes would read a missing `ret_code` as 0, success."""
    answer = program.send(b"{}", method=method, path=path)

    assert answer == INVALID | {"ret_code": 1008007, "err_msg": "invalid parameter"}


@pytest.mark.parametrize("failure", [ValueError(PRIVATE), OperationalError(PRIVATE), RecursionError(PRIVATE)])
def test_what_fails_here_is_told_without_its_words(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("pushlog.tpns.views.task_pages.page", fail)

    assert program.ask(startDate="2026-05-01", endDate="2026-05-02", x=PRIVATE) == FAILED
    assert type(failure).__name__ in caplog.text
    assert PRIVATE not in caplog.text


def test_a_database_that_is_away(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError(f"connection to server at {PRIVATE} failed")

    monkeypatch.setattr(credentials, "_checked", fail)

    assert program.ask(pushId="17") == FAILED
    assert PRIVATE not in caplog.text


def test_a_statement_that_takes_too_long(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(*_: object, **__: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '20ms'")
            cursor.execute("SELECT pg_sleep(10)")

    monkeypatch.setattr("pushlog.tpns.views.task_pages.page", sleep)

    assert program.ask(startDate="2026-05-01", endDate="2026-05-02") == FAILED


def test_nothing_of_a_request_is_logged(app: App, program: Program, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    factories.create_task(app, push_id=PRIVATE, title="secret title")

    assert program.code(pushId=PRIVATE) == 0
    program.send(b"{" + PRIVATE.encode())
    program.ask(pushId=PRIVATE, startDate=PRIVATE)
    program.send(b"{}", {"Authorization": f"Basic {PRIVATE}"})

    for word in (PRIVATE, program.secret, program.authorization["Authorization"][6:], "secret title"):
        assert not [line for line in caplog.records if line.name.startswith("pushlog") and word in line.getMessage()]


def test_a_host_name_that_is_not_ours_is_djangos_own_error(client: Client) -> None:
    assert client.post(PATH, headers={"Host": "evil.example"}).status_code == 400
