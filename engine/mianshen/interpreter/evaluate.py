"""Core expressions as Python functions of a row: the reference semantics of every node.

In: a core node. Out: a function from a `Row` to a value: `writing` says how the node reads in Python, here
is what it then calls: figures, tables, what ranges over children.
Invariant: runs under `values.EXACT`, so no operation can round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, assert_never

from mianshen.interpreter.function_builder import FunctionBuilder, distance
from mianshen.interpreter.operations import OPEN, Function, stop, strict, undecided
from mianshen.interpreter.rows import Row, RowError, rejected
from mianshen.program.core import Aggregate, Choice, Core, FactRef, IsKnown, Marginal
from mianshen.program.program import Brackets, Dated, Parameter, Program
from mianshen.values import NOT_MODELLED, ZERO, Missing, Unknown, Value, unknown_of

IDLE: Final[dict[str, tuple[object, ...]]] = {"sum": (ZERO,), "some": (False,), "every": (True,)}
MOST_DAYS: Final = 5_000  # for which the values of a series are remembered


class Compiler:
    """Makes functions of core nodes at an entity; `decide` finds the function of a decision."""

    def __init__(self, program: Program, decide: Callable[[str, str], Function]) -> None:
        self.program = program
        self.decide = decide
        self._written: dict[tuple[Core, str], Function] = {}
        self._figures: dict[tuple[str, str], tuple[Function, dict[dt.date, Value]]] = {}

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
            sheet = FunctionBuilder(self, entity)
            self._written[node, entity] = sheet.function(entity, [f"return {sheet.text(node)}"])
        return self._written[node, entity]

    def apart(self, node: IsKnown | Marginal | Choice | Aggregate, entity: str) -> Function:
        """A node that is more than an expression."""
        match node:
            case IsKnown(arg=FactRef(entity=owner, name=name)) if owner == entity:
                return _is_given(name)
            case IsKnown(arg=FactRef() as arg):
                return _is_known_above(arg.name, distance(self.program, entity, arg.entity))
            case IsKnown(arg=arg):
                return _is_told(self.written(arg, entity))
            case Marginal(base=base, scale=scale):
                return self.marginal(self.written(base, entity), scale, entity)
            case Choice():
                return self.choice(node, entity)
            case Aggregate():
                return self.aggregate(node, entity)
            case _:
                assert_never(node)

    # -- figures -----------------------------------------------------------------------------

    def figure(self, name: str, entity: str) -> tuple[Function, dict[dt.date, Value]]:
        """What looks a parameter up on a row's reference date, and the days for which it has."""
        if (name, entity) not in self._figures:
            self._figures[name, entity] = _figure(
                self.program.parameters[name], self.program.entities[entity].date
            )
        return self._figures[name, entity]

    def marginal(self, base: Function, scale: str, entity: str) -> Function:
        brackets, _ = self.figure(scale, entity)

        def evaluate(row: Row) -> Value:
            values = [base(row), brackets(row)]
            blocked = strict(values)
            return marginal_amount(values[0], values[1]) if blocked is None else blocked  # type: ignore[arg-type]

        return evaluate

    # -- tables and children -----------------------------------------------------------------

    def choice(self, node: Choice, entity: str) -> Function:
        rows = [(self.written(c, entity), self.written(v, entity)) for c, v in node.rows]
        policy = node.policy

        def evaluate(row: Row) -> Value:
            tested = [(condition(row), value) for condition, value in rows]
            if policy == "first":  # what stands after one that matches is never reached
                certain = next((i for i, (truth, _) in enumerate(tested) if truth is True), len(tested))
                tested = tested[: certain + 1]
            unsure = [truth for truth, _ in tested if isinstance(truth, Unknown)]
            if unsure:
                perhaps = [v for t, v in tested if t is True or isinstance(t, Unknown)]
                return undecided(unknown_of(unsure), perhaps, row)
            matched = [value(row) for truth, value in tested if truth is True]
            if not matched:
                return NOT_MODELLED
            return matched[0] if policy == "first" else _collected(policy, matched)

        return evaluate

    def aggregate(self, node: Aggregate, entity: str) -> Function:
        child = self.program.entities[node.child]
        where = None if node.where is None else self.written(node.where, node.child)
        body = None if node.body is None else self.written(node.body, node.child)
        counted = child.counted_by
        name, plural = child.name, child.children or child.name
        kind = node.kind
        held = tuple(self.program.accumulators)
        idle = IDLE.get(kind, ())

        def adds_nothing(row: Row) -> bool:
            """Whether a row of which nothing is told would make no difference."""
            more = Row(name, "", {}, row, told=frozenset(), as_of=row.as_of)
            more.before = {each: row.unknown(plural) for each in held}
            try:
                item = _item(more, where, body)
            except RowError:
                return False
            return item is None or any(item is each or item == each for each in idle)

        def evaluate(row: Row) -> Value:
            unsure: list[Value] = []
            rows = [item for item in row.children if item.entity == name]
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
    if item.rejection is not None:
        return _of_rejected(item, where)
    truth: Value = True if where is None else where(item)
    if truth is False or truth is NOT_MODELLED:
        return None
    value: Value = True if body is None else body(item)
    if value is NOT_MODELLED:
        return None
    return value if truth is True else unknown_of((truth, value))


