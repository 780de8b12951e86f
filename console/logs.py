"""Log lines without personal data: routes instead of addresses, and exceptions without their texts."""

import json
import logging
import time
from collections import Counter
from datetime import UTC, datetime
from threading import Lock
from typing import Any

_OF_REQUESTS = ("django.request", "django.security", "django.server")


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        lines = [f"{_time(record)} {record.levelname} {record.name} {_message(record)}"]
        lines += [f"{name}={value}" for name, value in _fields(record).items()]
        return "\n  ".join([" ".join(lines), *_exception(record)])


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Times are UTC."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        entry |= _fields(record)
        if exception := _exception(record):
            entry["exception"] = exception
        return json.dumps(entry, default=str)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    if not record.name.startswith(_OF_REQUESTS):
        return record.getMessage()
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    return f"{getattr(record, 'status_code', 'refused')} {match.route if match else '(no page of ours)'}"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    # Django adds whole requests to records. Only `extra={"fields": ...}` is logged.
    return dict(getattr(record, "fields", {}))


def _exception(record: logging.LogRecord) -> list[str]:
    """Types and places, the cause before its effect."""
    error = record.exc_info[1] if record.exc_info else None
    steps: list[str] = []
    while error is not None and len(steps) < 100:
        frames, trace = [], error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        state = getattr(error, "sqlstate", None)
        kind = f"{type(error).__module__}.{type(error).__qualname__}" + (f" {state}" if state else "")
        steps = [*frames, kind, *steps]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return steps


class SampledRefusals(logging.Filter):
    """Refused requests are logged on INFO, one a second for each status: anybody can make any number of them."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._next: dict[int, float] = {}
        self._left_out: Counter[int] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", 0)
        if not record.name.startswith(_OF_REQUESTS) or not 400 <= status < 500:
            return True
        if not logging.getLogger().isEnabledFor(logging.INFO):
            return False
        with self._lock:
            if (now := time.monotonic()) < self._next.get(status, now):
                self._left_out[status] += 1
                return False
            self._next[status] = now + 1
            left_out = self._left_out.pop(status, 0)
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.exc_info = None
        if left_out:
            record.fields = {"left_out": left_out}
        return True
