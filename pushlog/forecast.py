"""What a message's status means at a given moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from pushlog.models import Message
from pushlog.statuses import EXPIRED, NO_RECEIPT, Outcome, Status, is_resent


class Forecast(Enum):
    """What may still happen to a message by itself. Stored nowhere."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    RESENT = "resent"
    WAITING = "waiting"
    SETTLED = "settled"


def forecast(message: Message, now: datetime) -> Forecast:
    if message.revoked_at is not None:
        return Forecast.REVOKED
    if message.is_expired(now):
        return Forecast.EXPIRED
    if message.status.outcome != Outcome.WAITING:
        return Forecast.SETTLED
    return Forecast.RESENT if is_resent(message.channel, message.code) else Forecast.WAITING


@dataclass(frozen=True, slots=True)
class Verdict:
    """What pages and the API say. `outcome` is a word of `Outcome`, or "expired"."""

    title: str
    tone: str
    outcome: str
    final: bool
    owner: str
    next_step: str


_STILL_WANTED = "If the message is still wanted, the app team sends a new one"
# Owner and next step of an expired message, by its common code.
_EXPIRED_ADVICE = {
    NO_RECEIPT: ("platform", f"Ask the platform team, with the message ID, why no receipt came. {_STILL_WANTED}."),
    -1: ("platform", f"Ask the platform team, with the message ID, why it was not verified. {_STILL_WANTED}."),
    0: ("app team", f"{_STILL_WANTED} when the user's device is online."),
    1: ("app team", f"{_STILL_WANTED} after the user has signed in."),
}
_EXPIRED_REASONS = {NO_RECEIPT: "no receipt came", -1: "not verified in time"}


def verdict(message: Message, now: datetime) -> Verdict:
    status, outcome = message.status, message.status.outcome.word
    kind = forecast(message, now)
    if kind is Forecast.REVOKED:
        # It may have arrived before: the outcome stays.
        next_step = "Nothing to do: the sender took the message back, and it is not sent again."
        return Verdict(f"Revoked ({status.title})", "revoked", outcome, True, "nobody", next_step)
    if kind is Forecast.EXPIRED:
        owner, next_step = _EXPIRED_ADVICE.get(
            status.code if status.common else NO_RECEIPT, _EXPIRED_ADVICE[NO_RECEIPT]
        )
        return Verdict(f"Expired: {_expired_reason(status)}", EXPIRED, EXPIRED, True, owner, next_step)
    return Verdict(status.title, outcome, outcome, status.final, status.owner, status.next_step)


def _expired_reason(status: Status) -> str:
    if status.common and status.code in _EXPIRED_REASONS:
        return _EXPIRED_REASONS[status.code]
    return status.title.removeprefix(f"{Outcome.WAITING.label}: ")
