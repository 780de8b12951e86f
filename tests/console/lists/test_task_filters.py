from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone

from console.lists.filters import TaskFilter, TaskSearchForm
from pushlog.models import App, PushTask
from tests import factories

pytestmark = pytest.mark.django_db


def found(query: str) -> set[str]:
    filters = TaskFilter(QueryDict(query), queryset=PushTask.objects.all())
    assert filters.is_valid(), filters.errors
    return set(filters.qs.values_list("title", flat=True))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", {"a", "b", "c"}),
        ("target_kind=&state=&day=", {"a", "b", "c"}),
        ("target_kind=tag", {"b", "c"}),
        ("target_kind=account_file", set()),
        ("state=failed", {"a", "c"}),
        ("target_kind=tag&state=failed", {"c"}),
    ],
)
def test_filter_finds(app: App, query: str, titles: set[str]) -> None:
    factories.create_task(app, title="a", target_kind="all", state="failed")
    factories.create_task(app, title="b", target_kind="tag")
    factories.create_task(app, title="c", target_kind="tag", state="failed")

    assert found(query) == titles


# Across the change from and to summer time: days of 23 and of 25 hours.
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)])
def test_day_is_one_of_the_current_zone(app: App, day: date) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    end = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=1)
    moments = {
        "before": start.timestamp() - 0.000001,
        "first": start.timestamp(),
        "last": end.timestamp() - 1,
        "after": end.timestamp(),
    }
    for title, seconds in moments.items():
        moment = datetime.fromtimestamp(seconds, zone)
        factories.create_task(app, title=title, pushed_at=moment, now=moment)

    with timezone.override(zone):
        assert found(f"day={day}") == {"first", "last"}
    with timezone.override("Asia/Shanghai"):
        assert found(f"day={day}") != {"first", "last"}


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-30", "9999-12-31"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_day_far_from_the_window_finds_nothing(app: App, day: str, zone: str) -> None:
    factories.create_task(app)

    with timezone.override(zone):
        assert found(f"day={day}") == set()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=FAILED", "state"),
        ("state=5", "state"),
        ("target_kind=everybody", "target_kind"),
        ("day=22.11.2026", "day"),
        ("day=2026-13-01", "day"),
    ],
)
def test_filter_that_is_not_right_names_its_field(query: str, field: str) -> None:
    filters = TaskFilter(QueryDict(query), queryset=PushTask.objects.none())

    assert list(filters.errors) == [field]


@pytest.mark.parametrize(("given", "taken"), [("  1\t", "1"), ("a b", "a b"), ("A%_'", "A%_'"), ("x" * 64, "x" * 64)])
def test_push_id_is_trimmed_as_it_is_stored(given: str, taken: str) -> None:
    form = TaskSearchForm({"push_id": given})

    assert form.is_valid()
    assert form.cleaned_data["push_id"] == taken
