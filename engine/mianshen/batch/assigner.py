"""Which block each row belongs to, found while the rows go by, parents before children.

In: the keys of an entity's rows, some at a time. Out: the block of each; at the end, the rows whose key is doubled.
Invariants: all rows of a household are in one block; so are all rows of a person over time; a row that names nobody,
or somebody who is in no file, is in the block of what it names, or of its own key.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.blocks import Array, blocks_of, hashes
from mianshen.native.arrays import address, texts_of, whole
from mianshen.program.program import Entity, Program

NOBODY: Final = -1
WAITING: Final = 1 << 23  # keys that are kept as texts


class KeyIndex(Protocol):
    """Finds the first row of each key: -1 where there is none, or the key is null."""

    def find(self, keys: pa.StringArray) -> Array:
        """The row of each key."""


@dataclass(slots=True)
class BlockAssigner:
    """Deals the rows of all entities; `count`: blocks. `library`: a compiled program's functions, where there are any."""

    program: Program
    count: int
    with_input: frozenset[str]  # names of entities
    library: ctypes.CDLL | None
    doubled: dict[str, Array] = field(default_factory=dict)  # numbers of rows, from 0, in order
    _index: dict[str, KeyIndex] = field(default_factory=dict)
    _blocks: dict[str, Array] = field(default_factory=dict)

    def entity(self, entity: Entity) -> EntityAssigner:
        """What deals the rows of one entity; its parent must have been dealt before."""
        return EntityAssigner(self, entity)

    def finish(self, assigned: EntityAssigner) -> None:
        """Keep the blocks in which children look for their parents, and find keys that rows share."""
        name = assigned.entity.name
        self.doubled[name] = assigned.keys.doubled()
        if self.places_children(assigned.entity):
            keys = whole(pa.chunked_array(assigned.texts, pa.string()))
            self._index[name] = key_index(keys, self.library)
            self._blocks[name] = np.concatenate([*assigned.blocks, np.empty(0, np.uint32)])

    def places_children(self, entity: Entity) -> bool:
        """Whether rows below the entity's are in the blocks of their parents, which their keys alone do not tell."""
        children = (child for child in self.program.entities.values() if child.parent == entity.name)
        return (
            self.count > 1
            and entity.parent is not None
            and any(child.name in self.with_input for child in children)
        )

    def above(self, entity: Entity, parents: pa.StringArray) -> Array:
        """The block of each parent that rows of the entity name; that of the key itself where there is no such row."""
        index = self._index.get(str(entity.parent))
        if index is None:
            return blocks_of(parents, self.count)
        rows = index.find(parents)
        blocks = self._blocks[str(entity.parent)].take(rows, mode="clip")
        lost = np.flatnonzero(rows < 0)
        if len(lost):
            blocks[lost] = blocks_of(parents.take(pa.array(lost)), self.count)
        return blocks


@dataclass(slots=True)
class EntityAssigner:
    """The rows of one entity on their way into blocks."""

    assigner: BlockAssigner
    entity: Entity
    keys: SeenKeys = field(init=False)
    places_children: bool = field(init=False)
    texts: list[pa.StringArray] = field(default_factory=list)
    blocks: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = SeenKeys()
        self.places_children = self.assigner.places_children(self.entity)

    def assign(self, keys: pa.StringArray, parents: pa.StringArray | None) -> Array:
        """The blocks of the next rows."""
        self.keys.see(keys)
        blocks = self._blocks(keys, parents)
        self.blocks.append(blocks)
        if self.places_children:
            self.texts.append(keys)
        return blocks

    def _blocks(self, keys: pa.StringArray, parents: pa.StringArray | None) -> Array:
        if parents is None:
            return blocks_of(keys, self.assigner.count)
        blocks = self.assigner.above(self.entity, parents)
        if not parents.null_count:
            return blocks
        return np.where(np.asarray(parents.is_null()), blocks_of(keys, self.assigner.count), blocks)


