"""Core expressions as Python functions of a row: the reference semantics of every node.

In: a core node. Out: a function from a `Row` to a value: `writing` says how the node reads in Python, here
is what it then calls: figures, tables, what ranges over children.
Invariant: runs under `values.EXACT`, so no operation can round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, assert_never

from mianshen.closed_sets import AggregateKind
from mianshen.interpreter.function_builder import FunctionBuilder, distance
from mianshen.interpreter.operations import OPEN, Function, missing_figure, stop, undecided
from mianshen.interpreter.rows import Row, RowError, doubt
from mianshen.program.core import Aggregate, Core, FactRef, Fail, InForce, IsKnown
from mianshen.program.program import Dated, Parameter, Program
from mianshen.values import NOT_MODELLED, ZERO, Missing, Unknown, Value, unknown_of

IDLE: Final[dict[AggregateKind, tuple[object, ...]]] = {"sum": (ZERO,), "some": (False,), "every": (True,)}
MOST_DAYS: Final = 5_000  # for which the values of a series are remembered


class Compiler:
    """Makes functions of core nodes at an entity; `decide` finds the function of a decision."""

    def __init__(self, program: Program, decide: Callable[[str, str], Function]) -> None:
        self.program = program
        self.decide = decide
        self._written: dict[tuple[Core, str], Function] = {}
        self._figures: dict[tuple[str, str], tuple[Function, dict[dt.date, Value]]] = {}
        self._otherwise: dict[str, Parameter] = {}

    def compile(self, node: Core, entity: str) -> Function:
        """The node as a function, written when it is first asked."""
        made: Function | None = None

        def evaluate(row: Row) -> Value:
            nonlocal made
            if made is None:
                made = self.written(node, entity)
            return made(row)

        return evaluate

    def written(self, node: Core, entity: str) -> Function:
        """The node as a function, written now."""
        if (node, entity) not in self._written:
            builder = FunctionBuilder(self, entity)
            self._written[node, entity] = builder.function(entity, [f"return {builder.text(node)}"])
        return self._written[node, entity]

    def apart(self, node: IsKnown | InForce | Aggregate | Fail, entity: str) -> Function:
        """A node that is more than an expression."""
        match node:
            case IsKnown(arg=FactRef(entity=owner, name=name)) if owner == entity:
                return _is_given(name)
            case IsKnown(arg=FactRef() as arg):
                return _is_known_above(arg.name, distance(self.program, entity, arg.entity))
            case IsKnown(arg=arg):
                return _is_told(self.written(arg, entity))
            case InForce():
                return self.in_force(node, entity)
            case Fail():
                return _disagreeing
            case Aggregate():
                return self.aggregate(node, entity)
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

    def in_force(self, node: InForce, entity: str) -> Function:
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

    # -- children ----------------------------------------------------------------------------

    def aggregate(self, node: Aggregate, entity: str) -> Function:
        child = self.program.entities[node.child]
        where = None if node.where is None else self.written(node.where, node.child)
        body = None if node.body is None else self.written(node.body, node.child)
        counted = child.counted_by
        name, plural = child.name, child.children or child.name
        kind = node.kind
        accumulators = tuple(self.program.accumulators)
        idle = IDLE.get(kind, ())

        def adds_nothing(row: Row) -> bool:
            """Whether a row of which nothing is told would make no difference."""
            more = Row(name, "", {}, row, told=frozenset(), as_of=row.as_of)
            more.before = {entry: row.unknown(plural) for entry in accumulators}
            try:
                item = _item(more, where, body)
            except RowError:
                return False
            return item is None or any(item is part or item == part for part in idle)

        def evaluate(row: Row) -> Value:
            unsure: list[Value] = []
            rows = [item for item in row.children if item.entity == name and not item.idle]
            if row.told is not None and plural not in row.told and not adds_nothing(row):
                unsure.append(row.unknown(plural))
            if counted is not None:
                stated = row.facts.get(counted)
                if stated is None:
                    unsure.append(row.unknown(counted))
                elif stated > len(rows):  # type: ignore[operator]  # a count is a number
                    unsure.append(Unknown(frozenset((Missing(plural, row.entity, row.key),))))
            items: list[Any] = []
            for item in rows:
                value = _item(item, where, body)
                if value.__class__ is Unknown:
                    unsure.append(value)
                elif value is not None:
                    items.append(value)
            return total(kind, items, unsure)

        return evaluate


def _item(item: Row, where: Function | None, body: Function | None) -> Value | None:
    """What a child row brings to an aggregate: nothing (None), a value, or an unknown."""
    in_doubt = doubt(item)
    if in_doubt is not None:
        return _of_doubtful(item, where, in_doubt)
    truth: Value = True if where is None else where(item)
    if truth is False or truth is NOT_MODELLED:
        return None
    value: Value = True if body is None else body(item)
    if value is NOT_MODELLED:
        return None
    return value if truth is True else unknown_of((truth, value))


def _of_doubtful(item: Row, where: Function | None, unknown: Unknown) -> Value | None:
    """What a rejected or perhaps void row brings: unknown, unless it is known to be left out."""
    try:
        truth: Value = True if where is None else where(item)
    except RowError:
        truth = unknown
    return None if truth is False or truth is NOT_MODELLED else unknown


def total(kind: AggregateKind, items: list[Any], unsure: list[Value]) -> Value:
    """An aggregate over known items and unknown ones. Raises RowError for the least or greatest of nothing."""
    decisive = {"some": True, "every": False}.get(kind)
    if decisive is not None and any(item is decisive for item in items):
        return decisive
    if unsure:
        return unknown_of(unsure)
    match kind:
        case "some" | "every":
            return not decisive
        case "sum":
            return sum(items, ZERO)
        case "count":
            return Decimal(len(items))
        case "min" | "max":
            if not items:
                raise stop("nothing_to_compare", "", f"{kind} of nothing", "对空集求最值")
            return min(items) if kind == "min" else max(items)  # type: ignore[no-any-return]
        case _:
            assert_never(kind)


def in_force(parameter: Parameter, day: dt.date) -> Dated:
    """The value of a series on a day; an error in a gap or past its review."""
    for dated in parameter.series:
        if dated.start <= day and (dated.end is None or day <= dated.end):
            if dated.review_by is not None and day > dated.review_by:
                raise stop(
                    "past_review", parameter.name,
                    f"the value of {parameter.name} was to be reviewed by {dated.review_by}, and {day} is later",
                    f"参数 {parameter.name} 的值应在 {dated.review_by} 前复核，而 {day} 更晚")  # fmt: skip
            return dated
    raise stop(
        "no_figure",
        parameter.name,
        f"{parameter.name} has no value on {day}",
        f"参数 {parameter.name} 在 {day} 没有值",
    )


def _disagreeing(row: Row) -> Value:  # noqa: ARG001  (a function of a row)
    raise stop("conflict", "", "rows of a table give different values", "决策表的多行给出了不同的值")


def _is_given(name: str) -> Function:
    """Whether a fact is known; of one that was given wrongly, in a rejected row, that cannot be told."""

    def evaluate(row: Row) -> Value:
        if name in row.facts:
            return True
        return row.unknown(name) if name in row.unreadable or row.may_yet_tell(name) else False

    return evaluate


def _is_known_above(name: str, steps: int) -> Function:
    """Whether a fact of the row `steps` parents up is known."""

    def evaluate(row: Row) -> Value:
        above = _ancestor(row, steps)
        if name in above.facts:
            return True
        return above.unknown(name) if name in above.unreadable or above.may_yet_tell(name) else False

    return evaluate


def _is_told(inner: Function) -> Function:
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


def _ancestor(row: Row, steps: int) -> Row:
    for _ in range(steps):
        assert row.parent is not None
        row = row.parent
    return row
