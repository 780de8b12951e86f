"""The supervisor with one worker, as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]


class Toy:
    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.console.server.toy", str(self.port), "5"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.worker = 0
        wait_until(self.answers)
        self.worker = self.ask()

    def ask(self, path: str = "/") -> int:
        """The process that answers."""
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=120) as answer:
            return int(answer.read())

    def answers(self) -> bool:
        """Whether another worker than before answers."""
        try:
            return self.ask() != self.worker
        except OSError:
            return False

    def end(self) -> str:
        self.process.terminate()
        return self.process.communicate(timeout=60)[1]


def wait_until(met: Callable[[], bool]) -> None:
    for _ in range(1_200):
        if met():
            return
        time.sleep(0.1)
    raise AssertionError("did not happen in two minutes")


@pytest.fixture
def toy() -> Iterator[Toy]:
    toy = Toy()
    yield toy
    if toy.process.poll() is None:
        toy.process.kill()
    toy.process.wait()
    assert toy.process.stderr
    toy.process.stderr.close()


def test_workers_end_with_a_killed_supervisor_and_free_the_port(toy: Toy) -> None:
    toy.process.kill()
    toy.process.wait()

    wait_until(lambda: not psutil.pid_exists(toy.worker))
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", toy.port))


def test_dead_worker_is_replaced(toy: Toy) -> None:
    os.kill(toy.worker, signal.SIGKILL)

    wait_until(toy.answers)
    assert f"Worker {toy.worker} was ended by signal 9: starting another" in toy.end()


def test_stopped_worker_is_replaced(toy: Toy) -> None:
    os.kill(toy.worker, signal.SIGSTOP)

    wait_until(toy.answers)
    assert f"Worker {toy.worker} answers nothing: starting another" in toy.end()


def test_worker_with_all_threads_stuck_is_replaced_when_somebody_waits(toy: Toy) -> None:
    stuck = [socket.create_connection(("127.0.0.1", toy.port)) for _ in range(4)]
    for one in stuck:
        one.sendall(b"GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        wait_until(toy.answers)
    finally:
        for one in stuck:
            one.close()
    assert f"Worker {toy.worker} answers nothing: starting another" in toy.end()


def test_idle_worker_is_kept(toy: Toy) -> None:
    time.sleep(8)

    assert toy.ask() == toy.worker


def test_stopped_and_continued_group_keeps_its_worker(toy: Toy) -> None:
    os.killpg(toy.process.pid, signal.SIGSTOP)
    time.sleep(7)
    os.killpg(toy.process.pid, signal.SIGCONT)
    time.sleep(2)

    assert toy.ask() == toy.worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end_waits_for_what_is_being_answered(toy: Toy, number: signal.Signals) -> None:
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(toy.ask, "/slow")
        time.sleep(1)
        os.killpg(toy.process.pid, number)  # as a terminal does it

        assert slow.result(60) == toy.worker
    _, log = toy.process.communicate(timeout=60)
    assert (toy.process.returncode, "Traceback" in log) == (0, False)
    assert not psutil.pid_exists(toy.worker)


def test_second_signal_does_not_wait(toy: Toy) -> None:
    with socket.create_connection(("127.0.0.1", toy.port)) as stuck:
        stuck.sendall(b"GET /sleep HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1)
        toy.process.terminate()
        time.sleep(1)
        assert toy.process.poll() is None
        toy.process.terminate()
        assert toy.process.wait(60) == 0
