"""Hostile requests to the real web server: no error of ours, no hang, and memory stays."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.load.served import ROOT, Served

pytestmark = pytest.mark.embedded

LOGIN = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from pushlog.models import App, Credential, Membership
user = User.objects.create_superuser("hostile")
Membership.objects.bulk_create(Membership(user=user, app=app, role="manager") for app in App.objects.all())
Credential.objects.update(
    requests_per_minute=2**31 - 1, rows_per_minute=2**31 - 1, mib_per_minute=2**31 - 1, calls_per_hour=2**31 - 1
)
session = SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "console.access.Backend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.create()
print(session.session_key)
"""
CLIENTS = 4


def attack(served: Served, access: dict[str, str], requests: int, seed: int) -> Counter[int]:
    """So many hostile requests from four clients at once; gives how often each status was answered."""
    clients = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.load.hostile",
                str(served.port),
                str(requests // CLIENTS),
                str(seed + number),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(CLIENTS)
    ]
    for client in clients:
        assert client.stdin
        client.stdin.write(json.dumps(access))
        client.stdin.close()
        client.stdin = None
    statuses: Counter[int] = Counter()
    wrong = []
    for client in clients:
        output, _ = client.communicate()
        assert client.returncode == 0
        found = json.loads(output)
        statuses.update({int(status): number for status, number in found["statuses"].items()})
        wrong += found["wrong"]
    print(f"\n{sum(statuses.values()):,} requests: {sorted(statuses.items())}")
    assert not wrong, "\n".join(map(str, wrong))
    return statuses


def memory(served: Served) -> float:
    """MiB of the largest worker."""
    assert served.server
    workers = psutil.Process(served.server.pid).children()
    return max(worker.memory_info().rss for worker in workers) / 2**20


@pytest.fixture(scope="module")
def access(served: Served) -> dict[str, str]:
    authorization = served.credential()
    key = served.manage("shell", "-v", "0", "-c", LOGIN).strip()
    return {"Authorization": authorization, "Cookie": f"sessionid={key}"}


def test_hostile_requests_are_answered(served: Served, access: dict[str, str]) -> None:
    statuses = attack(served, access, 1_200, seed=1)

    # They reach what they attack.
    assert {200, 302, 400, 401, 403, 404, 405, 415, 422} <= statuses.keys()
    assert statuses[200] > 200
    assert "Traceback" not in served.log.read_text()


@pytest.mark.long
def test_a_million_hostile_requests(served: Served, access: dict[str, str], tmp_path: Path) -> None:
    total = int(os.environ.get("HOSTILE", 1_000_000))
    attack(served, access, 20_000, seed=100)
    before = memory(served)

    statuses = attack(served, access, total - 20_000, seed=200)

    after = memory(served)
    print(f"worker: {before:.0f} MiB after 20,000 requests, {after:.0f} MiB at the end")
    assert sum(statuses.values()) >= total - 20_000 - CLIENTS
    assert after < 1.2 * before + 10
    assert "Traceback" not in served.log.read_text()


@pytest.mark.long
def test_schemathesis_finds_no_error(served: Served, access: dict[str, str]) -> None:
    """Its own requests, by the description of the API, to the real server."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "--checks", "not_a_server_error"]
    command += [
        "--max-examples",
        os.environ.get("EXAMPLES", "3000"),
        "--header",
        f"Authorization: {access['Authorization']}",
    ]
    command += ["--suppress-health-check", "all", f"http://127.0.0.1:{served.port}/api/v1/openapi.json"]

    result = subprocess.run(command, cwd=served.var.parent, capture_output=True, text=True, check=False)

    print(result.stdout[-2000:])
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
