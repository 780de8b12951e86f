"""Why a search found nothing: what can be told from a few cheap looks, only when it did."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from console.search_links import SearchTerms
from pushlog.models import App, Message, PushTask


def explain_miss(app: App, terms: SearchTerms, *, others: QuerySet[App], now: datetime) -> list[str]:
    """What might be the cause, in sentences, of finding nothing for these terms in this app.

    `others` are the apps that the person may see; no other app is looked into. At most two queries, which ask for no
    more than is of use: planning a look into all partitions is what takes time. Broadcasts and what is older than the
    window stay unfound here as everywhere.
    """
    target, customer = terms.target_id, terms.customer_message_id

    def there(*, target_id: str = "", customer_message_id: str = "") -> Exists:
        return Exists(
            Message.objects.matching(app, target_id=target_id, customer_message_id=customer_message_id, now=now)
        )

    is_target = is_customer = False
    has_others = may_be_swapped = True
    if target and customer:
        # One look for two: who swapped them entered a known target ID in the other field.
        as_target = Message.objects.findable(app, now=now).filter(target_id__in=[target, customer])
        facts = (
            Subquery(as_target.values("target_id")[:1]),
            there(customer_message_id=customer),
            Exists(others.exclude(pk=app.pk)),
        )
        found, is_customer, has_others = App.objects.filter(pk=app.pk).values_list(*facts).get()
        is_target, may_be_swapped = found == target, found == customer
    wanted, looks = Q(), {}
    if may_be_swapped and not is_customer:
        wanted |= Q(pk=app.pk)
        looks["is_swapped"] = there(target_id=customer, customer_message_id=target)
        if target and customer:  # both may be known as targets, and the other one was found first
            looks["is_target"] = there(target_id=target)
    if has_others:
        given = {"target_id": target, "customer_message_id": customer}
        elsewhere = Message.objects.findable(now=now).filter(
            app=OuterRef("pk"), **{name: value for name, value in given.items() if value}
        )
        wanted |= Q(pk__in=others.exclude(pk=app.pk).values("pk")) & Q(Exists(elsewhere))
    apps = {one.pk: one for one in App.objects.filter(wanted).annotate(**looks)} if wanted else {}
    own = apps.pop(app.pk, None)
    hints = []
    if is_target or getattr(own, "is_target", False):
        hints.append("There are messages to this target ID, but none of them has this customer message ID.")
    if is_customer:
        hints.append("This customer message ID exists, but for another target ID.")
    if not hints and getattr(own, "is_swapped", False):
        hints.append(
            "The other way round there is a message: what you entered as target ID is a customer message ID, or the"
            " reverse. Swap the two fields."
        )
    for other in [*apps.values()][:3]:
        hints.append(f"A match exists in {other.name} ({other.get_environment_display()}). Look there.")
    return hints


def explain_task_miss(app: App, push_id: str, *, others: QuerySet[App], now: datetime) -> tuple[list[App], bool]:
    """Where else there is a task with this push ID, and whether this app has messages of one that was not reported.

    `others` are the apps that the person may see; no other app is looked into. Two queries.
    """
    elsewhere = PushTask.objects.findable(now=now).filter(app=OuterRef("pk"), push_id=push_id)
    apps = list(others.exclude(pk=app.pk).filter(Exists(elsewhere))[:3])
    return apps, Message.objects.of_task(app, push_id, now=now).exists()
