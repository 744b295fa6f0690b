"""Many cases of one day and one program decided together by the compiled program.

In: cases read and not yet decided. Out: `Answers` for each, in order.
Invariants: every row of every case is a row of one table an entity, as a file would have it; a number before
each key keeps the cases apart. What rows alone tell (doubled keys, rows over time, reversals, parents) is found
here again; of what was rejected in reading only that it was is taken over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from mianshen.cache import cache_folder
from mianshen.casework.answers import Answer, Answers, Mark, Rejected, RowKey, answers_of, reversed_of
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case, Row
from mianshen.native.deciding import STATUSES, Decided, Deciding, Table
from mianshen.native.encoding import Encoding
from mianshen.native.layout import Layout
from mianshen.native.library import Compiled, compiled
from mianshen.native.translation_unit import Unit
from mianshen.native.written import Written
from mianshen.program.program import Program
from mianshen.program.remembered import remembered

FOUND_AGAIN: Final = frozenset(
    ("parent_rejected", "duplicate", "history_unreadable", "reverses_nothing", "already_reversed")
)
NOT_REJECTED: Final = ("decided", "history", "reversed", "failed")


def case_unit(program: Program) -> Unit:
    """Every decision of every entity, with what it lacks and who gave it."""
    return Unit(Layout(program), tuple(d.key for d in program.decisions), (), details=True, quick=True)


def decided_on_native(program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
    """What the compiled program answers to each case, all of the day `as_of`.

    A case in which deciding a row fails is decided by the interpreter, as in a batch. Raises Unsupported where
    there is no compiler.
    """
    ready = compiled_cases(program)
    rows = CaseRows(program, ready.unit.layout, as_of)
    for case in cases:
        rows.add(case)
    return rows.decided(ready)


@remembered
def compiled_cases(program: Program) -> Compiled:
    """Every decision of the program as a library."""
    return compiled(case_unit(program), cache_folder())


@dataclass(slots=True)
class CaseRows:
    """Cases as tables; `owners` gives the case of each row."""

    program: Program
    layout: Layout
    as_of: dt.date
    cases: list[Case] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    owners: dict[str, list[int]] = field(default_factory=dict)
    encoding: Encoding = field(init=False)
    fallen: set[int] = field(default_factory=set)  # the cases that the interpreter decided

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.layout)
        self.rows = {name: [] for name in self.program.entities}
        self.owners = {name: [] for name in self.program.entities}

    def add(self, case: Case) -> None:
        """Take in a case that nobody has decided."""
        away = [row for pair in case.reversed for row in pair]
        present = {id(row) for row in case.rows()}
        alone = {id(row.parent): row.parent for row in away if row.parent is not None}  # read by no other row
        for row in (*case.rows(), *away, *(row for number, row in alone.items() if number not in present)):
            if row.blank and row.version_of is None:
                row = self._of_tomorrow(row)
            if not row.blank:
                self.rows[row.entity].append(row)
                self.owners[row.entity].append(len(self.cases))
        self.cases.append(case)

    def _of_tomorrow(self, row: Row) -> Row:
        """A row that holds only later, for a person of whom nothing is known yet."""
        name = self.program.entities[row.entity].valid_from
        assert name is not None
        start = {name: self.as_of + dt.timedelta(days=1)}
        return Row(row.entity, row.key, {**row.facts, **start}, row.parent, row.children)

    def decided(self, library: Compiled) -> list[Answers]:
        """Decide every row and take the answers apart by case."""
        tables = {name: self.table(name) for name in self.layout.entities}
        decided = Deciding(library, tables, self.as_of, 1, list(self.encoding.lists)).decide()
        answers: list[tuple[dict[RowKey, dict[str, Answer]], dict[RowKey, Rejected]]]
        answers = [({}, {}) for _ in self.cases]
        reader = _Reader(self, decided)
        for name, rows in self.rows.items():
            for number, (row, owner) in enumerate(zip(rows, self.owners[name], strict=True)):
                status = STATUSES[decided.status[name][number]]
                if decided.fallback[name][number]:
                    self.fallen.add(owner)
                elif status == "decided":
                    answers[owner][0][name, row.current.key] = reader.answers(name, number)
                elif status not in NOT_REJECTED:
                    reason = row.rejection
                    same = reason is not None and status in ("rejected", reason.reason)
                    result = (
                        Rejected(reason.field, reason.reason) if reason and same else Rejected("", status)
                    )
                    answers[owner][1][name, row.key] = result
        return [
            self._by_interpreter(case)
            if number in self.fallen
            else Answers(*answers[number], reversed_of(case))
            for number, case in enumerate(self.cases)
        ]

    def _by_interpreter(self, case: Case) -> Answers:
        Interpreter(self.program).run(case)
        return answers_of(case)

    # -- tables ------------------------------------------------------------------------------

    def table(self, entity: str) -> Table:
        """The rows of an entity as a batch would read them."""
        described, rows, owners = self.program.entities[entity], self.rows[entity], self.owners[entity]
        facts = {
            c.name: self.encoding.column(c, (row.facts.get(c.fact.name) for row in rows))
            for c in self.layout.facts[entity]
        }
        names = sorted({name for row in rows for name in row.unreadable})
        unreadable = {n: np.flatnonzero([n in row.unreadable for row in rows]) for n in names}
        rejected = [row.rejection is not None and row.rejection.reason not in FOUND_AGAIN for row in rows]
        parents = None
        if described.parent is not None:
            parents = [None if row.current.parent is None else row.current.parent.current.key for row in rows]
        reverses = [None if described.reverses is None else row.facts.get(described.reverses) for row in rows]
        return Table(
            _keys(owners, [row.current.key for row in rows]),
            None if parents is None else _keys(owners, parents),
            facts,
            np.array(rejected, np.uint8),
            True,
            unreadable,
            _keys(owners, [None if key is None else str(key) for key in reverses]),
            np.flatnonzero([row.voids_some for row in rows]),
        )


def _keys(owners: Sequence[int], keys: Sequence[str | None]) -> pa.StringArray:
    return pa.array(
        [None if key is None else f"{owner} {key}" for owner, key in zip(owners, keys, strict=True)],
        pa.string(),
    )


@dataclass(slots=True)
class _Reader:
    """Reads decisions out of columns."""

    rows: CaseRows
    decided: Decided
    columns: dict[tuple[str, str, str], np.ndarray] = field(init=False)
    sets: list[frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = {(w.entity, w.name, w.part): c for w, c in self.decided.columns.items()}
        self.sets = [
            frozenset(_without_number(name) for name in names) for names in self.decided.sets.to_pylist()
        ]

    def answers(self, entity: str, number: int) -> dict[str, Answer]:
        """The decisions of a row."""
        return {
            d.name: self._answer(entity, d.name, number)
            for d in self.rows.program.decisions
            if d.entity == entity
        }

    def _answer(self, entity: str, name: str, number: int) -> Answer:
        state, value, by, missing = (
            self.columns[entity, name, part][number] for part in ("state", "value", "by", "missing")
        )
        if state == 1:
            return Answer(Mark.UNKNOWN, None, self.sets[missing] if missing >= 0 else frozenset())
        if state == 2:
            return Answer(Mark.NOT_MODELLED, None, frozenset())
        decision = self.rows.program.decision(entity, name)
        known = self.rows.encoding.value(Written.integer(value), decision.type)
        return Answer(known, decision.provisions[by].name if by >= 0 else None, frozenset())


def _without_number(name: str) -> str:
    """A missing name; those of rows without the case's number before the key."""
    words = name.split(" ", 2)
    return f"{words[0]} {words[2]}" if len(words) == 3 and words[1].isdigit() else name
