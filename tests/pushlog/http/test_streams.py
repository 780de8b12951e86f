import zlib
from io import BytesIO

import pytest
from django.test import RequestFactory

from pushlog.http import streams
from pushlog.http.errors import RefusedRequest

JSON, LIMIT = "application/json", 16 << 20


def test_an_announced_length_is_refused_before_anything_is_read() -> None:
    class Unreadable(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("read")

    request = RequestFactory().post("/api/v1/messages", content_type=JSON)
    request.META |= {"CONTENT_LENGTH": str(17 << 20), "wsgi.input": Unreadable()}
    with pytest.raises(RefusedRequest) as refused:
        streams.read(request, LIMIT)
    assert refused.value.status == 413


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_a_length_is_cut_at_the_limit(packed: bool) -> None:
    taken = []
    packer = zlib.compressobj(9, wbits=31)

    class Endless(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            taken.append(size or 0)
            return packer.compress(bytes(8 << 20)) if packed else b" " * (size or 0)

    request = RequestFactory().post("/api/v1/messages", content_type=JSON)
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input": Endless(), "wsgi.input_terminated": True}
    request.META |= {"HTTP_CONTENT_ENCODING": "gzip"} if packed else {}

    with pytest.raises(RefusedRequest) as refused:
        streams.read(request, LIMIT)

    assert refused.value.status == 413
    assert sum(taken) <= LIMIT + (128 << 10)


def test_a_body_shorter_than_announced_is_refused() -> None:
    request = RequestFactory().post("/api/v1/messages", b'{"messages": []}', content_type=JSON)
    request.META["CONTENT_LENGTH"] = "20"
    request._stream = BytesIO(b'{"messages": []}')  # where the server's body arrives

    with pytest.raises(RefusedRequest) as refused:
        streams.read(request, LIMIT)
    assert refused.value.status == 400
