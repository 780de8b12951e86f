"""Rejected lines: whole, never overwritten, and imported again from the file that holds them."""

import gzip
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from pushlog.management.commands.import_messages import _new_rejects
from pushlog.models import App, Message, StatusChange
from pushlog.row_files import MAX_LINE
from tests.factories import message_row
from tests.pushlog.management.test_import_messages import folder as folder
from tests.pushlog.management.test_import_messages import receipt_for, rejected, run, write

pytestmark = pytest.mark.django_db
COLUMNS = ["target_id", "push_type", "customer_message_id", "created_at", "title", "extras", "revoked"]


def correct(path: str, *changes: tuple[str, str]) -> str:
    """What a person does in an editor."""
    text = Path(path).read_text(encoding="utf-8")
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes)
    Path(path).write_text(text, encoding="utf-8")
    return path


def test_corrected_lines_are_imported_from_the_rejects_file(app: App, folder: Path) -> None:
    rows = [message_row(title="订单 🎉", extras={"a": [1.5, None, True]}) for _ in range(4)]
    wrong = [rows[1] | {"push_type": "pigeon"}, rows[2] | {"titel": "x"}]
    late = receipt_for(rows[0], channel="pigeon")
    write(folder / "a.jsonl", rows[0], *wrong, json.dumps(rows[3], ensure_ascii=False)[:-1], late)

    assert run(app, "a.jsonl", status=3) == {"lines read": 5, "messages accepted": 1, "lines rejected": 4}
    assert [one["row"] for one in rejected("a.jsonl.rejected.jsonl")][:2] == wrong
    name = correct("a.jsonl.rejected.jsonl", ("pigeon", "own"), ('"push_type": "own"', '"push_type": "user"'))
    name = correct(name, (', "titel": "x"', ""), ('true]}"', 'true]}}"'))
    assert run(app, name) == {"lines read": 4, "messages accepted": 3, "receipts applied": 1}
    assert Message.objects.filter(title="订单 🎉").count() == 4
    assert StatusChange.objects.count() == 1


