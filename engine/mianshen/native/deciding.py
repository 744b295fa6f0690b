"""A compiled program run over tables of facts.

In: `Compiled`, a `Table` an entity. Out: `Decided`: the output columns, and the rows that are left to the SQL
room: every row of a household in which one is wrong or cannot be decided, and every row that belongs to nobody.
"""

from __future__ import annotations

import ctypes
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa

from mianshen.native.layout import EPOCH
from mianshen.native.library import Compiled, Run, Texts
from mianshen.native.translation_unit import Written
from mianshen.program.program import Entity

Array = np.ndarray[Any, Any]
CHUNK: Final = 1 << 14  # households a thread takes at a time
DTYPES: Final = {
    ("value", 8): "int64", ("state", 1): "uint8", ("known", 1): "uint8", ("status", 1): "uint8", ("reason", 4): "int32",
    ("missing", 4): "int32",
}  # fmt: skip


Status: TypeAlias = Literal[
    "decided",  # its outputs are written
    "history",  # a person's row of another time: it has no outputs
    "reversed",  # a voiding row that holds, or the row that it voids
    "rejected",  # when it was read
    "parent_rejected",
    "duplicate",  # another row has its key (of one person: and begins on the same day)
    "unknown_parent",
    "history_unreadable",  # nobody knows when the rows of this person hold
    "reverses_nothing",
    "already_reversed",
    "failed",  # deciding it is an error (a conflict, a division by zero, no figure); the interpreter tells which
]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)  # a status is written as its place here


@dataclass(slots=True)
class Table:
    """The rows of an entity, in any order: keys, the parents' keys, a column a fact as `layout` encodes it.

    Keys are Arrow strings (or large strings), NULL where none is given or it cannot be read. `rejected` is 1 where
    the row was rejected when it was read; such a row keeps the facts that could be read. Facts that were given
    and are wrong are NULL, and `unreadable` marks them: an array of 0 and 1, or row numbers in order, by fact.
    `given`: whether there is a file of these rows; without one nobody is missed in it.
    `reverses`: the keys of the rows that these void, where the entity has such a fact; a voiding row is not
    rejected for its other facts.
    """

    key: pa.StringArray
    parent: pa.StringArray | None
    facts: dict[str, pa.Array]
    rejected: Array
    given: bool = True
    unreadable: dict[str, Array] = field(default_factory=dict)
    reverses: pa.StringArray | None = None

    @property
    def count(self) -> int:
        return len(self.key)


@dataclass(slots=True)
class Decided:
    """What became of every row; all arrays are in the order of the tables.

    `columns`: by what is written; they hold nothing where the status is not `decided`, and in fallback rows.
    `status`: an entity: places in STATUSES. `fallback`: an entity: 1 for every row of a household in which
    deciding some row failed; the interpreter decides these.
    `sets`: missing names, sorted, by the number that the columns `missing` and `reason` hold.
    """

    columns: dict[Written, Array]
    left: dict[str, Array]
    sets: list[tuple[str, ...]] = field(default_factory=list)  # the names of each set, by its number
    status: dict[str, Array] = field(default_factory=dict)
    fallback: dict[str, Array] = field(default_factory=dict)


