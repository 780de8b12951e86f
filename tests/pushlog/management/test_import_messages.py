"""The command that reads files into the log. What a broken line is, is tested with `pushlog.row_files`."""

import gzip
import io
import json
import os
import re
import stat
import zlib
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError

from pushlog import ingest
from pushlog.management.commands import import_messages
from pushlog.models import App, EarlyReceipt, Message, StatusChange
from pushlog.postgres import partitions
from tests.factories import create_app, message_row
from tests.pushlog.threads import run_together, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *lines: dict[str, Any] | str) -> str:
    """A file of JSON Lines; a text is a line as it stands."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path.name


def receipt_for(row: dict[str, Any], **fields: Any) -> dict[str, Any]:
    both = {field: row[field] for field in ("target_id", "customer_message_id")}
    return both | {"channel": "own", "code": 2, "at": row["created_at"]} | fields


def run(app: App, *files: str, status: int = 0, **options: Any) -> dict[str, int]:
    """Imports files, which must end with `status`; gives the numbers of the summary by their words."""
    out = io.StringIO()
    found = 0
    try:
        call_command("import_messages", *files, app=app.slug, stdout=out, **options)
    except CommandError as error:
        found = error.returncode
        if not out.getvalue():
            raise
    assert found == status
    return summary(out.getvalue())


def summary(text: str) -> dict[str, int]:
    found = re.findall(r"^ *([\d,]+) ([a-z ]+[a-z])", text, re.MULTILINE)
    numbers = {words: int(number.replace(",", "")) for number, words in found}
    assert sum(numbers.values()) == 2 * numbers["lines read"]
    return {words: number for words, number in numbers.items() if number}


def rejected(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def mixed(folder: Path) -> str:
    """Three messages, one of them twice; four receipts, one late and one without a message; two broken lines."""
    first, second, third = message_row(), message_row(title="订单 🎉"), message_row()
    late = receipt_for(first, at="2000-01-01T00:00:00Z")
    return write(
        folder / "mixed.jsonl",
        receipt_for(first),
        first,
        "{broken",
        second,
        third,
        third,
        "",
        receipt_for(second, code=0),
        receipt_for(second, code=0),
        receipt_for(message_row()),
        late,
        message_row(push_type="pigeon"),
    )


def test_import_adds_up(app: App, folder: Path) -> None:
    numbers = run(app, mixed(folder), status=3)

    assert numbers == {
        "lines read": 11,
        "messages accepted": 3,
        "duplicates": 1,
        "receipts applied": 2,
        "receipts stale": 1,
        "early receipts": 1,
        "lines rejected": 3,
    }
    assert Message.objects.filter(app=app).count() == 3
    assert set(Message.objects.values_list("code", flat=True)) == {2, 0, -1000}
    assert StatusChange.objects.count() == 2
    assert EarlyReceipt.objects.count() == 1


def test_import_writes_refused_lines_for_their_owner_only(app: App, folder: Path) -> None:
    name = mixed(folder)
    lines = Path(name).read_text(encoding="utf-8").splitlines()

    run(app, name, status=3)

    entries = rejected("mixed.jsonl.rejected.jsonl")
    assert [entry["line"] for entry in entries] == [3, 11, 12]
    assert [entry["row"] for entry in entries] == ["{broken", json.loads(lines[10]), json.loads(lines[11])]
    assert "not JSON" in entries[0]["error"]
    assert entries[1]["error"].startswith("at: ")
    assert entries[2]["error"].startswith("push_type: ")
    assert stat.S_IMODE(Path("mixed.jsonl.rejected.jsonl").stat().st_mode) == 0o600


def test_import_again_accepts_nothing(app: App, folder: Path) -> None:
    rows = [message_row() for _ in range(5)]
    name = write(folder / "a.jsonl", *rows, *map(receipt_for, rows))
    assert run(app, name) == {"lines read": 10, "messages accepted": 5, "receipts applied": 5}

    assert run(app, name) == {"lines read": 10, "duplicates": 5, "receipts stale": 5}
    assert Message.objects.count() == 5
    assert StatusChange.objects.count() == 5


@pytest.mark.parametrize("batch", [1, 3, 10_000])
def test_import_result_does_not_depend_on_batches(app: App, folder: Path, batch: int) -> None:
    rows = [message_row() for _ in range(7)]
    name = write(folder / "a.jsonl", *map(receipt_for, rows), *rows, "{broken")

    numbers = run(app, name, batch=batch, status=3)

    assert (numbers["lines read"], numbers["messages accepted"], numbers["lines rejected"]) == (15, 7, 1)
    assert set(Message.objects.values_list("code", flat=True)) == {2}


def test_import_several_files_gzip_and_csv(app: App, folder: Path) -> None:
    row, other = message_row(), message_row(extras={"a": 1}, title="two\nlines")
    Path("a.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    cells = [str(other[field]) for field in ("target_id", "push_type", "customer_message_id", "created_at")]
    table = "target_id,push_type,customer_message_id,created_at,title,extras,expires_in,code,revoked\n"
    Path("b.csv").write_text(table + ",".join(cells) + ',"two\nlines","{""a"": 1}",300,,\n', encoding="utf-8")

    assert run(app, "a.gz", "b.csv") == {"lines read": 2, "messages accepted": 2}

    message = Message.objects.get(target_id=other["target_id"])
    assert (message.title, message.extras) == ("two\nlines", {"a": 1})
    assert message.expires_at is not None
    assert (message.expires_at - message.created_at).total_seconds() == pytest.approx(300, abs=0.001)


def test_import_gzip_cut_short_keeps_good_part_and_fails(app: App, folder: Path) -> None:
    lines = [json.dumps(message_row()) for _ in range(2_000)]
    whole = gzip.compress("\n".join(lines).encode())
    Path("a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    out = io.StringIO()

    with pytest.raises(CommandError, match=r"Not read to the end: a.jsonl.gz, line [\d,]+: reading ended here"):
        call_command("import_messages", "a.jsonl.gz", app=app.slug, stdout=out)

    numbers = summary(out.getvalue())
    assert numbers["messages accepted"] == Message.objects.count() > 100
    assert numbers["lines rejected"] == 1


def test_import_refuses_before_anything_is_stored(app: App, folder: Path) -> None:
    good = write(folder / "good.jsonl", message_row())
    Path("bad.csv").write_text("target_id,titel\n", encoding="utf-8")
    Path("folder").mkdir()

    for bad, error in [
        ("missing.jsonl", "missing.jsonl: No such file or directory"),
        ("folder", "folder: Is a directory"),
        ("bad.csv", "bad.csv: .* unknown: “titel”"),
    ]:
        with pytest.raises(CommandError, match=f"^{error}$"):
            run(app, good, bad)
    with pytest.raises(CommandError, match="^Unknown app “nobody”. Known: .*" + app.slug):
        call_command("import_messages", good, app="nobody")
    with pytest.raises(CommandError, match="--batch"):
        run(app, good, batch=10_001)

    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("failure", "error", "status"),
    [
        (KeyboardInterrupt(), r"^Stopped. Stored: everything up to line 2 of a.jsonl.$", 130),
        (OperationalError("gone\nDETAIL: x"), r"^The database failed: gone. Stored: .* line 2 of a.jsonl.$", 1),
    ],
)
def test_import_stopped_says_what_is_stored(
    app: App, folder: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, error: str, status: int
) -> None:
    name = write(folder / "a.jsonl", *[message_row() for _ in range(5)])
    store, calls = ingest.write_messages, []

    def failing(**arguments: Any) -> ingest.MessagesResult:
        calls.append(arguments)
        if len(calls) == 2:
            raise failure
        return store(**arguments)

    monkeypatch.setattr(ingest, "write_messages", failing)
    out = io.StringIO()

    with pytest.raises(CommandError, match=error) as stopped:
        call_command("import_messages", name, app=app.slug, batch=2, stdout=out)

    assert stopped.value.returncode == status
    assert summary(out.getvalue()) == {"lines read": 2, "messages accepted": 2}
    assert Message.objects.count() == 2


def test_import_database_that_cannot_be_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(App.objects, "filter", unreachable)

    with pytest.raises(CommandError, match=r"^The database failed: connection refused. Stored: nothing.$"):
        call_command("import_messages", "a.jsonl", app="shop")


def test_import_no_bar_without_terminal(app: App, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(app, write(folder / "a.jsonl", message_row()))

    assert capsys.readouterr().err == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["jsonl", "csv", "gzip"])
def test_a_pipe_is_stored_while_it_stays_open(folder: Path, transactional_db: None, form: str) -> None:
    """Two lines and half of a third: the two are stored before anything else comes."""
    partitions.ensure_window()
    app = create_app()
    rows = [message_row() for _ in range(3)]
    names = ["target_id", "push_type", "customer_message_id", "created_at"]
    if form == "csv":
        lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    text = "".join(f"{line}\n" for line in lines).encode()
    cut = len(text) - 20
    os.mkfifo("pipe")

    def send() -> None:
        packer = zlib.compressobj(wbits=31)
        with open("pipe", "wb", buffering=0) as pipe:
            for part in (text[:cut], text[cut:]):
                if form == "gzip":
                    pipe.write(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH))
                else:
                    pipe.write(part)
                wait_until(lambda: Message.objects.count() >= 2)
            pipe.write(packer.flush() if form == "gzip" else b"")

    stored: list[dict[str, int]] = []
    run_together(send, lambda: stored.append(run(app, "pipe", flush_after=0.05, form=form if form == "csv" else None)))

    assert stored == [{"lines read": 3, "messages accepted": 3}]


def test_lines_that_drip_are_stored_in_time(app: App, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the pipe is never empty."""
    write(folder / "rows.jsonl", *(message_row() for _ in range(3)))
    sizes = []
    moments = count()
    monkeypatch.setattr("pushlog.management.commands.import_messages.time.monotonic", lambda: float(next(moments)))
    monkeypatch.setattr(import_messages, "_store", lambda app, batch, totals, rejected: sizes.append(len(batch)))

    call_command("import_messages", "rows.jsonl", app=app.slug, flush_after=1.0, stdout=io.StringIO())

    assert sizes == [1, 1, 1]


@pytest.mark.parametrize("seconds", [0, -1, 3601, float("nan")])
def test_flush_after_has_bounds(app: App, seconds: float) -> None:
    with pytest.raises(CommandError, match="--flush-after"):
        call_command("import_messages", "-", app=app.slug, flush_after=seconds)
