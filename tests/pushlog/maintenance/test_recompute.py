"""Stored statuses follow the catalogue and the rules: after a change of either, one pass brings them into line."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from pushlog import counts, ingest, statuses
from pushlog.ingest import recompute
from pushlog.maintenance import run
from pushlog.models import App, Message, StatusChange, StatusPass
from pushlog.statuses import Channel, Outcome, Rank
from tests import factories
from tests.pushlog.counting import difference
from tests.pushlog.killing import killed_after
from tests.pushlog.sessions import open_transaction
from tests.pushlog.threads import run_together, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
UNKNOWN = 4242  # a code that the catalogue does not know, on the channel below
MEIZU = Channel.MEIZU


def maintained() -> dict[str, Any]:
    # The session of one that was killed may not have ended yet.
    result = wait_until(run.maintain)
    assert "failed" not in result
    return result


def learn(monkeypatch: pytest.MonkeyPatch, outcome: Outcome = Outcome.FAILED, rank: Rank = Rank.FAILED) -> None:
    """A release whose catalogue knows the code."""
    pair = MEIZU.value, UNKNOWN
    status = replace(statuses.look_up(*pair), outcome=outcome, final=outcome is Outcome.FAILED, known=True)
    monkeypatch.setitem(statuses._STATUSES, pair, status)
    monkeypatch.setitem(statuses._OUTCOMES, pair, outcome.value)
    monkeypatch.setitem(statuses._RANKS, pair, rank)


def forget_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule of an earlier release: the latest receipt is the status, whatever it says."""
    for pair, rank in statuses._RANKS.items():
        monkeypatch.setitem(statuses._RANKS, pair, min(rank, Rank.OTHER))


def message_with(app: App, *receipts: tuple[str, int], **fields: Any) -> Message:
    """A message with these receipts, channel and code, a second apart."""
    message = factories.create_message(app, **fields)
    for second, (channel, code) in enumerate(receipts, start=1):
        at = (message.created_at + timedelta(seconds=second)).isoformat()
        factories.send_receipt(message, channel=channel, code=code, at=at)
    message.refresh_from_db()
    return message


def state(message: Message) -> tuple[int, int, int, datetime]:
    message.refresh_from_db()
    return message.channel, message.code, message.outcome, message.modified_at


def versions() -> dict[Any, str]:
    """Where each row stands: elsewhere once it was written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, (tableoid, ctid, xmax)::text FROM pushlog_message")
        return dict(cursor.fetchall())


def found(client: Client, app: App) -> set[str]:
    """The titles that the filter by the code gives."""
    page = client.get(f"/apps/{app.slug}/messages/", {"status": f"meizu {UNKNOWN}"})
    assert page.status_code == 200
    text = page.content.decode()
    return {message.title for message in Message.objects.filter(app=app) if message.title in text}


def test_filter_finds_messages_of_a_code_that_entered_the_catalogue(
    app: App, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(factories.create_user(app))
    codes = [[("meizu", UNKNOWN)], [("meizu", UNKNOWN), ("own", 0)], [("own", 0), ("meizu", UNKNOWN)], [("own", 2)]]
    messages = [message_with(app, *receipts, title=f"Parcel {n}") for n, receipts in enumerate(codes)]
    maintained()
    assert found(client, app) == {messages[0].title, messages[2].title}

    learn(monkeypatch)
    assert found(client, app) == set()
    result = maintained()

    assert found(client, app) == {messages[0].title, messages[1].title, messages[2].title}
    assert result["statuses_changed"] == 3
    assert {state(one)[:3] for one in messages[:3]} == {(MEIZU, UNKNOWN, Outcome.FAILED)}
    assert state(messages[3])[:3] == (Channel.OWN, 2, Outcome.RECEIVED)
    assert difference() == []


def test_statuses_of_an_earlier_rule_are_brought_into_line(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    other = factories.create_app()
    with monkeypatch.context() as earlier:
        forget_ranks(earlier)
        gone_back = [message_with(one, ("own", 2), ("own", 0)) for one in (app, other)]
        revoked = message_with(app, ("own", 2), ("own", 0))
        factories.send_receipt(revoked, channel=None, code=None, revoked=True)
        right = message_with(app, ("own", 0), ("own", 2))
        maintained()
    assert {state(one)[1] for one in gone_back} == {0}
    revoked.refresh_from_db()
    history, revoked_at, before = StatusChange.objects.count(), revoked.revoked_at, versions()

    assert maintained()["statuses_changed"] == 3

    for one in (*gone_back, revoked):
        assert state(one) == (Channel.OWN, 2, Outcome.RECEIVED, one.created_at + timedelta(seconds=1))
    assert revoked.revoked_at == revoked_at
    assert StatusChange.objects.count() == history
    assert {pk for pk, version in versions().items() if before[pk] == version} == {right.pk}
    assert difference() == []


def test_status_becomes_weaker_with_the_catalogue(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        learn(earlier)
        message = message_with(app, ("meizu", UNKNOWN), ("own", 0))
        maintained()
        assert state(message)[1] == UNKNOWN

    maintained()

    assert state(message) == (Channel.OWN, 0, Outcome.WAITING, message.created_at + timedelta(seconds=2))
    assert difference() == []


def test_message_without_history_keeps_its_code(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    message = message_with(app, ("meizu", UNKNOWN))
    StatusChange.objects.all().delete()
    learn(monkeypatch)

    maintained()

    at = message.created_at + timedelta(seconds=1)
    assert state(message) == (MEIZU, UNKNOWN, Outcome.FAILED, at)
    assert difference() == []


def test_nothing_is_read_while_catalogue_and_rules_are_the_same(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.create_message(app)
    assert "partitions_recomputed" in maintained()
    monkeypatch.setattr(ingest, "recompute_statuses", None)

    result = maintained()

    assert (result["partitions_recomputed"], result["statuses_changed"]) == ([], 0)
    assert run.due()["partitions_recomputed"] == []
    assert StatusPass.objects.count() == 1


def test_rules_of_a_new_release_begin_a_pass(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    maintained()
    monkeypatch.setattr("pushlog.ingest.status_changes.RULES", 10**6)

    assert maintained()["partitions_recomputed"] != []
    assert StatusPass.objects.count() == 2


def test_dry_run_names_what_is_due_and_changes_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    message = message_with(app, ("meizu", UNKNOWN))
    maintained()
    learn(monkeypatch)
    before, output = versions(), StringIO()

    call_command("maintain", "--dry-run", stdout=output)

    assert "partitions recomputed: " in output.getvalue()
    assert f"pushlog_message_{message.created_at:%Y%m%d}" in output.getvalue()
    assert versions() == before
    assert StatusPass.objects.count() == 1


@pytest.fixture
def wrong(app: App, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Messages of two days whose outcome the new catalogue changes, and a batch holds two."""
    messages = []
    for hours in (1, 1, 1, 30, 30):
        created = datetime.now().astimezone() - timedelta(hours=hours)
        messages.append(message_with(app, ("meizu", UNKNOWN), created_at=created))
    maintained()
    learn(monkeypatch)
    monkeypatch.setattr(recompute, "_BATCH", 2)
    return messages


