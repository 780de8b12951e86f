"""Other forms of an ID that was not found: as people write it down, against as it was sent."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from pushlog import message_ids
from pushlog.invisible import without_invisible
from pushlog.models import WINDOW, App, Message, Mode
from pushlog.postgres.statements import generic_plans_cached

COUNTED = 1000
_BLANKS, _MARKS = re.compile(r"\s+"), re.compile(r"[\s()\[\]{}./‐‑‒–—-]+")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{16,}")
# Past it, a spelling is not looked for: each letter costs some reads of an index.
_LONGEST_SPELLING = 64
_STEPS = 400


@dataclass(frozen=True, slots=True)
class OtherForm:
    """An ID that there is. `count` is at most COUNTED + 1."""

    text: str
    how: str  # it differs from what was typed
    count: int
    is_target: bool


def other_forms(typed: str) -> dict[str, str]:
    """Each with how it differs, the nearest first."""
    shown = without_invisible(typed)
    half = shown.translate(_FULL_WIDTH)
    found: dict[str, str] = {}
    for text, how in (
        (shown, "Without invisible characters"),
        (half, "In half-width characters"),
        (_BLANKS.sub("", half), "Without blanks"),
        (_MARKS.sub("", half), "Without blanks, dashes and brackets"),
    ):
        for form, more in _with_signs(text):
            if form and form != typed:
                found.setdefault(form, f"{how}{more}" if text != typed else more.removeprefix(", ").capitalize())
    return found


def _with_signs(text: str) -> list[tuple[str, str]]:
    forms = [(text, "")]
    if text.startswith("+"):
        forms.append((text[1:], ", without +"))
    elif text[:1].isdigit():
        forms.append((f"+{text}", ", with +"))
    if _HEXADECIMAL.fullmatch(text):
        forms += [(text.upper(), ", in upper case"), (text.lower(), ", in lower case")]
    return forms


def known_forms(app: App, typed: str, *, now: datetime) -> list[OtherForm]:
    """Those that there are in the app; without any, the same letters in upper or lower case. One query."""
    forms = other_forms(typed)
    walks = 0 < len(typed) <= _LONGEST_SPELLING and typed.lower() != typed.upper()
    given: dict[str, Any] = {
        "app": app.pk,
        "start": message_ids.first_id(now - WINDOW),
        "forms": [*forms],
        "typed": typed if walks else "",
    }
    # Planning it takes longer than running it, whatever the ID.
    with generic_plans_cached(), connection.cursor() as cursor:
        cursor.execute(_KNOWN, given)
        rows = cursor.fetchall()
    order = [*forms]
    found = [
        OtherForm(text, forms.get(text, "In other upper and lower case"), count, is_target)
        for text, is_target, count in rows
    ]
    return sorted(found, key=lambda one: order.index(one.text) if one.text in forms else len(order))


_TABLE = Message._meta.db_table
_OF_APP = f"app_id = %(app)s AND id >= %(start)s AND mode <> {Mode.BROADCAST.value}"


def _count(column: str, form: str) -> str:
    return (
        f"(SELECT count(*) FROM (SELECT FROM {_TABLE} WHERE {_OF_APP} AND {column} = {form} LIMIT {COUNTED + 1}) AS x)"
    )


def _walk(name: str, column: str) -> str:
    """Spellings of the text that are stored, letter by letter.

    No index ignores case. But the first ID at or after a beginning is one read of an index, and says whether any has
    this beginning. So a spelling takes two reads a letter, not the 2^n of all spellings, nor all IDs of the app.
    """
    letter = f"substr(%(typed)s::text, length({name}.beginning) + 1, 1)"
    return f"""
        {name} (beginning) AS (
            SELECT ''::text COLLATE "C" WHERE %(typed)s::text <> '' AND NOT EXISTS (SELECT FROM given)
            UNION ALL
            SELECT longer.beginning
            FROM {name}, LATERAL (
                SELECT DISTINCT {name}.beginning || letter AS beginning
                FROM unnest(ARRAY[lower({letter}), upper({letter})]) AS letter
            ) AS longer, LATERAL (
                SELECT {column} AS first FROM {_TABLE}
                WHERE {_OF_APP} AND {column} >= longer.beginning ORDER BY app_id, {column} LIMIT 1
            ) AS next
            WHERE length({name}.beginning) < length(%(typed)s::text) AND starts_with(next.first, longer.beginning)
        )"""


def _spellings(name: str, column: str, is_target: str) -> str:
    return f"""
        SELECT beginning, {is_target}, {_count(column, "beginning")}
        FROM (SELECT beginning FROM {name} LIMIT {_STEPS}) AS {name}
        WHERE length(beginning) = length(%(typed)s::text) AND beginning <> %(typed)s::text"""


_KNOWN = f"""
    WITH RECURSIVE given (text, is_target, count) AS MATERIALIZED (
        SELECT * FROM (
            SELECT form, true, {_count("target_id", "form")} AS count FROM unnest(%(forms)s::text[]) AS form
            UNION ALL
            SELECT form, false, {_count("customer_message_id", "form")} FROM unnest(%(forms)s::text[]) AS form
        ) AS every WHERE count > 0
    ), {_walk("targets", "target_id")}, {_walk("customers", "customer_message_id")}
    SELECT * FROM given
    UNION ALL SELECT * FROM ({_spellings("targets", "target_id", "true")}) AS a WHERE count > 0
    UNION ALL SELECT * FROM ({_spellings("customers", "customer_message_id", "false")}) AS b WHERE count > 0
"""
