"""JSON objects from outside."""

import json
import math
import re

from pydantic_core import from_json

# An escaped NUL, and not an escaped backslash before "u0000".
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def parse_object(raw: bytes) -> dict[str, object]:
    """One JSON object. Raises ValueError for anything else, and for what PostgreSQL cannot store or is ambiguous:
    NaN, infinite numbers, NUL, lone surrogates, invalid UTF-8, repeated keys."""
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError("not JSON: " + str(error).replace(" at line 1 column ", " at byte ")) from None
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    # from_json keeps the last of two equal keys. Counting keys in the text is ten times faster than json.loads. It also
    # suspects some valid objects.
    if _count_keys(value) != raw.count(b'":'):
        json.loads(raw.decode(), object_pairs_hook=_without_repeats)
    if b"\\u0000" in raw and _NUL.search(raw):
        raise ValueError("holds a NUL character")
    return value


def _count_keys(value: dict[str, object] | list[object]) -> int:
    keys, members = (len(value), value.values()) if isinstance(value, dict) else (0, value)
    for member in members:
        if type(member) is str:  # nearly all are
            continue
        if isinstance(member, (dict, list)):
            keys += _count_keys(member)
        elif isinstance(member, float) and not math.isfinite(member):
            raise ValueError("holds a number that is too large")
    return keys


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(members := dict(pairs)) != len(pairs):
        raise ValueError("holds the same key twice")
    return members
