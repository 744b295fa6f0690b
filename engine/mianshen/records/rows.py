"""The rows of one record: facts read, keys matched, checks made, what is wrong rejected.

In: nodes of a record, a program. Out: `Row`s, with the mistakes in `unreadable` and `rejects`.
Invariants: a row is rejected for its first mistake and every mistake is reported; of rows that share a
key none is right, so each is rejected; a rejected row keeps what could be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, localcontext

from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Case, Rejection, Row, make_row, reject
from mianshen.program.program import Check, Entity, Fact, Program
from mianshen.program.remembered import remembered
from mianshen.records import diagnostics
from mianshen.records.facts import is_below_zero, read_fact
from mianshen.records.monthly import monthly
from mianshen.records.versions import HISTORY, Times, take_out
from mianshen.source import Diagnostic, Span
from mianshen.values import EXACT, Known, Unknown

A_ROW = ("若干 key: value 项", "a mapping of facts")
ROWS = ("列表", "a list of rows")


class RowReader:
    """Reads the rows of one record; `unreadable` and `rejects` gather what is wrong."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.unreadable: list[Diagnostic] = []
        self.rejects: list[Diagnostic] = []
        self.facts, self.lists, self.required = _vocabulary(program)
        self.written: dict[Row, Mapping] = {}
        self.tops: set[Row] = set()
        self.mistakes_of: dict[Row, list[Diagnostic]] = {}
        self.as_of = dt.date.max
        self.growing = False  # rows may come that read what none reads yet

    # -- reading -----------------------------------------------------------------------------

    def row(self, entity: Entity, node: Node | None, beside: Span, nested: bool = False) -> Row | None:
        """The row a mapping holds; with `nested`, it may hold lists of child rows."""
        if node is None or (isinstance(node, Scalar) and node.null):
            self.unreadable.append(
                diagnostic("E405.missing_part", beside if node is None else node.span, name=entity.name)
            )
            return None
        if not isinstance(node, Mapping):
            self.unreadable.append(diagnostics.wrong_shape(node.span, entity.name, A_ROW))
            return None
        row = self._filled(entity, node, nested)
        if nested:
            row = self.over_time(entity, row, node)
            self.children(row, node)
        return row

    def over_time(self, entity: Entity, row: Row, node: Mapping) -> Row:
        """The row in force at `as_of` among `row` and those that `node` lists as its history."""
        if entity.valid_from is None:
            return row
        rows = [row, *self._history(entity, row, node.get(HISTORY))]
        return Times(self.program, self.as_of, self._refuse).in_force(entity, rows)

    def _history(self, entity: Entity, row: Row, listed: Node | None) -> list[Row]:
        """The further rows of a person; each says what differs from its neighbour on the side of `row`."""
        if listed is None or (isinstance(listed, Scalar) and listed.null):
            return []
        if not isinstance(listed, Sequence):
            self.unreadable.append(diagnostics.wrong_shape(listed.span, HISTORY, ROWS))
            return []
        placed: list[tuple[dt.date, Mapping]] = []
        for item in listed.items:
            if not isinstance(item, Mapping):
                self.unreadable.append(diagnostics.wrong_shape(item.span, HISTORY, A_ROW))
            else:
                placed.append((self._begins(entity, item), item))
        base, begun = self.written[row], self._begins(entity, self.written[row])
        before = sorted((p for p in placed if p[0] < begun), key=lambda p: p[0], reverse=True)
        after = sorted((p for p in placed if p[0] >= begun), key=lambda p: p[0])
        return [*self._carried(entity, base, before), *self._carried(entity, base, after)]

    def _carried(self, entity: Entity, base: Mapping, placed: list[tuple[dt.date, Mapping]]) -> Iterator[Row]:
        """Rows that each take from the one before what they do not say."""
        dropped = {entity.valid_from, HISTORY, *self.lists[entity.name]}
        for _, item in placed:
            carried = {key.text: (key, value) for key, value in base.entries if key.text not in dropped}
            carried |= {key.text: (key, value) for key, value in item.entries}
            base = replace(item, entries=tuple(carried.values()))
            yield self._filled(entity, base, False)

    def _begins(self, entity: Entity, node: Mapping) -> dt.date:
        """From when a row holds, as far as that can be read."""
        assert entity.valid_from is not None
        begins = node.get(entity.valid_from)
        fact = self.facts[entity.name][entity.valid_from]
        read = None if begins is None else read_fact(begins, fact, self.program)
        return read if isinstance(read, dt.date) else dt.date.min

    def _refuse(self, row: Row, reason: str, other: Row | None) -> None:
        """Reject a row for what stands beside it."""
        entity = self.program.entities[row.entity]
        elsewhere = None if other is None else self._place(other, entity.key)
        if entity.valid_from == reason:
            place = self._place(row, reason)
            self.reject(row, entity.key, diagnostics.duplicate(place, reason, None, elsewhere or place))
        elif entity.reverses is not None:
            place, name = self._place(row, entity.reverses), entity.reverses
            echo = None if self.facts[row.entity][name].personal else str(row.facts[name])
            if elsewhere is None:
                self.reject(row, name, diagnostics.reverses_nothing(place, name, echo, row.entity))
            else:
                self.reject(row, name, diagnostics.already_reversed(place, name, echo, elsewhere))

    def _filled(self, entity: Entity, node: Mapping, nested: bool) -> Row:
        known, lists = self.facts[entity.name], self.lists[entity.name]
        values: dict[str, Known] = {}
        wrong: list[tuple[str, Diagnostic]] = []
        placeholders: set[str] = set()
        absent = set(known)
        voids_some = below_zero = False
        for key, value in node.entries:
            name = key.text
            fact = known.get(name)
            if fact is None:
                if not (nested and (name in lists or (name == HISTORY and entity.valid_from is not None))):
                    self.unreadable.append(self._refused(key, entity, nested))
                continue
            absent.discard(name)
            read = read_fact(value, fact, self.program)
            if isinstance(read, Diagnostic):
                finding = self._as_refund(entity, fact, value, read)
                voids_some |= name == entity.reverses
                below_zero |= finding is not read
                wrong.append((name, finding))
            elif read is not None:
                values[name] = read
            elif fact.placeholders and isinstance(value, Scalar) and not value.null:
                placeholders.add(name)
        row = make_row(
            self.program, entity.name, str(values.get(entity.key, "")), values, frozenset(absent), self.as_of
        )
        row.placeholders = frozenset(placeholders)
        self.written[row] = node
        refund = below_zero and entity.reverses not in values and not self._has_amount(row)
        row.voids_some = voids_some or refund
        for name, finding in wrong:
            self.reject(row, name, finding, unreadable=True)
        return row

    def _has_amount(self, row: Row) -> bool:
        """Whether an amount of the row is above zero, so that it refunds nothing."""
        facts = self.facts[row.entity]
        return any(
            facts[n].written == "money" and isinstance(v, Decimal) and v > 0 for n, v in row.facts.items()
        )

    @staticmethod
    def _as_refund(entity: Entity, fact: Fact, node: Node, finding: Diagnostic) -> Diagnostic:
        """The mistake of an amount below zero, worded for a refund where the row could say what it voids."""
        if entity.reverses is None or fact.written != "money":
            return finding
        if not isinstance(node, Scalar) or not is_below_zero(node.text):
            return finding
        return diagnostics.bare_negative(finding, entity.reverses)

    def _refused(self, key: Scalar, entity: Entity, nested: bool) -> Diagnostic:
        lists = self.lists[entity.name]
        if key.text in lists and not nested:
            return diagnostics.misplaced_key(key.span, key.text, entity.name, diagnostics.RECORD)
        known = [*self.facts[entity.name], *(lists if nested else ())]
        return diagnostics.unknown_key(key.span, key.text, entity.name, known)

    def children(self, parent: Row, node: Mapping) -> None:
        """The child rows a mapping lists, under their parent."""
        for name, entity in self.lists[parent.entity].items():
            self.members(parent, entity, name, node)

    def members(self, parent: Row, entity: Entity, name: str, node: Mapping) -> None:
        """The rows of one list of a mapping, each with its own children, under their parent."""
        listed = node.get(name)
        if listed is None:
            return
        if isinstance(listed, Scalar) and listed.null:
            self._leave_open(parent, entity, name)
            return
        if not isinstance(listed, Sequence):
            self.unreadable.append(diagnostics.wrong_shape(listed.span, name, ROWS))
            return
        for number, item in enumerate(monthly(listed.items, entity), 1):
            row = self.row(entity, item, item.span, nested=True)
            if row is not None:
                row.parent, row.label = parent, f"#{number}"
                parent.children.append(row)

    def _leave_open(self, parent: Row, entity: Entity, name: str) -> None:
        """A list that is null may hold rows: it is unanswered, unless a fact counts its rows."""
        if entity.counted_by is None:
            names = frozenset((*self.facts[parent.entity], *self.lists[parent.entity]))
            parent.told = (names if parent.told is None else parent.told) - {name}

    def above(self, entity: Entity, node: Node | None, below: Row) -> Row:
        """The parent's row; one of unknown facts when the record does not describe it."""
        above = node is not None and not (isinstance(node, Scalar) and node.null)
        row = self.row(entity, node, Span("", 0, 0)) if above else None
        row = row or make_row(
            self.program, entity.name, "", {}, frozenset(self.facts[entity.name]), self.as_of
        )
        self.tops.add(row)
        key = below.facts.get(entity.key)
        if entity.key not in row.facts and isinstance(key, str) and self._left_out(row, entity.key):
            row.facts[entity.key] = row.key = key
        return row

    def _left_out(self, row: Row, name: str) -> bool:
        node = self.written.get(row)
        return node is None or node.get(name) is None

    # -- checking ----------------------------------------------------------------------------

    def check(self, case: Case) -> None:
        """What only shows once the rows hang together; then what is rejected takes along what is below."""
        rows = case.rows()
        for row in rows:
            row.as_of = case.as_of
            self._belongs(row)
            self._has_required(row)
            self._in_time(row, case.as_of)
        self._reject_duplicates(rows)
        with localcontext(EXACT):
            for row in rows:
                self._passes(row)
                for name, said, part in too_few_said(self.program, row):
                    finding = diagnostic(
                        "E432.too_few_said", self._place(row, name), name=name, said=said, given=part
                    )
                    self.reject(row, name, finding)
        times = Times(self.program, case.as_of, self._refuse)
        times.place(case)
        for row in case.rows():
            if row.rejection is not None:
                reject(row, row.rejection, self.program)
        take_out(case, self.program, self._refuse)
        if not self.growing:
            times.let_go(case)
        gone = {id(finding) for _, row in case.reversed for finding in self.mistakes_of.get(row, ())}
        self.rejects = [finding for finding in self.rejects if id(finding) not in gone]

    def reject(self, row: Row, field: str, finding: Diagnostic, unreadable: bool = False) -> None:
        """A mistake in a row; one of shape makes the whole record unreadable.

        A row that voids another needs its key, whose it is and what it voids; its other facts are not read.
        """
        reason = diagnostics.REASONS.get(finding.code)
        if reason is None:
            self.unreadable.append(finding)
            return
        if self._voids(row) and field not in self._needed_to_void(row.entity):
            return
        self.rejects.append(finding)
        self.mistakes_of.setdefault(row, []).append(finding)
        if row.rejection is None:
            row.rejection = Rejection(reason, field, finding.what)
        if unreadable:
            row.unreadable |= {field}

    def _voids(self, row: Row) -> bool:
        name = self.program.entities[row.entity].reverses
        return name is not None and name in row.facts

    def _needed_to_void(self, name: str) -> set[str | None]:
        entity = self.program.entities[name]
        owner = None if entity.parent is None else self.program.entities[entity.parent].key
        return {entity.key, owner, entity.reverses}

    def _place(self, row: Row, name: str) -> Span:
        """Where a row says something, or where the row stands."""
        node = self.written.get(row)
        if node is None:
            return Span("", 0, 0)
        return (node.get(name) or node).span

    def _belongs(self, row: Row) -> None:
        """The parent's key in a row may be left out; given, it must be the parent's."""
        parent = row.parent
        if parent is None:
            return
        name = self.program.entities[parent.entity].key
        if name not in self.facts[row.entity]:
            return
        fact = row.facts.get(name)
        if fact is None:
            if parent.key and self._left_out(row, name):
                row.facts[name] = parent.key
        elif parent.key and fact != parent.key:
            del row.facts[name]
            self.reject(
                row,
                name,
                diagnostic("E430.other_parent", self._place(row, name), name=name, owner=parent.entity),
                unreadable=True,
            )

    def _has_required(self, row: Row) -> None:
        """What every row needs; the key of a parent may be left out, above the person even unknown."""
        entity = self.program.entities[row.entity]
        owner = None if row.parent is None else self.program.entities[row.parent.entity].key
        for name in self.required[row.entity]:
            if name in row.facts or name in row.unreadable or row.blank:
                continue
            if (name == entity.key and row in self.tops) or (name == owner and self._left_out(row, name)):
                continue
            self.reject(
                row,
                name,
                diagnostic("E428.required", self._place(row, name), where=row.entity, name=name),
                unreadable=True,
            )

    def _in_time(self, row: Row, day: dt.date) -> None:
        name = self.program.entities[row.entity].date
        date = None if name is None else row.facts.get(name)
        if name is not None and isinstance(date, dt.date) and date > day:
            self.reject(
                row,
                name,
                diagnostic("E431.after_day", self._place(row, name), name=name, value=date, day=day),
            )

    def _reject_duplicates(self, rows: list[Row]) -> None:
        same: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            if row.key:
                same.setdefault((row.entity, row.key), []).append(row)
        for shared in same.values():
            for row in shared if len(shared) > 1 else ():
                row.doubled = True
                name = self.program.entities[row.entity].key
                other = next(item for item in shared if item is not row)
                echo = None if self.facts[row.entity][name].personal else row.key
                place, elsewhere = self._place(row, name), self._place(other, name)
                self.reject(row, name, diagnostics.duplicate(place, name, echo, elsewhere))

    def _passes(self, row: Row) -> None:
        """The conditions the vocabulary sets; one that is unknown is not failed."""
        for check, condition in _checks(self.program)[row.entity]:
            if condition(row) is False:
                row.facts.pop(check.field, None)
                finding = diagnostics.failed_check(self._place(row, check.field), check.title, check.text)
                self.reject(row, check.field, finding, unreadable=True)


