"""The end never depends on the order in which messages and receipts come, nor on how they are put in batches."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushlog import ingest, message_ids, statuses
from pushlog.models import App, EarlyReceipt, Message, StatusChange
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
# Three messages, two of them on another day, so that a batch is about several partitions.
CREATED = [NOW - timedelta(hours=1), NOW - timedelta(days=3), NOW - timedelta(days=3, seconds=-1)]
CHANNELS = [statuses.Channel.OWN, statuses.Channel.HUAWEI]
# Tapped, received, failed and final; all others are 1. Huawei's 80000003 is failed and not final.
RANKS = {(1, 3): 4, (4, 3): 4, (1, 2): 3, (1, 1000): 2, (4, 1000): 2, (4, 80000004): 2}


class Receipt(NamedTuple):
    """What a receipt says of one of the messages; `code` is None for a revocation alone."""

    message: int
    second: int
    code: int | None
    channel: statuses.Channel
    detail: str
    revoked: bool
    by_pair: bool

    @property
    def at(self) -> datetime:
        return CREATED[self.message] + timedelta(seconds=self.second)


@dataclass
class Outcome:
    """What must be in the log in the end, worked out from all receipts at once."""

    channel: int
    code: int
    modified_at: datetime
    revoked_at: datetime | None
    history: list[tuple[datetime, int, int, str]]


def expected(message: int, receipts: list[Receipt]) -> Outcome:
    """The rules of the design in plain Python."""
    about = [one for one in receipts if one.message == message]
    entries = [
        (
            one.at,
            *((statuses.REVOKED, statuses.Channel.OWN) if one.code is None else (one.code, one.channel)),
            one.detail,
        )
        for one in about
    ]
    reports = [(rank(entry), *entry) for entry in entries if entry[1] != statuses.REVOKED]
    initial = (0, CREATED[message], statuses.NO_RECEIPT, statuses.Channel.OWN, "")
    _, modified_at, code, channel, _ = max(reports, default=initial)
    return Outcome(
        channel=channel,
        code=code,
        modified_at=modified_at,
        revoked_at=min((one.at for one in about if one.revoked), default=None),
        history=sorted({entry[:2]: entry for entry in sorted(entries, key=kept_order)}.values()),
    )


def rank(entry: tuple[datetime, int, int, str]) -> int:
    _, code, channel, _ = entry
    return RANKS.get((channel, code), 1)


def kept_order(entry: tuple[datetime, int, int, str]) -> tuple[datetime, int, int, int, str]:
    at, code, channel, detail = entry
    return at, code, rank(entry), channel, detail


def found(identifier: Any) -> Outcome:
    message = Message.objects.get(pk=identifier)
    assert message.outcome == statuses.outcome_of(message.channel, message.code)
    history = StatusChange.objects.filter(message_id=identifier).order_by("at", "code")
    return Outcome(
        channel=message.channel,
        code=message.code,
        modified_at=message.modified_at,
        revoked_at=message.revoked_at,
        history=list(history.values_list("at", "code", "channel", "detail")),
    )


def message_row(number: int) -> dict[str, Any]:
    return factories.message_row(
        target_id="target", customer_message_id=f"customer-{number}", created_at=CREATED[number]
    )


def receipt_row(app: App, receipt: Receipt) -> dict[str, Any]:
    row: dict[str, Any] = {"at": receipt.at.isoformat(), "detail": receipt.detail, "revoked": receipt.revoked}
    if receipt.code is not None:
        row |= {"code": receipt.code, "channel": receipt.channel.word}
    names = {"target_id": "target", "customer_message_id": f"customer-{receipt.message}"}
    if receipt.by_pair:
        return row | names
    created_ms = message_ids.milliseconds(CREATED[receipt.message])
    identifier = message_ids.message_id(key=bytes(app.id_key), created_ms=created_ms, **names)
    return row | {"message_id": str(identifier)}


@st.composite
def receipt(draw: st.DrawFn) -> Receipt:
    code = draw(st.sampled_from([None, -1, 0, 2, 3, 1000, 4242, 80000003, 80000004]))
    return Receipt(
        message=draw(st.integers(0, 2)),
        # Few moments, so that many receipts share theirs.
        second=draw(st.integers(-1, 3)),
        code=code,
        channel=draw(st.sampled_from(CHANNELS)),
        detail=draw(st.sampled_from(["", "a", "B"])),
        revoked=code is None or draw(st.booleans()),
        by_pair=draw(st.booleans()),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Receipt] | int]:
    """Batches of receipts in any order, some of them again, and the arrivals of the messages among them."""
    receipts = draw(st.lists(receipt(), max_size=12))
    receipts += draw(st.lists(st.sampled_from(receipts), max_size=3)) if receipts else []
    receipts = draw(st.permutations(receipts))
    cuts = sorted(draw(st.lists(st.integers(0, len(receipts)), max_size=4)))
    steps: list[list[Receipt] | int] = [
        receipts[start:end] for start, end in zip([0, *cuts], [*cuts, len(receipts)], strict=True)
    ]
    for number in draw(st.permutations(range(3))):
        steps.insert(draw(st.integers(0, len(steps))), number)
    return steps


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=arrivals())
def test_end_does_not_depend_on_the_order(app: App, steps: list[list[Receipt] | int]) -> None:
    identifiers: dict[int, Any] = {}
    with transaction.atomic():
        for step in steps:
            if isinstance(step, int):
                [identifiers[step]] = factories.create_messages(app, [message_row(step)])
            else:
                result = ingest.write_receipts(app=app, rows=[receipt_row(app, one) for one in step])
                assert not result.rejected
                assert result.applied + result.stale + result.early == len(step)

        receipts = [one for step in steps if not isinstance(step, int) for one in step]
        for number, identifier in identifiers.items():
            assert found(identifier) == expected(number, receipts)
        assert not EarlyReceipt.objects.exists()
        transaction.set_rollback(True)
