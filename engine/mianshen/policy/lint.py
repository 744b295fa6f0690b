"""Everything wrong or doubtful about a rulebook, its overlays included.

In: folders, files, overlays, a day to judge reviews by. Out: `Findings`, sorted by place.
A single file is judged within the rulebook it belongs to, and then only its own mistakes are told.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from mianshen.document import read
from mianshen.document.load import Parse
from mianshen.document.yaml_tree import read_tree
from mianshen.elaboration.build import build
from mianshen.policy.doubts import doubts
from mianshen.policy.ignored import unless_ignored
from mianshen.program.program import Program
from mianshen.program.warnings import overdue
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, RuleError

ENDINGS: Final = (".yaml", ".yml")
UNREADABLE: Final = frozenset({"E101", "E104"})  # no such file, no file in the folder
MOST_ABOVE: Final = 5  # folders above a file in which its rulebook is looked for
_HEADER: Final = re.compile(r"^rulebook\s*:", re.MULTILINE)
_OVERLAY: Final = re.compile(r"^overlay\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, and how many files were looked at."""

    diagnostics: tuple[Diagnostic, ...]
    files: int

    def count(self, severity: str) -> int:
        return sum(part.severity == severity for part in self.diagnostics)

    @property
    def unreadable(self) -> bool:
        """Whether something that was asked for could not be read at all."""
        return any(part.code in UNREADABLE for part in self.diagnostics)


def lint(paths: Sequence[Path] = (), overlays: Sequence[Path] = (), on: dt.date | None = None) -> Findings:
    """Check a rulebook (none named: the shipped one) with overlays applied.

    Without overlays each overlay that travels with a folder is checked too, one at a time.
    """
    roots = list(paths) or [shipped_rulebook()]
    changes = [path for path in roots if _has(path, _OVERLAY)]
    parts = [path for path in roots if path not in changes]
    home = _home(parts or changes)
    result = None if home is None else {os.path.realpath(path) for path in roots}
    base = parts if home is None else [home]
    if changes and not base:
        base = [shipped_rulebook()]
    parse = cache(read_tree)
    outcome, files = _judged(base, [*overlays, *changes], on, parse)
    if not overlays and not changes and result is None:
        for change in _travelling(base):
            more, _ = _judged(base, [change], None, parse)
            outcome += [entry for entry in more if entry.span.file == str(change)]
            files.add(str(change))
    if result is not None:
        outcome = [part for part in outcome if os.path.realpath(part.span.file) in result]
        files = result
    remaining = unless_ignored(dict.fromkeys(outcome), files)
    return Findings(tuple(sorted(remaining, key=_place)), len(files))


def _judged(
    paths: Sequence[Path], overlays: Sequence[Path], on: dt.date | None, parse: Parse
) -> tuple[list[Diagnostic], set[str]]:
    """The diagnostics of a rulebook, and the files it was read from."""
    document, findings = read(paths, overlays, parse)
    files = set(document.files)
    try:
        program, warnings = build(document, findings)
    except RuleError as error:
        return list(error.diagnostics), files
    return [*warnings, *_overdue(program, on), *doubts(program, document)], files


def _overdue(program: Program, on: dt.date | None) -> list[Diagnostic]:
    return [] if on is None else overdue(program, on)


def _place(finding: Diagnostic) -> tuple[str, int, int, str]:
    return finding.span.file, finding.span.line, finding.span.column, finding.code


def _has(path: Path, heading: re.Pattern[str]) -> bool:
    """Whether a file has a section at its top level."""
    if not path.is_file():
        return False
    try:
        return heading.search(path.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _home(files: Sequence[Path]) -> Path | None:
    """The rulebook's folder that files are part of, when they are not a rulebook themselves."""
    if not files or not all(path.is_file() for path in files) or any(_has(path, _HEADER) for path in files):
        return None
    folder = rulebook_above(files[0])
    return None if folder is None else _as_given(files[0], folder)


def rulebook_above(file: Path) -> Path | None:
    """The nearest folder above a file that holds a rulebook's header."""
    for folder in list(file.absolute().parents)[:MOST_ABOVE]:
        if any(_has(part, _HEADER) for part in sorted(folder.glob("*.yaml"))):
            return folder
    return None


def _as_given(file: Path, folder: Path) -> Path:
    """The folder written the way the file was, relative or not."""
    for parent in file.parents:
        if parent.absolute() == folder:
            return parent
    return folder if file.is_absolute() else Path(os.path.relpath(folder))


def _travelling(paths: Iterable[Path]) -> list[Path]:
    """The overlays that lie in a rulebook's folder."""
    return sorted(
        change
        for path in paths
        if path.is_dir()
        for change in (path / "overlays").rglob("*")
        if change.suffix in ENDINGS
    )
