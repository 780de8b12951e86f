"""How fast messages come in by HTTP, through the middleware and the API, against raw COPY of the same rows."""

import gzip
import json
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from django.test import Client

from pushlog import credentials
from pushlog.models import App
from tests.benchmarks.figures import Figure
from tests.benchmarks.writing import ROUNDS, _copy, _rows, _taken_out, _timed
from tests.pushlog.api.client import basic

LEAST = 0.35


def measure() -> list[Figure]:
    """Batches as JSON, and as gzip, our way and the bare way in turn. Leaves the log as it was."""
    app = App.objects.get(slug="bank")
    made, secret = credentials.create(app=app, name="benchmark")
    headers = {"Authorization": basic(made.access_id, secret)}
    times: dict[str, list[float]] = {"JSON": [], "gzip": [], "bare": []}
    for number in range(ROUNDS):
        body = json.dumps({"messages": _rows(number)}).encode()
        packed = gzip.compress(body, 6)
        _taken_out(_timed(times["JSON"], lambda body=body: _post(body, headers)))  # type: ignore[misc]
        ids = _timed(times["gzip"], lambda body=packed: _post(body, headers | {"Content-Encoding": "gzip"}))  # type: ignore[misc]
        copied = _taken_out(ids)
        _timed(times["bare"], lambda copied=copied: _copy(copied))  # type: ignore[misc]
        _taken_out(ids)
    made.delete()
    return [_figure(f"10,000 messages by HTTP, {form}", times[form], times["bare"]) for form in ("JSON", "gzip")]


def _post(body: bytes, headers: dict[str, str]) -> list[UUID | None]:
    response = Client().generic("POST", "/api/v1/messages", body, content_type="application/json", headers=headers)
    content: dict[str, Any] = response.json()
    assert content["accepted"], content
    return [UUID(identifier) for identifier in content["ids"]]


def _figure(name: str, ours: list[float], bare: list[float]) -> Figure:
    ratio = median(bare) / median(ours)
    return Figure(name, median(ours), quantiles(ours, n=20)[-1], ratio, f"≥ {LEAST} of raw COPY", ratio >= LEAST)
