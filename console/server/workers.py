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
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

logger = logging.getLogger(__name__)

SILENT = 60.0  # seconds after which a worker is replaced
_STARTING = 120.0  # importing may take long on a busy machine
_DRAIN = 10.0  # seconds for what is being answered when the server ends
_PAUSE = 1.0  # before a worker that died at once is started again


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


def serve(sock: socket.socket, workers: int) -> None:
    """Answers requests on a listening socket until SIGTERM or SIGINT."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    running = [_start(sock) for _ in range(workers)]
    try:
        while not stop.is_set():
            for place, worker in enumerate(running):
                _listen(worker)
                if worker.process.is_alive() and not worker.is_silent:
                    continue
                logger.error("Worker %s %s: starting another", worker.process.pid, _fate(worker))
                _kill(worker)
                if time.monotonic() - worker.started < _PAUSE:
                    stop.wait(_PAUSE)
                running[place] = _start(sock)
            wait([worker.process.sentinel for worker in running], timeout=0.5)
    finally:
        _end(running)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(sock: socket.socket) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")  # a fork would have half of the maintenance thread
    process = context.Process(target=run, args=(sock, theirs), name="worker")
    process.start()
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
    return f"ended with {worker.process.exitcode}" if not worker.process.is_alive() else "answers nothing"


def _kill(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _end(running: list[_Worker]) -> None:
    for worker in running:
        worker.process.terminate()
    end = time.monotonic() + _DRAIN + 1
    for worker in running:
        worker.process.join(max(end - time.monotonic(), 0))
        _kill(worker)


def run(sock: socket.socket, pipe: Connection) -> None:
    """A worker process."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but the supervisor says when
    threading.Thread(target=_die_with_parent, args=[pipe], daemon=True).start()
    from console.server.http import create_server
    from console.wsgi import application

    server = create_server(application, sock)
    while not stop.is_set():
        server.step()
        if not server.is_stuck:
            pipe.send_bytes(b".")
    server.drain(_DRAIN)


def _die_with_parent(pipe: Connection) -> None:
    try:
        pipe.recv_bytes()
    except EOFError:
        os._exit(1)
