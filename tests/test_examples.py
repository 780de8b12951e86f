"""The examples of the documents work as pasted."""

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.documents import ROOT, examples
from tests.load.served import Served


def blocks(name: str, language: str, served: Served) -> list[str]:
    """A document's examples in order, for this console instead of the one of `make run`."""
    python = shlex.quote(sys.executable)
    ours = {
        "127.0.0.1:8000": f"127.0.0.1:{served.port}",
        ".venv/bin/python manage.py": f"{python} {shlex.quote(str(ROOT / 'manage.py'))}",
        ".venv/bin/python": python,
    }
    theirs = re.compile("|".join(map(re.escape, ours)))
    found = [one for one in examples([ROOT / name]) if one.language == language and one.not_run is None]
    return [theirs.sub(lambda match: ours[match[0]], one.text) for one in found]


def pasted(name: str, served: Served, folder: Path) -> list[str]:
    """What a document's examples print, all pasted into one shell, line by line."""
    result = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input="\n".join(blocks(name, "sh", served)),
        cwd=folder,
        env=served.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.splitlines()


@pytest.mark.shell
def test_the_readme_stores_a_message_by_http_and_two_rows_by_file(served: Served, tmp_path: Path) -> None:
    written, *imported = pasted("README.md", served, tmp_path)

    assert json.loads(written[: written.rindex("}") + 1])["accepted"] == 1
    assert "2 lines read" in written + imported[0]
    assert any(re.search(r"\b1 messages", line) for line in imported)
    assert any(re.search(r"\b1 receipts", line) for line in imported)


@pytest.mark.shell
def test_importing_stores_rows_and_takes_back_corrected_ones(served: Served, tmp_path: Path) -> None:
    printed = "\n".join(pasted("docs/importing.md", served, tmp_path))

    first, second, third = printed.split("lines read\n")[1:]
    assert "2 messages" in first
    assert "1 receipts" in first
    assert "1 messages" in second
    assert "1 lines rejected" in second
    assert "1 messages" in third
    assert "0 lines rejected" in third


@pytest.mark.shell
def test_the_http_api_writes_reads_and_takes_gzip(served: Served, tmp_path: Path) -> None:
    written, applied, found, lines = map(json.loads, pasted("docs/http-api.md", served, tmp_path))

    assert (written["accepted"], written["rejected"]) == (1, [])
    assert applied["applied"] == 1
    assert [one["id"] for one in found["messages"]] == written["ids"]
    assert found["messages"][0]["status"]["outcome"] == "received"
    assert lines["accepted"] == 1


@pytest.mark.shell
def test_tpns_answers_both_forms_and_takes_a_credential_along(served: Served, tmp_path: Path) -> None:
    task = {"push_id": "133703", "target_kind": "all", "pushed_at": datetime.now(UTC).isoformat()}
    code = "from pushlog import ingest; from pushlog.models import App; app = App.objects.get(slug='shop')"
    served.manage("shell", "-v", "0", "-c", f"{code}; ingest.write_tasks(app=app, rows=[{task}])")

    first, second, *credential = pasted("docs/tpns.md", served, tmp_path)

    newest, same = json.loads(first), json.loads(second)
    assert newest["retCode"] == same["retCode"] == 0
    assert newest["count"] >= len(newest["pushRecordData"]) == 1
    assert same["pushRecordData"][0]["pushId"] == newest["pushRecordData"][0]["pushId"]
    assert any("1500001048" in line for line in credential)


@pytest.mark.shell
def test_operations_backs_up_and_restores_the_embedded_database(served: Served, tmp_path: Path) -> None:
    pasted("docs/operations.md", served, tmp_path)

    [(size,)] = served.query("SELECT pg_database_size('restored')")
    assert size > 0
    [(here,)] = served.query("SELECT count(*) FROM pushlog_message")
    [(there,)] = served.query("SELECT count(*) FROM pushlog_message", database="restored")
    assert here == there > 0


@pytest.mark.shell
def test_contributing_loads_a_demo(served: Served, tmp_path: Path) -> None:
    assert any("messages stored" in line for line in pasted("CONTRIBUTING.md", served, tmp_path))


@pytest.mark.embedded
def test_the_client_works_and_goes_on_when_the_server_is_away(served: Served, tmp_path: Path) -> None:
    [client_text] = blocks("docs/http-api.md", "python", served)
    (tmp_path / "client.py").write_text(client_text)
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
