"""Records as people write them, YAML or JSON: one case, a list of them, or `{cases: [...]}`.

In: a file or a node of one, a program (for its vocabulary). Out: typed `Case`s, and every mistake with
its place and fix.
Invariants: a mistake of shape or of a key makes the record unreadable; a bad value rejects its row and
what hangs on it, and the bad fact is left unknown; the order of rows makes no difference. Names nothing
of insurance: entry, parents and children are what the vocabulary declares. Needs neither pydantic nor
a parser of formulas, for `check` must start fast.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from mianshen import catalogue
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence, read_tree
from mianshen.interpreter.rows import Case, Row
from mianshen.program.literals import read_date
from mianshen.program.program import Program
from mianshen.records import diagnostics
from mianshen.records.rows import RowReader
from mianshen.records.versions import HISTORY
from mianshen.source import Diagnostic, RuleError, Span, unlined

DAY: Final = "as_of"
STDIN: Final = "<stdin>"
CASE_KEYS: Final = frozenset({"name", "title", "overlays", "expect"})  # what a case file adds to a record
A_MAPPING: Final = ("若干 key: value 项", "a mapping of keys to values")
A_LIST: Final = ("列表", "a list")


@dataclass(frozen=True, slots=True)
class Record:
    """A record read: `rejects` say why rows of `case` are rejected.

    `dated`: it names its own day; `alone`: its file is no list, so that one answer is wanted; `written`: what
    describes each row, of those it describes.
    """

    case: Case
    rejects: tuple[Diagnostic, ...]
    dated: bool
    alone: bool
    name: str | None = None
    overlays: tuple[str, ...] = ()
    written: Map[Row, Node] = field(default_factory=dict)

    @property
    def places(self) -> dict[Row, Span]:
        """Where its rows stand."""
        return {row: node.span for row, node in self.written.items()}


def read_cases(
    source: Path | bytes | Node,
    program: Program | Callable[[tuple[str, ...]], Program],
    as_of: dt.date | None = None,
    today: dt.date | None = None,
    only: str | None = None,
) -> list[Record]:
    """The records of a file, of standard input or of a tree, decided for `as_of`, else for their day, else `today`.

    `program`: of all of them, or what gives it for the overlays that a record names, whose facts it may hold. `only`:
    the record of that name. A case file is read too: its `defaults` hold for each case, what it expects is passed over.
    Raises RuleError with every mistake when a record cannot be read.
    """
    root, nodes, findings = _nodes(source)
    records = []
    for node in nodes:
        alone = node is root
        dated = isinstance(node, Mapping) and node.get(DAY) is not None
        name, overlays = _named(node, findings)
        if only is not None and name != only:
            continue
        try:
            rows = RowReader(program if isinstance(program, Program) else program(overlays))
        except RuleError as error:
            findings += error.diagnostics
            continue
        case, wrong = _read(node, rows, as_of or (None if dated else today), CASE_KEYS)
        if case is None:
            findings += wrong
        else:
            records.append(Record(case, tuple(wrong), dated, alone, name, overlays, rows.written))
    if findings:
        raise RuleError(findings)
    return records


def record_nodes(path: Path) -> list[Node]:
    """The records of a file as they are written; a case file's `defaults` filled in. Raises RuleError."""
    _, nodes, findings = _nodes(path)
    if findings:
        raise RuleError(findings)
    return nodes


def lone_node(source: Path | str) -> Node:
    """The one record of a file or of a text. Raises RuleError where there is none, or several."""
    is_file = isinstance(source, Path) or source.endswith((".yaml", ".yml", ".json"))
    name = str(source) if is_file else "record"
    root, findings = read_tree(Path(source)) if is_file else read_tree(str(source), name)
    nodes = [] if root is None else list(_records(root, name, findings))
    if not findings and len(nodes) != 1:
        findings = [
            catalogue.diagnostic("E409.several_records", unlined(name), count=len(nodes))
            if nodes
            else diagnostics.no_record(name)
        ]
    if findings:
        raise RuleError(findings)
    return nodes[0]


