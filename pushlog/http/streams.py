"""Reads the bytes of a body, plain or gzip, as a stream with a bound on memory."""

import zlib
from collections.abc import Iterator
from typing import Protocol

from django.http import HttpRequest
from django.http.request import UnreadablePostError

from pushlog.http.errors import RefusedRequest

_CHUNK = 64 << 10
_MAX_MEMBERS = 1000  # of a gzip body; even an empty one costs time


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read(request: HttpRequest, limit: int) -> bytes:
    """The decoded body, of at most `limit` bytes before and after decoding. Raises RefusedRequest."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise RefusedRequest(415, "The Content-Encoding must be gzip, or left out.")
    announced = request.META.get("CONTENT_LENGTH", "")
    length = int(announced[:20]) if announced.isascii() and announced.isdigit() else None
    if length is not None and length > limit:
        raise _too_large(limit)
    chunked = length is None and request.META.get("wsgi.input_terminated")
    # Without a length Django reads no body, but the server knows its end.
    stream: _Stream = request.META["wsgi.input"] if chunked else request
    chunks = _limited(stream, limit, length)
    return b"".join(_bounded(_unzipped(chunks), limit) if encoding == "gzip" else chunks)


def _limited(stream: _Stream, limit: int, length: int | None) -> Iterator[bytes]:
    taken = 0
    try:
        while chunk := stream.read(_CHUNK):
            taken += len(chunk)
            if taken > limit:
                raise _too_large(limit)
            yield chunk
    except (UnreadablePostError, OSError):
        raise RefusedRequest(400, "The body was cut short.") from None
    if length is not None and taken < length:
        raise RefusedRequest(400, "The body was cut short.")


def _bounded(parts: Iterator[bytes], limit: int) -> Iterator[bytes]:
    taken = 0
    for part in parts:
        taken += len(part)
        if taken > limit:
            raise _too_large(limit)
        yield part


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decodes gzip a chunk at a time, so that the bound stops a bomb."""
    member, members, begun = zlib.decompressobj(wbits=31), 1, False
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if member.eof:
                    members += 1
                    if members > _MAX_MEMBERS:
                        raise RefusedRequest(400, "The gzip body has too many members.")
                    member = zlib.decompressobj(wbits=31)
                begun = True
                yield member.decompress(rest, _CHUNK)
                rest = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error:
        raise RefusedRequest(400, "The body is not gzip, or it is damaged.") from None
    if not begun or not member.eof:
        raise RefusedRequest(400, "The gzip body was cut short.")


def _too_large(limit: int) -> RefusedRequest:
    return RefusedRequest(413, f"At most {limit:,} bytes, decoded; nothing was stored.")
