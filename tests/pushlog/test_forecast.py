"""What the clock makes of a message: a table of statuses and expiry times."""

from datetime import UTC, datetime, timedelta

import pytest

from pushlog.forecast import Forecast, forecast, verdict
from pushlog.models import Message
from pushlog.statuses import NO_RECEIPT, Channel, Outcome, catalogue, look_up

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


@pytest.mark.parametrize(
    ("code", "title", "owner"),
    [
        (NO_RECEIPT, "Expired: no receipt came", "platform"),
        (-1, "Expired: not verified in time", "platform"),
        (0, "Expired: no answer from the device", "app team"),
        (1, "Expired: no device linked to the user", "app team"),
    ],
)
def test_verdict_on_an_expired_message_says_why_and_promises_nothing(code: int, title: str, owner: str) -> None:
    found = verdict(message(code=code, expires_at=NOW - SECOND), NOW)

    assert (found.title, found.owner, found.outcome, found.final) == (title, owner, "expired", True)
    assert "again" not in found.next_step
    assert "sends a new one" in found.next_step


def test_verdict_on_every_waiting_status_has_advice_for_its_expiry() -> None:
    """Also on one that enters the catalogue later."""
    waiting = [one for group in catalogue() for one in group.statuses if one.outcome == Outcome.WAITING]
    assert waiting
    for status in waiting:
        found = verdict(message(code=status.code, channel=status.channel or Channel.OWN, expires_at=NOW), NOW)
        assert found.title.startswith("Expired: ")
        assert len(found.title) <= 40
        assert found.next_step != status.next_step


@pytest.mark.parametrize("code", [NO_RECEIPT, 0, 2])
@pytest.mark.parametrize("expires_at", [None, NOW - SECOND])
def test_verdict_on_a_revoked_message_asks_nobody_to_act(code: int, expires_at: datetime | None) -> None:
    found = verdict(message(code=code, expires_at=expires_at, revoked_at=NOW), NOW)

    assert found.title.startswith("Revoked (")
    assert (found.owner, found.final) == ("nobody", True)
    assert "not sent again" in found.next_step


@pytest.mark.parametrize(("code", "channel"), [(0, Channel.OWN), (2, Channel.OWN), (2009, Channel.APNS)])
def test_verdict_before_the_expiry_is_the_catalogues(code: int, channel: Channel) -> None:
    found, status = verdict(message(code=code, channel=channel, expires_at=NOW + SECOND), NOW), look_up(channel, code)

    assert (found.title, found.owner, found.next_step) == (status.title, status.owner, status.next_step)
    assert (found.outcome, found.final) == (status.outcome.word, status.final)
