"""Parts of the OpenAPI description that cannot be read off a function: bodies of rows, and what may go wrong."""

from typing import Any

from pydantic import BaseModel

from pushlog.api.answers import ErrorAnswer
from pushlog.api.bodies import JSON, NDJSON
from pushlog.api.errors import MEANINGS
from pushlog.ingest import MAX_ROWS

_READS = (400, 401, 404, 405, 500, 503)
_POSTS = (400, 401, 405, 413, 415, 422, 500, 503)


def answers(shape: Any, *, reads: bool = False) -> dict[int, Any]:
    """Every status code that an operation may answer with, and the shape of each."""
    return {200: shape} | dict.fromkeys(_READS if reads else _POSTS, ErrorAnswer)


def rows_of(model: type[BaseModel], name: str) -> dict[str, Any]:
    """The request body of rows, described from the very model that checks them."""
    row = _schema(model)
    array = {"type": "array", "maxItems": MAX_ROWS, "items": row}
    whole = {"type": "object", "properties": {name: array}, "required": [name], "additionalProperties": False}
    return {
        "requestBody": {
            "required": True,
            "description": "At most 10,000 rows and 16 MiB, also decoded; Content-Encoding gzip is taken.",
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
    """A small request body."""
    return {"requestBody": {"required": True, "content": {JSON: {"schema": _schema(model)}}}}


def worded(schema: dict[str, Any]) -> dict[str, Any]:
    """The whole description with what each error status means."""
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) in MEANINGS:
                    response["description"] = MEANINGS[int(status)][1]
    return schema


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema.pop("description", None)
    for field in schema["properties"].values():
        # As our models hold them, which is not as they come in.
        field.pop("default", None)
        field.pop("title", None)
    return schema
