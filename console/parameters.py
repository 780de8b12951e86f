"""Parameters of addresses that a page does not know."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

# Of all pages. A name of another page is a mistake too.
OURS = frozenset(
    {
        "search",
        "sort",
        "after",
        "before",
        "push_type",
        "mode",
        "outcome",
        "status",
        "channel",
        "code",
        "created_from",
        "created_to",
        "range",
    }
    | {"push_id", "target_kind", "state", "day", "person", "credential", "app", "kind", "id", "message"}
)
_CLOSE = 0.75


def mistakes(names: Iterable[str], own: Collection[str]) -> list[str]:
    """What is wrong with those that are meant for us. Others are ignored: mail programs and trackers add some."""
    found = []
    for name in names:
        if name in own:
            continue
        if name in OURS:
            found.append(f"“{name}” is not a parameter of this page.")
        elif close := get_close_matches(name.lower().replace("-", "_"), own, n=1, cutoff=_CLOSE):
            found.append(f"“{name[:40]}” is not a parameter of this page. Is it “{close[0]}”?")
    return found
