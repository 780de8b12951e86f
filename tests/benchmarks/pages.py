"""How long the pages take, as ratios to the control."""

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median, quantiles
from time import perf_counter

from django.contrib.auth.models import User
from django.test import Client

from console import tokens
from console.list_state import MESSAGES, cursor_purpose
from console.pages import page_of
from console.search_links import SearchTerms, token_of
from console.tables import SORTS
from pushlog import demo
from pushlog.models import App, Membership, Message
from tests.benchmarks.figures import Figure, Found

REQUESTS = 40
PAGE = 1000


def measure() -> Found:
    """Asks for every kind of page in turn, again and again, so that a noisy neighbour meets all alike."""
    app = App.objects.get(slug="shop")
    client = Client()
    user, _ = User.objects.get_or_create(username="bench")
    Membership.objects.get_or_create(user=user, app=app)
    client.force_login(user)
    addresses = {"control": f"/control/{app.slug}/", **_addresses(app)}
    times: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(REQUESTS + 3):
        for name, address in addresses.items():
            times[name].append(_timed(lambda address=address: client.get(address)))  # type: ignore[misc]
    control = median(times["control"][3:])
    return Found([_figure(name, taken[3:], control) for name, taken in times.items()])


def _addresses(app: App) -> dict[str, str]:
    base = f"/apps/{app.slug}/messages/"

    def search(target_id: str = "", customer_message_id: str = "") -> str:
        return f"{base}?search={token_of(app, SearchTerms(target_id, customer_message_id))}"

    found = {}
    for name, keys in SORTS.items():
        for sort in (name, f"-{name}"):
            found[f"list by {sort}, page 1"] = f"{base}?sort={sort}"
            found[f"list by {sort}, page {PAGE:,}"] = f"{base}?sort={sort}&after={_cursor(app, sort, keys)}"
    ordinary = Message.objects.listed(app).order_by("-pk")[100]
    found |= {
        "search by both, hit": search(ordinary.target_id, ordinary.customer_message_id),
        "search by both, miss": search(ordinary.target_id, "no such message"),
        "search by both, neither known": search("no such target", "no such message"),
        "search by target, miss": search("no such target"),
        "the target with most messages": search(demo.HEAVY_TARGET),
        "the customer message ID with most": search("", demo.SHARED_CUSTOMER_ID),
        "rarest status": f"{base}?channel=meizu&code=4242",
        "a status nobody has": f"{base}?channel=vivo&code=10085",
        "outcome failed": f"{base}?outcome=failed",
        "one message": f"{base}{ordinary.pk}/",
    }
    return found


def _cursor(app: App, sort: str, keys: tuple[str, ...]) -> str:
    """The cursor of page 1,000, found by walking in large steps: an offset would do too, but none is in our code."""
    page = page_of(
        Message.objects.listed(app, now=datetime.now(UTC)).only(*keys),
        keys=keys,
        descending=sort.startswith("-"),
        size=50 * (PAGE - 1),
    )
    assert page.older, "too few rows for page 1,000"
    return tokens.seal(cursor_purpose(MESSAGES, app, sort), page.older)


def _timed(request: Callable[[], object]) -> float:
    start = perf_counter()
    response = request()
    assert getattr(response, "status_code", 0) == 200, response
    return (perf_counter() - start) * 1000


def _figure(name: str, taken: list[float], control: float) -> Figure:
    ratio = median(taken) / control
    most = 2.0 if name == "one message" else 2.5
    return Figure(name, median(taken), quantiles(taken, n=20)[-1], ratio, f"≤ {most} x control", ratio <= most)
