from datetime import UTC, datetime

import pytest
from django.utils import timezone

from console.local_times import in_current_zone


@pytest.mark.parametrize(
    ("zone", "local", "first", "second"),
    [
        ("UTC", "2026-11-01T01:30", "01T01:30", "01T01:30"),
        ("Asia/Shanghai", "2026-11-01T01:30", "2026-10-31T17:30", "2026-10-31T17:30"),
        # The clocks go back at 02:00.
        ("America/New_York", "2026-11-01T00:59:59", "01T04:59:59", "01T04:59:59"),
        ("America/New_York", "2026-11-01T01:00", "01T05:00", "01T06:00"),
        ("America/New_York", "2026-11-01T01:30", "01T05:30", "01T06:30"),
        ("America/New_York", "2026-11-01T02:00", "01T07:00", "01T07:00"),
        # They go forward, and there is no time from 02:00 to 03:00.
        ("America/New_York", "2026-03-08T01:59:59", "08T06:59:59", "08T06:59:59"),
        ("America/New_York", "2026-03-08T02:00", "08T07:00", "08T07:00"),
        ("America/New_York", "2026-03-08T02:30", "08T07:00", "08T07:00"),
        ("America/New_York", "2026-03-08T02:59:59", "08T07:00", "08T07:00"),
        ("America/New_York", "2026-03-08T03:00", "08T07:00", "08T07:00"),
        # By half an hour.
        ("Australia/Lord_Howe", "2026-10-04T02:20", "2026-10-03T15:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:40", "2026-04-04T14:40", "2026-04-04T15:10"),
        # At midnight.
        ("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00", "2026-04-23T22:00"),
        ("Asia/Beirut", "2026-03-29T00:30", "2026-03-28T22:00", "2026-03-28T22:00"),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00", "2018-11-04T03:00"),
        # A whole day.
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", "2011-12-30T10:00"),
    ],
)
def test_local_time_is_a_moment(zone: str, local: str, first: str, second: str) -> None:
    given = datetime.fromisoformat(local)

    with timezone.override(zone):
        moments = [in_current_zone(given, fold=fold) for fold in (0, 1)]

    expected = [local[:8] + one if one[2] == "T" else one for one in (first, second)]
    assert moments == [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in expected]


@pytest.mark.parametrize(("zone", "local"), [("Asia/Shanghai", datetime.min), ("America/New_York", datetime.max)])
def test_local_time_outside_the_calendar_is_refused(zone: str, local: datetime) -> None:
    with timezone.override(zone), pytest.raises(OverflowError):
        in_current_zone(local)
