"""Answers: always HTTP 200 with JSON. Some clients of TPNS cannot read any other status."""

import logging
import re
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import DisallowedHost
from django.db import Error
from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from pushlog.http.errors import RefusedRequest
from pushlog.tpns.codes import Code, Refused

logger = logging.getLogger(__name__)

Content = dict[str, Any]
View = Callable[..., HttpResponse]
GetResponse = Callable[[HttpRequest], HttpResponse]

_ADDRESS = re.compile(r"/+v3(?:/|$)")


def answer(code: Code, content: Content | None = None) -> HttpResponse:
    body = to_json({"retCode": code.value, "errMsg": code.text} | (content or {}))
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def refused_everywhere(code: Code) -> HttpResponse:
    """A refusal in both of TPNS's spellings, for any address.

    Its push endpoints have `ret_code`, and some clients read one that is missing as 0, which is success.
    """
    return answer(code, {"ret_code": code.value, "err_msg": code.text})


def in_json(get_response: GetResponse) -> GetResponse:
    """Middleware: errors under /v3 that Django answers itself, as pages for people, are TPNS's answers too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code < 400 or not _ADDRESS.match(request.path_info):
            return response
        refused = refused_everywhere(_code_for(request, response.status_code))
        for name, value in response.headers.items():
            # Above all those that protect the reader.
            if not name.startswith("Content-") or name == "Content-Security-Policy":
                refused.headers.setdefault(name, value)
        return refused

    return middleware


def _code_for(request: HttpRequest, status: int) -> Code:
    try:
        request.get_host()
    except DisallowedHost:
        return Code.UNKNOWN_ACCESS_ID  # “... or domain not correct”
    return Code.FAILED if status >= 500 else Code.INVALID_PARAMETER


def answered(view: Callable[..., Content]) -> View:
    """Turns a function that returns content or raises into a view that always answers JSON."""

    @wraps(view)
    def checked(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            return answer(Code.OK, view(request, **arguments))
        except Refused as refused:
            response = answer(refused.code)
            if refused.retry_after is not None:
                response.headers["Retry-After"] = str(refused.retry_after)
            return response
        except RefusedRequest:  # too long, or cut short
            return answer(Code.UNREADABLE)
        except Exception as error:
            # The text of the error may hold personal data.
            cause = f", {type(error.__cause__).__name__}" if isinstance(error, Error) and error.__cause__ else ""
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s failed: %s%s\n%s", view.__name__, type(error).__name__, cause, where)
            return answer(Code.FAILED)

    return checked
