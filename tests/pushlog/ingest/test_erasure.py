"""Everything of one target ID goes, and nothing else."""

import io
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from pushlog import audit, ingest
from pushlog.models import App, AuditEntry, AuditKind, Correction, EarlyReceipt, Message, PushTask, StatusChange
from pushlog.postgres import partitions
from tests import factories
from tests.pushlog.counting import difference
from tests.pushlog.threads import run_together

pytestmark = pytest.mark.django_db(transaction=True)
TARGET, OTHER = "+8613800000781", "+8613800000782"


def erase(app: App, target: str = TARGET, **options: Any) -> ingest.Erased:
    return ingest.erase_target(app=app, target_id=target, by=audit.COMMAND, reason="request 7", **options)


def everything_of(app: App, target: str, number: int) -> Message:
    """A message with a receipt and a correction, a broadcast, and a task."""
    message = factories.create_message(app, target_id=target)
    factories.send_receipt(message, channel="apns", code=2009)
    factories.create_message(app, target_id=target, mode="broadcast")
    factories.create_task(app, push_id=f"{number}", target_kind="devices", targets=["first", target])
    rule = {"operator": "or", "tags": [{"type": "uid", "value": target}, {"type": "uid", "value": "first"}]}
    factories.create_task(app, push_id=f"tags-{number}", target_kind="tag", tag_rule=rule)
    person = audit.Actor(factories.create_user(app))
    now = message.created_at
    audit.record_correction(person, {"content": ("a", "b")}, app=app, message=message, now=now)
    audit.record_correction(person, {"targets": (None, [target])}, app=app, push_id=f"{number}", now=now)
    return message


def test_all_of_one_target_goes_and_nothing_else(app: App) -> None:
    other_app = factories.create_app()
    everything_of(app, TARGET, 1)
    kept = [everything_of(app, OTHER, 2), everything_of(other_app, TARGET, 3)]
    EarlyReceipt.objects.create(
        app=app, message_id=kept[0].pk, at=datetime.now(UTC), code=1, channel=1, detail=f"of {TARGET}"
    )

    done = erase(app)

    assert (done.messages, done.history, done.receipts, done.tasks, done.corrections) == (2, 1, 1, 2, 2)
    assert done.is_complete
    assert not Message.objects.filter(app=app, target_id=TARGET).exists()
    assert Message.objects.count() == 4
    assert {one.message_id for one in StatusChange.objects.all()} == {one.pk for one in kept}
    assert PushTask.objects.get(app=app, push_id="1").targets == ["first", ingest.erasure.ERASED]
    assert PushTask.objects.get(app=app, push_id="2").targets == ["first", OTHER]
    assert TARGET not in str(PushTask.objects.filter(app=app).values_list("targets", "tag_rule"))
    assert TARGET not in str(EarlyReceipt.objects.values_list())
    assert Correction.objects.exclude(values={}).count() == 4
    assert difference() == []


def test_receipts_that_name_a_longer_id_stay(app: App) -> None:
    for number, detail in enumerate(["of 77", "of 7, rejected"]):
        EarlyReceipt.objects.create(
            app=app, message_id=uuid4(), at=datetime.now(UTC), code=number, channel=1, detail=detail
        )

    assert erase(app, "7").receipts == 1
    assert {one.detail for one in EarlyReceipt.objects.all()} == {"of 77", ""}


def test_invisible_characters_are_an_id_and_nothing_is_none(app: App) -> None:
    everything_of(app, TARGET, 1)

    assert erase(app, "\u200b").messages == 0
    with pytest.raises(ValueError, match="no target ID"):
        erase(app, "")
    assert Message.objects.count() == 2


def test_log_says_that_it_was_done_and_not_for_whom(app: App) -> None:
    factories.create_message(app, target_id=TARGET)

    erase(app)

    entries = AuditEntry.objects.filter(kind=AuditKind.ERASURE)
    assert {(one.app, one.details["reason"]) for one in entries} == {(app, "request 7")}
    assert [one.details.get("messages") for one in entries.order_by("pk")] == [1, None]
    assert {bytes(one.target or b"") for one in entries} == {audit.target_hash(app, TARGET)}
    assert TARGET not in str([vars(one) for one in entries])


def test_messages_older_than_the_window_go_too(app: App) -> None:
    then = datetime.now(UTC) - timedelta(days=31)
    row = factories.message_row(target_id=TARGET, created_at=then)
    partitions.ensure(then.date(), then.date())
    factories.create_messages(app, [row], now=then)

    assert erase(app).messages == 1
    assert difference() == []


def test_it_is_repeated_and_stopped(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.erasure, "_BATCH", 2)
    factories.create_messages(app, [factories.message_row(target_id=TARGET) for _ in range(5)])
    turns = iter([True, True, False])

    first = erase(app, go_on=lambda: next(turns))
    assert (first.messages, first.is_complete) == (4, False)
    assert difference() == []

    second, third = erase(app), erase(app)
    assert (second.messages, second.is_complete) == (1, True)
    assert (third.messages, third.is_complete) == (0, True)


def test_rows_arrive_meanwhile(app: App) -> None:
    messages = [factories.create_message(app, target_id=TARGET) for _ in range(40)]

    def report() -> None:
        for message in messages:
            factories.send_receipt(message)
            factories.send_receipt(message, code=3)

    def write() -> None:
        for _ in range(40):
            factories.create_message(app, target_id=TARGET)

    run_together(lambda: erase(app), report, write)
    erase(app)

    assert not Message.objects.exists()
    assert not StatusChange.objects.exists()
    assert difference() == []


def test_command(app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    factories.create_message(app, target_id=TARGET)

    def command(*options: str, slug: str = app.slug, typed: str = f" {TARGET}\n") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        call_command("erase_target", "--app", slug, "--reason", "request 7", *options)
        return capsys.readouterr().out

    assert "1 messages, and 0 push tasks" in command("--dry-run")
    assert Message.objects.exists()
    assert "Erased: 1 messages" in command()
    assert "Backups still hold it" in command()
    assert TARGET not in command()
    with pytest.raises(CommandError, match="on standard input"):
        command(typed="\n")
    with pytest.raises(CommandError, match="no app"):
        command(slug="none")