def count_failed() -> int:
    return Message.objects.filter(outcome=Outcome.FAILED).count()


def test_time_limit_ends_a_run_and_the_next_goes_on(wrong: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_RECOMPUTE_SECONDS", 0)
    runs = list[dict[str, Any]]()

    while run.due()["partitions_recomputed"]:
        runs.append(maintained())

    assert [one["statuses_changed"] for one in runs if one["statuses_changed"]] == [2, 2, 1]
    assert f"pushlog_message_{wrong[0].created_at:%Y%m%d}" in runs[0]["recompute_postponed"]
    assert "recompute_postponed" not in runs[-1]
    assert count_failed() == 5
    assert difference() == []


def test_stop_ends_a_run_after_the_batch(wrong: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Event()
    compact = counts.compact

    def compact_and_stop() -> int:
        if count_failed():
            stop.set()
        return compact()

    monkeypatch.setattr(counts, "compact", compact_and_stop)

    run.maintain(stop=stop)

    assert count_failed() == 2
    assert difference() == []


@pytest.mark.usefixtures("wrong")
def test_killed_anywhere_and_repeated() -> None:
    states = set[int]()
    for statements in range(1, 200, 2):
        Message.objects.update(outcome=Outcome.UNKNOWN)
        StatusPass.objects.all().delete()
        if not killed_after(statements, run.maintain):
            break
        states.add(count_failed())

        maintained()

        assert count_failed() == 5
        assert difference() == []

    assert {0, 2, 4, 5} <= states


def test_messages_that_another_transaction_holds_wait_for_the_next_run(
    wrong: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_ATTEMPTS", 2)
    monkeypatch.setattr(run, "_LOCK_TIMEOUT", "100ms")

    with open_transaction("UPDATE pushlog_message SET title = title WHERE id = '{id}'"):
        result = maintained()
        assert f"pushlog_message_{wrong[0].created_at:%Y%m%d}" in result["recompute_postponed"]
        assert count_failed() < 5

    maintained()
    assert count_failed() == 5
    assert difference() == []


def test_receipts_that_come_meanwhile_are_not_lost(
    app: App, wrong: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comes between the read without locks and the lock."""
    lock = recompute._write

    def received(message: Message) -> None:
        at = (message.created_at + timedelta(seconds=9)).isoformat()
        factories.send_receipt(message, channel="own", code=2, at=at)

    def receipt_comes_first(wrong_ids: Any) -> int:
        for message in wrong:
            if message.pk in wrong_ids:
                run_together(partial(received, message))
        return lock(wrong_ids)

    monkeypatch.setattr(recompute, "_write", receipt_comes_first)

    maintained()

    assert {state(message)[:3] for message in wrong} == {(Channel.OWN, 2, Outcome.RECEIVED)}
    assert difference() == []
