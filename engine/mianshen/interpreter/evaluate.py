"""Core expressions as Python functions of a row: the reference semantics of every node.

In: a core node. Out: a function from a `Row` to a value. Kleene logic, strict arithmetic; a
not-modelled operand makes arithmetic not modelled, for no fact can change that.
Invariant: runs under `values.EXACT`, so no operation can round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Final, assert_never

from mianshen.interpreter.operations import (
    DATED,
    OPEN,
    PLAIN,
    Function,
    apply,
    balance,
    conjunction,
    disjunction,
    in_set,
    negation,
    shift,
    stop,
    strict,
    terms_of,
    with_constant,
    within,
)
from mianshen.interpreter.rows import Row, RowError, rejected
from mianshen.program.core import (
    Aggregate,
    AsOf,
    BenefitYear,
    Choice,
    Const,
    Core,
    DecisionRef,
    FactRef,
    If,
    InSet,
    IsKnown,
    Marginal,
    Op,
    ParameterRef,
    Round,
    Within,
    YearToDate,
)
from mianshen.program.operators import CALENDAR
from mianshen.program.program import Brackets, Dated, Parameter, Program
from mianshen.values import (
    NOT_MODELLED,
    ZERO,
    Missing,
    Unknown,
    Value,
    benefit_year,
    round_quotient,
    unknown_of,
)

IDLE: Final[dict[str, tuple[object, ...]]] = {"sum": (ZERO,), "some": (False,), "every": (True,)}
MOST_DAYS: Final = 5_000  # for which the values of a series are remembered


def distance(program: Program, entity: str, target: str) -> int:
    """How many parents up from `entity` the `target` is."""
    steps, at = 0, entity
    while at != target:
        parent = program.entities[at].parent
        assert parent is not None, (entity, target)
        steps, at = steps + 1, parent
    return steps


class Compiler:
    """Makes functions of core nodes at an entity; `decide` finds the function of a decision."""

    def __init__(self, program: Program, decide: Callable[[str, str], Function]) -> None:
        self.program = program
        self.decide = decide

    def compile(self, node: Core, entity: str) -> Function:
        match node:
            case Const(value=value):
                return lambda _: value
            case FactRef(entity=owner, name=name):
                return _fact(name, distance(self.program, entity, owner))
            case DecisionRef(entity=owner, name=name):
                return _decision(name, self.decide(owner, name), distance(self.program, entity, owner))
            case ParameterRef(name=name):
                return self.dated(self.program.parameters[name], entity)
            case AsOf():
                return lambda row: row.as_of
            case Op():
                return self.operation(node, entity)
            case InSet(arg=arg, values=values):
                return in_set(self.compile(arg, entity), frozenset(values))
            case Within(arg=arg, prefixes=prefixes):
                return within(self.compile(arg, entity), prefixes)
            case If():
                return self.conditional(node, entity)
            case Round():
                return self.rounding(node, entity)
            case IsKnown(arg=FactRef(entity=owner, name=name)) if owner == entity:
                return _is_given(name)
            case IsKnown(arg=FactRef() as arg):
                return _is_known_above(arg.name, distance(self.program, entity, arg.entity))
            case IsKnown(arg=arg):
                return _is_told(self.compile(arg, entity))
            case Marginal(base=base, scale=scale):
                return self.marginal(self.compile(base, entity), scale, entity)
            case BenefitYear(date=date, start=start):
                return apply(lambda d: Decimal(benefit_year(d, start)), [self.compile(date, entity)])
            case Choice():
                return self.choice(node, entity)
            case Aggregate():
                return self.aggregate(node, entity)
            case YearToDate(accumulator=name):
                return lambda row: row.before[name]
            case _:
                assert_never(node)

    def operation(self, node: Op, entity: str) -> Function:
        if node.op in ("add", "sub"):
            added, taken = terms_of(node)
            if len(added) + len(taken) > 2:
                make = self.compile
                return balance([make(n, entity) for n in added], [make(n, entity) for n in taken])
        args = [self.compile(arg, entity) for arg in node.args]
        match node.op:
            case "and":
                return lambda row: conjunction(args, row)
            case "or":
                return lambda row: disjunction(args, row)
            case "not":
                return lambda row: negation(args[0](row))
            case "add_months" | "add_days":
                return shift(DATED[node.op], args)
            case op if op in CALENDAR:
                return apply(partial(CALENDAR[op], self.program.calendar), args)
            case _ if len(args) == 2 and isinstance(node.args[1], Const):
                return with_constant(PLAIN[node.op], args[0], node.args[1].value)
            case _:
                return apply(PLAIN[node.op], args)

    def conditional(self, node: If, entity: str) -> Function:
        condition, then, otherwise = (
            self.compile(n, entity) for n in (node.condition, node.then, node.otherwise)
        )

        def evaluate(row: Row) -> Value:
            truth = condition(row)
            if truth is True:
                return then(row)
            if truth is False:
                return otherwise(row)
            return undecided(truth, (then, otherwise), row)

        return evaluate

    def rounding(self, node: Round, entity: str) -> Function:
        top = self.compile(node.numerator, entity)
        mode, digits = node.mode, node.digits
        if node.denominator is None:
            return apply(lambda a: round_quotient(a, Decimal(1), digits, mode), [top])
        bottom = self.compile(node.denominator, entity)

        def quotient(a: Decimal, b: Decimal) -> Decimal:
            if not b:
                raise stop("division_by_zero", "", "division by zero", "除数为零")
            return round_quotient(a, b, digits, mode)

        return apply(quotient, [top, bottom])

    # -- figures -----------------------------------------------------------------------------

    def reference_date(self, entity: str) -> Function:
        name = self.program.entities[entity].date
        return (lambda row: row.as_of) if name is None else _fact(name)

    def dated(self, parameter: Parameter, entity: str) -> Function:
        date = self.reference_date(entity)
        missing = Unknown(frozenset((Missing(f"parameter {parameter.name}"),)))
        known: dict[dt.date, Value] = {}

        def evaluate(row: Row) -> Value:
            day = date(row)
            if not isinstance(day, dt.date):
                return day
            value = known.get(day)
            if value is None:
                figure = in_force(parameter, day).value
                value = missing if figure is None else figure  # type: ignore[assignment]  # or a scale's brackets
                if len(known) > MOST_DAYS:
                    known.clear()
                known[day] = value  # type: ignore[assignment]
            return value  # type: ignore[return-value]

        return evaluate

    def marginal(self, base: Function, scale: str, entity: str) -> Function:
        brackets = self.dated(self.program.parameters[scale], entity)

        def evaluate(row: Row) -> Value:
            values = [base(row), brackets(row)]
            blocked = strict(values)
            return marginal_amount(values[0], values[1]) if blocked is None else blocked  # type: ignore[arg-type]

        return evaluate

    # -- tables and children -----------------------------------------------------------------

    def choice(self, node: Choice, entity: str) -> Function:
        rows = [(self.compile(c, entity), self.compile(v, entity)) for c, v in node.rows]
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
        where = None if node.where is None else self.compile(node.where, node.child)
        body = None if node.body is None else self.compile(node.body, node.child)
        counted = child.counted_by
        count = None if counted is None else _fact(counted)
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
            if count is not None:
                stated = count(row)
                if isinstance(stated, Unknown):
                    unsure.append(stated)
                elif stated > len(rows):  # type: ignore[operator]  # a count is a number
                    unsure.append(Unknown(frozenset((Missing(plural, row.entity, row.key),))))
            items: list[Any] = []
            for item in rows:
                value = _item(item, where, body)
                if isinstance(value, Unknown):
                    unsure.append(value)
                elif value is not None:
                    items.append(value)
            return total(kind, items, unsure)

        return evaluate


def _item(item: Row, where: Function | None, body: Function | None) -> Value | None:
    """What a child row brings to an aggregate: nothing (None), a value, or an unknown."""
    truth: Value = True if where is None else _guarded(where, item)
    if truth is False or truth is NOT_MODELLED:
        return None
    if item.rejection is not None:
        return rejected(item)
    value: Value = True if body is None else body(item)
    if value is NOT_MODELLED:
        return None
    if truth is True:
        return value
    return unknown_of((truth, value))


def _guarded(function: Function, row: Row) -> Value:
    """A condition on a row that may be rejected: what fails there is unknown."""
    if row.rejection is None:
        return function(row)
    try:
        return function(row)
    except RowError:
        return rejected(row)


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


def undecided(truth: Value, branches: Any, row: Row) -> Value:
    """The value when a condition is not known: unknown, resting on it and on what may follow."""
    if truth is NOT_MODELLED:
        return NOT_MODELLED
    gathered: list[Value] = [truth]
    for branch in branches:
        try:
            gathered.append(branch(row))
        except RowError:
            continue
    return unknown_of(gathered)


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


def _fact(name: str, steps: int = 0) -> Function:
    """A fact of the row `steps` parents up."""

    def here(row: Row) -> Value:
        value = row.facts.get(name)
        return row.unknown(name) if value is None else value

    def of_parent(row: Row) -> Value:
        value = row.parent.facts.get(name)  # type: ignore[union-attr]  # a row of this entity has one
        return row.parent.unknown(name) if value is None else value  # type: ignore[union-attr]

    match steps:
        case 0:
            return here
        case 1:
            return of_parent
        case _:
            return lambda row: here(_ancestor(row, steps))


def _decision(name: str, decide: Function, steps: int) -> Function:
    """A decision of the row `steps` parents up, decided if it is not yet."""

    def here(row: Row) -> Value:
        value = row.values.get(name)
        return decide(row) if value is None else value

    if steps == 1:
        return lambda row: here(row.parent)  # type: ignore[arg-type]  # a row of this entity has one
    return here if steps == 0 else lambda row: here(_ancestor(row, steps))


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
