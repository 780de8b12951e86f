"""The audit log: nothing in it can be changed unseen."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from pytest_django.fixtures import Settings

from pushlog import audit, clock, message_ids
from pushlog.audit import Actor
from pushlog.maintenance import run
from pushlog.models import App, AuditEntry, AuditKind, AuditSeal
from pushlog.postgres import partitions
from tests import factories
from tests.conftest import REFUSE
from tests.pushlog.sessions import open_transaction

pytestmark = pytest.mark.django_db(transaction=True)
SWITCH = "ALTER TABLE {} {} TRIGGER refuse_change"


def add(app: App | None = None, **details: Any) -> AuditEntry:
    pk = audit.record(audit.COMMAND, AuditKind.CHANGE, app=app, **details)
    return AuditEntry.objects.get(pk=pk)


@transaction.atomic
def in_transaction(before: str, after: str = "SELECT 1") -> None:
    """Adds an entry between two statements of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(before)
        add()
        cursor.execute(after)


@pytest.fixture
def unguarded() -> Iterator[None]:
    """What the owner of the tables can do: switch the triggers off."""
    for state in ("DISABLE", "ENABLE"):
        with connection.cursor() as cursor:
            for table in partitions.MONTHLY:
                for name in (table, *(one.name for one in partitions.attached(table))):
                    cursor.execute(SWITCH.format(name, state))
        if state == "DISABLE":
            yield


def sealed(*, entries: int = 3, seals: int = 2) -> list[AuditEntry]:
    """As many entries under each of so many seals."""
    made = []
    for _ in range(seals):
        made += [add(number=number) for number in range(entries)]
        assert seal() == entries
    return made


