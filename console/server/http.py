"""Waitress with deadlines: one process that reads requests whole before a thread answers them.

A client that stalls, drips or vanishes holds a socket for some seconds, and never a thread.
"""

import logging
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from console.server.refusals import refusal
from console.server.requests import MAX_BODY, MAX_HEADERS, Parser, RequestTimeout

logger = logging.getLogger(__name__)

THREADS = 4
# A request gets 30 seconds, and more only while its body comes at this rate (bytes a second).
DEADLINE = 30.0
MIN_RATE = 32 << 10
# Seconds that a connection may wait for its next request, or take nothing of an answer. nginx keeps one for 60.
IDLE = 75.0
# Each may also have a temporary file open, and processes may open 1,024 files.
MAX_CONNECTIONS = 400
_LINGER = 2.0
_EVERY = 1.0  # seconds
_POLITE = 0.05  # seconds


class Refusal(ErrorTask):
    def execute(self) -> None:
        # After an exception, waitress makes a request without an address.
        response = refusal(self.channel.requests[0].address, self.request.error.code)
        self.status = f"{response.status_code} {response.reason_phrase}"
        self.response_headers.extend(response.items())
        self.set_close_on_finish()
        self.content_length = len(response.content)
        self.write(response.content)


class Channel(HTTPChannel):
    """One connection. The main thread reads and writes it; other threads answer its requests."""

    parser_class = Parser
    error_task_class = Refusal
    request: Any
    began = 0.0  # when the request that is arriving began
    lingers_until = 0.0
    _active = 0.0

    @property
    def last_activity(self) -> float:
        """By the monotonic clock, whatever waitress assigns: the other one may be set back."""
        return self._active

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        self._active = time.monotonic()

    @property
    def is_busy(self) -> bool:
        return bool(self.requests or self.total_outbufs_len)

    def received(self, data: bytes) -> bool:
        before = self.request
        taken: bool = super().received(data)
        if self.request is not None and self.request is not before:
            self.began = time.monotonic()
        return taken

    def maintain(self, now: float) -> None:
        if self.lingers_until:
            if now > self.lingers_until:
                self.handle_close()
        elif self.is_busy:
            self.began = now  # nothing is read meanwhile
            if self.total_outbufs_len and now - self.last_activity > IDLE:
                # This also frees a thread that waits to write.
                self.handle_close()
        elif self.request is None:
            if now - self.last_activity > IDLE:
                self.handle_close()
        elif now - self.began > DEADLINE + self.request.body_bytes_received / MIN_RATE:
            self._answer_late()

    def _answer_late(self) -> None:
        with self.requests_lock:
            request, self.request = self.request, None
            request.error, request.completed = RequestTimeout(""), True
            self.requests.append(request)
            self.server.add_task(self)

    def service(self) -> None:
        try:
            if self.server.is_draining:
                self.requests[0].headers["CONNECTION"] = "close"
            super().service()
        finally:
            self.server.end_task()

    def write_soon(self, data: Any) -> int:
        self.server.task_dispatcher.has_moved = True
        self.last_activity = 0
        written: int = super().write_soon(data)
        return written

    def readable(self) -> bool:
        return bool(self.lingers_until or super().readable())

    def writable(self) -> bool:
        return not self.lingers_until and bool(super().writable())

    def handle_read(self) -> None:
        if not self.lingers_until:
            super().handle_read()
            return
        try:
            self.recv(self.adj.recv_bytes)
        except OSError:
            self.handle_close()

    def handle_write(self) -> None:
        # Once set, a thread does not touch this any more.
        if not self.close_when_flushed:
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif self.connected and not self.total_outbufs_len:
            self._linger()

    def _linger(self) -> None:
        # Closing with unread bytes sends a reset, and the client would lose the answer.
        self.close_when_flushed = False
        self.lingers_until = time.monotonic() + _LINGER
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()

    def handle_error(self) -> None:
        logger.exception("A connection failed")
        self.handle_close()


class Dispatcher(ThreadedTaskDispatcher):
    """The threads, and how many tasks they have."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.tasks = 0
        self.has_moved = False
        self.set_thread_count(threads)

    @property
    def is_full(self) -> bool:
        return self.tasks >= len(self.threads)

    def add_task(self, task: Any) -> None:
        with self.lock:
            self.tasks += 1
        super().add_task(task)

    def end_task(self) -> None:
        with self.lock:
            self.tasks -= 1
        self.has_moved = True


class Server(TcpWSGIServer):
    channel_class = Channel
    is_draining = False
    _maintained = 0.0
    _full_since: float | None = None

    def step(self) -> None:
        """Reads and writes what can be read and written now; takes at most a second."""
        now = time.monotonic()
        if now - self._maintained > _EVERY:
            self._maintained = now
            for channel in [*self.active_channels.values()]:
                channel.maintain(now)
        timeout = _POLITE if self.task_dispatcher.is_full else _EVERY
        self.asyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)

    def readable(self) -> bool:
        """While all threads are busy, leaves each new connection to other processes for a moment."""
        now = time.monotonic()
        if not self.task_dispatcher.is_full:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        # Not for longer: clients that keep their connections may keep all threads busy for ever.
        return self.accepting and (self._full_since is None or now - self._full_since > _POLITE)

    def handle_accept(self) -> None:
        super().handle_accept()
        self._full_since = None
        if len(self.active_channels) > MAX_CONNECTIONS:
            # After accepting: a new connection with the number of a closed one would get its events.
            quiet = [one for one in self.active_channels.values() if not one.requests]
            min(quiet, key=lambda one: one.last_activity).handle_close()

    def handle_error(self) -> None:
        logger.exception("Accepting a connection failed")

    def end_task(self) -> None:
        was_full = self.task_dispatcher.is_full
        self.task_dispatcher.end_task()
        if was_full:
            self.pull_trigger()

    def has_progressed(self) -> bool:
        """False if requests wait, and no thread was free or wrote anything since this was last asked."""
        dispatcher = self.task_dispatcher
        moved, dispatcher.has_moved = dispatcher.has_moved, False
        return moved or not dispatcher.is_full or not (dispatcher.queue or self._is_asked())

    def _is_asked(self) -> bool:
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def drain(self, seconds: float) -> None:
        self.is_draining = True
        self.accepting = False
        self.del_channel()
        self.socket.close()
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(one.is_busy for one in self.active_channels.values()):
            self.step()
        self.task_dispatcher.shutdown(timeout=1)
        self.asyncore.close_all(self._map)


def create_server(application: Callable[..., Any], sock: socket.socket) -> Server:
    """A server on a socket that is bound already."""
    adjustments = Adjustments(
        sockets=[sock],
        max_request_header_size=MAX_HEADERS,
        max_request_body_size=MAX_BODY,
        recv_bytes=64 << 10,
        asyncore_use_poll=True,
        # The application decides what it believes; /metrics must see that there is a proxy.
        clear_untrusted_proxy_headers=False,
        log_socket_errors=False,
        ident="Pushlog",
    )
    where = (sock.family, sock.type, sock.proto, sock.getsockname())
    return Server(
        application, {}, _sock=sock, dispatcher=Dispatcher(THREADS), adj=adjustments, sockinfo=where, bind_socket=False
    )


def _without_text(record: logging.LogRecord) -> bool:
    """Waitress's messages name addresses. Type and place of the exception are enough."""
    record.msg, record.args = "The web server failed", None
    return True


logging.getLogger("waitress").addFilter(_without_text)
