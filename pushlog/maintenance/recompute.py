"""Recomputes stored statuses, once after each change of the catalogue or the rules."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from uuid import UUID

from pushlog import clock, ingest, message_ids
from pushlog.models import Message, StatusPass
from pushlog.postgres import partitions
from pushlog.postgres.partitions import Partition


def due() -> list[Partition]:
    current = _current()
    if current is not None and current.finished_at is not None:
        return []
    attached = [one for one in partitions.attached(Message._meta.db_table) if not one.pending]
    return [one for one in attached if current is None or not has_read(current, one)]


def begin() -> StatusPass:
    return _current() or StatusPass.objects.create(fingerprint=ingest.fingerprint(), started_at=clock.now())


def read(current: StatusPass, partition: Partition, *, go_on: Callable[[], bool]) -> None:
    """Asks `go_on` after each small transaction. Raises OperationalError at the lock time-out."""
    while not has_read(current, partition):
        last, changed = ingest.recompute_statuses(after=current.position, upto=_last_id(partition))
        if last is None:
            current.position = _last_id(partition)
            return
        current.position, current.changed = last, current.changed + changed
        current.save(update_fields=["position", "changed"])
        if not go_on():
            return


def has_read(current: StatusPass, partition: Partition) -> bool:
    return current.position >= _last_id(partition)


def end(current: StatusPass, *, finished: bool) -> None:
    current.finished_at = clock.now() if finished else None
    current.save(update_fields=["position", "finished_at"])


def _current() -> StatusPass | None:
    latest = StatusPass.objects.order_by("pk").last()
    return latest if latest is not None and latest.fingerprint == ingest.fingerprint() else None


def _last_id(partition: Partition) -> UUID:
    return UUID(int=message_ids.first_id(datetime.combine(partition.end, time(), UTC)).int - 1)
