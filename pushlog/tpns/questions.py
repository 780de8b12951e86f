"""What a request asks for: one task by its push ID, or the tasks of a period."""

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from datetime import date
from typing import Any

from pushlog.invisible import strip_invisible
from pushlog.json_objects import parse_object
from pushlog.models import WINDOW, MessageType, TargetKind
from pushlog.tpns import words
from pushlog.tpns.codes import Code, Refused

MAX_LIMIT = 200  # as in TPNS, which documents no default; ours is the maximum
# TPNS's samples and push answers have the other two.
_PUSH_ID_NAMES = {"pushId", "pushid", "push_id"}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class OneTask:
    push_id: str


@dataclass(frozen=True, slots=True)
class Period:
    first: date
    last: date
    message_type: MessageType | None
    target_kind: TargetKind | None
    offset: int
    limit: int


def read(body: bytes, *, today: date) -> OneTask | Period:
    """The question in a body; `today` is in the app's zone. Raises Refused.

    A push ID wins over a period. Null and an empty text count as left out: some clients send every field they know.
    Without push ID and dates, the period is the last 30 days.
    """
    try:
        document = parse_object(body.removeprefix(BOM_UTF8))
    except ValueError:
        raise Refused(Code.UNREADABLE) from None
    given = {name: value for name, value in document.items() if value is not None and value != ""}
    if "pushId" in given:
        return OneTask(_push_id(given["pushId"]))
    first, last = _days(given, today, may_be_left_out=not _PUSH_ID_NAMES & document.keys())
    return Period(
        first,
        last,
        _known(words.MESSAGE_TYPE_ASKED, given.get("msgType")),
        _known(words.PUSH_TYPE_ASKED, given.get("pushType")),
        _number(given.get("offset", 0)),
        _number(given.get("limit", MAX_LIMIT), most=MAX_LIMIT),
    )


def _push_id(value: object) -> str:
    # TPNS's documents have both text and numbers.
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Refused(Code.INVALID_PARAMETER)
    if not (push_id := strip_invisible(str(value))):
        raise Refused(Code.MISSING_PARAMETER)
    return push_id


def _days(given: dict[str, object], today: date, *, may_be_left_out: bool) -> tuple[date, date]:
    # Who names an empty push ID asks for one task, and would take the first of a list for it.
    if may_be_left_out and not {"startDate", "endDate"} & given.keys():
        return today - WINDOW, today
    if not {"startDate", "endDate"} <= given.keys():
        raise Refused(Code.MISSING_PARAMETER)
    first, last = _date(given["startDate"]), _date(given["endDate"])
    if last < first:
        raise Refused(Code.BAD_DATE)
    return first, last


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
