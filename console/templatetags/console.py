"""Times, statuses and form fields."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField, Form, Select, TextInput
from django.forms.utils import flatatt
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from console.lists.filters import SearchForm
from console.lists.state import Listing
from console.masking import Sight
from pushlog import __version__, forecast
from pushlog.invisible import is_drawn
from pushlog.models import Message

register = template.Library()

_UNCUT, _TAIL = 14, 6  # characters
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
    first_of = {timezone.localtime(one).utcoffset(): one for one in moments}
    return offset(*first_of.values()) if len(first_of) == 1 else ""


@register.filter
def day_and_time(moment: datetime, now: datetime) -> SafeString:
    """To the minute; of today, without the date."""
    local = timezone.localtime(moment)
    text = f"{local:%H:%M} today" if local.date() == timezone.localdate(now) else f"{local:%Y-%m-%d %H:%M}"
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', _iso(moment), text)


@register.simple_tag
def at(moment_: datetime, offset: str) -> SafeString:
    """A moment in a block that prints the offset once, or else with its own."""
    return clock(moment_) if offset else moment(moment_)


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
    return _verdict(current.tone, current.title)


@lru_cache(maxsize=1000)  # a page has few, fifty times
def _verdict(tone: str, title: str) -> SafeString:
    return format_html('<span class="verdict verdict-{}">{}</span>', tone, title)


@register.inclusion_tag("account/_single_sign_on.html", takes_context=True)
def single_sign_on(context: Context) -> dict[str, Any]:
    return {"name": settings.OIDC_NAME if settings.OIDC_ISSUER else "", "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("_search.html", takes_context=True)
def search_bar(context: Context) -> dict[str, Any]:
    """Of all pages of an app. Those of a search show it again."""
    form = context.get("search_form") or SearchForm()
    return {
        "app": context["app"],
        "form": form,
        "is_filled": any(form[name].value() for name in form.fields),
        "takes_focus": bool(form.errors) or context.get("search_takes_focus", False),
        "csrf_token": context.get("csrf_token"),
    }


@register.filter
def cut(text: str) -> SafeString | str:
    """An ID in a narrow place: cut in the middle, because IDs differ at their ends."""
    if len(text) <= _UNCUT:
        return drawn(text)
    return format_html('<span class="cut">{}</span>{}', drawn(text[:-_TAIL]), drawn(text[-_TAIL:]))


@register.filter
def drawn(text: str) -> SafeString | str:
    """An ID in which people see every character. What is drawn is not copied, and the character itself is."""
    if text.isascii() and text.isprintable():
        return text
    return format_html_join("", "{}", ((_drawn(one) if is_drawn(one) else one,) for one in text))


def _drawn(character: str) -> SafeString:
    return format_html('<span class="drawn" data-code="{}">{}</span>', f"U+{ord(character):04X}", character)


@register.simple_tag
def version() -> str:
    return __version__


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@register.filter
def shown_target(message: Message, sight: Sight) -> str:
    return sight.target_id(message)


@register.filter
def shows_content(message: Message, sight: Sight) -> bool:
    return sight.shows_content(message)


@register.filter
def revealed_until(message: Message, sight: Sight) -> datetime | None:
    return sight.revealed_until(message)


@register.simple_tag
def copy_button(what: str, prefix: str, key: object) -> SafeString:
    """Copies the text, or the address, of the element `prefix`-`key`."""
    html = (
        '<button type="button" class="copy needs-scripts" data-copies="{}-{}">Copy'
        ' <span class="visually-hidden">{}</span></button>'
    )
    return format_html(html, prefix, key, what)


@register.filter
def as_data(message: Message) -> str:
    return as_json({"title": message.title, "content": message.content, "extras": message.extras})


@register.filter
def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.simple_tag
def first_fields(filters: Form, listing: Listing) -> SafeString:
    return _fields_of(filters, listing.first_filters)


@register.simple_tag
def more_fields(filters: Form, listing: Listing) -> SafeString:
    shown = {*listing.first_filters, *listing.linked_filters}
    return _fields_of(filters, tuple(name for name in listing.filters if name not in shown))


def _fields_of(filters: Form, names: tuple[str, ...]) -> SafeString:
    is_set = any(filters.data.get(name) for name in names)
    return _some_fields(filters, names) if is_set else _unset_fields(filters.__class__, names)


@cache
def _unset_fields(form: type[Form], names: tuple[str, ...]) -> SafeString:
    return _some_fields(form(), names)


def _some_fields(form: Form, names: tuple[str, ...]) -> SafeString:
    return format_html_join("", "{}", ((_field(form[name]),) for name in names))


# Django renders a template for each widget and option. Those took a quarter of a filtered page.
@register.simple_tag
def form_fields(form: Form) -> SafeString:
    return format_html_join("", "{}", ((_field(field),) for field in form))


@register.simple_tag(takes_context=True)
def without(context: Context, name: str) -> str:
    """The query string without a filter, at the first page."""
    left_out = {"after", "before", name}
    kept = [(one, value) for one, values in context["request"].GET.lists() if one not in left_out for value in values]
    return f"?{urlencode(kept)}"


def _field(field: BoundField) -> SafeString:
    hint = '<div class="form-hint" id="{}_helptext">{}</div>'
    return format_html(
        '<div class="field"><label class="form-label" for="{}">{}</label>{}{}{}</div>',
        field.id_for_label,
        field.label,
        _widget(field),
        format_html(hint, field.auto_id, mark_safe(field.help_text)) if field.help_text else "",  # noqa: S308
        format_html_join(
            "", '<p class="field-error" id="{}_error">{}</p>', ((field.auto_id, error) for error in field.errors)
        ),
    )


def _widget(field: BoundField) -> SafeString:
    widget = field.field.widget
    is_select = isinstance(widget, Select)
    attributes: dict[str, str | bool] = {"class": "form-select" if is_select else "form-control"}
    if field.errors:
        attributes |= {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}_error"}
    if is_select:
        return _select(field, attributes)
    return _input(field, attributes) if isinstance(widget, TextInput) else field.as_widget(attrs=attributes)


def _select(field: BoundField, attributes: dict[str, str | bool]) -> SafeString:
    choice_field: Any = field.field
    chosen, selected = choice_field.widget.format_value(field.value()), mark_safe(" selected")
    options = ((value, selected if str(value) in chosen else "", label) for value, label in choice_field.choices)
    inner = format_html_join("", '<option value="{}"{}>{}</option>', options)
    return format_html('<select name="{}"{}>{}</select>', field.html_name, _attributes(field, attributes), inner)


def _input(field: BoundField, attributes: dict[str, str | bool]) -> SafeString:
    widget = field.field.widget
    value = widget.format_value(field.value())
    given: dict[str, str | bool] = {} if value in (None, "") else {"value": str(value)}
    html = '<input type="{}" name="{}"{}>'
    return format_html(html, widget.input_type, field.html_name, _attributes(field, given | attributes))


def _attributes(field: BoundField, attributes: dict[str, str | bool]) -> SafeString:
    widget = field.field.widget
    return flatatt(widget.attrs | {"id": field.auto_id} | field.build_widget_attrs(attributes, widget))
