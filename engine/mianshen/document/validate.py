"""One entry of a rulebook: from YAML nodes to its pydantic model, with every mistake in its place.

In: a node and the model it should fit. Out: the model, or None and the mistakes.
Invariants: scalars reach pydantic as the text in the file (only an unquoted null becomes None);
every mistake points at the line and column of the value, key or entry it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mianshen.catalogue import diagnostic
from mianshen.document import diagnostics
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import Diagnostic, Message, Span, nearest

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain] | None"
Model = TypeVar("Model", bound=BaseModel)
Path: TypeAlias = tuple[str | int, ...]

NAME = re.compile(r"[a-z][a-z0-9_]*|[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*")

MAPPING = Message("一组 `键: 值`", "a mapping of `key: value`")
LIST = Message("列表", "a list")
TEXT = Message("一段文字", "text")
NOTHING = Message("空值", "nothing")


def plain(node: Node) -> Plain:
    """The node as strings, lists and dicts; of a doubled key the first holds."""
    match node:
        case Scalar():
            return None if node.style == "" and node.null else node.text
        case Sequence(items):
            return [plain(item) for item in items]
        case Mapping(entries):
            whole: dict[str, Plain] = {}
            for key, value in entries:
                if key.text != "<<":  # reported when the file was read
                    whole.setdefault(key.text, plain(value))
            return whole


def empties(node: Node, key: str = "") -> list[Diagnostic]:
    """A mistake for each key or list item that has no value at all (`key:`)."""
    match node:
        case Scalar():
            if node.empty and key.count(")") + key.count("]") > key.count("(") + key.count("["):
                return [diagnostic("E132.cut_by_comma", node.span, rest=diagnostics.shown(key))]
            return [diagnostics.empty_value(node.span, key)] if node.empty else []
        case Sequence(items):
            return [part for item in items for part in empties(item)]
        case Mapping(entries):
            return [empty for name, value in entries for empty in empties(value, name.text)]


def fit(
    model: type[Model],
    node: Node,
    at: Span,
    fill: Callable[[dict[str, Any]], None] | None = None,
    excused: Collection[str] = (),
) -> tuple[Model | None, list[Diagnostic]]:
    """`node` as a `model`. `at` is where to report what is missing.

    `fill` adds values given elsewhere; `excused` keys were given elsewhere, with a mistake already
    reported, so that their absence is not another.
    """
    result = empties(node)
    fitted, errors = tried(model, node, fill)
    result += _explained(model, node, at, errors, excused)
    return (None if result else fitted), result


def tried(
    model: type[Model], node: Node, fill: Callable[[dict[str, Any]], None] | None = None
) -> tuple[Model | None, list[ErrorDetails]]:
    """`node` as a `model`, or what pydantic has against it."""
    written: Any = plain(node)
    if fill is not None and isinstance(written, dict):
        fill(written)
    try:
        return model.model_validate(written, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _explained(
    model: type[BaseModel], node: Node, at: Span, errors: list[ErrorDetails], excused: Collection[str]
) -> list[Diagnostic]:
    unknown: dict[Path, list[str]] = {}
    for error in errors:
        if error["type"] == "extra_forbidden":
            unknown.setdefault(error["loc"][:-1], []).append(str(error["loc"][-1]))
    explained = []
    for error in errors:
        *inner, last = error["loc"] or ("",)
        misspelt = unknown.get(tuple(inner), [])
        if error["type"] == "missing" and (last in excused or nearest(str(last), misspelt)):
            continue
        if (one := _one(model, node, at, error)) is not None:
            explained.append(one)
    return explained


def _one(model: type[BaseModel], node: Node, at: Span, error: ErrorDetails) -> Diagnostic | None:
    place = locate(node, error["loc"], at)
    value, span = place.node, place.span
    if isinstance(value, Scalar) and value.empty:
        return None  # reported by `empties`
    text = value.text if isinstance(value, Scalar) else ""
    match error["type"]:
        case "extra_forbidden":
            key = str(error["loc"][-1])
            return diagnostics.unknown_key(place.key or span, key, keys_of(model, error["loc"][:-1]))
        case "missing" if isinstance(value, Mapping) and value.entry("<<"):
            return None  # it may be in what was to be merged
        case "missing":
            key = str(error["loc"][-1])
            return diagnostics.missing_key(span, key, _EXAMPLES.get(key, ""))
        case "flag" if isinstance(value, Scalar):
            return diagnostics.not_a_flag(span, text)
        case "day" if isinstance(value, Scalar):
            return diagnostic("E126.not_a_day", span, written=diagnostics.shown(text))
        case "string_type" | "flag" | "day":
            return diagnostics.wrong_kind(span, TEXT, kind(value))
        case "model_type" | "dict_type" | "model_attributes_type":
            return diagnostics.wrong_kind(span, MAPPING, kind(value))
        case "tuple_type" | "list_type":
            return diagnostics.wrong_kind(span, LIST, kind(value))
        case "literal_error":
            if not isinstance(value, Scalar):
                return diagnostics.wrong_kind(span, TEXT, kind(value))
            allowed = re.findall("'([^']*)'", error["ctx"]["expected"])
            return diagnostics.not_one_of(span, text, allowed)
        case "string_pattern_mismatch":
            return _unmatched(span, text, error["ctx"]["pattern"])
        case "string_too_short":
            return diagnostic("E129.empty_text", span)
        case _:
            return diagnostic("E130.other_shape", span, reason=error["msg"])


def _unmatched(span: Span, text: str, pattern: str) -> Diagnostic:
    """A text that is not written as its pattern says: an area, or a name."""
    if "[0-9]{6}" in pattern:
        return diagnostic("E128.not_an_area", span, written=diagnostics.shown(text))
    return diagnostics.bad_name(span, text)


_EXAMPLES = {
    "title": "{zh: ..., en: ...}",
    "from": "2026-01-01",
    "type": "money",
    "delivery": "application",
    "values": "[{from: 2026-01-01, value: ...}]",
}


def kind(node: Node) -> Message:
    """What a node is, in words."""
    match node:
        case Mapping():
            return MAPPING
        case Sequence():
            return LIST
        case Scalar():
            return NOTHING if node.null else TEXT


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What a path leads to: the node, its key's place if it has one, and the place to show."""

    node: Node
    key: Span | None
    span: Span
    rest: Path