def _nodes(source: Path | bytes | Node) -> tuple[Node | None, list[Node], list[Diagnostic]]:
    root: Node | None
    if isinstance(source, Path | bytes):
        name = STDIN if isinstance(source, bytes) else str(source)
        root, findings = read_tree(source, name)
    else:
        root, name, findings = source, source.span.file, []
    if root is None and not findings:
        findings = [diagnostics.no_record(name)]
    return root, [] if root is None else list(_records(root, name, findings)), findings


def named(node: Node) -> tuple[str | None, tuple[str, ...]]:
    """The name of a case and the overlays it is decided under. Raises RuleError."""
    problems: list[Diagnostic] = []
    both = _named(node, problems)
    if problems:
        raise RuleError(problems)
    return both


def read_record(
    node: Node,
    program: Program,
    as_of: dt.date | None = None,
    ignoring: Collection[str] = (),
    growing: bool = False,
) -> tuple[Case | None, list[Diagnostic]]:
    """One record, and its mistakes; no case when it cannot be read, else each rejects a row.

    `as_of` comes before the record's own day; one of the two must be there. Keys in `ignoring` belong
    to somebody else. A record that is `growing` may yet get rows, and keeps people's rows that none reads.
    """
    rows = RowReader(program)
    rows.growing = growing
    return _read(node, rows, as_of, ignoring)


def _read(
    node: Node, rows: RowReader, as_of: dt.date | None, ignoring: Collection[str]
) -> tuple[Case | None, list[Diagnostic]]:
    case = _Reading(rows, ignoring).case(node, as_of)
    if rows.unreadable or case is None:
        return None, [*rows.unreadable, *rows.rejects]
    return case, rows.rejects


def refused(
    case: Case, reported: Collection[Diagnostic], at: Span, places: Map[Row, Span] | None = None
) -> list[Diagnostic]:
    """What deciding a case refused, beyond what is `reported` already; at its row's place, else `at`."""
    known = {diagnostic.what for diagnostic in reported}
    return [
        diagnostics.not_decided((places or {}).get(row, at), why.reason, why.message)
        for row in case.rows()
        if (why := row.rejection) is not None and why.message not in known and why.reason != "parent_rejected"
    ]


def merged(defaults: Mapping, record: Mapping) -> Mapping:
    """The record with what it does not say taken from the defaults; mappings are merged key by key."""
    entries = {key.text: (key, value) for key, value in defaults.entries}
    for key, value in record.entries:
        _, merged = entries.get(key.text, (key, None))
        both = isinstance(merged, Mapping) and isinstance(value, Mapping)
        entries[key.text] = (key, _overlaid(merged, value) if both else value)  # type: ignore[arg-type]  # both are
    return replace(record, entries=tuple(entries.values()))


def _overlaid(defaults: Mapping, row: Mapping) -> Mapping:
    entries = {key.text: (key, value) for key, value in (*defaults.entries, *row.entries)}
    return replace(row, entries=tuple(entries.values()))


def _records(root: Node, file: str, findings: list[Diagnostic]) -> Iterator[Node]:
    """The records in a file, whichever of the three forms it has."""
    if not isinstance(root, Mapping) or root.get("cases") is None:
        items = root.items if isinstance(root, Sequence) else (root,)
        if not items or (isinstance(root, Scalar) and root.null):
            findings.append(diagnostics.no_record(file))
        else:
            yield from items
        return
    for key, _ in root.entries:
        if key.text not in ("cases", "defaults"):
            findings.append(diagnostics.unknown_key(key.span, key.text, file, ("cases", "defaults")))
    defaults, cases = root.get("defaults"), root.get("cases")
    if defaults is not None and not isinstance(defaults, Mapping):
        findings.append(diagnostics.wrong_shape(defaults.span, "defaults", A_MAPPING))
    if not isinstance(cases, Sequence):
        findings.append(diagnostics.wrong_shape(root.span, "cases", A_LIST))
    elif not cases.items:
        findings.append(diagnostics.no_record(file))
    else:
        for case in cases.items:
            yield (
                merged(defaults, case)
                if isinstance(defaults, Mapping) and isinstance(case, Mapping)
                else case
            )


