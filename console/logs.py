"""Log lines without personal data: routes instead of addresses, and exceptions without their texts."""

import json
import logging
from datetime import UTC, datetime
from typing import Any


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
    if not record.name.startswith(("django.request", "django.security", "django.server")):
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
