"""One part of an accumulator that adds up several decisions, or by several dates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccumulatorPart:
    """What an accumulator holds of one of its decisions, by the dates that rows are counted and read by (None: their own).

    `settled_with`: another decision that reads it, on the ruled balance where that one was settled on the row.
    """

    name: str
    decision: str
    counted_by: str | None = None
    read_by: str | None = None
    settled_with: str | None = None
