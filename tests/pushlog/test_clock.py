import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, Error, connection, transaction
from django.test import Client
from django.urls import reverse

from pushlog import clock, ingest
from pushlog.models import App, MaintenanceRun, Message, Role
from pushlog.postgres import partitions
from pushlog.statuses import Channel
from tests import factories
from tests.console.admin.forms import untouched
from tests.pushlog.api.client import Program, is_error
from tests.pushlog.sent import sent
from tests.pushlog.shifted import shift_clock, shifts
from tests.pushlog.tpns.client import Program as ReportProgram

SECOND = timedelta(seconds=1)


def sampled(ago: float, *, wrong: timedelta = timedelta(0)) -> clock._Sample:
    """A sample of so many seconds ago, of a database whose clock was wrong then."""
    own = datetime.now(UTC) - timedelta(seconds=ago)
    return clock._Sample(time.monotonic() - ago, own, own + wrong)


@pytest.mark.django_db
def test_time_is_the_databases_and_runs_on_without_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_sample", None)

    with sent() as statements:
        first = clock.now()
        moments = [clock.now() for _ in range(1000)]

    assert len(statements) == 1
    assert first < moments[0] < moments[-1]
    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < 30 * SECOND


@pytest.mark.django_db
def test_old_sample_is_renewed_and_follows_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_sample", sampled(9, wrong=timedelta(hours=1)))
    assert clock.now() > datetime.now(UTC) + timedelta(minutes=59)
    monkeypatch.setattr(clock, "_sample", sampled(11, wrong=timedelta(hours=1)))

    assert clock.now() < datetime.now(UTC) + timedelta(minutes=1)


@pytest.mark.django_db
def test_sample_from_before_the_machine_was_suspended_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its clock went on for an hour, its monotonic clock did not.
    hour = timedelta(hours=1)
    own = datetime.now(UTC) - hour
    monkeypatch.setattr(clock, "_sample", clock._Sample(time.monotonic(), own, own))

    assert clock.now() > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_without_a_fresh_sample_a_database_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_sample", sampled(9))
    old = sampled(11)
    connection.close()
    kept = dict(connection.settings_dict)
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1"}
    try:
        assert clock.now()
        monkeypatch.setattr(clock, "_sample", old)
        with pytest.raises(Error):
            clock.now()
    finally:
        connection.settings_dict |= kept
    assert clock._sample is old
    assert clock.now()


@pytest.mark.django_db
def test_broken_transaction_needs_no_query_while_the_sample_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask_in_a_broken_transaction() -> datetime:
        with transaction.atomic(), connection.cursor() as cursor:
            try:
                cursor.execute("SELECT 1 / 0")
            except DatabaseError:
                moment = clock.now()
            transaction.set_rollback(True)
            return moment

    assert ask_in_a_broken_transaction()
    monkeypatch.setattr(clock, "_sample", None)
    with pytest.raises(DatabaseError):
        ask_in_a_broken_transaction()
    assert clock.now()


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [-59, 59])
def test_clock_within_a_minute_is_right(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    shift_clock(monkeypatch, seconds * SECOND)

    assert abs(clock.checked_now() - datetime.now(UTC)) < 30 * SECOND


@pytest.mark.django_db
@shifts
def test_clock_that_is_off_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, shift: timedelta) -> None:
    shift_clock(monkeypatch, shift)

    with pytest.raises(clock.ClockOff, match=f"{'ahead of' if shift.days > 0 else 'behind'} .* {abs(shift.days)} days"):
        clock.checked_now()
    assert abs(clock.now() - datetime.now(UTC)) < 30 * SECOND


@pytest.mark.django_db
def test_database_whose_clock_was_set_right_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_sample", sampled(1, wrong=timedelta(days=2)))

    assert abs(clock.checked_now() - datetime.now(UTC)) < 30 * SECOND


