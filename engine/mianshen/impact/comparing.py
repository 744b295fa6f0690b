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

from mianshen.batch.block_decider import DecidedBlock
from mianshen.batch.block_store import BlockTables
from mianshen.batch.blocks import Array
from mianshen.batch.columns import Lists, Numbers, ResultColumn, Texts
from mianshen.batch.output_files import EntityFile
from mianshen.batch.results import BENEFIT_STATUS, KNOWN, NOT_MODELLED, UNKNOWN, Results, empty_results
from mianshen.batch.row_batches import BlockRows
from mianshen.batch.totals import Counts, block_totals, exact_sum
from mianshen.impact.bounding import Listed, Open, bounds_of
from mianshen.impact.bounds import Bounds
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

NOT_MODELLED_TEXT: Final = "not_modelled"
REJECTED_TEXT: Final = "rejected"
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
    bounding: threading.Lock = field(
        default_factory=threading.Lock
    )  # one thread at a time bounds open amounts

    @cached_property
    def bounds(self) -> Bounds:
        """Bounds what unknown facts leave open."""
        return Bounds(self.sides.programs)

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
    people: People = field(init=False)

    def comparison(self) -> BlockComparison:
        """Compare every column of every file."""
        sides = self.whole.sides
        entry = self.before.rows[sides.programs[1].entry].rows
        count = entry.count
        self.people = People(
            np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, NOTHING, np.int32),
            {d: self._groups(d) for d in self.whole.dimensions}, np.zeros(count, bool), self._padded(count),
        )  # fmt: skip
        for file in sides.files:
            self._file(file)
        totals = tuple(
            {f.entity.name: block_totals(block.results[f.entity.name], block.decided(f.entity.name))
             for f in decider.files if f.entity.name in block.results}
            for decider, block in zip(sides.deciders, (self.before, self.after), strict=True)
        )  # fmt: skip
        shown = self.after.decided(entry.entity.name) | self.before.decided(entry.entity.name)
        people = _chosen(self.people, shown)
        return BlockComparison(
            (totals[0], totals[1]), self.counts, _joined(self.tables), people.counts(self.whole.dimensions),
            people.incomes(self.whole.dimensions), self._bounds(), list(self._resettled()),
        )  # fmt: skip

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
        results = _completed(old, new, count), _completed(new, old, count)
        shown = {d.name: None for side in (new, old) for d in side.file.shown}
        for decision in shown:
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
        shown = [np.where(ok, state, UNKNOWN) for ok, state in zip(decided, states, strict=True)]
        both = decided[0] & decided[1]
        certain = both & (states[0] != UNKNOWN) & (states[1] != UNKNOWN)  # what is not modelled adds nothing
        was, now = certain & (states[0] == KNOWN), certain & (states[1] == KNOWN)
        differs = (decided[0] != decided[1]) | (both & (states[0] != states[1]))
        differs |= was & now & _unequal(cells[0], cells[1])
        rows = np.flatnonzero(differs)
        open_ = (decided[0] | decided[1]) & ((shown[0] == UNKNOWN) | (shown[1] == UNKNOWN))
        cause = self.trace.causes(key, rows)
        self._take(file, key, column, rows, cause, cells, decided, states)
        self._count(key, rows, open_, money=decision_is_money(key, self.whole.sides.programs))
        counts = self.counts["decisions"][f"{key[0]}.{key[1]}"]
        counts["known"] = _difference(cells[0], cells[1], was, now)
        if any(key in program.paid for program in self.whole.sides.programs):
            self._pay(file.entity.name, cells, was, now)

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
            differs = (known[0] != known[1]) | (known[0] & known[1] & _unequal(amounts[0], amounts[1]))
            rows = np.flatnonzero(differs)
            cause = self.trace.causes(key, rows)
            self._take(file, key, f"{benefit.name}_amount", rows, cause, amounts, decided, states)
            was, now = known[0] & ~unsure, known[1] & ~unsure
            entry["known"] = _difference(amounts[0], amounts[1], was, now)
            if self.trace.changes.reached(key) or self.trace.changes.reached((key[0], benefit.eligible)):
                self._open(key, benefit, unsure)
            self._pay(file.entity.name, amounts, was, now)
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
            _texts(side, rows, ok[rows], state[rows])
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
        self.open_amounts.append((key, subject, np.flatnonzero(rows)))
        family = self.trace.family
        people = family.ancestor(key[0], family.program.entry)
        if people is not None:
            at = people[np.flatnonzero(rows)]
            self.people.open[at[at >= 0]] = True

    def _bounds(self) -> Counts:
        """What the open amounts may add to each difference."""
        bounds: Counts = {}
        for key, subject, pair in bounds_of(
            self.whole, self.before, self.after, self.trace.family, self.open_amounts
        ):
            name = subject if isinstance(subject, str) else subject.name
            entry = bounds.setdefault(f"{key[0]}.{name}", {"low": 0, "high": 0, "unbounded": 0})
            if pair is None:
                entry["unbounded"] += 1
            else:
                entry["low"] += pair[0]
                entry["high"] += pair[1]
        return bounds

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


