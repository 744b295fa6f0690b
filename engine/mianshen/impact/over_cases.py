"""Cases decided on both sides, as blocks: what a reform does to the records that a rulebook is tested by.

In: cases, the programs without and with the reform, each under the overlays that a case asks for. Out: `Comparison`.
Invariants: a person is named by the case; a case whose own overlays clash with the reform is left out and told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mianshen.batch import block_decider
from mianshen.batch.block_store import Blocks
from mianshen.batch.fallback import Fallback
from mianshen.batch.intake import Intake
from mianshen.batch.interpreted import EntityOutcome, Interpreted, interpreted
from mianshen.batch.output_files import entity_files
from mianshen.batch.results import empty_results
from mianshen.batch.row_batches import BlockRows
from mianshen.cases.read import CaseOf, Programs
from mianshen.impact.bounding import Listed, Open
from mianshen.impact.compare import ROWS, comparison_folder, write
from mianshen.impact.comparing import CHANGES, BlockComparison, Comparing
from mianshen.impact.comparison import Comparison
from mianshen.impact.groups import dimensions
from mianshen.impact.rule_changes import RuleChanges
from mianshen.impact.sides import Sides, both, traced_keys
from mianshen.impact.tracing import Family
from mianshen.ingest.entity_rows import Distinct, EntityRows
from mianshen.ingest.rejects import Rejects
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case, Row
from mianshen.native.encoding import Encoding
from mianshen.native.layout import Column, Layout, bits_of
from mianshen.program.program import Program
from mianshen.source import Lang, RuleError


@dataclass(slots=True)
class _Member:
    """A case as either side reads it."""

    label: str
    case: CaseOf
    records: tuple[Case, Case]
    programs: tuple[Program, Program]
    rows: tuple[list[Row], list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = _all_rows(self.records[0]), _all_rows(self.records[1])


@dataclass(slots=True)
class CaseComparison:
    """What cases come to; `left_out`: those whose own overlays clash with the reform."""

    comparison: Comparison
    left_out: list[CaseOf] = field(default_factory=list)


def compare_cases(
    cases: Sequence[CaseOf], before: Programs, after: Programs, out: Path, lang: Lang
) -> CaseComparison:
    """Decide every case on both sides, into a folder. Raises RuleError."""
    changes = RuleChanges(before.under(()), after.under(()))
    members, left_out = _members(cases, before, after)
    days = sorted({member.records[0].as_of for member in members})
    comparison = Comparison(changes, days[-1] if days else dt.date.min, dimensions(changes.after))
    comparison.records = {"case": len(members)}
    interpreters: dict[int, Interpreter] = {}
    with comparison_folder(out) as part:
        with pq.ParquetWriter(part / ROWS, CHANGES, compression="zstd") as writer:
            for day in days:
                of_day = [m for m in members if m.records[0].as_of == day]
                block = _compared(of_day, changes, comparison, day, interpreters)
                writer.write_table(block.changes)
                comparison.add(block)
        write(part, comparison, lang)
    return CaseComparison(comparison, left_out)


def _members(
    cases: Sequence[CaseOf], before: Programs, after: Programs
) -> tuple[list[_Member], list[CaseOf]]:
    members, left_out = [], []
    for case in cases:
        old = before.under(case.overlays)
        try:
            new = after.under(case.overlays)
        except RuleError:
            if not case.overlays:
                raise
            left_out.append(case)
            continue
        records = case.record(old), case.record(new)
        members.append(_Member(case.label, case, records, (old, new)))
    return members, left_out


def _compared(
    members: list[_Member],
    changes: RuleChanges,
    comparison: Comparison,
    day: dt.date,
    interpreters: dict[int, Interpreter],
) -> BlockComparison:
    """The cases of one day compared."""
    programs = changes.before, changes.after
    reading = both(*programs)
    files = [entity_files(program, program.entities) for program in programs]
    deciders = tuple(
        block_decider.BlockDecider(program, day, side, Intake(), None, Fallback(program, {}, 1))
        for program, side in zip(programs, files, strict=True)
    )
    sides = Sides(programs, files[1], Intake(), Blocks(), (deciders[0], deciders[1]), None, 1)
    block = _Block(reading, changes, members, interpreters)
    decided = [block.decided(at, files[at]) for at in (0, 1)]
    family = Family(programs[1], decided[1], block.parents())
    comparing = Comparing(sides, changes, comparison.dimensions, day, block.anew)
    return comparing.comparison(decided, family)


class _Block:
    """The rows of some cases, numbered by entity as the first side has them."""

    def __init__(
        self,
        reading: Program,
        changes: RuleChanges,
        members: list[_Member],
        interpreters: dict[int, Interpreter],
    ) -> None:
        self.reading, self.changes, self.members = reading, changes, members
        self.rows: dict[str, list[tuple[str, Row]]] = {name: [] for name in reading.entities}
        self.interpreters = interpreters
        self.encoding = Encoding(Layout(reading))
        self.places: dict[Row, int] = {}
        for member in members:
            for row in member.rows[0]:
                self.places[row] = len(self.rows[row.entity])
                self.rows[row.entity].append((member.label, row))

    def anew(self, amounts: Sequence[Open]) -> Iterator[tuple[tuple[Case, Case], list[Listed]]]:
        """The cases of which an amount is open, read once more, undecided; the amounts."""
        listed: dict[str, list[Listed]] = {}
        for key, subject, rows in amounts:
            for row in rows.tolist():
                label, own = self.rows[key[0]][row]
                listed.setdefault(label, []).append(((key[0], own.key), key, subject))
        for member in self.members:
            if member.label in listed:
                one, other = (member.case.record(program) for program in member.programs)
                yield (one, other), listed[member.label]

    def parents(self) -> dict[str, np.ndarray[Any, Any]]:
        """The place of each row's parent."""
        return {
            entity: np.array(
                [-1 if row.parent is None else self.places[row.parent.current] for _, row in rows], np.int64
            )
            for entity, rows in self.rows.items()
        }

    def decided(self, at: int, files: Sequence[Any]) -> block_decider.DecidedBlock:
        """What becomes of the rows on one side."""
        block_rows = {
            name: BlockRows(self._entity(name), np.arange(len(rows))) for name, rows in self.rows.items()
        }
        outcomes: Interpreted = {name: EntityOutcome() for name in self.reading.entities}
        by_entity = {file.entity.name: file for file in files}
        program = (self.changes.before, self.changes.after)[at]
        traced = traced_keys(self.changes, program)
        for member in self.members:
            own = member.programs[at]
            if id(own) not in self.interpreters:
                self.interpreters[id(own)] = Interpreter(own)
            numbers = self._numbers(member, at)
            _add(
                outcomes,
                interpreted(self.interpreters[id(own)], by_entity, [(member.records[at], numbers)], traced),
            )
        results, marked = {}, {}
        for name, rows in self.rows.items():
            outcome, count = outcomes[name], len(rows)
            status = np.full(count, block_decider.REJECTED, np.uint8)
            status[outcome.rows], status[outcome.history] = block_decider.DECIDED, block_decider.HISTORY
            status[np.array(outcome.reversed, np.int64).ravel()] = block_decider.REVERSED
            marked[name] = block_decider.Marked(status, np.full(count, -1, np.int32), [])
            if name in by_entity:
                results[name] = empty_results(by_entity[name], count)
                if outcome.rows:
                    results[name].put(outcome.rows, outcome.cells, outcome.states)
        return block_decider.DecidedBlock(block_rows, results, marked, {}, None, outcomes)

    def _numbers(self, member: _Member, at: int) -> dict[Row, int]:
        """The place of each row of a side: that of the same row on the first."""
        return {row: self.places[other] for other, row in zip(member.rows[0], member.rows[at], strict=True)}

    def _entity(self, name: str) -> EntityRows:
        """The rows of an entity as columns: their keys, and the facts that people are broken down by."""
        entity, rows = self.reading.entities[name], self.rows[name]
        labels = [label if name == self.reading.entry else row.key for label, row in rows]
        empty = Rejects()
        table = EntityRows(
            entity, self.reading, pa.array(labels, pa.string()), None, {}, empty, [], Distinct(), frozenset()
        )
        for dimension in dimensions(self.changes.after):
            owner, fact = dimension.key
            if owner == name:
                known = self.reading.facts[dimension.key]
                column = Column(name, known, bits_of(known.type, self.reading))
                table.facts[fact] = self.encoding.column(column, [row.facts.get(fact) for _, row in rows])
        return table


def _all_rows(case: Case) -> list[Row]:
    """Every row of a case that nobody has decided, those that cancel one another too."""
    return [*case.rows(), *(row for pair in case.reversed for row in pair)]


def _add(outcomes: Interpreted, more: Interpreted) -> None:
    for name, part in more.items():
        whole = outcomes[name]
        whole.rows += part.rows
        whole.history += part.history
        whole.reversed += part.reversed
        for column, cells in part.cells.items():
            whole.cells.setdefault(column, []).extend(cells)
        for decision, states in part.states.items():
            whole.states.setdefault(decision, []).extend(states)
        for decision, traced in part.traced.items():
            whole.traced.setdefault(decision, []).extend(traced)
        for why, numbers in part.rejected.items():
            whole.rejected.setdefault(why, []).extend(numbers)
