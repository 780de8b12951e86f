from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from pushlog import credentials
from pushlog.models import App, CallWindow, Credential
from pushlog.tpns import limit
from pushlog.tpns.codes import Code, Refused
from tests import factories
from tests.pushlog.threads import run_together
from tests.pushlog.tpns.client import Program


@pytest.fixture
def credential(app: App) -> Credential:
    made, _ = credentials.create(app=app, name="a report")
    Credential.objects.filter(pk=made.pk).update(calls_per_hour=3)
    made.refresh_from_db()
    return made


def allowed(credential: Credential, times: int, endpoint: str = "a") -> int:
    """How many of so many calls were allowed."""
    count = 0
    for _ in range(times):
        with suppress(Refused):
            limit.count_call(credential, endpoint)
            count += 1
    return count


def test_calls_are_counted_by_credential_and_endpoint(app: App, credential: Credential) -> None:
    other, _ = credentials.create(app=app, name="another of the same app")

    assert allowed(credential, 5) == 3
    assert allowed(credential, 5, "b") == 3
    assert allowed(other, 201) == 200


def test_the_hour_begins_with_the_first_call(credential: Credential) -> None:
    assert allowed(credential, 5) == 3
    with pytest.raises(Refused) as refused:
        limit.count_call(credential, "a")
    assert refused.value.code == Code.TOO_FAST
    assert refused.value.retry_after in range(3590, 3601)

    window = CallWindow.objects.filter(credential=credential, endpoint="a")
    window.update(started_at=timezone.now() - timedelta(minutes=59))
    with pytest.raises(Refused) as refused:
        limit.count_call(credential, "a")
    assert refused.value.retry_after in range(50, 70)

    window.update(started_at=timezone.now() - timedelta(hours=1, minutes=1))
    assert allowed(credential, 5) == 3
    assert timezone.now() - window.get().started_at < timedelta(minutes=5)


def test_another_limit_holds_at_once(credential: Credential) -> None:
    assert allowed(credential, 5) == 3
    for most, more in ((5, 2), (1, 0), (6, 1)):
        credential.calls_per_hour = most
        assert allowed(credential, 5) == more


def test_none_may_be_allowed(credential: Credential) -> None:
    credential.calls_per_hour = 0

    assert allowed(credential, 3) == 0


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_are_counted_exactly(credential: Credential) -> None:
    credential.calls_per_hour = 50
    counted: list[int] = []

    run_together(*[lambda: counted.append(allowed(credential, 20))] * 4)

    assert sum(counted) == 50


def test_every_authenticated_call_counts(app: App, program: Program) -> None:
    Credential.objects.filter(pk=program.credential.pk).update(calls_per_hour=4)
    factories.create_task(app, push_id="17")

    codes = [
        program.code(pushId="17"),
        program.send(b"{", {"Authorization": "Basic x"})["retCode"],
        program.send(b"{")["retCode"],
        program.code(pushId=""),
        program.code(pushId="none"),
        program.code(pushId="17"),
        program.send(b"{")["retCode"],
    ]

    assert codes == [0, 1008003, 1008001, 1008002, 1008015, 1008028, 1008028]
    assert program.ask(pushId="17") == {"retCode": 1008028, "errMsg": "request too fast"}
    assert int(program.response.headers["Retry-After"]) in range(3590, 3601)


def test_the_count_outlives_an_error(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    Credential.objects.filter(pk=program.credential.pk).update(calls_per_hour=2)

    def fail(*_: object) -> None:
        raise ValueError("x")

    monkeypatch.setattr("pushlog.tpns.views._one_task", fail)

    assert [program.code(pushId="17") for _ in range(3)] == [1008004, 1008004, 1008028]
    assert not connection.needs_rollback
