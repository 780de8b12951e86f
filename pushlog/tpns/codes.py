"""The codes of TPNS that we use."""

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    OK = 0
    UNREADABLE = 1008001
    MISSING_PARAMETER = 1008002
    NOT_AUTHENTICATED = 1008003
    FAILED = 1008004
    INVALID_PARAMETER = 1008007
    NO_SUCH_TASK = 1008015
    BAD_DATE = 1008016
    TOO_FAST = 1008028
    UNKNOWN_ACCESS_ID = 1008035

    @property
    def text(self) -> str:
        """TPNS's exact text: programs may compare it."""
        return _TEXTS[self]


_TEXTS = {
    Code.OK: "NO_ERROR",
    Code.UNREADABLE: "parameter parse error",
    Code.MISSING_PARAMETER: "missing parameter",
    Code.NOT_AUTHENTICATED: "auth failure",
    Code.FAILED: "invoke service error",
    Code.INVALID_PARAMETER: "invalid parameter",
    Code.NO_SUCH_TASK: "push id not exist",
    Code.BAD_DATE: "date param format error",
    Code.TOO_FAST: "request too fast",
    Code.UNKNOWN_ACCESS_ID: "accessId is not correct or domain not correct",
}


@dataclass(eq=False)
class Refused(Exception):
    """A refused request. `retry_after` is in seconds."""

    code: Code
    retry_after: int | None = None
