"""One block decided: its rows given to the compiled program, what that leaves to the interpreter, results as file parts.

In: the rows of a block. Out: `BlockResult`: bytes of row groups by file, counts.
Invariants: a result depends on the block's rows and the program alone; every row is decided, rejected, or set aside.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa

from mianshen.batch.block_store import BlockTables
from mianshen.batch.blocks import Array
from mianshen.batch.fallback import Fallback
from mianshen.batch.intake import Intake
from mianshen.batch.interpreted import Interpreted
from mianshen.batch.made_up import with_made_up
from mianshen.batch.native_rows import native_table
from mianshen.batch.output_files import REJECTS, EntityFile
from mianshen.batch.parquet_join import encoded
from mianshen.batch.rejects import Rejected, csv_lines, reject_table
from mianshen.batch.results import Results, empty_results, native_results
from mianshen.batch.row_batches import BlockRows, from_table
from mianshen.batch.settled import differences, keys_of, reversals, reversed_pairs
from mianshen.batch.totals import Counts, block_totals
from mianshen.ingest.rejects import LAST
from mianshen.native.deciding import STATUSES, Decided, Deciding
from mianshen.native.library import Compiled
from mianshen.native.placing import Places
from mianshen.program.program import Entity, Program

DECIDED: Final = STATUSES.index("decided")
HISTORY: Final = STATUSES.index("history")
REVERSED: Final = STATUSES.index("reversed")
REJECTED: Final = STATUSES.index("rejected")
FAILED: Final = STATUSES.index("failed")
TOO_FEW_SAID: Final = STATUSES.index("too_few_said")
LATE: Final = (
    "duplicate",
    "history_unreadable",
    "reverses_nothing",
    "already_reversed",
)  # told before a failed check


@dataclass(slots=True)
class BlockResult:
    """`parts`: row groups by file name; `rejected`: the block's lines of the CSV file of rejects; `counts`: by entity."""

    parts: dict[str, pa.Buffer] = field(default_factory=dict)
    rejected: bytes = b""
    counts: Counts = field(default_factory=dict)


@dataclass(slots=True)
class Marked:
    """What became of an entity's rows: places in STATUSES; of rejected ones the place of (field, reason) in `whys`."""

    status: Array
    why: Array
    whys: list[tuple[str, str]]

    def reject(self, rows: Array, why: tuple[str, str]) -> None:
        """Reject rows for one reason, which gives way to one that was found before."""
        if not len(rows):
            return
        free = self.why[rows] < 0
        if why[1] in LATE:
            checks = np.array([*(reason == LAST for _, reason in self.whys), False])
            free |= checks[self.why[rows]]
        if why not in self.whys:
            self.whys.append(why)
        self.why[rows[free]] = self.whys.index(why)
        self.status[rows] = REJECTED


@dataclass(slots=True)
class DecidedBlock:
    """A block's rows, by entity, and what became of them. `native`: what the compiled program said, where there is one."""

    rows: Mapping[str, BlockRows]
    results: Mapping[str, Results]
    marked: Mapping[str, Marked]
    pairs: dict[str, Array]
    native: Decided | None
    interpreted: Interpreted = field(default_factory=dict)

    def decided(self, name: str) -> Array:
        """The rows that results show: those decided, but for parents that were made up for rows that name none."""
        block = self.rows[name]
        in_results: Array = (block.numbers >= 0) | np.asarray(block.rows.key.is_valid())
        decided: Array = in_results & (self.marked[name].status == DECIDED)
        return decided


