"""The documents: links lead somewhere, examples have a test or a reason, and nothing of the product is left out."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from pushlog.api.endpoints import api
from pushlog.ingest.rows import MessageRow, ReceiptRow
from pushlog.ingest.task_rows import TaskRow
from pushlog.models import Mode, PushType, TargetKind, TaskState
from pushlog.statuses import Channel
from pushlog.tpns.codes import Code
from tests.documents import DOCUMENTS, ROOT, Example, anchors, examples, links

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
README_BYTES = 8192
# Of the page that the recipe for a page makes.
NOT_YET = {"console/views/members.py", "templates/members.html", "tests/console/views/test_members.py"}
# A text outside the repository is no use to its reader.
OUTSIDE = re.compile(r"\bshared/|\bfacts/|\blessons?\b|\b[Rr]ule [A-P]\b|\bdesign, section\b|\bstyle\.md\b")
SOURCES = [
    path
    for folder in ("console", "pushlog", "templates", "docs", "deploy")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".html", ".md", ".csv", ".service", ""} and path.is_file()
] + DOCUMENTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for link in links(document):
        address, _, anchor = link.partition("#")
        target = (document.parent / address).resolve() if address else document
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_file_that_a_document_names_exists() -> None:
    name = re.compile(r"`((?:console|deploy|docs|pushlog|static|templates|tests)/[\w./-]*)`")
    named = {path for document in DOCUMENTS for path in name.findall(document.read_text())}

    assert {path for path in named if not (ROOT / path).exists()} == NOT_YET


def test_readme_is_short_and_has_one_picture() -> None:
    readme = ROOT / "README.md"

    assert len(readme.read_bytes()) <= README_BYTES
    assert [link for link in links(readme) if link.endswith(".png")] == ["docs/list-wide-light.png"]


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document not in reached and document.suffix == ".md":
            reached.add(document)
            addresses = [link.partition("#")[0] for link in links(document)]
            waiting += [(document.parent / one).resolve() for one in addresses if one]

    assert reached >= set(DOCUMENTS)


def test_every_example_is_run_or_says_why_not() -> None:
    tested = (ROOT / "tests" / "test_examples.py").read_text()

    for example in examples():
        assert example.language in {"sh", "python", "sql", ""}, example
        if example.not_run is None and example.language in {"sh", "python"}:
            assert f'"{example.document.relative_to(ROOT)}"' in tested, example
        assert example.not_run != "", example


def test_examples_that_are_not_run_are_few() -> None:
    """A reason is easily written. Whoever adds one changes this number too."""
    assert len([one for one in examples() if one.not_run]) == 10


def test_every_setting_is_documented_and_no_other() -> None:
    in_code = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "console" / "settings.py").read_text()))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))

    assert documented == in_code


def test_every_command_is_documented_and_no_other() -> None:
    ours = {name for name, app in get_commands().items() if app in {"console", "pushlog"}}
    documented = set(re.findall(r"^\| `manage\.py (\w+)", OPERATIONS, re.MULTILINE))

    assert documented == ours


def test_every_make_target_is_documented_and_no_other() -> None:
    rules = re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)
    cells = re.findall(r"^\| (`make .*?) \|", OPERATIONS, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"`make ([a-z-]+)", cell)}

    assert documented == set(rules)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_targets_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()

    assert set(re.findall(r"\bmanage\.py ([a-z_]+)", text)) <= get_commands().keys()
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) <= set(
        re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)
    )


def test_every_call_of_the_api_is_documented_and_no_other(db: None) -> None:
    calls = {
        f"{method.upper()} {path}" for path, methods in api.get_openapi_schema()["paths"].items() for method in methods
    }
    documented = re.findall(r"^\| `((?:GET|POST) [^`]+)` \|", (ROOT / "docs" / "http-api.md").read_text(), re.MULTILINE)

    assert set(documented) == calls


def test_every_code_and_address_of_the_tpns_dialect_is_documented() -> None:
    text = (ROOT / "docs" / "tpns.md").read_text()
    codes = re.findall(r"^\| (\d+) \| `(.+?)` \|", text, re.MULTILINE)

    assert sorted((int(number), words) for number, words in codes) == sorted((code.value, code.text) for code in Code)
    assert "POST /v3/statistics/get_push_record" in text


@pytest.mark.parametrize(
    ("chapter", "row"), [("A message", MessageRow), ("A receipt", ReceiptRow), ("A push task", TaskRow)]
)
def test_every_field_of_a_row_is_documented_and_no_other(chapter: str, row: type) -> None:
    text = (ROOT / "docs" / "importing.md").read_text().split(f"\n## {chapter}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    assert documented == row.model_fields.keys()  # type: ignore[attr-defined]  # a pydantic model


def test_every_word_of_a_row_is_documented() -> None:
    text = (ROOT / "docs" / "importing.md").read_text()
    words = {word for choices in (Channel, Mode, PushType, TargetKind, TaskState) for word in choices.by_word()}

    assert words <= set(re.findall(r"`(\w+)`", text))


def test_no_source_cites_a_text_outside_the_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in SOURCES
        if "__pycache__" not in path.parts and (match := OUTSIDE.search(path.read_text()))
    ]

    assert found == []


def test_decisions_have_one_shape() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    listed = links(ROOT / "docs" / "decisions" / "README.md")

    assert listed == [page.name for page in pages]
    for number, page in enumerate(pages, 1):
        text = page.read_text()
        assert text.startswith(f"# {number}. "), page
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page
        assert len(text.splitlines()) <= 60, page


def test_an_example_is_found_with_its_reason(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("<!-- not run: needs root -->\n```sh\nrm x\n```\n\n- a list\n\n  ```sh\n  ls\n  ```\n")

    assert examples([document]) == [
        Example(document, 2, "sh", "rm x\n", "needs root"),
        Example(document, 8, "sh", "ls\n", None),
    ]
