"""The limit through the real web server: calls at once from many processes, answered by two workers."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.load.served import Served
from tests.pushlog.tpns.client import PATH

# Each process sends its calls one after the other, once a line comes, and prints the codes.
CALLS = """
import json, sys
from urllib.request import Request, urlopen
url, authorization, calls = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(calls)):
    request = Request(url, b'{"pushId": "17"}', {"Authorization": authorization})
    with urlopen(request, timeout=60) as answer:
        assert answer.status == 200
        print(json.load(answer)["retCode"], flush=True)
"""
PROCESSES, CALLS_EACH = 20, [10] * 19 + [11]  # 201


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path / "var")


def test_of_201_calls_at_once_one_is_refused_and_so_are_those_after_a_restart(served: Served) -> None:
    served.start()
    try:
        authorization = served.credential()
        assert sorted(calls_at_once(served, authorization)) == [1008015] * 200 + [1008028]
        # As many more at once, and others of the same app, who have an hour of their own.
        assert calls_at_once(served, authorization) == [1008028] * 201
        assert one_call(served, served.credential())[0] == 1008015

        served.kill()
        served.start()
        code, retry_after = one_call(served, authorization)
        assert code == 1008028
        assert 3000 < int(retry_after) <= 3600
    finally:
        served.stop()


def calls_at_once(served: Served, authorization: str) -> list[int]:
    """What was answered to 201 calls from 20 processes that begin together."""
    url = f"http://127.0.0.1:{served.port}{PATH}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CALLS, url, authorization, f"{calls}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for calls in CALLS_EACH
    ]
    assert len(processes) == PROCESSES
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    outputs = []
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        outputs.append(process.communicate(timeout=120)[0])
        assert process.returncode == 0
    return [int(code) for output in outputs for code in re.findall(r"\d+", output)]


def one_call(served: Served, authorization: str) -> tuple[int, str]:
    """The code of an answer, and when to come back."""
    request = Request(f"http://127.0.0.1:{served.port}{PATH}", b'{"pushId": 17}', {"Authorization": authorization})
    with urlopen(request, timeout=60) as answer:
        return int(json.load(answer)["retCode"]), answer.headers["Retry-After"] or ""
