"""What a credential may use of the JSON API in a minute."""

import gzip
import json
from datetime import timedelta

import pytest
from django.db.models import F

from pushlog import usage
from pushlog.models import App, Credential, CredentialUsage, Message
from tests.factories import message_row
from tests.pushlog.api.client import Program

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may fail because the minute ends."""
    monkeypatch.setattr(usage, "_ADD", usage._ADD.replace("'minute'", "'day'"))


@pytest.fixture
def program(app: App) -> Program:
    made = Program(app)
    CredentialUsage.objects.all().delete()
    return made


def limit(program: Program, **limits: int) -> None:
    Credential.objects.filter(pk=program.credential.pk).update(**limits)


def search(program: Program) -> int:
    return program.post("messages/search", {"target_id": "x"})[0]


def used() -> tuple[int, int, int]:
    return CredentialUsage.objects.values_list("requests", "rows", "bytes").get()


def test_the_request_after_the_limit_is_refused(program: Program) -> None:
    limit(program, requests_per_minute=2)

    assert [search(program) for _ in range(3)] == [200, 200, 429]
    response = program.client.post("/api/v1/messages", headers={"Authorization": program.authorization})

    assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert program.post("messages", {"messages": [message_row()]})[0] == 429
    assert not Message.objects.exists()
    assert used()[0] == 2


def test_a_new_minute_begins_at_nothing(program: Program) -> None:
    limit(program, requests_per_minute=1)
    assert [search(program), search(program)] == [200, 429]

    CredentialUsage.objects.update(minute=F("minute") - timedelta(days=1))

    assert [search(program), search(program)] == [200, 429]


def test_rows_count_with_those_that_are_rejected(program: Program) -> None:
    limit(program, rows_per_minute=3)

    first = program.post("messages", {"messages": [message_row(), {}, message_row()]})
    second = program.post("messages", {"messages": [message_row()]})

    assert (first[0], first[1]["accepted"]) == (200, 2)
    assert second[0] == 429
    assert Message.objects.count() == 2
    assert used()[1] == 3


def test_bytes_count_as_they_are_decoded(program: Program) -> None:
    limit(program, mib_per_minute=1)
    body = json.dumps({"messages": [{"title": "a" * (1 << 20)}]}).encode()

    first = program.post("messages", gzip.compress(body), Content_Encoding="gzip")
    second = search(program)

    assert (first[0], second) == (200, 429)
    assert used()[2] == len(body)


def test_a_body_that_is_refused_counts_too(program: Program) -> None:
    assert program.post("messages", b'{"messages": [')[0] == 400

    assert used()[1:] == (0, 14)


def test_others_are_not_limited(program: Program, app: App) -> None:
    limit(program, requests_per_minute=1)
    search(program)

    assert search(program) == 429
    assert search(Program(app)) == 200


def test_a_wrong_secret_uses_nothing(program: Program) -> None:
    search(program)
    program.secret = "wrong"

    assert search(program) == 401
    assert used()[0] == 1
