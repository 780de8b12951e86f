"""Which tasks a credential finds: those of its app, of the last 30 days, on the days asked for in the app's zone."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pushlog import ingest
from pushlog.models import App
from tests import factories
from tests.pushlog.tpns.client import Program
from tests.pushlog.tpns.conftest import SetClock

NOW = "2026-05-17T15:20:30+08:00"


def store(app: App, now: datetime, **moments: str) -> None:
    """Tasks by push ID and push time."""
    rows = [factories.task_row(push_id=push_id, pushed_at=moment) for push_id, moment in moments.items()]
    assert not ingest.write_tasks(app=app, rows=rows, now=now).rejected


def found(program: Program, first: str, last: str, **question: Any) -> list[str]:
    answer = program.ask(startDate=first, endDate=last, **question)
    assert answer["retCode"] == 0
    if "limit" not in question and "offset" not in question:
        assert answer["count"] == len(answer["pushRecordData"])
    return [str(record["pushId"]) for record in answer["pushRecordData"]]


def test_a_day_is_whole_and_the_newest_task_comes_first(app: App, program: Program, set_clock: SetClock) -> None:
    store(
        app,
        set_clock(NOW),
        before="2026-05-09T23:59:59.999999+08:00",
        first="2026-05-10T00:00:00+08:00",
        last="2026-05-11T23:59:59.999999+08:00",
        after="2026-05-12T00:00:00+08:00",
    )

    assert found(program, "2026-05-10", "2026-05-11") == ["last", "first"]
    assert found(program, "2026-05-11", "2026-05-11") == ["last"]
    assert found(program, "2026-05-01", "2026-05-31") == ["after", "last", "first", "before"]


def test_nothing_older_than_the_window_is_found(app: App, program: Program, set_clock: SetClock) -> None:
    earlier = set_clock("2026-05-01T00:00:00+08:00")
    store(app, earlier, old="2026-04-17T15:20:29.999999+08:00", young="2026-04-17T15:20:30+08:00")
    set_clock(NOW)

    assert found(program, "2026-04-17", "2026-04-17") == ["young"]
    assert found(program, "0001-01-01", "9999-12-31") == ["young"]
    assert found(program, "2020-01-01", "2020-12-31") == []
    assert program.code(pushId="young") == 0
    assert program.code(pushId="old") == 1008015


@pytest.mark.parametrize(
    "question", [{}, {"startDate": "", "endDate": None}, {"limit": 1, "msgType": "notify", "offset": 0}]
)
def test_without_dates_the_period_is_the_last_30_days(
    app: App, program: Program, set_clock: SetClock, question: dict[str, Any]
) -> None:
    """The last of these is from a public client's README (docs/tpns.md)."""
    earlier = set_clock("2026-05-01T00:00:00+08:00")
    store(app, earlier, old="2026-04-17T15:20:29.999999+08:00", young="2026-04-17T15:20:30+08:00")
    store(app, set_clock(NOW), today="2026-05-17T23:59:59.999999+08:00", tomorrow="2026-05-18T00:00:00+08:00")

    answer = program.ask(**question)

    assert (answer["retCode"], answer["count"]) == (0, 2)
    assert [one["pushId"] for one in answer["pushRecordData"]] == ["today", "young"][: question.get("limit", 2)]
    assert program.ask(msgType="message")["count"] == 0
    assert [one["pushId"] for one in program.ask(offset=1)["pushRecordData"]] == ["young"]


def test_today_is_the_day_of_the_apps_zone(app: App, program: Program, set_clock: SetClock) -> None:
    now = set_clock("2026-05-17T23:30:00Z")  # in Beijing the 18th
    store(app, now, today="2026-05-18T23:00:00+08:00", tomorrow="2026-05-19T00:00:00+08:00")

    assert [one["pushId"] for one in program.ask()["pushRecordData"]] == ["today"]


def test_tasks_to_come_are_found(app: App, program: Program, set_clock: SetClock) -> None:
    store(app, set_clock(NOW), soon="2026-05-17T18:00:00+08:00", later="2026-08-01T00:00:00+08:00")

    assert found(program, "2026-05-17", "2026-05-17") == ["soon"]
    assert found(program, "2026-05-18", "9999-12-31") == ["later"]
    assert found(program, "9998-01-01", "9999-12-31") == []
    assert program.code(pushId="later") == 0


