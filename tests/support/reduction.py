"""A failing rulebook and its households made as small as they can be while they still fail.

In: a rulebook as a mapping, households, a test that says whether a pair fails. Out: a smaller pair.
Greedy: parts are taken out, formulas replaced by their own parts, facts forgotten, one at a time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

from tests.support.homes import Record
from tests.support.rulebooks import Doc

from mianshen.source import RuleError, Text
from mianshen.syntax import parse_expression, to_text, tree

Fails: TypeAlias = Callable[[Doc, list[Record]], bool]
FORMULAS = ("when", "value", "over", "limit")


def reduced(doc: Doc, homes: list[Record], fails: Fails, rounds: int = 6) -> tuple[Doc, list[Record]]:
    """The smallest pair that greedy removal finds."""
    for _ in range(rounds):
        before = repr((doc, homes))
        homes = fewer(doc, homes, fails)
        for change in _documents(doc):
            smaller = change(doc)
            if smaller is not None and _holds(fails, smaller, homes):
                doc = smaller
        if repr((doc, homes)) == before:
            break
    return doc, homes


def _holds(fails: Fails, doc: Doc | None, homes: list[Record]) -> bool:
    try:
        return doc is not None and fails(doc, homes)
    except RuleError:
        return False


# Records.


def fewer(doc: Doc, homes: list[Record], fails: Fails) -> list[Record]:
    size = max(1, len(homes) // 2)
    while size:
        index = 0
        while index < len(homes):
            kept = homes[:index] + homes[index + size :]
            if kept and _holds(fails, doc, kept):
                homes = kept
            else:
                index += size
        size //= 2
    for change in list(_record_changes(homes)):
        tried = copy.deepcopy(homes)
        if change(tried) and _holds(fails, doc, tried):
            homes = tried
    return homes


def _record_changes(homes: list[Record]) -> Iterator[Callable[[list[Record]], bool]]:
    paths = list(_paths(homes))
    for path in reversed(paths):
        if len(path) > 1:
            yield partial(_drop, path=path)
    for path in paths:
        yield partial(_accept, path=path)
        record = _at(homes, path)
        for name in record.facts if record is not None else ():
            yield partial(_forget, path=path, name=name)


def _paths(homes: list[Record]) -> Iterator[tuple[str, ...]]:
    for home in homes:
        yield (home.key,)
        for person in home.children:
            yield (home.key, person.key)
            for claim in person.children:
                yield (home.key, person.key, claim.key)


def _at(homes: list[Record], path: tuple[str, ...]) -> Record | None:
    found = next((h for h in homes if h.key == path[0]), None)
    for key in path[1:]:
        found = None if found is None else next((c for c in found.children if c.key == key), None)
    return found


def _drop(homes: list[Record], path: tuple[str, ...]) -> bool:
    above, record = _at(homes, path[:-1]), _at(homes, path)
    if above is None or record is None or (len(path) == 2 and len(above.children) == 1):
        return False
    above.children.remove(record)
    return True


def _accept(homes: list[Record], path: tuple[str, ...]) -> bool:
    record = _at(homes, path)
    if record is None or not record.rejected:
        return False
    record.rejected = False
    return True


def _forget(homes: list[Record], path: tuple[str, ...], name: str) -> bool:
    record = _at(homes, path)
    if record is None or name not in record.facts or name.endswith("_id") or name == "day":
        return False
    del record.facts[name]
    return True


# The rulebook.


def _documents(doc: Doc) -> Iterator[Callable[[Doc], Doc | None]]:
    for path in list(_removable(doc)):
        yield partial(_without, path=path)
    for path, formula in list(_formulas(doc)):
        for part in _parts(formula):
            yield partial(_with, path=path, formula=part)


def _removable(doc: Doc) -> Iterator[tuple[Any, ...]]:
    for section in ("provisions", "tables", "accumulators", "parameters"):
        for name in doc.get(section, {}):
            yield (section, name)
    for entity, decisions in doc["decisions"].items():
        for name in decisions:
            yield ("decisions", entity, name)
    for name, provision in doc.get("provisions", {}).items():
        for key in ("when", "annual_limit", "area", "from", "until", "exception_to", "fallback"):
            if key in provision:
                yield ("provisions", name, key)
    for name, table in doc.get("tables", {}).items():
        for index in reversed(range(len(table["rows"]))):
            yield ("tables", name, "rows", index)
        for key in ("when", "area", "from", "until"):
            yield ("tables", name, key)
    for name, parameter in doc.get("parameters", {}).items():
        for index in reversed(range(len(parameter["values"]))):
            yield ("parameters", name, "values", index)
    for name, accumulator in doc.get("accumulators", {}).items():
        for key in ("over", "opening", "year_starts", "per"):
            if key in accumulator:
                yield ("accumulators", name, key)
    yield ("entities", "resident", "counted_by")


def _without(doc: Doc, path: tuple[Any, ...]) -> Doc | None:
    made = copy.deepcopy(doc)
    at: Any = made
    for step in path[:-1]:
        try:
            at = at[step]
        except (KeyError, IndexError):
            return None
    try:
        del at[path[-1]]
    except (KeyError, IndexError):
        return None
    if path[0] == "decisions":
        _undecide(made, path[2])
    return made


def _undecide(doc: Doc, name: str) -> None:
    for section in ("provisions", "tables"):
        doc[section] = {k: v for k, v in doc.get(section, {}).items() if v["decision"] != name}
    doc["accumulators"] = {k: v for k, v in doc.get("accumulators", {}).items() if v.get("sums") != name}


def _with(doc: Doc, path: tuple[Any, ...], formula: str) -> Doc | None:
    made = copy.deepcopy(doc)
    at: Any = made
    try:
        for step in path[:-1]:
            at = at[step]
        if len(formula) >= len(str(at[path[-1]])):
            return None
        at[path[-1]] = formula
    except (KeyError, IndexError):
        return None
    return made


def _formulas(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    if path and path[0] not in ("provisions", "tables", "accumulators"):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and key in FORMULAS:
                yield (*path, key), inner
            else:
                yield from _formulas(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, str) and path[-1] == "inputs":
                yield (*path, index), inner
            else:
                yield from _formulas(inner, (*path, index))


def _parts(formula: str) -> list[str]:
    """What may stand for the formula: every part of it, and it with one part replaced by a part of that."""
    try:
        root = parse_expression(Text.inline(formula))
    except RuleError:
        return []
    found = [to_text(part) for part in _below(root)] + [to_text(t) for t in _shrunk(root)]
    return [*sorted(dict.fromkeys(t for t in found if len(t) < len(formula)), key=len), "1", "true"]


def _below(node: Any) -> Iterator[Any]:
    for _, child in _children(node):
        if not isinstance(child, tree.RangeTest | tree.CompareTest):
            yield child
        yield from _below(child)


def _shrunk(node: Any) -> Iterator[Any]:
    """The tree with one inner node replaced by one of its own parts."""
    for place, child in _children(node):
        for part in _below(child):
            if not isinstance(child, tree.RangeTest | tree.CompareTest):
                yield _replaced(node, place, part)
        for smaller in _shrunk(child):
            yield _replaced(node, place, smaller)


def _children(node: Any) -> list[tuple[tuple[str, int | None], Any]]:
    from dataclasses import fields

    found: list[tuple[tuple[str, int | None], Any]] = []
    for field_ in fields(node):
        value = getattr(node, field_.name)
        if field_.name == "span":
            continue
        if isinstance(value, tuple):
            found += [((field_.name, i), v) for i, v in enumerate(value)]
        elif hasattr(value, "span"):
            found.append(((field_.name, None), value))
    return found


def _replaced(node: Any, place: tuple[str, int | None], part: Any) -> Any:
    from dataclasses import replace

    name, index = place
    if index is None:
        return replace(node, **{name: part})
    items = list(getattr(node, name))
    items[index] = part
    return replace(node, **{name: tuple(items)})
