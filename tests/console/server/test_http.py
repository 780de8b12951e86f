"""One worker's server in this process, with an application that echoes."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from console.server import http, requests

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Toy:
    """The server in a thread, and what its application was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.environ: dict[str, Any] = {}
        self.pause = 0.0
        self.release = threading.Event()
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.address = self.sock.getsockname()
        self.server = http.create_server(self._answer, self.sock)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._loop)
        self.thread.start()

    def _loop(self) -> None:
        while not self.stop.is_set():
            self.server.step()

    def end(self) -> None:
        self.release.set()
        self.stop.set()
        self.thread.join()
        self.server.drain(0)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.environ = environ
        body = environ["wsgi.input"].read()
        self.asked.append((environ["PATH_INFO"], body))
        time.sleep(self.pause)
        if environ["PATH_INFO"] == "/wait":
            self.release.wait(60)
        if environ["PATH_INFO"] == "/fail":
            raise RuntimeError("personal")
        if environ["PATH_INFO"] == "/large":
            body = bytes(40 << 20)
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=60)

    def ask(self, request: bytes) -> bytes:
        """All that is answered until the server closes."""
        with self.connect() as client:
            client.sendall(request)
            return rest(client)


def rest(client: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(1 << 20):
            parts.append(part)
    return b"".join(parts)


def post(path: str, length: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def wait_until(met: Callable[[], bool]) -> None:
    for _ in range(1_200):
        if met():
            return
        time.sleep(0.05)
    raise AssertionError("did not happen in a minute")


@pytest.fixture
def toy() -> Iterator[Toy]:
    toy = Toy()
    yield toy
    toy.end()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "DEADLINE", 0.5)
    monkeypatch.setattr(http, "IDLE", 0.5)


def test_three_times_as_many_stalled_clients_as_threads_hold_none(toy: Toy) -> None:
    half = [post("/accounts/login/", 100, b"x"), post("/v3/statistics/get_push_record", 100, b"x", "Sign: s"), GET[:-2]]
    clients = [toy.connect() for _ in range(3 * http.THREADS)]
    for number, client in enumerate(clients):
        client.sendall(half[number % 3])

    for _ in range(10):
        assert toy.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).startswith(b"HTTP/1.1 200")

    for client in clients:
        client.close()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("start", "status"),
    [
        (post("/accounts/login/", 100, b"x"), b"408"),
        (post("/", 0)[:-2], b"408"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", b"408"),
        (post("/api/v1/messages", 9, b"x", "Authorization: Basic x"), b"408"),
        (post("/v3/x", 9, b"x", "Authorization: Basic x"), b"200"),
        (b"", b""),
    ],
    ids=["body", "headers", "chunks", "api", "tpns", "nothing"],
)
def test_what_stalls_is_answered_and_closed(toy: Toy, start: bytes, status: bytes) -> None:
    answer = toy.ask(start)

    assert answer[9:12] == status
    assert b'"code": "timeout"' in answer or b"/api/" not in start
    assert b'"retCode":1008001' in answer or b"/v3" not in start
    assert toy.asked == []


@pytest.mark.usefixtures("impatient")
def test_what_drips_is_answered_and_closed(toy: Toy) -> None:
    with toy.connect() as client:
        client.sendall(post("/accounts/login/", 10_000))
        client.settimeout(0.05)
        for _ in range(1_000):
            with suppress(TimeoutError):
                assert client.recv(100).startswith(b"HTTP/1.1 408")
                break
            client.sendall(b"x")
        else:
            raise AssertionError("never answered")


