"""What watches a running server sees: its health, and the numbers of all its workers together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from pushlog import __version__

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).resolve().parents[3]
Get = Callable[[str], tuple[int, str]]


@pytest.fixture(params=["true", "false"])
def maintain(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def get(port: int) -> Get:
    def get(path: str) -> tuple[int, str]:
        # A new connection each time, so that all workers come to answer.
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers={"Connection": "close"})) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    return get


@pytest.fixture
def server(port: int, maintain: str, get: Get, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    stale = tmp_path / "metrics" / str(port) / "counter_1.db"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of a worker long gone")
    settings = {"PUSHLOG_VAR": str(tmp_path), "LOG_JSON": "true", "MAINTAIN": maintain}
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield server
    if server.poll() is None:
        server.terminate()
        server.wait(60)
    assert server.stdout
    server.stdout.close()


def wait_until(met: Callable[[], bool], server: subprocess.Popen[str]) -> None:
    for _ in range(3_000):
        assert server.poll() is None, server.communicate()
        try:
            if met():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("did not happen in five minutes")


def asked(get: Get) -> int:
    """How often the page of status codes was asked for, by what /metrics says."""
    lines = get("/metrics")[1].splitlines()
    found = [line for line in lines if line.startswith("pushlog_request_seconds_count") and "status-codes" in line]
    return sum(int(float(line.split()[-1])) for line in found)


def test_workers_are_counted_together_and_the_end_is_clean(
    server: subprocess.Popen[str], get: Get, maintain: str, tmp_path: Path, port: int
) -> None:
    times = 0

    def both_answered() -> bool:
        nonlocal times
        get("/status-codes/?q=hunter2")
        times += 1
        files = (tmp_path / "metrics" / str(port)).glob("histogram_*.db")
        return len({file.name for file in files if file.stat().st_size}) >= 2

    wait_until(both_answered, server)
    assert asked(get) == times
    assert {asked(get) for _ in range(10)} == {times}  # whichever worker is asked
    if maintain == "true":
        wait_until(lambda: get("/healthz")[0] == 200, server)
    else:
        assert get("/healthz") == (
            503,
            json.dumps({"status": "failing", "version": __version__, "problems": ["maintenance: has never been done"]}),
        )

    children = psutil.Process(server.pid).children(recursive=True)
    server.send_signal(signal.SIGTERM)
    output, _ = server.communicate(timeout=60)

    assert server.returncode == 0
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert "hunter2" not in output
    assert "Traceback" not in output
    logged = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert any(entry["message"] == "Maintenance done" for entry in logged) == (maintain == "true")
    # As root, the embedded server says which folders its user must pass through.
    plain = [line for line in output.splitlines() if not line.startswith(("{", "Letting user"))]
    assert plain[0] == "Nobody can log in yet. Make the first administrator here, within a day:"
    assert plain[1].startswith(f"  http://127.0.0.1:{port}/first-administrator/")
    assert plain[2:] == [f"Serving http://127.0.0.1:{port}/"]
