"""Receipts of messages that are in the log: which of them makes the status, and what the history keeps."""

from datetime import timedelta
from typing import Any

import pytest

from pushlog import ingest
from pushlog.models import App, Message, StatusChange
from pushlog.statuses import NO_RECEIPT, REVOKED, Channel, Outcome
from tests import factories

pytestmark = pytest.mark.django_db

OWN, APNS, HUAWEI = Channel.OWN, Channel.APNS, Channel.HUAWEI


@pytest.fixture
def message(app: App) -> Message:
    return factories.create_message(app)


def send(message: Message, code: int | None, *, after: float = 1, channel: Channel = OWN, **fields: Any) -> str:
    """Sends a receipt `after` seconds behind the creation of its message, and says what became of it."""
    row = {"message_id": str(message.pk), "at": (message.created_at + timedelta(seconds=after)).isoformat()} | fields
    if code is not None:
        row |= {"code": code, "channel": channel.word}
    result = ingest.write_receipts(app=message.app, rows=[row])
    assert not result.rejected
    [word] = [name for name in ("applied", "stale", "early") if getattr(result, name)]
    return word


def state(message: Message) -> tuple[Channel, int, Outcome, float]:
    """Channel, code, outcome and the seconds from creation to modification."""
    message.refresh_from_db()
    channel, outcome = Channel(message.channel), Outcome(message.outcome)
    return channel, message.code, outcome, (message.modified_at - message.created_at).total_seconds()


def history(message: Message) -> list[tuple[float, Channel, int]]:
    entries = StatusChange.objects.filter(message_id=message.pk).order_by("at", "code")
    return [((one.at - message.created_at).total_seconds(), Channel(one.channel), one.code) for one in entries]


def test_no_receipt_yet(message: Message) -> None:
    assert state(message) == (OWN, NO_RECEIPT, Outcome.WAITING, 0)
    assert history(message) == []


@pytest.mark.parametrize(
    ("channel", "code", "outcome"),
    [
        (OWN, 2, Outcome.RECEIVED),
        (APNS, 2, Outcome.ACCEPTED),
        (HUAWEI, 2, Outcome.ACCEPTED),
        (APNS, 3, Outcome.RECEIVED),
        (OWN, 0, Outcome.WAITING),
        (APNS, 2011, Outcome.FAILED),
        (OWN, 2011, Outcome.UNKNOWN),
        (OWN, 4242, Outcome.UNKNOWN),
        (OWN, -(2**31), Outcome.UNKNOWN),
        (OWN, 2**31 - 1, Outcome.UNKNOWN),
    ],
)
def test_receipt_makes_the_status(message: Message, channel: Channel, code: int, outcome: Outcome) -> None:
    assert send(message, code, channel=channel, after=2.5, detail="d") == "applied"

    assert state(message) == (channel, code, outcome, 2.5)
    assert history(message) == [(2.5, channel, code)]
    assert StatusChange.objects.get(message_id=message.pk).detail == "d"


def test_later_receipt_replaces_the_status(message: Message) -> None:
    send(message, 2, channel=APNS, after=1)

    assert send(message, 3, channel=APNS, after=2) == "applied"

    assert state(message) == (APNS, 3, Outcome.RECEIVED, 2)
    assert history(message) == [(1, APNS, 2), (2, APNS, 3)]


def test_later_receipt_counts_even_if_it_says_less(message: Message) -> None:
    """The latest is the status: the log does not know better than the reporter."""
    send(message, 3, after=1)

    assert send(message, 0, after=2) == "applied"

    assert state(message) == (OWN, 0, Outcome.WAITING, 2)


def test_late_receipt_joins_the_history_only(message: Message) -> None:
    send(message, 3, after=60)

    assert send(message, 0, after=1) == "stale"

    assert state(message) == (OWN, 3, Outcome.RECEIVED, 60)
    assert history(message) == [(1, OWN, 0), (60, OWN, 3)]


def test_repeated_receipt_changes_nothing(message: Message) -> None:
    send(message, 2)

    assert send(message, 2) == "stale"

    assert state(message) == (OWN, 2, Outcome.RECEIVED, 1)
    assert history(message) == [(1, OWN, 2)]


