"""Clients that vanish without a FIN: a host of their own, in a network namespace, whose link goes down. Needs root."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.console.server.test_serve_attacked import LOGIN, TPNS, free_port, start

OURS, THEIRS = "10.213.77.1", "10.213.77.2"
# Three times as many as threads. A third of them ask for a page, and never take it.
CLIENTS = 24
PAGE = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
CONNECT = f"""
import socket, sys, time
requests = {[LOGIN, TPNS, PAGE * 20]!r}
clients = [socket.create_connection(("{OURS}", int(sys.argv[1]))) for _ in range({CLIENTS})]
for number, client in enumerate(clients):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.sendall(requests[number % 3])
print("sent", flush=True)
time.sleep(600)
"""


def ip(*arguments: str) -> None:
    program = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert program, "apt-get install iproute2"
    subprocess.run([program, *arguments], check=True, capture_output=True)


@pytest.fixture
def host() -> Iterator[str]:
    """A network namespace with a link to us."""
    name = "pushlog-clients"
    # Of a run that was killed.
    for command in (["link", "del", "pushlog-ours"], ["netns", "del", name]):
        with suppress(subprocess.CalledProcessError):
            ip(*command)
    ip("netns", "add", name)
    try:
        ip("link", "add", "pushlog-ours", "type", "veth", "peer", "name", "pushlog-theirs", "netns", name)
        ip("addr", "add", f"{OURS}/24", "dev", "pushlog-ours")
        ip("link", "set", "pushlog-ours", "up")
        ip("-n", name, "addr", "add", f"{THEIRS}/24", "dev", "pushlog-theirs")
        ip("-n", name, "link", "set", "pushlog-theirs", "up")
        yield name
    finally:
        # The namespace alone may outlive its processes for a moment, and the link with it.
        with suppress(subprocess.CalledProcessError):
            ip("link", "del", "pushlog-ours")
        ip("netns", "del", name)


@pytest.fixture
def server(host: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    server = start(port, tmp_path / "var", "--host", OURS, ALLOWED_HOSTS=f"localhost,{OURS}")
    yield server, port
    server.terminate()
    server.communicate(timeout=60)


def answers(port: int) -> bool:
    with urlopen(f"http://{OURS}:{port}/healthz", timeout=10) as health:
        assert health.status == 200
    with urlopen(f"http://{OURS}:{port}/accounts/login/", timeout=10) as page:
        return bool(page.status == 200)


def held(server: subprocess.Popen[str]) -> int:
    """Connections of the vanished host that workers still have."""
    workers = psutil.Process(server.pid).children()
    return sum(
        bool(one.raddr) and one.raddr.ip == THEIRS for worker in workers for one in worker.net_connections("tcp")
    )


def vanish(host: str, server: subprocess.Popen[str], port: int) -> None:
    for _ in range(600):
        assert server.poll() is None, server.communicate()
        with suppress(OSError):
            if answers(port):
                break
        time.sleep(0.1)
    program = ["ip", "netns", "exec", host, sys.executable, "-c", CONNECT, str(port)]
    clients = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert clients.stdout
    assert clients.stdout.readline() == "sent\n"
    ip("-n", host, "link", "set", "pushlog-theirs", "down")
    clients.kill()
    clients.communicate()
    assert held(server) > 0


@pytest.mark.shell
def test_pages_are_answered_after_many_clients_vanished(host: str, server: tuple[subprocess.Popen[str], int]) -> None:
    vanish(host, *server)

    for _ in range(20):
        assert answers(server[1])
        time.sleep(0.1)


@pytest.mark.long
def test_vanished_clients_are_forgotten(host: str, server: tuple[subprocess.Popen[str], int]) -> None:
    vanish(host, *server)

    for _ in range(120):
        assert answers(server[1])
        if not held(server[0]):
            break
        time.sleep(1)
    assert held(server[0]) == 0
