"""Tests of places, remembered by the places compared.

In: a test of places as a function of a row, the facts it compares. Out: its truth.
Invariant: the truth rests on nothing but the values of those facts, so that it is the same at every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Row, ancestor
from mianshen.program.core import FactRef, SamePlace, Within
from mianshen.values import Known, Unknown, Value, unknown_of

MOST_PLACES: Final = 20_000  # pairs of places that are remembered

Places: TypeAlias = tuple[Known | None, ...]


def facts_compared(test: Within | SamePlace) -> tuple[FactRef, ...] | None:
    """The facts that a test compares; None where it compares something else, or asks whether one is known."""
    match test:
        case Within(arg=FactRef() as fact):
            return (fact,)
        case SamePlace(one=FactRef() as one, other=FactRef() as other, level="county" | "pooling area"):
            return one, other
        case _:
            return None


class PlaceComparison:
    """One test; `facts`: the name of each fact it compares and how many parents up it is."""

    def __init__(self, test: Function, facts: Sequence[tuple[str, int]]) -> None:
        self.known: dict[Places, bool] = {}
        self._test = test
        self._facts = facts
        self._unknown: dict[Places, tuple[int, ...]] = {}  # which of the facts the answer waits for

    def anew(self, row: Row, places: Places) -> Value:
        """The truth for places that are not remembered, or for which it is unknown."""
        waits = self._unknown.get(places)
        if waits is not None:
            return unknown_of([self._missing(row, index) for index in waits])
        if len(self.known) + len(self._unknown) > MOST_PLACES:
            self.known.clear()
            self._unknown.clear()
        truth = self._test(row)
        if isinstance(truth, bool):
            self.known[places] = truth
        elif isinstance(truth, Unknown):
            missing = [self._missing(row, index).missing for index in range(len(self._facts))]
            self._unknown[places] = tuple(i for i, facts in enumerate(missing) if facts <= truth.missing)
        return truth

    def _missing(self, row: Row, index: int) -> Unknown:
        name, steps = self._facts[index]
        return ancestor(row, steps).unknown(name)
