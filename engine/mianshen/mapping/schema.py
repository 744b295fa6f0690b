"""The JSON Schema of mapping files for a rulebook, for editors."""

from __future__ import annotations

from typing import Any, Final

from mianshen.mapping.model import FACTORS, PERCENT
from mianshen.mapping.reading import ENTRIES, STYLE
from mianshen.program.program import Program

_TEXTS: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_DATE: Final = {
    "type": "string",
    "examples": ["yyyymmdd", "yyyy/m/d", "yyyy-mm-dd hh:mi:ss", "timestamp", "excel"],
}
_DATES: Final = {"anyOf": [_DATE, {"type": "array", "items": _DATE}]}
_VALUE: Final = {"type": ["string", "number", "boolean", "null"]}
_FLOATS: Final = {"enum": ["shortest", "refused"]}
_TEST: Final = {
    "type": "object",
    "properties": {"column": _TEXTS, "fact": {"type": "string"}, "is": _TEXTS, "reason": {"type": "object"}},
    "required": ["is"],
    "additionalProperties": False,
}
_CONDITIONS: Final = {
    "anyOf": [{"type": "string"}, _TEST, {"type": "array", "items": {"anyOf": [{"type": "string"}, _TEST]}}]
}
_STYLE: Final = {
    "trim": {"type": "boolean"},
    "thousands": {"type": "boolean"},
    "floats": _FLOATS,
    "date": _DATES,
}
_CELLS: Final = {**_STYLE, "blank": _TEXTS}
_CELL: Final = {
    **_STYLE,
    "unit": {"enum": [*FACTORS, PERCENT]},
    "values": {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": _VALUE}]},
    "other": _VALUE,
    "empty": _VALUE,
    "absent": _VALUE,
    "invalid": {"enum": ["unknown", "refused"]},
    "entries": {"type": "object", "propertyNames": {"enum": list(ENTRIES)}},
}
_ROWS: Final = {
    "title_lines": {"type": "integer", "minimum": 0, "maximum": 99},
    "missing_columns": {"enum": ["allowed", "refused"]},
    "other_columns": {"enum": ["ignored", "refused"]},
    "leave_out": {"type": "array", "items": _TEST},
    "reversals": {
        "type": "object",
        "properties": {"names": _TEXTS, "key": _TEXTS, "nothing": _TEXTS},
        "additionalProperties": False,
    },
    "per": {"type": "string"},
    "order": {"type": "array"},
    "keep": {"enum": ["newest", "history"]},
    "day": {"type": "string"},
}


def mapping_schema(program: Program) -> dict[str, Any]:
    """The JSON Schema of a mapping file for a rulebook, for editors."""
    sections = {}
    for entity in program.entities:
        names = {"enum": [name for owner, name in program.facts if owner == entity]}
        one = {"anyOf": [names, _closed({"fact": names, **_CELL}, "fact")]}
        sections[entity] = _closed({
            "columns": {"type": "object", "additionalProperties": {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}},
            "facts": {"type": "object", "propertyNames": names, "additionalProperties": {"$ref": "#/$defs/operand"}},
            "constants": {"type": "object", "propertyNames": names, "additionalProperties": _VALUE},
            "ignore": {"type": "array", "items": {"type": "string"}},
            "rows": _closed(_ROWS),
            "cells": _closed({name: _CELLS[name] for name in STYLE}),
        })  # fmt: skip
    operand: dict[str, Any] = {"$ref": "#/$defs/operand"}
    compound = _closed({
        "column": _TEXTS, "constant": _VALUE,
            "row": {"type": "string"}, "sum": {"type": "array", "items": operand},
        "minus": {"anyOf": [operand, {"type": "array", "items": operand}]}, "first": {"type": "array", "items": operand},
        "only": _CONDITIONS, "unless": _CONDITIONS, "as_before": {"anyOf": [{"type": "string"}, _TEST]}, **_CELL,
    })  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mianshen mapping of columns",
        "type": "object",
        "properties": {**sections, "lists": {"type": "object"}, "conditions": {"type": "object"}},
        "additionalProperties": False,
        "$defs": {"operand": {"anyOf": [{"type": "string"}, compound]}},
    }


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    return closed | ({"required": list(required)} if required else {})
