"""A record given as Python values, as the tree that readers of YAML and JSON take.

In: mappings, lists, texts, numbers, dates. Out: a `Node` whose places are paths such as `record.claims[0].total_cost`.
Invariant: a float is refused, for its digits are not the ones that were written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.document import yaml_tree as tree
from mianshen.document.yaml_source import YamlSource
from mianshen.source import RuleError, Span

ROOT: Final = "record"


class ValuePlace(YamlSource):
    """Where a value stands within the values given; it has no line."""

    __slots__ = ()

    def span(self, start: int, end: int) -> Span:  # a value stands at its path
        return Span(self.file, 0, 0)


def tree_of(value: object) -> tree.Node:
    """The tree of a value. Raises RuleError naming every value of a type that no record holds."""
    problems = [
        diagnostic("E408.wrong_type", Span(path, 0, 0), kind=kind) for path, kind in _misfits(value, ROOT)
    ]
    if problems:
        raise RuleError(problems)
    return _node(value, ROOT)


def _misfits(value: object, place: str) -> Iterator[tuple[str, str]]:
    """The path and type of each value that is none of a record's."""
    match value:
        case None | bool() | str() | int() | Decimal() | dt.date():
            if isinstance(value, dt.datetime) and value.time() != dt.time():
                yield place, "datetime"
        case Mapping():
            for key, part in value.items():
                if isinstance(key, str):
                    yield from _misfits(part, f"{place}.{key}")
                else:
                    yield place, f"key {type(key).__name__}"
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            for number, part in enumerate(value):
                yield from _misfits(part, f"{place}[{number}]")
        case _:
            yield place, type(value).__name__


def _node(value: object, place: str) -> tree.Node:
    source = ValuePlace(place, "", (0,))
    match value:
        case Mapping():
            entries = [
                (
                    tree.Scalar(str(key), '"', ValuePlace(f"{place}.{key}", "", (0,)), 0, 0),
                    _node(part, f"{place}.{key}"),
                )
                for key, part in value.items()
            ]
            return tree.Mapping(tuple(entries), source, 0, 0)
        case str():
            return tree.Scalar(value, '"', source, 0, 0)
        case Sequence():
            parts = [_node(part, f"{place}[{number}]") for number, part in enumerate(value)]
            return tree.Sequence(tuple(parts), source, 0, 0)
        case None:
            return tree.Scalar("null", "", source, 0, 0)
        case bool():
            return tree.Scalar("true" if value else "false", "", source, 0, 0)
        case Decimal():
            return tree.Scalar(f"{value:f}", "", source, 0, 0)
        case dt.datetime():
            return tree.Scalar(value.date().isoformat(), "", source, 0, 0)
        case _:
            return tree.Scalar(str(value), "", source, 0, 0)
