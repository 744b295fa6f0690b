"""The JSON Schemas agree with the reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.document.rulebook import RULES, VOCABULARY, write_rulebook

from mianshen.document import overlay_schema, read, rulebook_schema
from mianshen.document.merge import BY_ENTITY, LISTS, SECTIONS
from mianshen.document.model import RulebookFile

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": type(None),
}


class EditorLoader(yaml.CSafeLoader):
    """YAML as editors see it: dates are text."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def fits(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    """The part of JSON Schema that these schemas use."""
    if "$ref" in schema:
        return fits(value, whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], whole)
    if "anyOf" in schema or "oneOf" in schema:
        return any(fits(value, entry, whole) for entry in schema.get("anyOf") or schema["oneOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    types = schema.get("type", ())
    if types and not any(isinstance(value, TYPES[t]) for t in ([types] if isinstance(types, str) else types)):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {}), whole) for item in value)
    return not isinstance(value, dict) or _object_fits(value, schema, whole)


def _object_fits(value: dict[str, Any], schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    if not set(schema.get("required", ())) <= set(value):
        return False
    for key, inner in value.items():
        patterns = schema.get("patternProperties", {})
        by_pattern = [entry for pattern, entry in patterns.items() if re.search(pattern, key)]
        allowed = (
            schema.get("properties", {}).get(key) or (by_pattern or [schema.get("additionalProperties")])[0]
        )
        if allowed is False or (isinstance(allowed, dict) and not fits(inner, allowed, whole)):
            return False
    return True


def in_editor(text: str) -> Any:
    return yaml.load(text, Loader=EditorLoader)


@pytest.mark.parametrize("text", [VOCABULARY, RULES])
def test_a_valid_rulebook_fits_the_schema(text: str) -> None:
    schema = rulebook_schema()
    assert fits(in_editor(text), schema, schema)


def test_an_overlay_fits_its_schema_only() -> None:
    overlay = in_editor("overlay: {name: x, title: x}\nswitch_on: later\nremove: {tables: [a, b]}\n")
    assert fits(overlay, overlay_schema(), overlay_schema())
    assert not fits(overlay, rulebook_schema(), rulebook_schema())


@pytest.mark.parametrize(
    "text",
    [
        "provision: {}",
        "provisions: {Upper: {decision: d, value: 1}}",
        "provisions: {p: {decision: d}}",
        "provisions: {p: {decision: d, value: 1, status: inforce}}",
        "provisions: {p: {decision: d, value: 1, area: Beijing, extra: 1}}",
        "tables: {t: {decision: d, inputs: x, rows: []}}",
        "facts: {claim: {x: {type: money}}}",
    ],
)
def test_the_reader_and_the_schema_refuse_the_same(tmp_path: Path, text: str) -> None:
    schema = rulebook_schema()
    assert not fits(in_editor(text), schema, schema)
    _, findings = read([write_rulebook(tmp_path, bad=text)])
    assert findings


def test_every_section_of_a_file_is_merged() -> None:
    assert {*SECTIONS, *BY_ENTITY, *LISTS, "rulebook", "defaults"} == set(RulebookFile.model_fields)
