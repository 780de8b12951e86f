"""Which pages of messages are measured: every order of the list, and what its skew could make slow."""

from datetime import UTC, datetime, timedelta

from console.lists.search import address_of
from console.lists.state import MESSAGES
from console.lists.tables import SORTS
from console.tokens import SearchTerms
from pushlog.models import App, Message
from tests.benchmarks import arrival
from tests.benchmarks.cursors import PAGE, thousandth

RAREST = "status={}+{}".format(*arrival.UNKNOWN)
NOBODY = "status=vivo+10085"


def addresses(app: App) -> dict[str, str]:
    """The addresses by what is measured there."""
    base = f"/apps/{app.slug}/messages/"
    ordinary = Message.objects.listed(app).order_by("-pk")[100]
    heavy, shared = arrival.HEAVY_TARGET, arrival.SHARED_CUSTOMER_ID
    now = datetime.now(UTC)
    span = f"created_from={now - timedelta(days=20):%Y-%m-%dT%H:%M}&created_to={now - timedelta(days=5):%Y-%m-%dT%H:%M}"

    def search(target_id: str = "", customer_message_id: str = "") -> str:
        return address_of(app, SearchTerms(target_id, customer_message_id))

    return (
        _in_every_order(app, base)
        | {
            "search by both, hit": search(ordinary.target_id, ordinary.customer_message_id),
            "search by both, miss": search(ordinary.target_id, "no such message"),
            "search by both, neither known": unknown(app),
            "search by target, miss": search("no such target"),
            "search by target, miss with another form": search(f"{ordinary.target_id[:3]} {ordinary.target_id[3:]}"),
            "the target with most messages": search(heavy),
            "the target with most messages, by title": f"{search(heavy)}?sort=title",
            "the target with most messages, rarest status": f"{search(heavy)}?{RAREST}",
            "the customer message ID with most": search("", shared),
            "both with most at once": search(heavy, shared),
        }
        | {
            name: f"{base}?{query}"
            for name, query in {
                "rarest status": RAREST,
                "rarest status, by title": f"{RAREST}&sort=title",
                "rarest status, in a range of time": f"{RAREST}&{span}",
                "a status nobody has": NOBODY,
                "a status nobody has, by target ID": f"{NOBODY}&sort=target_id",
                "push type HarmonyOS, by title": "push_type=harmony&sort=title",
                "outcome failed": "outcome=failed",
                "outcome failed, by target ID": "outcome=failed&sort=target_id",
                "outcome failed in a range of time, by title": f"outcome=failed&{span}&sort=title",
                "push type, mode and outcome at once": "push_type=ios&mode=template&outcome=failed",
            }.items()
        }
        | {"one message": f"{base}{ordinary.pk}/"}
    )


def unknown(app: App) -> str:
    """The search for two IDs that are in no app: everything that could explain a miss is looked up for it."""
    return address_of(app, SearchTerms("no such target", "no such message"))


def _in_every_order(app: App, base: str) -> dict[str, str]:
    listed = Message.objects.listed(app)
    found = {}
    for name in SORTS:
        for sort in (name, f"-{name}"):
            found[f"list by {sort}, page 1"] = f"{base}?sort={sort}"
            found[f"list by {sort}, page {PAGE:,}"] = (
                f"{base}?sort={sort}&after={thousandth(MESSAGES, app, listed, sort)}"
            )
    return found
