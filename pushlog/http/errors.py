"""Why a request is not answered as asked. Each dialect puts it into its own shape."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class RefusedRequest(Exception):
    """A request that is answered with an HTTP error status. `errors` are rows or fields that are wrong."""

    status: int
    message: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
