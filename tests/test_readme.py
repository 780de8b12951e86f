"""The README's examples work as pasted."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.served import ROOT, Served

CHAPTER = (ROOT / "README.md").read_text().split("\n## Writing by HTTP\n")[1].split("\n## ")[0]


def example(language: str, served: Served) -> str:
    """The chapter's example, for this console instead of the one of `make run`."""
    found = re.search(rf"```{language}\n(.*?)```", CHAPTER, re.DOTALL)
    assert found
    return found[1].replace("127.0.0.1:8000", f"127.0.0.1:{served.port}").replace(".venv/bin/python", sys.executable)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("readme") / "var")
    served.start()
    yield served
    served.stop()


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
def test_the_curl_examples_work_as_pasted(served: Served) -> None:
    result = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=example("sh", served),
        cwd=ROOT,
        env=served.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    written, applied, found, lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert (written["accepted"], written["rejected"]) == (1, [])
    assert applied["applied"] == 1
    assert [one["id"] for one in found["messages"]] == written["ids"]
    assert found["messages"][0]["status"]["outcome"] == "received"
    assert lines["accepted"] == 1


def test_the_client_works_and_goes_on_when_the_server_is_away(served: Served, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(example("python", served))
    output = served.manage("create_credential", "--app", "shop", "--name", "client")
    access = ":".join(line.split()[-1] for line in output.splitlines())

    served.kill()
    client = subprocess.Popen([sys.executable, "client.py", access], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    served.start()
    written, _ = client.communicate(timeout=60)

    assert client.returncode == 0
    assert "'accepted': 1" in written
    assert "'applied': 1" in written
    wrong = subprocess.run(
        [sys.executable, "client.py", "1:2"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 1
    assert wrong.stderr.startswith('401 {"code": "unauthorized"')
