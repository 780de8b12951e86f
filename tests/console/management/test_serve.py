"""`serve` as a person starts it: a process of its own, in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve") / "a var"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def command(port: int, *arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "serve", "--port", str(port), *arguments]


def environment(**settings: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"]} | settings


def wait_for_answer(port: int, server: subprocess.Popen[str]) -> str:
    for _ in range(3_000):
        assert server.poll() is None, server.communicate()
        try:
            with urlopen(f"http://127.0.0.1:{port}/accounts/login/") as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("no answer")


@pytest.fixture
def served(var: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        command(port, "--demo", "200"),
        cwd=ROOT,
        env=environment(PUSHLOG_VAR=str(var)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield server
    if server.poll() is None:
        server.kill()
        server.wait()
    assert server.stdout
    server.stdout.close()


@pytest.mark.parametrize("start", ["first", "second"])
def test_serve_answers_prints_the_logins_and_ends_cleanly(
    start: str, served: subprocess.Popen[str], port: int, var: Path
) -> None:
    page = wait_for_answer(port, served)
    served.send_signal(signal.SIGTERM)
    output, _ = served.communicate(timeout=60)

    assert "Log in" in page
    assert f"Open http://127.0.0.1:{port}/" in output
    for name in ("viewer", "support", "operator", "admin", "auditor"):
        assert f"  {name} " in output
    assert ("Writing 200 demo messages" in output) == (start == "first")
    assert "Traceback" not in output
    assert served.returncode == 0
    assert not (var / "postgres" / "postmaster.pid").exists()


def test_serve_on_a_taken_port_says_so_in_one_line(var: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            command(port), cwd=ROOT, env=environment(PUSHLOG_VAR=str(var)), capture_output=True, text=True, check=False
        )

    assert result.returncode == 1
    assert (
        result.stderr.strip()
        == f"CommandError: Cannot listen on 127.0.0.1 port {port}: Address already in use. Try --port."
    )


def test_serve_without_its_database_says_so_in_one_line(port: int) -> None:
    settings = {
        "SECRET_KEY": "s",
        "ENCRYPTION_KEYS": "q6ZQ0GgZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ0A=",
        "DATABASE_URL": "postgresql://jo:hunter2@127.0.0.1:1/log",
    }

    result = subprocess.run(
        command(port), cwd=ROOT, env=environment(**settings), capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("CommandError: The database cannot be used: connection")
    assert "hunter2" not in result.stderr


def test_serve_in_a_folder_that_is_none_says_so_in_one_line(port: int, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")

    result = subprocess.run(
        command(port),
        cwd=ROOT,
        env=environment(PUSHLOG_VAR=str(tmp_path / "var")),
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_serve_with_a_demo_in_the_database_of_others_is_refused(port: int) -> None:
    settings = {
        "SECRET_KEY": "s",
        "ENCRYPTION_KEYS": "q6ZQ0GgZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ1Zg1Jw0v0vZ0A=",
        "DATABASE_URL": "postgresql://jo@127.0.0.1:1/log",
    }

    result = subprocess.run(
        command(port, "--demo"), cwd=ROOT, env=environment(**settings), capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert result.stderr.startswith("CommandError: --demo creates logins")
