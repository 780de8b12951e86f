"""Wrong secrets of programs delay further calls, by access ID and address."""

import json
import time
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography.fernet import MultiFernet
from django.core.management import call_command
from django.db import OperationalError
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from pushlog import credentials
from pushlog.models import App, FailedTry
from tests.pushlog.api.client import Program, basic
from tests.pushlog.tpns.client import PATH, signed
from tests.pushlog.tpns.client import Program as Report

SEARCH = "/api/v1/messages/search"
BODY = b'{"target_id": "x"}'


@pytest.fixture
def program(app: App) -> Program:
    return Program(app)


def ask(access_id: str, secret: str, address: str = "192.0.2.1") -> Any:
    return Client(raise_request_exception=False).post(
        SEARCH,
        BODY,
        content_type="application/json",
        REMOTE_ADDR=address,
        headers={"Authorization": basic(access_id, secret)},
    )


def statuses(times: int, access_id: str, secret: str = "wrong", address: str = "192.0.2.1") -> list[int]:
    return [ask(access_id, secret, address).status_code for _ in range(times)]


def pass_time(seconds: int) -> None:
    by = timedelta(seconds=seconds)
    FailedTry.objects.update(last_at=F("last_at") - by, wait_until=F("wait_until") - by)


def test_the_wait_doubles_and_holds_for_the_right_secret(program: Program) -> None:
    access_id = program.credential.access_id
    assert statuses(5, access_id) == [401] * 5

    waits = []
    for _ in range(4):
        response = ask(access_id, program.secret)
        assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
        waits.append(int(response.headers["Retry-After"]))
        pass_time(waits[-1])
        assert statuses(1, access_id) == [401]

    assert waits == [1, 2, 4, 8]
    assert statuses(1, access_id, program.secret, "192.0.2.2") == [200]
    pass_time(16)
    assert statuses(1, access_id, program.secret) == [200]


def test_a_wait_does_not_touch_the_secret(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses(5, program.credential.access_id)
    monkeypatch.setattr(MultiFernet, "decrypt", Mock(side_effect=AssertionError))

    assert statuses(1, program.credential.access_id, program.secret) == [429]


def test_an_unknown_access_id_looks_like_a_wrong_secret(program: Program) -> None:
    assert statuses(7, "1000000000") == [401] * 5 + [429] * 2
    assert statuses(7, program.credential.access_id) == [401] * 5 + [429] * 2


def test_an_address_that_tries_many_access_ids_waits(program: Program) -> None:
    other, secret = credentials.create(app=program.app, name="other")
    for number in range(30):
        assert statuses(1, f"{1000000000 + number}") == [401]
    rows = FailedTry.objects.count()

    assert statuses(1, "2000000000") == [429]
    # What is made up takes no place in the table.
    assert FailedTry.objects.count() == rows
    assert statuses(1, other.access_id, secret) == [200]
    # Who guesses on is delayed even so.
    assert statuses(5, other.access_id) == [429] * 5
    assert statuses(1, other.access_id, secret) == [429]


@pytest.mark.parametrize("access_id", ["", "x", "1" * 11, "x\0", "１２３４５６７８９０"])
def test_what_is_no_access_id_is_counted_too(app: App, access_id: str) -> None:
    assert statuses(6, access_id) == [401] * 5 + [429]


def test_the_dialect_says_too_fast(app: App) -> None:
    report = Report(app)
    given = {"access_id": report.credential.access_id, "secret": "wrong" * 4, "timestamp": f"{int(time.time())}"}
    wrong = signed(b"{}", **given)
    right = signed(b"{}", **given | {"secret": report.secret})

    assert [report.send(b"{}", wrong)["retCode"] for _ in range(6)] == [1008003] * 5 + [1008028]
    assert report.response.headers["Retry-After"] == "1"
    assert report.send(b"{}", right)["retCode"] == 1008028
    assert report.ask()["retCode"] == 1008028
    pass_time(1)
    assert report.send(b"{}", right)["retCode"] == 0


def test_api_and_dialect_count_together(app: App) -> None:
    report = Report(app)
    wrong = {"Authorization": basic(report.credential.access_id, "wrong")}
    for _ in range(5):
        Client().post(PATH, b"{}", content_type="application/json", headers=wrong)

    assert statuses(1, report.credential.access_id, report.secret, "127.0.0.1") == [429]


def test_unlock_takes_an_access_id(program: Program) -> None:
    statuses(6, program.credential.access_id)

    call_command("unlock", program.credential.access_id)

    assert statuses(1, program.credential.access_id, program.secret) == [200]


def test_a_right_secret_costs_no_statement_more(
    program: Program, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        credentials.check(program.credential.access_id, program.secret, address="192.0.2.1")

    assert not FailedTry.objects.exists()


def test_an_outage_is_not_counted(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without_database:
        without_database.setattr(credentials, "_unsealed", Mock(side_effect=OperationalError))
        assert statuses(6, program.credential.access_id, program.secret) == [503] * 6

    assert not FailedTry.objects.exists()
    assert json.loads(ask(program.credential.access_id, program.secret).content)["messages"] == []
