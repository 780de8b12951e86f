"""Answers to requests that Django never sees, in the shape of their address."""

from http import HTTPStatus
from typing import Any

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.template.loader import render_to_string

from console.server.requests import API, TPNS

_TEXTS = {
    400: "The request cannot be read.",
    408: "The request took too long to arrive.",
    413: "The request is too large.",
    431: "The headers of the request are too large.",
    500: "Something failed here.",
    501: "Only the transfer encoding “chunked” is taken.",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


def refusal(path: str, status: int, *, template: str = "", environ: dict[str, Any] | None = None) -> HttpResponse:
    """JSON for programs. For people a page in the frame, or one line without a template."""
    # These import models, and console/wsgi.py imports us before Django is set up.
    from pushlog.api import errors
    from pushlog.tpns.answers import refused_everywhere
    from pushlog.tpns.codes import Code

    if API.match(path):
        response = errors.answer(status)
    elif TPNS.match(path):
        response = refused_everywhere(Code.FAILED if status >= 500 else Code.UNREADABLE)
    elif template:
        response = HttpResponse(render_to_string(template), status=status)
    else:
        text = _TEXTS.get(status) or HTTPStatus(status).phrase
        response = HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    if API.match(path) or TPNS.match(path) or not template:
        response.headers["Content-Security-Policy"] = _NOTHING
    response.headers["Cache-Control"] = "no-store"
    return _secured(response, environ or {})


def _secured(response: HttpResponse, environ: dict[str, Any]) -> HttpResponse:
    """The headers that Django's middleware gives to all other answers."""
    request = HttpRequest()
    request.META = environ
    for middleware in (SecurityMiddleware, CSPMiddleware, XFrameOptionsMiddleware):
        middleware(lambda request: response).process_response(request, response)
    return response