@dataclass(slots=True)
class Deciding:
    """One run."""

    compiled: Compiled
    tables: dict[str, Table]
    as_of: dt.date
    threads: int

    def decide(self) -> Decided:
        """Decide every household. Raises MemoryError."""
        unit = self.compiled.unit
        left = {e.name: np.zeros(self.tables[e.name].count, np.uint8) for e in unit.order}
        begin, row, parent = self._families(left)
        decided = Decided(
            {w: np.zeros(self.tables[w.entity].count, DTYPES[w.part, w.bytes]) for w in unit.written}, left
        )
        root, entry = unit.order[0], unit.layout.program.entry
        places = np.arange(self.tables[root.name].count, dtype=np.int32)
        if entry != root.name:
            alone = np.flatnonzero(parent[entry] < 0).astype(np.int32)
            places = np.concatenate([places, -1 - alone])
        with self._sets() as sets:
            packed, made = self._packed()
            run, kept = self._run(places, (begin, row, packed, made), decided, sets)
            self._each_packed("pack", run, packed)
            counts = self._in_parallel(
                len(places), CHUNK, lambda a, b: self.compiled.library.decide_places(ctypes.byref(run), a, b)
            )
            self._each_packed("unpack", run, made)
            del kept
            if any(n < 0 for n in counts):
                raise MemoryError
            decided.sets = self._named(sets)
        for written, column in decided.columns.items():
            if written.part in ("reason", "missing"):
                column[left[written.entity] == 1] = -1  # nothing was written there
        return decided

    # -- families ----------------------------------------------------------------------------

    def _families(
        self, left: dict[str, Array]
    ) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
        """Where the children of each row are, and the parent of each."""
        unit, parent = self.compiled.unit, self.parents(left)
        begin: dict[str, Array] = {}
        row: dict[str, Array] = {}
        for entity in unit.order:
            if entity.parent is not None:
                begin[entity.name], row[entity.name] = self._children(entity, parent[entity.name])
        return begin, row, parent

    def parents(self, left: dict[str, Array]) -> dict[str, Array]:
        """The parent of every row below the first entity; rows that nobody can place are marked in `left`.

        Rows whose key is doubled, or whose parent is in no file, are marked in their table's `bad`.
        """
        unit, parent = self.compiled.unit, {}
        with ExitStack() as open_:
            finders = {
                e.name: open_.enter_context(self.finder(e.name))
                for e in unit.order
                if any(below.parent == e.name for below in unit.order)
            }
            for entity in unit.order:
                if entity.name not in finders and not self.ascending(self.tables[entity.name].key):
                    open_.enter_context(self.finder(entity.name))
            for entity in unit.order:
                if entity.parent is not None:
                    asked = self.tables[entity.name].parent
                    assert asked is not None
                    parent[entity.name] = finders[entity.parent](asked)
                    self._unplaced(entity, parent[entity.name], left)
        return parent

    def ascending(self, keys: pa.StringArray) -> bool:
        """Whether every key is known and greater than the one before, so that none is doubled."""
        return bool(self.compiled.library.ascending(ctypes.byref(texts_of(keys)), len(keys)))

    @contextmanager
    def finder(self, entity: str) -> Iterator[Callable[[pa.StringArray], Array]]:
        """Finds rows of an entity by key: -1 where there is none, -2 where none is named.

        Marks in its table's `rejected` every row whose key another row has.
        """
        table, library = self.tables[entity], self.compiled.library
        keys = texts_of(table.key)
        made = library.table_of(ctypes.byref(keys), table.count, address(table.rejected))
        if not made:
            raise MemoryError
        unique = int(not table.rejected.any())

        def find(asked: pa.StringArray) -> Array:
            found = np.empty(max(1, len(asked)), np.int32)[: len(asked)]
            texts = texts_of(asked)
            self._in_parallel(
                len(asked),
                CHUNK * 16,
                lambda a, b: library.parents_of(
                    made, ctypes.byref(keys), table.count, unique, ctypes.byref(texts), a, b, address(found)
                ),
            )
            return found

        try:
            yield find
        finally:
            library.table_free(made)

    def _unplaced(self, entity: Entity, parent: Array, left: dict[str, Array]) -> None:
        """A row whose parent is in no file is wrong; only rows of the entry may stand alone."""
        assert entity.parent is not None
        if self.tables[entity.parent].given:
            self.tables[entity.name].rejected[parent == -1] = 1
        if entity.name != self.compiled.unit.layout.program.entry:
            left[entity.name][parent < 0] = 1
            if left[entity.parent].any():
                placed = parent >= 0
                left[entity.name][placed] |= left[entity.parent][parent[placed]]

    def _children(self, entity: Entity, parent: Array) -> tuple[Array, Array]:
        assert entity.parent is not None
        table, above = self.tables[entity.name], self.tables[entity.parent]
        begin, row = np.empty(above.count + 1, np.int32), np.empty(max(1, table.count), np.int32)
        day = None if entity.date is None else buffer_of(table.facts[entity.date])
        keys = texts_of(table.key)
        self.compiled.library.children_of(
            address(parent), table.count, above.count, day, ctypes.byref(keys), address(begin), address(row)
        )
        return begin, row

    # -- the run -----------------------------------------------------------------------------

    def _packed(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Room for rows with their cells side by side, as they are read and as they are written."""
        unit, library = self.compiled.unit, self.compiled.library
        found: tuple[dict[str, Array], dict[str, Array]] = ({}, {})
        for entity in unit.order:
            if unit.is_packed(entity):
                for way, size in zip(found, ("size_in", "size_out"), strict=True):
                    each = getattr(library, f"{size}_{entity.name}")()
                    way[entity.name] = np.zeros(max(1, self.tables[entity.name].count) * each, np.uint8)
        return found

    def _each_packed(self, what: str, run: Run, rows: dict[str, Array]) -> None:
        """Copy every row to where its cells are side by side, or from there."""
        for name, room in rows.items():
            function, place = getattr(self.compiled.library, f"{what}_{name}"), address(room)
            work = partial(function, ctypes.byref(run), place)
            self._in_parallel(self.tables[name].count, CHUNK * 16, work)

    def _run(
        self, places: Array, by_entity: tuple[dict[str, Array], ...], decided: Decided, sets: int
    ) -> tuple[Run, list[Any]]:
        """The struct of a run, and the arrays of addresses that it points to."""
        unit = self.compiled.unit
        facts = [self.tables[e.name].facts[c.name] for e in unit.order for c in unit.layout.facts[e.name]]
        order = [e.name for e in unit.order]
        kept = [
            pointers([buffer_of(f) for f in facts]),
            pointers([valid_of(f) for f in facts]),
            pointers([address(decided.columns[w]) for w in unit.written]),
            *(pointers([address(each[e]) if e in each else None for e in order]) for each in by_entity[:2]),
            pointers([address(self.tables[e].rejected) for e in order]),
            pointers([address(decided.left[e]) for e in order]),
            *(pointers([address(each[e]) if e in each else None for e in order]) for each in by_entity[2:]),
        ]
        found = [ctypes.addressof(each) for each in kept]
        return Run((self.as_of - EPOCH).days, *found, address(places), sets), kept

    @contextmanager
    def _sets(self) -> Iterator[int]:
        made = self.compiled.library.sets_new()
        if not made:
            raise MemoryError
        try:
            yield made
        finally:
            self.compiled.library.sets_free(made)

    def _named(self, sets: int) -> list[tuple[str, ...]]:
        library, names = self.compiled.library, self.compiled.unit.layout.names
        count = library.sets_count(sets)
        raw = ctypes.string_at(library.sets_list(sets), count * 16) if count else b""
        numbers = [int.from_bytes(raw[i : i + 16], "little") for i in range(0, len(raw), 16)]
        return [tuple(sorted(n for i, n in enumerate(names) if number >> i & 1)) for number in numbers]

    def _in_parallel(self, count: int, chunk: int, work: Callable[[int, int], Any]) -> list[Any]:
        spans = [(low, min(low + chunk, count)) for low in range(0, count, chunk)]
        if self.threads < 2 or len(spans) < 2:
            return [work(*span) for span in spans]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(lambda span: work(*span), spans))


# -- addresses -------------------------------------------------------------------------------


def address(array: Array) -> int:
    return int(array.ctypes.data)


def pointers(found: Sequence[int | None]) -> Any:
    """An array of addresses."""
    return (ctypes.c_void_p * max(1, len(found)))(*found)


def buffer_of(array: pa.Array) -> int:
    """Where an array's values are. Its offset is 0 (see `whole`)."""
    assert array.offset == 0
    buffer = array.buffers()[-1]
    return 0 if buffer is None else int(buffer.address)


def valid_of(array: pa.Array) -> int | None:
    buffer = array.buffers()[0] if array.null_count else None
    return None if buffer is None else int(buffer.address)


def texts_of(array: pa.StringArray) -> Texts:
    assert array.offset == 0
    valid, offset, data = array.buffers()
    return Texts(
        None if offset is None else offset.address,
        None if data is None else data.address,
        None if valid is None or not array.null_count else valid.address,
    )


def whole(column: pa.ChunkedArray) -> pa.Array:
    """One array of a column, its offset 0. Raises MemoryError where its texts are more than 2 GiB together."""
    made = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(made, pa.ChunkedArray):
        if made.num_chunks > 1:
            raise MemoryError
        made = made.chunk(0) if made.num_chunks else pa.array([], column.type)
    return made if made.offset == 0 else pa.concat_arrays([made])
