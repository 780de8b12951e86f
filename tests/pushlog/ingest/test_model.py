"""Ingestion against the rules written down plainly: in whichever batches and order rows come, the end is the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pushlog import ingest, message_ids
from pushlog.models import EarlyReceipt, Message, StatusChange
from pushlog.statuses import NO_RECEIPT, REVOKED, outcome_of
from tests import factories

CHANNELS = {"own": 1, "apns": 2, "meizu": 9}
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
KEYS = range(4)
# Tapped, received, failed and final; all others are 1.
RANKS = {**{(channel, 3): 4 for channel in CHANNELS.values()}, (1, 2): 3, (2, 2009): 2}

receipt = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS),
        "by_pair": st.booleans(),
        "second": st.integers(0, 3),
        "status": st.none() | st.tuples(st.sampled_from(sorted(CHANNELS)), st.sampled_from([0, 2, 3, 2009, -7])),
        "revoked": st.booleans(),
        "detail": st.sampled_from(["", "a", "b"]),
    }
).filter(lambda one: one["status"] or one["revoked"])


class Log(RuleBasedStateMachine):
    """The log of one app, and beside it sets of what was sent. Receipts count once their message is there."""

    @initialize()
    def begin(self) -> None:
        self.app = factories.create_app()
        self.sent: set[int] = set()
        self.receipts: list[dict[str, Any]] = []

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=4))
    def send_messages(self, keys: list[int]) -> None:
        result = ingest.write_messages(
            app=self.app, rows=[factories.message_row(**self._names(key), created_at=START) for key in keys]
        )
        assert result.accepted == len(set(keys) - self.sent)
        assert result.duplicates == len(keys) - result.accepted
        assert result.ids == [self._id(key) for key in keys]
        self.sent |= set(keys)

    @rule(rows=st.lists(receipt, min_size=1, max_size=5))
    def send_receipts(self, rows: list[dict[str, Any]]) -> None:
        result = ingest.write_receipts(app=self.app, rows=[self._receipt(row) for row in rows])
        assert result.rejected == []
        assert result.early == sum(row["key"] not in self.sent for row in rows)
        assert result.applied + result.stale + result.early == len(rows)
        self.receipts += rows

    @invariant()
    def the_tables_are_as_the_rules_say(self) -> None:
        stored = {message.pk: message for message in Message.objects.filter(app=self.app)}
        assert set(stored) == {self._id(key) for key in self.sent}
        for key in self.sent:
            self._check(stored[self._id(key)], [row for row in self.receipts if row["key"] == key])
        waiting = {row["key"] for row in self.receipts} - self.sent
        assert bool(waiting) == EarlyReceipt.objects.filter(app=self.app).exists()

    def _check(self, message: Message, rows: list[dict[str, Any]]) -> None:
        strongest = (0, START, NO_RECEIPT, 1)
        history: dict[tuple[datetime, int], tuple[int, int, str]] = {}
        for row in rows:
            at = START + timedelta(seconds=row["second"])
            channel, code = (CHANNELS[row["status"][0]], row["status"][1]) if row["status"] else (1, REVOKED)
            rank = RANKS.get((channel, code), 1)
            if code != REVOKED:
                strongest = max(strongest, (rank, at, code, channel))
            history[at, code] = max(history.get((at, code), (0, 0, "")), (rank, channel, row["detail"]))
        _, at, code, channel = strongest
        assert (message.modified_at, message.code, message.channel) == (at, code, channel)
        assert message.outcome == outcome_of(channel, code)
        revoked = [START + timedelta(seconds=row["second"]) for row in rows if row["revoked"]]
        assert message.revoked_at == min(revoked, default=None)
        entries = StatusChange.objects.filter(message_id=message.pk)
        assert {(one.at, one.code): (one.channel, one.detail) for one in entries} == {
            key: entry[1:] for key, entry in history.items()
        }

    def _names(self, key: int) -> dict[str, str]:
        return {"target_id": f"t{key % 2}", "customer_message_id": f"c{key}"}

    def _id(self, key: int) -> Any:
        created = message_ids.milliseconds(START)
        return message_ids.message_id(key=bytes(self.app.id_key), created_ms=created, **self._names(key))

    def _receipt(self, row: dict[str, Any]) -> dict[str, Any]:
        names = self._names(row["key"]) if row["by_pair"] else {"message_id": str(self._id(row["key"]))}
        status = {"channel": row["status"][0], "code": row["status"][1]} if row["status"] else {}
        at = (START + timedelta(seconds=row["second"])).isoformat()
        return {**names, **status, "at": at, "detail": row["detail"], "revoked": row["revoked"]}


@pytest.mark.django_db
def test_the_log_follows_the_rules() -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    how = settings(max_examples=30, stateful_step_count=10, deadline=None, suppress_health_check=quiet)
    run_state_machine_as_test(Log, settings=how)
