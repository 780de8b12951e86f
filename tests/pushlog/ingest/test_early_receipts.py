"""Early receipts are kept, applied when their message arrives, and then deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pushlog import ingest, message_ids
from pushlog.models import App, EarlyReceipt, Message, StatusChange
from tests import factories

pytestmark = pytest.mark.django_db

CREATED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
ROW = factories.message_row(target_id="target", customer_message_id="customer", created_at=CREATED)


def receipt(app: App, *, by: str = "id", after: int = 1, **fields: Any) -> dict[str, Any]:
    """A receipt for the message of ROW, which need not be stored."""
    row: dict[str, Any] = {"channel": "own", "code": 2, "at": (CREATED + timedelta(seconds=after)).isoformat()} | fields
    if by == "pair":
        return row | {"target_id": "target", "customer_message_id": "customer"}
    identifier = message_ids.message_id(
        key=bytes(app.id_key),
        created_ms=message_ids.milliseconds(CREATED),
        target_id="target",
        customer_message_id="customer",
    )
    return row | {"message_id": str(identifier)}


def send(app: App, *rows: dict[str, Any]) -> tuple[int, int, int]:
    result = ingest.write_receipts(app=app, rows=rows)
    return result.applied, result.stale, result.early


def arrive(app: App) -> Message:
    return Message.objects.get(pk__in=factories.create_messages(app, [ROW]))


@pytest.mark.parametrize("by", ["id", "pair"])
def test_kept_and_applied_on_arrival(app: App, by: str) -> None:
    assert send(app, receipt(app, by=by, detail="early")) == (0, 0, 1)
    assert EarlyReceipt.objects.count() == 1
    assert not StatusChange.objects.exists()

    message = arrive(app)

    assert (message.code, message.modified_at) == (2, CREATED + timedelta(seconds=1))
    assert StatusChange.objects.get(message_id=message.pk).detail == "early"
    assert not EarlyReceipt.objects.exists()


@pytest.mark.parametrize("together", [True, False])
def test_kept_once(app: App, together: bool) -> None:
    rows = [receipt(app)] * 3

    for batch in [rows] if together else [[row] for row in rows]:
        assert send(app, *batch) == (0, 0, len(batch))

    assert EarlyReceipt.objects.count() == 1


def test_kept_by_id_and_by_pair(app: App) -> None:
    """The same report in both forms is one entry of the history."""
    send(app, receipt(app, by="id"), receipt(app, by="pair"))
    assert EarlyReceipt.objects.count() == 2

    message = arrive(app)

    assert StatusChange.objects.filter(message_id=message.pk).count() == 1
    assert not EarlyReceipt.objects.exists()


def test_kept_ones_make_the_status_as_others_do(app: App) -> None:
    send(app, receipt(app, code=3, after=9), receipt(app, code=0, after=3))
    send(app, receipt(app, by="pair", code=2, after=5))

    message = arrive(app)

    assert (message.code, message.modified_at) == (3, CREATED + timedelta(seconds=9))
    assert StatusChange.objects.filter(message_id=message.pk).count() == 3


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("together", [True, False])
def test_kept_at_the_same_moment_are_put_together(app: App, first: int, together: bool) -> None:
    """One entry of the history holds them all, in whatever order they came."""
    rows = [
        receipt(app, channel="own", detail="z"),
        receipt(app, channel="huawei", detail="a"),
        receipt(app, channel="apns", detail="b", revoked=True),
    ]
    rows = rows[first:] + rows[:first]
    for batch in [rows] if together else [[row] for row in rows]:
        send(app, *batch)
    assert EarlyReceipt.objects.count() == 1

    message = arrive(app)

    entry = StatusChange.objects.get(message_id=message.pk)
    # Received, where the vendors' channels say accepted.
    assert (message.get_channel_display(), entry.detail) == ("Own channel", "z")
    assert message.revoked_at == CREATED + timedelta(seconds=1)


def test_nothing_is_kept_once_the_message_is_there(app: App) -> None:
    arrive(app)

    assert send(app, receipt(app), receipt(app, by="pair", code=3)) == (2, 0, 0)
    assert not EarlyReceipt.objects.exists()


def test_kept_revocation(app: App) -> None:
    row = receipt(app, revoked=True, after=4)
    del row["code"], row["channel"]
    send(app, row)

    message = arrive(app)

    assert message.revoked_at == CREATED + timedelta(seconds=4)
    assert message.modified_at == CREATED


def test_kept_ones_of_other_messages_stay(app: App) -> None:
    other = factories.create_app()
    send(app, receipt(app))
    ingest.write_receipts(app=other, rows=[receipt(other, by="pair")])

    factories.create_message(app)
    arrive(app)

    assert [one.app_id for one in EarlyReceipt.objects.all()] == [other.pk]


@pytest.mark.parametrize("by", ["id", "pair"])
def test_a_repeated_message_applies_what_a_crash_left_behind(
    app: App, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The process died between the two transactions, and the sender repeats the message."""
    send(app, receipt(app, by=by))
    with monkeypatch.context() as patch:
        patch.setattr("pushlog.ingest.early_receipts.apply", lambda **_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            arrive(app)
    assert Message.objects.get().code != 2

    result = ingest.write_messages(app=app, rows=[ROW])

    assert result.duplicates == 1
    assert Message.objects.get().code == 2
    assert not EarlyReceipt.objects.exists()


def test_two_messages_of_one_pair_share_nothing(app: App) -> None:
    """The receipt goes only to the newer one."""
    send(app, receipt(app, by="pair"))
    later = ROW | {"created_at": (CREATED + timedelta(seconds=1)).isoformat()}

    factories.create_messages(app, [later, ROW])

    assert list(Message.objects.order_by("id").values_list("code", flat=True)) == [-1000, 2]
    assert StatusChange.objects.count() == 1
