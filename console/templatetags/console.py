"""Times, statuses and form fields."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from django import template
from django.forms import BoundField, Form, Select
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_filters import FilterSet

from pushlog import __version__, forecast
from pushlog.models import Message

register = template.Library()

# Unit, seconds, next unit, seconds.
_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


@register.filter
def clock(moment: datetime) -> SafeString:
    """A moment in the current zone, for places that print the offset elsewhere."""
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', _iso(moment), local_text(moment))


@register.filter
def moment(moment: datetime) -> SafeString:
    return format_html('{} <span class="zone">{}</span>', clock(moment), offset(moment))


def local_text(moment: datetime) -> str:
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(" ", "seconds")


def offset(moment: datetime) -> str:
    return f"UTC{timezone.localtime(moment).isoformat(timespec='seconds')[19:]}"


def shared_offset(moments: Iterable[datetime]) -> str:
    offsets = {offset(one) for one in moments}
    return offsets.pop() if len(offsets) == 1 else ""


@register.filter
def span(length: timedelta) -> str:
    """In at most two units: "1.2 s", "4 min 5 s"."""
    seconds = abs(length.total_seconds())
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s" if seconds < 10 else f"{seconds:.0f} s"
    unit, size, smaller, step = next(one for one in _UNITS if seconds >= one[1])
    whole, rest = divmod(int(seconds), size)
    return f"{whole} {unit}" + (f" {rest // step} {smaller}" if rest // step else "")


@register.filter
def since(later: datetime, earlier: datetime) -> str:
    return ("−" if later < earlier else "") + span(later - earlier)


@register.simple_tag
def verdict(message: Message, now: datetime) -> SafeString:
    current = forecast.verdict(message, now)
    return format_html('<span class="verdict verdict-{}">{}</span>', current.tone, current.title)


@register.simple_tag
def version() -> str:
    return __version__


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.filter
def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def styled(field: BoundField) -> SafeString:
    attributes: dict[str, str | bool] = {
        "class": "form-select" if isinstance(field.field.widget, Select) else "form-control"
    }
    if field.errors:
        attributes |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}_error"}
    return field.as_widget(attrs=attributes)


@register.simple_tag
def filter_fields(filters: FilterSet) -> SafeString:
    is_set = any(filters.data.get(name) for name in filters.filters)
    return _fields(filters.form) if is_set else _unset_fields(filters.__class__)


# Rendering takes a quarter of the page's time.
@cache
def _unset_fields(filter_set: type[FilterSet]) -> SafeString:
    return _fields(filter_set().form)


def _fields(form: Form) -> SafeString:
    return format_html_join("", "{}", ((render_to_string("_field.html", {"field": field}),) for field in form))
