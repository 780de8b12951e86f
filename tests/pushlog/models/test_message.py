"""Which messages the reads find: by mode, by app, at the edge of the window, and by what is searched for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from pushlog.models import WINDOW, App, Message, Mode
from pushlog.models.message import MessageQuerySet
from pushlog.statuses import Channel, Outcome
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
MODES = {mode.word: mode for mode in Mode}


def findable(app: App, **options: Any) -> MessageQuerySet:
    return Message.objects.findable(app, **options)


def listed(app: App, **options: Any) -> MessageQuerySet:
    return Message.objects.listed(app, **options)


def matching(app: App, **options: Any) -> MessageQuerySet:
    return Message.objects.matching(app, target_id="target", **options)


READS = [findable, listed, matching]


def create(app: App, **fields: Any) -> Message:
    """A message for the target that is searched for, created now as tests see it."""
    row = factories.message_row(**{"target_id": "target", "created_at": NOW} | fields)
    return Message.objects.get(pk__in=factories.create_messages(app, [row], now=NOW))


@pytest.mark.parametrize(
    ("read", "modes"),
    [
        (findable, {Mode.SIMPLE, Mode.TEMPLATE, Mode.MULTIPLE}),
        (listed, {Mode.SIMPLE, Mode.TEMPLATE}),
        (matching, {Mode.SIMPLE, Mode.TEMPLATE, Mode.MULTIPLE}),
    ],
)
def test_modes(app: App, read: Any, modes: set[Mode]) -> None:
    for word in MODES:
        create(app, mode=word)

    assert {message.mode for message in read(app, now=NOW)} == modes


@pytest.mark.parametrize("read", READS)
def test_another_apps_messages_are_not_found(app: App, read: Any) -> None:
    create(factories.create_app())
    message = create(app)

    assert list(read(app, now=NOW)) == [message]


def test_findable_in_all_apps(app: App) -> None:
    messages = {create(factories.create_app()), create(app)}
    create(app, mode="broadcast")

    assert set(Message.objects.findable(now=NOW)) == messages


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("seconds", "found"), [(-1, True), (0, True), (1, False)])
def test_edge_of_the_window(app: App, read: Any, seconds: int, found: bool) -> None:
    """A message is shown for 30 days to the millisecond, whenever its partition goes."""
    message = create(app, created_at=NOW - WINDOW + timedelta(hours=1))
    now = message.created_at + WINDOW + timedelta(seconds=seconds)

    assert read(app, now=now).filter(pk=message.pk).exists() == found
    assert not read(app, now=message.created_at + WINDOW + timedelta(milliseconds=1)).exists()


@pytest.mark.parametrize("read", READS)
def test_window_ends_at_the_clock_unless_told_otherwise(app: App, read: Any) -> None:
    # Two hours, so that a slow run of all tests does not overtake it.
    message = create(app, created_at=NOW - WINDOW + timedelta(hours=2))

    assert list(read(app)) == [message]


@pytest.mark.parametrize(
    ("target", "customer", "found"),
    [
        ("target", "", {"tc", "tx"}),
        ("", "customer", {"tc", "xc"}),
        ("target", "customer", {"tc"}),
        ("", "", set()),
        ("Target", "", set()),
        ("targe", "", set()),
        ("target%", "", set()),
        (" target", "", set()),
        ("target", "nobody", set()),
        ("customer", "target", set()),
    ],
)
def test_matching_is_exact(app: App, target: str, customer: str, found: set[str]) -> None:
    create(app, title="tc", target_id="target", customer_message_id="customer")
    create(app, title="tx", target_id="target", customer_message_id="other")
    create(app, title="xc", target_id="other", customer_message_id="customer")

    rows = Message.objects.matching(app, target_id=target, customer_message_id=customer, now=NOW)

    assert {message.title for message in rows} == found


def test_matching_both_finds_every_time_of_it(app: App) -> None:
    messages = {create(app, customer_message_id="c", created_at=NOW - timedelta(days=days)) for days in (0, 1, 29)}

    assert set(Message.objects.matching(app, target_id="target", customer_message_id="c", now=NOW)) == messages


def test_matching_both_does_not_trust_the_hash(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another message whose hash happens to be the same is not shown."""
    message = create(app, customer_message_id="c")
    monkeypatch.setattr("pushlog.message_ids.pair_hash", lambda _: message.pk.bytes[8:])

    found = Message.objects.matching(app, target_id="target", customer_message_id="another", now=NOW)

    assert not found.exists()


@pytest.mark.parametrize("terms", [{"target_id": "target"}, {"customer_message_id": "c"}])
@pytest.mark.parametrize("both", [True, False])
def test_broadcast_is_never_found(app: App, terms: dict[str, str], both: bool) -> None:
    create(app, mode="broadcast", customer_message_id="c")
    terms = {"target_id": "target", "customer_message_id": "c"} if both else terms

    assert not Message.objects.matching(app, **terms, now=NOW).exists()


def test_for_rows_leaves_out_what_may_be_large(app: App, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    create(app, content="long", extras={"a": 1})

    with django_assert_num_queries(1):
        [row] = Message.objects.listed(app, now=NOW).for_rows()
        shown = [getattr(row, name) for name in Message.ROW_FIELDS]
        shown += [row.created_at, row.status, row.get_push_type_display(), row.pk]

    assert row.get_deferred_fields() == {"content", "sealed_content", "extras", "task", "modified_at"}
    assert len(shown) == len(Message.ROW_FIELDS) + 4


def test_created_at_is_in_the_id(app: App) -> None:
    assert create(app, created_at=NOW - timedelta(milliseconds=1)).created_at == NOW - timedelta(milliseconds=1)


def test_status_is_looked_up(app: App) -> None:
    message = create(app)
    assert message.status.outcome == Outcome.WAITING

    factories.send_receipt(message, channel="huawei", code=2)

    message.refresh_from_db()
    assert (message.status.channel, message.status.outcome) == (Channel.HUAWEI, Outcome.ACCEPTED)


def test_str_is_the_id(app: App) -> None:
    message = create(app)

    assert str(message) == str(message.pk)
