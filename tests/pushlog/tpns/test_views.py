"""What every answer has in common, whatever happens. See also what `Program` asserts."""

import json
import logging

import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from pushlog import credentials
from pushlog.models import App
from pushlog.tpns import answers
from tests import factories
from tests.pushlog.tpns.client import PATH, Program

INVALID = {"retCode": 1008007, "errMsg": "invalid parameter"}
FAILED = {"retCode": 1008004, "errMsg": "invoke service error"}
PRIVATE = "+8613912345678"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"])
def test_other_methods(program: Program, method: str) -> None:
    assert program.send(b"", method=method) == INVALID


@pytest.mark.parametrize(
    "path",
    [
        "/v3",
        "/v3/",
        "/v3/push/app",
        f"{PATH}/",
        f"{PATH}x",
        "/v3/%00",
        "/v3/%ff",
        "/v3/a%0Ab",
        "/v3//",
        "//v3",
        "//v3/x",
    ],
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


@pytest.mark.parametrize("path", [f"/{PATH}", f"//{PATH}", PATH.replace("/v3/", "/v3//")])
def test_more_slashes_lead_to_the_same_address(app: App, program: Program, path: str) -> None:
    factories.create_task(app, push_id="17")

    assert program.send(b'{"pushId": "17"}', path=path)["pushRecordData"][0]["pushId"] == "17"


@pytest.mark.parametrize("path", [PATH, f"/{PATH}", "/v3", "/v3/", "/v3/push/app"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_host_name_that_is_not_ours(program: Program, path: str, method: str) -> None:
    answer = program.send(b"{}", program.authorization | {"Host": "evil.example"}, method=method, path=path)

    text = "accessId is not correct or domain not correct"
    assert answer == {"retCode": 1008035, "errMsg": text, "ret_code": 1008035, "err_msg": text}


def test_a_browsers_origin_does_not_matter(app: App, program: Program) -> None:
    """The dialect takes no cookie for a login, and so asks for no CSRF token."""
    factories.create_task(app, push_id="17")
    foreign = {"Origin": "https://evil.example", "Referer": "https://evil.example/"}

    for path in (PATH, f"/{PATH}"):
        assert program.send(b'{"pushId": "17"}', program.authorization | foreign, path=path)["retCode"] == 0
    assert program.send(b"{}", program.authorization | foreign, path="/v3/push/app")["retCode"] == 1008007


@pytest.mark.parametrize(("path", "status"), [(PATH, 403), ("//v3/x", 404), ("/v3", 500), ("/v3/push/app", 503)])
def test_a_page_for_people_becomes_an_answer(rf: RequestFactory, path: str, status: int) -> None:
    """Whatever comes to be in front of the views may answer for them."""
    request = rf.post("/")
    request.path_info = path
    response = answers.in_json(lambda _: HttpResponse("<html>", status=status))(request)

    code, text = (1008004, "invoke service error") if status >= 500 else (1008007, "invalid parameter")
    assert response.status_code == 200
    assert json.loads(response.content) == {"retCode": code, "errMsg": text, "ret_code": code, "err_msg": text}


@pytest.mark.parametrize(("path", "status"), [("/v3x", 404), ("/", 500), ("/apps/v3/", 404), (PATH, 301), (PATH, 200)])
def test_other_pages_stay(rf: RequestFactory, path: str, status: int) -> None:
    page = HttpResponse("<html>", status=status)
    request = rf.post("/")
    request.path_info = path

    assert answers.in_json(lambda _: page)(request) is page