_Vocabulary = tuple[dict[str, dict[str, Fact]], dict[str, dict[str, Entity]], dict[str, list[str]]]


@remembered
def _vocabulary(program: Program) -> _Vocabulary:
    """By entity: its facts, the lists of children that its rows may hold, the facts that every row needs."""
    facts: dict[str, dict[str, Fact]] = {name: {} for name in program.entities}
    for (entity, name), fact in program.facts.items():
        facts[entity][name] = fact
    lists: dict[str, dict[str, Entity]] = {name: {} for name in program.entities}
    for child in program.entities.values():
        if child.parent is not None:
            lists[child.parent][child.children or child.name] = child
    required = {entity: [name for name, fact in of.items() if fact.required] for entity, of in facts.items()}
    return facts, lists, required


@remembered
def _checks(program: Program) -> dict[str, list[tuple[Check, Function]]]:
    """By entity, its checks as functions of a row."""
    compiler = Compiler(program, lambda _entity, _name: lambda _row: Unknown())
    return {
        name: [(check, compiler.compile(check.condition, name)) for check in entity.checks]
        for name, entity in program.entities.items()
    }


def too_few_said(program: Program, row: Row) -> Iterator[tuple[str, int, int]]:
    """The facts by which a row says that it has fewer rows below than are given: how many it says and has."""
    for child in program.children_of(row.entity):
        said = row.facts.get(child.counted_by or "")
        count = sum(below.entity == child.name and not below.doubled for below in row.children)
        if isinstance(said, Decimal) and said < count:
            yield str(child.counted_by), int(said), count
