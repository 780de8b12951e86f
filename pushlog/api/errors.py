"""The one shape of all errors: `{"code", "message", "errors": [{"index", "field", "error"}]}`.

No text holds a value of a request: it may be personal, and answers end up in logs.
"""

import logging
import re
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja.errors import HttpError
from ninja.errors import ValidationError as RequestError
from psycopg.errors import QueryCanceled
from pydantic import ValidationError

from pushlog.audit import NotRecorded
from pushlog.clock import ClockOff
from pushlog.http.errors import RefusedRequest
from pushlog.ingest import Rejection
from pushlog.usage import OverLimit

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(r"/+api(?:/|$)")
REALM = 'Basic realm="Pushlog", charset="UTF-8"'
RETRY_AFTER = "1"  # seconds

# For errors without a message of their own, and for the description.
MEANINGS = {
    400: ("bad_request", "The request cannot be read."),
    401: ("unauthorized", "Access ID and secret of a credential are needed, by HTTP Basic."),
    403: ("forbidden", "This credential may not do that."),
    404: ("not_found", "There is nothing here, or not for this credential."),
    405: ("method_not_allowed", "This address does not take this method."),
    408: ("timeout", "The request took too long to arrive; nothing was stored."),
    413: ("too_large", "The body or the number of its rows is over the limit; nothing was stored."),
    415: ("unsupported", "The content type or encoding of the body is not one that is taken."),
    422: ("invalid", "The body is JSON, but not what is asked for here."),
    429: (
        "too_many_requests",
        "Too many requests, rows, bytes or wrong secrets; send it again after the seconds of Retry-After.",
    ),
    500: ("server_error", "Something failed here; the request may be sent again."),
    503: ("unavailable", "The database is not there, or too busy; send the request again in a moment."),
}


def of_rows(rejected: Iterable[Rejection]) -> list[dict[str, Any]]:
    return [{"index": one.index, "field": one.field or None, "error": one.error} for one in rejected]


def of_fields(error: ValidationError) -> RefusedRequest:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return RefusedRequest(
        422,
        errors=[
            {
                "index": None,
                "field": str(one["loc"][0])[:64] if one["loc"] else None,
                "error": one["msg"].removeprefix("Value error, "),
            }
            for one in found[:20]
        ],
    )


def answer(status: int, message: str = "", errors: list[dict[str, Any]] | None = None) -> HttpResponse:
    code, meaning = MEANINGS.get(status, MEANINGS[500 if status >= 500 else 400])
    response = JsonResponse({"code": code, "message": message or meaning, "errors": errors or []}, status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = REALM
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def of_exception(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The answer to an exception. It is logged without its text, which may be personal."""
    if isinstance(error, RefusedRequest):
        response = answer(error.status, error.message, error.errors)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    if isinstance(error, OverLimit):
        response = answer(429, "This credential has used what it may in this minute. Send the request again after it.")
        response.headers["Retry-After"] = str(error.seconds)
        return response
    if isinstance(error, (HttpError, Http404, RequestError)):
        return answer(getattr(error, "status_code", 404 if isinstance(error, Http404) else 422))
    if isinstance(error, NotRecorded):
        return answer(503, "The audit log cannot be written, so nothing is read. Send the request again in a moment.")
    if isinstance(error, ClockOff):
        logger.error("%s", error)
        return answer(503, "A clock of this server is wrong; nothing was stored. Send the request again in a moment.")
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, QueryCanceled):
        return answer(503, "The database took too long; send the request again in a moment, or a smaller one.")
    if isinstance(error, (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)):
        logger.error("No answer from the database: %s", type(cause or error).__name__)
        return answer(503)
    kind = (
        f"{type(error).__name__}, {type(cause).__name__}" if isinstance(error, DatabaseError) else type(error).__name__
    )
    logger.error(
        "%s %s failed: %s\n%s", request.method, _route(request), kind, "".join(traceback.format_tb(error.__traceback__))
    )
    return answer(500)


def in_json(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: errors under /api that Django answers itself, as pages for people, get the one shape too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code < 400 or not _ADDRESS.match(request.path_info):
            return response
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        worded = answer(response.status_code)
        for name, value in response.headers.items():
            if not name.startswith("Content-") or name == "Content-Security-Policy":
                worded.headers.setdefault(name, value)
        return worded

    return middleware


def _route(request: HttpRequest) -> str:
    return request.resolver_match.route if request.resolver_match else "/api/"
