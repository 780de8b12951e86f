"""Answers: always HTTP 200 with JSON, because that is all that every client of TPNS can read (facts/tpns.md, 3.3)."""

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from pushlog.http.errors import RefusedRequest
from pushlog.tpns.codes import Code, Refused

logger = logging.getLogger(__name__)

Content = dict[str, Any]
View = Callable[..., HttpResponse]


def answer(code: Code, content: Content | None = None) -> HttpResponse:
    """The answer with a code, its text, and what else it holds."""
    body = to_json({"retCode": code.value, "errMsg": code.text} | (content or {}))
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "no-store"})


def in_json(view: Callable[..., Content]) -> View:
    """A view from a function that gives what the answer holds, or raises: whatever happens, the answer is JSON."""

    @wraps(view)
    def answered(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            return answer(Code.OK, view(request, **arguments))
        except Refused as refused:
            response = answer(refused.code)
            if refused.retry_after is not None:
                response.headers["Retry-After"] = str(refused.retry_after)
            return response
        except RefusedRequest:  # the body: too long, or cut short
            return answer(Code.UNREADABLE)
        except Exception as error:
            # Without the words of the error, which may be personal. What failed may work the next time.
            cause = f", {type(error.__cause__).__name__}" if isinstance(error, Error) and error.__cause__ else ""
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s failed: %s%s\n%s", view.__name__, type(error).__name__, cause, where)
            return answer(Code.FAILED)

    return answered
