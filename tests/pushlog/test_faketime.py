"""Processes on a machine whose clock is wrong, with PostgreSQL at the right time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pushlog.postgres import embedded
from tests.load.served import ROOT, Served
from tests.pushlog.shifted import shifts

pytestmark = [pytest.mark.shell, pytest.mark.embedded]

Stored = tuple[list[tuple[str]], list[tuple[int]]]


def stored(served: Served) -> Stored:
    """The days of the log and its number of messages."""
    tables = r"SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY relname"
    return served.query(tables), served.query("SELECT count(*) FROM pushlog_message")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "manage.py", *map(str, arguments)]


def environment(served: Served, folder: Path, shift: timedelta) -> dict[str, str]:
    """Of another machine, which knows the database by its address. The program `faketime` would keep our signals."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    secrets = served.var / "secrets"
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": embedded.url(served.var),
        "SECRET_KEY_FILE": str(secrets / "secret_key"),
        "ENCRYPTION_KEYS_FILE": str(secrets / "encryption_keys"),
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "false",
        "PUSHLOG_VAR": str(folder / "var"),
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{shift.days:+}d",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def manage(served: Served, folder: Path, shift: timedelta, *arguments: object) -> subprocess.CompletedProcess[str]:
    given = environment(served, folder, shift)
    return subprocess.run(command(*arguments), cwd=ROOT, env=given, capture_output=True, text=True, check=False)


@contextmanager
def shifted_server(served: Served, folder: Path, shift: timedelta) -> Iterator[str]:
    """The address of a second web server on the same database, once it answers."""
    log = folder / "log"
    port = served.port + 1 if served.port < 65535 else served.port - 1
    with log.open("wb") as output:
        server = subprocess.Popen(
            command("serve", "--port", port),
            cwd=ROOT,
            env=environment(served, folder, shift),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()
            with suppress(OSError):
                if ask(f"http://127.0.0.1:{port}/livez")[0] == 200:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


def ask(address: str, rows: object = None, **headers: str) -> tuple[int, str]:
    body = None if rows is None else json.dumps(rows).encode()
    try:
        with urlopen(Request(address, body, {"Content-Type": "application/json"} | headers)) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@shifts
def test_machine_whose_clock_is_off_changes_nothing(served: Served, tmp_path: Path, shift: timedelta) -> None:
    authorization, before = served.credential(), stored(served)
    assert before[1][0][0] >= 50
    file = tmp_path / "messages.jsonl"
    file.write_text('{"target_id": "t", "push_type": "user"}\n')

    for arguments in (["maintain"], ["maintain", "--force"], ["import_messages", file, "--app", "shop"]):
        done = manage(served, tmp_path, shift, *arguments)
        assert (done.returncode, "The clock of this machine is " in done.stderr) == (1, True), done
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.rejected*"))

    log = tmp_path / "log"
    with shifted_server(served, tmp_path, shift) as address:
        rows = {"messages": [{"target_id": "t", "push_type": "user"}]}
        status, answer = ask(f"{address}/api/v1/messages", rows, Authorization=authorization)
        assert (status, json.loads(answer)["code"]) == (503, "unavailable")
        search = ask(f"{address}/api/v1/messages/search", {"target_id": "t"}, Authorization=authorization)
        assert search[0] == 200
        for path in ("/readyz", "/healthz"):
            status, answer = ask(f"{address}{path}")
            assert (status, "clock: " in answer) == (503, True)
        for _ in range(300):
            if "Maintenance refused" in log.read_text():
                break
            time.sleep(0.1)
        assert "Maintenance refused" in log.read_text()

    assert stored(served) == before
