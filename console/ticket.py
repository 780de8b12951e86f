"""A message as plain text, to be pasted into a ticket."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from console.templatetags.console import local_text, offset, span
from console.timeline import Entry
from pushlog.forecast import Verdict
from pushlog.models import App, Message


def as_text(
    app: App,
    message: Message,
    *,
    target_id: str,
    verdict: Verdict,
    entries: list[Entry],
    older: int,
    link: str,
    by: str,
    now: datetime,
) -> str:
    """Times are in the current zone. `older` entries are left out."""
    status = message.status
    facts = [
        ("App", f"{app.name} ({app.get_environment_display()})"),
        ("Message ID", message.pk),
        ("Customer message ID", message.customer_message_id),
        ("Target ID", target_id),
        ("Type", f"{message.get_push_type_display()}, {message.get_mode_display().lower()}"),
        ("Status", f"{verdict.title} ({_code(status)})"),
        ("Meaning", status.meaning),
        ("Next", f"{verdict.owner}: {verdict.next_step}"),
        ("Created", _moment(message.created_at)),
        ("Expiry", _moment(message.expires_at) if message.expires_at else "none was given"),
        ("Last change", _moment(message.modified_at)),
        ("Push task", message.task),
    ]
    lines = [f"{name}: {value}" for name, value in facts if value != ""]
    lines += ["History, newest first:", *(f"- {line}" for line in _history(message, entries, older))]
    lines += [f"Link: {link}", f"Looked up by {by} at {_moment(now)}, {timezone.get_current_timezone_name()}"]
    return "\n".join(lines) + "\n"


def _history(message: Message, entries: list[Entry], older: int) -> Iterator[str]:
    for entry in entries:
        times = f" (× {entry.count}, every {span(entry.every)})" if entry.count > 1 else ""
        detail = f": {entry.detail}" if entry.detail else ""
        yield f"{_moment(entry.at)} {entry.status.title} ({_code(entry.status)}){detail}{times}"
    if older:
        yield f"{older:,} older entries"
    yield f"{_moment(message.created_at)} Created"


def _code(status: Any) -> str:
    return f"{status.channel.label}, code {status.code}{f' {status.name}' if status.name else ''}"


def _moment(moment: datetime) -> str:
    return f"{local_text(moment)} {offset(moment)}"
