"""What keeps a decision from being true: the conditions behind it that fail or cannot be told.

In: an explainer, a decided case. Out: `UnmetCondition`s, each a smallest part of a condition, down through the
decisions that a decision hands on to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import localcontext

from mianshen.interpreter.function_builder import distance
from mianshen.interpreter.rows import Case, Row, RowError, ancestor
from mianshen.interpreter.trace.explain import Explainer
from mianshen.interpreter.trace.walk import Input
from mianshen.program.core import Boolean, Const, Core, DecisionRef, If, Op
from mianshen.program.program import Provision
from mianshen.values import EXACT, NOT_MODELLED, Unknown, Value


@dataclass(frozen=True, slots=True)
class UnmetCondition:
    """`part` would have to be `wanted`, and its value is another; None: the provision itself says no."""

    row: Row
    provision: Provision
    part: Core | None
    wanted: bool
    value: Value
    inputs: tuple[Input, ...]


class UnmetConditions:
    """Finds the unmet conditions of decided cases."""

    def __init__(self, explainer: Explainer) -> None:
        self.explainer = explainer
        self.interpreter = explainer.interpreter
        self.program = explainer.program

    def of(self, case: Case, row: Row, decision: str) -> tuple[UnmetCondition, ...]:
        """What keeps a boolean decision of a row from being true; each condition once."""
        rows: dict[tuple[Row, Core | str, bool], UnmetCondition] = {}
        with localcontext(EXACT):
            for part in self._decision(case, row, decision, True, set()):
                key = (part.row, part.part or part.provision.name, part.wanted)
                rows.setdefault(key, part)
        return tuple(rows.values())

    def _decision(
        self, case: Case, row: Row, name: str, wanted: bool, seen: set[tuple[Row, str]]
    ) -> Iterator[UnmetCondition]:
        value = row.values.get(name)
        if value is wanted or value is None or (row, name) in seen:
            return
        seen.add((row, name))
        step = self.explainer.step(case, row, name)
        if not step.used:
            for lost in step.lost:
                if lost.part is not None:
                    yield from self._part(case, row, lost.provision, lost.part, True, seen)
            return
        for used in step.used:
            for part in used.provision.condition if isinstance(value, Unknown) else ():
                yield from self._part(case, row, used.provision, part, True, seen)
            yield from self._part(case, row, used.provision, used.provision.value, wanted, seen)

    def _part(
        self, case: Case, row: Row, by: Provision, part: Core, wanted: bool, seen: set[tuple[Row, str]]
    ) -> Iterator[UnmetCondition]:
        value = self._value(part, row)
        if value is wanted:
            return
        match part:
            case Const():
                yield UnmetCondition(row, by, None, wanted, value, self._tested(by, row))
            case Op(op="and" | "or", args=args):
                for arg in args:
                    yield from self._part(case, row, by, arg, wanted, seen)
            case Op(op="not", args=(inner,)):
                yield from self._part(case, row, by, inner, not wanted, seen)
            case DecisionRef(entity=entity, name=name, type=Boolean()):
                at = ancestor(row, distance(self.program, row.entity, entity))
                yield from self._decision(case, at, name, wanted, seen)
            case If(condition=condition, then=then, otherwise=otherwise):
                truth = self._value(condition, row)
                yield UnmetCondition(
                    row, by, condition, truth is False, truth, self.explainer.inputs(condition, row)
                )
                for branch in [then] if truth is True else [otherwise] if truth is False else []:
                    yield from self._part(case, row, by, branch, wanted, seen)
            case _:
                yield UnmetCondition(row, by, part, wanted, value, self.explainer.inputs(part, row))

    def _tested(self, by: Provision, row: Row) -> tuple[Input, ...]:
        inputs = [entry for part in by.condition for entry in self.explainer.inputs(part, row)]
        return tuple({(value_read.name, value_read.row): value_read for value_read in inputs}.values())

    def _value(self, part: Core, row: Row) -> Value:
        try:
            return self.interpreter.compiler.compile(part, row.entity)(row)
        except RowError:
            return NOT_MODELLED
