"""The statistics of the partitioned parents, which no autovacuum takes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pushlog.maintenance import run
from tests import factories
from tests.pushlog.sessions import open_transaction
from tests.pushlog.threads import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def maintained() -> dict[str, Any]:
    result = run.maintain()
    assert result is not None
    assert "failed" not in result
    return result


@pytest.fixture
def stale() -> None:
    """A day of messages, and a parent that knows nothing of most of them."""
    app = factories.create_app()

    def is_stale() -> bool:
        factories.create_messages(app, [factories.message_row() for _ in range(500)])
        return "pushlog_message" in run.due()["tables_analysed"]

    wait_until(is_stale)


@pytest.mark.usefixtures("stale")
def test_taken_when_they_are_stale() -> None:
    assert "pushlog_message" in maintained()["tables_analysed"]

    # What tests before this one left may be counted only now.
    assert wait_until(lambda: maintained()["tables_analysed"] == [])
    assert run.due()["tables_analysed"] == []


@pytest.mark.usefixtures("stale")
@pytest.mark.parametrize("mode", ["SHARE UPDATE EXCLUSIVE", "SHARE"])
def test_vacuum_of_a_partition_does_not_keep_them_from_being_taken(mode: str) -> None:
    today = f"pushlog_message_{datetime.now(UTC):%Y%m%d}"

    with open_transaction(f"LOCK TABLE {today} IN {mode} MODE"):
        assert "pushlog_message" in maintained()["tables_analysed"]


@pytest.mark.usefixtures("stale")
def test_wait_for_the_next_run_where_somebody_else_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_ATTEMPTS", 2)
    with open_transaction("LOCK TABLE ONLY pushlog_message IN SHARE UPDATE EXCLUSIVE MODE"):
        postponed = maintained()
    assert "pushlog_message" not in postponed["tables_analysed"]
    assert postponed["analysis_postponed"] == ["pushlog_message"]

    assert "pushlog_message" in maintained()["tables_analysed"]
