"""The bounds of bodies, through the real web server: what a test client cannot send."""

import gzip
import http.client
import json
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from tests.load.served import Served

pytestmark = pytest.mark.embedded

MIB = 1 << 20


@pytest.fixture(scope="module")
def authorization(served: Served) -> str:
    return served.credential()


def raw(served: Served, authorization: str, headers: str, body: bytes = b"", *, close: bool = False) -> tuple[int, Any]:
    """Sends a request as it stands, and gives what was answered."""
    head = (
        f"POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\n{headers}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        if close:
            connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read())


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def row(key: str) -> dict[str, str]:
    return {
        "target_id": "b",
        "push_type": "user",
        "customer_message_id": key,
        "created_at": datetime.now(UTC).isoformat(),
    }


def test_a_body_in_chunks_without_a_length_is_read(served: Served, authorization: str) -> None:
    body = json.dumps({"messages": [row("chunked")]}).encode()

    for coding, data in (("", body), ("\r\nContent-Encoding: gzip", gzip.compress(body))):
        status, content = raw(
            served, authorization, f"Transfer-Encoding: chunked{coding}", chunked(data[:20], data[20:])
        )
        assert (status, content["accepted"] + content["duplicates"]) == (200, 1), content


def test_seventeen_mib_announced_are_refused_at_once(served: Served, authorization: str) -> None:
    # Nothing of them is sent: the answer does not wait for it.
    status, content = raw(served, authorization, f"Content-Length: {17 * MIB}")

    assert (status, content["code"]) == (413, "too_large")


def test_seventeen_mib_in_chunks_are_cut_at_the_limit(served: Served, authorization: str) -> None:
    status, content = raw(
        served, authorization, "Transfer-Encoding: chunked", chunked(*[b" " * 65536] * (16 * 16), b" ")
    )

    assert (status, content["code"]) == (413, "too_large")


def test_a_bomb_takes_no_memory(served: Served, authorization: str) -> None:
    bomb = gzip.compress(bytes(256 * MIB), 9)
    before = memory(served)

    for _ in range(8):
        headers = f"Content-Length: {len(bomb)}\r\nContent-Encoding: gzip"
        status, content = raw(served, authorization, headers, bomb)
        assert (status, content["code"]) == (413, "too_large")

    assert memory(served) - before < 200 * MIB


def test_a_body_cut_short_stores_nothing(served: Served, authorization: str) -> None:
    body = json.dumps({"messages": [row("short")]}).encode()
    with suppress(OSError, http.client.HTTPException):
        status, _ = raw(served, authorization, f"Content-Length: {len(body) + 5}", body, close=True)
        assert status == 400

    assert served.query("SELECT 1 FROM pushlog_message WHERE customer_message_id = 'short'") == []


def test_a_body_longer_than_announced_is_cut(served: Served, authorization: str) -> None:
    body = json.dumps({"messages": [row("long")]}).encode()

    status, content = raw(served, authorization, f"Content-Length: {len(body)}\r\nConnection: close", body + b"x" * 100)

    assert (status, content["accepted"]) == (200, 1)


def memory(served: Served) -> int:
    """Bytes that the server's processes have in memory."""
    assert served.server
    parent = psutil.Process(served.server.pid)
    return sum(int(process.memory_info().rss) for process in [parent, *parent.children(recursive=True)])