@dataclass(frozen=True)
class BlockDecider:
    """Decides blocks of one run; safe to use from several threads. `fallback` decides what `compiled` leaves."""

    program: Program
    as_of: dt.date
    files: Sequence[EntityFile]
    intake: Intake
    compiled: Compiled | None
    fallback: Fallback

    @cached_property
    def by_entity(self) -> dict[str, EntityFile]:
        """The file of each entity that has one."""
        return {file.entity.name: file for file in self.files}

    def decide(self, tables: BlockTables) -> BlockResult:
        """Decide the rows of a block. Raises MemoryError."""
        return self._written(self.outcome(self.rows_of(tables)))

    def rows_of(self, tables: BlockTables) -> dict[str, BlockRows]:
        """The rows of a block as they were read, and parents made up for them."""
        intake = self.intake
        read = {
            name: from_table(
                table,
                intake.infos[name],
                self.program,
                intake.refusals.listed,
                intake.distinct,
                intake.doubled[name],
            )
            for name, table in tables.items()
        }
        return with_made_up(read, intake.absent, self.program)

    def outcome(self, rows: Mapping[str, BlockRows], places: Places | None = None) -> DecidedBlock:
        """What becomes of rows; `places` are theirs where they are known. Raises MemoryError."""
        native = None if self.compiled is None else self.deciding(self.compiled, rows).decide(places)
        results = {
            name: self._results(file, rows[name].rows.count, native) for name, file in self.by_entity.items()
        }
        marked = {name: self._marked(block, native) for name, block in rows.items()}
        block = DecidedBlock(rows, results, marked, self._pairs(rows, marked), native)
        self._interpret(block)
        return block

    def deciding(self, compiled: Compiled, rows: Mapping[str, BlockRows]) -> Deciding:
        """A compiled program over rows."""
        unit = compiled.unit
        tables = {e.name: native_table(rows[e.name].rows, unit.layout) for e in unit.order}
        return Deciding(compiled, tables, self.as_of, 1, tuple(self.intake.distinct.lists))

    def _results(self, file: EntityFile, count: int, decided: Decided | None) -> Results:
        if decided is None or file.entity.name not in decided.status:
            return empty_results(file, count)
        return native_results(file, decided, count, self.intake.distinct.texts)

    # -- what became of rows -------------------------------------------------------------------

    def _marked(self, block: BlockRows, decided: Decided | None) -> Marked:
        """The rows' statuses and reasons, as far as they are known without the interpreter."""
        rows, entity = block.rows, block.rows.entity
        count = rows.count
        native = None if decided is None else decided.status.get(entity.name)
        status = np.zeros(count, np.uint8) if native is None else native.copy()
        marked = Marked(
            status, np.full(count, -1, np.int32), [(r.field, r.reason) for r in rows.rejects.refusals]
        )
        which, kinds = rows.rejects.first()
        marked.why[which] = kinds
        marked.status[which[status[which] != REVERSED]] = (
            REJECTED  # what is wrong with a voided row is nobody's concern
        )
        for place, name in enumerate(STATUSES):
            rows_so = np.flatnonzero(status == place)
            if len(rows_so) and place not in (DECIDED, HISTORY, REVERSED, REJECTED, FAILED, TOO_FEW_SAID):
                marked.reject(rows_so, (self._at_fault(entity, name), name))
        if decided is not None:
            self._contradict(entity, marked, decided.places)
        return marked

    def _contradict(self, entity: Entity, marked: Marked, places: Places) -> None:
        """Reject rows for what only shows among rows, those too that were rejected for a check that they fail."""
        for below in self.program.children_of(entity.name):
            too_few = places.too_few.get(below.name, np.empty(0, np.int64))
            marked.reject(too_few, (str(below.counted_by), LAST))
        if entity.valid_from is not None:
            marked.reject(places.doubled[entity.name], (entity.key, "duplicate"))
            marked.reject(places.unplaced, ("", "history_unreadable"))

    def _at_fault(self, entity: Entity, reason: str) -> str:
        """The field that a reason is about."""
        match reason:
            case "duplicate":
                return entity.key
            case "unknown_parent":
                return self.program.entities[str(entity.parent)].key
            case "reverses_nothing" | "already_reversed":
                return str(entity.reverses)
            case _:
                return ""

    def _pairs(self, rows: Mapping[str, BlockRows], marked: Mapping[str, Marked]) -> dict[str, Array]:
        """The reversals that the compiled program found."""
        return {
            name: reversed_pairs(block.rows, marked[name].status == REVERSED)
            for name, block in rows.items()
            if block.rows.reverses is not None
        }

    def _interpret(self, block: DecidedBlock) -> None:
        """Households that the compiled program leaves, decided by the interpreter; its word counts for all of their rows."""
        rows, pairs = block.rows, block.pairs
        ones = {name: np.ones(part.rows.count, np.uint8) for name, part in rows.items()}
        ones |= {} if block.native is None else block.native.fallback
        if not any(marks.any() for marks in ones.values()):
            return
        block.interpreted = self.fallback.decide(rows, ones, self.as_of)
        for name, outcome in block.interpreted.items():
            mark = block.marked[name]
            mark.status[outcome.rows] = DECIDED
            mark.status[outcome.history] = HISTORY
            for why, numbers in outcome.rejected.items():
                mark.reject(np.array(numbers), why)
            if outcome.reversed:
                more = np.array(outcome.reversed, np.int64)
                mark.status[more.ravel()] = REVERSED
                interpret = pairs[name][~np.isin(pairs[name][:, 0], more[:, 0])]
                pairs[name] = np.concatenate([interpret, more])
            if name in block.results and outcome.rows:
                block.results[name].put(outcome.rows, outcome.cells, outcome.states)

    # -- parts of files ------------------------------------------------------------------------

    def _written(self, decided_block: DecidedBlock) -> BlockResult:
        rows, results = decided_block.rows, decided_block.results
        marked, pairs = decided_block.marked, decided_block.pairs
        result = BlockResult()
        for name, block in rows.items():
            counts = result.counts[name] = {"records": self._counts(block, marked[name])}
            file = self.by_entity.get(name)
            if file is None:
                continue
            decided = decided_block.decided(name)
            counts["totals"] = block_totals(results[name], decided)
            counts["rows"] = int(decided.sum())
            result.parts[file.name] = encoded(results[name].table(keys_of(file, block.rows), decided))
            if not file.settled_facts.keys().isdisjoint(results[name].ruled) and self.settles(file):
                table, counts["settled"] = differences(results[name], block.rows, decided)
                result.parts[file.differences] = encoded(table)
            if name in pairs:
                counts["reversals"] = len(pairs[name])
                result.parts[file.reversals] = encoded(reversals(file, block.rows, pairs[name]))
        table = self._rejects(rows, marked)
        result.parts[REJECTS] = encoded(table)
        result.rejected = csv_lines(table)
        return result

    def settles(self, file: EntityFile) -> bool:
        """Whether some file of the entity has a column for a settled amount."""
        return not self.intake.infos[file.entity.name].supplied.isdisjoint(file.settled_facts.values())

    def _counts(self, block: BlockRows, marked: Marked) -> Counts:
        """Records read, and what became of them; rows that were made up are none."""
        status = marked.status[block.numbers >= 0]
        entity, supplied = block.rows.entity, self.intake.infos[block.rows.entity.name].supplied
        counts = {
            "read": len(status), "decided": int((status == DECIDED).sum()),
            "rejected": int((status == REJECTED).sum()),
        }  # fmt: skip
        if entity.reverses in supplied:
            counts["reversed"] = int((status == REVERSED).sum())
        if entity.valid_from in supplied:
            counts["history"] = int((status == HISTORY).sum())
        return counts

    def _rejects(self, rows: Mapping[str, BlockRows], marked: Mapping[str, Marked]) -> pa.Table:
        rejected = {}
        for name, block in rows.items():
            at = np.flatnonzero((marked[name].status == REJECTED) & (block.numbers >= 0))
            keys = block.rows.key.take(pa.array(at))
            rejected[name] = Rejected(block.numbers[at], keys, marked[name].why[at], marked[name].whys)
        return reject_table(rejected, {name: self.intake.infos[name].files for name in rows})
