"""The real console for a browser: `manage.py serve --demo` in a folder of its own, and Debian's Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, slots=True)
class Console:
    """Where the console answers, the folder of its data, and the passwords of its three people."""

    url: str
    var: Path
    passwords: dict[str, str]


@contextmanager
def running_console(var: Path, *, demo: int, **settings: str) -> Iterator[Console]:
    """A console with `demo` messages and `settings`, its data in `var`; SIGTERM must end it cleanly."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--demo", str(demo)]
    # On its own embedded server, whatever the tests around it use.
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "HTTPS"}}
    log = var.with_suffix(".log")
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | settings | {"PUSHLOG_VAR": str(var)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, server, log)
        passwords = dict(
            re.findall(r"^  (viewer|support|operator|admin|auditor) +(\S+)", log.read_text(), re.MULTILINE)
        )
        yield Console(url, var, passwords)
    finally:
        server.terminate()
        assert server.wait(30) == 0, log.read_text()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(720):
        assert server.poll() is None, log.read_text()
        try:
            urlopen(f"{url}/accounts/login/")
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise AssertionError(f"no answer from {url}: {log.read_text()}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. It is an error, not a reason to skip, if it is not there."""
    path = shutil.which("chromium")
    assert path, "The browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
