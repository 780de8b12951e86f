"""Many at once, for a while: requests per second and the slowest of a hundred, from the real web server, while a
gateway goes on writing. wrk asks (Debian's package): a client in Python would take the processors from the server."""

import re
import subprocess
import threading
from importlib import import_module

import psutil
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.db import connection

from pushlog import ingest
from pushlog.models import App, Membership, Role
from tests.benchmarks.figures import Facts, Found
from tests.benchmarks.writing import message_rows
from tests.load.served import Served

CONNECTIONS, SECONDS = 32, 20
BATCH = 500  # messages in each second: forty-three million a day
REQUESTS = 10_000
_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def measure() -> Found:
    """The newest page of the list over 32 connections, then up to 10,000 requests in all. Needs wrk."""
    app = App.objects.get(slug="shop")
    served = Served(settings.VAR)
    served.start()
    address, cookie = f"http://127.0.0.1:{served.port}/apps/{app.slug}/messages/", _cookie(app)
    ending, written = threading.Event(), list[int]()
    gateway = threading.Thread(target=_write, args=(app, ending, written))
    try:
        before = _memory(served)
        gateway.start()
        facts = _wrk(address, cookie, SECONDS)
        ending.set()
        gateway.join()
        asked = facts["requests"]
        while asked < REQUESTS:
            asked += _wrk(address, cookie, SECONDS)["requests"]
        facts |= {
            "messages written meanwhile": sum(written),
            "worker MiB at the start": before,
            # Its name is the same at every size, or they could not be compared.
            f"worker MiB after {REQUESTS:,} requests, or some more": _memory(served),
        }
        return Found(facts=facts)
    finally:
        ending.set()
        served.stop()


def _wrk(address: str, cookie: str, seconds: int) -> Facts:
    # Its own time-out is two seconds, and leaves those that took longer out of the times.
    options = ["-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=15s", "--latency"]
    command = ["wrk", *options, "-H", f"Cookie: {cookie}", address]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    shares = {share: float(time) * _MS[unit] for share, time, unit in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", output)}
    per_second = re.search(r"Requests/sec:\s+([\d.]+)", output)
    requests = re.search(r"(\d+) requests in", output)
    assert per_second
    assert requests
    return {
        "requests": int(requests[1]),
        "requests per second": float(per_second[1]),
        "p50 ms": shares["50"],
        "p99 ms": shares["99"],
    }


def _write(app: App, ending: threading.Event, written: list[int]) -> None:
    """A batch a second, until it is told to stop."""
    try:
        number = 1_000_000
        while not ending.wait(1):
            written.append(ingest.write_messages(app=app, rows=message_rows(number, BATCH)).accepted)
            number += 1
    finally:
        connection.close()


def _cookie(app: App) -> str:
    """The session of somebody who may see the app."""
    user, _ = User.objects.get_or_create(username="bench")
    Membership.objects.update_or_create(user=user, app=app, defaults={"role": Role.OPERATOR})
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def _memory(served: Served) -> float:
    """What the largest process of the web server has for itself, in MiB."""
    assert served.server
    family = [psutil.Process(served.server.pid), *psutil.Process(served.server.pid).children(recursive=True)]
    return round(max(one.memory_full_info().uss for one in family if "postgres" not in one.name()) / (1 << 20), 1)
