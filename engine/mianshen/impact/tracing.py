"""Why a row changed: the first decision at which the sides part, and the change that it meets there.

In: a block decided on both sides. Out: for each changed cell the place of a `RuleChange` in the list of all.
Invariants: decisions are looked at in their order; at the row itself first, then above it, then at the person's other
rows, then in the household. With one change in all there is nothing to find.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.block_decider import DecidedBlock
from mianshen.batch.blocks import Array
from mianshen.batch.interpreted import EntityOutcome
from mianshen.batch.results import NOT_MODELLED
from mianshen.impact.rule_changes import Origin, RuleChange, RuleChanges, decision_of
from mianshen.native.deciding import Decided
from mianshen.native.library import Compiled
from mianshen.program.program import Key, Program
from mianshen.values import NOT_MODELLED as NOT_MODELLED_VALUE

NOTHING: Final = -1


@dataclass(slots=True)
class Family:
    """Where the rows of a block hang: the row above each, by entity; the person's and the household's row of each."""

    program: Program
    block: DecidedBlock
    parents: dict[str, Array] = field(default_factory=dict)

    def parent(self, entity: str) -> Array:
        """The place of each row's parent, -1 where it has none."""
        if entity not in self.parents:
            self.parents[entity] = self._parent(entity)
        return self.parents[entity]

    def _parent(self, entity: str) -> Array:
        above, rows = self.program.entities[entity].parent, self.block.rows[entity].rows
        if above is None:
            return np.full(rows.count, NOTHING, np.int64)
        native = self.block.native
        if native is not None and entity in native.places.parent:
            places = native.places.origin.get(entity, native.places.parent[entity])
            return np.maximum(places, NOTHING).astype(np.int64)
        if rows.parent is None:
            return np.full(rows.count, NOTHING, np.int64)
        decided = self.block.decided(above)
        order = np.argsort(
            ~decided, kind="stable"
        )  # of rows that share a key one that is decided, else a rejected one
        keys = self.block.rows[above].rows.key.take(pa.array(order))
        matches = np.asarray(pc.index_in(rows.parent, value_set=keys).fill_null(NOTHING)).astype(np.int64)
        known = (matches >= 0) & np.asarray(rows.parent.is_valid())
        return np.where(known, order[np.maximum(matches, 0)] if len(order) else NOTHING, NOTHING)

    def ancestor(self, entity: str, wanted: str) -> Array | None:
        """The place of the row of another entity that each row hangs on; None where it does not hang on one."""
        at: Array = np.arange(self.block.rows[entity].rows.count)
        while entity != wanted:
            above = self.program.entities[entity].parent
            if above is None:
                return None
            parent = self.parent(entity)
            at = np.where(at >= 0, parent[np.maximum(at, 0)] if len(parent) else NOTHING, NOTHING)
            entity = above
        return at

    def top_of(self, entity: str) -> str:
        """The topmost entity above one."""
        return [entity, *self.program.ancestors(entity)][-1]


@dataclass(slots=True)
class Trace:
    """The change met at each row of a block, by the decision at which it is met; -1 where the sides agree."""

    changes: RuleChanges
    family: Family
    met: dict[Key, Array] = field(default_factory=dict)
    gathered: dict[tuple[Key, str], Array] = field(default_factory=dict)

    def causes(self, key: Key, rows: Array) -> Array:
        """The change behind each of some rows whose decision differs."""
        listed, origins = self.changes.listed, self.changes.reached(key)
        if len(listed) == 1:
            return np.zeros(len(rows), np.int32)
        cause = np.full(len(rows), NOTHING, np.int32)
        entry = self.family.program.entry
        for level in ("row", entry, self.family.top_of(key[0])):
            for origin in origins:
                if (cause >= 0).all():
                    return cause
                if origin.key in self.met:
                    matches = (
                        self._own(origin.key, key[0], rows)
                        if level == "row"
                        else self._around(origin.key, key[0], rows, level)
                    )
                    cause = np.where(cause < 0, matches, cause)
        first = origins[0].changes[0] if origins else None
        default = listed.index(first) if first is not None else 0
        return np.where(cause < 0, default, cause) if listed else cause

    def _own(self, origin: Key, entity: str, rows: Array) -> Array:
        """What is met at the rows themselves or at what they hang on."""
        at = self.family.ancestor(entity, origin[0])
        if at is None:
            return np.full(len(rows), NOTHING, np.int32)
        place = at[rows]
        return np.where(place >= 0, self.met[origin][np.maximum(place, 0)], NOTHING).astype(np.int32)

    def _around(self, origin: Key, entity: str, rows: Array, level: str) -> Array:
        """What is met first anywhere below the row of `level` that the rows hang on."""
        nothing = np.full(len(rows), NOTHING, np.int32)
        at, below = self.family.ancestor(entity, level), self.family.ancestor(origin[0], level)
        if at is None or below is None:
            return nothing
        gathered = self.gathered.get((origin, level))
        if gathered is None:
            count = self.family.block.rows[level].rows.count
            most = np.iinfo(np.int32).max
            gathered = np.full(count + 1, most, np.int32)
            met = self.met[origin]
            there = (met >= 0) & (below >= 0)
            np.minimum.at(gathered, below[there], met[there])
            gathered = np.where(gathered == most, NOTHING, gathered).astype(np.int32)
            self.gathered[origin, level] = gathered
        place = at[rows]
        return np.where(place >= 0, gathered[np.maximum(place, 0)], NOTHING).astype(np.int32)


