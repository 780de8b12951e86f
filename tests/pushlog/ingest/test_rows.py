"""Rows that are rejected, with a reason that contains no value, and rows just inside the bounds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from console.lists.filters import IDField
from pushlog import ingest, message_ids
from pushlog.ingest.fields import TargetID
from pushlog.models import WINDOW, App, Message, PushTask
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
# Stands for personal data, which no reason may contain.
SECRET = "+8613912345678"
TARGET_ID = TypeAdapter(TargetID)
NESTED: Any = SECRET
for _ in range(5000):
    NESTED = [NESTED]


def reason(app: App, /, **fields: Any) -> str:
    """Why a message with these fields is rejected; a valid row of the same batch is stored."""
    result = ingest.write_messages(app=app, rows=[factories.message_row() | fields, factories.message_row()], now=NOW)
    [rejection] = result.rejected
    assert (rejection.index, result.accepted, result.ids[0]) == (0, 1, None)
    assert SECRET not in rejection.error
    assert SECRET not in repr(rejection)
    return rejection.error


def receipt_reason(app: App, /, **fields: Any) -> str:
    row = {"message_id": str(message_ids.first_id(NOW)), "channel": "own", "code": 2, "at": NOW.isoformat()} | fields
    row = {name: value for name, value in row.items() if value != "absent"}
    result = ingest.write_receipts(app=app, rows=[row], now=NOW)
    [rejection] = result.rejected
    assert (rejection.index, result.applied, result.early) == (0, 0, 0)
    assert SECRET not in rejection.error
    return rejection.error


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("target_id", None, "target_id: input should be a valid string"),
        ("target_id", 13912345678, "target_id: input should be a valid string"),
        ("target_id", "", "target_id: string should have at least 1 character"),
        ("target_id", "  \n ", "target_id: string should have at least 1 character"),
        ("target_id", SECRET * 40, "target_id: string should have at most 512 characters"),
        ("target_id", SECRET + "\0", "target_id: must not contain NUL"),
        ("target_id", SECRET + "\ud800", "target_id: input should be a valid string"),
        ("customer_message_id", [SECRET], "customer_message_id: input should be a valid string"),
        ("customer_message_id", "x" * 257, "customer_message_id: string should have at most 256 characters"),
        ("customer_message_id", SECRET + "\0", "customer_message_id: must not contain NUL"),
        ("push_type", 1, "push_type: must be one of user, android, ios, harmony"),
        ("push_type", SECRET, "push_type: must be one of user, android, ios, harmony"),
        ("push_type", {}, "push_type: must be one of user, android, ios, harmony"),
        ("mode", "Simple", "mode: must be one of simple, template, multiple, broadcast"),
        ("channel", SECRET, "channel: must be one of own, apns, fcm"),
        ("title", "x" * 501, "title: string should have at most 500 characters"),
        ("title", None, "title: input should be a valid string"),
        ("title", "\0", "title: must not contain NUL"),
        ("content", "x" * 20_001, "content: string should have at most 20000 characters"),
        ("content", "\udfff", "content: input should be a valid string"),
        ("task", SECRET * 5, "task: string should have at most 64 characters"),
        ("task", "\0", "task: must not contain NUL"),
        ("extras", SECRET, "extras: must be an object"),
        ("extras", [SECRET], "extras: must be an object"),
        ("extras", None, "extras: must be an object"),
        ("extras", {SECRET: float("nan")}, "extras: must be JSON that can be stored"),
        ("extras", {SECRET: [float("inf")]}, "extras: must be JSON that can be stored"),
        ("extras", {SECRET: "NaN", "a": float("-inf")}, "extras: must be JSON that can be stored"),
        ("extras", {SECRET: "\ud83d"}, "extras: must be JSON that can be stored"),
        ("extras", {"a": NESTED}, "extras: must be JSON that can be stored"),
        ("extras", {"a": {SECRET + "\0": 1}}, "extras: must not contain NUL"),
        ("extras", {"a": "\\\0"}, "extras: must not contain NUL"),
        ("extras", {"a": SECRET * 1000}, "extras: must have at most 10,000 characters as JSON"),
        ("expires_in", -1, "expires_in: input should be greater than or equal to 0"),
        ("expires_in", 367 * 86_400, "expires_in: input should be less than or equal to"),
        ("expires_in", 1.5, "expires_in: input should be a valid integer"),
        # Named, for pytest-xdist compares the names: they must not contain the clock.
        pytest.param(
            "expires_at",
            (NOW - timedelta(days=1)).isoformat(),
            "expires_at: must be within 366 days after created_at",
            id="expires before it was created",
        ),
        pytest.param(
            "expires_at",
            (NOW + timedelta(days=367)).isoformat(),
            "expires_at: must be within 366 days after created_at",
            id="expires in 367 days",
        ),
        ("expires_at", SECRET, "expires_at: must be an ISO 8601 date and time"),
        ("app", "another", "app: unknown app"),
        ("app", 1, "app: input should be a valid string"),
        ("sound", SECRET, "sound: extra inputs are not permitted"),
    ],
)
def test_message_is_rejected(app: App, field: str, value: object, expected: str) -> None:
    assert reason(app, **{field: value}).startswith(expected)


@pytest.mark.parametrize(
    "value",
    [
        1_700_000_000,
        1_700_000_000_000.5,
        True,
        None,
        "1700000000",
        "2026-11-22",
        "yesterday",
        SECRET,
        "2026-11-22T09:30:00",
        datetime(2026, 11, 22, 9, 30),
    ],
)
def test_time_is_rejected(app: App, value: object) -> None:
    """A number could be seconds or milliseconds; a time without a zone could be any."""
    assert reason(app, created_at=value).startswith("created_at: ")
    assert receipt_reason(app, at=value).startswith("at: ")


@pytest.mark.parametrize(
    "moment",
    [
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2100-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999-14:00",
        pytest.param((NOW - WINDOW - timedelta(seconds=1)).isoformat(), id="too old"),
        pytest.param((NOW + timedelta(minutes=10, seconds=1)).isoformat(), id="too far ahead"),
    ],
)
def test_time_outside_the_window_is_rejected(app: App, moment: str) -> None:
    assert reason(app, created_at=moment) == "created_at: is outside the last 30 days"
    assert receipt_reason(app, at=moment) == "at: is outside the last 30 days"


@pytest.mark.parametrize("moment", [NOW - WINDOW, NOW, NOW + timedelta(minutes=10)])
def test_time_inside_the_window_is_taken(app: App, moment: datetime) -> None:
    [identifier] = factories.create_messages(app, [factories.message_row(created_at=moment)], now=NOW)
    row = {"message_id": str(identifier), "channel": "own", "code": 2, "at": moment.isoformat()}

    assert ingest.write_receipts(app=app, rows=[row], now=NOW).applied == 1


def test_expiry_beyond_the_calendar_is_rejected(app: App) -> None:
    error = reason(app, created_at="9999-12-31T23:59:59Z", expires_in=86_400)

    assert error == "created_at: is outside the last 30 days"


def test_expiry_in_both_forms_is_rejected(app: App) -> None:
    assert reason(app, expires_in=1, expires_at=NOW.isoformat()) == "expires_at: must not be given beside expires_in"


@pytest.mark.parametrize("row", [None, 5, SECRET, [SECRET], True])
def test_what_is_no_object_is_rejected(app: App, row: object) -> None:
    for write in (ingest.write_messages, ingest.write_receipts):
        [rejection] = write(app=app, rows=[row], now=NOW).rejected
        assert rejection.error
        assert SECRET not in rejection.error


def test_missing_fields_are_named(app: App) -> None:
    [rejection] = ingest.write_messages(app=app, rows=[{}], now=NOW).rejected
    assert rejection.error == "target_id: field required"

    [rejection] = ingest.write_receipts(app=app, rows=[{}], now=NOW).rejected
    assert rejection.error == "at: field required"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"message_id": "absent"}, "give message_id, or target_id and customer_message_id"),
        ({"target_id": SECRET}, "give message_id, or target_id and customer_message_id"),
        ({"message_id": "absent", "target_id": SECRET}, "target_id and customer_message_id go together"),
        ({"message_id": "absent", "customer_message_id": SECRET}, "target_id and customer_message_id go together"),
        ({"message_id": SECRET}, "message_id: input should be a valid UUID"),
        ({"message_id": 5}, "message_id: UUID input should be a string"),
        ({"message_id": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, "message_id: is older than 30 days, or ahead"),
        ({"message_id": "00000000-0000-7000-8000-000000000000"}, "message_id: is older than 30 days, or ahead"),
        ({"code": "absent"}, "code and channel go together"),
        ({"channel": "absent"}, "code and channel go together"),
        ({"code": "absent", "channel": "absent"}, "code: is required"),
        ({"code": 2**31}, "code: input should be less than"),
        ({"code": 10**400}, "code: "),
        ({"code": 2.5}, "code: input should be a valid integer"),
        ({"code": SECRET + "x"}, "code: input should be a valid integer"),
        ({"code": -1000}, "code is reserved"),
        ({"code": -1001, "revoked": True}, "code is reserved"),
        ({"channel": "email"}, "channel: must be one of own"),
        ({"detail": "x" * 1001}, "detail: string should have at most 1000 characters"),
        ({"detail": SECRET + "\0"}, "detail: must not contain NUL"),
        ({"revoked": SECRET}, "revoked: input should be a valid boolean"),
        ({"app": "another"}, "app: unknown app"),
        ({"state": SECRET}, "state: extra inputs are not permitted"),
    ],
)
def test_receipt_is_rejected(app: App, fields: dict[str, Any], expected: str) -> None:
    error = receipt_reason(app, **fields)

    assert error.lower().startswith(expected.lower())


@pytest.mark.parametrize("days", [-31, 1, 365])
def test_receipt_for_another_time_is_rejected(app: App, days: int) -> None:
    """Its message cannot be stored, so it would be kept for ever."""
    identifier = message_ids.first_id(NOW + timedelta(days=days))

    assert receipt_reason(app, message_id=str(identifier)).startswith("message_id: is older than 30 days")


def test_everything_at_its_limit_is_stored(app: App) -> None:
    extras = {"a": "\\u0000", "NaN": "Infinity", "b": "目" * 9_000, "c": 1.5, "d": [None, True, {}]}
    row = factories.message_row(
        target_id="\U0001f680" * 512,
        customer_message_id="\U0001f680" * 256,
        title="目" * 500,
        content="\U0001f680" * 20_000,
        extras=extras,
        task="t" * 64,
        app=app.slug,
        created_at=NOW,
        expires_in=366 * 86_400,
    )

    message = Message.objects.get(pk__in=factories.create_messages(app, [row]))

    assert message.extras == extras
    assert (len(message.target_id), len(message.title), len(message.content)) == (512, 500, 20_000)
    assert message.expires_at == message.created_at + timedelta(days=366)


def test_outer_blanks_of_ids_are_trimmed(app: App) -> None:
    message = factories.create_message(
        app, target_id=" a b\t", customer_message_id="\u3000c\n", title=" t ", task=" 133\n"
    )

    assert (message.target_id, message.customer_message_id, message.title) == ("a b", "c", " t ")
    assert message.task == "133"


def test_ids_are_stripped_as_the_search_strips_them(app: App) -> None:
    characters = [*(one for one in map(chr, range(0x110000)) if not one.strip()), *"\ufeff\u200b\u200e\u2060\u00ad"]

    for one in characters:
        assert TARGET_ID.validate_python(f"{one}a{one}") == IDField(longest=9).clean(f"{one}a{one}") == "a"
    assert reason(app, target_id="a\x1cb").startswith("target_id: must not contain")


def test_invisible_characters_around_push_ids_are_stripped(app: App) -> None:
    row = factories.task_row(push_id="\ufeff\u200b 133\u200b703 \u2060")
    assert ingest.write_tasks(app=app, rows=[row]).accepted == 1
    message = factories.create_message(app, task="\u200e133\u200b703\ufe0f\n")
    long = factories.create_message(app, task="\u200b" + "7" * 64 + " ")

    assert PushTask.objects.get().push_id == message.task == "133\u200b703"
    assert long.task == "7" * 64
    assert factories.create_message(app, task="\u200b").task == ""
    [rejected] = ingest.write_tasks(app=app, rows=[factories.task_row(push_id="\u200b")]).rejected
    assert rejected.field == "push_id"


@pytest.mark.parametrize("write", [ingest.write_messages, ingest.write_receipts])
def test_too_many_rows(app: App, write: Any) -> None:
    with pytest.raises(ValueError, match="at most 10,000 rows"):
        write(app=app, rows=[{}] * 10_001)

    assert len(write(app=app, rows=[{}] * 10_000).rejected) == 10_000
    assert not Message.objects.exists()
