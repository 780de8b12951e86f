"""`serve` itself, with clients that stall and drip, and with a supervisor that is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

import psutil
import psycopg
import pytest

from pushlog.postgres import embedded
from tests.load.served import Served

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).resolve().parents[3]
HEADERS = b"Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\nx"
LOGIN = b"POST /accounts/login/ HTTP/1.1\r\n" + HEADERS
TPNS = b"POST /v3/statistics/get_push_record HTTP/1.1\r\nSign: s\r\nAccessId: 1\r\nTimeStamp: 1\r\n" + HEADERS


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def start(port: int, var: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port), *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PUSHLOG_VAR": str(var)} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_answer(port: int, server: subprocess.Popen[str], page: str = "healthz") -> None:
    for _ in range(1_800):
        assert server.poll() is None, server.communicate()
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/{page}", timeout=60):
            return
        time.sleep(0.1)
    raise AssertionError("no answer")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    server = start(port, tmp_path / "var")
    yield server
    if server.poll() is None:
        server.terminate()
    server.communicate(timeout=60)


def test_stalled_and_dripping_clients_stop_nobody(server: subprocess.Popen[str], port: int) -> None:
    wait_for_answer(port, server)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(48)]
    for number, client in enumerate(clients):
        client.sendall(TPNS if number % 2 else LOGIN)
    stop = Event()

    def drip() -> None:
        while not stop.wait(0.5):
            for client in clients[24:]:
                with suppress(OSError):
                    client.sendall(b"x")

    dripping = Thread(target=drip)
    dripping.start()
    try:
        for _ in range(20):
            for path in ("healthz", "accounts/login/"):
                with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:
                    assert answer.status == 200
            time.sleep(0.2)
    finally:
        stop.set()
        dripping.join()
        for client in clients:
            client.close()


def test_killed_serve_leaves_no_worker_and_no_database(
    server: subprocess.Popen[str], port: int, tmp_path: Path
) -> None:
    wait_for_answer(port, server)
    children = psutil.Process(server.pid).children(recursive=True)

    server.send_signal(signal.SIGKILL)
    server.wait()

    assert psutil.wait_procs(children, timeout=60)[1] == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
    assert not (tmp_path / "var" / "postgres" / "postmaster.pid").exists()


def test_two_that_start_at_once_on_an_empty_database_both_serve(served: Served, tmp_path: Path) -> None:
    with psycopg.connect(embedded.url(served.var), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    settings = {
        "DATABASE_URL": embedded.url(served.var).replace("@/pushlog", "@/empty"),
        "SECRET_KEY": "s",
        "ENCRYPTION_KEYS": "q6ZQ0GgZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ0A=",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "false",
        "MAINTAIN": "false",
        "WORKERS": "1",
    }
    ports = [free_port(), free_port()]
    servers = [start(one, tmp_path / "var", **settings) for one in ports]
    try:
        for one, server in zip(ports, servers, strict=True):
            wait_for_answer(one, server, "accounts/login/")
    finally:
        for server in servers:
            server.terminate()
        outputs = [server.communicate(timeout=60)[0] for server in servers]
    assert "Error" not in "".join(outputs)
