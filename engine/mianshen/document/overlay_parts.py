"""Parts of entries that an overlay changes: one dated value of a parameter, codes of a list, rows of a table.

In: the merge of a rulebook, a file part. Out: the merge, changed; the mistakes.
Invariants: what is not named stays, a parameter's history above all; every changed part is shown where the overlay
has it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mianshen.document import diagnostics, model, overlay_model
from mianshen.document.document import Origin
from mianshen.document.merge import FilePart, RulebookMerge
from mianshen.document.validate import LIST, MAPPING, Path, fit, kind
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import Span

DAY: Final = dt.timedelta(days=1)
GROUNDS: Final = ("source", "clause", "basis")


@dataclass(frozen=True, slots=True)
class Placed:
    """A dated value with the place it was written at."""

    value: model.ParameterValue
    origin: Origin


def inserted(series: list[Placed], new: Placed) -> list[Placed]:
    """The series with a new value: it holds from its day to its last day, or until the next value there is.

    Where it has a last day, what held before holds again after it.
    """
    start, until = new.value.from_, new.value.until
    ordered = sorted(series, key=lambda placed: placed.value.from_)
    ends = [one.value.until or later.value.from_ - DAY for one, later in pairwise(ordered)]
    remaining: list[Placed] = []
    for placed, end in zip(ordered, [*ends, ordered[-1].value.until if ordered else None], strict=False):
        old = placed.value
        if old.from_ < start:
            cut = {"until": start - DAY} if old.until is not None and old.until >= start else {}
            remaining.append(Placed(old.model_copy(update=cut), placed.origin))
        elif until is None and old.from_ > start:
            remaining.append(placed)
        if until is not None and (end is None or end > until):
            resumed = {"from_": max(old.from_, until + DAY)}
            remaining.append(Placed(old.model_copy(update=resumed), placed.origin))
    return [*remaining, new]


def _grounded(value: model.ParameterValue, grounds: dict[str, object]) -> model.ParameterValue:
    """A value with what its parameter says of all its values, for an overlay's value rests on the overlay alone."""
    update = {name: ground for name, ground in grounds.items() if getattr(value, name) is None}
    return value.model_copy(update=update)


