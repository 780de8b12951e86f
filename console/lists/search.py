"""Whose an ID is, and so where a search leads."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.urls import reverse

from console import tokens
from console.tokens import SearchTerms
from pushlog import message_ids
from pushlog.models import App, Message, PushTask


@dataclass(frozen=True, slots=True)
class Found:
    """The one message, the push task, or else what to list."""

    terms: SearchTerms
    message: UUID | None = None
    task: str = ""


def find(app: App, terms: SearchTerms, *, now: datetime) -> Found:
    """What people mean. An ID alone in the first field may be of any kind. One query."""
    matching = Message.objects.matching(
        app, target_id=terms.target_id, customer_message_id=terms.customer_message_id, now=now
    )
    if terms.customer_message_id:
        return Found(terms, _only(matching.values_list("pk", flat=True)[:2]))
    typed = terms.target_id
    rows = _of_every_kind(app, typed, now)
    if rows["message"]:
        return Found(terms, UUID(rows["message"][0]))
    if rows["target"]:
        return Found(terms, _only(map(UUID, rows["target"])))
    if rows["customer"]:
        as_customer = replace(terms, target_id="", customer_message_id=typed)
        return Found(as_customer, _only(map(UUID, rows["customer"])))
    return Found(terms, task=typed if rows["task"] else "")


def address_of(app: App, terms: SearchTerms) -> str:
    """Of the list. All to one target are on a page of their own."""
    token = tokens.token_of(app, terms)
    if terms.target_id and not terms.has_both:
        return reverse("target", args=[app.slug, token])
    return reverse("messages", args=[app.slug], query={"search": token})


def _of_every_kind(app: App, typed: str, now: datetime) -> dict[str, list[str]]:
    """At most two rows of each: one opens, more are listed."""
    kinds: dict[str, QuerySet[Any]] = {
        "target": Message.objects.matching(app, target_id=typed, now=now),
        "customer": Message.objects.matching(app, customer_message_id=typed, now=now),
        "task": PushTask.objects.findable(app, now=now).filter(push_id=typed),
    }
    if message_id := message_ids.parsed(typed):
        kinds["message"] = Message.objects.findable(app, now=now).filter(pk=message_id)
    first, *rest = (
        found.order_by().values_list(Value(kind, TextField()), Cast("pk", TextField()))[:2]
        for kind, found in kinds.items()
    )
    rows: dict[str, list[str]] = {kind: [] for kind in (*kinds, "message")}
    for kind, key in first.union(*rest, all=True):
        rows[kind].append(key)
    return rows


def _only(keys: Any) -> UUID | None:
    keys = list(keys)
    return keys[0] if len(keys) == 1 else None
