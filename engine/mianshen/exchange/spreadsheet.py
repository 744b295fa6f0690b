"""A rulebook out to a workbook, and a workbook back as an overlay.

In: the files of a rulebook. Out: a workbook; or `Imported`: the text of an overlay, empty where nothing was edited.
Invariant: an overlay is handed back only once the rulebook was read with it and has exactly the rows of the sheets;
what is wrong with it is shown at the cell it came from. Raises RuleError with all mistakes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mianshen.catalogue import diagnostic
from mianshen.document import Document, read
from mianshen.elaboration.build import build
from mianshen.exchange.edits import Edits, SheetEdits
from mianshen.exchange.overlay_text import MADE_BY, Written
from mianshen.exchange.sheets import Row, Sheet, sheets_of
from mianshen.exchange.workbook import Reader, write_workbook
from mianshen.source import NOWHERE, Diagnostic, RuleError


@dataclass(frozen=True, slots=True)
class Imported:
    """An overlay, and warnings about what was edited."""

    text: str
    warnings: tuple[Diagnostic, ...]


def export_workbook(rules: Sequence[Path], overlays: Sequence[Path], names: Sequence[str], out: Path) -> int:
    """Write the entries named, or all, to a workbook; how many sheets it has."""
    document = sound_document(rules, overlays)
    sheets = sheets_of(document, names)
    title = document.header.title.zh if document.header is not None else out.stem
    write_workbook(out, title, sheets, names)
    return len(sheets)


def import_workbook(path: Path, rules: Sequence[Path], overlays: Sequence[Path], name: str) -> Imported:
    """What was edited since the export, as an overlay called `name` to apply after `overlays`."""
    need("openpyxl")
    document = sound_document(rules, overlays)
    reader = Reader(path)
    sheets = sheets_of(document, reader.names)
    _refuse(reader.diagnostics)
    whole: frozenset[tuple[str, str]] = frozenset()
    for _ in range(2):
        seen = len(reader.diagnostics)
        compared = SheetEdits(document, reader, whole)
        for sheet in _edited(reader, sheets):
            compared.add(sheet)
        _refuse(reader.diagnostics)
        warnings = tuple(reader.diagnostics[seen:])
        if not compared.edits.changes:
            return Imported("", warnings)
        written = Written([f"{MADE_BY}: {path.name}"])
        written.put({"overlay": {"name": name, "title": path.stem}} | compared.edits.changes)
        different = _different(rules, overlays, written, sheets, compared.edits, reader.names)
        if not different:
            return Imported(written.text, warnings)
        whole = frozenset(different)
    raise AssertionError(f"an overlay cannot say the edits of {sorted(whole)}")


def need(package: str) -> None:
    """Raises RuleError where a package of the extra `exchange` is not installed."""
    if find_spec(package) is None:
        raise RuleError([diagnostic("E901.no_extra", NOWHERE, package=package)])


def sound_document(rules: Sequence[Path], overlays: Sequence[Path]) -> Document:
    """The document of a rulebook that can be built."""
    document, findings = read(rules, overlays)
    build(document, findings)
    return document


def _refuse(findings: Sequence[Diagnostic]) -> None:
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise RuleError(dict.fromkeys(errors))


def _edited(reader: Reader, sheets: Sequence[Sheet]) -> list[Sheet]:
    """The sheets to compare: those of which the rulebook has changed since must not have been edited."""
    current: list[Sheet] = []
    for sheet in sheets:
        exported = reader.digests.get(sheet.path)
        if exported == sheet.digest:
            current.append(sheet)
        elif exported is not None and reader.digest(sheet) != exported:
            place = reader.place(reader.pages[sheet.path])
            reader.diagnostics.append(diagnostic("E922.stale", place, sheet=sheet.path))
    return current


def _different(
    rules: Sequence[Path],
    overlays: Sequence[Path],
    written: Written,
    sheets: Sequence[Sheet],
    edits: Edits,
    names: Sequence[str],
) -> set[tuple[str, str]]:
    """The entries that the overlay does not lead to. Raises RuleError, each at its cell, where it is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overlay.yaml"
        file.write_text(written.text, "utf-8")
        document, findings = read(rules, (*overlays, file))
        try:
            build(document, findings)
        except RuleError as error:
            raise RuleError(written.at(one, str(file)) for one in error.diagnostics) from None
    after = {sheet.path: sheet for sheet in sheets_of(document, names)}
    return {
        (sheet.kind, sheet.entry or row.get("name") or row["list"])
        for sheet in sheets
        if sheet.path in edits.wanted
        for row in _apart(edits.wanted[sheet.path], after[sheet.path].rows)
    }


def _apart(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """The rows that only one of two sheets has."""
    return [row for row in rows if row not in others] + [row for row in others if row not in rows]
