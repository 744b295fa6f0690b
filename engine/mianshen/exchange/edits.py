"""What was edited in the sheets of a rulebook, as the sections of an overlay.

In: the sheets of a document, and their rows read back. Out: `Edits`: plain values with the cells they came from, and
the rows that the overlay must lead to. Mistakes of rows go where the reader's go.
Invariants: what was not edited is not named; an edit that the sparse forms of an overlay (`set`, `replace: rows`,
`extend`) cannot say replaces the whole entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mianshen.catalogue import diagnostic
from mianshen.document import Document, model
from mianshen.exchange import diagnostics
from mianshen.exchange.overlay_text import Plain
from mianshen.exchange.sheets import DAYS, GROUNDS, SEPARATOR, Column, Row, Sheet, own_names
from mianshen.exchange.workbook import Cell, Reader, day_of_serial
from mianshen.program.literals import WRITTEN, read
from mianshen.source import Diagnostic

CellRow = Mapping[str, Cell]
_DATED: Final = ("from", "until", *GROUNDS)
_ROW_KEYS: Final = ("area", "from", "until", "status", "source", "clause", "basis", "note")
_LISTS: Final = ("area", "also")  # columns of several texts
_BOTH: Final = (("title_zh", "title_en"), ("zh", "en"))  # a title in one language serves for both


@dataclass(slots=True)
class Edits:
    """The sections of an overlay, and by sheet the rows that must come of them."""

    changes: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, list[Row]] = field(default_factory=dict)

    def at(self, *path: str) -> dict[str, Any]:
        """The mapping at a path of the overlay."""
        place = self.changes
        for step in path:
            place = place.setdefault(step, {})
        return place


class SheetEdits:
    """Compares one workbook with a document; `whole`: entries to be replaced, whatever their edits."""

    def __init__(self, document: Document, reader: Reader, whole: frozenset[tuple[str, str]]) -> None:
        self.document, self.reader, self.whole = document, reader, whole
        self.diagnostics: list[Diagnostic] = reader.diagnostics
        self.edits = Edits()

    def add(self, sheet: Sheet) -> None:
        """The edits of one sheet."""
        rows = self.reader.rows(sheet)
        if not rows and any(d.severity == "error" for d in self.diagnostics):
            return
        match sheet.kind:
            case "parameters" | "scales":
                self._listed(sheet, rows)
            case "keyed":
                parameter = self.document.parameters[sheet.entry]
                figures = ("over", "rate") if parameter.type == "scale" else ("value",)
                self._figures(sheet, sheet.entry, rows, sheet.rows, tuple(own_names(parameter.keys)), figures)
            case "data":
                table = self.document.data[sheet.entry]
                names = own_names([*table.keys, *table.columns])
                self._figures(
                    sheet,
                    sheet.entry,
                    rows,
                    sheet.rows,
                    tuple(names[: len(table.keys)]),
                    tuple(names[len(table.keys) :]),
                )
            case "tables":
                self._table(sheet, rows)
            case "codes":
                self._codes(sheet, rows)

    # -- cells -------------------------------------------------------------------------------

    def _typed(self, column: Column, type_: str, cell: Cell) -> None:
        """Refuse what a spreadsheet made of a cell where that is not what was meant."""
        day = column.name in DAYS or type_ == "date"
        if day and cell.kind == "number":
            serial = day_of_serial(cell.text)
            meant = serial.isoformat() if serial else "2026-01-31"
            self.diagnostics.append(diagnostic("E916.date_serial", cell.span, text=cell.text, day=meant))
        elif cell.kind == "moment" or (cell.kind == "day" and not day):
            self.diagnostics.append(diagnostic("E917.turned_into_date", cell.span, text=cell.text))

    def _like(self, sheet: Sheet, row: CellRow, base: Row | None, type_: str = "") -> CellRow:
        """The row with the base's text where a cell means the same; what may not be edited is refused."""
        alike: dict[str, Cell] = {}
        for column in sheet.columns:
            cell, before = row[column.name], "" if base is None else base[column.name]
            written = type_ if column.name == "value" and type_ else column.type
            self._typed(column, written, cell)
            if not column.editable and cell.text not in ("", before) and base is not None:
                self.diagnostics.append(diagnostic("E918.read_only", cell.span, before=before or "''"))
            same = cell.text != before and _means_the_same(cell.text, before, written)
            if column.name in _LISTS:
                cell = Cell(SEPARATOR.join(part.text for part in _several(cell)), cell.span)
            alike[column.name] = Cell(before, cell.span, cell.kind) if same or not column.editable else cell
        for one, other in (*_BOTH, *((b, a) for a, b in _BOTH)):
            if one in alike and not alike[one].text:
                alike[one] = Cell(alike[other].text, alike[one].span)
        return alike

    def _unique(self, rows: Sequence[CellRow], names: Sequence[str]) -> bool:
        """Whether no two rows are of one thing; reported where they are."""
        first: dict[tuple[str, ...], CellRow] = {}
        unique = True
        for row in rows:
            key = tuple(row[name].text for name in names)
            earlier = first.setdefault(key, row)
            if earlier is not row:
                places = (row[names[0]].span, earlier[names[0]].span)
                self.diagnostics.append(diagnostics.duplicate_row(*places))
                unique = False
        return unique

    def _split(
        self, sheet: Sheet, rows: Sequence[CellRow], column: str, known: Sequence[str]
    ) -> dict[str, list[CellRow]]:
        """The rows of each entry of a sheet that holds many; entries that are not there are refused."""
        split: dict[str, list[CellRow]] = {name: [] for name in known}
        for row in rows:
            if row[column].text in split:
                split[row[column].text].append(row)
            else:
                self.diagnostics.append(diagnostics.unknown_name(row[column].span, row[column].text, known))
        for name, part in split.items():
            if not part:
                self.diagnostics.append(
                    diagnostic("E921.rows_gone", self.reader.place(self.reader.pages[sheet.path]), name=name)
                )
        return split

    # -- figures -----------------------------------------------------------------------------

    def _listed(self, sheet: Sheet, rows: Sequence[CellRow]) -> None:
        names = list(dict.fromkeys(row["name"] for row in sheet.rows))
        figures = ("over", "rate") if sheet.kind == "scales" else ("value",)
        for name, part in self._split(sheet, rows, "name", names).items():
            base = [row for row in sheet.rows if row["name"] == name]
            self._figures(sheet, name, part, base, (), figures)

    def _figures(
        self, sheet: Sheet, name: str, rows: Sequence[CellRow], base: Sequence[Row], keys: Sequence[str],
        figures: Sequence[str],
    ) -> None:  # fmt: skip
        """A figure over time or a table of data: what differs, value by value."""
        identity = ("from", *keys, *(["over"] if "over" in figures else ()))
        if not rows or not self._unique(rows, identity):
            if not rows and sheet.entry:
                self.diagnostics.append(
                    diagnostic("E921.rows_gone", self.reader.place(self.reader.pages[sheet.path]), name=name)
                )
            return
        before = {tuple(row[part] for part in identity): row for row in base}
        type_ = self.document.parameters[name].type if sheet.kind != "data" else ""
        result: list[CellRow] = []
        for row in rows:
            old = before.get(tuple(row[part].text for part in identity))
            new = self._like(sheet, row, old or self._head(base), type_)
            result.append(self._grounded(name, new, old, figures))
        texts = [_texts(row) for row in result]
        self._want(sheet, base, texts)
        if _same(texts, base):
            return
        if sheet.kind in ("parameters", "scales") and (sheet.kind, name) not in self.whole:
            days = {row["from"] for row in base} - {row["from"].text for row in result}
            if not days:
                self._set(name, result, base, figures)
                return
        self._replace_figures(sheet, name, result, keys, figures)

    def _head(self, base: Sequence[Row]) -> Row | None:
        """What stands in the grey cells of a new row."""
        return (
            None
            if not base
            else dict.fromkeys(base[0], "")
            | {column: base[0][column] for column in ("title", "type") if column in base[0]}
        )

    def _grounded(self, name: str, row: CellRow, old: Row | None, figures: Sequence[str]) -> CellRow:
        """A value that has changed does not keep the clause that its predecessor was cited from."""
        if not row["basis"].text:
            known = any(row[figure].text for figure in figures)
            return {**row, "basis": Cell("provisional" if known else "missing", row["basis"].span)}
        if old is None or old["basis"] != "cited" or row["basis"].text != "cited":
            return row
        changed = [figure for figure in figures if row[figure].text != old[figure]]
        if not changed or any(row[part].text != old[part] for part in ("source", "clause")):
            return row
        self.diagnostics.append(diagnostic("E923.no_longer_cited", row[changed[0]].span, name=name))
        return {**row, "basis": Cell("provisional", row[changed[0]].span)}

    def _set(self, name: str, rows: Sequence[CellRow], base: Sequence[Row], figures: Sequence[str]) -> None:
        """The dated values that differ, under `set`."""
        values = []
        for day in dict.fromkeys(row["from"].text for row in rows):
            part = [row for row in rows if row["from"].text == day]
            if not _same([_texts(row) for row in part], [row for row in base if row["from"] == day]):
                values += self._dated(part, (), lambda leaf: self._figure(leaf, figures), "value")
        self.edits.at("set")[name] = values

    def _replace_figures(
        self, sheet: Sheet, name: str, rows: Sequence[CellRow], keys: Sequence[str], figures: Sequence[str]
    ) -> None:
        if sheet.kind == "data":
            table = self.document.data[name]
            head: dict[str, Plain] = {
                "title": _title(table.title),
                "keys": table.keys,
                "columns": table.columns,
            }
            values = self._dated(
                rows,
                keys,
                lambda leaf: [leaf[0][figure] if leaf[0][figure].text else None for figure in figures],
                "rows",
            )
            self.edits.at("replace", "data")[name] = {**head, "values": values}
            return
        parameter = self.document.parameters[name]
        head = {"type": parameter.type, "title": _title(parameter.title)}
        if keys:
            head["keys"] = parameter.keys
        values = self._dated(rows, keys, lambda leaf: self._figure(leaf, figures), "value")
        self.edits.at("replace", "parameters")[name] = {**head, "values": values}

    def _dated(
        self,
        rows: Sequence[CellRow],
        keys: Sequence[str],
        leaf: Callable[[Sequence[CellRow]], Plain],
        part: str,
    ) -> list[dict[str, Plain]]:
        """Rows as dated values: those that hold from one day on the same grounds together, by their keys."""
        groups: dict[tuple[str, ...], list[CellRow]] = {}
        for row in rows:
            groups.setdefault(tuple(row[name].text for name in _DATED), []).append(row)
        values = []
        for group in groups.values():
            first = group[0]
            known = (
                any(row[name].text for row in group for name in row if name in ("value", "over", "rate"))
                or part == "rows"
            )
            dated: dict[str, Plain] = {name: first[name] for name in ("from", "until") if first[name].text}
            if known:
                dated[part] = _nested(group, keys, leaf)
            values.append({**dated, **{name: first[name] for name in GROUNDS if first[name].text}})
        return values

    def _figure(self, rows: Sequence[CellRow], figures: Sequence[str]) -> Plain:
        """A single value, or the brackets of a scale."""
        if figures == ("value",):
            return rows[0]["value"] if rows[0]["value"].text else None
        return [{"over": row["over"], "rate": row["rate"]} for row in rows]

    def _want(self, sheet: Sheet, base: Sequence[Row], rows: Sequence[Row]) -> None:
        """Remember which rows the overlay must lead to."""
        wanted = self.edits.wanted.setdefault(sheet.path, list(sheet.rows))
        self.edits.wanted[sheet.path] = [row for row in wanted if row not in base] + list(rows)

    # -- tables ------------------------------------------------------------------------------

    def _table(self, sheet: Sheet, rows: Sequence[CellRow]) -> None:
        table = self.document.tables[sheet.entry]
        if not rows:
            self.diagnostics.append(
                diagnostic(
                    "E921.rows_gone", self.reader.place(self.reader.pages[sheet.path]), name=sheet.entry
                )
            )
            return
        if not self._unique(rows, ("id",)):
            return
        before = {row["id"]: row for row in sheet.rows}
        result = [self._like(sheet, row, before.get(row["id"].text)) for row in rows]
        texts = [_texts(row) for row in result]
        ordered = table.hit_policy == "first"
        self.edits.wanted[sheet.path] = list(texts)
        if texts == list(sheet.rows) or (not ordered and _same(texts, sheet.rows)):
            return
        ids = [row["id"].text for row in result]
        olds = [one for one in ids if one in before]
        appended = not ordered or (olds == list(before) and ids[: len(olds)] == olds)
        inputs = own_names(table.inputs)
        if len(olds) == len(before) and appended and ("tables", sheet.entry) not in self.whole:
            self._rows(sheet.entry, result, before, inputs)
        else:
            self._replace_table(sheet.entry, table, result, inputs)

    def _rows(
        self, name: str, rows: Sequence[CellRow], before: Mapping[str, Row], inputs: Sequence[str]
    ) -> None:
        """What is different in rows that are there, and rows that are not."""
        for row in rows:
            old = before.get(row["id"].text)
            if old is None:
                self.edits.at("extend", "rows").setdefault(name, []).append(_whole_row(row, inputs))
                continue
            change: dict[str, Plain] = {}
            if any(row[column].text != old[column] for column in inputs):
                change["cells"] = [row[column] for column in inputs]
            if row["value"].text != old["value"]:
                change["value"] = row["value"]
            if any(row[part].text != old[part] for part in ("title_zh", "title_en")):
                change["title"] = _row_title(row)
            for part in _ROW_KEYS:
                if row[part].text != old[part]:
                    change[part] = _part(row, part)
            if change:
                self.edits.at("replace", "rows", name)[row["id"].text] = change

    def _replace_table(
        self, name: str, table: model.Table, rows: Sequence[CellRow], inputs: Sequence[str]
    ) -> None:
        entry: dict[str, Any] = table.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
        )
        rows_before = {row["id"]: row for row in entry.pop("rows")}
        whole = []
        for row in rows:
            old = rows_before.get(row["id"].text, {})
            unseen = {part: _plain(old[part]) for part in ("annual_limit", "stand_in") if part in old}
            whole.append({**_whole_row(row, inputs), **unseen})
        self.edits.at("replace", "tables")[name] = {**_plain(entry), "rows": whole}

    # -- codes -------------------------------------------------------------------------------

    def _codes(self, sheet: Sheet, rows: Sequence[CellRow]) -> None:
        if not self._unique(rows, ("list", "code")):
            return
        known = list(dict.fromkeys(row["list"] for row in sheet.rows))
        wanted: list[Row] = list(sheet.rows)
        for name, part in self._split(sheet, rows, "list", known).items():
            base = {row["code"]: row for row in sheet.rows if row["list"] == name}
            for code in sorted(base.keys() - {row["code"].text for row in part}):
                page = self.reader.place(self.reader.pages[sheet.path])
                self.diagnostics.append(diagnostic("E926.code_gone", page, name=f"{name}.{code}"))
            for row in part:
                if row["code"].text in base:
                    self._unedited(row, base[row["code"].text])
                else:
                    wanted.append(
                        self._new_code(name, self._like(sheet, row, self._head(list(base.values()))))
                    )
        self.edits.wanted[sheet.path] = wanted

    def _unedited(self, row: CellRow, base: Row) -> None:
        """A code that is there stays as it is."""
        for column, cell in row.items():
            if cell.text != base[column]:
                self.diagnostics.append(diagnostic("E918.read_only", cell.span, before=base[column] or "''"))

    def _new_code(self, name: str, row: CellRow) -> Row:
        value: dict[str, Plain] = {part: row[part] for part in ("zh", "en")}
        if row["also"].text:
            value["also"] = _several(row["also"])
        if row["proposed"].text:
            value["proposed"] = row["proposed"]
        self.edits.at("extend", "codes", name)[row["code"].text] = value
        return {**_texts(row), "proposed": row["proposed"].text or "true"}


