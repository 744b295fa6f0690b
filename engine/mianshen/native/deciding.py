"""A compiled program run over tables of facts.

In: `Compiled`, a `Table` an entity. Out: `Decided`: the output columns, what became of every row, and the rows of
the households in which deciding fails, which the interpreter decides.
"""

from __future__ import annotations

import ctypes
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.native.arrays import Array, address, buffer_of, pointers, texts_of, valid_of, whole
from mianshen.native.figures import figure_table
from mianshen.native.layout import EPOCH
from mianshen.native.library import Compiled, Run
from mianshen.native.placing import (
    DECIDED,
    HISTORY,
    STATUSES,
    UNKNOWN_PARENT,
    Places,
    Placing,
    Status,
    Table,
    in_turn,
)
from mianshen.native.written import Written
from mianshen.program.program import Entity

__all__ = ["STATUSES", "Array", "Decided", "Deciding", "Status", "Table", "address", "whole"]

CHUNK: Final = 1 << 14  # households a thread takes at a time
DTYPES: Final = {1: np.dtype(np.uint8), 4: np.dtype(np.int32), 8: np.dtype(np.int64), 16: np.dtype("V16")}


@dataclass(slots=True)
class Decided:
    """What became of every row; all arrays are in the order of the tables.

    `columns`: by what is written; they hold nothing where the status is not `decided`, and in fallback rows.
    `status`: an entity: places in STATUSES. `fallback`: an entity: 1 for every row of a household in which
    deciding some row failed; the interpreter decides these.
    `sets`: the missing names of each set, sorted, by the number that the columns `missing` and `reason` hold.
    """

    columns: dict[Written, Array]
    status: dict[str, Array]
    fallback: dict[str, Array]
    sets: pa.ListArray
    places: Places


@dataclass(slots=True)
class Deciding:
    """One run. `lists`: every list that a table holds the number of, those of the layout first."""

    compiled: Compiled
    tables: dict[str, Table]
    as_of: dt.date
    threads: int
    lists: Sequence[tuple[str, ...]] | None = None

    def decide(self, places: Places | None = None) -> Decided:
        """Decide every household; `places`: where its rows stand, as `placing` found it. Raises MemoryError."""
        unit = self.compiled.unit
        if places is None:
            places = self.placing().all()
        columns = {w: np.zeros(self.tables[w.entity].count, DTYPES[w.bytes]) for w in unit.written}
        fallback = {e.name: np.zeros(self.tables[e.name].count, np.uint8) for e in unit.order}
        with self._sets() as sets:
            run = _Run(self, places, columns, fallback, sets)
            run.pack()
            counts = self.in_parallel(run.households, CHUNK, run.decide)
            run.unpack()
            if any(count < 0 for count in counts):
                raise MemoryError
            names = self._named(sets)
        for written, column in columns.items():
            if written.part in ("reason", "missing", "by"):
                nothing = (places.status[written.entity] != DECIDED) | (fallback[written.entity] == 1)
                column[nothing] = -1
        if any(counts):
            self._spread(places, fallback)
        return Decided(columns, places.status, fallback, names, places)

    def placing(self) -> Placing:
        """What puts the rows in their places."""
        day = (self.as_of - EPOCH).days
        return Placing(self.compiled.unit, self.compiled.library, self.tables, day, self.in_parallel)

    def _spread(self, places: Places, fallback: dict[str, Array]) -> None:
        """Rows that were not gathered fall back with their person or parent: those of other times, reversed ones."""
        unit, times = self.compiled.unit, places.over_time
        for entity in unit.order:
            if times is not None and entity.name == unit.layout.program.entry:
                fallback[entity.name] |= fallback[entity.name][times.person]
            if entity.parent is not None and entity.name not in unit.rows.path:
                origin = places.origin.get(entity.name, places.parent[entity.name])
                placed = origin >= 0
                fallback[entity.name][placed] |= fallback[entity.parent][origin[placed]]

    @contextmanager
    def _sets(self) -> Iterator[int]:
        sets = self.compiled.library.sets_new()
        if not sets:
            raise MemoryError
        try:
            yield sets
        finally:
            self.compiled.library.sets_free(sets)

    def _named(self, sets: int) -> pa.ListArray:
        """The names of every set, those of rows as `entity key`."""
        library, unit = self.compiled.library, self.compiled.unit
        count = library.sets_count(sets)
        begin = np.frombuffer(ctypes.string_at(library.sets_begin(sets), (count + 1) * 8), np.int64)
        codes = np.frombuffer(ctypes.string_at(library.sets_codes(sets), int(begin[-1]) * 8), np.int64)
        used, place = np.unique(codes, return_inverse=True)
        names = pa.array([unit.layout.names[n] for n in used[used < 1 << 32].tolist()], pa.string())
        parts = [names]
        for number, entity in enumerate(unit.order):
            rows = used[used >> 32 == number + 1] & 0xFFFFFFFF
            table = self.tables[entity.name]
            keys = table.key.take(pa.array(rows)).cast(pa.string()).fill_null("")
            if table.unkeyed:
                keys = pa.array(
                    [
                        table.unkeyed.get(row) or key
                        for row, key in zip(rows.tolist(), keys.to_pylist(), strict=True)
                    ],
                    pa.string(),
                )
            parts.append(pc.binary_join_element_wise(pa.scalar(entity.name), keys, " "))
        texts = pa.concat_arrays(parts)
        rank = np.asarray(pc.rank(texts, tiebreaker="dense")).astype(
            np.int64
        )  # rows with one key have one name
        pairs = np.unique(np.repeat(np.arange(count), np.diff(begin)) * (len(texts) + 1) + rank[place])
        owner, rank_in_set = np.divmod(pairs, len(texts) + 1)
        by_rank = np.empty(len(texts) + 1, np.int64)
        by_rank[rank] = np.arange(len(texts))
        ends = np.searchsorted(owner, np.arange(count + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(ends), texts.take(pa.array(by_rank[rank_in_set])))

    def in_parallel(self, count: int, chunk: int, work: Callable[[int, int], Any]) -> list[Any]:
        """Work on all of so many, some at a time on each thread."""
        spans = [(low, min(low + chunk, count)) for low in range(0, count, chunk)]
        if self.threads < 2 or len(spans) < 2:
            return [work(*span) for span in spans]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda span: work(*span), spans))


