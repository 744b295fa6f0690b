"""Cases as people write them: records with what they are expected to give.

In: case files, the programs they are decided under. Out: `Case_`s, or every mistake with its place:
a misspelt name, status or provision is refused, for an expectation nobody checks is worse than none.
Invariants: a case says its own day; its name is its own within its file; what a case does not expect
is not checked, except that no row may be rejected unexpectedly.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mianshen.cases.expectations import Expectation, ExpectationReader, unknown_key
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Scalar, read_tree
from mianshen.document.yaml_tree import Sequence as ListNode
from mianshen.interpreter.rows import Case
from mianshen.program.program import Program
from mianshen.records.read import CASE_KEYS, merged, read_record
from mianshen.rulebook import open_program, overlay_file, shipped_overlays, unknown_overlay
from mianshen.source import Diagnostic, Message, RuleError, Span, unlined

ENDINGS: Final = (".yaml", ".yml", ".json")
_CASES: Final = re.compile(r"^cases\s*:", re.MULTILINE)
PASSED_OVER: Final = "overlays"  # a folder of proposed changes that cases name
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*|[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*")
_A_MAPPING: Final = Message("若干 key: value 项", "a mapping of keys to values")
_A_LIST: Final = Message("列表", "a list")


@dataclass(frozen=True, slots=True)
class CaseOf:
    """A case: where it stands, what it is decided under, what it expects."""

    file: Path
    name: str
    span: Span
    node: Mapping = field(repr=False)
    as_of: dt.date
    overlays: tuple[Path | str, ...]
    expectations: tuple[Expectation, ...]

    def record(self, program: Program) -> Case:
        """The rows, read anew; a case that was read once can be read again."""
        case, record = read_record(self.node, program, None, CASE_KEYS)
        if case is None:
            raise RuleError(record)
        return case

    @property
    def label(self) -> str:
        """Its name among those of several files."""
        return f"{self.file.stem}.{self.name}"

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"


@dataclass(slots=True)
class Programs:
    """Programs under the overlays cases ask for, each opened once; `proposed` overlays come last."""

    rules: tuple[Path, ...] = ()
    proposed: tuple[Path | str, ...] = ()
    opened: dict[tuple[Path | str, ...], Program] = field(default_factory=dict)

    def under(self, overlays: tuple[Path | str, ...]) -> Program:
        """The program with overlays applied; RuleError when the rulebook is wrong."""
        if overlays not in self.opened:
            under = (*overlays, *self.proposed)
            once = {os.path.realpath(overlay_file(overlay)): overlay for overlay in reversed(under)}
            self.opened[overlays] = open_program(self.rules, tuple(once.values())[::-1])
        return self.opened[overlays]


def case_files(paths: Sequence[Path]) -> list[Path]:
    """The case files in folders, sorted, and the files named."""
    case_files: list[Path] = []
    for path in paths:
        inside = (
            [part for part in path.rglob("*") if _is_case_file(path, part.relative_to(path))]
            if path.is_dir()
            else [path]
        )
        if not inside:
            raise RuleError([diagnostic("E463.no_files", unlined(str(path)))])
        case_files += sorted(inside)
    return list(dict.fromkeys(case_files))


def _is_case_file(folder: Path, path: Path) -> bool:
    """Whether a file below a folder holds cases; of those among overlays, only one that says so."""
    if path.suffix not in ENDINGS or any(part[0] == "." for part in path.parts):
        return False
    among_overlays = PASSED_OVER in path.parts[:-1]
    return (
        not among_overlays or _CASES.search((folder / path).read_text("utf-8", errors="replace")) is not None
    )


def read_case_files(files: Iterable[Path], programs: Programs) -> list[CaseOf]:
    """The cases of every file; RuleError with every mistake of every file."""
    cases: list[CaseOf] = []
    problems: list[Diagnostic] = []
    for file in files:
        reading = _FileReading(file, programs)
        cases += reading.cases()
        problems += reading.diagnostics
    if problems:
        raise RuleError(dict.fromkeys(problems))
    return cases


class _FileReading:
    """One case file; `diagnostics` gathers what is wrong."""

    def __init__(self, file: Path, programs: Programs) -> None:
        self.file = file
        self.programs = programs
        self.diagnostics: list[Diagnostic] = []
        self.names: dict[str, Span] = {}

    def cases(self) -> list[CaseOf]:
        return [case for node in self._nodes() if (case := self._case(node)) is not None]

    def _nodes(self) -> Iterator[Mapping]:
        """The file's cases, its defaults filled in."""
        root, nodes = read_tree(self.file)
        self.diagnostics += nodes
        if nodes:
            return
        listed = root.get("cases") if isinstance(root, Mapping) else None
        if not isinstance(root, Mapping) or not isinstance(listed, ListNode) or not listed.items:
            self.diagnostics.append(diagnostic("E462.no_cases", unlined(str(self.file))))
            return
        here = Message("案例文件", "a case file")
        self._only(root, ("defaults", "cases"), here)
        defaults = root.get("defaults")
        if defaults is not None and not isinstance(defaults, Mapping):
            self.diagnostics.append(
                diagnostic("E450.wrong_shape", defaults.span, name="defaults", wanted=_A_MAPPING)
            )
        for node in listed.items:
            if not isinstance(node, Mapping):
                self.diagnostics.append(
                    diagnostic("E450.wrong_shape", node.span, name="a case", wanted=_A_MAPPING)
                )
            else:
                yield merged(defaults, node) if isinstance(defaults, Mapping) else node

    def _only(self, node: Mapping, known: Iterable[str], where: Message) -> None:
        known = tuple(known)
        for key, _ in node.entries:
            if key.text not in known:
                self.diagnostics.append(unknown_key(key.span, key.text, where, known))

    def _case(self, node: Mapping) -> CaseOf | None:
        name = self._name(node)
        overlays = self._overlays(node)
        if name is None or overlays is None:
            return None
        try:
            program = self.programs.under(overlays)
        except RuleError as error:
            self.diagnostics += error.diagnostics
            return None
        case, wrong = read_record(node, program, None, CASE_KEYS)
        expect = node.get("expect")
        if expect is None:
            self.diagnostics.append(diagnostic("E454.nothing_expected", node.span, name=name))
        if case is None:
            self.diagnostics += wrong
        elif any(row.told is not None for row in case.rows()):
            self.diagnostics.append(diagnostic("E464.rows_unknown", node.span, name=name))
        if case is None or expect is None:
            return None
        reader = ExpectationReader(program, case, self.diagnostics)
        return CaseOf(self.file, name, node.span, node, case.as_of, overlays, tuple(reader.read(expect)))

    def _name(self, node: Mapping) -> str | None:
        name = node.get("name")
        if not isinstance(name, Scalar) or not _NAME.fullmatch(name.text):
            self.diagnostics.append(diagnostic("E452.no_name", node.span if name is None else name.span))
            return None
        if name.text in self.names:
            also = ((self.names[name.text], Message("另一个在此", "the other one is here")),)
            self.diagnostics.append(diagnostic("E453.same_name", name.span, also=also, name=name.text))
            return None
        self.names[name.text] = name.span
        return name.text

    def _overlays(self, node: Mapping) -> tuple[Path | str, ...] | None:
        """The overlays a case names: shipped ones, or paths from its file; None when one is wrong."""
        listed = node.get("overlays")
        if listed is None or (isinstance(listed, Scalar) and listed.null):
            return ()
        items = listed.items if isinstance(listed, ListNode) else ()
        named = [item for item in items if isinstance(item, Scalar)]
        if not isinstance(listed, ListNode) or len(named) < len(items):
            self.diagnostics.append(
                diagnostic("E450.wrong_shape", listed.span, name="overlays", wanted=_A_LIST)
            )
            return None
        overlays = [self._overlay(entry) for entry in named]
        known = tuple(part for part in overlays if part is not None)
        return known if len(known) == len(overlays) else None

    def _overlay(self, node: Scalar) -> Path | str | None:
        if node.text.endswith(ENDINGS):
            path = Path(os.path.normpath(self.file.parent / node.text))
            if path.is_file():
                return path
            self.diagnostics.append(diagnostic("E461.no_overlay_file", node.span, name=str(path)))
        elif node.text in shipped_overlays():
            return node.text
        else:
            self.diagnostics.append(unknown_overlay(node.span, node.text, shipped_overlays()))
        return None
