"""A console under load: `manage.py serve` in a folder of its own, which can be killed and started again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg

from pushlog.postgres import embedded
from tests.pushlog.api.client import basic

ROOT = Path(__file__).resolve().parents[2]


class Served:
    """The web server with two workers, and its embedded PostgreSQL."""

    def __init__(self, var: Path) -> None:
        self.var = var
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        given = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "HTTPS"}}
        self.environment = given | {"PUSHLOG_VAR": str(var), "WORKERS": "2"}
        self.log = var.with_suffix(".log")
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the web server, and waits until it answers."""
        with self.log.open("ab") as output:
            # In a session of its own, so that it can be killed with its workers and without us.
            self.server = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port), "--demo", "50"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        for _ in range(600):
            assert self.server.poll() is None, self.log.read_text()
            try:
                urlopen(f"http://127.0.0.1:{self.port}/accounts/login/").close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """Kills the web server with all its workers."""
        assert self.server
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()

    def stop(self) -> None:
        """Ends the web server as a person would; the last one out stops PostgreSQL."""
        if self.server and self.server.poll() is None:
            self.server.terminate()
            assert self.server.wait(60) == 0, self.log.read_text()

    def kill_database(self) -> None:
        """Kills PostgreSQL, and waits until somebody has started it again."""
        pid = int((self.var / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        for _ in range(600):
            time.sleep(0.1)
            try:
                self.query("SELECT 1")
            except psycopg.OperationalError:
                continue
            return
        raise AssertionError(self.log.read_text())

    def query(
        self, statement: str, parameters: Sequence[object] | None = None, *, database: str = "pushlog"
    ) -> list[Any]:
        """Rows, as the database has them."""
        with psycopg.connect(embedded.url(self.var), dbname=database) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def credential(self) -> str:
        """The header with which a program may write to the app `shop`."""
        output = self.manage("create_credential", "--app", "shop", "--name", "load")
        found = re.search(r"access ID +(\S+)\nsecret +(\S+)", output)
        assert found, output
        return basic(found[1], found[2])

    def password(self) -> str:
        """The demo operator's."""
        found = re.search(r"^  operator +(\S+)", self.log.read_text(), re.MULTILINE)
        assert found
        return found[1]

    def manage(self, *arguments: str) -> str:
        """What a command prints."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        ).stdout