def _of_rejected(item: Row, where: Function | None) -> Value | None:
    """What a rejected row brings: unknown, unless it is known to be left out; what fails there is unknown."""
    try:
        truth: Value = True if where is None else where(item)
    except RowError:
        truth = rejected(item)
    return None if truth is False or truth is NOT_MODELLED else rejected(item)


def total(kind: str, items: list[Any], unsure: list[Value]) -> Value:
    """An aggregate over known items and unknown ones."""
    if kind in ("some", "every"):
        decisive = kind == "some"
        if any(item is decisive for item in items):
            return decisive
        return unknown_of(unsure) if unsure else not decisive
    if unsure:
        return unknown_of(unsure)
    match kind:
        case "sum":
            return sum(items, ZERO)
        case "count":
            return Decimal(len(items))
    if not items:
        raise stop("nothing_to_compare", "", f"{kind} of nothing", "对空集求最值")
    return min(items) if kind == "min" else max(items)  # type: ignore[no-any-return]


def _figure(parameter: Parameter, date: str | None) -> tuple[Function, dict[dt.date, Value]]:
    missing = Unknown(frozenset((Missing(f"parameter {parameter.name}"),)))
    known: dict[dt.date, Value] = {}

    def look(row: Row) -> Value:
        day = row.as_of if date is None else row.facts.get(date)
        if not isinstance(day, dt.date):
            return row.unknown(str(date))
        if day not in known:
            figure = in_force(parameter, day).value
            if len(known) > MOST_DAYS:
                known.clear()
            known[day] = missing if figure is None else figure  # type: ignore[assignment]  # or brackets
        return known[day]

    return look, known


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


def marginal_amount(base: Decimal, brackets: Brackets) -> Decimal:
    """Each part of the base above a bracket's floor, at that bracket's rate."""
    amount = ZERO
    for index, (over, rate) in enumerate(brackets):
        top = min(base, brackets[index + 1][0]) if index + 1 < len(brackets) else base
        if top > over:
            amount += (top - over) * rate
    return amount


def _collected(policy: str, values: list[Value]) -> Value:
    if policy == "count":
        return Decimal(len(values))
    blocked = strict(values)
    if blocked is not None:
        return blocked
    known: list[Any] = values
    match policy:
        case "any":
            if len(set(known)) > 1:
                raise stop(
                    "conflict", "", "rows of a table give different values", "决策表的多行给出了不同的值"
                )
            return known[0]  # type: ignore[no-any-return]
        case "sum":
            return sum(known, ZERO)
        case "min":
            return min(known)  # type: ignore[no-any-return]
        case _:
            return max(known)  # type: ignore[no-any-return]


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
        return above.unknown(name) if above.may_yet_tell(name) else False

    return evaluate


def _is_told(inner: Function) -> Function:
    """Whether a value is known; an unknown one may become so while the row is wrong or not yet told."""

    def evaluate(row: Row) -> Value:
        value = inner(row)
        if value.__class__ is Unknown and row.rejection is not None:
            return rejected(row)
        if value.__class__ is Unknown and row.told is not None:
            return value
        return value.__class__ not in OPEN

    return evaluate


def _ancestor(row: Row, steps: int) -> Row:
    for _ in range(steps):
        assert row.parent is not None
        row = row.parent
    return row