def test_receipt_from_before_the_message(message: Message) -> None:
    """A reporter's clock may run behind ours: any receipt is newer than none."""
    assert send(message, 0, after=-60) == "applied"
    assert send(message, 2, after=-30) == "applied"

    assert state(message) == (OWN, 2, Outcome.RECEIVED, -30)


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_same_moment_the_higher_code_stands(message: Message, order: tuple[int, int]) -> None:
    for code in order:
        send(message, code)

    assert state(message) == (OWN, 3, Outcome.RECEIVED, 1)
    assert history(message) == [(1, OWN, 2), (1, OWN, 3)]


@pytest.mark.parametrize("order", [(OWN, HUAWEI), (HUAWEI, OWN)])
@pytest.mark.parametrize("together", [True, False])
def test_same_moment_and_code_the_higher_channel_stands(
    message: Message, order: tuple[Channel, Channel], together: bool
) -> None:
    """The history has room for one of them: it is the same one, whichever came first."""
    at = (message.created_at + timedelta(seconds=1)).isoformat()
    rows = [{"message_id": str(message.pk), "channel": one.word, "code": 2, "at": at} for one in order]
    for batch in [rows] if together else [rows[:1], rows[1:]]:
        ingest.write_receipts(app=message.app, rows=batch)

    assert state(message) == (HUAWEI, 2, Outcome.ACCEPTED, 1)
    assert history(message) == [(1, HUAWEI, 2)]


def test_a_microsecond_decides(message: Message) -> None:
    send(message, 3, after=1)

    assert send(message, 0, after=1.000001) == "applied"
    assert state(message) == (OWN, 0, Outcome.WAITING, 1.000001)


def test_several_receipts_in_one_batch(app: App, message: Message) -> None:
    other = factories.create_message(app)
    rows = [
        {"message_id": str(one.pk), "channel": "own", "code": code, "at": one.created_at + timedelta(seconds=after)}
        for one, code, after in [(message, 3, 5), (other, 2, 1), (message, 0, 1), (message, 2, 3), (message, 2, 3)]
    ]

    result = ingest.write_receipts(app=app, rows=rows)

    assert (result.applied, result.stale, result.early) == (4, 1, 0)
    assert state(message) == (OWN, 3, Outcome.RECEIVED, 5)
    assert history(message) == [(1, OWN, 0), (3, OWN, 2), (5, OWN, 3)]
    assert state(other) == (OWN, 2, Outcome.RECEIVED, 1)


def test_revoked_alone_keeps_the_status(message: Message) -> None:
    send(message, 0, after=1)

    assert send(message, None, after=5, revoked=True) == "applied"

    assert state(message) == (OWN, 0, Outcome.WAITING, 1)
    assert message.revoked_at == message.created_at + timedelta(seconds=5)
    assert history(message) == [(1, OWN, 0), (5, OWN, REVOKED)]


def test_revoked_with_a_code_is_both(message: Message) -> None:
    assert send(message, 2, after=5, channel=APNS, revoked=True) == "applied"

    assert state(message) == (APNS, 2, Outcome.ACCEPTED, 5)
    assert message.revoked_at == message.created_at + timedelta(seconds=5)
    assert history(message) == [(5, APNS, 2)]


@pytest.mark.parametrize("order", [(5, 7), (7, 5)])
def test_revoked_twice_the_first_counts(message: Message, order: tuple[int, int]) -> None:
    words = [send(message, None, after=after, revoked=True) for after in order]

    assert words == (["applied", "stale"] if order[0] == 5 else ["applied", "applied"])
    message.refresh_from_db()
    assert message.revoked_at == message.created_at + timedelta(seconds=5)
    assert history(message) == [(5, OWN, REVOKED), (7, OWN, REVOKED)]


def test_revoked_with_a_late_code(message: Message) -> None:
    send(message, 3, after=10)

    assert send(message, 2, after=5, revoked=True) == "applied"

    assert state(message) == (OWN, 3, Outcome.RECEIVED, 10)
    assert message.revoked_at == message.created_at + timedelta(seconds=5)
