"""Through the real web server: calls at once from many processes, answered by two workers, and a database that dies."""

import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.request import Request, urlopen

import pytest

from tests.load.served import Served
from tests.pushlog.tpns.client import PATH

pytestmark = pytest.mark.embedded

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


def test_two_slashes_and_an_unknown_host(served: Served) -> None:
    authorization = served.credential()

    assert one_call(served, authorization, path=f"/{PATH}")[0] == 1008015
    assert one_call(served, authorization, host="evil.example")[0] == 1008035


def test_of_201_calls_at_once_one_is_refused_and_so_are_those_after_a_restart(served: Served) -> None:
    authorization = served.credential()

    assert sorted(calls_at_once(served, authorization)) == [1008015] * 200 + [1008028]
    assert calls_at_once(served, authorization) == [1008028] * 201
    # Another credential of the same app has an hour of its own.
    assert one_call(served, served.credential())[0] == 1008015

    served.kill()
    served.start()
    code, retry_after = one_call(served, authorization)
    assert code == 1008028
    assert 3000 < int(retry_after) <= 3600


def test_answers_are_json_while_the_database_dies(served: Served) -> None:
    authorization = served.credential()
    served.query("UPDATE pushlog_credential SET calls_per_hour = 1000000 RETURNING 1")
    codes: list[int] = []
    stop = Event()

    def call() -> None:
        while not stop.is_set():
            codes.append(one_call(served, authorization)[0])

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call) for _ in range(2)]
        served.kill_database()
        before = len(codes)
        while len(codes) < before + 50 and not any(one.done() for one in calls):
            time.sleep(0.1)
        stop.set()
        for one in calls:
            one.result()

    assert set(codes) == {1008015, 1008004}
    assert set(codes[-20:]) == {1008015}


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


def one_call(served: Served, authorization: str, *, path: str = PATH, host: str = "localhost") -> tuple[int, str]:
    """The code of an answer, and when to come back."""
    headers = {"Authorization": authorization, "Host": host}
    request = Request(f"http://127.0.0.1:{served.port}{path}", b'{"pushId": 17}', headers)
    with urlopen(request, timeout=60) as answer:
        return int(json.load(answer)["retCode"]), answer.headers["Retry-After"] or ""