@pytest.mark.parametrize("way", ["plain", "gzip", "standard input"])
def test_corrected_csv_is_imported_from_the_rejects_file(
    app: App, folder: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def cells(title: str, extras: str, revoked: str = "") -> str:
        row = message_row()
        return ",".join([str(row[name]) for name in COLUMNS[:4]] + [title, extras, revoked])

    lines = [
        ",".join(COLUMNS),
        cells("good", ""),
        cells('"two\nlines, ""quoted""",too many', ""),
        cells("extras", '"{""a"": [}"'),
        cells("type", '"{""a"": 1}"').replace(",user,", ",pigeon,"),
        cells("open", '"'),
        cells("café", ""),
    ]
    data = "".join(f"{line}\n" for line in lines).encode().replace("é".encode(), b"\xe9")
    name = {"plain": "a.csv", "gzip": "a.csv.gz", "standard input": "-"}[way]
    Path("input" if name == "-" else name).write_bytes(gzip.compress(data) if way == "gzip" else data)
    if name == "-":
        with open("input") as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            numbers = run(app, name, status=3)
    else:
        numbers = run(app, name, status=3)

    assert numbers == {"lines read": 6, "messages accepted": 1, "lines rejected": 5}
    path = "stdin.rejected.jsonl" if name == "-" else f"{name}.rejected.jsonl"
    entries = rejected(path)
    assert [type(one.get("row")) for one in entries] == [str, str, dict, str, type(None)]
    assert entries[0]["columns"] == COLUMNS
    # Only bytes that are not UTF-8 have to be replaced as a whole.
    path = correct(
        path,
        ("too many,", ""),
        ("[}", "[]}"),
        ("pigeon", "user"),
        ('open,\\"', "open,"),
        (f'"row_base64": "{entries[4]["row_base64"]}"', f'"row": {json.dumps(lines[6])}'),
    )
    assert run(app, path) == {"lines read": 5, "messages accepted": 5}
    titles = {"good", 'two\nlines, "quoted"', "extras", "type", "open", "café"}
    assert set(Message.objects.values_list("title", flat=True)) == titles
    assert Message.objects.get(title="type").extras == {"a": 1}


def test_bytes_that_are_not_utf8_come_back_as_they_were(app: App, folder: Path) -> None:
    Path("a.jsonl").write_bytes(b'{"title": "\xff"}\n{"title": "\x00"}\n' + json.dumps(message_row()).encode())

    run(app, "a.jsonl", status=3)
    run(app, "a.jsonl.rejected.jsonl", status=1)

    first, second = rejected("a.jsonl.rejected.jsonl"), rejected("a.jsonl.rejected-2.jsonl")
    assert first == second
    assert [one["row_base64"] for one in first] == ["eyJ0aXRsZSI6ICL/In0=", "eyJ0aXRsZSI6ICIAIn0="]


def test_rejected_line_is_not_cut(app: App, folder: Path) -> None:
    text, long = "界" * 20_000, message_row(push_type="pigeon", content="界" * 300_000)
    name = write(folder / "long.jsonl", text, json.dumps(long, ensure_ascii=False), message_row())

    run(app, name, status=3)

    assert [one["row"] for one in rejected("long.jsonl.rejected.jsonl")] == [text, long]


def test_line_that_was_not_read_whole_says_so_and_is_not_imported(app: App, folder: Path) -> None:
    row = message_row(content="界" * MAX_LINE)
    name = write(folder / "a.jsonl", json.dumps(row, ensure_ascii=False), message_row())

    run(app, name, status=3)

    [entry] = rejected("a.jsonl.rejected.jsonl")
    assert entry["cut"] is True
    assert len(entry["row"].encode()) == pytest.approx(MAX_LINE, abs=3)
    assert run(app, "a.jsonl.rejected.jsonl", status=1) == {"lines read": 1, "lines rejected": 1}
    [entry] = rejected("a.jsonl.rejected-2.jsonl")
    assert "not the whole line" in entry["error"]


def test_each_run_writes_its_own_rejects(
    app: App, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("{first", "{second"):
        Path("input").write_text(f"{text}\n{json.dumps(message_row())}\n")
        with open("input") as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            run(app, "-", status=3)
    write(folder / "a.jsonl", "{broken")
    for _ in range(3):
        run(app, "a.jsonl", status=1)
    run(app, "a.jsonl.rejected-2.jsonl", status=1)

    assert rejected("stdin.rejected.jsonl")[0]["row"] == "{first"
    assert rejected("stdin.rejected-2.jsonl")[0]["row"] == "{second"
    names = [f"a.jsonl.rejected{number}.jsonl" for number in ("", "-2", "-3", "-4")]
    assert sorted(path.name for path in folder.glob("a*rejected*")) == sorted(names)
    assert [rejected(name)[0]["row"] for name in names] == ["{broken"] * 4
    assert {stat.S_IMODE(Path(name).stat().st_mode) for name in names} == {0o600}


def test_imports_at_the_same_time_write_different_files(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(_new_rejects, ["-"] * 40))

    assert len(set(made)) == 40


def test_rejects_of_a_pipe_go_to_the_current_folder(folder: Path) -> None:
    assert _new_rejects("/dev/fd/63") == Path("63.rejected.jsonl")


@pytest.mark.parametrize(
    ("files", "status", "error"),
    [
        (["good"], 0, ""),
        (["empty"], 0, ""),
        (["mixed"], 3, "^Correct the rejected lines in mixed.rejected.jsonl, then import that, too.$"),
        (["bad"], 1, "^Nothing was stored of bad. Correct the rejected lines in bad.rejected.jsonl, then "),
        (["good", "bad", "mixed"], 1, "^Nothing was stored of bad. .* in bad.rejected.jsonl, mixed.rejected.jsonl,"),
        (["good", "mixed", "empty"], 3, "^Correct the rejected lines in mixed.rejected.jsonl"),
    ],
)
def test_exit_status_says_what_was_stored(app: App, folder: Path, files: list[str], status: int, error: str) -> None:
    row: dict[str, Any] = message_row()
    write(folder / "good", row)
    write(folder / "empty")
    write(folder / "mixed", row, "{")
    write(folder / "bad", "{", "{")

    if not status:
        call_command("import_messages", *files, app=app.slug)
        return
    with pytest.raises(CommandError, match=error) as ended:
        call_command("import_messages", *files, app=app.slug)

    assert ended.value.returncode == status
    # Rows that the log has already are stored, too.
    assert Message.objects.count() == ("bad" not in files or len(files) > 1)