class PartChanges:
    """What an overlay changes inside entries of the merge."""

    def __init__(self, merge: RulebookMerge, part: FilePart, overlay: str) -> None:
        self.merge = merge
        self.part = part
        self.overlay = overlay

    # -- values ------------------------------------------------------------------------------

    def set_values(self) -> None:
        """`set:` one dated value of a parameter, or several."""
        for name, node in self._named("set", self.part.root.get("set")):
            path: Path = ("parameters", name.text)
            if path not in self.merge.origins:
                if not self.merge.is_broken(*map(str, path)):
                    known = self.merge.names("parameters")
                    self.merge.diagnostics.append(diagnostics.nothing_to_set(name.span, name.text, known))
                continue
            for item in node.items if isinstance(node, Sequence) else (node,):
                self._set(name, item)

    def _set(self, name: Scalar, node: Node) -> None:
        merge, path = self.merge, ("parameters", name.text)
        filling = self.part.filling
        value, faults = fit(model.ParameterValue, node, name.span, filling.of("set"), filling.faulty)
        merge.diagnostics += faults
        parameter = merge.entries.get(path)
        if value is None or parameter is None:
            return
        self.change((*path, value.from_.isoformat()), name.span, (value.value, value.until))
        origin = merge.origins[path]
        grounds = {name: ground for name in GROUNDS if (ground := getattr(parameter, name)) is not None}
        series = [
            Placed(_grounded(old, grounds), self._origin(origin, path, number))
            for number, old in enumerate(parameter.values)
        ]
        series = inserted(series, Placed(value, Origin(name.span, node, filling.node)))
        for number, placed in enumerate(series):
            merge.origins[(*path, "values", number)] = placed.origin
        values = {"values": tuple(p.value for p in series)}
        merge.entries[path] = parameter.model_copy(update=values | dict.fromkeys(GROUNDS))

    def _origin(self, origin: Origin, path: Path, number: int) -> Origin:
        """Where a value of a series was written."""
        own = self.merge.origins.get((*path, "values", number))
        if own is not None:
            return own
        place = origin.find(("values", number))
        return Origin(place.span, place.node, origin.defaults)

    # -- rows and codes ----------------------------------------------------------------------

    def replace_rows(self) -> None:
        """`replace: rows:` what is different in a row of a table."""
        replaced = self.part.root.get("replace")
        section = replaced.get("rows") if isinstance(replaced, Mapping) else None
        for table, node in self._named("rows", section):
            for row, entry in self._rows_of(table, node):
                self._replace_row(table, row, entry)

    def _rows_of(self, table: Scalar, node: Node) -> Iterator[tuple[Scalar, Node]]:
        """The entries below a table that is there."""
        path: Path = ("tables", table.text)
        if path in self.merge.origins:
            yield from self._named(table.text, node)
        elif not self.merge.is_broken(*map(str, path)):
            known = self.merge.names("tables")
            self.merge.diagnostics.append(diagnostics.nothing_to_replace(table.span, table.text, known))

    def _replace_row(self, table: Scalar, row: Scalar, node: Node) -> None:
        merge, path = self.merge, ("tables", table.text)
        change, faults = fit(overlay_model.RowChange, node, row.span)
        merge.diagnostics += faults
        entry = merge.entries.get(path)
        if change is None or entry is None:
            return
        numbers = [number for number, old in enumerate(entry.rows) if old.id == row.text]
        if not numbers:
            known = [old.id for old in entry.rows]
            merge.diagnostics.append(diagnostics.nothing_to_replace(row.span, row.text, known))
            return
        update = {name: getattr(change, name) for name in change.model_fields_set}
        self.change((*path, row.text), row.span, tuple(sorted(update.items(), key=lambda item: item[0])))
        rows = list(entry.rows)
        rows[numbers[0]] = rows[numbers[0]].model_copy(update=self._grounded(update))
        merge.entries[path] = entry.model_copy(update={"rows": tuple(rows)})
        for key, part in node.entries if isinstance(node, Mapping) else ():
            merge.origins[(*path, "rows", numbers[0], key.text)] = Origin(key.span, part)

    def _grounded(self, update: dict[str, object]) -> dict[str, object]:
        """The change with the source, clause and basis of the overlay."""
        grounds = self.part.filling.given
        return {name: grounds[name] for name in GROUNDS if name in grounds} | update

    def extend(self) -> None:
        """`extend:` further codes of a list, further rows of a table."""
        node = self.part.root.get("extend")
        for section, inner in self._named("extend", node):
            match section.text:
                case "codes":
                    for name, entries in self._named("codes", inner):
                        self._extend_codes(name, entries)
                case "rows":
                    for name, entries in self._named("rows", inner):
                        self._extend_rows(name, entries)
                case _:
                    known = tuple(overlay_model.Extension.model_fields)
                    self.merge.diagnostics.append(diagnostics.unknown_key(section.span, section.text, known))

    def _present(self, section: str, name: Scalar) -> bool:
        """Whether an entry that is to be extended is there and fits its shape; reported where it is not there."""
        path: Path = (section, name.text)
        if path not in self.merge.origins and not self.merge.is_broken(*map(str, path)):
            known = self.merge.names(section)
            self.merge.diagnostics.append(diagnostics.nothing_to_replace(name.span, name.text, known))
        return path in self.merge.entries

    def _extend_codes(self, name: Scalar, node: Node) -> None:
        merge, path = self.merge, ("codes", name.text)
        if not self._present("codes", name):
            return
        whole = Mapping(((_key("values", name), node),), name.source, name.start, name.end)
        further, faults = fit(_Codes, whole, name.span)
        merge.diagnostics += faults
        listed = dict(merge.entries[path].values)
        for code, entry in self._named(name.text, node) if further is not None else ():
            if code.text in listed:
                first = merge.origins[path].find(("values", code.text)).span
                merge.diagnostics.append(
                    diagnostics.exists_already(code.span, code.text, first, replaceable=False)
                )
            else:
                merge.origins[(*path, "values", code.text)] = Origin(code.span, entry)
        listed |= {} if further is None else {c: v for c, v in further.values.items() if c not in listed}
        merge.entries[path] = merge.entries[path].model_copy(update={"values": listed})

    def _extend_rows(self, name: Scalar, node: Node) -> None:
        merge, path = self.merge, ("tables", name.text)
        if not self._present("tables", name):
            return
        if not isinstance(node, Sequence):
            merge.diagnostics.append(diagnostics.wrong_kind(node.span, LIST, kind(node)))
            return
        rows = list(merge.entries[path].rows)
        ids = {row.id for row in rows}
        for item in node.items:
            row, faults = fit(model.TableRow, item, item.span, self.part.filling.of("tables"))
            merge.diagnostics += faults
            if row is None:
                continue
            if row.id in ids:
                first = merge.origins[path].at
                merge.diagnostics.append(
                    diagnostics.exists_already(item.span, row.id, first, replaceable=True)
                )
                continue
            merge.origins[(*path, "rows", len(rows))] = Origin(item.span, item)
            rows.append(row)
            ids.add(row.id)
        merge.entries[path] = merge.entries[path].model_copy(update={"rows": tuple(rows)})

    # -- what other overlays changed -----------------------------------------------------------

    def change(self, path: Path, span: Span, content: object) -> None:
        """Take note of a change; one of another overlay that it undoes is told."""
        changed = self.merge.changed.setdefault(path[:2], {})
        for earlier, (overlay, first, before) in list(changed.items()):
            if overlay != self.overlay and earlier[: len(path)] == path:
                if earlier != path or before != content:
                    name = ".".join(map(str, earlier[1:]))
                    self.merge.diagnostics.append(diagnostics.overlays_conflict(span, name, overlay, first))
                del changed[earlier]
        changed[path] = (self.overlay, span, content)

    def _named(self, section: str, node: Node | None) -> Iterator[tuple[Scalar, Node]]:
        """The entries of a mapping; anything else is reported."""
        if node is None or (isinstance(node, Scalar) and node.null):
            return
        if not isinstance(node, Mapping):
            self.merge.diagnostics.append(diagnostics.wrong_kind(node.span, MAPPING, kind(node)))
            return
        first: dict[str, tuple[Scalar, Node]] = {}
        for name, entry in node.entries:
            first.setdefault(name.text, (name, entry))  # a doubled key was reported when the file was read
        yield from first.values()


class _Codes(model.Shape):
    values: dict[str, model.TitledCode]


def _key(text: str, at: Scalar) -> Scalar:
    return Scalar(text, "", at.source, at.start, at.end)
