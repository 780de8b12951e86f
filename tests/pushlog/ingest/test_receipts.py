"""Receipts of messages that are in the log: which of them makes the status, and what the history keeps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pushlog import ingest
from pushlog.models import App, Message, StatusChange
from pushlog.postgres import partitions
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


# Ranks from the strongest to the weakest, two receipts of the last.
TAPPED, RECEIVED, FAILED, WAITING, ACCEPTED = (APNS, 3), (OWN, 2), (APNS, 2011), (OWN, 0), (APNS, 2)


@pytest.mark.parametrize("stronger_first", [True, False])
@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        (TAPPED, RECEIVED),
        (TAPPED, FAILED),
        (RECEIVED, FAILED),
        (RECEIVED, WAITING),
        (RECEIVED, ACCEPTED),
        (RECEIVED, (OWN, 4242)),
        (FAILED, WAITING),
        (FAILED, ACCEPTED),
        ((OWN, 1000), (HUAWEI, 80000003)),  # failed, but not final
    ],
)
def test_weaker_receipt_with_a_later_time_joins_the_history_only(
    message: Message, stronger: tuple[Channel, int], weaker: tuple[Channel, int], stronger_first: bool
) -> None:
    receipts = [(1, *stronger), (2, *weaker)]
    words = [
        send(message, code, channel=channel, after=after)
        for after, channel, code in receipts[:: 1 if stronger_first else -1]
    ]

    assert words == ["applied", "stale"] if stronger_first else ["applied", "applied"]
    assert (state(message)[:2], state(message)[3]) == (stronger, 1)
    assert history(message) == receipts


@pytest.mark.parametrize(("first", "then"), [(WAITING, ACCEPTED), (ACCEPTED, WAITING), (RECEIVED, (OWN, 2))])
def test_among_equals_the_latest_counts(
    message: Message, first: tuple[Channel, int], then: tuple[Channel, int]
) -> None:
    for after, (channel, code) in ((1, first), (2, then)):
        assert send(message, code, channel=channel, after=after) == "applied"

    assert (state(message)[:2], state(message)[3]) == (then, 2)


def test_received_stays_when_a_late_clock_says_waiting(app: App) -> None:
    """Two clocks are always seconds apart: the device's report and the gateway's, as they come in one file."""
    sent = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    names = {"target_id": "u-rw", "customer_message_id": "rw-1"}
    message = factories.create_message(app, **names, created_at=sent, expires_in=86_400)
    rows = [
        {**names, "channel": "own", "code": code, "at": (sent + timedelta(seconds=after)).isoformat()}
        for code, after in ((2, 5), (0, 6))
    ]

    result = ingest.write_receipts(app=app, rows=rows)

    assert (result.applied, result.stale) == (1, 1)
    assert state(message) == (OWN, 2, Outcome.RECEIVED, 5)
    assert history(message) == [(5, OWN, 2), (6, OWN, 0)]


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


@pytest.mark.parametrize("order", [(3, 1000), (1000, 3)])
def test_same_moment_the_higher_rank_stands(message: Message, order: tuple[int, int]) -> None:
    for code in order:
        send(message, code)

    assert state(message) == (OWN, 3, Outcome.RECEIVED, 1)


@pytest.mark.parametrize(
    ("code", "channels", "stays"),
    [
        (2, (OWN, HUAWEI), OWN),  # received on the own channel, accepted by a vendor
        (2, (APNS, HUAWEI), HUAWEI),
        (3, (OWN, HUAWEI), HUAWEI),
    ],
)
@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("early", [True, False])
def test_same_moment_and_code_the_higher_rank_stands_then_the_higher_channel(
    app: App,
    code: int,
    channels: tuple[Channel, ...],
    stays: Channel,
    turned: bool,
    together: bool,
    early: bool,
) -> None:
    """The history has room for one of them: it is the same one, whichever came first."""
    sent = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    row, at = factories.message_row(created_at=sent), (sent + timedelta(seconds=1)).isoformat()
    names = {name: row[name] for name in ("target_id", "customer_message_id")}
    rows = [{**names, "channel": one.word, "code": code, "at": at} for one in channels[:: -1 if turned else 1]]
    batches = [rows] if together else [rows[:1], rows[1:]]
    for of_messages in [False, True] if early else [True, False]:
        if of_messages:
            factories.create_messages(app, [row])
        else:
            for batch in batches:
                ingest.write_receipts(app=app, rows=batch)

    message = Message.objects.get()
    assert state(message)[:2] == (stays, code)
    assert history(message) == [(1, stays, code)]


def test_a_microsecond_decides(message: Message) -> None:
    send(message, 1, after=1)

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


def test_a_missing_partition_of_the_history_is_made(message: Message) -> None:
    day = message.created_at.astimezone(UTC).date()
    [one] = [one for one in partitions.attached("pushlog_statuschange") if one.start <= day < one.end]
    partitions.drop(one.name)

    assert send(message, 2) == "applied"
    assert history(message) == [(1.0, OWN, 2)]
    assert [again for again in partitions.attached("pushlog_statuschange") if again.start <= day < again.end]
