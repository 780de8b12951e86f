"""Runs the supervisor with an application that answers the number of its process. Its arguments are the port, and
seconds until a silent worker is replaced."""

import os
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any

import django

from console.server import workers


def load() -> workers.Application:
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    django.setup()
    return answer


def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/sleep":
        time.sleep(600)
    if environ["PATH_INFO"] == "/slow":
        time.sleep(3)
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]


def main(port: str, silent: str) -> None:
    workers.SILENT = float(silent)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", int(port)))
    workers.serve(sock, 1, load)


if __name__ == "__main__":
    main(*sys.argv[1:])
