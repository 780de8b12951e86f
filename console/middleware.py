"""What every answer has in common."""

import logging
from collections.abc import Callable
from time import perf_counter

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils import timezone
from prometheus_client import Histogram
from psycopg.errors import QueryCanceled

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

REQUESTS = Histogram("pushlog_request_seconds", "Time to answer, by view and status.", ["view", "status"])


def answer_probes(get_response: GetResponse) -> GetResponse:
    """Probes come without HTTPS, a cookie or our host's name: they are answered before anything asks for those."""
    probes = {reverse(name) for name in ("healthz", "metrics")}

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info in probes:
            request.resolver_match = resolve(request.path_info)
            response: HttpResponse = request.resolver_match.func(request)
            response.headers["Cache-Control"] = "no-store"
            return response
        return get_response(request)

    return middleware


def measure_requests(get_response: GetResponse) -> GetResponse:
    """How long answers take. By the name of the view, since an address may be personal and there are too many."""

    def middleware(request: HttpRequest) -> HttpResponse:
        start = perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else "none"
        REQUESTS.labels(view, response.status_code).observe(perf_counter() - start)
        return response

    return middleware


def keep_private(get_response: GetResponse) -> GetResponse:
    """Pages hold personal data: no cache may keep them. Fragments and pages share addresses, so they vary."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "HX-Request"]))
        return response

    return middleware


def own_time_zone(get_response: GetResponse) -> GetResponse:
    """A view may activate a time zone for its page; the next request in this thread begins without it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(None):
            return get_response(request)

    return middleware


class FrameErrors:
    """Errors that Django answers with an empty page, or with a 500, get a page in the frame that says what happened."""

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
        """Answers 503 if the database gave up a query after STATEMENT_TIMEOUT, or is away; other errors pass."""
        if not isinstance(exception, (OperationalError, InterfaceError)):
            return None
        if isinstance(exception.__cause__, QueryCanceled):
            return render(request, "errors/timeout.html", status=503)
        # A line, not a traceback for every request of everybody.
        logger.error("No answer from the database: %s", type(exception.__cause__ or exception).__name__)
        # Without the request: who is logged in stands in the database too.
        return HttpResponse(render_to_string("errors/unavailable.html"), status=503, headers={"Retry-After": "5"})
