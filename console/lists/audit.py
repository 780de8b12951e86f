"""The audit log as a list: filters, and entries in words."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from console.lists.filters import IDField, LocalTimeFilter, words
from pushlog import message_ids
from pushlog.audit import customer_message_hash, target_hash, values_of
from pushlog.models import App, AuditEntry, AuditKind, Correction, Message

_SHORT = 300  # characters of an old or new value
_WORDED = {"reason", "until", "whole_target", "whole", "rows", "sort", "filters", "changes", "correction", "corrected"}


class AuditFilter(django_filters.FilterSet):
    """Times are of the current zone. `apps` are all there are, by slug."""

    person = django_filters.CharFilter(
        label="Person", field_name="person__username", lookup_expr="iexact", max_length=150
    )
    credential = django_filters.CharFilter(label="Access ID", field_name="access_id", max_length=10)
    app = django_filters.ChoiceFilter(label="App", method="filter_app", empty_label="Any")
    kind = django_filters.TypedChoiceFilter(
        label="Kind", choices=words(AuditKind), coerce=lambda word: AuditKind.by_word()[word].value, empty_value=None
    )
    created_from = LocalTimeFilter(label="From", method="filter_from", fold=0)
    created_to = LocalTimeFilter(label="Before", method="filter_to", fold=1)

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def __init__(self, *given: Any, apps: dict[str, App], **named: Any) -> None:
        super().__init__(*given, **named)
        self.apps = apps
        self.filters["app"].extra["choices"] = [(slug, str(app)) for slug, app in apps.items()]

    def filter_app(self, queryset: QuerySet[AuditEntry], name: str, value: str) -> QuerySet[AuditEntry]:
        return queryset.filter(app=self.apps[value])

    def filter_from(self, queryset: QuerySet[AuditEntry], name: str, value: datetime) -> QuerySet[AuditEntry]:
        return queryset.filter(pk__gte=message_ids.first_id(value))

    def filter_to(self, queryset: QuerySet[AuditEntry], name: str, value: datetime) -> QuerySet[AuditEntry]:
        return queryset.filter(pk__lt=message_ids.first_id(value))


class IDForm(forms.Form):
    """An ID that somebody may have looked at: a message's, a target's or a customer's."""

    id = IDField(label="Who looked at this ID?", longest=512)


def about_id(typed: str, apps: Iterable[App]) -> Q:
    """The log holds keyed hashes, so the ID is hashed with the key of each app."""
    message_id = message_ids.parsed(typed)
    found = Q(message_id=message_id) if message_id else Q(pk__in=[])
    for app in apps:
        found |= _about(app, typed)
    return found


def about_message(message_id: UUID) -> Q:
    """Who opened, revealed or changed it, and who searched for its IDs."""
    found = Q(message_id=message_id)
    message = Message.objects.select_related("app").filter(pk=message_id).first()
    if message:
        found |= _about(message.app, message.target_id) | _about(message.app, message.customer_message_id)
    return found


def _about(app: App, typed: str) -> Q:
    return Q(target=target_hash(app, typed)) | Q(customer_message=customer_message_hash(app, typed))


def entries() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.select_related("person", "app")


def corrections_of(found: Iterable[AuditEntry]) -> dict[int, Correction]:
    """Old and new values, which are kept apart from the log. A query only if there are any."""
    keys = [one.details["correction"] for one in found if "correction" in one.details]
    return Correction.objects.in_bulk(keys) if keys else {}


def in_words(entry: AuditEntry, corrections: dict[int, Correction]) -> list[str]:
    """What the details of an entry say, a line each."""
    ids = (("target ID", entry.target), ("customer message ID", entry.customer_message))
    searched = [f"By {name}" for name, value in ids if value and not entry.message_id]
    return [*searched, *_lines(entry.details, corrections)]


def _lines(details: dict[str, Any], corrections: dict[int, Correction]) -> Iterator[str]:
    if reason := details.get("reason"):
        yield f"Reason: {reason}"
    if "whole_target" in details:
        yield "All messages to the target" if details["whole_target"] else "This message"
    if "whole" in details:
        yield "With target ID and content" if details["whole"] else "Masked"
    if "rows" in details:
        yield f"{details['rows']} rows"
    for name, value in details.get("filters", {}).items():
        yield f"{name}: {value}"
    for one in details.get("changes", []):
        for how in ("added", "changed", "deleted", "revoked"):
            if how in one:
                yield f"{how}: {one[how]}"
        yield from _values(one.get("fields", {}))
    if "correction" in details:
        kept = corrections.get(details["correction"])
        if kept and kept.values:
            yield from _values(values_of(kept.values))
        else:
            yield f"{', '.join(details['corrected'])}: the values were erased"
    for name in sorted(details.keys() - _WORDED):
        yield f"{name.replace('_', ' ')}: {_text(details[name])}"


def _values(fields: dict[str, Any]) -> Iterator[str]:
    for name, change in fields.items():
        if isinstance(change, list):
            yield f"{name.replace('_', ' ')}: {_text(change[0])} → {_text(change[1])}"
        else:
            yield f"{name.replace('_', ' ')}: {change}"


def _text(value: Any) -> str:
    if value in (None, ""):
        return "(empty)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
