"""Files and overlays into one rulebook.

In: the trees of the files, in order. Out: merged entries, where each was written, the mistakes.
Invariants: a name is defined once in its section; an entry with a mistake is remembered as broken, and
merged only where it is misspelt and its other mistakes are to be told; whatever the trees hold, nothing is
raised.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Map
from typing import Any

from mianshen.catalogue import diagnostic
from mianshen.document import diagnostics, model, overlay_model
from mianshen.document.defaults import Filling, filling
from mianshen.document.document import Document, Origin
from mianshen.document.recovery import mended
from mianshen.document.validate import LIST, MAPPING, NAME, Path, empties, fit, kind, tried
from mianshen.document.yaml_syntax import full_width_colon
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import Diagnostic, Span, nearest

SECTIONS: Map[str, type[model.Shape]] = {
    "entities": model.Entity,
    "codes": model.CodeList,
    "sources": model.SourceDocument,
    "parameters": model.Parameter,
    "data": model.DataTable,
    "functions": model.Function,
    "accumulators": model.Accumulator,
    "provisions": model.Provision,
    "tables": model.Table,
    "events": model.Event,
    "benefits": model.Benefit,
    "properties": model.Property,
    "calendar": model.CalendarYear,
}
BY_ENTITY: Map[str, type[model.Shape]] = {"facts": model.Fact, "decisions": model.Decision}
LISTS: Map[str, type[model.Shape]] = {"clauses": model.Clause, "out_of_scope": model.OutOfScope}
FREENAMES = ("sources", "calendar")  # sections whose names need not be usable in formulas


class Origins(dict[Path, Origin]):
    """Where entries, and parts of entries that overlays change, were written."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[Path, list[Path]] = {}

    def __setitem__(self, path: Path, origin: Origin) -> None:
        if len(path) > 2:
            self._parts.setdefault(path[:2], []).append(path)
        super().__setitem__(path, origin)

    def drop_parts(self, entry: Path) -> None:
        """Forget where parts of an entry were written."""
        for path in self._parts.pop(entry, ()):
            self.pop(path, None)


class RulebookMerge:
    """A rulebook being put together."""

    def __init__(self) -> None:
        self.entries: dict[Path, Any] = {}
        self.origins = Origins()
        self.broken: set[Path] = set()
        self.diagnostics: list[Diagnostic] = []
        self.lists: dict[str, list[Any]] = {name: [] for name in LISTS}
        self.overlays: list[overlay_model.OverlayHeader] = []
        # by entry and path: by which overlay it was changed, where, to what
        self.changed: dict[Path, dict[Path, tuple[str, Span, object]]] = {}

    def is_broken(self, *path: str) -> bool:
        return any(path[:length] in self.broken for length in range(len(path) + 1))

    def names(self, section: str) -> list[str]:
        """The names written in a section, broken ones included."""
        return [str(path[1]) for path in self.origins if len(path) == 2 and path[0] == section]

    def document(self, files: tuple[str, ...], digest: str) -> Document:
        def section(name: str) -> dict[str, Any]:
            items = (item for item in self.entries.items() if item[0][0] == name)
            return {str(path[1]): entry for path, entry in items}

        def by_entity(name: str) -> dict[str, dict[str, Any]]:
            entries: dict[str, dict[str, Any]] = {}
            for path, entry in self.entries.items():
                if path[0] == name:
                    entries.setdefault(str(path[1]), {})[str(path[2])] = entry
            return entries

        merged: dict[str, Any] = {name: section(name) for name in SECTIONS}
        merged |= {name: by_entity(name) for name in BY_ENTITY}
        merged |= {name: tuple(items) for name, items in self.lists.items()}
        return Document(
            header=self.entries.get(("header",)),
            overlays=tuple(self.overlays),
            files=files,
            digest=digest,
            _origins=self.origins,
            _broken=frozenset(self.broken),
            **merged,
        )


