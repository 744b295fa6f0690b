"""What commands that answer about single records share: rulebooks opened, records read and decided.

In: files of records, and what the options say. Out: the records, each with the answer about it.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mianshen.casework.check import Checked, Checker, checker_of
from mianshen.program.program import Program
from mianshen.records.read import Record, read_cases, refused
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, RuleError, unlined
from mianshen_cli.click_commands import today
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A record of a file and the overlays the file wants it decided under."""

    file: Path
    record: Record
    overlays: tuple[str | Path, ...]


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record of a file, decided."""

    file: Path
    record: Record
    checker: Checker
    checked: Checked


class Session:
    """Opens rulebooks and reads records, as the options say."""

    def __init__(self, rules: tuple[Path, ...], overlays: tuple[str, ...], as_of: dt.date | None) -> None:
        self.rules = rules
        self.overlays = overlays
        self.as_of = as_of
        self.today = today()
        self.programs: dict[tuple[str | Path, ...], Program] = {}

    def checker(self, overlays: tuple[str | Path, ...] = ()) -> Checker:
        """The rulebook with a record's overlays, then those asked for."""
        if overlays not in self.programs:
            self.programs[overlays] = open_program(self.rules, [*overlays, *self.overlays])
        return checker_of(self.programs[overlays])

    def read(self, files: list[Path], name: str | None) -> list[FileRecord]:
        """Every record of every file, or the one of that name; RuleError with the mistakes of all files."""
        records: list[FileRecord] = []
        wrong: list[Diagnostic] = []
        for file in files:
            try:
                source = sys.stdin.buffer.read() if str(file) == "-" else file
                cases = read_cases(source, partial(self._program, file), self.as_of, self.today, name)
            except RuleError as error:
                wrong += error.diagnostics
                continue
            records += [
                FileRecord(file, record, tuple(overlay_of(file, o) for o in record.overlays))
                for record in cases
            ]
        if wrong:
            raise RuleError(wrong)
        if name is not None and not records:
            raise no_case(name)
        return records

    def _program(self, file: Path, overlays: tuple[str, ...]) -> Program:
        """The rulebook that a record of a file is read and decided under."""
        return self.checker(tuple(overlay_of(file, overlay) for overlay in overlays)).program

    def check(self, item: FileRecord) -> CheckedRecord:
        """A record decided under its overlays."""
        checker = self.checker(item.overlays)
        checked = checker.check_record(item.record, self.as_of, self.today)
        return CheckedRecord(item.file, item.record, checker, checked)


def no_case(name: str) -> Refused:
    """What is wrong where no record of the files has the name that `--case` asks for."""
    return Refused(wording("session.no_case").filled(name=name))


def undecided(answer: CheckedRecord) -> list[Diagnostic]:
    """What deciding itself refused, each at its row; a row nobody described stands where the person does."""
    record, case = answer.record, answer.checked.case
    person = record.places.get(case.person, unlined(str(answer.file)))
    return refused(case, record.rejects, person, record.places)


def check_replaces_no_input(out: Path, inputs: Iterable[Path]) -> None:
    """Raises where an output would replace an input: the file itself, or a file in a folder that is read."""
    if not out.exists():
        return
    for path in inputs:
        inside = path.is_dir() and out.resolve().is_relative_to(path.resolve())
        if inside or (path.exists() and out.samefile(path)):
            raise Refused(wording("session.replaces").filled(out=out))


def rule_files(rules: Collection[str | Path], overlays: Iterable[str | Path]) -> list[Path]:
    """What a rulebook is read from; without rules, the shipped one."""
    return [
        *(map(Path, rules) if rules else [shipped_rulebook()]),
        *(path for overlay in overlays if (path := Path(overlay)).exists()),
    ]


def overlay_of(file: Path, overlay: str) -> str | Path:
    """An overlay as a case file names it: a shipped one, or a path from that file."""
    return file.parent / overlay if overlay.endswith((".yaml", ".yml")) else overlay
