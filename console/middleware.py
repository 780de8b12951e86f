"""Middleware and metrics of requests."""

import logging
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils import timezone
from prometheus_client import Histogram
from psycopg.errors import QueryCanceled
from whitenoise.middleware import WhiteNoiseMiddleware

from console.access import SecondFactorNeeded
from console.htmx import wants_fragment
from pushlog.audit import NotRecorded
from pushlog.clock import ClockOff

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

_NOT_USED = ", ".join(f"{name}=()" for name in ("camera", "geolocation", "microphone", "payment", "usb"))
REQUESTS = Histogram("pushlog_request_seconds", "Time to answer, by view and status.", ["view", "status"])


def answer_probes(get_response: GetResponse) -> GetResponse:
    """Comes first: probes have no HTTPS, cookie or allowed host name."""
    probes = {reverse(name) for name in ("livez", "readyz", "healthz", "metrics")}

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info in probes:
            request.resolver_match = resolve(request.path_info)
            response: HttpResponse = request.resolver_match.func(request)
            response.headers["Cache-Control"] = "no-store"
            return response
        return get_response(request)

    return middleware


def measure_requests(get_response: GetResponse) -> GetResponse:
    """By view: addresses may be personal."""

    def middleware(request: HttpRequest) -> HttpResponse:
        start = perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else "none"
        REQUESTS.labels(view, response.status_code).observe(perf_counter() - start)
        return response

    return middleware


class StaticFiles(WhiteNoiseMiddleware):
    """Serves collected files. Their names are hashes of their content, so browsers keep them."""

    FOREVER = 365 * 24 * 3600


def keep_private(get_response: GetResponse) -> GetResponse:
    """Pages hold personal data, so no cache may keep them. Fragments and pages share addresses."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        if settings.HTTPS:
            response.headers["Permissions-Policy"] = _NOT_USED
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "HX-Request"]))
        return response

    return middleware


def own_time_zone(get_response: GetResponse) -> GetResponse:
    """Ends the time zone that a view activated: the thread serves other requests."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(None):
            return get_response(request)

    return middleware


class FrameErrors:
    """Error pages for 405 and database errors."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 405 and not response.content:
            page = render(request, "errors/405.html", status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503 after STATEMENT_TIMEOUT, without a database, without the audit log, or with a wrong clock."""
        if isinstance(exception, SecondFactorNeeded):
            where = reverse("mfa_index")
            return (
                HttpResponse(status=204, headers={"HX-Redirect": where}) if wants_fragment(request) else redirect(where)
            )
        if isinstance(exception, ClockOff):
            logger.error("%s", exception)
            return render(request, "errors/clock.html", status=503)
        if isinstance(exception, NotRecorded):
            return HttpResponse(render_to_string("errors/not_recorded.html"), status=503, headers={"Retry-After": "5"})
        if not isinstance(exception, (OperationalError, InterfaceError)):
            return None
        if isinstance(exception.__cause__, QueryCanceled):
            return render(request, "errors/timeout.html", status=503)
        # A traceback for every request would fill the log.
        logger.error("No answer from the database: %s", type(exception.__cause__ or exception).__name__)
        # Without the request: its user would be read from the database.
        return HttpResponse(render_to_string("errors/unavailable.html"), status=503, headers={"Retry-After": "5"})
