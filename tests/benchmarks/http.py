"""How fast messages come in by HTTP, through the middleware and the API, against raw COPY of the same rows."""

import gzip
import json

from django.test import Client

from pushlog import credentials
from pushlog.models import App, Credential
from tests.benchmarks.figures import Found, speed, timed
from tests.benchmarks.writing import ROUNDS, copy, prepare, take_out
from tests.pushlog.api.client import basic

SIDES = ("JSON", "gzip", "bare")


def measure() -> Found:
    """Batches as JSON, and as gzip, our way and the bare way in turn. Leaves the log as it was."""
    app = App.objects.get(slug="bank")
    made, secret = credentials.create(app=app, name="benchmark")
    Credential.objects.filter(pk=made.pk).update(rows_per_minute=2**31 - 1, mib_per_minute=2**31 - 1)
    headers = {"Authorization": basic(made.access_id, secret)}
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(ROUNDS):
        batch = prepare(app, number)
        body = json.dumps({"messages": batch.rows}).encode()
        packed = gzip.compress(body, 6)
        first = number % len(SIDES)
        for side in SIDES[first:] + SIDES[:first]:
            if side == "bare":
                timed(times[side], lambda batch=batch: copy(batch.lines))  # type: ignore[misc]
            elif side == "gzip":
                timed(times[side], lambda body=packed: _post(body, headers | {"Content-Encoding": "gzip"}))  # type: ignore[misc]
            else:
                timed(times[side], lambda body=body: _post(body, headers))  # type: ignore[misc]
            take_out(batch.ids)
    made.delete()
    figures = [
        speed(f"10,000 messages by HTTP, {form}", times[form], times["bare"], least=0.35, of="raw COPY")
        for form in ("JSON", "gzip")
    ]
    return Found(figures)


def _post(body: bytes, headers: dict[str, str]) -> None:
    response = Client().generic("POST", "/api/v1/messages", body, content_type="application/json", headers=headers)
    assert response.json()["accepted"], response.content[:1000]
