"""Writes the part of Tabler that our pages can use, and the dark theme for browsers without scripts: `make styles`.

A rule stays if a selector of it can match: all its classes and data attributes stand in a template or a script of ours,
of Django's admin or of allauth. Custom properties stay if anything reads them, and animations if anything plays them.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import allauth
import django
import tinycss2

ROOT = Path(__file__).resolve().parents[1]
WHOLE = ROOT / "tools" / "tabler" / "tabler.min.css"
USED = ROOT / "static" / "vendor" / "tabler" / "tabler.used.css"
OURS = ROOT / "static" / "console" / "console.css"
DARK = ROOT / "static" / "console" / "system-dark.css"
_DARK = "[data-bs-theme=dark]"

_IN_HTML = re.compile(r"""class=\\?["']((?:\{%.*?%\}|\{\{.*?\}\}|[^"'<>])*)""")
# What a template puts into the class of the one that it extends.
_IN_BLOCK = re.compile(r"\{% block (?:\w*class|coltype) %\}([^{]*)\{% endblock")
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}")
_IN_SCRIPT = re.compile(r"""(["'`])((?:(?!\1)[^\\\n]|\\.)*)\1""")
_DATA = re.compile(r"\bdata-[\w-]+")
_READ = re.compile(r"var\(\s*(--[\w-]+)")
_HOLDS_RULES = {"media", "supports", "layer", "container"}

Nodes = list[Any]


def cut(sheet: str, classes: set[str], data: set[str]) -> str:
    """A style sheet with the rules that stay, in their order."""
    kept = list(_kept(tinycss2.parse_stylesheet(sheet), classes, data))
    read = _read_properties(kept)
    played = _played_animations(kept)
    return "".join(_written(kept, read, played)) + "\n"


def used_names() -> tuple[set[str], set[str]]:
    """Classes and data attributes. Words that are neither do no harm, unless Tabler has a class of that name."""
    classes, data = set[str](), set[str]()
    for path in _sources():
        text = path.read_text()
        data.update(_DATA.findall(text))
        classes.update(word for words in _class_words(path, text) for word in words.split())
    return classes, data


def _sources() -> Iterator[Path]:
    of_django = Path(django.__file__).parent
    for folder, suffix in (
        (ROOT / "templates", "html"),
        (ROOT / "console", "py"),
        (ROOT / "static" / "console", "js"),
        (of_django / "contrib" / "admin", "py"),
        (of_django / "contrib" / "admin" / "templates", "html"),
        (of_django / "contrib" / "admin" / "static" / "admin" / "js", "js"),
        (of_django / "contrib" / "auth" / "templates", "html"),
        (of_django / "forms", "py"),
        (of_django / "forms" / "templates", "html"),
        (Path(allauth.__file__).parent, "html"),
    ):
        yield from sorted(path for path in folder.rglob(f"*.{suffix}") if "vendor" not in path.parts)


def _class_words(path: Path, text: str) -> Iterator[str]:
    if path.suffix == ".html":
        yield from _of_html(text)
        yield from _IN_BLOCK.findall(text)
    elif path.suffix == ".js":
        for _, string in _IN_SCRIPT.findall(text):
            yield string.replace(".", " ")
            yield from _of_html(string)
    else:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _of_html(node.value)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "class":
                        yield from _strings(value)


def _of_html(text: str) -> Iterator[str]:
    return (_TAG.sub(" ", value) for value in _IN_HTML.findall(text))


def _strings(tree: ast.AST) -> Iterator[str]:
    return (one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _kept(rules: Nodes, classes: set[str], data: set[str]) -> Iterator[Any]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [one for one in _selectors(rule.prelude) if _can_match(one, classes, data)]
            if selectors:
                rule.prelude = [token for one in selectors for token in [*one, _COMMA]][:-1]
                yield rule
        elif rule.type == "at-rule" and rule.at_keyword in _HOLDS_RULES and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content)
            rule.content = list(_kept(inner, classes, data))
            if rule.content:
                yield rule
        elif rule.type == "error":
            raise ValueError(rule.message)
        elif rule.type != "whitespace" and (rule.type != "comment" or rule.value.startswith("!")):
            yield rule


_COMMA = tinycss2.parse_one_component_value(",")


