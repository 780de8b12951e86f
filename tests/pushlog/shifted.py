"""A machine whose clock is wrong, while the database's is right."""

from datetime import datetime, timedelta, tzinfo

import pytest

from pushlog import clock

SHIFTS = [timedelta(days=2), timedelta(days=40), timedelta(days=-2)]
shifts = pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: f"{shift.days:+} days")


def shift_clock(monkeypatch: pytest.MonkeyPatch, shift: timedelta) -> None:
    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain datetime
            return datetime.now(tz) + shift

    monkeypatch.setattr(clock, "datetime", Shifted)
