"""The README's examples work as pasted."""

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.load.served import ROOT, Served

WRITING, TPNS = "Writing by HTTP", "For programs written for TPNS"


def example(chapter: str, language: str, served: Served) -> str:
    """A chapter's example, for this console instead of the one of `make run`."""
    text = (ROOT / "README.md").read_text().split(f"\n## {chapter}\n")[1].split("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found
    return (
        found[1]
        .replace("127.0.0.1:8000", f"127.0.0.1:{served.port}")
        .replace(".venv/bin/python", shlex.quote(sys.executable))
    )


def pasted(chapter: str, served: Served) -> list[Any]:
    """The answers to a chapter's example, pasted into a shell: one in each line that it prints."""
    result = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=example(chapter, "sh", served),
        cwd=ROOT,
        env=served.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.shell
def test_the_curl_examples_work_as_pasted(served: Served) -> None:
    written, applied, found, lines = pasted(WRITING, served)

    assert (written["accepted"], written["rejected"]) == (1, [])
    assert applied["applied"] == 1
    assert [one["id"] for one in found["messages"]] == written["ids"]
    assert found["messages"][0]["status"]["outcome"] == "received"
    assert lines["accepted"] == 1


@pytest.mark.shell
def test_the_examples_for_programs_written_for_tpns_work_as_pasted(served: Served) -> None:
    task = {"push_id": "133703", "target_kind": "all", "pushed_at": datetime.now(UTC).isoformat()}
    code = "from pushlog import ingest; from pushlog.models import App; app = App.objects.get(slug='shop')"
    served.manage("shell", "-v", "0", "-c", f"{code}; ingest.write_tasks(app=app, rows=[{task}])")

    newest, same = pasted(TPNS, served)

    assert newest["retCode"] == same["retCode"] == 0
    assert newest["count"] >= len(newest["pushRecordData"]) == 1
    assert same["pushRecordData"][0]["pushId"] == newest["pushRecordData"][0]["pushId"]


@pytest.mark.embedded
def test_the_client_works_and_goes_on_when_the_server_is_away(served: Served, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(example(WRITING, "python", served))
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