def _selectors(prelude: Nodes) -> Iterator[Nodes]:
    parts: Nodes = []
    for part in prelude:
        if part == ",":
            yield parts
            parts = []
        else:
            parts.append(part)
    yield parts


def _can_match(selector: Nodes, classes: set[str], data: set[str]) -> bool:
    """What stands in :not(), :is() and the like is not looked at."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "ident" and before == "." and token.value not in classes:
            return False
        if token.type == "[] block" and not _has_attribute(token.content, classes, data):
            return False
    return True


def _has_attribute(content: Nodes, classes: set[str], data: set[str]) -> bool:
    name = content[0].value
    if name == "class" and len(content) > 1:
        return any(content[-1].value in one for one in classes)
    return not name.startswith("data-") or name in data


def _declarations(rules: Nodes) -> Iterator[tuple[str, str]]:
    """Name and value of each."""
    for rule in rules:
        if rule.type == "at-rule" and rule.at_keyword in _HOLDS_RULES:
            yield from _declarations(rule.content or [])
        elif rule.type == "at-rule" and rule.at_keyword.endswith("keyframes"):
            yield "", tinycss2.serialize(rule.content)
        elif rule.type == "qualified-rule":
            for one in _of_rule(rule):
                yield one.name, tinycss2.serialize(one.value)


def _of_rule(rule: Any) -> Nodes:
    found: Nodes = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    if any(one.type != "declaration" for one in found):
        raise ValueError(f"Not only declarations: {tinycss2.serialize(rule.prelude)}")
    return found


def _read_properties(rules: Nodes) -> set[str]:
    """Custom properties that something else than an unread one reads."""
    ours = " ".join(path.read_text() for path in (ROOT / "static" / "console").iterdir())
    read, readers = set(_READ.findall(ours)), dict[str, set[str]]()
    for name, value in _declarations(rules):
        if name.startswith("--"):
            readers.setdefault(name, set()).update(_READ.findall(value))
        else:
            read.update(_READ.findall(value))
    waiting = [*read]
    while waiting:
        more = readers.get(waiting.pop(), set()) - read
        read |= more
        waiting += more
    return read


def _played_animations(rules: Nodes) -> set[str]:
    words = (value.split() for name, value in _declarations(rules) if "animation" in name)
    return {word.strip(",") for one in words for word in one}


def _written(rules: Nodes, read: set[str], played: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            stay = [one for one in _of_rule(rule) if not one.name.startswith("--") or one.name in read]
            if stay:
                body = ";".join(_declared(one) for one in stay)
                yield f"{tinycss2.serialize(rule.prelude)}{{{body}}}"
        elif rule.type == "at-rule" and rule.at_keyword in _HOLDS_RULES:
            inner = "".join(_written(rule.content, read, played))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        elif rule.type != "at-rule" or not rule.at_keyword.endswith("keyframes") or _name(rule) in played:
            yield tinycss2.serialize([rule])


def _declared(one: Any) -> str:
    return f"{one.name}:{tinycss2.serialize(one.value)}{'!important' if one.important else ''}"


def _name(rule: Any) -> str:
    return str(tinycss2.serialize(rule.prelude)).strip()


def dark_rules(*sheets: str) -> str:
    """The rules of the dark theme, for browsers without scripts: those never get data-bs-theme="dark"."""
    found = []
    for rule in (one for sheet in sheets for one in tinycss2.parse_stylesheet(sheet, skip_comments=True)):
        if rule.type == "qualified-rule":
            selectors = [tinycss2.serialize(one).strip().replace('"', "") for one in _selectors(rule.prelude)]
            own = [one.replace(_DARK, ":root:not(.scripts)") for one in selectors if one.startswith(_DARK)]
            if own:
                found.append(f"{','.join(own)}{{{';'.join(_declared(one) for one in _of_rule(rule))}}}")
    return "\n".join(found) + "\n"


if __name__ == "__main__":
    USED.write_text(cut(WHOLE.read_text(), *used_names()))
    DARK.write_text(dark_rules(USED.read_text(), OURS.read_text()))
    print(f"{USED.relative_to(ROOT)}: {USED.stat().st_size:,} of {WHOLE.stat().st_size:,} bytes")
