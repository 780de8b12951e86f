from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from console.lists.filters import FoundFilters, MessageFilters, SearchForm
from pushlog import message_pages
from pushlog.models import App
from tests import factories


def found(query: str) -> set[str]:
    filters = MessageFilters(QueryDict(query))
    assert filters.is_valid(), filters.errors
    question = filters.question(App.objects.get(), now=datetime.now(UTC))
    return {message.title for message in message_pages.page(question, keys=("id",), descending=True).rows}


@pytest.fixture
def _messages(app: App) -> None:
    now = datetime.now(UTC)
    create = factories.create_message
    create(app, title="waiting", expires_at=(now + timedelta(hours=1)).isoformat())
    create(app, title="waiting for ever", push_type="ios", mode="template")
    create(app, title="expired", expires_at=(now - timedelta(seconds=1)).isoformat())
    factories.send_receipt(create(app, title="received"))
    factories.send_receipt(create(app, title="accepted"), channel="xiaomi", code=0)
    factories.send_receipt(create(app, title="failed"), channel="apns", code=2009)
    factories.send_receipt(create(app, title="unknown"), channel="meizu", code=4242)
    factories.send_receipt(create(app, title="revoked"), revoked=True, at=now.isoformat(), channel=None, code=None)


@pytest.mark.usefixtures("_messages")
@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("outcome=waiting", {"waiting", "waiting for ever", "revoked"}),
        ("outcome=expired", {"expired"}),
        ("outcome=received", {"received"}),
        ("outcome=accepted", {"accepted"}),
        ("outcome=failed", {"failed"}),
        ("outcome=unknown", {"unknown"}),
        ("push_type=ios", {"waiting for ever"}),
        ("push_type=harmony", set()),
        ("mode=template", {"waiting for ever"}),
        ("outcome=revoked", {"revoked"}),
        ("status=apns+2009", {"failed"}),
        ("status=Apple+(APNs)+2009+device+token+gone", {"failed"}),
        ("status=meizu+4242", {"unknown"}),
        ("status=own+2009", set()),
        ("outcome=failed&push_type=ios", set()),
    ],
)
def test_filter_finds(query: str, titles: set[str]) -> None:
    assert found(query) == titles


@pytest.mark.usefixtures("_messages")
def test_filter_of_nothing_finds_all() -> None:
    assert len(found("push_type=&mode=&outcome=&status=&created_from=&created_to=")) == 8


def test_filter_of_times_takes_the_first_and_leaves_the_last(app: App) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for seconds in (-1, 0, 59, 60):
        factories.create_message(app, title=str(seconds), created_at=start + timedelta(seconds=seconds))
    end = start + timedelta(minutes=1)

    assert found(f"created_from={start:%Y-%m-%dT%H:%M:%S}&created_to={end:%Y-%m-%dT%H:%M:%S}") == {"0", "59"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=own+5.5.5", "status"),
        ("status=own+99999999999", "status"),
        ("status=own", "status"),
        ("status=nope+2", "status"),
        ("status=nonsense", "status"),
        ("push_type=1", "push_type"),
        ("mode=multiple", "mode"),
        ("mode=broadcast", "mode"),
        ("outcome=nice", "outcome"),
        ("created_from=yesterday", "created_from"),
        ("created_from=2026-11-02T00:00&created_to=2026-11-01T00:00", "created_to"),
        ("created_to=0000-00-00T00:00", "created_to"),
    ],
)
def test_filter_that_is_not_right_names_its_field(query: str, field: str) -> None:
    filters = MessageFilters(QueryDict(query))

    assert not filters.is_valid()
    assert list(filters.errors) == [field]


def test_filter_of_mode_may_be_multiple_in_a_search_but_never_broadcast() -> None:
    assert FoundFilters(QueryDict("mode=multiple")).is_valid()
    assert not FoundFilters(QueryDict("mode=broadcast")).is_valid()


@pytest.mark.parametrize(
    ("given", "taken"),
    [("  a  ", "a"), ("\ta\n", "a"), ("a b", "a b"), ("A%_'\"\\", "A%_'\"\\"), ("x" * 512, "x" * 512)],
)
def test_search_trims_outer_blanks_and_nothing_else(given: str, taken: str) -> None:
    form = SearchForm({"target_id": given})

    assert form.is_valid()
    assert form.cleaned_data["target_id"] == taken


@pytest.mark.parametrize("given", ["", "   ", "x" * 513, "x" * 10_000, "a\x00b"])
def test_search_for_nothing_too_much_or_a_nul_is_refused(given: str) -> None:
    assert not SearchForm({"target_id": given}).is_valid()
