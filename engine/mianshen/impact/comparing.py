"""One block decided on both sides: totals of either, every cell that differs with its cause, what people gain and lose.

In: `Sides`, the rows of a block. Out: `BlockComparison`.
Invariants: a cell is that of the batch's files; it differs where its value, or whether there is one, is another. Totals
are the batch's own.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.block_decider import REJECTED, DecidedBlock
from mianshen.batch.block_store import BlockTables
from mianshen.batch.blocks import Array
from mianshen.batch.columns import Numbers, ResultColumn, Texts
from mianshen.batch.output_files import EntityFile
from mianshen.batch.results import KNOWN, UNKNOWN, Results
from mianshen.batch.row_batches import BlockRows
from mianshen.batch.totals import Counts, block_totals
from mianshen.impact.bounding import Listed, Open, bounds_of, sum_name
from mianshen.impact.bounds import Bounds
from mianshen.impact.cells import completed, decision_is_money, difference, texts_of, unequal
from mianshen.impact.estimates import Spread
from mianshen.impact.groups import Dimension, groups_of
from mianshen.impact.people import People, weights_of
from mianshen.impact.resettling import resettled_rows
from mianshen.impact.rule_changes import RuleChanges
from mianshen.impact.sides import Sides
from mianshen.impact.tracing import NOTHING, Family, Meeting, Trace
from mianshen.ingest.typed_columns import Refusal
from mianshen.interpreter.rows import Case
from mianshen.program.core import Code
from mianshen.program.program import Benefit, Key, Program
from mianshen.program.slicing import benefit_keys

CHANGES: Final = pa.schema(
    [
        ("person_id", pa.string()), ("entity", pa.string()), ("key", pa.string()), ("decision", pa.string()),
        ("before", pa.string()), ("after", pa.string()), ("cause", pa.string()),
    ]
)  # fmt: skip


OpenCases: TypeAlias = Callable[[Sequence[Open]], Iterable[tuple[tuple[Case, Case], list[Listed]]]]


@dataclass(slots=True)
class BlockComparison:
    """What one block's comparison comes to.

    `totals`: the batch's counts by entity, a side each; `counts`: of differences; `bounds`: by decision, what rows of
    which an amount is not known may add to its difference, in fen.
    """

    totals: tuple[Counts, Counts]
    counts: Counts
    changes: pa.Table
    people: Counts
    incomes: Array | None
    bounds: Counts = field(default_factory=dict)
    spread: Counts = field(default_factory=dict)  # of people who stand for others: sums and squares
    resettled: list[pa.Table] = field(
        default_factory=list
    )  # rows of which another amount is due than was paid


@dataclass(frozen=True)
class Comparing:
    """Compares blocks; safe to use from several threads."""

    sides: Sides
    changes: RuleChanges
    dimensions: list[Dimension]
    as_of: dt.date
    cases: OpenCases | None = None  # where the block was made of cases
    resettle: bool = False
    sampled: bool = False  # whether people stand for others, so that errors are told
    bounding: threading.Lock = field(
        default_factory=threading.Lock
    )  # one thread at a time bounds open amounts

    @cached_property
    def bounds(self) -> Bounds:
        """Bounds what unknown facts leave open of the amounts that changes reach."""
        keys = {
            key
            for file in self.sides.files
            for key in (
                *((file.entity.name, decision.name) for decision in file.shown),
                *(key for benefit in file.benefits for key in benefit_keys(benefit)),
            )
        }
        return Bounds(self.sides.programs, frozenset(key for key in keys if self.changes.reached(key)))

    @cached_property
    def meeting(self) -> Meeting:
        """Finds the change that a decision meets."""
        return Meeting(self.changes)

    @cached_property
    def names(self) -> pa.StringArray:
        """The names of the changes, by number."""
        return pa.array([change.name for change in self.changes.listed], pa.string())

    def decide(self, tables: BlockTables) -> BlockComparison:
        """Decide a block on both sides and compare. Raises MemoryError."""
        first, second = self.sides.deciders
        tables, weights = self._weighed(tables)
        rows = second.rows_of(tables)
        mine = [self._read_by(rows, program) for program in self.sides.programs]
        places = None
        if first.compiled is not None and self.sides.same_places and mine[0] is rows and mine[1] is rows:
            places = first.deciding(first.compiled, rows).placing().all()
        blocks = [
            decider.outcome(part, None if places is None else places.copy())
            for decider, part in zip((first, second), mine, strict=True)
        ]
        return self.comparison(blocks, Family(self.sides.programs[1], blocks[1]), weights)

    def comparison(
        self, blocks: Sequence[DecidedBlock], family: Family, weights: Array | None = None
    ) -> BlockComparison:
        """Compare what became of a block on either side; `weights`: how many people each stands for, in millionths."""
        trace = self._trace(blocks, family)
        return _Comparison(self, blocks[0], blocks[1], trace, weights).comparison()

    def _weighed(self, tables: BlockTables) -> tuple[BlockTables, Array | None]:
        """A block without a column of weights that no rule knows, and the weights of its people."""
        key = self.sides.weights
        if key is None:
            return tables, None
        table = tables[key[0]]
        if key[1] not in table.column_names:
            return tables, np.zeros(len(table), np.int64)
        weights = weights_of(table[key[1]], self.sides.weight)
        known = all(key in program.facts for program in self.sides.programs)
        return tables if known else {**tables, key[0]: table.drop_columns([key[1]])}, weights

    def _read_by(self, rows: dict[str, BlockRows], program: Program) -> dict[str, BlockRows]:
        """The rows as a side reads them: a row with a code that its list does not hold is rejected."""
        result = rows
        for name, block in rows.items():
            unreadable = list(_unknown_codes(block, program))
            if unreadable:
                taken = block.rows.taken(np.arange(block.rows.count))
                for fact, at in unreadable:
                    cells = taken.facts[fact]
                    readable = np.isin(np.arange(taken.count), at, invert=True)
                    taken.facts[fact] = pc.if_else(pa.array(readable), cells, pa.scalar(None, cells.type))
                taken.rejects = taken.rejects.with_more(
                    [(at, Refusal(fact, "bad_code")) for fact, at in unreadable]
                )
                result = {**result, name: BlockRows(taken, block.numbers)}
        return result

    def _trace(self, blocks: Sequence[DecidedBlock], family: Family) -> Trace:
        """Where the sides part, decision by decision; nothing is looked for where only one thing changes."""
        trace, rows = Trace(self.changes, family), blocks[1].rows
        if len(self.changes.listed) < 2:
            return trace
        native = None
        if self.sides.traces is not None:
            native = [
                decider.deciding(unit, block.rows).decide()
                for decider, unit, block in zip(self.sides.deciders, self.sides.traces, blocks, strict=True)
            ]
        for origin in self.changes.origins:
            entity = origin.key[0]
            if entity not in rows:
                continue
            met = None
            if native is not None and self.sides.traces is not None:
                met = self.meeting.natively(origin, (native[0], native[1]), self.sides.traces)
            if met is None:
                met = np.full(rows[entity].rows.count, NOTHING, np.int32)
            if all(entity in block.interpreted for block in blocks):
                outcomes = blocks[0].interpreted[entity], blocks[1].interpreted[entity]
                self.meeting.interpreted(origin, outcomes, met)
            trace.met[origin.key] = met
        return trace


def _unknown_codes(block: BlockRows, program: Program) -> Iterator[tuple[str, Array]]:
    """The facts of which some cell holds a code that a program's list does not have, and those rows."""
    for name, cells in block.rows.facts.items():
        fact, whole = program.facts.get((block.rows.entity.name, name)), block.rows.program
        if fact is None or not isinstance(fact.type, Code):
            continue
        known = len(program.codes[fact.type.codes].values)
        if known < len(whole.codes[fact.type.codes].values):
            at = np.flatnonzero(np.asarray(cells.fill_null(0)) >= known)
            if len(at):
                yield name, at