def _completed(results: Results, other: Results, count: int) -> Results:
    """A side's results with what the other side alone shows: not modelled."""
    missing = other.columns.keys() - results.columns.keys()
    if not missing:
        return results
    blank = empty_results(other.file, count)
    columns, states = dict(results.columns), dict(results.states)
    for name in missing:
        column = blank.columns[name]
        if isinstance(column, Texts) and name.endswith("_status"):
            column = Texts(np.full(count, BENEFIT_STATUS.index("not_modelled"), np.int32), BENEFIT_STATUS)
        columns[name] = column
        if name in blank.states:
            states[name] = np.full(count, NOT_MODELLED, np.uint8)
    return Results(results.file, columns, states, results.ruled)


def _difference(one: ResultColumn, other: ResultColumn, was: Array, now: Array) -> int:
    """What the amounts that count come to more on the second side, in the last decimal; 0 of what is no number."""
    if (
        not isinstance(one, Numbers)
        or not isinstance(other, Numbers)
        or one.values.ndim > 1
        or other.values.ndim > 1
    ):
        return 0
    return exact_sum(other.values[now]) - exact_sum(one.values[was])


def decision_is_money(key: Key, programs: Sequence[Program]) -> bool:
    """Whether a decision is an amount of money on either side."""
    return any(d.key == key and d.written == "money" for program in programs for d in program.decisions)


def _chosen(people: People, which: Array) -> People:
    if which.all():
        return people
    groups = {dimension: group[which] for dimension, group in people.groups.items()}
    weights = None if people.weights is None else people.weights[which]
    return People(
        people.paid[which], people.net[which], people.cause[which], groups, people.open[which], weights
    )


def _unequal(one: ResultColumn, other: ResultColumn) -> Array:
    """Where two columns hold different cells, whether known or not."""
    numbers = isinstance(one, Numbers) and isinstance(other, Numbers)
    if numbers and one.type == other.type and one.values.shape == other.values.shape:  # type: ignore[union-attr]
        unequal: Array = np.asarray(one.values != other.values)  # type: ignore[union-attr]
        return unequal if unequal.ndim == 1 else np.asarray(unequal.any(axis=1))
    differs: Array = np.asarray(pc.fill_null(pc.not_equal(_plain(one), _plain(other)), fill_value=True))
    return differs


def _plain(column: ResultColumn) -> pa.Array:
    """A column as texts."""
    if isinstance(column, Lists):
        return pa.array([None if c is None else str(c) for c in column.cells], pa.string())
    array = column.array()
    return array.dictionary_decode() if isinstance(column, Texts) else array.cast(pa.string())


def _texts(column: ResultColumn, rows: Array, decided: Array, state: Array) -> pa.StringArray:
    """The cells of some rows as texts; null is unknown."""
    if isinstance(column, Numbers):
        part: ResultColumn = Numbers(column.values[rows], column.known[rows], column.type)
    elif isinstance(column, Texts):
        part = Texts(column.places[rows], column.declared, column.others, column.more)
    else:
        part = Lists([column.cells[row] for row in rows.tolist()], column.type)
    texts = _plain(part)
    texts = pc.if_else(pa.array(state == KNOWN), texts, pa.scalar(None, pa.string()))
    texts = pc.if_else(pa.array(decided & (state == NOT_MODELLED)), pa.scalar(NOT_MODELLED_TEXT), texts)
    return pc.if_else(pa.array(~decided), pa.scalar(REJECTED_TEXT), texts)


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables) if tables else CHANGES.empty_table()
