"""Refusals of requests. Each dialect gives them its own shape."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class RefusedRequest(Exception):
    """A request that is refused with an HTTP status. `errors` are wrong rows or fields. `retry_after` is in seconds."""

    status: int
    message: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    retry_after: int | None = None
