"""Parts of the OpenAPI description that django-ninja does not derive: bodies of rows, and errors."""

from typing import Any

from pydantic import BaseModel

from pushlog.api.answers import ErrorAnswer
from pushlog.api.errors import MEANINGS
from pushlog.http.bodies import JSON, MAX_VALUES, NDJSON
from pushlog.ingest import MAX_ROWS

_READS = (400, 401, 403, 404, 405, 429, 500, 503)
_POSTS = (400, 401, 403, 405, 413, 415, 422, 429, 500, 503)


def answers(shape: Any, *, reads: bool = False) -> dict[int, Any]:
    return {200: shape} | dict.fromkeys(_READS if reads else _POSTS, ErrorAnswer)


def rows_of(model: type[BaseModel], name: str, *, or_one: bool = False) -> dict[str, Any]:
    row = _schema(model)
    array = {"type": "array", "maxItems": MAX_ROWS, "items": row}
    many = {"type": "object", "properties": {name: array}, "required": [name], "additionalProperties": False}
    whole = {"oneOf": [many, row]} if or_one else many
    return {
        "requestBody": {
            "required": True,
            "description": f"At most {MAX_ROWS:,} rows and 16 MiB, also decoded; in JSON, at most {MAX_VALUES:,} commas"
            " and brackets. Content-Encoding gzip is taken.",
            "content": {
                JSON: {"schema": whole},
                NDJSON: {
                    "schema": {
                        "type": "string",
                        "description": f"Each line one row, as in “{name}”; blank lines do not count.",
                    }
                },
            },
        }
    }


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {JSON: {"schema": _schema(model)}}}}


def worded(schema: dict[str, Any]) -> dict[str, Any]:
    """The description with the meaning of each error status."""
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) in MEANINGS:
                    response["description"] = MEANINGS[int(status)][1]
    return schema


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    found = model.model_json_schema()
    schema: dict[str, Any] = _plain(found, found.pop("$defs", {}))
    schema.pop("description", None)
    for field in schema["properties"].values():
        # The models' defaults are stored values, not values as they come in.
        field.pop("default", None)
        field.pop("title", None)
    return schema


# Behind a validator of ours, pydantic leaves its own names.
_KEYWORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema with its definitions inlined: references would point outside the description."""
    if isinstance(schema, list):
        return [_plain(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {_KEYWORDS.get(name, name): _plain(value, definitions) for name, value in schema.items()}