@dataclass(frozen=True)
class Meeting:
    """Finds the change that a decision meets, from the provisions that decided it on either side."""

    changes: RuleChanges

    @cached_property
    def places(self) -> dict[RuleChange, int]:
        """The place of each change in the list of all."""
        return {change: at for at, change in enumerate(self.changes.listed)}

    def change(self, origin: Origin, before: tuple[str, ...], after: tuple[str, ...]) -> int:
        """The change behind a decision given by those provisions (several: it is open which)."""
        named = self.changes.provisions
        for name in (*after, *before):
            if name in named:
                return self.places[named[name]]
        for program, names in ((self.changes.after, after), (self.changes.before, before)):
            decision = decision_of(program, origin.key)
            for provision in () if decision is None else decision.provisions:
                if not names or provision.name in names:
                    for change in self.changes.read_by(provision, program):
                        return self.places[change]
        return self.places[origin.changes[0]]

    def natively(
        self, origin: Origin, sides: tuple[Decided, Decided], units: tuple[Compiled, Compiled]
    ) -> Array | None:
        """The change met at each row of the origin's entity, as the compiled programs have it."""
        cells = [_cells(decided, origin.key) for decided in sides]
        present = next((part for part in cells if part is not None), None)
        if present is None:
            return None
        blank = (
            np.zeros_like(present[0]),
            np.full_like(present[1], NOT_MODELLED),
            np.full_like(present[2], NOTHING),
        )
        (one, was, by), (other, now, by_now) = (blank if part is None else part for part in cells)
        names = [_names(unit, origin.key) for unit in units]
        numbers = {name: at for at, name in enumerate(dict.fromkeys((*names[0], *names[1])))}
        ranks = [np.array([*(numbers[n] for n in side), -2, -1], np.int32) for side in names]
        by, by_now = ranks[0][by], ranks[1][by_now]
        differs = (was != now) | (by != by_now) | (one != other)
        met = np.full(len(differs), NOTHING, np.int32)
        rows = np.flatnonzero(differs)
        texts = list(numbers)
        pairs, which = np.unique(np.stack([by[rows], by_now[rows]], axis=1), axis=0, return_inverse=True)
        matches = [
            self.change(origin, *(((texts[at],) if at >= 0 else ()) for at in pair))
            for pair in pairs.tolist()
        ]
        met[rows] = np.array(matches, np.int32)[which.ravel()] if matches else NOTHING
        return met

    def interpreted(self, origin: Origin, sides: tuple[EntityOutcome, EntityOutcome], met: Array) -> None:
        """Put into `met` the change that each row meets which the interpreter decided."""
        name = origin.key[1]
        nothing = (NOT_MODELLED_VALUE, "")
        both = [
            dict(zip(side.rows, side.traced.get(name) or [nothing] * len(side.rows), strict=True))
            for side in sides
        ]
        for row, (value, by) in both[0].items():
            if row in both[1]:
                other, by_now = both[1][row]
                same = type(value) is type(other) and value == other and by == by_now
                met[row] = NOTHING if same else self.change(origin, tuple(by.split()), tuple(by_now.split()))


def _cells(decided: Decided, key: Key) -> tuple[Array, Array, Array] | None:
    """Value, state and provision of a decision; None where the program does not give it."""
    parts = {w.part: column for w, column in decided.columns.items() if (w.entity, w.name) == key}
    return (parts["value"], parts["state"], parts["by"]) if "by" in parts else None


def _names(compiled: Compiled, key: Key) -> list[str]:
    decision = decision_of(compiled.unit.layout.program, key)
    return [] if decision is None else [provision.name for provision in decision.provisions]
