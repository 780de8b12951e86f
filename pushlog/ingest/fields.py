"""Types of row fields, with their bounds."""

import json
import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import to_json

from pushlog.choices import WordChoices
from pushlog.invisible import strip_invisible

MAX_EXTRAS = 10_000

NO_NUL = r"^[^\x00]*$"
# Not an escaped backslash followed by "u0000".
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d")


def _as_text(value: object) -> object:
    # Pydantic would read numbers and digits as a time since 1970, and guess its unit.
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("must be an ISO 8601 date and time with its zone, such as 2026-11-22T09:30:00Z")


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def _stripped(value: object) -> object:
    return strip_invisible(value) if isinstance(value, str) else value


def word_of(choices: type[WordChoices]) -> PlainValidator:
    known = {word: member.value for word, member in choices.by_word().items()}

    def number(value: object) -> int:
        if isinstance(value, str) and value in known:
            return known[value]
        raise ValueError(f"must be one of {', '.join(known)}")

    return PlainValidator(number, json_schema_input_type=Literal[tuple(known)])


def _dumped(extras: object) -> str:
    if not isinstance(extras, dict):
        raise ValueError("must be an object")
    try:
        # Takes a fifth of json.dumps's time, which only checks for NaN here.
        text = to_json(extras, inf_nan_mode="constants").decode()
        if "NaN" in text or "Infinity" in text:
            json.dumps(extras, allow_nan=False)
    except ValueError as error:
        raise ValueError("must be JSON that can be stored: no NaN, no lone surrogates, not too deep") from error
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("must not contain NUL")
    if len(text) > MAX_EXTRAS:
        raise ValueError(f"must have at most {MAX_EXTRAS:,} characters as JSON")
    return text


Moment = Annotated[AwareDatetime, BeforeValidator(_as_text)]
# IDs are copied by hand. Whatever looks for one strips it in the same way.
STRIPPED = BeforeValidator(_stripped)
_ID = r"^[^\x00\x1c-\x1f]*$"
TargetID = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=_ID), STRIPPED]
CustomerID = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_ID), STRIPPED]
PushID = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_ID), STRIPPED]
# Bounds must stand before NOT_BOOL. After a function, pydantic checks them in Python: a tenth of a row's time.
NOT_BOOL = BeforeValidator(_no_bool)
Whole = Annotated[int, NOT_BOOL]
Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
Title = Annotated[Text, Field(max_length=500)]
Content = Annotated[Text, Field(max_length=20_000)]
Extras = Annotated[str, BeforeValidator(_dumped), WithJsonSchema({"type": "object"})]