class _Run:
    """The struct of one run, and everything that it points to."""

    def __init__(
        self,
        deciding: Deciding,
        places: Places,
        columns: dict[Written, Array],
        fallback: dict[str, Array],
        sets: int,
    ) -> None:
        self.deciding = deciding
        unit, library = deciding.compiled.unit, deciding.compiled.library
        self.library, self.tables, self.unit = library, deciding.tables, unit
        self.begin: dict[str, Array] = {}
        self.row: dict[str, Array] = {}
        for entity in unit.order:
            if entity.parent is not None:
                self._gather_children(entity, places.parent[entity.name])
        self.packed, self.unpacked = self._room("in"), self._room("out")
        self.level, self.place = self._households(places)
        self.struct = self._struct(places, columns, fallback, sets)

    def _struct(
        self, places: Places, columns: dict[Written, Array], fallback: dict[str, Array], sets: int
    ) -> Run:
        deciding, unit, times = self.deciding, self.unit, places.over_time
        items, begins = self._lists(unit.layout.lists if deciding.lists is None else deciding.lists)
        figures = figure_table(unit.layout)
        marks, facts = self._facts()
        rows = [self.begin, self.row, places.status, fallback, places.under, places.voider]
        arrays = [
            *facts,
            pointers([address(columns[written]) for written in unit.written]),
            *map(self._by_entity, [*rows, self.packed, self.unpacked]),
        ]
        turn = {name: self._turn(name) for name in unit.layout.joint}
        turns = self._by_entity(turn)
        self.alive = (marks, items, begins, figures, arrays, turn, turns)  # what only the struct points to
        return Run(
            (deciding.as_of - EPOCH).days,
            *map(ctypes.addressof, arrays),
            address(self.level),
            address(self.place),
            *((None, None, None) if times is None else map(address, (times.next, times.start, times.early))),
            ctypes.addressof(turns),
            sets,
            address(begins),
            address(items),
            *map(address, figures),
        )

    def _facts(self) -> tuple[list[Array | None], list[Any]]:
        """The marks of every fact's column; and its cells, whether each is valid, and its marks, by pointers."""
        facts = [(self.tables[e.name], c) for e in self.unit.order for c in self.unit.layout.facts[e.name]]
        marks = [table.marks(column.name) for table, column in facts]
        return marks, [
            pointers([buffer_of(table.facts[column.name]) for table, column in facts]),
            pointers([valid_of(table.facts[column.name]) for table, column in facts]),
            pointers([None if mark is None else address(mark) for mark in marks]),
        ]

    def _by_entity(self, arrays: Mapping[str, Array]) -> Any:
        """A pointer an entity, none where there is no array."""
        return pointers([address(arrays[e.name]) if e.name in arrays else None for e in self.unit.order])

    def _lists(self, lists: Sequence[tuple[str, ...]]) -> tuple[Array, Array]:
        """The items of every list, by their places among the codes listed, and where each list begins."""
        place = {code: at for at, code in enumerate(self.unit.layout.listed)}
        items = np.array([place.get(item, -1) for listing in lists for item in listing] or [0], np.int32)
        return items, np.cumsum([0, *map(len, lists)], dtype=np.int64)

    @property
    def households(self) -> int:
        return len(self.place)

    def decide(self, low: int, high: int) -> int:
        """Decide the households of these places; how many fall back, -1 where there is no memory."""
        return int(self.library.decide_places(ctypes.byref(self.struct), low, high))

    def pack(self) -> None:
        """Copy every row to where its cells are side by side."""
        for name, room in self.packed.items():
            self._copy(f"pack_{name}", name, room)

    def unpack(self) -> None:
        for name, room in self.unpacked.items():
            self._copy(f"unpack_{name}", name, room)

    def _copy(self, function: str, name: str, room: Array) -> None:
        work = partial(getattr(self.library, function), ctypes.byref(self.struct), address(room))
        self.deciding.in_parallel(self.tables[name].count, CHUNK * 16, work)

    def _room(self, way: str) -> dict[str, Array]:
        """Room for rows with their cells side by side."""
        packed = [e.name for e in self.unit.order if self.unit.rows.is_packed(e)]
        sizes = {name: getattr(self.library, f"size_{way}_{name}")() for name in packed}
        return {
            name: np.zeros(max(1, self.tables[name].count) * size, np.uint8) for name, size in sizes.items()
        }

    def _gather_children(self, entity: Entity, parent: Array) -> None:
        assert entity.parent is not None
        table, above = self.tables[entity.name], self.tables[entity.parent]
        begin, row = np.empty(above.count + 1, np.int32), np.empty(max(1, table.count), np.int32)
        day = None if entity.date is None else table.facts[entity.date]
        keys = texts_of(table.key)
        if not self.library.children_of(
            address(parent), table.count, above.count, None if day is None else buffer_of(day),
            None if day is None else valid_of(day), ctypes.byref(keys), address(begin), address(row),
        ):  # fmt: skip
            raise MemoryError
        self.begin[entity.name], self.row[entity.name] = begin, row

    def _turn(self, name: str) -> Array:
        """The place of every row of an entity in turn."""
        table = self.tables[name]
        turn = np.empty(max(1, table.count), np.int32)
        day = self.unit.layout.program.entities[name].date
        order = in_turn(table, None if day is None else table.facts[day], np.arange(table.count))
        turn[order] = np.arange(table.count, dtype=np.int32)
        return turn

    def _households(self, places: Places) -> tuple[Array, Array]:
        """Where households begin: rows of the root, rows below it, up to the entry, that stand alone, other roots."""
        levels, rows = [], []
        roots = [entity.name for entity in self.unit.rows.other_roots]
        for level, name in enumerate((*self.unit.rows.path, *roots)):
            status = places.status[name]
            alone = places.parent[name] < 0 if name in places.parent else np.ones(len(status), np.bool_)
            alone &= (status != HISTORY) & (status != UNKNOWN_PARENT)
            if places.over_time is not None and name == self.unit.layout.program.entry:
                alone &= places.over_time.person == np.arange(len(status))
            rows.append(np.flatnonzero(alone).astype(np.int32))
            levels.append(np.full(len(rows[-1]), level, np.int32))
        return np.concatenate(levels), np.concatenate(rows)