@dataclass(slots=True)
class _Comparison:
    """One block's comparison in the making."""

    whole: Comparing
    before: DecidedBlock
    after: DecidedBlock
    trace: Trace
    weights: Array | None = None
    tables: list[pa.Table] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)
    open_amounts: list[tuple[Key, Benefit | str, Array]] = field(default_factory=list)
    bounds: Counts = field(default_factory=dict)
    open_people: dict[tuple[str, str], int] = field(
        default_factory=dict
    )  # the person of each row that is open
    people: People = field(init=False)
    spread: Spread = field(init=False)

    def comparison(self) -> BlockComparison:
        """Compare every column of every file."""
        sides = self.whole.sides
        entry = self.before.rows[sides.programs[1].entry].rows
        count = entry.count
        self.people = People(
            np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, NOTHING, np.int32),
            {d: self._groups(d) for d in self.whole.dimensions}, np.zeros(count, bool), self._padded(count),
            self.whole.sampled,
        )  # fmt: skip
        self.spread = Spread(count, self.people.weights)
        for file in sides.files:
            self._file(file)
        totals = tuple(
            {f.entity.name: block_totals(block.results[f.entity.name], block.decided(f.entity.name))
             for f in decider.files if f.entity.name in block.results}
            for decider, block in zip(sides.deciders, (self.before, self.after), strict=True)
        )  # fmt: skip
        self.counts["rejected"] = {name: self._rejected(name) for name in self.after.rows}
        decided = self.after.decided(entry.entity.name) | self.before.decided(entry.entity.name)
        people = _chosen(self.people, decided)
        return BlockComparison(
            (totals[0], totals[1]), self.counts, _joined(self.tables), people.counts(self.whole.dimensions),
            people.incomes(self.whole.dimensions), self._bound(), self.spread.counts(),
            list(self._resettled()),
        )  # fmt: skip

    def _rejected(self, name: str) -> int:
        """How many of an entity's records either side rejects."""
        sides = [block.marked[name].status == REJECTED for block in (self.before, self.after)]
        return int(((sides[0] | sides[1]) & (self.after.rows[name].numbers >= 0)).sum())

    def _resettled(self) -> Iterator[pa.Table]:
        for file in self.whole.sides.files if self.whole.resettle else ():
            yield from resettled_rows(
                self.whole.sides.programs, file, self.before, self.after, self.trace, self.whole.names
            )

    def _padded(self, count: int) -> Array | None:
        """The weights of all people; those made up for rows that name none have none."""
        if self.weights is None:
            return None
        return np.concatenate([self.weights, np.zeros(count - len(self.weights), np.int64)])

    def _groups(self, dimension: Dimension) -> Array:
        """The group of each person."""
        family, entry = self.trace.family, self.whole.sides.programs[1].entry
        groups = groups_of(dimension, self.before.rows[dimension.key[0]].rows, self.whole.as_of)
        at = family.ancestor(entry, dimension.key[0])
        if at is None or not len(groups):
            return np.full(self.before.rows[entry].rows.count, NOTHING, np.int64)
        return np.where(at >= 0, groups[np.maximum(at, 0)], NOTHING)

    # -- columns -----------------------------------------------------------------------------

    def _file(self, file: EntityFile) -> None:
        name = file.entity.name
        if name not in self.before.results or name not in self.after.results:
            return
        decided = self.before.decided(name), self.after.decided(name)
        old, new = self.before.results[name], self.after.results[name]
        count = self.before.rows[name].rows.count
        results = completed(old, new, count), completed(new, old, count)
        decisions = {d.name: None for side in (new, old) for d in side.file.shown}
        for decision in decisions:
            self._column(file, (name, decision), decision, results, decided)
        benefits = {b.name: b for side in (old, new) for b in side.file.benefits}
        for benefit in benefits.values():
            self._benefit(file, benefit, results, decided)

    def _column(
        self, file: EntityFile, key: Key, column: str, results: tuple[Results, Results], decided: tuple[Array, Array]
    ) -> None:  # fmt: skip
        """A shown decision."""
        cells = [side.columns[column] for side in results]
        states = [side.states[key[1]] for side in results]
        visible = [np.where(ok, state, UNKNOWN) for ok, state in zip(decided, states, strict=True)]
        both = decided[0] & decided[1]
        certain = both & (states[0] != UNKNOWN) & (states[1] != UNKNOWN)  # what is not modelled adds nothing
        was, now = certain & (states[0] == KNOWN), certain & (states[1] == KNOWN)
        differs = (decided[0] != decided[1]) | (both & (states[0] != states[1]))
        differs |= was & now & unequal(cells[0], cells[1])
        rows = np.flatnonzero(differs)
        open_ = (decided[0] | decided[1]) & ((visible[0] == UNKNOWN) | (visible[1] == UNKNOWN))
        cause = self.trace.causes(key, rows)
        self._take(file, key, column, rows, cause, cells, decided, states)
        self._count(key, rows, open_, money=decision_is_money(key, self.whole.sides.programs))
        counts = self.counts["decisions"][f"{key[0]}.{key[1]}"]
        counts["known"] = difference(cells[0], cells[1], was, now)
        programs = self.whole.sides.programs
        paid = any(key in program.paid for program in programs)
        if paid:
            self._pay(file.entity.name, cells, was, now)
        if self.whole.sampled and decision_is_money(key, programs):
            counted = [ok & (state == KNOWN) for ok, state in zip(decided, states, strict=True)]
            outcome = file.entity.outcome == key[1] and not paid
            names = [
                ".".join(key),
                *(("fund.paid",) if paid else ()),
                *(("fund.patients",) if outcome else ()),
            ]
            self._stand_for(names, key[0], cells, counted, certain)

    def _benefit(
        self, file: EntityFile, benefit: Benefit, results: tuple[Results, Results], decided: tuple[Array, Array]
    ) -> None:  # fmt: skip
        """A benefit's status and amount."""
        status = [side.columns[f"{benefit.name}_status"] for side in results]
        amounts = [side.columns[f"{benefit.name}_amount"] for side in results]
        assert isinstance(status[0], Texts)
        assert isinstance(status[1], Texts)
        places = [np.where(ok, cells.places, NOTHING) for ok, cells in zip(decided, status, strict=True)]  # type: ignore[union-attr]
        states = [np.where(ok, KNOWN, UNKNOWN).astype(np.uint8) for ok in decided]
        key = (file.entity.name, benefit.eligible)
        rows = np.flatnonzero(places[0] != places[1])
        self._take(
            file, key, f"{benefit.name}_status", rows, self.trace.causes(key, rows), status, decided, states
        )
        due, open_ = [at == 0 for at in places], [at == 2 for at in places]
        entry = self.counts.setdefault("benefits", {}).setdefault(benefit.name, {})
        entry["gained"] = int((due[1] & ~due[0]).sum())
        entry["lost"] = int((due[0] & ~due[1]).sum())
        unsure = open_[0] | open_[1]
        if benefit.amount is not None:
            key = (file.entity.name, benefit.amount)
            known = [due[at] & (amounts[at].known != 0) for at in (0, 1)]  # type: ignore[union-attr]
            unsure |= (due[0] & ~known[0]) | (due[1] & ~known[1])
            states = [np.where(ok, KNOWN, UNKNOWN).astype(np.uint8) for ok in known]
            differs = (known[0] != known[1]) | (known[0] & known[1] & unequal(amounts[0], amounts[1]))
            rows = np.flatnonzero(differs)
            cause = self.trace.causes(key, rows)
            self._take(file, key, f"{benefit.name}_amount", rows, cause, amounts, decided, states)
            was, now = known[0] & ~unsure, known[1] & ~unsure
            entry["known"] = difference(amounts[0], amounts[1], was, now)
            if self.trace.changes.reached(key) or self.trace.changes.reached((key[0], benefit.eligible)):
                self._open(key, benefit, unsure)
            self._pay(file.entity.name, amounts, was, now)
            if self.whole.sampled:
                self._stand_for([f"{key[0]}.{benefit.name}"], key[0], amounts, known, ~unsure)
        entry["left_out"] = int(unsure.sum())
        entry["rows"] = len(np.flatnonzero(places[0] != places[1]))

    # -- what is kept of a column --------------------------------------------------------------

    def _take(
        self, file: EntityFile, key: Key, column: str, rows: Array, cause: Array, cells: list[ResultColumn],
        decided: tuple[Array, Array], states: list[Array],
    ) -> None:  # fmt: skip
        """The cells that differ, with the person's and the row's key, and the cause."""
        if not len(rows):
            return
        texts = [
            texts_of(side, rows, ok[rows], state[rows])
            for side, ok, state in zip(cells, decided, states, strict=True)
        ]
        family, entity = self.trace.family, file.entity.name
        people = family.ancestor(entity, family.program.entry)
        person = pa.nulls(len(rows), pa.string())
        if people is not None:
            at = people[rows]
            keys = self.before.rows[family.program.entry].rows.key
            person = keys.take(pa.array(at, mask=at < 0))
            there = at >= 0
            first = np.full(len(self.people.cause), np.iinfo(np.int32).max, np.int32)
            np.minimum.at(first, at[there], cause[there].astype(np.int32))
            own = self.people.cause
            fresh = (first < np.iinfo(np.int32).max) & ((own < 0) | (first < own))
            self.people.cause = np.where(fresh, first, own)
        constants = [pa.array([text] * 1, pa.string()) for text in (entity, column)]
        repeated = [c.take(pa.array(np.zeros(len(rows), np.int32))) for c in constants]
        names = self.whole.names.take(pa.array(cause, mask=cause < 0))
        key_column = self.before.rows[entity].rows.key.take(pa.array(rows))
        columns = [person, repeated[0], key_column, repeated[1], *texts, names]
        self.tables.append(pa.Table.from_arrays(columns, schema=CHANGES))

    def _count(self, key: Key, rows: Array, open_: Array, *, money: bool) -> None:
        counts = self.counts.setdefault("decisions", {}).setdefault(f"{key[0]}.{key[1]}", {})
        counts["rows"], counts["left_out"] = len(rows), int(open_.sum())
        if money and self.trace.changes.reached(key):
            self._open(key, key[1], open_)

    def _open(self, key: Key, subject: Benefit | str, rows: Array) -> None:
        """Rows of which an amount that may differ is not known."""
        if not rows.any():
            return
        places = np.flatnonzero(rows)
        self.open_amounts.append((key, subject, places))
        self.bounds[sum_name(key, subject)] = {"low": 0, "high": 0, "unbounded": {}}
        family = self.trace.family
        people = family.ancestor(key[0], family.program.entry)
        if people is not None:
            at = people[places]
            self.people.open[at[at >= 0]] = True

    def _bound(self) -> Counts:
        """What the open amounts may add to each difference."""
        family, weights = self.trace.family, self.people.weights
        for row, key, subject, pair in bounds_of(
            self.whole, self.before, self.after, family, self.open_amounts
        ):
            entry = self.bounds[sum_name(key, subject)]
            if isinstance(pair, frozenset):
                entry["unbounded"] = dict.fromkeys(pair, 1)
                continue
            entry["low"] += pair[0]
            entry["high"] += pair[1]
            if weights is not None:
                times = self._weight(row, weights)
                entry["weighted_low"] = entry.get("weighted_low", 0) + pair[0] * times
                entry["weighted_high"] = entry.get("weighted_high", 0) + pair[1] * times
        return self.bounds

    def _weight(self, row: tuple[str, str], weights: Array) -> int:
        """How many people, in millionths, the person stands for that a row with an open amount belongs to."""
        if not self.open_people:
            family = self.trace.family
            for key, _, places in self.open_amounts:
                people = family.ancestor(key[0], family.program.entry)
                names = self.before.rows[key[0]].rows.key.take(places).to_pylist()
                owners = [-1] * len(names) if people is None else people[places].tolist()
                self.open_people |= {(key[0], name): at for name, at in zip(names, owners, strict=True)}
        at = self.open_people[row]
        return int(weights[at]) if at >= 0 else 0

    def _stand_for(
        self, names: list[str], entity: str, cells: Sequence[ResultColumn], counted: Sequence[Array], certain: Array
    ) -> None:  # fmt: skip
        """Add amounts to what people who stand for others come to; what is a household's alone is no person's."""
        people = self.trace.family.ancestor(entity, self.trace.family.program.entry)
        if people is None:
            return
        sides = [
            np.where(which, side.values, 0) if isinstance(side, Numbers) else np.zeros(len(people), np.int64)
            for side, which in zip(cells, counted, strict=True)
        ]
        for name in names:
            self.spread.add(name, people, sides[0], sides[1], certain)

    def _pay(self, entity: str, cells: list[ResultColumn], was: Array, now: Array) -> None:
        """Add to what is paid to people; `was` and `now`: the rows whose amounts count, a side each."""
        family = self.trace.family
        people = family.ancestor(entity, family.program.entry)
        one, other = cells
        if people is None or not isinstance(one, Numbers) or not isinstance(other, Numbers):
            return
        before = np.where(was, one.values, 0)
        after = np.where(now, other.values, 0)
        if entity == family.program.entry:
            self.people.paid += before
            self.people.net += after - before
            return
        at = np.maximum(people, 0)
        there = people >= 0
        np.add.at(self.people.paid, at[there], before[there])
        changed = np.flatnonzero((before != after) & there)
        np.add.at(self.people.net, at[changed], (after - before)[changed])


def _chosen(people: People, which: Array) -> People:
    if which.all():
        return people
    groups = {dimension: group[which] for dimension, group in people.groups.items()}
    weights = None if people.weights is None else people.weights[which]
    return People(
        people.paid[which], people.net[which], people.cause[which], groups, people.open[which], weights, people.sampled
    )  # fmt: skip


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables) if tables else CHANGES.empty_table()