@dataclass(slots=True)
class SeenKeys:
    """Keys that went by: as texts while each is greater than the one before, then as two numbers each.

    128 bits tell keys apart; keys in ascending order need no telling apart.
    """

    last: str = ""
    ascending: bool = True
    count: int = 0
    waiting: list[pa.StringArray] = field(default_factory=list)
    hashes: list[tuple[Array, Array]] = field(default_factory=list)

    def see(self, keys: pa.StringArray) -> None:
        """Take note of the keys of the next rows."""
        self.ascending = self.ascending and self._follow(keys)
        self.count += len(keys)
        self.waiting.append(keys)
        if not self.ascending or self.count > WAITING:
            self._number()

    def _number(self) -> None:
        """The keys that wait become numbers."""
        self.hashes += [(hashes(keys), hashes(keys, 1)) for keys in self.waiting]
        self.waiting.clear()

    def _follow(self, keys: pa.StringArray) -> bool:
        """Whether every key is known and greater than the one before."""
        if keys.null_count or not len(keys):
            return not len(keys)
        first, last = keys[0].as_py(), keys[-1].as_py()
        if self.count and not first > self.last:
            return False
        self.last = last
        return bool(pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py())

    def groups(self, rows: Array) -> Array:
        """The group, from 0, of each of some rows: those that share a key."""
        pairs = np.stack([self._numbers(0)[rows], self._numbers(1)[rows]], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].ravel()

    def doubled(self) -> Array:
        """The numbers of rows, from 0, whose key another row has, in order."""
        if self.ascending or not self.hashes:
            return np.empty(0, np.int64)
        first = self._numbers(0)
        ranked = np.sort(first)
        shared = np.unique(ranked[1:][ranked[1:] == ranked[:-1]])
        del ranked
        if not len(shared):
            return np.empty(0, np.int64)
        rows = np.flatnonzero(shared[np.searchsorted(shared[:-1], first)] == first)
        pairs = np.stack([first[rows], self._numbers(1)[rows]], axis=1)
        _, group, sizes = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
        known = pairs.any(axis=1)  # a key that is missing has no numbers
        return rows[(sizes[group.ravel()] > 1) & known]

    def _numbers(self, which: int) -> Array:
        """The first or second number of each key."""
        return np.concatenate([pair[which] for pair in self.hashes])


def key_index(keys: pa.StringArray, library: ctypes.CDLL | None) -> KeyIndex:
    """Finds rows by key, by the compiled program's functions where there is one."""
    return SortedKeys(keys) if library is None else NativeKeys(keys, library)


class SortedKeys:
    """Rows by key, found by halving among numbers."""

    def __init__(self, keys: pa.StringArray) -> None:
        first = hashes(keys)
        self.order = np.argsort(first, kind="stable")
        self.first, self.second = first[self.order], hashes(keys, 1)[self.order]

    def find(self, keys: pa.StringArray) -> Array:
        """The first row of each key."""
        first, second = hashes(keys), hashes(keys, 1)
        at = np.minimum(np.searchsorted(self.first, first), max(0, len(self.first) - 1))
        if not len(self.first):
            return np.full(len(keys), NOBODY, np.int64)
        same = (self.first[at] == first) & (self.second[at] == second) & np.asarray(keys.is_valid())
        return np.where(same, self.order[at], NOBODY)


class NativeKeys:
    """Rows by key, found by the compiled program's functions."""

    def __init__(self, keys: pa.StringArray, library: ctypes.CDLL) -> None:
        self.keys, self.library = keys, library
        first, doubled, texts = np.empty(max(1, len(keys)), np.int32), ctypes.c_int64(), texts_of(keys)
        self.table = library.table_of(ctypes.byref(texts), len(keys), address(first), ctypes.byref(doubled))
        if not self.table:
            raise MemoryError
        self.unique = int(not doubled.value)

    def find(self, keys: pa.StringArray) -> Array:
        """The first row of each key."""
        rows = np.empty(max(1, len(keys)), np.int32)
        mine, sought = texts_of(self.keys), texts_of(keys)
        self.library.parents_of(
            self.table, ctypes.byref(mine), len(self.keys), self.unique, ctypes.byref(sought), 0, len(keys),
            address(rows),
        )  # fmt: skip
        return np.maximum(rows[: len(keys)], NOBODY)

    def __del__(self) -> None:
        if getattr(self, "table", None):
            self.library.table_free(self.table)
