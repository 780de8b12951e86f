"""What the simulated gateways send, and what must be in the log when all of it was acknowledged.

Everything follows from a seed and the number of a batch, so that it can be sent again, by another process at the same
time, and computed once more at the end.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

MESSAGES = 60  # in a batch
CODES = [("own", 0), ("own", 2), ("own", 3), ("apns", 0), ("apns", 2009), ("huawei", 2)]
CHANNELS = {"own": 1, "apns": 2, "huawei": 4}
# Tapped, received, failed and final; all others have no rank.
RANKS = {(1, 3): 3, (1, 2): 2, (2, 2009): 1}

Row = dict[str, Any]


class Batch(NamedTuple):
    """Messages, and for each of them the receipts."""

    messages: list[Row]
    receipts: list[list[Row]]


class State(NamedTuple):
    """What the log must hold of a message: the status with its time (None: no receipt), and the history."""

    status: tuple[datetime, int, int] | None
    history: dict[tuple[datetime, int], tuple[int, str]]


def batch(seed: int, number: int, start: datetime) -> Batch:
    """The batch with this number; `start` (aware) is when the whole run began."""
    random = Random(f"{seed} {number}")
    messages, receipts = [], []
    for one in range(MESSAGES):
        created = start - timedelta(milliseconds=random.randrange(60_000))
        messages.append(
            {
                "target_id": f"load-{random.randrange(20)}",
                "push_type": random.choice(["user", "android", "ios"]),
                "mode": random.choice(["simple", "simple", "template", "multiple"]),
                "customer_message_id": f"{seed}-{number}-{one}",
                "title": f"Load {number}",
                "created_at": created.isoformat(),
            }
        )
        receipts.append([_receipt(random, created) for _ in range(random.randrange(5))])
    return Batch(messages, receipts)


def state(receipts: list[Row]) -> State:
    """The rules, as plainly as they can be written: the highest rank stands, then the latest, then code and channel."""
    strongest: tuple[int, datetime, int, int] | None = None
    entries: dict[tuple[datetime, int], tuple[int, int, str]] = {}
    for receipt in receipts:
        at, code = datetime.fromisoformat(receipt["at"]), receipt["code"]
        channel, detail = CHANNELS[receipt["channel"]], receipt["detail"]
        rank = RANKS.get((channel, code), 0)
        strongest = max(strongest or (rank, at, code, channel), (rank, at, code, channel))
        entries[at, code] = max(entries.get((at, code), (rank, channel, detail)), (rank, channel, detail))
    history = {key: entry[1:] for key, entry in entries.items()}
    return State(strongest[1:] if strongest else None, history)


def _receipt(random: Random, created: datetime) -> Row:
    channel, code = random.choice(CODES)
    # Few moments, so that several receipts share a millisecond.
    at = created + timedelta(seconds=random.randrange(3))
    return {"channel": channel, "code": code, "at": at.astimezone(UTC).isoformat(), "detail": random.choice("abc")}
