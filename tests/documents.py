"""The documents of the repository, and what stands in them: links, headings, examples."""

import re
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
_BLOCK = re.compile(
    r"^(?:[ ]*<!-- not run: (?P<reason>.*?) -->\n)?(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Example(NamedTuple):
    """A fenced block: the line of its fence, its language, its text, and why no test runs it."""

    document: Path
    line: int
    language: str
    text: str
    not_run: str | None


def examples(documents: Iterable[Path] = DOCUMENTS) -> list[Example]:
    """The fenced blocks of documents, in order."""
    return [
        Example(
            document,
            text.count("\n", 0, found.start("indent")) + 1,
            found["language"],
            dedent(found["text"]),
            found["reason"],
        )
        for document, text in ((one, one.read_text()) for one in documents)
        for found in _BLOCK.finditer(text)
    ]


def links(document: Path) -> list[str]:
    """The relative links and pictures of a document, without what stands in blocks and code."""
    text = re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", document.read_text()))
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
