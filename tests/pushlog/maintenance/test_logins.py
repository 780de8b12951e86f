from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from pushlog.maintenance import run
from pushlog.models import Correction, FailedTry
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


def test_old_and_new_texts_of_corrections_go_with_the_audit_log(settings: Settings) -> None:
    app, person, now = factories.create_app(), factories.create_user(), datetime.now(UTC)
    for days in (settings.AUDIT_DAYS - 1, settings.AUDIT_DAYS + 1):
        at = now - timedelta(days=days)
        Correction.objects.create(app=app, user=person, push_id=str(days), at=at, values={"title": ["old", "new"]})

    assert run.due(now=now)["corrections_removed"] == 1
    result = run.maintain(now=now)
    assert result
    assert result["corrections_removed"] == 1
    assert Correction.objects.get().push_id == str(settings.AUDIT_DAYS - 1)