# -- rows and cells ----------------------------------------------------------------------------------


def _texts(row: CellRow) -> dict[str, str]:
    return {name: cell.text for name, cell in row.items()}


def _same(rows: Sequence[Row], others: Sequence[Row]) -> bool:
    """Whether two tables hold the same rows, in any order."""
    return sorted(map(_key, rows)) == sorted(map(_key, others))


def _key(row: Row) -> list[tuple[str, str]]:
    return sorted(row.items())


def _means_the_same(text: str, before: str, type_: str) -> bool:
    """Whether two literals of one type are one value, `550000` and `550000.00`."""
    kind = WRITTEN.get(type_)
    if kind is None or not text or not before:
        return False
    value = read(text, kind)
    return value is not None and value == read(before, kind)


def _nested(
    rows: Sequence[CellRow], keys: Sequence[str], leaf: Callable[[Sequence[CellRow]], Plain]
) -> Plain:
    """Rows by their keys, one mapping within another."""
    if not keys:
        return leaf(rows)
    key, *rest = keys
    groups: dict[str, list[CellRow]] = {}
    for row in rows:
        groups.setdefault(row[key].text, []).append(row)
    return {part[0][key]: _nested(part, rest, leaf) for part in groups.values()}


def _whole_row(row: CellRow, inputs: Sequence[str]) -> dict[str, Plain]:
    parts: dict[str, Plain] = {
        "id": row["id"],
        "cells": [row[column] for column in inputs],
        "value": row["value"],
    }
    if row["title_zh"].text or row["title_en"].text:
        parts["title"] = _row_title(row)
    return parts | {part: _part(row, part) for part in _ROW_KEYS if row[part].text}


def _row_title(row: CellRow) -> Plain:
    return {"zh": row["title_zh"], "en": row["title_en"]} if row["title_zh"].text else None


def _part(row: CellRow, part: str) -> Plain:
    cell = row[part]
    if not cell.text:
        return None
    return _several(cell) if part == "area" else cell


def _several(cell: Cell) -> list[Cell]:
    parts = cell.text.replace("；", SEPARATOR).split(SEPARATOR.strip())
    return [Cell(part.strip(), cell.span) for part in parts if part.strip()]


def _title(title: model.Title) -> dict[str, str]:
    return {"zh": title.zh, "en": title.en}


def _plain(value: Any) -> Any:
    """A model's plain values with truth values as texts."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value