def add_file(merge: RulebookMerge, root: Node) -> None:
    """Merge one file of a rulebook."""
    if (whole := whole_file(merge, root)) is None:
        return
    if (entry := whole.entry("overlay")) is not None:
        merge.diagnostics.append(diagnostic("E140.overlay_among_files", entry[0].span))
        return
    FilePart(merge, whole).add()


def whole_file(merge: RulebookMerge, root: Node) -> Mapping | None:
    """The file as a mapping of sections, or None and a mistake."""
    if isinstance(root, Mapping):
        return root
    colon = full_width_colon(root.source, root.span.line)
    merge.diagnostics.append(colon or diagnostics.wrong_kind(root.span, MAPPING, kind(root)))
    merge.broken.add(())
    return None


def _columns(path: Path, node: Node) -> Iterator[Path]:
    """The figures that a broken table of data would have had."""
    columns = node.get("columns") if path[0] == "data" and isinstance(node, Mapping) else None
    for name, _ in columns.entries if isinstance(columns, Mapping) else ():
        yield "parameters", name.text


class FilePart:
    """The sections of one file, or of an overlay, on their way into the merge."""

    def __init__(self, merge: RulebookMerge, root: Mapping, overlay: bool = False) -> None:
        self.merge = merge
        self.root = root
        self.overlay = overlay
        self.filling = Filling()
        if (entry := root.entry("defaults")) is not None:
            self.filling, faults = filling(entry[1], entry[0].span)
            merge.diagnostics += faults

    def add(self, known: tuple[str, ...] = ()) -> None:
        """Every section; keys in `known` are someone else's."""
        for key, node in self.root.entries:
            if key.text in model.RulebookFile.model_fields:
                self._add(key.text, key, node)
            elif key.text not in known:
                meant = self._check_key(key, known)
                if meant is not None and self.root.entry(meant) is None:
                    self._add(meant, key, node)
                elif meant is not None:
                    self.merge.broken.add((meant,))

    def _add(self, section: str, key: Scalar, node: Node) -> None:
        match section:
            case "rulebook":
                self._add_header(key, node)
            case name if name in LISTS:
                self._add_items(name, key, node)
            case name if name in SECTIONS:
                self.add_section(name, key, node)
            case name if name in BY_ENTITY:
                self._add_by_entity(name, key, node)
            case _:
                pass  # no section: reported by the caller

    def _check_key(self, key: Scalar, known: tuple[str, ...]) -> str | None:
        """Report a section that is none; the section it may be meant for."""
        keys = [*model.RulebookFile.model_fields, *known]
        self.merge.diagnostics.append(diagnostics.unknown_key(key.span, key.text, keys))
        return nearest(key.text, keys)

    def _add_header(self, key: Scalar, node: Node) -> None:
        if (first := self.merge.origins.get(("header",))) is not None:
            self.merge.diagnostics.append(diagnostics.defined_twice(key.span, "rulebook", first.at))
            return
        self._fit(("header",), model.Header, key.span, node)

    def _add_items(self, section: str, key: Scalar, node: Node) -> None:
        """A section that is a list: its items have no names."""
        for item in self._items((section,), key, node):
            fitted, faults = fit(LISTS[section], item, item.span)
            self.merge.diagnostics += faults
            if fitted is not None:
                path = (section, len(self.merge.lists[section]))
                self.merge.origins[path] = Origin(item.span, item)
                self.merge.lists[section].append(fitted)

    def add_section(self, section: str, key: Scalar, node: Node) -> None:
        """A section whose names must be new."""
        for name, entry in self.named((section,), key, node):
            if self._is_new((section, name.text), name):
                self.fit_entry(section, name, entry)

    def _add_by_entity(self, section: str, key: Scalar, node: Node) -> None:
        for entity, inner in self.named((section,), key, node):
            self.merge.origins.setdefault((section, entity.text), Origin(entity.span, inner))
            for name, entry in self.named((section, entity.text), entity, inner):
                path = (section, entity.text, name.text)
                if self._is_new(path, name):
                    self._fit(path, BY_ENTITY[section], name.span, entry)

    def fit_entry(self, section: str, name: Scalar, entry: Node) -> None:
        """Put an entry in its place, or remember it as broken."""
        path = (section, name.text)
        self._fit(path, SECTIONS[section], name.span, entry)
        if isinstance(fitted := self.merge.entries.get(path), model.Table):
            self._check_rows_differ(path, fitted)

    def _fit(self, path: Path, shape: type[model.Shape], at: Span, node: Node) -> None:
        merge = self.merge
        fill, faulty = self.filling.of(str(path[0])), self.filling.faulty
        fitted, faults = fit(shape, node, at, fill, faulty if fill else ())
        merge.diagnostics += faults
        merge.origins[path] = Origin(at, node, self.filling.node if fill else None)
        merge.broken.discard(path)
        if fitted is None:
            merge.broken |= {path, *_columns(path, node)}
            fitted = self._as_meant(path, shape, at, node)
        if fitted is not None:
            merge.entries[path] = fitted
        else:
            merge.entries.pop(path, None)

    def _as_meant(self, path: Path, shape: type[model.Shape], at: Span, node: Node) -> model.Shape | None:
        """A misspelt entry as it was meant, for its other mistakes; the rulebook is refused all the same."""
        fill = self.filling.of(str(path[0]))
        _, errors = tried(shape, node, fill)
        meant = mended(shape, node, errors) if errors else None
        fitted = None if meant is None or empties(meant) else tried(shape, meant, fill)[0]
        if meant is not None and fitted is not None:
            self.merge.origins[path] = Origin(at, meant, self.filling.node if fill else None)
        return fitted

    def _check_rows_differ(self, path: Path, table: model.Table) -> None:
        first: dict[str, int] = {}
        origin = self.merge.origins[path]
        for number, row in enumerate(table.rows):
            earlier = first.setdefault(row.id, number)
            if earlier != number:
                here, there = (origin.find(("rows", part, "id")).span for part in (number, earlier))
                self.merge.diagnostics.append(diagnostics.defined_twice(here, row.id, there))

    def _is_new(self, path: Path, name: Scalar) -> bool:
        first = self.merge.origins.get(path)
        if first is None:
            return True
        same_file = first.node.source is name.source
        if self.overlay and not same_file:
            replaceable = path[0] in overlay_model.Replacement.model_fields
            self.merge.diagnostics.append(
                diagnostics.exists_already(name.span, name.text, first.at, replaceable=replaceable)
            )
        else:
            self.merge.diagnostics.append(diagnostics.defined_twice(name.span, name.text, first.at))
        return False

    def named(self, path: tuple[str, ...], key: Scalar, node: Node) -> Iterator[tuple[Scalar, Node]]:
        """The entries of a section, first of each name, under names that may be used."""
        if isinstance(node, Scalar) and node.null:
            return
        self.merge.origins.setdefault(path, Origin(key.span, node))
        if not isinstance(node, Mapping):
            self.merge.diagnostics.append(diagnostics.wrong_kind(node.span, MAPPING, kind(node)))
            self.merge.broken.add(path)
            return
        seen: set[str] = set()
        for name, entry in node.entries:
            if name.text in seen:
                continue  # reported when the file was read
            seen.add(name.text)
            if path[0] in FREENAMES or NAME.fullmatch(name.text):
                yield name, entry
            else:
                self.merge.diagnostics.append(diagnostics.bad_name(name.span, name.text))
                self.merge.broken.add((*path, name.text))

    def _items(self, path: Path, key: Scalar, node: Node) -> tuple[Node, ...]:
        if isinstance(node, Scalar) and node.null:
            return ()
        self.merge.origins.setdefault(path, Origin(key.span, node))
        if isinstance(node, Sequence):
            return node.items
        self.merge.diagnostics.append(diagnostics.wrong_kind(node.span, LIST, kind(node)))
        return ()
