"""What the clock makes of a message: a table of statuses and expiry times."""

from datetime import UTC, datetime, timedelta

import pytest

from pushlog.forecast import Forecast, forecast
from pushlog.models import Message
from pushlog.statuses import NO_RECEIPT, Channel

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def message(
    *,
    code: int = NO_RECEIPT,
    channel: Channel = Channel.OWN,
    expires_at: datetime | None = None,
    revoked_at: datetime | None = None,
) -> Message:
    return Message(code=code, channel=channel.value, expires_at=expires_at, revoked_at=revoked_at)


@pytest.mark.parametrize(
    ("code", "channel", "expected"),
    [
        (NO_RECEIPT, Channel.OWN, Forecast.WAITING),
        (-1, Channel.OWN, Forecast.WAITING),
        (0, Channel.OWN, Forecast.RESENT),
        (1, Channel.OWN, Forecast.RESENT),
        (2, Channel.OWN, Forecast.SETTLED),
        (3, Channel.OWN, Forecast.SETTLED),
        (2, Channel.APNS, Forecast.SETTLED),
        (2011, Channel.APNS, Forecast.SETTLED),
        (0, Channel.FCM, Forecast.RESENT),
        (4242, Channel.OWN, Forecast.SETTLED),  # unknown: nothing can be said of what follows
        (0, Channel.OPPO, Forecast.SETTLED),  # OPPO's own 0 is no waiting
    ],
)
@pytest.mark.parametrize("expires_at", [None, NOW + SECOND])
def test_forecast_before_expiry(code: int, channel: Channel, expected: Forecast, expires_at: datetime | None) -> None:
    assert forecast(message(code=code, channel=channel, expires_at=expires_at), NOW) is expected


@pytest.mark.parametrize("code", [NO_RECEIPT, -1, 0, 1])
def test_forecast_waiting_past_expiry(code: int) -> None:
    assert forecast(message(code=code, expires_at=NOW - SECOND), NOW) is Forecast.EXPIRED


@pytest.mark.parametrize("code", [2, 3, 1000, 4242])
def test_forecast_settled_past_expiry(code: int) -> None:
    assert forecast(message(code=code, expires_at=NOW - SECOND), NOW) is Forecast.SETTLED


def test_forecast_at_the_moment_of_expiry() -> None:
    waiting = message(code=0, expires_at=NOW)

    assert forecast(waiting, NOW) is Forecast.EXPIRED
    assert forecast(waiting, NOW - timedelta(microseconds=1)) is Forecast.RESENT


@pytest.mark.parametrize("code", [NO_RECEIPT, 0, 2])
@pytest.mark.parametrize("expires_at", [None, NOW - SECOND])
def test_forecast_revoked_whatever_the_status(code: int, expires_at: datetime | None) -> None:
    assert forecast(message(code=code, expires_at=expires_at, revoked_at=NOW), NOW) is Forecast.REVOKED
