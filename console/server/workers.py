"""Worker processes: started, watched, replaced, and ended with their supervisor.

Each has a pipe to the supervisor. The worker writes a beat into it every second that it makes progress; a worker whose
supervisor is gone reads the end of the pipe, and ends.
"""

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

logger = logging.getLogger(__name__)

SILENT = 60.0  # seconds
_STARTING = 120.0  # importing may take long on a busy machine
_DRAIN = 10.0  # seconds for what is being answered when the server ends
_ENDING = 5.0  # more, until a worker that should have ended is killed
_PAUSE = 2.0  # before a worker that never answered is started again
_BEAT = 1.0
_BACKLOG = 1024

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    started: float = field(default_factory=time.monotonic)
    beat: float = 0.0

    @property
    def is_silent(self) -> bool:
        now = time.monotonic()
        return now - self.beat > SILENT if self.beat else now - self.started > _STARTING


def console_application() -> Application:
    from console.wsgi import application

    return application


def serve(sock: socket.socket, workers: int, load: Callable[[], Application] = console_application) -> None:
    """Answers requests on a bound socket until SIGTERM or SIGINT. A second signal does not wait for answers.

    `load` gives the application in the worker process, so it must be importable.
    """
    stop, hurry = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        (hurry if stop.is_set() else stop).set()

    # Starting it unblocks SIGINT, which `_start` blocks.
    resource_tracker.ensure_running()
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    sock.listen(_BACKLOG)  # clients wait while workers start
    running = [_start(sock, load) for _ in range(workers)]
    awake = time.monotonic()
    try:
        while not stop.is_set():
            away, awake = time.monotonic() - awake, time.monotonic()
            for place, worker in enumerate(running):
                _listen(worker)
                if away > SILENT / 2 and worker.beat:
                    worker.beat = awake  # we were stopped ourselves, and cannot judge
                if worker.process.is_alive() and not worker.is_silent:
                    continue
                logger.error("Worker %s %s: starting another", worker.process.pid, _fate(worker))
                _kill(worker)
                if not worker.beat:
                    stop.wait(_PAUSE)
                running[place] = _start(sock, load)
            wait([worker.process.sentinel for worker in running], timeout=0.5)
    finally:
        _end(running, hurry)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(sock: socket.socket, load: Callable[[], Application]) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")  # a fork would have half of the maintenance thread
    process = context.Process(target=run, args=(sock, theirs, load), name="worker")
    # Ctrl-C reaches the workers too, but we say when they end. They inherit the mask.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    theirs.close()  # or the worker would not see the end of the pipe when we die
    return _Worker(process, ours)


def _listen(worker: _Worker) -> None:
    try:
        while worker.pipe.poll():
            worker.pipe.recv_bytes()
            worker.beat = time.monotonic()
    except (EOFError, OSError):
        pass  # it is dying, and its process says so


def _fate(worker: _Worker) -> str:
    if worker.process.is_alive():
        return "answers nothing"
    code = worker.process.exitcode or 0
    return f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"


def _kill(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _end(running: list[_Worker], hurry: threading.Event) -> None:
    for worker in running:
        worker.process.terminate()
    end = time.monotonic() + _DRAIN + _ENDING
    while any(worker.process.is_alive() for worker in running) and time.monotonic() < end and not hurry.is_set():
        wait([worker.process.sentinel for worker in running if worker.process.is_alive()], timeout=0.2)
    for worker in running:
        _kill(worker)


def run(sock: socket.socket, pipe: Connection, load: Callable[[], Application]) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_end_with_supervisor, args=[pipe, stop], daemon=True).start()
    application = load()
    from console.server.http import create_server

    server = create_server(application, sock)
    beaten = 0.0
    while not stop.is_set():
        server.step()
        if time.monotonic() - beaten > _BEAT and server.has_progressed():
            beaten = time.monotonic()
            try:
                pipe.send_bytes(b".")
            except OSError:
                stop.set()
    server.drain(_DRAIN)


def _end_with_supervisor(pipe: Connection, stop: threading.Event) -> None:
    try:
        pipe.recv_bytes()
    except (EOFError, OSError):
        stop.set()
        # The embedded database ends with the last process that leaves in order.
        time.sleep(_DRAIN + _ENDING)
        os._exit(1)
