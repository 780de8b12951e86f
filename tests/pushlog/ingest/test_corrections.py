"""Corrections change four fields of one message, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from pushlog import ingest
from pushlog.models import App, Message
from tests import factories

pytestmark = pytest.mark.django_db


def correction(**fields: Any) -> ingest.Correction:
    given = {"title": "New", "content": "text", "extras": {"a": 1}, "expires_at": None}
    return ingest.Correction(**{"created_at": datetime.now(UTC) - timedelta(minutes=10), **given, **fields})


def test_correct_replaces_what_may_be_put_right(app: App) -> None:
    message = factories.create_message(app, expires_in=60, extras={"b": 2})
    factories.send_receipt(message)
    expiry = message.created_at + timedelta(days=1)
    before = Message.objects.filter(pk=message.pk).values().get()

    ingest.correct(message_id=message.pk, correction=correction(expires_at=expiry))

    after = Message.objects.filter(pk=message.pk).values().get()
    assert after == before | {"title": "New", "content": "text", "extras": {"a": 1}, "expires_at": expiry}


def test_correct_takes_the_expiry_away(app: App) -> None:
    message = factories.create_message(app, expires_in=60)

    ingest.correct(message_id=message.pk, correction=correction())

    message.refresh_from_db()
    assert message.expires_at is None


def test_correct_leaves_other_messages_alone(app: App) -> None:
    message, other = factories.create_message(app), factories.create_message(app)

    ingest.correct(message_id=message.pk, correction=correction())

    assert Message.objects.get(pk=other.pk).title == other.title


def test_correct_without_a_message() -> None:
    with pytest.raises(Message.DoesNotExist):
        ingest.correct(message_id=uuid4(), correction=correction())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 501),
        ("title", "\0"),
        ("content", "x" * 20_001),
        ("extras", [1]),
        ("extras", {"a": float("nan")}),
        ("expires_at", 1_700_000_000),
        ("expires_at", "2026-11-22T09:30:00"),
    ],
)
def test_correction_has_the_bounds_of_a_message(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        correction(**{field: value})


def test_correct_writes_what_is_given_and_nothing_else(app: App) -> None:
    message = factories.create_message(app, content="as it was", extras={"b": 2}, expires_in=0)
    before = Message.objects.filter(pk=message.pk).values().get()

    ingest.correct(message_id=message.pk, correction=ingest.Correction(created_at=message.created_at, title="New"))

    assert Message.objects.filter(pk=message.pk).values().get() == before | {"title": "New"}


def test_correction_of_nothing_changes_nothing(app: App) -> None:
    message = factories.create_message(app)

    ingest.correct(message_id=message.pk, correction=ingest.Correction(created_at=message.created_at))

    assert Message.objects.get(pk=message.pk).title == message.title


@pytest.mark.parametrize("days", [-1, 367])
def test_correction_to_an_expiry_out_of_bounds_is_rejected(days: int) -> None:
    with pytest.raises(ValidationError, match="within 366 days"):
        correction(expires_at=datetime.now(UTC) + timedelta(days=days))
