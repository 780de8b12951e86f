"""For monitoring. No personal data."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv6Address, ip_address
from os import environ
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pushlog import __version__
from pushlog.maintenance import health

_SECONDS = 2
_FRESH = 1.0  # seconds: a flood of probes makes one connection a second
# Requests through a proxy on this machine have a local address, too.
_FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP")

_asking = Lock()
_last: tuple[float, health.Problems] | None = None


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """200 while this process answers."""
    return _answer([])


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if rows can be read and stored now; otherwise 503 with reasons."""
    return _answer(_problems().now)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 if nobody needs to look, at maintenance neither; otherwise 503 with reasons."""
    found = _problems()
    return _answer([*found.now, *found.upkeep])


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus on this machine, and for anyone who presents METRICS_TOKEN."""
    if not (_is_local(request) or _has_token(request)):
        return HttpResponse("Ask from this machine, or with the bearer token METRICS_TOKEN.\n", "text/plain", 403)
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    gauges = CollectorRegistry()
    gauges.register(_Database())
    return HttpResponse(generate_latest(registry) + generate_latest(gauges), CONTENT_TYPE_LATEST)


def _answer(problems: list[str]) -> HttpResponse:
    status = 503 if problems else 200
    word = "failing" if problems else "ok"
    return JsonResponse({"status": word, "version": __version__, "problems": problems}, status=status)


def _problems() -> health.Problems:
    global _last
    with _asking:
        if _last is None or time.monotonic() - _last[0] > _FRESH:
            found = _ask()
            # Whoever waited for a slow answer takes it.
            _last = time.monotonic(), found
        return _last[1]


def _ask() -> health.Problems:
    try:
        with _probe() as cursor:
            return health.problems(cursor)
    except Error as error:
        return health.Problems([f"database: {type(error.__cause__ or error).__name__}"], [])


class _Database(Collector):
    def collect(self) -> Iterator[Metric]:
        try:
            with _probe() as cursor:
                early, maintained = health.early_receipts(cursor), health.last_maintenance(cursor)
        except Error:
            yield GaugeMetricFamily("pushlog_database_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("pushlog_database_up", "Whether the database answers.", 1)
        yield GaugeMetricFamily("pushlog_early_receipts", "Receipts whose message has not arrived.", early)
        if maintained:
            name, text = "pushlog_last_maintenance_timestamp_seconds", "When maintenance was last done."
            yield GaugeMetricFamily(name, text, maintained.timestamp())


@contextmanager
def _probe() -> Iterator[Any]:
    """A cursor of a new connection: an open one may hang if the server is gone."""
    own = connection.copy()
    options = own.settings_dict["OPTIONS"]
    # Psycopg raises a timeout of one second to two.
    options |= {"connect_timeout": _SECONDS, "tcp_user_timeout": _SECONDS * 1000}
    with closing(own), own.cursor() as cursor:
        # In a transaction, so that no other client of a pooler gets this limit.
        cursor.execute(f"BEGIN; SET LOCAL statement_timeout = '{_SECONDS}s'")
        yield cursor


def _is_local(request: HttpRequest) -> bool:
    if any(name in request.META for name in _FORWARDED):
        return False
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    return bool(settings.METRICS_TOKEN) and constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
