"""What a message's expiry time implies now: derived from status, expiry and clock, and stored nowhere."""

from datetime import datetime
from enum import Enum

from pushlog import statuses
from pushlog.models import Message
from pushlog.statuses import Outcome


class Forecast(Enum):
    """What may still happen to a message by itself."""

    REVOKED = "revoked"  # taken back by the sender
    EXPIRED = "expired"  # was never delivered in time, and is not sent any more
    RESENT = "resent"  # is sent again when the device connects or a user is bound, until it expires
    WAITING = "waiting"  # nothing is known to send it again; a receipt may still come
    SETTLED = "settled"  # its outcome is known: the expiry time has no meaning any more


def forecast(message: Message, now: datetime) -> Forecast:
    """What `now` (aware) makes of a message. It expires at its expiry time, not after it."""
    if message.revoked_at is not None:
        return Forecast.REVOKED
    if message.status.outcome != Outcome.WAITING:
        return Forecast.SETTLED
    if message.expires_at is not None and message.expires_at <= now:
        return Forecast.EXPIRED
    return Forecast.RESENT if statuses.is_resent(message.channel, message.code) else Forecast.WAITING
