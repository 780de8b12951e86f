"""What the layout promises: who may import whom, and who may write."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("pushlog", "console")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts
]
RECORD = {"Message", "StatusChange", "EarlyReceipt", "PushTask"}
TABLES = ("pushlog_message", "pushlog_statuschange", "pushlog_keptreceipt", "pushlog_pushtask")
WRITES = {
    *("save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"),
    *("asave", "acreate", "aupdate", "adelete", "abulk_create", "abulk_update", "aget_or_create", "aupdate_or_create"),
}
SQL_WRITE = re.compile(r"f?[\"']+(?:\\n|\s)*(?:INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE(?: TABLE)?)\s+(\{|\w+)")
WRITERS = ROOT / "pushlog" / "ingest"
# Has no table of its own: its callers name one.
COPY = ROOT / "pushlog" / "postgres" / "copying.py"
DIALECT = ROOT / "pushlog" / "tpns"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            yield ast.unparse(node.args[0]).strip("'\"")


def writes(tree: ast.AST) -> list[str]:
    """Whatever writes the record: by way of a model or a row of one, or in SQL with its table or a made-up one."""
    names = set(RECORD)
    for _ in range(3):  # as often as needed for `rows = Message.objects.all()`, `for row in rows`, `copy = row`
        for node in ast.walk(tree):
            names |= {name.id for name in _given(node, names) if isinstance(name, ast.Name)}
            if isinstance(node, ast.arg) and node.annotation and _mentions(node.annotation, names):
                names.add(node.arg)
    return [ast.unparse(node) for node in ast.walk(tree) if _is_write(node, names)]


def _given(node: ast.AST, names: set[str]) -> Iterator[ast.AST]:
    """The targets of an assignment or a loop, if what they are given mentions one of the names."""
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value and _mentions(node.value, names):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from ast.walk(target)
    elif isinstance(node, (ast.For, ast.comprehension)) and _mentions(node.iter, names):
        yield from ast.walk(node.target)


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(
        (isinstance(one, ast.Name) and one.id in names)
        or (isinstance(one, ast.Attribute) and one.attr in RECORD)
        or (isinstance(one, ast.Constant) and one.value in RECORD)  # an annotation in quotes
        for one in ast.walk(node)
    )


def _is_another_table(node: ast.AST) -> bool:
    """Whether the first value put into a text is the table of a model that is not of the record."""
    first = next((one.value for one in ast.walk(node) if isinstance(one, ast.FormattedValue)), None)
    return first is not None and ast.unparse(first).endswith("._meta.db_table") and not _mentions(first, set(RECORD))


def _is_write(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in WRITES and _mentions(node.func.value, names)
    if isinstance(node, (ast.Constant, ast.JoinedStr)) and (found := SQL_WRITE.match(ast.unparse(node))):
        return (found[1] == "{" and not _is_another_table(node)) or found[1].startswith(TABLES)
    return False


@pytest.mark.parametrize("path", [path for path in SOURCES if ROOT / "pushlog" in path.parents], ids=named)
def test_pushlog_never_imports_console(path: Path) -> None:
    found = [name for name in imports(ast.parse(path.read_text())) if name.split(".")[0] == "console"]

    assert found == []


@pytest.mark.parametrize("path", [path for path in SOURCES if DIALECT in path.parents], ids=named)
def test_the_dialect_does_not_know_our_own_api(path: Path) -> None:
    assert [name for name in imports(ast.parse(path.read_text())) if name.startswith("pushlog.api")] == []


@pytest.mark.parametrize("path", [path for path in SOURCES if WRITERS not in path.parents and path != COPY], ids=named)
def test_only_ingest_writes_the_record(path: Path) -> None:
    assert writes(ast.parse(path.read_text())) == []


def test_ingest_does_write_the_record() -> None:
    """Or the test above would prove nothing."""
    found = [line for path in WRITERS.glob("*.py") for line in writes(ast.parse(path.read_text()))]

    assert len(found) >= 5


@pytest.mark.parametrize(
    "source",
    [
        "Message.objects.create(id=1)",
        "models.Message.objects.filter(pk=1).update(title='')",
        "EarlyReceipt.objects.all().delete()",
        "rows = Message.objects.all()\nfor row in rows:\n    row.save()",
        "message = get_object_or_404(Message, pk=1)\nmessage.save(update_fields=['title'])",
        "def change(message: Message) -> None:\n    message.delete()",
        "def change(message: 'Message') -> None:\n    message.delete()",
        "StatusChange.objects.bulk_create([])",
        "cursor.execute('UPDATE pushlog_message SET title = 1')",
        "SQL = f'INSERT INTO {table} VALUES (1)'",
        "SQL = '''\n    DELETE FROM pushlog_keptreceipt\n'''",
    ],
)
def test_writes_are_recognised(source: str) -> None:
    assert writes(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "Message.objects.filter(pk=1).exists()",
        "words.update(Message.ROW_FIELDS)",
        "App.objects.create(slug='a')",
        "message = 'Update the app'\nform.save()",
        "SQL = f'SELECT * FROM {table}'",
    ],
)
def test_reads_are_not_taken_for_writes(source: str) -> None:
    assert not writes(ast.parse(source))


@pytest.mark.parametrize("path", [path for path in SOURCES if DIALECT not in path.parents], ids=named)
def test_only_the_dialect_spells_as_tpns_does(path: Path) -> None:
    assert not re.search(r"[\"'](PUSH_|1008|pushId|retCode|token_list|msgType)", path.read_text())
