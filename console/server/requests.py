"""How much of a request is read, decided by its headers."""

import re
from urllib.parse import unquote_to_bytes

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

MAX_HEADERS = 32 << 10
MAX_BODY = 17 << 20  # the API's own limit is lower and has a better answer
MAX_FORM = 4 << 20
_MAX_START = 1 << 10  # as much as tells the path of a request that cannot be parsed
_MAX_CHUNK_LINE = 4 << 10  # waitress copies an unfinished line for every packet

API = re.compile(r"/+api(?:/|$)")
TPNS = re.compile(r"/+v3(?:/|$)")
_START = re.compile(rb"\s*\S+ +(?:\w+://[^/ ]*)?(/[^ ?#\r\n]*)")


class RequestTimeout(Error):
    code, reason = 408, "Request Timeout"


class Parser(HTTPRequestParser):
    start = b""
    is_cut = False
    limit = MAX_FORM

    @property
    def address(self) -> str:
        start = _START.match(self.start)
        return unquote_to_bytes(start[1]).decode("latin-1") if start else "/"

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:
            raise ParsingError("The address cannot be read.") from None
        if self.version not in {"1.0", "1.1"}:
            raise ParsingError("Only HTTP/1.0 and HTTP/1.1 are spoken.")
        # A proxy may have read the other one of the two lengths, and what follows as another request.
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The length of the body is ambiguous.")
        if self.body_rcv is None:
            return
        if API.match(self.path) or TPNS.match(self.path):
            self.limit = MAX_BODY
            if not self._names_credential():
                self._cut()
        if self.content_length >= self.limit:
            self._refuse(RequestEntityTooLarge(""))

    def received(self, data: bytes) -> int:
        if not self.headers_finished and len(self.start) < _MAX_START:
            self.start += data[:_MAX_START]
        consumed: int = super().received(data)
        if not self.completed:
            body = self.body_rcv
            if self.body_bytes_received >= self.limit:
                self._refuse(RequestEntityTooLarge(""))
            elif isinstance(body, ChunkedReceiver) and len(body.control_line + body.trailer) > _MAX_CHUNK_LINE:
                self._refuse(BadRequest(""))
        if not self.completed:
            return consumed
        # Waitress would send “100 Continue” and wait for a body.
        self.expect_continue = False
        # Behind a body that nobody reads, there is no next request.
        return len(data) if self.is_cut or self.error else consumed

    def _names_credential(self) -> bool:
        if "AUTHORIZATION" in self.headers:
            return True
        return bool(TPNS.match(self.path)) and {"SIGN", "ACCESSID", "TIMESTAMP"} <= self.headers.keys()

    def _cut(self) -> None:
        """The application answers that a credential is missing, and needs no body for that."""
        self.is_cut = True
        self.body_rcv, self.chunked, self.content_length = None, False, 0
        self.headers.pop("CONTENT_LENGTH", None)
        self.headers["CONNECTION"] = "close"

    def _refuse(self, error: Error) -> None:
        self.error, self.completed = error, True
