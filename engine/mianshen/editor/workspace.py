"""A rulebook as an editor has it open: files on disk, and texts that are not saved yet.

In: a folder, texts by file. Out: the mistakes of each file, what stands at a place, completions, edits.
Invariants: an unsaved text counts before its file; what is told about a name is told from the last rulebook without
mistakes, so that completion goes on while a line is half written; lines and columns count from 1.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from mianshen.cases.read import Programs, read_case_files
from mianshen.document import read
from mianshen.document.document import Document
from mianshen.document.yaml_tree import Node, read_tree
from mianshen.editor.case_trace import traces
from mianshen.editor.hover import Hover
from mianshen.editor.names import NAME, Occurrence, Symbol, occurrences, symbols
from mianshen.elaboration.build import build
from mianshen.policy.lint import rulebook_above
from mianshen.program.program import Program
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, Lang, RuleError, Span

_OVERLAY: Final = re.compile(r"^overlay\s*:", re.MULTILINE)
_CASES: Final = re.compile(r"^(cases|defaults)\s*:", re.MULTILINE)
_PASSED_OVER: Final = frozenset({".venv", "node_modules", ".git", "build"})


class Workspace:
    """The files below a folder."""

    def __init__(self, root: Path, lang: Lang) -> None:
        self.root = root.resolve()
        self.lang: Lang = lang
        self.texts: dict[str, str] = {}
        self.document: Document | None = None
        self.program: Program | None = None
        self._tree = lru_cache(maxsize=2000)(read_tree)
        self._programs: Programs | None = None
        self._hover: Hover | None = None

    # -- texts -----------------------------------------------------------------------------------

    def open(self, file: Path, text: str) -> None:
        """Take a text as the editor has it."""
        self.texts[str(file)] = text

    def close(self, file: Path) -> None:
        """Let the file on disk count again."""
        self.texts.pop(str(file), None)

    def saved(self) -> None:
        """Files on disk have changed."""
        self._programs = None

    def text(self, file: Path) -> str:
        """What stands in a file, as the editor has it; empty where it cannot be read."""
        try:
            return self.texts[str(file)] if str(file) in self.texts else file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def _parse(self, content: bytes, file: str) -> tuple[Node | None, list[Diagnostic]]:
        """The tree of a file, from the editor's text where there is one."""
        return self._tree(self.texts.get(file, content), file)

    def rulebook(self, file: Path) -> Path:
        """The rulebook that a file belongs to: the folder above it, one of the workspace, or the shipped one."""
        above = rulebook_above(file)
        if above is not None and (above.is_relative_to(self.root) or not file.is_relative_to(self.root)):
            return above  # what lies above the workspace is none of it
        headers = (path for path in sorted(self.root.glob("*/*.yaml")) if rulebook_above(path) == path.parent)
        return next((path.parent for path in headers), None) or shipped_rulebook()

    # -- mistakes --------------------------------------------------------------------------------

    def findings(self, file: Path) -> Mapping[str, list[Diagnostic]]:
        """The mistakes of a file, and of the rulebook's others, by file; files without any are not named."""
        text = self.text(file)
        if _CASES.search(text) and not _OVERLAY.search(text):
            return _by_file(self._of_cases(file))
        overlay = [file] if _OVERLAY.search(text) else []
        rulebook = self.rulebook(file)
        document, findings = read([rulebook], overlay, self._parse)
        try:
            program, warnings = build(document, findings)
        except RuleError as error:
            if self.document is None:
                self.document = document
            return _by_file(error.diagnostics)
        if not overlay or self.program is None:
            self.document, self.program, self._hover = document, program, None
        return _by_file(warnings)

    def _of_cases(self, file: Path) -> tuple[Diagnostic, ...]:
        """The mistakes of a case file, as it is on disk."""
        self._programs = self._programs or Programs((self.rulebook(file),))
        try:
            read_case_files([file], self._programs)
        except RuleError as error:
            return error.diagnostics
        return ()

    def traces(self, file: Path) -> list[tuple[Span, str]]:
        """What the expectations of a case file come to; nothing for another file."""
        if not _CASES.search(self.text(file)) or not file.is_file():
            return []
        self._programs = self._programs or Programs((self.rulebook(file),))
        return traces(file, self._programs, self.lang)

    def ready(self, file: Path) -> None:
        """Read the rulebook of a file, if none has been read."""
        if self.program is None:
            self.findings(self.rulebook(file) / "rulebook.yaml")

    # -- names -----------------------------------------------------------------------------------

    def name_at(self, file: Path, line: int, column: int) -> Occurrence | None:
        """The name that stands at a place."""
        return next((at for at in self._occurrences(file) if _holds(at, line, column)), None)

    def _occurrences(self, file: Path) -> list[Occurrence]:
        root, _ = self._tree(self.text(file), str(file))
        return [] if root is None else list(occurrences(root))

    def symbols(self, name: str) -> list[Symbol]:
        """What the rulebook defines under a name; of a table's row the table."""
        if self.document is None:
            return []
        return [symbol for symbol in symbols(self.document) if symbol.name == name]

    def uses(self, name: str) -> Iterator[Occurrence]:
        """Every place in the workspace and the rulebook where a name stands."""
        folders = {self.root}
        if self.document is not None:
            folders |= {Path(file).resolve().parent for file in self.document.files}
        files = {path.resolve() for folder in folders for path in folder.rglob("*.y*ml") if _is_ours(path)}
        for file in sorted(files):
            if name in self.text(file):
                yield from (at for at in self._occurrences(file) if at.name == name)

    def hover(self, name: str, today: dt.date) -> str:
        """What a name is, as Markdown; empty where the rulebook has no such name."""
        hover = self._named()
        return "" if hover is None else hover.of(name, today)

    def completions(self) -> list[tuple[str, str, str]]:
        """Every name with its kind and title."""
        hover = self._named()
        return [] if hover is None else hover.names

    def _named(self) -> Hover | None:
        if self._hover is None and self.program is not None:
            self._hover = Hover(self.program, self.lang)
        return self._hover

    def renamed(self, old: str, new: str) -> list[Occurrence]:
        """The places to change for another name; empty where that would not be one thing renamed, or the name is none."""
        taken = bool(self.symbols(new)) or NAME.fullmatch(new) is None
        return [] if taken or len(self.symbols(old)) != 1 else list(self.uses(old))


def _by_file(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> dict[str, list[Diagnostic]]:
    files: dict[str, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        files.setdefault(diagnostic.span.file, []).append(diagnostic)
    return files


def _holds(at: Occurrence, line: int, column: int) -> bool:
    span = at.span
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)


def _is_ours(path: Path) -> bool:
    return not _PASSED_OVER.intersection(path.parts)
