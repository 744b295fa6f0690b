"""Core expressions as Python functions of a row: the reference semantics of every node.

In: a core node. Out: a function from a `Row` to a value: `function_builder` says how the node reads in Python,
here is what it then calls: figures, tables.
Invariant: runs under `values.EXACT`, so no operation can round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, assert_never

from mianshen.interpreter.aggregates import aggregate
from mianshen.interpreter.earlier import EarlierRows
from mianshen.interpreter.function_builder import FunctionBuilder, distance
from mianshen.interpreter.operations import OPEN, Function, missing_figure, stop, undecided
from mianshen.interpreter.rows import Row, ancestor, doubt
from mianshen.program import core
from mianshen.program.lower import lowered
from mianshen.program.program import Dated, Parameter, Program
from mianshen.values import Unknown, Value

MOST_DAYS: Final = 5_000  # for which the values of a series are remembered


class Compiler:
    """Makes functions of core nodes at an entity; `decide` finds the function of a decision."""

    def __init__(self, program: Program, decide: Callable[[str, str], Function]) -> None:
        self.program = program
        self.decide = decide
        self.cases = 0  # that were begun: what is kept of the rows of one is not used for the next
        self._written: dict[tuple[core.Core, str], Function] = {}
        self._known: dict[
            tuple[int, str], tuple[core.Core, Function]
        ] = {}  # by identity; a node kept is no other
        self._figures: dict[tuple[str, str], tuple[Function, dict[dt.date, Value]]] = {}
        self._otherwise: dict[str, Parameter] = {}

    def compile(self, node: core.Core, entity: str) -> Function:
        """The node as a function, written when it is first asked."""
        function: Function | None = None

        def evaluate(row: Row) -> Value:
            nonlocal function
            if function is None:
                function = self.written(node, entity)
            return function(row)

        return evaluate

    def all(self, parts: Sequence[core.Core], entity: str) -> Function:
        """Kleene's and of the parts as a function, written when it is first asked."""
        together: core.Core = core.Const(True, core.Boolean()) if not parts else parts[0]
        return self.compile(
            core.Op("and", tuple(parts), core.Boolean()) if len(parts) > 1 else together, entity
        )

    def written(self, node: core.Core, entity: str) -> Function:
        """The node as a function, written when it is first asked for."""
        known = self._known.get((id(node), entity))
        if known is None:  # to find a node by its hash costs more than to evaluate it
            if (node, entity) not in self._written:
                builder = FunctionBuilder(self, entity)
                self._written[node, entity] = builder.function(entity, [f"return {builder.text(node)}"])
            known = self._known[id(node), entity] = node, self._written[node, entity]
        return known[1]

    def lowered(self, node: core.Derived, entity: str) -> Function:
        """A derived node as a function of what it is lowered to."""
        return self.compile(lowered(node, self.program.parameters), entity)

    def apart(
        self, node: core.IsKnown | core.InForce | core.Aggregate | core.Earlier | core.Fail, entity: str
    ) -> Function:
        """A node that is more than an expression."""
        match node:
            case core.IsKnown(arg=core.FactRef(asking=False) as fact):
                return _is_given(fact.name, distance(self.program, entity, fact.entity))
            case core.IsKnown(arg=arg):
                return _is_known(self.written(arg, entity))
            case core.InForce():
                return self.in_force(node, entity)
            case core.Fail():
                return _disagreeing
            case core.Aggregate():
                return aggregate(node, self, entity)
            case core.Earlier():
                return EarlierRows(node, self)
            case _:
                assert_never(node)

    # -- figures -----------------------------------------------------------------------------

    def figure(self, name: str, entity: str) -> tuple[Function, dict[dt.date, Value]]:
        """What looks a parameter up on a row's reference date, and the days for which it has."""
        if (name, entity) not in self._figures:
            self._figures[name, entity] = self._look(name, self.program.entities[entity].date)
        return self._figures[name, entity]

    def _look(self, name: str, date: str | None) -> tuple[Function, dict[dt.date, Value]]:
        missing = missing_figure(name)
        known: dict[dt.date, Value] = {}

        def look(row: Row) -> Value:
            day = row.as_of if date is None else row.facts.get(date)
            if not isinstance(day, dt.date):
                return row.unknown(str(date))
            if day not in known:
                parameter = self._otherwise.get(name) or self.program.parameters[name]
                figure = in_force(parameter, day).value
                if len(known) > MOST_DAYS:
                    known.clear()
                known[day] = missing if figure is None else figure  # type: ignore[assignment]  # or brackets
            return known[day]

        return look, known

    @contextmanager
    def figures_otherwise(self, parameter: Parameter) -> Iterator[None]:
        """Within, a parameter (no scale) has another series; everything else is as it was."""
        self._otherwise[parameter.name] = parameter
        self._forget(parameter.name)
        try:
            yield
        finally:
            del self._otherwise[parameter.name]
            self._forget(parameter.name)

    def _forget(self, name: str) -> None:
        for (of, _), (_, known) in self._figures.items():
            if of == name:
                known.clear()

    def in_force(self, node: core.InForce, entity: str) -> Function:
        """The case of the value in force; on an unknown date unknown, resting on it and on the cases."""
        parameter, date = self.program.parameters[node.parameter], self.program.entities[entity].date
        cases = [self.written(case, entity) for case in node.cases]
        known: dict[dt.date, Function] = {}

        def evaluate(row: Row) -> Value:
            day = row.as_of if date is None else row.facts.get(date)
            if not isinstance(day, dt.date):
                return undecided(row.unknown(str(date)), cases, row)
            case = known.get(day)
            if case is None:
                if len(known) > MOST_DAYS:
                    known.clear()
                case = known[day] = cases[parameter.series.index(in_force(parameter, day))]
            return case(row)

        return evaluate


def in_force(parameter: Parameter, day: dt.date) -> Dated:
    """The value of a series on a day; an error in a gap or past its review."""
    name, dated = parameter.name, parameter.on(day)
    if dated is None:
        raise stop("no_figure", name, f"{name} has no value on {day}", f"参数 {name} 在 {day} 没有值")
    review = dated.review_by
    if review is not None and day > review:
        en = f"the value of {name} was to be reviewed by {review}, and {day} is later"
        raise stop("past_review", name, en, f"参数 {name} 的值应在 {review} 前复核，而 {day} 更晚")
    return dated


def _disagreeing(row: Row) -> Value:  # noqa: ARG001  (a function of a row)
    raise stop("conflict", "", "rows of a table give different values", "决策表的多行给出了不同的值")


def _is_given(name: str, steps: int) -> Function:
    """Whether a fact of the row `steps` parents up is known; unknown of one given wrongly in a rejected row."""

    def evaluate(row: Row) -> Value:
        owner = ancestor(row, steps)
        if name in owner.facts:
            return True
        return owner.unknown(name) if name in owner.unreadable or owner.may_yet_tell(name) else False

    return evaluate


def _is_known(inner: Function) -> Function:
    """Whether a value is known; an unknown one may become so while the row is wrong or not yet told."""

    def evaluate(row: Row) -> Value:
        value = inner(row)
        if value.__class__ is Unknown:
            in_doubt = doubt(row)
            if in_doubt is not None:
                return in_doubt
            if row.told is not None:
                return value
        return value.__class__ not in OPEN

    return evaluate