def seal() -> int:
    """Seals what is old enough."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.05)")
    return audit.seal()


def problems(**options: Any) -> list[str]:
    return list(audit.verify(audit.Verification(), now=options.pop("now", clock.now()), **options))


def test_entry_says_who_did_what_where_and_when(app: App) -> None:
    person, message = factories.create_user(), factories.create_message(app)
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    pk = audit.record(
        Actor(person=person, address="192.0.2.1"), AuditKind.MESSAGE, app=app, message=message, note="why"
    )

    [one] = AuditEntry.objects.all()
    assert (one.pk, one.person, one.app, one.address) == (pk, person, app, "192.0.2.1")
    assert before < one.at <= datetime.now(UTC)
    assert (one.message_id, one.details) == (message.pk, {"note": "why"})
    assert bytes(one.target or b"") == audit.target_hash(app, message.target_id)
    assert bytes(one.customer_message or b"") == audit.customer_message_hash(app, message.customer_message_id)
    assert one.pk.version == 7
    assert message.target_id not in json.dumps(str(vars(one)))


def test_same_id_has_another_hash_in_another_app(app: App) -> None:
    assert audit.target_hash(app, "a") != audit.target_hash(factories.create_app(), "a")
    assert audit.target_hash(app, "a") != audit.customer_message_hash(app, "a")


@pytest.mark.parametrize("statement", ["UPDATE {} SET subject = 'x'", "DELETE FROM {}"])
@pytest.mark.parametrize("of_partition", [False, True])
def test_no_entry_is_changed_or_deleted(statement: str, of_partition: bool) -> None:
    add()
    table = f"pushlog_auditentry_{datetime.now(UTC):%Y%m01}" if of_partition else "pushlog_auditentry"

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))

    assert AuditEntry.objects.count() == 1


def test_no_seal_is_changed_or_deleted() -> None:
    sealed(entries=1, seals=1)

    for change in (AuditSeal.objects.all().delete, lambda: AuditSeal.objects.update(entries=0)):
        with pytest.raises(DatabaseError, match="never changed"):
            change()


@pytest.mark.parametrize("of_partition", [False, True])
def test_log_cannot_be_emptied(of_partition: bool) -> None:
    add()
    table = f"pushlog_auditentry_{datetime.now(UTC):%Y%m01}" if of_partition else "pushlog_auditentry"

    # Undone: other tests are emptied.
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{REFUSE}; TRUNCATE {table}")

    assert AuditEntry.objects.count() == 1


def test_entry_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(audit.NotRecorded):
        in_transaction("SET TRANSACTION READ ONLY")

    assert not AuditEntry.objects.exists()


def test_entry_of_a_transaction_that_is_undone_is_undone() -> None:
    with pytest.raises(DatabaseError):
        in_transaction("SELECT 1", "SELECT 1 / 0")

    assert not AuditEntry.objects.exists()


def test_whole_log_is_verified() -> None:
    sealed()

    found = audit.Verification()
    assert list(audit.verify(found, now=clock.now())) == []
    assert (found.entries, found.seals, found.unsealed) == (6, 2, 0)
    assert audit.seal() == 0


def test_open_transaction_delays_the_seal_of_what_it_may_still_add(app: App) -> None:
    factories.create_message(app)
    with open_transaction("SELECT 1"):
        add()
        assert seal() == 0

    assert seal() == 1
    assert problems() == []


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {t} SET details = '{{}}' WHERE id = %s",
        "UPDATE {t} SET person_id = 7 WHERE id = %s",
        "UPDATE {t} SET address = '192.0.2.9' WHERE id = %s",
        "UPDATE {t} SET target = 'x' WHERE id = %s",
    ],
)
def test_changed_entry_is_found(change: str) -> None:
    one = sealed()[1]

    with connection.cursor() as cursor:
        cursor.execute(change.format(t="pushlog_auditentry"), [one.pk])

    [problem] = problems()
    assert "one of 3 entries was changed" in problem


@pytest.mark.usefixtures("unguarded")
def test_missing_and_added_entries_are_found() -> None:
    entries = sealed()
    AuditEntry.objects.filter(pk=entries[0].pk).delete()
    late = AuditEntry(pk=message_ids.first_id(entries[4].at), kind=AuditKind.CHANGE)
    late.save(force_insert=True)

    assert [problem.partition(", ")[2] for problem in problems()] == [
        "3 entries were sealed, and 2 are there.",
        "3 entries were sealed, and 4 are there.",
    ]


@pytest.mark.usefixtures("unguarded")
def test_missing_seal_is_found() -> None:
    sealed(seals=3)
    [_, middle, _] = AuditSeal.objects.order_by("pk")
    middle.delete()

    assert [problem.partition(" ")[0] for problem in problems()] == ["A", "Before"]


@pytest.mark.usefixtures("unguarded")
def test_log_whose_beginning_was_cut_off_is_found() -> None:
    entries = sealed()
    AuditEntry.objects.filter(pk__lt=entries[3].pk).delete()
    AuditSeal.objects.earliest("pk").delete()

    [problem] = problems()
    assert "earlier entries and their seals are missing" in problem
    # After AUDIT_DAYS, that is how old months go.
    assert "earlier" not in str(problems(now=clock.now() + timedelta(days=500)))


@pytest.mark.usefixtures("unguarded")
def test_log_whose_end_was_cut_off_is_found_by_the_hash_of_an_earlier_run() -> None:
    sealed()
    output = StringIO()
    call_command("verify_log", stdout=output)
    found = output.getvalue().split("hash: ")[1].strip()
    call_command("verify_log", hash=found, stdout=output)
    last = AuditSeal.objects.latest("pk")
    AuditEntry.objects.filter(pk__gte=last.pk).delete()
    last.delete()

    assert problems() == []
    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify_log", hash=found, stdout=output, stderr=StringIO())


@pytest.mark.usefixtures("unguarded")
def test_seal_that_was_made_again_without_the_key_is_found(settings: Settings) -> None:
    one = sealed(seals=1)[0]
    AuditEntry.objects.filter(pk=one.pk).delete()
    AuditSeal.objects.all().delete()
    key, settings.SECRET_KEY = settings.SECRET_KEY, "of somebody else"
    assert audit.seal() == 2
    assert problems() == []

    settings.SECRET_KEY = key

    [problem] = problems()
    assert "key that is not in SECRET_KEY" in problem
    AuditSeal.objects.update(key_fingerprint=audit._fingerprint(key))
    [problem] = problems()
    assert problem.endswith("was changed.")


def test_seals_of_an_earlier_key_count(settings: Settings) -> None:
    sealed(seals=1)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new" * 20
    sealed(seals=1)

    assert problems() == []


def test_seals_end_with_their_day() -> None:
    add()
    midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    for moment in (midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(hours=30)):
        AuditEntry(pk=message_ids.first_id(moment), kind=AuditKind.CHANGE).save(force_insert=True)

    last = None
    while made := audit._seal_day(last, message_ids.first_id(midnight + timedelta(days=3))):
        assert message_ids.created_at(made.pk).date() in {midnight.date(), made and _day_before(made)}
        last = made

    assert [one.entries for one in AuditSeal.objects.order_by("pk")] == [2, 1, 1]
    assert problems(now=midnight) == []


def _day_before(made: AuditSeal) -> Any:
    return (message_ids.created_at(made.until) - timedelta(milliseconds=1)).date()


def test_entries_without_a_seal_are_a_problem_after_hours() -> None:
    add()

    assert problems() == []
    [problem] = problems(now=clock.now() + timedelta(hours=4))
    assert "does maintenance run?" in problem


def test_maintenance_seals_and_drops_a_month_after_its_days(settings: Settings) -> None:
    settings.AUDIT_DAYS = 400
    now = datetime.now(UTC)
    old = (now - timedelta(days=440)).replace(day=1)
    partitions.ensure_window(now=old)
    AuditEntry(pk=message_ids.first_id(old), kind=AuditKind.CHANGE).save(force_insert=True)
    for one in partitions.expired_months(now):
        if one.start.month != old.month:  # the month ahead of that time
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE {one.name}")
    add()
    due = [one.name for one in partitions.expired_months(now)]
    assert due == [f"pushlog_auditentry_{old:%Y%m%d}", f"pushlog_auditseal_{old:%Y%m%d}"]

    result = run.maintain()

    assert result is not None
    assert result["audit_months_dropped"] == due
    assert AuditEntry.objects.count() == 1


def test_wrong_clock_drops_no_months() -> None:
    add()
    entries = [add()]
    AuditEntry(pk=message_ids.first_id(entries[0].at + timedelta(days=62)), kind=AuditKind.CHANGE).save(
        force_insert=True
    )

    result = run._drop_months(datetime.now(UTC) + timedelta(days=500), None)  # type: ignore[arg-type]

    assert result["audit_months_dropped"] == []
    assert result["audit_months_refused"]


def test_lines_for_other_systems(settings: Settings, app: App, caplog: pytest.LogCaptureFixture) -> None:
    settings.AUDIT_LINES = True
    message, person = factories.create_message(app), factories.create_user(username="anna")

    pk = audit.record(Actor(person=person, address="192.0.2.1"), AuditKind.MESSAGE, app=app, message=message)
    with pytest.raises(DatabaseError):
        in_transaction("SELECT 1", "SELECT 1 / 0")

    [line] = [one.message for one in caplog.records if one.name == "pushlog.audit.lines"]
    entry = json.loads(line)
    assert (entry["id"], entry["kind"], entry["person"], entry["app"]) == (str(pk), "message", "anna", app.slug)
    assert (entry["target"], entry["message_id"]) == (
        audit.target_hash(app, message.target_id).hex(),
        str(message.pk),
    )
    assert message.target_id not in line
