"""Push tasks in words."""

from urllib.parse import urlsplit

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pushlog.models import PushTask, TargetKind, TaskState

register = template.Library()

_TONES = {
    TaskState.CREATED: "waiting",
    TaskState.WAITING: "waiting",
    TaskState.STARTED: "waiting",
    TaskState.FINISHED: "accepted",
    TaskState.FAILED: "failed",
}
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@register.simple_tag
def task_state(task: PushTask) -> SafeString:
    state = TaskState(task.state)
    return format_html('<span class="verdict verdict-{}">{}</span>', _TONES.get(state, "revoked"), state.label)


@register.filter
def meaning(task: PushTask) -> str:
    return TaskState(task.state).meaning


@register.filter
def target_kind_word(task: PushTask) -> str:
    return TargetKind(task.target_kind).word


@register.filter
def in_units(seconds: int) -> str:
    """Seconds, exactly: "1 day", "1 hour 30 minutes"."""
    words = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count:,} {unit}{'' if count == 1 else 's'}")
    return " ".join(words) or "0 seconds"


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


@register.simple_tag
def share(part: int, whole: int) -> str:
    """Per cent of a part above 0; only the whole is 100 %."""
    if part == whole:
        return "100%"
    percent = 100 * part / whole
    if percent < 0.1:
        return "<0.1%"
    return ">99.9%" if percent > 99.9 else f"{percent:.1f}%"


@register.filter
def web_link(address: str) -> SafeString | str:
    try:
        scheme = urlsplit(address).scheme
    except ValueError:
        return address
    if scheme not in {"http", "https"}:
        return address
    return format_html('<a href="{0}" rel="noreferrer noopener">{0}</a>', address)
