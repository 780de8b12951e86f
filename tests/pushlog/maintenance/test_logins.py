from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from pushlog.maintenance import run
from pushlog.models import FailedTry
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_expired_sessions_and_forgotten_failures_are_removed(client: Client) -> None:
    now = datetime.now(UTC)
    client.force_login(factories.create_user())
    gone = Client()
    gone.force_login(factories.create_user())
    Session.objects.filter(pk=gone.session.session_key).update(expire_date=now - timedelta(seconds=1))
    for minutes in (59, 61):
        moment = now - timedelta(minutes=minutes)
        FailedTry.objects.create(who=b"%d" % minutes, place=b"", beyond=0, last_at=moment, wait_until=moment)
    due = run.due(now=now)
    assert (due["sessions_removed"], due["failed_tries_removed"]) == (1, 1)

    result = run.maintain(now=now)

    assert result
    assert (result["sessions_removed"], result["failed_tries_removed"]) == (1, 1)
    assert client.get("/").status_code == 200
    assert bytes(FailedTry.objects.get().who) == b"59"
