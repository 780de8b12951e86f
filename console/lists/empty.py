"""Explains an empty search."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from console.tokens import SearchTerms
from pushlog.invisible import drawn_text
from pushlog.models import App, Message, PushTask
from pushlog.other_forms import COUNTED, known_forms, other_forms


@dataclass(frozen=True, slots=True)
class Hint:
    """What else the person may mean. With a button, which searches for it."""

    text: str
    button: str = ""
    app: App | None = None  # to search in
    terms: SearchTerms = field(default_factory=SearchTerms)
    is_other_form: bool = False


def explain_miss(
    app: App, terms: SearchTerms, *, others: QuerySet[App], now: datetime, shows_ids: bool = True
) -> list[Hint]:
    """Hints about this app and `others`, which the person may see. At most two queries.

    Buttons hold IDs. Without `shows_ids` there are none, since somebody else typed them.
    """
    found = _explain_pair(app, terms, others, now) if terms.has_both else _explain_one(app, terms, others, now)
    return found if shows_ids else [Hint(one.text) for one in found if not one.is_other_form]


def _explain_one(app: App, terms: SearchTerms, others: QuerySet[App], now: datetime) -> list[Hint]:
    typed = terms.target_id or terms.customer_message_id
    # Whatever it is in other apps. In this one, an ID from the first field was looked for as every kind.
    apps = list(
        App.objects.filter(Q(pk=app.pk) | Q(pk__in=others.values("pk")))
        .order_by("name")
        .annotate(
            is_target=_exists(OuterRef("pk"), target=typed, now=now),
            is_customer=_exists(OuterRef("pk"), customer=typed, now=now),
        )
    )
    hints = []
    for one in apps:
        if one.pk == app.pk and one.is_target:
            hints.append(
                Hint("This is a target ID.", "Search for all to this target", app, SearchTerms(target_id=typed))
            )
    for other in known_forms(app, typed, now=now):
        found = SearchTerms(target_id=other.text) if other.is_target else SearchTerms(customer_message_id=other.text)
        text, button = f"{other.how} there {_messages(other.count)}:", f"Search {drawn_text(other.text)}"
        hints.append(Hint(text, button, app, found, is_other_form=True))
    for one in [one for one in apps if one.pk != app.pk and (one.is_target or one.is_customer)][:3]:
        hints.append(_elsewhere(one, SearchTerms(target_id=typed)))
    return hints


def _messages(count: int) -> str:
    if count > COUNTED:
        return f"are more than {COUNTED:,} messages"
    return f"are {count:,} messages" if count > 1 else "is a message"


def _elsewhere(app: App, terms: SearchTerms) -> Hint:
    where = f"{app.name} ({app.get_environment_display()})"
    return Hint(f"A match exists in {where}.", f"Search in {app.name}", app, terms)


def _explain_pair(app: App, terms: SearchTerms, others: QuerySet[App], now: datetime) -> list[Hint]:
    """Without needless subqueries: planning each over all partitions takes the time."""
    target, customer = terms.target_id, terms.customer_message_id
    forms = other_forms(target)
    apps = _with_known(app, terms, [*forms], App.objects.filter(Q(pk=app.pk) | Q(pk__in=others.values("pk"))), now)
    own = apps.pop(app.pk)
    known = own.known  # type: ignore[attr-defined]
    is_target, is_customer = known == target, own.is_customer  # type: ignore[attr-defined]
    asked, subqueries = [], {}
    if not is_target and not is_customer and known:
        asked.append(app.pk)
        subqueries["is_swapped"] = _exists(app, target=customer, customer=target, now=now)
        # Both may be target IDs, and `known` is only one.
        subqueries["is_target"] = _exists(app, target=target, now=now)
    if rest := [pk for pk, one in apps.items() if one.known]:  # type: ignore[attr-defined]
        asked += rest
        subqueries["has_match"] = _exists(OuterRef("pk"), target=target, customer=customer, now=now)
    answers = {one["pk"]: one for one in _facts(App.objects.filter(pk__in=asked), subqueries)} if asked else {}
    of_own = answers.get(app.pk, {})
    hints = []
    if is_target or of_own.get("is_target"):
        hints.append(
            Hint(
                "There are messages to this target ID, but none of them has this customer message ID.",
                "Search for the target ID alone",
                app,
                SearchTerms(target_id=target),
            )
        )
    if is_customer:
        hints.append(
            Hint(
                "This customer message ID exists, but for another target ID.",
                "Search for the customer message ID alone",
                app,
                SearchTerms(customer_message_id=customer),
            )
        )
    if of_own.get("is_swapped"):
        swapped = SearchTerms(target_id=customer, customer_message_id=target)
        hints.insert(0, Hint("The other way round there is a message.", "Swap the two IDs", app, swapped))
    if known in forms:
        other = SearchTerms(target_id=known, customer_message_id=customer)
        text, button = f"{forms[known]} there are messages:", f"Search {drawn_text(known)}"
        hints.append(Hint(text, button, app, other, is_other_form=True))
    hints += [_elsewhere(apps[pk], terms) for pk in rest if answers[pk]["has_match"]][:3]
    return hints


def _with_known(app: App, terms: SearchTerms, forms: list[str], apps: QuerySet[App], now: datetime) -> dict[int, App]:
    """Each app, and which of the IDs it knows as a target's."""
    # One subquery for all: without a known target ID in either field, nothing else can be found.
    either = Message.objects.findable(now=now).filter(
        app=OuterRef("pk"), target_id__in=[terms.target_id, terms.customer_message_id, *forms]
    )
    return {
        one.pk: one
        for one in apps.order_by("name").annotate(
            known=Subquery(either.values("target_id")[:1]),
            is_customer=_exists(app, customer=terms.customer_message_id, now=now),
        )
    }


def _facts(apps: QuerySet[App], subqueries: dict[str, Any]) -> Iterable[dict[str, Any]]:
    facts: Iterable[dict[str, Any]] = apps.annotate(**subqueries).values("pk", *subqueries)
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
