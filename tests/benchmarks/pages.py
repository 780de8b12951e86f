"""How long the pages take, as ratios to the control."""

from collections.abc import Callable
from statistics import median, quantiles
from time import perf_counter

from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pushlog.models import App, Membership, Role
from tests.benchmarks import message_pages, million_tasks, task_pages
from tests.benchmarks.figures import Figure, Found

REQUESTS = 40
WARM_UP = 3
QUERIES = 6
CONTROL = "control"


def measure() -> Found:
    """Asks for every kind of page in turn, again and again, so that a noisy neighbour meets all alike."""
    app, crowded = App.objects.get(slug="shop"), App.objects.get(slug=million_tasks.APP)
    one, several = member("bench", app), member("bench-several", app, App.objects.get(slug="bank"), crowded)
    pages = {CONTROL: f"/control/{app.slug}/"} | message_pages.addresses(app) | task_pages.addresses(app)
    # A miss is looked for in the other apps of the person too.
    others = {"search by both, neither known in three apps": message_pages.unknown(app)} | task_pages.crowded(crowded)
    asked = {name: (one, page) for name, page in pages.items()} | {
        name: (several, page) for name, page in others.items()
    }
    queries = {name: _queries(client, page) for name, (client, page) in asked.items()}
    times: dict[str, list[float]] = {name: [] for name in asked}
    failed: dict[str, int] = {}
    for _ in range(WARM_UP + REQUESTS):
        for name, (client, page) in asked.items():
            taken, status = answered(lambda client=client, page=page: client.get(page))  # type: ignore[misc]
            times[name].append(taken)
            if status != 200:
                failed[name] = status
    control = median(times[CONTROL][WARM_UP:])
    return Found(
        [_figure(name, taken[WARM_UP:], control, queries[name], failed.get(name)) for name, taken in times.items()]
    )


def member(name: str, *apps: App) -> Client:
    """The browser of somebody who may see these apps."""
    user, _ = User.objects.get_or_create(username=name)
    for app in apps:
        Membership.objects.update_or_create(user=user, app=app, defaults={"role": Role.OPERATOR})
    client = Client()
    client.force_login(user)
    return client


def answered(request: Callable[[], HttpResponseBase]) -> tuple[float, int]:
    """How many milliseconds an answer took, and its status."""
    start = perf_counter()
    response = request()
    return (perf_counter() - start) * 1000, response.status_code


def _queries(client: Client, page: str) -> int:
    """Those of the page, with session and permission. Apart from the timing, because to count them takes time."""
    with CaptureQueriesContext(connection) as captured:
        client.get(page)
    return len(captured)


def _figure(name: str, taken: list[float], control: float, queries: int, failed: int | None) -> Figure:
    ratio = median(taken) / control
    most = 2.0 if name == "one message" else 2.5
    budget, holds = f"≤ {most} x control", ratio <= most and queries <= QUERIES
    if name == CONTROL:
        budget, holds = "", True
    if failed:
        # Such as a time-out. The other pages are measured all the same.
        budget, holds = f"{budget}; was answered {failed}", False
    return Figure(name, median(taken), quantiles(taken, n=20)[-1], ratio, budget, holds, queries=queries)
