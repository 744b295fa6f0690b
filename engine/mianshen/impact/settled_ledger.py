"""Settled amounts beside what the rules give, block by block, under programs that differ in figures or provisions.

In: rows read once, a program cut down to what settled amounts rest on. Out: `Compared` amounts; what a pass over all
rows makes of them.
Invariant: a pass has the rows of a partition in memory, and of each block what its comparison comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeAlias, TypeVar

import numpy as np

from mianshen.batch.block_decider import BlockDecider
from mianshen.batch.block_store import BlockTables
from mianshen.batch.blocks import Array
from mianshen.batch.row_batches import BlockRows
from mianshen.batch.settled import amounts_of
from mianshen.impact.sides import Sides
from mianshen.impact.tracing import Family
from mianshen.ingest.entity_rows import EntityRows
from mianshen.native.placing import Places
from mianshen.program.program import Program

SEARCHED: Final = 20_000  # households that differ in which an explanation is sought
NOTHING: Final = np.iinfo(np.int32).min
Rows: TypeAlias = "dict[str, BlockRows]"  # by entity
Part = TypeVar("Part")


@dataclass(slots=True)
class Compared:
    """Settled amounts in fen, as they are and as the rules give them; of each the row's day and its household."""

    settled: Array
    ruled: Array
    day: Array  # since 1970
    top: Array  # the place of the household's row
    decided: Array  # whether the rules decide the row at all
    right: Array
    family: Family

    @property
    def off(self) -> Array:
        """What the rules give another amount for."""
        off: Array = self.decided & ~self.right
        return off

    @property
    def gap(self) -> Array:
        """By how many fen each amount differs."""
        gap: Array = np.abs(self.settled - self.ruled)
        return gap


@dataclass
class Ledger:
    """Compares under variants of one program."""

    sides: Sides
    program: Program

    def passed(
        self, programs: Sequence[Program], look: Callable[[Rows, list[Compared]], Part]
    ) -> Iterator[Part]:
        """One pass over all rows, each block decided by every program: what `look` makes of it, in order."""
        with ExitStack() as open_:
            deciders = [self.sides.decider_of(program) for program in programs]
            for decider in deciders:
                open_.callback(decider.fallback.close)
            yield from self.sides.outcomes(_Pass(self, deciders, look))

    def compared(self, programs: Sequence[Program], rows: Rows, *, natively: bool = True) -> list[Compared]:
        """Some rows decided by every program; `natively`: by programs that differ in figures alone."""
        with ExitStack() as open_:
            deciders = [self.sides.decider_of(program) for program in programs]
            for decider in deciders:
                open_.callback(decider.fallback.close)
            if not natively:
                deciders = [replace(decider, compiled=None) for decider in deciders]
            return self.beside(deciders, rows)

    def beside(self, deciders: Sequence[BlockDecider], rows: Rows) -> list[Compared]:
        """Rows decided by each of several deciders, put in their places once."""
        first, places = deciders[0], None
        if first.compiled is not None:
            places = first.deciding(first.compiled, rows).placing().all()
        return [_compared(decider, rows, places) for decider in deciders]

    def households(self, rows: Rows, compared: Compared, most: int) -> Rows | None:
        """The households of some rows in which something differs, at most so many; None where there are none."""
        tops = np.unique(compared.top[compared.off])[:most]
        if not len(tops):
            return None
        family, taken = compared.family, {}
        for name, part in rows.items():
            at = family.ancestor(name, family.top_of(name))
            assert at is not None
            chosen = np.flatnonzero(np.isin(at, tops))
            taken[name] = BlockRows(part.rows.taken(chosen), part.numbers[chosen])
        return taken

    def differing(self, rows: Rows, compared: list[Compared]) -> tuple[Array, Rows | None, int]:
        """How many amounts of a block are stated, decided and differ, by how many fen; and the households that differ."""
        one = compared[0]
        households = int(np.unique(one.top[one.off]).size)
        counts = np.array(
            [len(one.settled), one.decided.sum(), one.off.sum(), one.gap[one.off].sum()], np.int64
        )
        return counts, self.households(rows, one, SEARCHED), min(households, SEARCHED)


@dataclass(frozen=True)
class _Pass(Generic[Part]):
    """Decides blocks by several programs, and looks at what comes out."""

    ledger: Ledger
    deciders: Sequence[BlockDecider]
    look: Callable[[Rows, list[Compared]], Part]

    def decide(self, tables: BlockTables) -> Part:
        """What is made of a block. Raises MemoryError."""
        rows = self.deciders[0].rows_of(tables)
        return self.look(rows, self.ledger.beside(self.deciders, rows))


def _compared(decider: BlockDecider, rows: Rows, places: Places | None) -> Compared:
    """The settled amounts of some rows beside what a decider gives."""
    decided = decider.outcome(rows, None if places is None else places.copy())
    family = Family(decider.program, decided)
    parts: list[tuple[Array, ...]] = []
    for file in decider.files:
        name = file.entity.name
        top = family.ancestor(name, family.top_of(name))
        if not file.settled_facts or top is None:
            continue
        table = rows[name].rows
        days = _days(table)
        for decision, fact in file.settled_facts.items():
            if fact in table.facts:
                settled, stated = amounts_of(table.facts[fact])
                amounts = decided.results[name].ruled[decision]
                at = np.flatnonzero(stated & (days != NOTHING))
                known = amounts.known.astype(bool)[at]
                ruled = np.where(known, amounts.values[at], settled[at])  # nothing is said of one not known
                parts.append((settled[at], ruled, days[at], top[at], decided.decided(name)[at]))
    columns = [np.concatenate([part[n] for part in parts] or [np.empty(0, np.int64)]) for n in range(5)]
    is_decided = columns[4].astype(bool)
    right = is_decided & (columns[0] == columns[1])
    return Compared(columns[0], columns[1], columns[2], columns[3], is_decided, right, family)


def _days(table: EntityRows) -> Array:
    """The days of rows, since 1970-01-01, `NOTHING` for one that does not say; 0 where their entity has none."""
    date = None if table.entity.date is None else table.facts.get(table.entity.date)
    if date is None:
        return np.zeros(table.count, np.int32)
    return np.asarray(date.cast("int32").fill_null(NOTHING))
