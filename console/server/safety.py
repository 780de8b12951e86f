"""What fails before Django's own handlers: an answer with security headers, and no text of it in the log."""

import codecs
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_header_parameters

from console.server.refusals import refusal

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_CHARSETS = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252"}
_MAX_PARAMETERS = 20


def guarded(application: Application) -> Application:
    def answer(environ: Environ, start_response: Any) -> Iterable[bytes]:
        # Django decodes the query by this charset.
        if not _is_readable(environ.get("CONTENT_TYPE", "")):
            response = refusal(environ["PATH_INFO"], 400, template="errors/400.html", environ=environ)
            return _send(response, start_response)
        try:
            return application(environ, start_response)
        except Exception:
            logger.exception("A request failed outside of Django's handlers")
            response = refusal(environ["PATH_INFO"], 500, template="errors/500.html", environ=environ)
            return _send(response, start_response, sys.exc_info())

    return answer


def _is_readable(content_type: str) -> bool:
    if content_type.count(";") > _MAX_PARAMETERS:
        return False
    try:
        _, parameters = parse_header_parameters(content_type)
        return "charset" not in parameters or codecs.lookup(parameters["charset"]).name in _CHARSETS
    except (LookupError, ValueError):
        return False


def _send(response: HttpResponse, start_response: Any, error: Any = None) -> Iterable[bytes]:
    headers = [*response.items(), ("Content-Length", str(len(response.content)))]
    start_response(f"{response.status_code} {response.reason_phrase}", headers, error)
    return [response.content]
