"""What an answer reads: the scans of its queries over messages, planned and executed once more."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from django.db import OperationalError, connection

from tests.pushlog.sent import sent

Answer = TypeVar("Answer")

_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON)"
_VISITED = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
# Pages from the root of an index to a leaf, with one to spare.
_DESCENT = 5
_INDEXES = """
    SELECT child.relname, coalesce(parent.relname, child.relname), child.reltuples / greatest(child.relpages, 1)
    FROM pg_class AS child LEFT JOIN pg_inherits ON inhrelid = child.oid
    LEFT JOIN pg_class AS parent ON parent.oid = inhparent
    WHERE child.relkind = 'i'
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """`rows` are index entries and rows that scans visited, `buffers` pages; -1 if it took too long to tell."""

    rows: int
    buffers: int
    nodes: str

    def __add__(self, other: "Reading") -> "Reading":
        nodes = "; ".join(one for one in (self.nodes, other.nodes) if one)
        return Reading(self.rows + other.rows, self.buffers + other.buffers, nodes)


NOTHING = Reading(0, 0, "")
TOO_LONG = Reading(-1, -1, "took too long to explain")


class Indexes:
    """The indexes of analysed tables: their name in the model, and how many entries are on a page."""

    @cached_property
    def _known(self) -> dict[str, tuple[str, float]]:
        with connection.cursor() as cursor:
            cursor.execute(_INDEXES)
            return {name: (parent, max(density, 0)) for name, parent, density in cursor.fetchall()}

    def name(self, index: str) -> str:
        return self._known.get(index, (index, 0))[0]

    def density(self, index: str) -> float:
        return self._known.get(index, (index, 0))[1]


def reading(ask: Callable[[], Answer], indexes: Indexes) -> tuple[Answer, Callable[[], Reading]]:
    """The answer, and what tells the reading: by then, the time of the answer is taken."""
    with sent() as statements:
        answer = ask()
    about_messages = [one for one in statements if one.sql.startswith("SELECT") and "pushlog_message" in one.sql]

    def explained() -> Reading:
        total = NOTHING
        try:
            for one in about_messages:
                [([top],)] = one.repeat(_EXPLAIN)
                total += reading_of(top["Plan"], indexes)
        except OperationalError:
            return TOO_LONG
        return total

    return answer, explained


def reading_of(top: Mapping[str, Any], indexes: Indexes) -> Reading:
    nodes = [node for node in _nodes(top) if node["Actual Loops"]]
    scans = [node for node in nodes if "Scan" in node["Node Type"] and node["Node Type"] != "Subquery Scan"]
    rows = sum(_visited(node, indexes) for node in scans)
    counted = Counter(_named(node, indexes) for node in nodes)
    told = ", ".join(f"{name} x{times}" if times > 1 else name for name, times in counted.items())
    return Reading(round(rows), _buffers(top), told)


def _visited(node: Mapping[str, Any], indexes: Indexes) -> float:
    """Entries that a condition on a later column drops are in no count of PostgreSQL's. The pages read tell of them."""
    loops = node["Actual Loops"]
    counted = float(sum(node.get(name, 0) for name in _VISITED) * loops)
    if node["Node Type"] == "Bitmap Heap Scan" or "Index Name" not in node:
        return counted
    pages = _buffers(node) - sum(map(_buffers, node.get("Plans", []))) - _DESCENT * loops
    if node["Node Type"] == "Index Only Scan":
        pages -= node["Heap Fetches"]
    elif node["Node Type"] == "Index Scan":
        pages -= round(counted)  # each row may lie on a page of its own
    return max(counted, float(pages) * indexes.density(node["Index Name"]))


def _buffers(node: Mapping[str, Any]) -> int:
    return int(node.get("Shared Hit Blocks", 0) + node.get("Shared Read Blocks", 0))


def _named(node: Mapping[str, Any], indexes: Indexes) -> str:
    index = node.get("Index Name")
    return f"{node['Node Type']} {indexes.name(index)}" if index else str(node["Node Type"])


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