def _named(node: Node, findings: list[Diagnostic]) -> tuple[str | None, tuple[str, ...]]:
    """The name of a case and the overlays it is decided under."""
    if not isinstance(node, Mapping):
        return None, ()
    name, overlays = node.get("name"), node.get("overlays")
    names: list[str] = []
    if isinstance(overlays, Sequence):
        names = [item.text for item in overlays.items if isinstance(item, Scalar)]
    if overlays is not None and (not isinstance(overlays, Sequence) or len(names) < len(overlays.items)):
        findings.append(diagnostics.wrong_shape(overlays.span, "overlays", A_LIST))
    return name.text if isinstance(name, Scalar) else None, tuple(names)


class _Reading:
    """One record: its parts, each read as rows, hung together."""

    def __init__(self, rows: RowReader, ignoring: Collection[str]) -> None:
        self.rows = rows
        self.ignoring = ignoring
        self.program = rows.program
        entry = self.program.entities[self.program.entry]
        self.entry = entry
        self.ancestors = [self.program.entities[name] for name in self.program.ancestors(entry.name)]
        self.siblings = (entry.children or f"other_{entry.name}") if entry.parent else None
        self.beside = {  # lists of the ancestors' other children
            name: child
            for ancestor in self.ancestors
            for name, child in rows.lists[ancestor.name].items()
            if child not in (entry, *self.ancestors) and name not in rows.lists[entry.name]
        }

    def case(self, node: Node, as_of: dt.date | None) -> Case | None:
        """The case, its rows checked; None when its shape leaves nothing to check."""
        if not isinstance(node, Mapping):
            self.rows.unreadable.append(diagnostics.wrong_shape(node.span, diagnostics.A_RECORD, A_MAPPING))
            return None
        self.check_known(node)
        day = self.day(node) if as_of is None else as_of
        self.rows.as_of = day or self.rows.as_of
        person = self.rows.row(self.entry, node.get(self.entry.name), node.span)
        if day is None or person is None:
            return None
        person = self.rows.over_time(self.entry, person, node)
        self.rows.children(person, node)
        top = person
        for entity in self.ancestors:
            above = self.rows.above(entity, node.get(entity.name), top)
            top.parent, above.children = above, [top]
            top = above
            for name, child in self.beside.items():
                if child.parent == entity.name:
                    self.rows.members(above, child, name, node)
        if self.siblings is not None and person.parent is not None:
            self.rows.members(person.parent, self.entry, self.siblings, node)
        case = Case(day, top, person)
        self.rows.check(case)
        return case

    def check_known(self, node: Mapping) -> None:
        parts = [self.entry.name, *(entity.name for entity in self.ancestors)]
        lists = [*([self.siblings] if self.siblings else []), *self.rows.lists[self.entry.name], *self.beside]
        known = [DAY, *parts, *lists, *([HISTORY] if self.entry.valid_from is not None else [])]
        for key, _ in node.entries:
            if key.text not in known and key.text not in self.ignoring:
                self.rows.unreadable.append(self.refused(key, known))

    def refused(self, key: Scalar, known: list[str]) -> Diagnostic:
        if key.text in self.rows.facts[self.entry.name]:
            return diagnostics.misplaced_key(key.span, key.text, diagnostics.RECORD, self.entry.name)
        return diagnostics.unknown_key(key.span, key.text, diagnostics.A_RECORD, known)

    def day(self, node: Mapping) -> dt.date | None:
        """The record's own day."""
        written = node.get(DAY)
        if written is None or (isinstance(written, Scalar) and written.null):
            self.rows.unreadable.append(catalogue.diagnostic("E406.no_day", node.span))
            return None
        day = read_date(written.text) if isinstance(written, Scalar) else None
        if day is None:
            text = written.text if isinstance(written, Scalar) else "[...]"
            self.rows.unreadable.append(diagnostics.bad_day(written.span, text))
        return day