def locate(node: Node, path: Path, at: Span) -> Place:
    """Follow `path` from `node` as far as it is written; `at` is the place of `node` itself.

    A scalar is shown at its text, a collection at its key or, as an item, at its first character.
    `rest` is what was not found. Steps that are not in the file (pydantic's own) are passed over.
    """
    key: Span | None = None
    span = at
    rest: list[str | int] = []
    for step in path:
        match node, step:
            case Mapping(), str() if entry := node.entry("from" if step == "from_" else step):
                key, node, rest = entry[0].span, entry[1], []
                span = node.span if isinstance(node, Scalar) else key
            case Sequence(items), int() if 0 <= step < len(items):
                key, node, rest = None, items[step], []
                span = node.span
            case _:
                rest.append(step)
    return Place(node, key, span, tuple(rest))


def keys_of(model: Any, path: Path) -> list[str]:
    """The keys a model has at `path` below `model`."""
    fields: Map[str, Any] = model.model_fields
    for step in path:
        if isinstance(step, int):
            continue
        infos = next((info for name, info in fields.items() if step in (name, info.alias)), None)
        inner = _inner_model(infos.annotation) if infos is not None else None
        if inner is not None:
            fields = inner.model_fields
    return [info.alias or name for name, info in fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model somewhere inside a field's type, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner_models = (_inner_model(entry) for entry in getattr(annotation, "__args__", ()))
    return next((part for part in inner_models if part is not None), None)
