"""What a request asks for: one task by its push ID, or those of a period (facts/tpns.md, 1.2, 1.3 and 1.7)."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from pushlog.json_objects import parse_object
from pushlog.models import MessageType, TargetKind
from pushlog.tpns import words
from pushlog.tpns.codes import Code, Refused

MAX_LIMIT = 200  # TPNS's; it documents no default, and ours is as much as there may be
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class OneTask:
    push_id: str


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days, the last one too, in the app's zone."""

    first: date
    last: date
    message_type: MessageType | None
    target_kind: TargetKind | None
    offset: int
    limit: int


def read(body: bytes) -> OneTask | Period:
    """The question in a body. Raises Refused.

    A push ID wins over a period. What is null or an empty text was not given: some clients send every field they know,
    and we know no more of the other fields than to pass over them.
    """
    try:
        document = parse_object(body)
    except ValueError:
        raise Refused(Code.UNREADABLE) from None
    given = {name: value for name, value in document.items() if value is not None and value != ""}
    if "pushId" in given:
        return OneTask(_push_id(given["pushId"]))
    if not {"startDate", "endDate"} <= given.keys():
        raise Refused(Code.MISSING_PARAMETER)
    first, last = _date(given["startDate"]), _date(given["endDate"])
    if last < first:
        raise Refused(Code.BAD_DATE)
    return Period(
        first,
        last,
        _known(words.MESSAGE_TYPE_ASKED, given.get("msgType")),
        _known(words.PUSH_TYPE_ASKED, given.get("pushType")),
        _number(given.get("offset", 0)),
        _number(given.get("limit", MAX_LIMIT), most=MAX_LIMIT),
    )


def _push_id(value: object) -> str:
    """TPNS's documents have it as text and as a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Refused(Code.INVALID_PARAMETER)
    return str(value)


def _date(value: object) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Refused(Code.BAD_DATE)


def _known(known: dict[str, Any], value: object) -> Any:
    if value is not None and (not isinstance(value, str) or value not in known):
        raise Refused(Code.INVALID_PARAMETER)
    return known[value] if value is not None else None


def _number(value: object, *, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0 or (most is not None and value > most):
        raise Refused(Code.INVALID_PARAMETER)
    return value
