"""The rejects of one entity's rows, as columns: which row, which fact, why.

In: `Refusal`s with the rows they concern, in the order in which reasons are looked for. Out: `Rejects`, sorted by row.
Invariants: the first refusal of a row is its reason; every refusal is there, for a refused fact is unknown in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from mianshen.ingest.typed_columns import Array, Refusal

WHOLE_ROW: Final = frozenset(  # reasons that say nothing against the value of a fact
    {"after_as_of", "duplicate", "unknown_parent", "parent_rejected", "total_row", "history_unreadable",
     "reverses_nothing", "already_reversed", "undecidable"}
)  # fmt: skip
LAST: Final = "failed_check"  # told of a row only when nothing else is wrong with it


@dataclass(slots=True)
class Rejects:
    """`rows` from 0, ascending; `kinds` the place of each one's refusal in `refusals`."""

    rows: Array = field(default_factory=lambda: np.empty(0, np.int64))
    kinds: Array = field(default_factory=lambda: np.empty(0, np.int32))
    refusals: list[Refusal] = field(default_factory=list)

    @classmethod
    def of(cls, refused: Iterable[tuple[Array, Refusal]]) -> Rejects:
        """Refusals in the order in which a row's reason is looked for."""
        rows, kinds = [], []
        refusals: list[Refusal] = []
        for which, refusal in refused:
            if len(which):
                rows.append(np.asarray(which, np.int64))
                kinds.append(np.full(len(which), len(refusals), np.int32))
                refusals.append(refusal)
        if not rows:
            return cls()
        every = np.concatenate(rows)
        order = np.argsort(every, kind="stable")
        return cls(every[order], np.concatenate(kinds)[order], refusals)

    def with_more(self, refused: Iterable[tuple[Array, Refusal]]) -> Rejects:
        """With further refusals, which come after those that are there, failed checks aside."""
        late = [(rows, why) for rows, why in self if why.reason == LAST]
        return Rejects.of([*((rows, why) for rows, why in self if why.reason != LAST), *refused, *late])

    def without(self, rows: Array, fields: Iterable[str]) -> Rejects:
        """Without the refusals of some rows, but for those of some facts."""
        spared = frozenset(fields)
        array = np.array([refusal.field in spared for refusal in self.refusals], bool)[self.kinds]
        array |= ~np.isin(self.rows, rows)
        return Rejects(self.rows[array], self.kinds[array], self.refusals)

    def unreadable(self) -> dict[str, Array]:
        """The rows, by fact, in which a value was given, or had to be, and is not known."""
        arrays: dict[str, list[Array]] = {}
        for rows, refusal in self:
            if refusal.reason not in WHOLE_ROW:
                arrays.setdefault(refusal.field, []).append(rows)
        return {name: np.unique(np.concatenate(rows)) for name, rows in arrays.items()}

    def voiding(self) -> Array:
        """The rows that may void another and do not say readably which, ascending."""
        voids = np.array([refusal.voids for refusal in self.refusals], bool)
        return np.unique(self.rows[voids[self.kinds]])

    def doubled(self) -> Array:
        """The rows whose key another row has, whatever else is wrong with them, ascending."""
        doubled = np.array([refusal.reason == "duplicate" for refusal in self.refusals], bool)
        return np.unique(self.rows[doubled[self.kinds]])

    def first(self) -> tuple[Array, Array]:
        """The rejected rows, and the kind of each one's reason."""
        rows, at = np.unique(self.rows, return_index=True)
        return rows, self.kinds[at]

    def marked(self, count: int) -> Array:
        """One byte a row: 1 where it is rejected."""
        marks = np.zeros(count, np.uint8)
        marks[self.rows] = 1
        return marks

    def shifted(self, by: int) -> Rejects:
        """The same of rows that stand `by` rows further down."""
        return Rejects(self.rows + by, self.kinds, self.refusals)

    def taken(self, rows: Array) -> Rejects:
        """The rejects of some rows, ascending, which are numbered anew from 0."""
        isin = np.isin(self.rows, rows)
        return Rejects(np.searchsorted(rows, self.rows[isin]), self.kinds[isin], self.refusals)

    def __iter__(self) -> Iterator[tuple[Array, Refusal]]:
        order = np.argsort(self.kinds, kind="stable")
        ends = np.searchsorted(self.kinds[order], np.arange(len(self.refusals) + 1))
        for kind, refusal in enumerate(self.refusals):
            if ends[kind] < ends[kind + 1]:
                yield self.rows[order[ends[kind] : ends[kind + 1]]], refusal

    def table(self) -> pa.Table:
        """`row`, `field`, `reason` of each rejected row's first refusal."""
        rows, kinds = self.first()
        fields = pa.array([r.field for r in self.refusals], pa.string())
        reasons = pa.array([r.reason for r in self.refusals], pa.string())
        return pa.table(
            {"row": rows, "field": fields.take(pa.array(kinds)), "reason": reasons.take(pa.array(kinds))}
        )


def joined(parts: Iterable[tuple[Rejects, int]]) -> Rejects:
    """The rejects of rows one after the other; each with how many rows stand before its own."""
    rows, kinds = [], []
    refusals: list[Refusal] = []
    for part, before in parts:
        rows.append(part.rows + before)
        kinds.append(part.kinds + len(refusals))
        refusals += part.refusals
    if not rows:
        return Rejects()
    return Rejects(np.concatenate(rows), np.concatenate(kinds).astype(np.int32), refusals)