@pytest.mark.usefixtures("impatient")
def test_body_that_keeps_the_rate_may_take_longer(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MIN_RATE", 10)
    with toy.connect() as client:
        client.sendall(post("/", 1_000, b"", "Connection: close"))
        for _ in range(10):
            time.sleep(0.2)
            client.sendall(bytes(100))
        assert rest(client).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("impatient")
def test_client_that_takes_nothing_of_its_answer_frees_its_thread(toy: Toy) -> None:
    with toy.connect() as client:
        client.sendall(GET.replace(b"/ ", b"/large "))
        wait_until(lambda: toy.asked != [])
        wait_until(lambda: toy.server.task_dispatcher.tasks == 0)
        wait_until(lambda: not toy.server.active_channels)


@pytest.mark.usefixtures("impatient")
def test_idle_connection_is_closed_after_its_answer(toy: Toy) -> None:
    with toy.connect() as client:
        client.sendall(GET)
        assert rest(client).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("impatient")
def test_clock_of_a_request_stands_still_while_the_one_before_is_answered(toy: Toy) -> None:
    with toy.connect() as client:
        client.sendall(GET.replace(b"/ ", b"/wait ") + post("/", 3, b"a"))
        wait_until(lambda: toy.asked != [])
        time.sleep(1.5)
        toy.release.set()
        client.sendall(b"bc")
        wait_until(lambda: toy.asked == [("/wait", b""), ("/", b"abc")])


def test_over_the_limit_the_quietest_connection_is_closed(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 5)
    clients = [toy.connect()]
    wait_until(lambda: len(toy.server.active_channels) == 1)
    clients += [toy.connect() for _ in range(5)]

    assert rest(clients[0]) == b""
    clients[5].sendall(GET)
    assert clients[5].recv(100).startswith(b"HTTP/1.1 200")
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("path", "headers", "is_read"),
    [
        ("/api/v1/messages", [], False),
        ("//api/v1/messages", ["Sign: s", "AccessId: 1", "TimeStamp: 1"], False),
        ("/api/v1/messages", ["Authorization: Basic x"], True),
        ("/v3/statistics/get_push_record", [], False),
        ("//v3/statistics/get_push_record", ["Sign: s"], False),
        ("/%76%33/x", [], False),
        ("http://localhost/v3/x", [], False),
        ("/v3/x", ["Sign: s", "AccessId: 1", "TimeStamp: 1"], True),
        ("/accounts/login/", [], True),
        ("/apiary", [], True),
    ],
)
@pytest.mark.parametrize("form", ["length", "chunked", "expected"])
def test_body_is_read_only_with_a_credential(toy: Toy, path: str, headers: list[str], is_read: bool, form: str) -> None:
    body = GET.replace(b"/ ", b"/smuggled ")
    request = post(path, len(body), body, *headers, "Connection: close")
    if form == "chunked":
        request = request.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
        request = request.replace(body, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    if form == "expected":
        request = request.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n", 1)

    answer = toy.ask(request)

    assert answer.count(b"HTTP/1.1 200") == 1
    assert (b"100 Continue" in answer) == (form == "expected" and is_read)
    assert [read for _, read in toy.asked] == [body if is_read else b""]


def test_large_body_without_a_credential_still_gets_its_answer(toy: Toy) -> None:
    with toy.connect() as client:
        client.sendall(post("/api/v1/messages", 8 << 20, bytes(8 << 20)))
        assert rest(client).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("/accounts/login/", requests.MAX_BODY), 413),
        (post("/accounts/login/", 5 << 20, b"", "Expect: 100-continue"), 413),
        (post("/api/v1/messages", requests.MAX_BODY, b"", "Authorization: Basic x", "Expect: 100-continue"), 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 9000, 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n:\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nCookie: " + b"x" * (33 << 10) + b"\r\n\r\n", 431),
        (b"GET /hunter2\r\n\r\n", 400),
        (b"hunter2\r\n\r\n", 400),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    toy: Toy, request_: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    answer = toy.ask(request_)

    head = answer.partition(b"\r\n\r\n")[0].decode()
    assert head.split()[1] == str(status)
    for header in (
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "Connection: close",
    ):
        assert header.lower() in head.lower()
    assert b"hunter2" not in answer
    assert toy.asked == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /api/v1/x HTTP/1.1\r\nCookie: " + b"x" * (33 << 10) + b"\r\n\r\n",
        b"GET /api/v1/x HTTP/1.1\r\n:\r\n\r\n",
        b"GET //api/v1/x HTTP/2.0\r\n\r\n",
    ],
)
def test_programs_are_refused_in_json(toy: Toy, request_: bytes) -> None:
    assert b'{"code": "bad_request"' in toy.ask(request_)
    assert b'"retCode":1008001' in toy.ask(request_.replace(b"/api/v1/x", b"/v3/x"))


