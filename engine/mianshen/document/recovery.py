"""An entry with misspelt keys read as it was meant, so that its other mistakes are told in the same run.

In: the node of an entry, its model, what pydantic found. Out: the node with near keys and words in place of
misspelt ones and unknown keys left out, or None where more than that is wrong.
Invariants: nothing is made up: every value keeps its text and its place. What is mended stays a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from dataclasses import replace

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mianshen.document.validate import Path, keys_of
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import nearest


def mended(model: type[BaseModel], node: Node, errors: Items[ErrorDetails]) -> Node | None:
    """The node as it was meant; whether it fits now is for the caller to see."""
    for error in errors:
        path = error["loc"]
        match error["type"]:
            case "extra_forbidden":
                node = _at(node, path[:-1], _Renamed(str(path[-1]), keys_of(model, path[:-1])))
            case "literal_error":
                node = _at(node, path, _Reworded(re.findall("'([^']*)'", error["ctx"]["expected"])))
            case "missing":
                pass  # what was meant may have been misspelt
            case _:
                return None
    return node


class _Renamed:
    """Gives an unknown key the nearest name that is free, else leaves it out."""

    def __init__(self, key: str, known: list[str]) -> None:
        self.key = key
        self.known = known

    def __call__(self, node: Node) -> Node:
        if not isinstance(node, Mapping):
            return node
        meant = nearest(self.key, self.known)
        if meant is None or node.entry(meant) is not None:
            return replace(node, entries=tuple(e for e in node.entries if e[0].text != self.key))
        return replace(node, entries=tuple(
            (replace(key, text=meant) if key.text == self.key else key, value) for key, value in node.entries
        ))  # fmt: skip


class _Reworded:
    """Gives a word the nearest one that is allowed."""

    def __init__(self, allowed: list[str]) -> None:
        self.allowed = allowed

    def __call__(self, node: Node) -> Node:
        meant = nearest(node.text, self.allowed) if isinstance(node, Scalar) else None
        return replace(node, text=meant) if isinstance(node, Scalar) and meant is not None else node


def _at(node: Node, path: Path, change: _Renamed | _Reworded) -> Node:
    """The node with what stands at a path changed; steps that are not in the file are passed over."""
    if not path:
        return change(node)
    step, rest = path[0], path[1:]
    match node, step:
        case Mapping(), str() if node.entry("from" if step == "from_" else step):
            name = "from" if step == "from_" else step
            return replace(node, entries=tuple(
                (key, _at(value, rest, change) if key.text == name else value) for key, value in node.entries
            ))  # fmt: skip
        case Sequence(items), int() if 0 <= step < len(items):
            return replace(node, items=tuple(
                _at(item, rest, change) if n == step else item for n, item in enumerate(items)
            ))  # fmt: skip
        case _:
            return _at(node, rest, change)