def test_other_apps_tasks_do_not_exist(app: App, program: Program) -> None:
    foreign = factories.create_task(factories.create_app(), push_id="foreign")
    own = factories.create_task(app, push_id="own")
    twin = factories.create_task(factories.create_app(), push_id="own", title="of another app")
    day = f"{own.pushed_at + timedelta(hours=8):%Y-%m-%d}"

    assert found(program, day, day) == ["own"]
    assert program.ask(pushId="own")["pushRecordData"][0]["title"] == own.title != twin.title
    answers = [program.ask(pushId=push_id) for push_id in (foreign.push_id, "nobody's", "x" * 5000, "🙂", -1, 10**40)]
    assert answers == [{"retCode": 1008015, "errMsg": "push id not exist"}] * 6


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("Asia/Kolkata", "+05:30"), ("Asia/Kathmandu", "+05:45"), ("America/St_Johns", "-02:30"), ("UTC", "+00:00")],
)
def test_days_are_those_of_the_apps_zone(
    app: App, program: Program, set_clock: SetClock, zone: str, offset: str
) -> None:
    App.objects.filter(pk=app.pk).update(time_zone=zone)
    now = set_clock(NOW)
    clock = ("00:00:00", "00:14:59", "00:29:59", "00:30:00", "12:00:00", "23:29:59", "23:30:00", "23:59:59")
    days = ("2026-05-09", "2026-05-10", "2026-05-11")
    store(app, now, **{f"{day} {hour}": f"{day}T{hour}{offset}" for day in days for hour in clock})

    for day in days:
        assert found(program, day, day) == [f"{day} {hour}" for hour in reversed(clock)]
    records = program.ask(startDate=days[0], endDate=days[2])["pushRecordData"]
    assert [record["date"] for record in records] == [record["pushId"] for record in records]


@pytest.mark.parametrize(
    ("zone", "now", "day", "hours"),
    [
        ("Europe/Berlin", "2026-04-10T12:00:00Z", "2026-03-29", 23),
        ("Europe/Berlin", "2026-11-01T12:00:00Z", "2026-10-25", 25),
        # Here the clocks go on from midnight to one o'clock, and back from midnight to eleven.
        ("America/Sao_Paulo", "2018-11-20T12:00:00Z", "2018-11-04", 23),
        ("America/Sao_Paulo", "2018-03-01T12:00:00Z", "2018-02-17", 25),
    ],
)
def test_days_on_which_the_clocks_change_are_whole(
    app: App, program: Program, set_clock: SetClock, zone: str, now: str, day: str, hours: int
) -> None:
    App.objects.filter(pk=app.pk).update(time_zone=zone)
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(days=1)
    moments = [start + timedelta(minutes=30 * step) for step in range(3 * 48)]
    store(app, set_clock(now), **{f"{moment:%d %H:%M}": moment.isoformat() for moment in moments})

    answer = program.ask(startDate=day, endDate=day)

    assert answer["count"] == len(answer["pushRecordData"]) == 2 * hours
    assert {record["date"][:10] for record in answer["pushRecordData"]} == {day}


def test_pages_follow_one_another(app: App, program: Program, set_clock: SetClock) -> None:
    now = set_clock(NOW)
    # Many at one moment: of those, the one stored last comes first.
    rows = [
        factories.task_row(push_id=f"{number}", pushed_at=f"2026-05-1{number // 150}T09:00:00+08:00")
        for number in range(450)
    ]
    assert ingest.write_tasks(app=app, rows=rows, now=now).accepted == 450
    days = {"startDate": "2026-05-01", "endDate": "2026-05-17"}

    pages = [program.ask(**days, offset=offset, limit=100) for offset in range(0, 500, 100)]
    assert {page["count"] for page in pages} == {450}
    assert [len(page["pushRecordData"]) for page in pages] == [100, 100, 100, 100, 50]
    whole = [record["pushId"] for page in pages for record in page["pushRecordData"]]
    assert len(set(whole)) == 450
    assert [record["date"] for page in pages for record in page["pushRecordData"]] == sorted(
        (f"2026-05-1{number // 150} 09:00:00" for number in range(450)), reverse=True
    )
    assert [record["pushId"] for record in program.ask(**days)["pushRecordData"]] == whole[:200]
    assert program.ask(**days, offset=450) == {"retCode": 0, "errMsg": "NO_ERROR", "count": 450, "pushRecordData": []}
    assert program.ask(**days, offset=10**30)["count"] == 450
    assert program.ask(**days, limit=0)["pushRecordData"] == []
    assert found(program, "2026-05-01", "2026-05-17", offset=449, limit=200) == whole[449:]
