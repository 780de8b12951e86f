"""Gateways write while people read, and in the end the tables hold exactly what was acknowledged."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from pushlog import message_ids
from pushlog.models import AuditKind
from tests.load import processes
from tests.load.processes import Line
from tests.load.rows import batch, state
from tests.load.served import Served
from tests.pushlog import counting

pytestmark = pytest.mark.embedded


def run(served: Served, folder: Path, meanwhile: Callable[[], None]) -> list[Line]:
    """All requests of the gateways and readers that work while `meanwhile` runs, once the tables agree with them."""
    start = datetime.now(UTC)
    began = time.monotonic()
    lines = processes.run(served, folder, start, meanwhile)
    print(f"\n{time.monotonic() - began:.0f} s: {processes.summary(lines)}")
    _compare(served, processes.acknowledged(lines), start)
    _check_looks(served, lines, start)
    # Every page that was answered is a page, or an error of a server that was being killed.
    assert [line for line in lines if line["status"] not in {0, 200} and line["status"] < 500] == []
    assert "message" in {line["name"] for line in lines}
    return lines


def _check_looks(served: Served, lines: list[Line], start: datetime) -> None:
    """No page that was shown is missing in the audit log, and its chain is whole."""
    shown = Counter(line["message"] for line in lines if line["name"] == "message" and line["status"] == 200)
    lists = sum(line["name"] == "list" and line["status"] == 200 for line in lines)
    since = message_ids.first_id(start)
    recorded = Counter[str]()
    for kind, identifier in served.query("SELECT kind, message_id FROM pushlog_auditentry WHERE id >= %s", [since]):
        recorded["list" if kind == AuditKind.LIST else str(identifier)] += 1
    assert shown
    assert not (shown + Counter({"list": lists})) - recorded
    print(f"{shown.total()} messages and {lists} lists shown; {served.manage('verify_log')}")


def _compare(served: Served, acknowledged: list[Line], start: datetime) -> None:
    """Holds the tables against the rules applied to all that was acknowledged."""
    ids: dict[str, str] = {}
    for one in acknowledged:
        answer = one["answer"]
        assert answer["rejected"] == []
        if one["name"] == "messages":
            assert answer["accepted"] + answer["duplicates"] == len(one["rows"])
            for key, identifier in zip(one["rows"], answer["ids"], strict=True):
                assert ids.setdefault(key, identifier) == identifier
        else:
            assert answer["applied"] + answer["stale"] + answer["unmatched"] == one["rows"]
    # No gateway stopped in the middle of a batch: its messages and both halves of its receipts are in.
    assert set(Counter((one["process"], one["seed"], one["batch"]) for one in acknowledged).values()) == {3}
    expected = {
        message["customer_message_id"]: state(of_message)
        for seed, number in {(one["seed"], one["batch"]) for one in acknowledged}
        for message, of_message in zip(*batch(seed, number, start), strict=True)
    }
    assert set(ids) == set(expected)
    # A row that was accepted twice was lost in between; one that never was is there by an answer that got lost.
    assert sum(one["answer"].get("accepted", 0) for one in acknowledged) <= len(ids)

    seeds = "|".join(str(seed) for seed in {one["seed"] for one in acknowledged})
    ours = f"target_id LIKE 'load-%' AND customer_message_id ~ '^({seeds})-'"
    stored = served.query(
        f"SELECT id, customer_message_id, modified_at, code, channel FROM pushlog_message WHERE {ours}"
    )
    assert sorted((str(identifier), key) for identifier, key, *_ in stored) == sorted(
        (one, key) for key, one in ids.items()
    )
    history: dict[str, dict[Any, Any]] = defaultdict(dict)
    for identifier, at, code, channel, detail in served.query(
        "SELECT message_id, at, code, h.channel, detail FROM pushlog_statuschange h"
        f" JOIN pushlog_message m ON m.id = message_id WHERE {ours}".replace("code, h", "h.code, h")
    ):
        assert (at, code) not in history[str(identifier)]
        history[str(identifier)][at, code] = (channel, detail)
    for identifier, key, modified_at, code, channel in stored:
        wanted = expected[key]
        assert (modified_at, code, channel) == wanted.status or (code == -1000 and wanted.status is None)
        assert history[str(identifier)] == wanted.history
    assert served.query("SELECT count(*) FROM pushlog_keptreceipt") == [(0,)]
    assert served.query(*counting.statement()) == []


def _kill(served: Served, times: int) -> Callable[[], None]:
    def meanwhile() -> None:
        random = Random()
        for _ in range(times):
            time.sleep(random.random())
            served.kill()
            served.start()
            time.sleep(random.random())
            served.kill_database()
        time.sleep(1)

    return meanwhile


def _rest(served: Served, seconds: float) -> Callable[[], None]:
    """Does nothing, and sees that all gateways and readers keep their connections."""

    def connections() -> set[int]:
        return {
            one.laddr.port
            for process in psutil.Process().children()
            for one in process.net_connections("tcp")
            if one.raddr and one.raddr.port == served.port
        }

    def meanwhile() -> None:
        time.sleep(seconds / 2)
        before = connections()
        assert len(before) >= processes.PROCESSES
        time.sleep(seconds / 2)
        assert before <= connections()

    return meanwhile


def _check_quiet(lines: list[Line]) -> None:
    """Without anything failing, every row is accepted by exactly one answer, and nobody gets an error."""
    answers = [line for line in processes.acknowledged(lines) if line["name"] == "messages"]
    keys = {key for one in answers for key in one["rows"]}
    assert sum(one["answer"]["accepted"] for one in answers) == len(keys)
    assert {line["status"] for line in lines} == {200}


def _check_killed(lines: list[Line]) -> None:
    """Something was acknowledged, and something had to be sent again."""
    assert {line["status"] for line in lines if "batch" in line} > {200}


def test_the_log_holds_what_was_acknowledged(served: Served, tmp_path: Path) -> None:
    _check_quiet(run(served, tmp_path, _rest(served, 4)))


def test_what_was_acknowledged_outlives_every_kill(served: Served, tmp_path: Path) -> None:
    _check_killed(run(served, tmp_path, _kill(served, 2)))


@pytest.mark.long
def test_the_log_holds_what_was_acknowledged_for_minutes(served: Served, tmp_path: Path) -> None:
    _check_quiet(run(served, tmp_path, _rest(served, 180)))


@pytest.mark.long
def test_what_was_acknowledged_outlives_fifty_kills(served: Served, tmp_path: Path) -> None:
    _check_killed(run(served, tmp_path, _kill(served, 50)))
