"""What each layer and limit did to an amount, and how far the next threshold is.

In: an explainer, a decided case. Out: margins, in the order in which the amounts were made.
Invariants: every figure is one the rows hold or a difference of two; what cannot be told is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TypeAlias

from mianshen.interpreter.rows import Case, Row, RowError
from mianshen.interpreter.trace.explain import Explainer, Limited, Step
from mianshen.program import core
from mianshen.program.program import Decision
from mianshen.values import EXACT, NOT_MODELLED, ZERO, Value


@dataclass(frozen=True, slots=True)
class AnnualLimit:
    """An annual limit (or a deductible, which is one): what it let through, and what it has `left` after."""

    row: Row
    decision: Decision
    limited: Limited
    left: Decimal


@dataclass(frozen=True, slots=True)
class Bracket:
    """Where an amount lies on a scale: at `rate` above `over`; the next bracket is `to_next` away."""

    row: Row
    decision: Decision
    scale: str
    base: Decimal
    over: Decimal
    rate: Decimal
    next_over: Decimal | None
    next_rate: Decimal | None

    @property
    def to_next(self) -> Decimal | None:
        """How much more reaches the next bracket; None in the last."""
        return None if self.next_over is None else self.next_over - self.base


@dataclass(frozen=True, slots=True)
class Cap:
    """A figure that an amount cannot pass: `kind` cap or floor; `distance` is the amount short of it, or cut."""

    row: Row
    decision: Decision
    kind: str
    figure: str
    bound: Decimal
    value: Decimal

    @property
    def binds(self) -> bool:
        """Whether the figure cut the amount (or raised it)."""
        return self.value > self.bound if self.kind == "cap" else self.value < self.bound

    @property
    def distance(self) -> Decimal:
        return abs(self.bound - self.value)


Headroom: TypeAlias = AnnualLimit | Bracket | Cap


class HeadroomFinder:
    """Finds the margins of decided cases."""

    def __init__(self, explainer: Explainer) -> None:
        self.explainer = explainer
        self.compiler = explainer.interpreter.compiler

    def of(self, case: Case, row: Row, decision: str) -> tuple[Headroom, ...]:
        """The margins behind a decision of a row."""
        with localcontext(EXACT):
            return tuple(
                part for step in self.explainer.steps(case, row, decision) for part in self._of(step)
            )

    def _of(self, step: Step) -> Iterator[Headroom]:
        if len(step.used) != 1:
            return
        (used,) = step.used
        if used.limited is not None:
            yield from self._limit(step, used.limited)
        for node in self._at_work(used.provision.value, step.row):
            match node:
                case core.Marginal(date=None, inverse=False):
                    yield from self._bracket(step, node)
                case core.Op(op="min" | "max", args=args):
                    yield from self._caps(step, node, args)
                case _:
                    pass

    def _at_work(self, node: core.Core, row: Row) -> Iterator[core.Core]:
        """The parts of an expression that its value at a row comes of: of a choice only what is chosen."""
        yield node
        match node:
            case core.If(condition=condition, then=then, otherwise=otherwise):
                truth = self._value(condition, row)
                parts: list[core.Core] = [
                    condition,
                    *(part for part, holds in ((then, True), (otherwise, False)) if truth is holds),
                ]
            case core.Choice(policy="first", rows=rows):
                chosen = next((value for holds, value in rows if self._value(holds, row) is not False), None)
                parts = [] if chosen is None else [chosen]
            case core.Aggregate() | core.Earlier():
                return
            case _:
                parts = list(core.children(node))
        for part in parts:
            yield from self._at_work(part, row)

    def _limit(self, step: Step, limited: Limited) -> Iterator[Headroom]:
        limit, before, paid = limited.limit, limited.before, limited.paid
        if isinstance(limit, Decimal) and isinstance(before, Decimal) and isinstance(paid, Decimal):
            yield AnnualLimit(step.row, step.decision, limited, max(ZERO, limit - before - paid))

    def _bracket(self, step: Step, node: core.Marginal) -> Iterator[Headroom]:
        value, scale = self._value(node.base, step.row), node.scale
        brackets = self._brackets(node, step.row)
        if not isinstance(value, Decimal) or not brackets:
            return
        index = max((i for i, (over, _) in enumerate(brackets) if value > over), default=0)
        over, rate = brackets[index]
        following = brackets[index + 1] if index + 1 < len(brackets) else (None, None)
        yield Bracket(step.row, step.decision, scale, value, over, rate, *following)

    def _brackets(self, node: core.Marginal, row: Row) -> list[tuple[Decimal, Decimal]]:
        """The brackets of a scale as it is used: with its own deductible, and points on its rates."""
        dated = self.explainer.dated(node.scale, row)
        if dated is None or dated.brackets is None:
            return []
        start = None if node.start is None else self._value(node.start, row)
        points = ZERO if node.points is None else self._value(node.points, row)
        if not isinstance(start, Decimal | None) or not isinstance(points, Decimal):
            return []
        (first, rate), *others = dated.brackets
        first = first if start is None else start
        return [(first, rate + points), *((over, rate + points) for over, rate in others if over > first)]

    def _caps(self, step: Step, node: core.Op, args: tuple[core.Core, ...]) -> Iterator[Headroom]:
        bounds = [arg for arg in args if isinstance(arg, core.Const | core.ParameterRef)]
        others = [
            self._value(arg, step.row) for arg in args if not isinstance(arg, core.Const | core.ParameterRef)
        ]
        known = [v for v in others if isinstance(v, Decimal)]
        if len(known) < len(others) or not known:
            return
        value = min(known) if node.op == "min" else max(known)
        for bound in bounds:
            figure = self._value(bound, step.row)
            named = bound.name if isinstance(bound, core.ParameterRef) else ""
            if isinstance(figure, Decimal) and (named or figure):
                kind = "cap" if node.op == "min" else "floor"
                yield Cap(step.row, step.decision, kind, named, figure, value)

    def _value(self, part: core.Core, row: Row) -> Value:
        try:
            return self.compiler.compile(part, row.entity)(row)
        except RowError:
            return NOT_MODELLED
