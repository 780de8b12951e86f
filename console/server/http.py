"""Waitress with deadlines: one process that reads requests whole before a thread answers them.

A client that stalls, drips or vanishes holds a socket for some seconds, and never a thread.
"""

import time
from collections.abc import Callable
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error, RequestEntityTooLarge

THREADS = 4
# A body gets 30 seconds, and more only while it comes at this rate (bytes a second).
DEADLINE = 30.0
MIN_RATE = 32 << 10
IDLE = 60  # seconds that an open connection may wait for its next request
MAX_BODY = 17 << 20  # the API's own limit is lower and has a better answer
MAX_FORM = 4 << 20
MAX_CONNECTIONS = 1000
# A worker that has had work for this long and finished none is stuck.
STUCK = 60.0

_API, _TPNS = "/api/", "/v3"


class RequestTimeout(Error):
    code, reason = 408, "Request Timeout"


class Parser(HTTPRequestParser):
    """Decides by the headers how much of a body is read."""

    is_cut = False

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        path = self.path.lstrip("/")
        is_program = f"/{path}".startswith((_API, _TPNS))
        if self.content_length == 0 and not self.chunked:
            return
        if is_program and not {"AUTHORIZATION", "SIGN"} & self.headers.keys():
            # The application answers that a credential is missing; it needs no body for that.
            self.is_cut = self.connection_close = True
            self.body_rcv, self.chunked, self.content_length = None, False, 0
            self.headers.pop("CONTENT_LENGTH", None)
            self.expect_continue = False
        elif not is_program and self.content_length > MAX_FORM:
            self.error, self.completed = RequestEntityTooLarge(f"At most {MAX_FORM:,} bytes."), True

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        # What follows the headers is the body that nobody reads, and no next request.
        return len(data) if self.is_cut else consumed


class Channel(HTTPChannel):
    """One connection. Knows since when its request is arriving."""

    parser_class = Parser
    began = 0.0

    def received(self, data: bytes) -> bool:
        before = self.request
        taken: bool = super().received(data)
        if self.request is not None and self.request is not before:
            self.began = time.monotonic()
        return taken

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made or sent."""
        return bool(self.requests or self.total_outbufs_len)

    def end_if_late(self) -> None:
        """Answers 408 if the request takes too long to arrive."""
        with self.requests_lock:
            request = self.request
            if request is None or self.requests:
                return
            allowed = DEADLINE + request.body_bytes_received / MIN_RATE
            if time.monotonic() - self.began < allowed:
                return
            request.error, request.completed = RequestTimeout("The request took too long to arrive."), True
            self.requests.append(request)
            self.request = None
            self.server.add_task(self)


class Dispatcher(ThreadedTaskDispatcher):
    """The threads. Knows when one of them was last free."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = time.monotonic()

    def add_task(self, task: Any) -> None:
        if not self.queue and self.active_count < len(self.threads):
            self.moved = time.monotonic()
        super().add_task(_Noted(task, self))

    @property
    def is_stuck(self) -> bool:
        """Whether requests wait, and no thread has finished one for a minute."""
        return bool(self.queue) and time.monotonic() - self.moved > STUCK


class _Noted:
    """A task that notes when it was done."""

    def __init__(self, task: Any, dispatcher: Dispatcher) -> None:
        self.task, self.dispatcher = task, dispatcher

    def service(self) -> None:
        try:
            self.task.service()
        finally:
            self.dispatcher.moved = time.monotonic()

    def cancel(self) -> None:
        self.task.cancel()


class Server(TcpWSGIServer):
    channel_class = Channel

    def step(self) -> None:
        """Reads and writes what can be read and written now; takes at most a second."""
        self.asyncore.loop(timeout=1, use_poll=True, map=self._map, count=1)

    @property
    def is_stuck(self) -> bool:
        """Whether requests wait and none is answered."""
        stuck: bool = self.task_dispatcher.is_stuck
        return stuck

    def drain(self, seconds: float) -> None:
        """Takes no more connections, and answers what has arrived."""
        self.accepting = False
        self.socket.close()
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(one.is_busy for one in self.active_channels.values()):
            self.step()
        self.task_dispatcher.shutdown(timeout=1)

    def maintenance(self, now: float) -> None:
        """Once a second: ends what is late and what is idle."""
        super().maintenance(now)
        for channel in [*self.active_channels.values()]:
            channel.end_if_late()


def create_server(application: Callable[..., Any], sock: Any) -> Server:
    """A server on a socket that is bound already."""
    adjustments = Adjustments(
        sockets=[sock],
        threads=THREADS,
        channel_timeout=IDLE,
        cleanup_interval=1,
        connection_limit=MAX_CONNECTIONS,
        max_request_body_size=MAX_BODY,
        asyncore_use_poll=True,
        ident="Pushlog",
    )
    dispatcher = Dispatcher()
    dispatcher.set_thread_count(adjustments.threads)
    where = (sock.family, sock.type, sock.proto, sock.getsockname())
    return Server(
        application, {}, _sock=sock, dispatcher=dispatcher, adj=adjustments, sockinfo=where, bind_socket=False
    )
