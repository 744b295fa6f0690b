"""Which mutants a case can notice: those whose place it evaluates.

In: an interpreter, a case it decided. Out: the places evaluated. A mutant changes nothing for a case that evaluates
none of the places it changes: an answer is a function of what is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import localcontext
from typing import TypeAlias

from mianshen.interpreter import Case, Interpreter, Row, RowError
from mianshen.policy.mutation.mutants import VALUE, Mutant
from mianshen.program.order import parameters_read
from mianshen.program.program import Decision, Key, Program
from mianshen.program.selection import conjuncts
from mianshen.program.stages import nodes_of
from mianshen.values import EXACT

Place: TypeAlias = tuple[Key, str, int]  # decision, provision, part of its condition or VALUE


class Reach:
    """The places that cases of one program evaluate."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self._decisions: dict[str, list[Decision]] = {}
        for decision in interpreter.program.decisions:
            self._decisions.setdefault(decision.entity, []).append(decision)

    def of(self, case: Case, failed: bool) -> frozenset[Place]:
        """The places a decided case evaluated; where rows failed while it was decided, every place there is."""
        rows = [row for row in case.rows() if failed or (row.rejection is None and row.voider is None)]
        with localcontext(EXACT):
            return frozenset(place for row in rows for place in self._places(row, failed))

    def _places(self, row: Row, failed: bool) -> Iterator[Place]:
        for decision in self._decisions.get(row.entity, ()):
            if not failed and decision.name not in row.values:
                continue
            for provision in decision.provisions:
                last = VALUE
                for number, part in enumerate(conjuncts(provision.condition)):
                    yield decision.key, provision.name, number
                    if not failed and self._is_false(part, row, decision.entity):
                        last = number
                        break
                if last == VALUE:
                    yield decision.key, provision.name, VALUE

    def _is_false(self, part: object, row: Row, entity: str) -> bool:
        try:
            return self.interpreter.compiler.written(part, entity)(row) is False  # type: ignore[arg-type]
        except RowError:
            return False


def places_of(mutant: Mutant, program: Program) -> frozenset[Place]:
    """The places whose evaluation a mutant changes."""
    if mutant.edits:
        return frozenset((e.key, e.old.name, e.part) for e in mutant.edits)
    keys = {d.key: d for d in program.decisions}
    if mutant.parameter is not None:
        reading = [d for d in keys.values() if mutant.parameter[0].name in parameters_read(nodes_of(d))]
        return frozenset(place for d in reading for place in _reading(d, mutant.parameter[0].name))
    assert mutant.accumulator is not None
    old, _ = mutant.accumulator
    return frozenset(
        (d.key, p.name, VALUE) for d in keys.values() for p in d.provisions if old.name in _counted(p)
    )


def _reading(decision: Decision, parameter: str) -> Iterator[Place]:
    for provision in decision.provisions:
        for number, part in enumerate(conjuncts(provision.condition)):
            if parameter in parameters_read([part]):
                yield decision.key, provision.name, number
        if parameter in parameters_read([provision.value, *(limit.limit for limit in provision.limits)]):
            yield decision.key, provision.name, VALUE


def _counted(provision: object) -> set[str]:
    """The accumulators that a provision feeds, is limited by, or reads."""
    from mianshen.program.core import YearToDate, walk

    feeds = set(provision.feeds)  # type: ignore[attr-defined]
    roots = (*provision.condition, provision.value)  # type: ignore[attr-defined]
    return feeds | {n.accumulator for root in roots for n in walk(root) if isinstance(n, YearToDate)}
