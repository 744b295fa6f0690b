"""JSON Schemas of rulebook and overlay files, for editors.

In: nothing. Out: JSON Schema (draft 2020-12) as plain dicts.
Invariants: made from the same models the reader uses. The reader takes every scalar as text; the
schemas also allow a number or boolean where one is commonly written without quotes. What a file's
`defaults:` may give is not required.
"""

from __future__ import annotations

from typing import Any

from mianshen.document.model import RulebookFile, Shape
from mianshen.document.overlay_model import OverlayFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TITLES = {RulebookFile: "Mianshen rulebook file", OverlayFile: "Mianshen overlay file"}


def rulebook_schema() -> dict[str, Any]:
    """The schema of a rulebook file."""
    return _schema(RulebookFile)


def overlay_schema() -> dict[str, Any]:
    """The schema of an overlay file."""
    return _schema(OverlayFile)


def _schema(shape: type[Shape]) -> dict[str, Any]:
    schema = shape.model_json_schema(by_alias=True)
    schema["$defs"]["ParameterValue"].pop("required")  # only `from`, which defaults may give
    _close(schema)
    return {"$schema": DIALECT, **schema, "title": _TITLES[shape]}


def _close(schema: Any) -> None:
    """Refuse names that do not fit their pattern, and leave out the titles editors need not show."""
    if isinstance(schema, list):
        for part in schema:
            _close(part)
    elif isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for part in schema.values():
            _close(part)
