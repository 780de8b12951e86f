"""Explains an empty search."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from console.tokens import SearchTerms
from pushlog.models import App, Message, PushTask


def explain_miss(app: App, terms: SearchTerms, *, others: QuerySet[App], now: datetime) -> list[str]:
    """Hints about this app and `others`, which the person may see.

    At most two queries, without needless subqueries: planning each over all partitions takes the time.
    """
    target, customer = terms.target_id, terms.customer_message_id
    both = terms.has_both
    apps = _with_known(app, terms, App.objects.filter(Q(pk=app.pk) | Q(pk__in=others.values("pk"))), now)
    own = apps.pop(app.pk)
    is_target, is_customer = both and own["known"] == target, both and own["is_customer"]
    asked, subqueries = [], {}
    if not is_target and not is_customer and (not both or own["known"]):
        asked.append(app.pk)
        subqueries["is_swapped"] = _exists(app, target=customer, customer=target, now=now)
        if both:  # both may be target IDs, and `known` is only one
            subqueries["is_target"] = _exists(app, target=target, now=now)
    if rest := [pk for pk, one in apps.items() if not both or one["known"]]:
        asked += rest
        subqueries["has_match"] = _exists(OuterRef("pk"), target=target, customer=customer, now=now)
    answers = {one["pk"]: one for one in _facts(App.objects.filter(pk__in=asked), subqueries)} if asked else {}
    of_own = answers.get(app.pk, {})
    hints = []
    if is_target or of_own.get("is_target"):
        hints.append("There are messages to this target ID, but none of them has this customer message ID.")
    if is_customer:
        hints.append("This customer message ID exists, but for another target ID.")
    if not hints and of_own.get("is_swapped"):
        hints.append(
            "The other way round there is a message: what you entered as target ID is a customer message ID, or the"
            " reverse. Swap the two fields."
        )
    for pk in [pk for pk in rest if answers[pk]["has_match"]][:3]:
        environment = App.Environment(apps[pk]["environment"]).label
        hints.append(f"A match exists in {apps[pk]['name']} ({environment}). Look there.")
    return hints


def _with_known(app: App, terms: SearchTerms, apps: QuerySet[App], now: datetime) -> dict[int, dict[str, Any]]:
    """Name and environment of each app. For two IDs, which of them it knows."""
    subqueries: dict[str, Any] = {}
    if terms.has_both:
        # One subquery for both: without a known target ID in either field, nothing else can be found.
        either = Message.objects.findable(now=now).filter(
            app=OuterRef("pk"), target_id__in=[terms.target_id, terms.customer_message_id]
        )
        subqueries["known"] = Subquery(either.values("target_id")[:1])
        subqueries["is_customer"] = _exists(app, customer=terms.customer_message_id, now=now)
    return {one["pk"]: one for one in _facts(apps.order_by("name"), subqueries)}


def _facts(apps: QuerySet[App], subqueries: dict[str, Any]) -> Iterable[dict[str, Any]]:
    facts: Iterable[dict[str, Any]] = apps.annotate(**subqueries).values("pk", "name", "environment", *subqueries)
    return facts


def _exists(app: App | OuterRef, *, target: str = "", customer: str = "", now: datetime) -> Exists:
    if isinstance(app, App):
        return Exists(Message.objects.matching(app, target_id=target, customer_message_id=customer, now=now))
    given = {"target_id": target, "customer_message_id": customer}
    return Exists(
        Message.objects.findable(now=now).filter(app=app, **{name: value for name, value in given.items() if value})
    )


def explain_task_miss(app: App, push_id: str, *, others: QuerySet[App], now: datetime) -> tuple[list[App], bool]:
    """Those of `others` (the person's apps) with this task, and whether this app has its messages. Two queries."""
    elsewhere = PushTask.objects.findable(now=now).filter(app=OuterRef("pk"), push_id=push_id)
    apps = list(others.exclude(pk=app.pk).filter(Exists(elsewhere))[:3])
    return apps, Message.objects.of_task(app, push_id, now=now).exists()
