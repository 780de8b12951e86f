"""The shapes of answers, which also describe the API."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ninja import Schema

from pushlog.forecast import verdict
from pushlog.models import Message, Mode, PushType, StatusChange
from pushlog.statuses import Channel, Status


class RowError(Schema):
    """What is wrong with a row (by its position from 0) or a field. Never a value."""

    index: int | None
    field: str | None
    error: str


class ErrorAnswer(Schema):
    code: str
    message: str
    errors: list[RowError]


class MessagesAnswer(Schema):
    """`accepted`, `duplicates` and `rejected` are all rows; `ids` has one for each row, null for a rejected one."""

    accepted: int
    duplicates: int
    rejected: list[RowError]
    ids: list[UUID | None]


class ReceiptsAnswer(Schema):
    """`applied` changed a status, `stale` came late or again, `unmatched` wait for their message."""

    applied: int
    stale: int
    unmatched: int
    rejected: list[RowError]


class TasksAnswer(Schema):
    """`accepted` are new, `updated` changed something, `unchanged` were stored already."""

    accepted: int
    updated: int
    unchanged: int
    rejected: list[RowError]


class StatusAnswer(Schema):
    """A status in words. `outcome` is waiting, accepted, received, failed, unknown or, by the clock, expired."""

    channel: str
    code: int
    name: str
    title: str
    meaning: str
    owner: str
    next_step: str
    outcome: str
    final: bool


class HistoryEntry(StatusAnswer):
    at: datetime
    detail: str


class FoundMessage(Schema):
    """A message without content, extras and history."""

    id: UUID
    target_id: str
    customer_message_id: str
    push_type: str
    mode: str
    title: str
    task: str
    created_at: datetime
    modified_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    status: StatusAnswer


class WholeMessage(FoundMessage):
    content: str
    extras: dict[str, Any]
    history: list[HistoryEntry]


class Window(Schema):
    first: datetime
    last: datetime


class SearchAnswer(Schema):
    """Newest first. `next` is the `after` of the next page, null on the last; `window` is what was searched."""

    messages: list[FoundMessage]
    next: UUID | None
    window: Window


def moment(at: datetime | None) -> str | None:
    """ISO 8601, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def found(message: Message, now: datetime) -> dict[str, Any]:
    """A message as `FoundMessage`; its outcome is as of `now` (aware)."""
    current = verdict(message, now)
    status = in_words(message.status) | {
        "title": current.title,
        "owner": current.owner,
        "next_step": current.next_step,
        "outcome": current.outcome,
        "final": current.final,
    }
    return {
        "id": str(message.pk),
        "target_id": message.target_id,
        "customer_message_id": message.customer_message_id,
        "push_type": PushType(message.push_type).word,
        "mode": Mode(message.mode).word,
        "title": message.title,
        "task": message.task,
        "created_at": moment(message.created_at),
        "modified_at": moment(message.modified_at),
        "expires_at": moment(message.expires_at),
        "revoked_at": moment(message.revoked_at),
        "status": status,
    }


def whole(message: Message, history: Iterable[StatusChange], now: datetime) -> dict[str, Any]:
    entries = [in_words(entry.status) | {"at": moment(entry.at), "detail": entry.detail} for entry in history]
    return found(message, now) | {"content": message.content, "extras": message.extras, "history": entries}


def in_words(status: Status) -> dict[str, Any]:
    return {
        "channel": status.channel.word if status.channel else Channel.OWN.word,
        "code": status.code,
        "name": status.name,
        "title": status.title,
        "meaning": status.meaning,
        "owner": status.owner,
        "next_step": status.next_step,
        "outcome": status.outcome.word,
        "final": status.final,
    }
