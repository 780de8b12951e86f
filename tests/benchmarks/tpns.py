"""How long TPNS's call takes on an app with a million push tasks, as ratios to the control of the pages."""

import json
import time
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any

from django.http import HttpResponseBase
from django.test import Client

from pushlog import credentials
from pushlog.models import App, Credential, PushTask
from tests.benchmarks import million_tasks, pages
from tests.benchmarks.figures import Figure, Found
from tests.pushlog.api.client import basic
from tests.pushlog.tpns.client import PATH, signed

MOST = 2.0
LIMIT = 200


def measure() -> Found:
    """Asks every kind of question in turn, again and again, in both of TPNS's ways to say who asks."""
    app, shop = App.objects.get(slug=million_tasks.APP), App.objects.get(slug="shop")
    client, program = pages.member("bench", shop), Client()
    made, secret = credentials.create(app=app, name="benchmark")
    Credential.objects.filter(pk=made.pk).update(calls_per_hour=10**9)
    questions = _questions(app)
    times: dict[str, list[float]] = {}
    for _ in range(pages.WARM_UP + pages.REQUESTS):
        taken, _ = pages.answered(lambda: client.get(f"/control/{shop.slug}/"))
        times.setdefault(pages.CONTROL, []).append(taken)
        for name, question in questions.items():
            body = json.dumps(question).encode()
            ways = {
                "Basic": {"Authorization": basic(made.access_id, secret)},
                "signed": signed(body, access_id=made.access_id, secret=secret, timestamp=f"{int(time.time())}"),
            }
            for way, headers in ways.items():
                taken, _ = pages.answered(lambda body=body, headers=headers: _ask(program, body, headers))  # type: ignore[misc]
                times.setdefault(f"TPNS: {name}, {way}", []).append(taken)
    made.delete()
    control = median(times.pop(pages.CONTROL)[pages.WARM_UP :])
    return Found([_figure(name, taken[pages.WARM_UP :], control) for name, taken in times.items()])


def _questions(app: App) -> dict[str, dict[str, Any]]:
    today = datetime.now(UTC)
    days = {"startDate": f"{today - timedelta(days=31):%Y-%m-%d}", "endDate": f"{today + timedelta(days=1):%Y-%m-%d}"}
    known = PushTask.objects.findable(app).order_by("-pushed_at", "-id")
    newest = known[0]
    total = PushTask.objects.findable(app).count()
    busy = PushTask.objects.findable(app).filter(pushed_at__gte=today - timedelta(days=10)).count()
    return {
        "a push ID": {"pushId": newest.push_id},
        "a push ID that nobody has": {"pushId": "no such task"},
        f"first page of {LIMIT}": days,
        f"last page of {LIMIT}": days | {"offset": total - LIMIT},
        f"{LIMIT} at the end of a busy hour": days | {"offset": busy + total // 11},
        "first page of a rare kind": days | {"msgType": "message"},
        "beyond the last page": days | {"offset": 2 * total},
    }


def _ask(program: Client, body: bytes, headers: dict[str, str]) -> HttpResponseBase:
    response = program.generic("POST", PATH, body, content_type="application/json", headers=headers)
    assert response.json()["retCode"] in {0, 1008015}, response.content
    return response


def _figure(name: str, taken: list[float], control: float) -> Figure:
    ratio = median(taken) / control
    return Figure(name, median(taken), quantiles(taken, n=20)[-1], ratio, f"≤ {MOST} x control", ratio <= MOST)
