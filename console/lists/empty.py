"""Why a search found nothing: what can be told from a few cheap looks, only when it did."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from console.tokens import SearchTerms
from pushlog.models import App, Message, PushTask


def explain_miss(app: App, terms: SearchTerms, *, others: QuerySet[App], now: datetime) -> list[str]:
    """What might be the cause, in sentences, of finding nothing for these terms in this app.

    `others` are the apps that the person may see; no other app is looked into. At most two queries, which ask for no
    more than is of use: planning a look into all partitions is what takes time. Broadcasts and what is older than the
    window stay unfound here as everywhere.
    """
    target, customer = terms.target_id, terms.customer_message_id
    both = terms.has_both
    apps = _with_known(app, terms, App.objects.filter(Q(pk=app.pk) | Q(pk__in=others.values("pk"))), now)
    own = apps.pop(app.pk)
    is_target, is_customer = both and own["known"] == target, both and own["is_customer"]
    asked, looks = [], {}
    if not is_target and not is_customer and (not both or own["known"]):
        asked.append(app.pk)
        looks["is_swapped"] = _there(app, target=customer, customer=target, now=now)
        if both:  # both may be known as target IDs, and the other one was found first
            looks["is_target"] = _there(app, target=target, now=now)
    if rest := [pk for pk, one in apps.items() if not both or one["known"]]:
        asked += rest
        looks["has_match"] = _there(OuterRef("pk"), target=target, customer=customer, now=now)
    answers = {one["pk"]: one for one in _facts(App.objects.filter(pk__in=asked), looks)} if asked else {}
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
    """Of each app its name and environment; if both IDs were given, what of them it knows."""
    looks: dict[str, Any] = {}
    if terms.has_both:
        # One look for two: who swapped them entered a known target ID in the other field. Where neither is known as a
        # target ID, there is nothing else to find.
        either = Message.objects.findable(now=now).filter(
            app=OuterRef("pk"), target_id__in=[terms.target_id, terms.customer_message_id]
        )
        looks["known"] = Subquery(either.values("target_id")[:1])
        looks["is_customer"] = _there(app, customer=terms.customer_message_id, now=now)
    return {one["pk"]: one for one in _facts(apps.order_by("name"), looks)}


def _facts(apps: QuerySet[App], looks: dict[str, Any]) -> Iterable[dict[str, Any]]:
    facts: Iterable[dict[str, Any]] = apps.annotate(**looks).values("pk", "name", "environment", *looks)
    return facts


def _there(app: App | OuterRef, *, target: str = "", customer: str = "", now: datetime) -> Exists:
    """Whether an app has such a message: with this target ID, this customer message ID, or both."""
    if isinstance(app, App):
        return Exists(Message.objects.matching(app, target_id=target, customer_message_id=customer, now=now))
    given = {"target_id": target, "customer_message_id": customer}
    return Exists(
        Message.objects.findable(now=now).filter(app=app, **{name: value for name, value in given.items() if value})
    )


def explain_task_miss(app: App, push_id: str, *, others: QuerySet[App], now: datetime) -> tuple[list[App], bool]:
    """Where else there is a task with this push ID, and whether this app has messages of one that was not reported.

    `others` are the apps that the person may see; no other app is looked into. Two queries.
    """
    elsewhere = PushTask.objects.findable(now=now).filter(app=OuterRef("pk"), push_id=push_id)
    apps = list(others.exclude(pk=app.pk).filter(Exists(elsewhere))[:3])
    return apps, Message.objects.of_task(app, push_id, now=now).exists()
