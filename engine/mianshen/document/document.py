"""The merged rulebook: every entry as a model, and the place of everything in it.

In: entries from all files, overlays applied. Out: `Document`.
Invariants: mappings keep the order of the files; an entry that did not fit its shape is absent and
`is_broken`; places are worked out when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mianshen.document import model, overlay_model
from mianshen.document.accumulator_part import AccumulatorPart
from mianshen.document.validate import Path, Place, locate
from mianshen.document.yaml_tree import Mapping as MappingNode
from mianshen.document.yaml_tree import Node, Scalar, Sequence
from mianshen.source import NOWHERE, Span, Text, unlined


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where an entry was written: its key, its value, and the `defaults:` of its file."""

    at: Span
    node: Node
    defaults: MappingNode | None = None

    def find(self, path: Path) -> Place:
        """What `path` below the entry leads to."""
        return locate(self.node, path, self.at)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A rulebook as written, file defaults filled in, overlays applied. `digest` is 64 hex digits."""

    header: model.Header | None
    entities: Mapping[str, model.Entity]
    codes: Mapping[str, model.CodeList]
    facts: Mapping[str, Mapping[str, model.Fact]]
    decisions: Mapping[str, Mapping[str, model.Decision]]
    sources: Mapping[str, model.SourceDocument]
    parameters: Mapping[str, model.Parameter]
    data: Mapping[str, model.DataTable]
    functions: Mapping[str, model.Function]
    accumulators: Mapping[str, model.Accumulator]
    provisions: Mapping[str, model.Provision]
    tables: Mapping[str, model.Table]
    events: Mapping[str, model.Event]
    benefits: Mapping[str, model.Benefit]
    properties: Mapping[str, model.Property]
    calendar: Mapping[str, model.CalendarYear]
    clauses: tuple[model.Clause, ...]
    out_of_scope: tuple[model.OutOfScope, ...]
    overlays: tuple[overlay_model.OverlayHeader, ...]
    files: tuple[str, ...]
    digest: str
    _origins: Mapping[tuple[str | int, ...], Origin] = field(repr=False)
    _broken: frozenset[Path] = field(repr=False)
    parts: Mapping[str, tuple[AccumulatorPart, ...]] = field(default_factory=dict)  # of accumulators

    def with_parameters(self, parameters: Mapping[str, model.Parameter], table: str) -> Document:
        """The document with further parameters, those of a table of data, which stand where it does."""
        origin = self._origins["data", table]
        origins: dict[Path, Origin] = {
            ("parameters", name): replace(origin, node=_column(origin.node, place))
            for place, name in enumerate(parameters)
        }
        merged = {**self.parameters, **parameters}
        return replace(self, parameters=merged, _origins={**self._origins, **origins})

    def in_parts(self, name: str, parts: Mapping[AccumulatorPart, model.Accumulator]) -> Document:
        """The document with an accumulator taken apart; its parts stand where it does."""
        merged, origins = {**self.accumulators}, {**self._origins}
        for part, written in parts.items():
            merged[part.name] = written
            origins["accumulators", part.name] = self._origins["accumulators", name]
        taken_apart = {**self.parts, name: tuple(parts)}
        return replace(self, accumulators=merged, parts=taken_apart, _origins=origins)

    def span(self, *path: str | int) -> Span:
        """The place of what is written at a merged path, such as ("provisions", "x", "when").

        What is not written is shown at its file's `defaults`, or at the nearest entry that is.
        """
        return self._locate(path)[1]

    def key_span(self, *path: str | int) -> Span:
        """The place of the key that leads to a merged path; of what is written there, where it has none."""
        for length in range(len(path), 0, -1):
            if (origin := self._origins.get(path[:length])) is not None:
                place = origin.find(path[length:])
                return self.span(*path) if place.key is None or place.rest else place.key
        return self.span(*path)

    def text(self, *path: str | int) -> Text:
        """The text written at a merged path, each character with its place; empty when none is."""
        node, span = self._locate(path)
        if isinstance(node, Scalar):
            return node.located
        return Text("", span.file, ((span.line, span.column),))

    def is_broken(self, section: str, *name: str) -> bool:
        """Whether an entry, `"provisions", "x"` or `"facts", "claim", "x"`, was written with a mistake.

        True also when the section or a whole file could not be read: the entry may be in there.
        """
        path: Path = (section, *name)
        return any(path[:length] in self._broken for length in range(len(path) + 1))

    def broken(self, section: str) -> frozenset[str]:
        """The names of a section's entries that were written with a mistake."""
        return frozenset(str(path[-1]) for path in self._broken if len(path) > 1 and path[0] == section)

    def _locate(self, path: Path) -> tuple[Node | None, Span]:
        for length in range(len(path), 0, -1):
            if (origin := self._origins.get(path[:length])) is not None:
                return _within(origin, path[:length], path[length:])
        return None, unlined(self.files[0]) if self.files else NOWHERE


def _column(node: Node, place: int) -> Node:
    """A table of data as written, as the parameter that one of its columns is."""
    match node:
        case MappingNode(entries=entries):
            columns = [
                (replace(key, text="value"), _cells(value, place))
                if key.text == "rows"
                else (key, _column(value, place))
                for key, value in entries
            ]
            return replace(node, entries=tuple(columns))
        case Sequence(items=items):
            return replace(node, items=tuple(_column(item, place) for item in items))
        case Scalar():
            return node


def _cells(rows: Node, place: int) -> Node:
    """What a column holds, by the keys."""
    match rows:
        case MappingNode(entries=entries):
            return replace(rows, entries=tuple((key, _cells(below, place)) for key, below in entries))
        case Sequence(items=items) if place < len(items):
            return items[place]
        case _:
            return rows


def _within(origin: Origin, entry: Path, path: Path) -> tuple[Node | None, Span]:
    place = origin.find(path)
    if not place.rest or isinstance(place.node, Scalar):
        return place.node, place.span
    for node, step in _elsewhere(origin, entry, path):
        elsewhere = locate(node, step, origin.at)
        if not elsewhere.rest or isinstance(elsewhere.node, Scalar):
            return elsewhere.node, elsewhere.span
    return None, place.span


def _elsewhere(origin: Origin, entry: Path, path: Path) -> list[tuple[Node, Path]]:
    """Where else a value of the entry may have been given: on its parameter, in its file's defaults."""
    defaults = [origin.defaults] if origin.defaults is not None else []
    match (*entry, *path):
        case ("parameters" | "data", str(), "values", int(), str(key), *rest):
            return [(node, (key, *rest)) for node in (origin.node, *defaults)]
        case ("provisions" | "tables", str(), str(key), *rest):
            return [(node, (key, *rest)) for node in defaults]
        case _:
            return []
