from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from pushlog import ingest
from pushlog.api import endpoints
from pushlog.models import WINDOW, App, Message
from tests import factories
from tests.pushlog.api.client import Program, is_error

CREATED = datetime.now(UTC).replace(microsecond=123_456) - timedelta(hours=3)


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def search(program: Program, **terms: Any) -> Any:
    status, content = program.post("messages/search", terms)
    assert status == 200, content
    return content


def test_a_message_is_told_whole_and_in_words(program: Program) -> None:
    message = factories.create_message(
        program.app, created_at=CREATED, extras={"a": ["é", None]}, push_type="android", expires_in=60
    )
    factories.send_receipt(message, channel="apns", code=2009, detail="bad token", at=CREATED + timedelta(seconds=1))

    status, content = program.get(f"/api/v1/messages/{message.pk}")

    assert status == 200
    assert content["id"] == str(message.pk)
    assert (content["push_type"], content["mode"], content["extras"]) == ("android", "simple", {"a": ["é", None]})
    assert content["created_at"] == written(CREATED)
    assert content["expires_at"] == written(CREATED + timedelta(minutes=1))
    assert content["modified_at"] == written(CREATED + timedelta(seconds=1))
    words = Message.objects.get().status
    assert content["status"]["outcome"] == "failed"
    assert (content["status"]["channel"], content["status"]["code"]) == ("apns", 2009)
    for name in ("name", "title", "meaning", "owner", "next_step", "final"):
        assert content["status"][name] == getattr(words, name)
    [entry] = content["history"]
    assert (entry["at"], entry["detail"], entry["code"]) == (content["modified_at"], "bad token", 2009)


def test_a_history_without_end_is_told_from_its_last_entries(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MAX_HISTORY", 3)
    message = factories.create_message(program.app, created_at=CREATED)
    for seconds in range(1, 6):
        factories.send_receipt(message, code=0, at=(CREATED + timedelta(seconds=seconds)).isoformat())

    history = program.get(f"/api/v1/messages/{message.pk}")[1]["history"]

    assert [entry["at"] for entry in history] == [
        written(CREATED + timedelta(seconds=seconds)) for seconds in (3, 4, 5)
    ]


def test_a_message_that_waits_past_its_time_is_expired(program: Program) -> None:
    late = factories.create_message(program.app, created_at=CREATED, expires_in=60)
    early = factories.create_message(program.app, created_at=CREATED, expires_in=86400)

    def outcome(message: Any) -> tuple[str, bool]:
        status = program.get(f"/api/v1/messages/{message.pk}")[1]["status"]
        return status["outcome"], status["final"]

    assert (outcome(late), outcome(early)) == (("expired", True), ("waiting", False))


def test_what_is_not_to_be_seen_is_a_404(program: Program) -> None:
    hidden = [
        factories.create_message(factories.create_app()),
        factories.create_message(program.app, mode="broadcast"),
    ]
    old = factories.create_message(program.app, created_at=datetime.now(UTC) - WINDOW + timedelta(minutes=5))

    for message in hidden:
        status, content = program.get(f"/api/v1/messages/{message.pk}")
        assert (status, is_error(content)) == (404, True)
    with mock.patch("pushlog.clock.now", return_value=datetime.now(UTC) + timedelta(hours=1)):
        assert program.get(f"/api/v1/messages/{old.pk}")[0] == 404
        assert search(program, target_id=old.target_id)["messages"] == []


def test_search_finds_what_the_page_finds(program: Program) -> None:
    of_target = [factories.create_message(program.app, target_id="T", mode=mode) for mode in ("simple", "multiple")]
    factories.create_message(program.app, target_id="T", mode="broadcast")
    factories.create_message(factories.create_app(), target_id="T")
    factories.create_message(program.app, target_id="t")

    found = search(program, target_id=" T ")
    assert [one["id"] for one in found["messages"]] == sorted((str(one.pk) for one in of_target), reverse=True)
    assert found["next"] is None
    both = search(program, target_id="T", customer_message_id=of_target[0].customer_message_id)
    assert [one["id"] for one in both["messages"]] == [str(of_target[0].pk)]
    alone = search(program, customer_message_id=of_target[1].customer_message_id)
    assert [one["id"] for one in alone["messages"]] == [str(of_target[1].pk)]
    assert search(program, target_id="nobody")["messages"] == []
    span = datetime.fromisoformat(found["window"]["last"]) - datetime.fromisoformat(found["window"]["first"])
    assert span == WINDOW


def test_search_leads_from_page_to_page(program: Program, app: App) -> None:
    rows = [factories.message_row(target_id="T", created_at=CREATED) for _ in range(5)]
    ids = sorted(map(str, factories.create_messages(app, rows)), reverse=True)

    pages, after = [], None
    while True:
        page = search(program, target_id="T", limit=2, **({"after": after} if after else {}))
        pages.append([one["id"] for one in page["messages"]])
        if (after := page["next"]) is None:
            break

    assert pages == [ids[:2], ids[2:4], ids[4:]]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({}, None),
        ({"target_id": ""}, "target_id"),
        ({"target_id": 17}, "target_id"),
        ({"target_id": "T", "limit": 201}, "limit"),
        ({"target_id": "T", "limit": 0}, "limit"),
        ({"target_id": "T", "after": "x"}, "after"),
        ({"target_id": "T", "colour": 1}, "colour"),
    ],
)
def test_search_says_which_term_is_wrong(program: Program, terms: dict[str, Any], field: str | None) -> None:
    status, content = program.post("messages/search", terms)

    assert (status, is_error(content)) == (422, True)
    assert content["errors"][0]["field"] == field


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"target_id": "\\ud800"}', b'{"target_id": "\\u0000"}'])
def test_search_refuses_what_is_no_object(program: Program, body: bytes) -> None:
    status, content = program.post("messages/search", body)

    assert status in {400, 415}
    assert is_error(content)
    assert program.post("messages/search", b" " * 70_000)[0] == 413


def test_receipts_of_other_apps_do_not_show(program: Program) -> None:
    message = factories.create_message(program.app)
    ingest.write_receipts(
        app=factories.create_app(),
        rows=[{"message_id": str(message.pk), "channel": "own", "code": 2, "at": message.created_at.isoformat()}],
    )

    assert program.get(f"/api/v1/messages/{message.pk}")[1]["history"] == []