@pytest.mark.django_db
@shifts
def test_rows_are_neither_stored_nor_rejected(monkeypatch: pytest.MonkeyPatch, app: App, shift: timedelta) -> None:
    program = Program(app)
    shift_clock(monkeypatch, shift)
    receipt = {"target_id": "t", "customer_message_id": "c", "channel": "own", "code": 2}
    rows = {
        "messages": factories.message_row(),
        "receipts": receipt | {"at": datetime.now(UTC).isoformat()},
        "tasks": factories.task_row(push_id="1"),
    }

    for path, row in rows.items():
        status, content = program.post(path, {path: [row]})
        assert (status, is_error(content)) == (503, True)
        assert "clock" in content["message"]
    answer = program.client.post(
        "/api/v1/messages",
        '{"messages": []}',
        content_type="application/json",
        headers={"Authorization": program.authorization},
    )

    assert answer.headers["Retry-After"] == "1"
    assert not Message.objects.exists()


@pytest.mark.django_db
@shifts
def test_reading_goes_on_by_the_databases_time(
    monkeypatch: pytest.MonkeyPatch, member_client: Client, app: App, shift: timedelta
) -> None:
    message = factories.create_message(app, target_id="T", expires_in=3600)
    factories.create_task(app, push_id="1")
    program, reports = Program(app), ReportProgram(app)
    shift_clock(monkeypatch, shift)

    page = member_client.get(reverse("messages", args=[app.slug]))
    assert [row.pk for row in page.context["page"].rows] == [message.pk]
    assert "Expired" not in member_client.get(reverse("message", args=[app.slug, message.pk])).content.decode()
    [found] = program.post("messages/search", {"target_id": "T"})[1]["messages"]
    assert found["id"] == str(message.pk)
    assert reports.code(pushId="1") == 0


@pytest.mark.django_db
@shifts
def test_correction_is_refused_with_a_page(monkeypatch: pytest.MonkeyPatch, app: App, shift: timedelta) -> None:
    message = factories.create_message(app, title="old")
    browser = Client()
    browser.force_login(factories.create_user(app, role=Role.MANAGER))
    address = reverse("admin:pushlog_message_change", args=[message.pk])
    given = untouched(browser, address) | {"title": "new", "channel": Channel.APNS.value, "code": 2009}
    shift_clock(monkeypatch, shift)

    page = browser.post(address, given)

    assert page.status_code == 503
    assert "This was not saved" in page.content.decode()
    message.refresh_from_db()
    assert message.title == "old"


@pytest.mark.django_db
@shifts
def test_import_stops_before_its_first_row(
    monkeypatch: pytest.MonkeyPatch, app: App, tmp_path: Path, shift: timedelta
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text('{"target_id": "t", "push_type": "user"}\n')
    shift_clock(monkeypatch, shift)

    with pytest.raises(CommandError, match=r"clock .* Stored: nothing"):
        call_command("import_messages", file, app=app.slug)

    assert [one.name for one in tmp_path.iterdir()] == ["messages.jsonl"]
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
@shifts
def test_maintenance_is_refused_and_drops_nothing(monkeypatch: pytest.MonkeyPatch, app: App, shift: timedelta) -> None:
    row = factories.message_row(created_at=datetime.now(UTC) - timedelta(days=29))
    factories.create_messages(app, [row, factories.message_row()])
    before = {table: partitions.existing(table) for table in partitions.TABLES}
    shift_clock(monkeypatch, shift)

    with pytest.raises(CommandError, match="clock"):
        call_command("maintain", stdout=StringIO())

    assert {table: partitions.existing(table) for table in partitions.TABLES} == before
    assert Message.objects.count() == 2
    assert not MaintenanceRun.objects.exists()


@pytest.mark.django_db
@shifts
def test_demo_is_refused(monkeypatch: pytest.MonkeyPatch, shift: timedelta) -> None:
    shift_clock(monkeypatch, shift)

    with pytest.raises(CommandError, match="clock"):
        call_command("load_demo", 10)


@pytest.mark.django_db
def test_row_without_a_time_gets_the_databases(monkeypatch: pytest.MonkeyPatch, app: App) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=50)
    monkeypatch.setattr(clock, "now", lambda: moment)
    row = factories.message_row()
    del row["created_at"]

    assert ingest.write_messages(app=app, rows=[row]).accepted == 1

    assert abs(Message.objects.get().created_at - moment) < SECOND
