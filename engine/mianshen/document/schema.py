"""JSON Schemas of rulebook, overlay and case files, for editors.

In: nothing. Out: JSON Schema (draft 2020-12) as plain dicts.
Invariants: made from the same models the reader uses. The reader takes every scalar as text; the
schemas also allow a number or boolean where one is commonly written without quotes. What a file's
`defaults:` may give is not required.
"""

from __future__ import annotations

from typing import Any

from mianshen.document.model import OverlayFile, RulebookFile, Shape

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TITLES = {RulebookFile: "Mianshen rulebook file", OverlayFile: "Mianshen overlay file"}


def rulebook_schema() -> dict[str, Any]:
    """The schema of a rulebook file."""
    return _schema(RulebookFile)


def overlay_schema() -> dict[str, Any]:
    """The schema of an overlay file."""
    return _schema(OverlayFile)


def case_schema() -> dict[str, Any]:
    """The schema of a case file; what a record may hold is up to the vocabulary, and left open."""
    words = {"type": "array", "items": {"type": "string"}}
    result = {"status": {"type": "string"}, "reason": {"type": "string"}, "missing": words}
    row = {"type": "object", "properties": result}
    benefit = {
        "type": "object",
        "properties": {**result, "amount": {"type": ["number", "string"]}},
        "additionalProperties": False,
    }
    reject = {
        "type": "object",
        "properties": {part: {"type": ["string", "integer"]} for part in ("key", "field", "reason")},
        "required": ["key"],
        "additionalProperties": False,
    }
    expect = {
        "type": "object",
        "properties": {
            "claims": {"type": "object", "additionalProperties": row},
            "benefits": {"type": "object", "additionalProperties": benefit},
            "rejects": {"type": "array", "items": reject},
        },
    }
    record = {"as_of": {"type": "string", "format": "date"}, "overlays": words}
    title = {"anyOf": [{"type": "string"}, {"type": "object", "required": ["zh", "en"]}]}
    name = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$|^[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*$"}
    case = {
        "type": "object",
        "properties": {"name": name, "title": title, "expect": expect, **record},
        "required": ["name", "expect"],
    }
    return {
        "$schema": DIALECT,
        "title": "Mianshen case file",
        "type": "object",
        "properties": {
            "defaults": {"type": "object", "properties": record},
            "cases": {"type": "array", "items": case},
        },
        "required": ["cases"],
        "additionalProperties": False,
    }


def _schema(shape: type[Shape]) -> dict[str, Any]:
    schema = shape.model_json_schema(by_alias=True)
    schema["$defs"]["ParameterValue"].pop("required")  # only `from`, which defaults may give
    _close(schema)
    return {"$schema": DIALECT, **schema, "title": _TITLES[shape]}


def _close(schema: Any) -> None:
    """Refuse names that do not fit their pattern, and leave out the titles editors need not show."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    elif isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for each in schema.values():
            _close(each)