def test_error_of_the_application_is_a_500_without_its_text(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    answer = toy.ask(GET.replace(b"/ ", b"/fail "))

    assert answer.startswith(b"HTTP/1.1 500")
    assert b"personal" not in answer
    assert [record.getMessage() for record in caplog.records] == ["The web server failed"]


def test_pipelined_requests_are_answered_in_order(toy: Toy) -> None:
    answers = toy.ask(post("/", 1, b"a") + post("/", 1, b"b") + post("/", 1, b"c", "Connection: close"))

    assert [body for _, body in toy.asked] == [b"a", b"b", b"c"]
    assert answers.count(b"HTTP/1.1 200") == 3


def test_cut_body_is_no_request(toy: Toy) -> None:
    with toy.connect() as client:
        client.sendall(post("/", 100, b"x"))
        client.shutdown(socket.SHUT_WR)
        assert rest(client) == b""
    assert toy.asked == []


def test_reset_connection_leaves_nothing(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    with toy.connect() as client:
        client.sendall(post("/", 100, b"x"))
        wait_until(lambda: len(toy.server.active_channels) == 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: not toy.server.active_channels)
    assert caplog.text == ""


def test_headers_of_a_proxy_reach_the_application(toy: Toy) -> None:
    proxied = ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X_Forwarded_For: 1"]
    toy.ask(post("/", 0, b"", *proxied, "Connection: close"))

    assert toy.environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"
    assert toy.environ["HTTP_X_FORWARDED_PROTO"] == "https"


def test_busy_server_leaves_connections_to_other_processes_and_is_noticed(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_POLITE", 60.0)
    clients = [toy.connect() for _ in range(http.THREADS)]
    for client in clients:
        client.sendall(GET.replace(b"/ ", b"/wait "))
    wait_until(lambda: len(toy.asked) == http.THREADS)
    toy.server.has_progressed()
    assert toy.server.has_progressed()  # nobody waits

    with toy.connect() as waiting:
        waiting.sendall(GET)
        wait_until(lambda: not toy.server.has_progressed())
        assert len(toy.server.active_channels) == http.THREADS

        toy.release.set()
        assert waiting.recv(100).startswith(b"HTTP/1.1 200")
        assert toy.server.has_progressed()
    for client in clients:
        client.close()


def test_draining_server_finishes_answers_and_closes(toy: Toy) -> None:
    with toy.connect() as busy:
        busy.sendall(GET.replace(b"/ ", b"/wait "))
        wait_until(lambda: toy.asked != [])
        toy.stop.set()
        toy.thread.join()
        threading.Timer(1, toy.release.set).start()
        toy.server.drain(30)

        busy.settimeout(5)
        assert busy.recv(1000).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionRefusedError):
            toy.connect()


def test_a_new_client_is_answered_while_others_keep_all_threads_busy(toy: Toy) -> None:
    """Their connections stay open, and each asks again at once."""
    stop = threading.Event()

    def ask_again() -> None:
        with toy.connect() as client:
            while not stop.is_set():
                client.sendall(GET)
                assert client.recv(1 << 16)

    toy.pause = 0.05
    others = [threading.Thread(target=ask_again) for _ in range(2 * http.THREADS)]
    for other in others:
        other.start()
    try:
        wait_until(lambda: toy.server.task_dispatcher.is_full)
        for _ in range(3):
            with toy.connect() as client:
                client.settimeout(20)
                client.sendall(GET)
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
    finally:
        stop.set()
        for other in others:
            other.join()
