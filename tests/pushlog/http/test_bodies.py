"""How bodies of rows are read. What the API answers to them is in tests/pushlog/api/test_bad_input.py."""

import tracemalloc

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from pushlog.http import bodies
from pushlog.http.errors import RefusedRequest
from pushlog.ingest import Unreadable

MIB = 1 << 20


def post(body: bytes, content_type: str = bodies.JSON) -> HttpRequest:
    return RequestFactory().post("/", body, content_type=content_type)


def peak(request: HttpRequest) -> int:
    """The most memory that was allocated while a body was read, in bytes."""
    tracemalloc.start()
    try:
        bodies.rows(bodies.receive(request), "rows")
    except RefusedRequest as refused:
        assert refused.status == 413  # noqa: PT017 (either way, the memory counts)
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


def nested(groups: int) -> bytes:
    """Objects in objects, with long keys of their own: of all documents, one of those that take the most memory."""
    keys = iter(range(groups * 190))
    group = "".join('{"%021d😀":' for _ in range(190)) + "0" + "}" * 190
    return (
        '{"rows": [[' + ",".join(group % tuple(next(keys) for _ in range(190)) for _ in range(groups)) + "]]}"
    ).encode()


def test_a_document_at_the_bound_takes_less_than_250_mib() -> None:
    body = nested(200)
    values = sum(map(body.count, (b",", b"{", b"[")))

    assert peak(post(body)) / values * bodies.MAX_VALUES < 250 * MIB


@pytest.mark.parametrize("value", [b"{}", b"[]", b"0", b'""', b'{"":[{}]}'])
def test_a_denser_document_is_refused_before_it_is_decoded(value: bytes) -> None:
    body = b'{"rows": [' + b",".join([value] * (15 * MIB // (len(value) + 1))) + b"]}"
    request = post(body)

    with pytest.raises(RefusedRequest) as refused:
        bodies.rows(bodies.receive(post(body)), "rows")
    assert refused.value.status == 413
    assert "NDJSON" in refused.value.message
    # The body itself, and the parts in which it came.
    assert peak(request) < 40 * MIB


def test_a_full_body_of_ordinary_rows_passes() -> None:
    targets = b",".join([b'"%036d"' % number for number in range(1000)])
    row = b'{"push_id": "1", "targets": [' + targets + b"]}"
    body = b'{"rows": [' + b",".join([row] * (bodies.MAX_BYTES // (len(row) + 1) - 1)) + b"]}"

    assert len(bodies.rows(bodies.receive(post(body)), "rows")) == 428


def test_lines_are_read_one_at_a_time() -> None:
    line = b'{"a":[' + b",".join([b"{}"] * 10_000) + b"]}"
    found = bodies.rows(bodies.receive(post(b"\n".join([line] * 20), bodies.NDJSON)), "rows")

    tracemalloc.start()
    count = sum(not isinstance(row, Unreadable) for row in found)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 20
    assert most < 4 * MIB


def test_lines_can_be_taken_apart() -> None:
    found = bodies.rows(bodies.receive(post(b'{"a":1}\n\n{"b"\n{"c":3}\r\n', bodies.NDJSON)), "rows")

    assert [len(found), found[0], found[2]] == [3, {"a": 1}, {"c": 3}]
    assert list(found[2:]) == [{"c": 3}]
    assert isinstance(found[1], Unreadable)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b'{"rows": []}', []),
        (b' {"rows": [1, null]}\n', [1, None]),
        (b'{"one": {}, "rows": []}', [{"one": {}, "rows": []}]),
        (b'\xef\xbb\xbf{"one": 1}', [{"one": 1}]),
    ],
)
def test_rows_of_a_document(body: bytes, rows: list[object]) -> None:
    assert list(bodies.rows(bodies.receive(post(body)), "rows", single_with="one")) == rows


def test_a_small_body_with_a_mark_is_taken() -> None:
    assert bodies.document(post(b'\xef\xbb\xbf{"target_id": "a"}')) == {"target_id": "a"}
