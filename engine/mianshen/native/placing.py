"""Rows put in their places before anything is decided: households, rows over time, reversals, doubled keys.

In: tables. Out: `Places`: the parent of every row, its status as far as rows alone tell it, a person's rows
over time, and which rejected row would void another. What stands here equals `records.rows` and
`records.versions` for single records.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.native.arrays import Array, address, buffer_of, texts_of, valid_of
from mianshen.native.translation_unit import Unit
from mianshen.program.program import Entity

Status: TypeAlias = Literal[
    "decided",  # its outputs are written
    "history",  # a person's row of another time: it has no outputs
    "reversed",  # a voiding row that holds, or the row that it voids
    "rejected",  # when it was read
    "parent_rejected",
    "duplicate",  # another row has its key (of one person: and begins on the same day)
    "unknown_parent",
    "too_few_said",  # it has more rows below than it says
    "history_unreadable",  # nobody knows when the rows of this person hold
    "reverses_nothing",
    "already_reversed",
    "failed",  # deciding it is an error (a conflict, a division by zero, no figure); the interpreter tells which
]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)  # a status is written as its place here
DECIDED, HISTORY, REVERSED, REJECTED, PARENT_REJECTED, DUPLICATE, UNKNOWN_PARENT = range(7)
REVERSES_NOTHING, ALREADY_REVERSED = (STATUSES.index("reverses_nothing"), STATUSES.index("already_reversed"))
TOO_FEW_SAID: Final = STATUSES.index("too_few_said")
ALWAYS: Final = np.iinfo(np.int32).min
Finder: TypeAlias = Callable[[pa.StringArray], Array]
Parallel: TypeAlias = Callable[[int, int, Callable[[int, int], Any]], list[Any]]
CHUNK: Final = 1 << 18  # rows a thread takes at a time


@dataclass(slots=True)
class Table:
    """The rows of an entity, in any order: keys, the parents' keys, a column a fact as `layout` encodes it.

    Keys are Arrow strings (or large strings), NULL where none is given or it cannot be read. `rejected` is 1 where
    the row was rejected when it was read; such a row keeps the facts that could be read. Facts that were given
    and are wrong are NULL, and `unreadable` marks them: an array of 0 and 1, or row numbers in order, by fact.
    `given`: whether there is a file of these rows; without one nobody is missed in it.
    `reverses`: the keys of the rows that these void, where the entity has such a fact; a voiding row is not
    rejected for its other facts. `voids_some`: the rejected rows, ascending, that may void an earlier row of their
    parent's, nobody can tell which; `doubled`: those of which a row that may be in no table has the key.
    """

    key: pa.StringArray
    parent: pa.StringArray | None
    facts: dict[str, pa.Array]
    rejected: Array
    given: bool = True
    unreadable: dict[str, Array] = field(default_factory=dict)
    reverses: pa.StringArray | None = None
    voids_some: Array = field(default_factory=lambda: np.empty(0, np.int64))
    doubled: Array = field(default_factory=lambda: np.empty(0, np.int64))
    unkeyed: Mapping[int, str] = field(default_factory=dict)  # how rows without a key are named

    @property
    def count(self) -> int:
        return len(self.key)

    def marks(self, fact: str) -> Array | None:
        """1 where the fact was given and is wrong; None where no row has it so."""
        marks = self.unreadable.get(fact)
        if marks is None or not len(marks):
            return None
        if marks.dtype in (np.uint8, np.bool_) and len(marks) == self.count:
            return marks.view(np.uint8)
        flags = np.zeros(self.count, np.uint8)
        flags[marks] = 1
        return flags


@dataclass(slots=True)
class OverTime:
    """The entry's rows over time: of each the row in force, from when it holds, the person's next other row.

    `early`: rows that stand for a person of whom nothing is known yet.
    """

    person: Array
    start: Array
    next: Array
    early: Array


@dataclass(slots=True)
class Places:
    """By entity: status, parent (-1: nobody, -2: none named), the row that each reads, what would void it.

    `too_few`: by the entity below, the rows above it that say they have fewer of its rows than they have. `doubled`:
    rows whose key another row has, `unplaced`: those of persons of whom nobody knows when their rows hold; of both
    also those that were rejected when they were read.
    """

    status: dict[str, Array]
    parent: dict[str, Array] = field(default_factory=dict)
    under: dict[str, Array] = field(default_factory=dict)
    voider: dict[str, Array] = field(default_factory=dict)
    over_time: OverTime | None = None
    too_few: dict[str, Array] = field(default_factory=dict)
    doubled: dict[str, Array] = field(default_factory=dict)
    unplaced: Array = field(default_factory=lambda: np.empty(0, np.int64))
    origin: dict[str, Array] = field(
        default_factory=dict
    )  # of entities that rows went from: the parents before

    def copy(self) -> Places:
        """The same for another run, which changes statuses."""
        return replace(self, status={name: status.copy() for name, status in self.status.items()})


@dataclass(slots=True)
class Placing:
    """Finds the places of the rows of one run."""

    unit: Unit
    library: ctypes.CDLL
    tables: dict[str, Table]
    as_of: int
    parallel: Parallel
    places: Places = field(init=False)

    def __post_init__(self) -> None:
        self.places = Places(
            {e: np.where(t.rejected, REJECTED, DECIDED).astype(np.uint8) for e, t in self.tables.items()},
            doubled={name: table.doubled for name, table in self.tables.items()},
        )

    def all(self) -> Places:
        """Every row's place. Raises MemoryError."""
        with ExitStack() as open_:
            finders: dict[str, Finder] = {}
            for entity in self.unit.order:
                if entity.parent is not None:
                    self._find_parents(entity, finders[entity.parent])
                if self._is_looked_up(entity):
                    finders[entity.name] = open_.enter_context(self.finder(entity))
                self._leave_household(entity)
                self._count(entity)
                self._leave_with_parent(entity)
                if entity.reverses is not None and entity.parent is not None:
                    self._reverse(entity)
                    self._doubt_earlier(entity)
        return self.places

    def _is_looked_up(self, entity: Entity) -> bool:
        """Whether rows are found by their keys, or some may be doubled."""
        looked_up = any(below.parent == entity.name for below in self.unit.order)
        return (
            looked_up or self._over_time(entity) or not ascending(self.library, self.tables[entity.name].key)
        )

    # -- keys --------------------------------------------------------------------------------

    @contextmanager
    def finder(self, entity: Entity) -> Iterator[Finder]:
        """Finds rows of an entity by key: -1 where there is none, -2 where none is named.

        A person's rows of other times lead to the one in force. Rows whose key is doubled are marked.
        """
        table, library = self.tables[entity.name], self.library
        keys, first, doubled = texts_of(table.key), _room(table.count), ctypes.c_int64()
        index = library.table_of(ctypes.byref(keys), table.count, address(first), ctypes.byref(doubled))
        if not index:
            raise MemoryError
        person = self._persons(entity, first) if self._over_time(entity) else None
        if person is None and doubled.value:
            self._reject_doubled(entity, first)

        def find(sought: pa.StringArray) -> Array:
            rows, texts = _room(len(sought)), texts_of(sought)
            self.parallel(
                len(sought),
                CHUNK,
                lambda low, high: library.parents_of(
                    index, ctypes.byref(keys), table.count, int(not doubled.value), ctypes.byref(texts), low, high,
                    address(rows),
                ),
            )  # fmt: skip
            if person is not None:
                rows[rows >= 0] = person[rows[rows >= 0]]
            return rows

        try:
            yield find
        finally:
            library.table_free(index)

    def _reject_doubled(self, entity: Entity, first: Array) -> None:
        rows = np.arange(len(first), dtype=np.int32)
        later = rows[(first >= 0) & (first != rows)]
        both = np.union1d(later, first[later])
        self.places.doubled[entity.name] = np.union1d(both, self.places.doubled[entity.name])
        status = self.places.status[entity.name]
        status[both[(status[both] == DECIDED) | (status[both] == UNKNOWN_PARENT)]] = DUPLICATE

    def _find_parents(self, entity: Entity, find: Finder) -> None:
        """The parent of every row; only rows from the root to the entry may stand without one."""
        assert entity.parent is not None
        table, status = self.tables[entity.name], self.places.status[entity.name]
        assert table.parent is not None
        parent = self.places.parent[entity.name] = find(table.parent)
        unknown = parent < 0 if entity.name not in self.unit.rows.path else parent == -1
        if entity.name in self.unit.rows.path and not self.tables[entity.parent].given:
            unknown[:] = False
        status[unknown & (status == DECIDED)] = UNKNOWN_PARENT
        times = self.places.over_time
        if times is not None and entity.parent == self.unit.layout.program.entry:
            self._read_rows(entity, times)

    # -- rows over time ----------------------------------------------------------------------

    def _over_time(self, entity: Entity) -> bool:
        """Whether some row says from when it holds, or should."""
        name = entity.valid_from
        if name is None or entity.name != self.unit.layout.program.entry:
            return False
        table = self.tables[entity.name]
        days = table.facts.get(name)
        return (days is not None and days.null_count < table.count) or table.marks(name) is not None

    def _persons(self, entity: Entity, first: Array) -> Array:
        """The row in force of each person."""
        assert entity.valid_from is not None
        table = self.tables[entity.name]
        days, unread = table.facts[entity.valid_from], table.marks(entity.valid_from)
        start = np.full(max(1, table.count), ALWAYS, np.int32)[: table.count]
        if table.count:
            known = np.asarray(days.is_valid())
            start[known] = np.asarray(days.cast(pa.int32()).fill_null(0))[known]
        times = OverTime(
            _room(table.count), start, _room(table.count), np.zeros(max(1, table.count), np.uint8)
        )
        done = self.library.persons_of(
            address(first), table.count, address(start), None if unread is None else address(unread), self.as_of,
            address(times.person), address(times.next), address(times.early), address(self.places.status[entity.name]),
        )  # fmt: skip
        if not done:
            raise MemoryError
        self.places.over_time = times
        self._tell_apart(entity, times)
        return times.person

    def _tell_apart(self, entity: Entity, times: OverTime) -> None:
        """Note the rows of persons that begin together, and those that nobody can put in their times."""
        rows = np.flatnonzero((times.next >= 0) | (times.person != np.arange(len(times.person))))
        unread = self.tables[entity.name].marks(str(entity.valid_from))
        if unread is not None:
            unplaced = np.isin(times.person, times.person[np.flatnonzero(unread)])
            self.places.unplaced, rows = np.flatnonzero(unplaced), rows[~unplaced[rows]]
        began = (times.person[rows].astype(np.int64) << 32) + times.start[rows]
        _, alike, times_met = np.unique(began, return_inverse=True, return_counts=True)
        self.places.doubled[entity.name] = rows[times_met[alike] > 1]

    def _read_rows(self, entity: Entity, times: OverTime) -> None:
        table = self.tables[entity.name]
        under = self.places.under[entity.name] = _room(table.count)
        day = None if entity.date is None else table.facts[entity.date]
        self.library.read_rows(
            address(self.places.parent[entity.name]), table.count, None if day is None else buffer_of(day),
            None if day is None else valid_of(day), address(times.start), address(times.next), address(times.early),
            self.as_of, address(under),
        )  # fmt: skip

    def _leave_household(self, entity: Entity) -> None:
        """A person's other rows are in no household of their own."""
        times = self.places.over_time
        if times is not None and entity.parent is not None and entity.name == self.unit.layout.program.entry:
            own = np.arange(self.tables[entity.name].count, dtype=np.int32) == times.person
            self.places.parent[entity.name][~own] = -1

    def _count(self, entity: Entity) -> None:
        """A row that says fewer rows below than it has contradicts itself."""
        if entity.counted_by is None or entity.parent is None:
            return
        said, parent = self.tables[entity.parent].facts[entity.counted_by], self.places.parent[entity.name]
        counted = parent >= 0
        counted[self.places.doubled[entity.name]] = False
        counts = np.bincount(parent[counted], minlength=len(said))[: len(said)]
        fewer = np.asarray(pc.fill_null(pc.less(said, pa.array(counts)), fill_value=False))
        status = self.places.status[entity.parent]
        fewer &= status == DECIDED
        status[fewer] = TOO_FEW_SAID
        self.places.too_few[entity.name] = np.flatnonzero(fewer)

    # -- reversals ---------------------------------------------------------------------------

    def _reverse(self, entity: Entity) -> None:
        """Pairs leave; of several that void one row the first holds; a rejected one leaves its target in doubt."""
        table, status = self.tables[entity.name], self.places.status[entity.name]
        if table.reverses is None or table.reverses.null_count == table.count:
            return
        parent = self.places.parent[entity.name]
        self.places.origin[entity.name] = parent.copy()
        voiding = np.flatnonzero(np.asarray(table.reverses.is_valid()))
        target = self._targets(entity, table, voiding)
        named = target >= 0
        named[named] &= (parent[target[named]] == parent[voiding[named]]) & (parent[voiding[named]] >= 0)
        named[named] &= np.asarray(table.reverses.is_null())[target[named]]
        status[voiding[(status[voiding] == DECIDED) & self._reads_rejected(entity, voiding)]] = (
            PARENT_REJECTED
        )
        holds = status[voiding] == DECIDED
        status[voiding[holds & ~named]] = REVERSES_NOTHING
        turns = in_turn(table, None if entity.date is None else table.facts[entity.date], voiding)
        order = turns[(holds & named)[turns]]
        _, first = np.unique(target[order], return_index=True)
        status[voiding[order]] = ALREADY_REVERSED
        status[voiding[order[first]]] = status[target[order[first]]] = REVERSED
        last_first = turns[(~holds & named)[turns]][::-1]
        self._doubt(entity, voiding[last_first], target[last_first])
        parent[status == REVERSED] = -1

    def _targets(self, entity: Entity, table: Table, voiding: Array) -> Array:
        """The row that each voids, -1 where its key is no row's or several rows'."""
        assert table.reverses is not None
        keys, first, doubled = texts_of(table.key), _room(table.count), ctypes.c_int64()
        index = self.library.table_of(ctypes.byref(keys), table.count, address(first), ctypes.byref(doubled))
        if not index:
            raise MemoryError
        try:
            sought, rows = table.reverses.take(pa.array(voiding)), _room(len(voiding))
            texts = texts_of(sought)
            self.library.parents_of(
                index, ctypes.byref(keys), table.count, 0, ctypes.byref(texts), 0, len(voiding), address(rows)
            )
        finally:
            self.library.table_free(index)
        doubles = self.places.doubled[entity.name]
        if doubled.value:
            doubles = np.union1d(
                doubles, first[(first >= 0) & (first != np.arange(table.count, dtype=np.int32))]
            )
        rows[np.isin(rows, doubles)] = -1
        return rows

    def _reads_rejected(self, entity: Entity, rows: Array) -> Array:
        """Whether a row's parent, as it reads it, is rejected."""
        assert entity.parent is not None
        above = self.places.under.get(entity.name, self.places.parent[entity.name])[rows]
        rejected = np.zeros(len(rows), np.bool_)
        if entity.parent not in self.unit.rows.path[:-1]:
            placed = above >= 0
            rejected[placed] = self.places.status[entity.parent][above[placed]] >= REJECTED
        return rejected

    def _doubt(self, entity: Entity, voiding: Array, target: Array) -> None:
        """A rejected voiding row takes no part, but what it would void is undetermined."""
        status, parent = self.places.status[entity.name], self.places.parent[entity.name]
        open_ = status[target] != REVERSED
        voider = self.places.voider[entity.name] = np.full(max(1, len(status)), -1, np.int32)
        voider[target[open_]] = voiding[open_]
        parent[voiding] = -1

    def _doubt_earlier(self, entity: Entity) -> None:
        """The rows of a person that a rejected row may void are undetermined: those dated no later."""
        table, status = self.tables[entity.name], self.places.status[entity.name]
        parent = self.places.parent[entity.name]
        voiding = table.voids_some[parent[table.voids_some] >= 0]
        if not len(voiding):
            return
        days = None if entity.date is None else table.facts[entity.date]
        ever = pa.nulls(table.count, pa.int32()) if days is None else days.cast(pa.int32())
        day, dated = np.asarray(ever.fill_null(0)), np.asarray(ever.is_valid())
        open_ = np.isin(parent, parent[voiding]) & (status != REVERSED)
        if table.reverses is not None:
            open_ &= np.asarray(table.reverses.is_null())
        open_[table.voids_some] = False
        below: dict[int, list[int]] = {}
        for row in np.flatnonzero(open_).tolist():
            below.setdefault(int(parent[row]), []).append(row)
        voider = self.places.voider.setdefault(entity.name, np.full(max(1, table.count), -1, np.int32))
        for row in voiding[in_turn(table, days, voiding)].tolist():
            rows = np.array(below.get(int(parent[row]), ()), np.int64)
            rows = rows[~(dated[rows] & dated[row] & (day[rows] > day[row])) & (voider[rows] < 0)]
            voider[rows] = row

    def _leave_with_parent(self, entity: Entity) -> None:
        """Rows below a rejected row are rejected, below a reversed one reversed; from the entry down."""
        path = self.unit.rows.path
        if entity.parent is None or entity.name in path:
            return
        status, parent = self.places.status[entity.name], self.places.parent[entity.name]
        placed = np.flatnonzero(parent >= 0)
        above = self.places.status[entity.parent][parent[placed]]
        if entity.parent not in path[:-1]:
            below = placed[(above >= REJECTED) & (status[placed] == DECIDED)]
            status[below] = PARENT_REJECTED
        gone = placed[above == REVERSED]
        if len(gone):
            self.places.origin[entity.name] = parent.copy()
            status[gone], parent[gone] = REVERSED, -1


def in_turn(table: Table, days: pa.Array | None, rows: Array) -> Array:
    """The places of rows by date, then by key; those without one first."""
    taken = pa.array(rows)
    days = pa.nulls(len(rows), pa.int32()) if days is None else days.take(taken)
    key = table.key.take(taken)
    turns = pa.table(
        {"dated": days.is_valid(), "day": days.cast(pa.int32()), "keyed": key.is_valid(), "key": key}
    )
    keys = [(name, "ascending") for name in turns.column_names]
    return np.asarray(pc.sort_indices(turns, sort_keys=keys))


def ascending(library: ctypes.CDLL, keys: pa.StringArray) -> bool:
    """Whether every key is known and greater than the one before, so that none is doubled."""
    return bool(library.ascending(ctypes.byref(texts_of(keys)), len(keys)))


def _room(count: int) -> Array:
    """Room for a row number a row; it has an address even where there are no rows."""
    return np.empty(max(1, count), np.int32)[:count]
