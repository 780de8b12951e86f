"""Every message is stored once, whatever else is in its batch."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from pushlog import ingest, message_ids, statuses
from pushlog.ingest import messages
from pushlog.models import App, Message, Mode, PushType
from tests import factories
from tests.pushlog.counting import difference

pytestmark = pytest.mark.django_db


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements sent from here on, including COPY and binary parameters, which Django does not log."""
    sent: list[str] = []
    execute, copy = psycopg.Cursor.execute, psycopg.Cursor.copy

    def execute_noted(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append(str(query))
        return execute(cursor, query, *args, **options)

    def copy_noted(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.append(str(query))
        return copy(cursor, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", execute_noted)
    monkeypatch.setattr(psycopg.Cursor, "copy", copy_noted)
    return sent


def test_messages_stores_every_field(app: App) -> None:
    created = datetime.now(UTC).replace(microsecond=123_456) - timedelta(hours=1)
    row = {
        "target_id": "+8613800000000",
        "push_type": "ios",
        "mode": "template",
        "customer_message_id": "order-1",
        "title": "Shipped \U0001f680\t\\N",
        "content": "Your parcel\nis on its way.",
        "extras": {"order": 1, "深": [None, 1.5]},
        "channel": "apns",
        "created_at": created.isoformat(),
        "expires_in": 60,
        "task": "push-1",
        "app": app.slug,
    }

    result = ingest.write_messages(app=app, rows=[row])

    created = created.replace(microsecond=123_000)
    identifier = message_ids.message_id(
        key=bytes(app.id_key),
        created_ms=message_ids.milliseconds(created),
        target_id="+8613800000000",
        customer_message_id="order-1",
    )
    assert result == ingest.MessagesResult(accepted=1, duplicates=0, rejected=[], ids=[identifier])
    assert Message.objects.filter(pk=identifier).values().get() == {
        "id": identifier,
        "modified_at": created,
        "expires_at": created + timedelta(seconds=60, microseconds=456),
        "revoked_at": None,
        "sealed_title": None,
        "sealed_content": None,
        "app_id": app.pk,
        "code": statuses.NO_RECEIPT,
        "channel": statuses.Channel.APNS,
        "outcome": statuses.Outcome.WAITING,
        "push_type": PushType.IOS,
        "mode": Mode.TEMPLATE,
        "target_id": "+8613800000000",
        "customer_message_id": "order-1",
        "task": "push-1",
        "title": "Shipped \U0001f680\t\\N",
        "content": "Your parcel\nis on its way.",
        "extras": {"order": 1, "深": [None, 1.5]},
    }


def test_messages_fills_in_what_is_left_out(app: App) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    [first, second] = factories.create_messages(app, [{"target_id": "a", "push_type": "user"}] * 2)

    message = Message.objects.get(pk=first)
    assert first != second
    assert before <= message.created_at <= datetime.now(UTC)
    assert message.customer_message_id
    assert (message.mode, message.channel, message.title, message.content, message.extras, message.expires_at) == (
        Mode.SIMPLE,
        statuses.Channel.OWN,
        "",
        "",
        {},
        None,
    )


@pytest.mark.parametrize(
    ("expiry", "after"),
    [({"expires_in": 0}, 0), ({"expires_in": "90"}, 90), ({"expires_at": "2h"}, 7200), ({"expires_at": None}, None)],
)
def test_messages_takes_both_forms_of_expiry(app: App, expiry: dict[str, Any], after: int | None) -> None:
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    if expiry.get("expires_at"):
        expiry = {"expires_at": (created + timedelta(hours=2)).isoformat()}

    message = factories.create_message(app, created_at=created, **expiry)

    assert message.expires_at == (None if after is None else created + timedelta(seconds=after))


def test_messages_repeated(app: App) -> None:
    rows = [factories.message_row() for _ in range(3)]
    first = ingest.write_messages(app=app, rows=rows)
    changed = [row | {"title": "changed"} for row in rows]

    second = ingest.write_messages(app=app, rows=changed)

    assert (first.accepted, first.duplicates) == (3, 0)
    assert (second.accepted, second.duplicates, second.ids) == (0, 3, first.ids)
    assert not Message.objects.filter(title="changed").exists()


def test_messages_twice_in_a_batch(app: App) -> None:
    """The first one stands."""
    row = factories.message_row(title="first")

    result = ingest.write_messages(app=app, rows=[row, factories.message_row(), row | {"title": "second"}])

    assert (result.accepted, result.duplicates) == (2, 1)
    assert result.ids[0] == result.ids[2]
    assert Message.objects.get(target_id=row["target_id"]).title == "first"


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [1, 2, 3, 4, 0], [4, 3, 2, 1, 0], [0, 0, 1, 3, 1, 2, 4]])
@pytest.mark.parametrize("known", [[], [0], [2, 4]])
def test_messages_are_written_in_the_order_of_their_ids(app: App, order: list[int], known: list[int]) -> None:
    now = datetime.now(UTC)
    rows = [factories.message_row(created_at=now - timedelta(minutes=5 - number)) for number in range(5)]
    factories.create_messages(app, [rows[number] for number in known])

    result = ingest.write_messages(app=app, rows=[rows[number] for number in order])

    with connection.cursor() as cursor:  # in the order in which they were written, without the known ones
        cursor.execute("SELECT id FROM pushlog_message ORDER BY tableoid, ctid OFFSET %s", [len(known)])
        written = [identifier for (identifier,) in cursor.fetchall()]
    assert written == sorted(written)
    stored = dict(Message.objects.values_list("target_id", "pk"))
    assert result.ids == [stored[rows[number]["target_id"]] for number in order]
    assert (result.accepted, result.duplicates) == (5 - len(known), len(order) - 5 + len(known))
    assert Message.objects.count() == 5
    assert difference() == []


def test_messages_out_of_order_among_rejected_rows(app: App) -> None:
    now = datetime.now(UTC)
    moments = [now, None, now - timedelta(hours=1), None, now - timedelta(hours=2)]
    rows: list[object] = [factories.message_row(created_at=moment) if moment else {} for moment in moments]

    result = ingest.write_messages(app=app, rows=rows)

    assert [one.index for one in result.rejected] == [1, 3]
    assert [index for index, one in enumerate(result.ids) if one is None] == [1, 3]
    assert (result.accepted, result.duplicates) == (3, 0)


def test_messages_known_and_new(app: App) -> None:
    known = [factories.message_row() for _ in range(3)]
    factories.create_messages(app, known)
    new = [factories.message_row() for _ in range(4)]

    result = ingest.write_messages(
        app=app, rows=[new[0], known[0], new[1], {}, known[1], known[2], new[2], new[3], new[3]]
    )

    assert (result.accepted, result.duplicates, len(result.rejected)) == (4, 4, 1)
    assert result.rejected[0].index == 3
    assert result.ids[3] is None
    assert Message.objects.filter(pk__in=[one for one in result.ids if one]).count() == 7


def test_messages_known_and_new_with_every_field(app: App) -> None:
    """INSERT stores the same as COPY."""
    known = factories.message_row()
    factories.create_message(app, **known)
    odd = {"task": "odd", "title": "{a,\"b\\',\t\\N}", "content": "\n", "extras": {"a": '"\\'}, "expires_in": 5}

    ingest.write_messages(app=app, rows=[known, factories.message_row(**odd), factories.message_row(**odd)])

    fast = factories.create_message(app, **odd)
    columns = ("title", "content", "extras", "mode", "push_type", "code", "channel", "outcome", "task", "revoked_at")
    [slow, again] = Message.objects.filter(task="odd").exclude(pk=fast.pk).order_by("pk").values(*columns)
    assert slow == again == {name: getattr(fast, name) for name in columns}


def test_messages_of_two_apps_do_not_meet(app: App) -> None:
    row = factories.message_row()
    other = factories.create_app()

    [one] = factories.create_messages(app, [row])
    [two] = factories.create_messages(other, [row])

    assert one != two
    assert Message.objects.get(pk=one).app_id == app.pk


def test_messages_add_up(app: App) -> None:
    row = factories.message_row()
    rows = [row, {}, row, factories.message_row(), None, factories.message_row(created_at="1970-01-01T00:00:00Z")]

    result = ingest.write_messages(app=app, rows=rows)

    assert (result.accepted, result.duplicates) == (2, 1)
    assert [rejection.index for rejection in result.rejected] == [1, 4, 5]
    assert [index for index, identifier in enumerate(result.ids) if identifier is None] == [1, 4, 5]


@pytest.mark.parametrize("rows", [[], [{}]])
def test_messages_with_nothing_to_store(app: App, rows: list[object]) -> None:
    result = ingest.write_messages(app=app, rows=rows)

    assert (result.accepted, result.duplicates, len(result.rejected)) == (0, 0, len(rows))


def test_messages_statements_do_not_grow_with_rows(app: App, statements: list[str]) -> None:
    counts = []
    for size in (1, 300):
        rows = [factories.message_row() for _ in range(size)]
        for _ in range(2):
            statements.clear()
            ingest.write_messages(app=app, rows=rows)
            counts.append(len(statements))

    new, repeated = counts[:2]
    assert counts == [new, repeated, new, repeated]
    assert new <= 9
    assert repeated <= 13


def test_messages_close_their_transaction_after_known_rows(app: App) -> None:
    row = factories.message_row()

    with transaction.atomic():
        ingest.write_messages(app=app, rows=[row])
        ingest.write_messages(app=app, rows=[row])

    assert not connection.needs_rollback
    assert Message.objects.count() == 1


def test_messages_fail_as_django_does(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers get Django's errors, not psycopg's."""
    monkeypatch.setattr(messages, "_TABLE", "pushlog_absent")

    with pytest.raises(ProgrammingError):
        ingest.write_messages(app=app, rows=[factories.message_row()])
