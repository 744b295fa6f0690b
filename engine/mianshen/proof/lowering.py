"""Formulas and decisions as a solver sees them: the meaning of every node, the interpreter's word for word.

In: a world. Out: for a node at a row, a decision of a row: a `Sym`. What cannot be told to the solver raises `NotLowered`
with the reason. In `failures` stands, for each error a row may meet, when it does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Final, Literal, TypeAlias, assert_never

import z3

from mianshen.program.core import (
    Aggregate,
    AsOf,
    BenefitYear,
    Boolean,
    Choice,
    Code,
    Const,
    Constant,
    Core,
    Date,
    DecisionRef,
    Earlier,
    FactRef,
    Fail,
    FigureAt,
    If,
    InForce,
    InSet,
    IsKnown,
    Marginal,
    MissingFigure,
    NoValue,
    Numeric,
    Op,
    ParameterRef,
    Round,
    SamePlace,
    String,
    Within,
    YearToDate,
)
from mianshen.program.lower import lowered
from mianshen.program.place_tests import prefix_digits
from mianshen.program.program import Dated, Decision, Key
from mianshen.program.selection import Branch, Tier, selection
from mianshen.proof.symbols import (
    NotLowered,
    Parts,
    Sym,
    Term,
    aligned,
    all_of,
    any_of,
    choose,
    code_of,
    equal,
    full_years,
    later,
    no,
    ordinal,
    parts_of,
    product,
    rounded,
)
from mianshen.proof.world import SymRow, World, dated_fact

Failing: TypeAlias = Literal[
    "no_figure", "past_review", "conflict", "division_by_zero", "overflow", "nothing_to_compare"
]
NO_VALUE: Final = Sym(0, True, False)
UNKNOWN: Final = Sym(0, False)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error a row may meet: its kind, of what, when, and the decision in which."""

    kind: Failing
    name: str
    when: Term
    of: Key | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which branch of a decision stands, and what it pays."""

    branch: Branch
    true: Term
    false: Term
    stands: Term


class Lowering:
    """The decisions of one world."""

    def __init__(self, world: World, others: Lowering | None = None, opaque: bool = False) -> None:
        self.world = world
        self.opaque = opaque  # whether decisions that are read may have any value of their type
        self.others = others  # what decides what is read, where one decision alone is otherwise
        self.program = world.program
        self.failures: list[Failure] = []
        self.before: dict[tuple[str, str], Sym] = {}
        self._decided: dict[tuple[str, Key], Sym] = {}
        self.chosen: dict[Key, list[Chosen]] = {}
        self._rows: dict[Core, Sym] = {}
        self._any: dict[Key, Sym] = {}
        self._path: list[Term] = []
        self._deciding: Key | None = None
        self.loose: set[str] = set()  # what any value may stand for, which proves no less and refutes no more

    # -- decisions ---------------------------------------------------------------------------

    def decision(self, key: Key, row: SymRow) -> Sym:
        """A decision of a row."""
        if self.opaque and (self.others is not None or self._deciding is not None):
            return (self.others or self).any_decision(key)
        if self.others is not None:
            return self.others.decision(key, row)
        place = row.entity, key
        if place not in self._decided:
            outer = self._path, self._deciding
            self._path, self._deciding = [row.exists], key
            try:
                self._decided[place] = self.decided(self.program.decision(*key), row)
            finally:
                self._path, self._deciding = outer
        return self._decided[place]

    def any_decision(self, key: Key) -> Sym:
        """Any value that a decision's type allows, known or not, modelled or not; the same whenever it is read."""
        if key not in self._any:
            name, type_ = ".".join(key), self.program.decision(*key).type
            number_ = type_ if isinstance(type_, Numeric) else None
            value = z3.Bool(name) if isinstance(type_, Boolean) else z3.Int(name)
            if number_ is not None:
                bounds = [int(bound.scaleb(number_.scale)) for bound in (number_.low, number_.high)]
                self.world.variables.domain.append(z3.And(value >= bounds[0], value <= bounds[1]))
            known, modelled = z3.Bool(f"{name} is known"), z3.Bool(f"{name} is modelled")
            self._any[key] = Sym(value, known, modelled, 0 if number_ is None else number_.scale)
        return self._any[key]

    def decided(self, decision: Decision, row: SymRow) -> Sym:
        """What the provisions of a decision, which need not be the program's own, give a row."""
        branches = selection(decision)
        reserve, chosen = self._tier(decision, branches.fallbacks, row, NO_VALUE)
        value, main = self._tier(decision, branches.main, row, reserve)
        self.chosen[decision.key] = [*main, *chosen]
        type_ = decision.type
        if decision.may_overflow and isinstance(type_, Numeric):
            (amount, low, high), _ = aligned([value, number(type_.low), number(type_.high)])
            self._fails("overflow", decision.name, all_of(value.there, any_of(amount < low, amount > high)))
        return value

    def _tier(self, decision: Decision, tier: Tier, row: SymRow, otherwise: Sym) -> tuple[Sym, list[Chosen]]:
        truths: dict[int, tuple[Term, Term]] = {}
        for branch in tier.branches:
            truths[branch.index] = self._condition(branch.condition, row)
        chosen = []
        for branch in tier.branches:
            true, false = truths[branch.index]
            excepted = any_of(*(truths[e][0] for e in branch.exceptions if e in truths))
            chosen.append(Chosen(branch, true, false, all_of(true, no(excepted))))
        if tier.may_conflict:
            for one in chosen:
                for other in chosen:
                    if other.branch.index in one.branch.conflicts:
                        names = f"{one.branch.provision.name} / {other.branch.provision.name}"
                        self._fails("conflict", names, all_of(one.stands, other.stands))
        open_ = any_of(*(all_of(no(true), no(false)) for true, false in truths.values()))
        value = _chosen(open_, UNKNOWN, otherwise)
        paid: dict[int, Sym] = {}
        for one in chosen:
            with self._where(one.stands):
                paid[one.branch.index] = self._paid(decision, one.branch, row)
        for one in reversed(chosen):
            value = _chosen(one.stands, self._agreed(one, truths, paid), value)
        return value, chosen

    def _agreed(self, one: Chosen, truths: dict[int, tuple[Term, Term]], paid: dict[int, Sym]) -> Sym:
        """What the branch that stands pays; unknown where an exception is open that may pay otherwise."""
        mine = paid[one.branch.index]
        known = mine.known
        for exception in one.branch.exceptions:
            if exception not in truths:
                continue
            true, false = truths[exception]
            open_ = all_of(no(true), no(false))
            if open_ is False:
                continue
            theirs = paid[exception]
            alike = all_of(mine.there, theirs.there, _equal_values(mine, theirs))
            known = all_of(known, any_of(no(open_), alike))
        return Sym(mine.value, known, mine.modelled, mine.scale)

    def _paid(self, decision: Decision, branch: Branch, row: SymRow) -> Sym:
        """A provision's value, as far as its annual limits allow."""
        value = self.node(branch.provision.value, row)
        limits = [
            (self.node(limit.limit, row), self.balance(limit.accumulator, row))
            for limit in branch.provision.limits
        ]
        for most, before in limits:
            (amount, room, paid_before), scale = aligned([value, most, before])
            left = room - paid_before
            least = choose(_less(amount, left), amount, left)
            amount = choose(_less(least, 0), 0, least)
            value = Sym(
                amount, all_of(value.known, most.known, before.known),
                all_of(value.modelled, most.modelled, before.modelled), scale,
            )  # fmt: skip
        return value

    def balance(self, accumulator: str, row: SymRow) -> Sym:
        """What an accumulator holds before the row."""
        if self.others is not None:
            return self.others.balance(accumulator, row)
        key = accumulator, row.entity
        if key not in self.before and self.world.open:
            self.before[key] = Sym(
                z3.Int(f"{accumulator} before"), z3.Bool(f"{accumulator} before is known"), scale=2
            )
        if key not in self.before:
            made = self.program.accumulators[accumulator]
            if made.opening is None:
                self.before[key] = Sym(0, scale=2)
            else:
                opening = self.world.fact(made.opening)
                self.before[key] = opening
                self.world.variables.domain.append(self._same_period(accumulator, row))
        return self.before[key]

    def _same_period(self, accumulator: str, row: SymRow) -> Term:
        """The row lies in the period of the decision date, to which opening balances belong."""
        made = self.program.accumulators[accumulator]
        date = dated_fact(self.program, row.entity)
        if date is None or made.period != "year" or made.days is not None:
            raise NotLowered(f"the balances of {accumulator} are not kept by benefit year")
        start = Parts(4, *made.year_start)
        days = [self.parts(sym.value) for sym in (self.world.fact(date), self.world.as_of)]
        return equal(full_years(start, days[0]), full_years(start, days[1]))

    def _condition(self, parts: Sequence[Core], row: SymRow) -> tuple[Term, Term]:
        """When a condition is true, and when it is false or not modelled."""
        syms = []
        path = len(self._path)
        for part in parts:
            syms.append(self.node(part, row))
            self._path.append(no(syms[-1].false))
        del self._path[path:]
        true = all_of(*(sym.true for sym in syms))
        unknown = any_of(*(sym.unknown for sym in syms))
        false = any_of(
            any_of(*(sym.false for sym in syms)), all_of(no(unknown), any_of(*(no(s.modelled) for s in syms)))
        )
        return true, false

    # -- failures ----------------------------------------------------------------------------

    @contextmanager
    def _where(self, condition: Term) -> Iterator[None]:
        self._path.append(condition)
        try:
            yield
        finally:
            self._path.pop()

    def _fails(self, kind: Failing, name: str, when: Term) -> None:
        when = all_of(*self._path, when)
        if when is not False:
            self.failures.append(Failure(kind, name, when, self._deciding))

    # -- nodes -------------------------------------------------------------------------------

    def node(self, node: Core, row: SymRow) -> Sym:
        """The value of a node at a row."""
        match node:
            case Const() | FactRef() | DecisionRef() | ParameterRef():
                return self._stated(node, row)
            case InForce(parameter=name, cases=cases):
                return self._in_force(name, row, [self.node(case, row) for case in cases])
            case AsOf():
                return self.world.as_of
            case Op():
                return self._operation(node, row)
            case If(condition=condition, then=then, otherwise=otherwise):
                return self._if(condition, then, otherwise, row)
            case Round():
                return self._round(node, row)
            case IsKnown(arg=arg):
                return Sym(self.node(arg, row).there)
            case Aggregate() | Earlier() if self.world.open:
                return self._any_rows(node)
            case Aggregate():
                return self._aggregate(node, row)
            case YearToDate(accumulator=name):
                return self.balance(name, row)
            case Earlier(body=body):  # of a household with one row of each kind, none is earlier
                return Sym(0) if body is None else NO_VALUE
            case MissingFigure():
                return UNKNOWN
            case NoValue():
                return NO_VALUE
            case Fail():
                self._fails("conflict", "table", True)
                return UNKNOWN
            case InSet(arg=arg, values=values):
                return self._in_set(arg, values, row)
            case Within() | SamePlace() | Marginal() | FigureAt() | BenefitYear() | Choice():
                return self.node(lowered(node, self.program.parameters), row)
            case _:
                assert_never(node)

    def _stated(self, node: Const | FactRef | DecisionRef | ParameterRef, row: SymRow) -> Sym:
        """What is written in a formula, told of a row, decided elsewhere, or a figure of the rulebook."""
        match node:
            case Const(value=value):
                return self._constant(value, node)
            case FactRef(entity=entity, name=name):
                row.above(entity)
                return self.world.fact((entity, name))
            case DecisionRef(entity=entity, name=name):
                return self.decision((entity, name), row.above(entity))
            case ParameterRef(name=name):
                figures = [self._figure(name, dated, node) for dated in self._series(name)]
                return self._in_force(name, row, figures)
            case _:
                assert_never(node)

    def _constant(self, value: Constant, node: Core) -> Sym:
        match value:
            case bool():
                return Sym(value)
            case Decimal():
                return number(value)
            case dt.date():
                return Sym(code_of(value))
            case str() if isinstance(node.type, Code):
                return Sym(list(self.program.codes[node.type.codes].values).index(value))
            case str() if isinstance(node.type, String) and node.type.area and value in self.world.places:
                return Sym(self.world.places.index(value))
            case str():
                return Sym(self.world.text(value))

    def _series(self, name: str) -> tuple[Dated, ...]:
        return self.program.parameters[name].series

    def _figure(self, name: str, dated: Dated, node: ParameterRef) -> Sym:
        if dated.value is None:
            return UNKNOWN
        if isinstance(dated.value, tuple):
            raise NotLowered(f"the parameter {name} is a list or a scale")
        return self._constant(dated.value, node)

    def _in_force(self, name: str, row: SymRow, cases: Sequence[Sym]) -> Sym:
        """The case of the value in force on the row's reference date."""
        date = dated_fact(self.program, row.entity)
        day = self.world.as_of if date is None else self.world.fact(date)
        value, inside = UNKNOWN, list[Term]()
        for dated, case in zip(self._series(name), cases, strict=True):
            begun = day.value >= code_of(dated.start)
            held = begun if dated.end is None else all_of(begun, day.value <= code_of(dated.end))
            inside.append(held)
            value = _chosen(held, case, value)
            if dated.review_by is not None:
                self._fails(
                    "past_review", name, all_of(day.known, held, day.value > code_of(dated.review_by))
                )
        self._fails("no_figure", name, all_of(day.known, no(any_of(*inside))))
        return Sym(value.value, all_of(day.known, value.known), value.modelled, value.scale)

    def _if(self, condition: Core, then: Core, otherwise: Core, row: SymRow) -> Sym:
        truth = self.node(condition, row)
        with self._where(truth.true):
            one = self.node(then, row)
        with self._where(truth.false):
            two = self.node(otherwise, row)
        value = _chosen(truth.value, one, two)
        known, modelled = all_of(truth.known, value.known), value.modelled
        return Sym(value.value, known, all_of(truth.modelled, any_of(no(truth.known), modelled)), value.scale)

    def _round(self, node: Round, row: SymRow) -> Sym:
        top = self.node(node.numerator, row)
        bottom = number(Decimal(1)) if node.denominator is None else self.node(node.denominator, row)
        there = _strict([top, bottom])
        if node.denominator is not None:
            self._fails("division_by_zero", "", all_of(*there, equal(bottom.value, 0)))
        shift = node.digits + bottom.scale - top.scale
        numerator = top.value * 10 ** max(shift, 0)
        denominator = bottom.value * 10 ** max(-shift, 0)
        return Sym(rounded(numerator, denominator, node.mode), *there, node.digits)

    def _in_set(self, arg: Core, values: Sequence[Constant], row: SymRow) -> Sym:
        value = self.node(arg, row)
        others = [self._constant(v, Const(v, arg.type)) for v in values]
        if isinstance(arg, Op) and arg.op == "place_prefix":
            others = [Sym(self.world.text(str(v))) for v in values]
        return Sym(any_of(*(_equal_values(value, other) for other in others)), value.known, value.modelled)

    def _any_rows(self, node: Aggregate | Earlier) -> Sym:
        """What rows that nobody knows of may come to: any value, the same wherever the same is asked."""
        if self.others is not None:
            return self.others._any_rows(node)  # noqa: SLF001  # of this class
        if node not in self._rows:
            name = f"rows {len(self._rows)}"
            number_ = node.type if isinstance(node.type, Numeric) else None
            value = z3.Bool(name) if isinstance(node.type, Boolean) else z3.Int(name)
            modelled: Term = True if isinstance(node, Aggregate) else z3.Bool(f"{name} is modelled")
            self._rows[node] = Sym(
                value, z3.Bool(f"{name} is known"), modelled, 0 if number_ is None else number_.scale
            )
        return self._rows[node]

    # -- children ----------------------------------------------------------------------------

    def _aggregate(self, node: Aggregate, row: SymRow) -> Sym:
        items: list[tuple[Term, Sym, Term]] = []  # whether it counts, its value, whether it is unknown
        for child in self.world.children(row, node.child):
            with self._where(child.exists):
                truth = Sym(True) if node.where is None else self.node(node.where, child)
                value = Sym(True) if node.body is None else self.node(node.body, child)
            counts = all_of(child.exists, truth.true, value.modelled)
            maybe = all_of(child.exists, truth.modelled, no(truth.false), value.modelled)
            items.append((counts, value, all_of(maybe, no(all_of(truth.known, value.known)))))
        unknown = any_of(*(unsure for _, _, unsure in items))
        match node.kind:
            case "sum":
                scale = max((value.scale for _, value, _ in items), default=0)
                parts = [
                    choose(counts, value.value * 10 ** (scale - value.scale), 0) for counts, value, _ in items
                ]
                return Sym(sum(parts) if parts else 0, no(unknown), scale=scale)
            case "count":
                parts = [choose(counts, 1, 0) for counts, _, _ in items]
                return Sym(sum(parts) if parts else 0, no(unknown))
            case "some" | "every":
                some = node.kind == "some"
                decisive = any_of(*(all_of(c, v.true if some else v.false) for c, v, _ in items))
                return Sym(decisive if some else no(decisive), any_of(decisive, no(unknown)))
            case "min" | "max":
                if len(items) != 1:
                    raise NotLowered(f"{node.kind} of no rows")
                counts, value, _ = items[0]
                self._fails("nothing_to_compare", "", all_of(no(unknown), no(counts)))
                return Sym(value.value, all_of(no(unknown), value.known), scale=value.scale)
            case _:
                assert_never(node.kind)

    # -- operations --------------------------------------------------------------------------

    def _operation(self, node: Op, row: SymRow) -> Sym:
        if node.op in ("and", "or"):
            return self._logic(node, row)
        if node.op in ("list_count", "list_distinct", "list_contains"):
            return self._list(node, row)
        args = [self.node(arg, row) for arg in node.args]
        there = _strict(args)
        one = args[0]
        match node.op:
            case "holds":
                return Sym(all_of(one.modelled, one.value), any_of(one.known, no(one.modelled)))
            case "not":
                return Sym(no(one.value), *there)
            case "neg":
                return Sym(-one.value, *there, one.scale)
            case "abs":
                return Sym(choose(_less(one.value, 0), -one.value, one.value), *there, one.scale)
            case "add" | "sub" | "min" | "max":
                return self._arithmetic(node, args)
            case "mul":
                return Sym(product(one.value, args[1].value), *there, one.scale + args[1].scale)
            case "eq" | "ne":
                same = _equal_values(one, args[1])
                return Sym(same if node.op == "eq" else no(same), *there)
            case "lt" | "le" | "gt" | "ge":
                (left, right), _ = aligned(args)
                if node.op in ("gt", "le"):
                    left, right = right, left
                less = _less(left, right)
                return Sym(less if node.op in ("lt", "gt") else no(less), *there)
            case "age" | "year" | "month" | "day" | "days_between" | "add_months" | "add_days":
                return self._days(node, args)
            case "place_prefix":
                return self._prefix(one, prefix_digits(node))
            case "working_day" | "add_working_days" | "working_day_of_month" | "working_days_between":
                return self._any_value(node, there, "the working-day calendar")
            case "and" | "or" | "list_count" | "list_distinct" | "list_contains":
                raise AssertionError(node.op)  # told apart above
            case _:
                assert_never(node.op)

    def _logic(self, node: Op, row: SymRow) -> Sym:
        decisive = node.op == "or"
        args, path = [], len(self._path)
        for arg in node.args:
            args.append(self.node(arg, row))
            self._path.append(no(args[-1].true if decisive else args[-1].false))
        del self._path[path:]
        settled = any_of(*(arg.true if decisive else arg.false for arg in args))
        plain = all_of(*(arg.false if decisive else arg.true for arg in args))
        known = any_of(settled, plain)
        modelled = any_of(known, *(arg.unknown for arg in args))
        return Sym(settled if decisive else plain, any_of(known, no(modelled)), modelled)

    def _arithmetic(self, node: Op, args: Sequence[Sym]) -> Sym:
        values, scale = aligned(args)
        combine: Callable[[Term, Term], Term]
        match node.op:
            case "add":
                combine = lambda a, b: a + b  # noqa: E731
            case "sub":
                combine = lambda a, b: a - b  # noqa: E731
            case "min":
                combine = lambda a, b: choose(_less(b, a), b, a)  # noqa: E731
            case _:
                combine = lambda a, b: choose(_less(a, b), b, a)  # noqa: E731
        return Sym(reduce(combine, values), *_strict(args), scale)

    def parts(self, code: Term) -> Parts:
        if not isinstance(code, int) and code.get_id() in self.world.variables.dates:
            return self.world.variables.dates[code.get_id()][1]
        return parts_of(code)

    def _days(self, node: Op, args: Sequence[Sym]) -> Sym:
        there = _strict(args)
        first = self.parts(args[0].value)
        match node.op:
            case "age":
                return Sym(full_years(first, self.parts(args[1].value)), *there)
            case "year":
                return Sym(first.year, *there)
            case "month":
                return Sym(first.month, *there)
            case "day":
                return Sym(first.day, *there)
            case "days_between":
                return Sym(ordinal(self.parts(args[1].value)) - ordinal(first), *there)
            case "add_months":
                return Sym(self._noted(later(first, args[1].value)), *there)
            case _:
                return Sym(self._days_later(first, args[1].value), *there)

    def _noted(self, parts: Parts) -> Term:
        code = parts.code
        if not isinstance(code, int):
            self.world.variables.dates[code.get_id()] = code, parts
        return code

    def _days_later(self, day: Parts, days: Term) -> Term:
        """The day so many days later: a new day whose number is that much larger."""
        if isinstance(day.code, int) and isinstance(days, int):
            return code_of(dt.date.fromordinal(ordinal(day) + days))
        name = f"day {len(self.world.variables.dates)}"
        code = self.world.day(name, 1800, 2200)
        parts = self.parts(code)
        self.world.variables.domain.append(ordinal(parts) == ordinal(day) + days)
        return code

    def _prefix(self, place: Sym, digits: int) -> Sym:
        """The beginning of a place's code; unknown where the code is shorter."""
        value: Term = self.world.text("")
        known: Term = False
        for index, code in enumerate(self.world.places):
            here = equal(place.value, index)
            value = choose(here, self.world.text(code[:digits]), value)
            known = any_of(known, here) if len(code) >= digits else known
        return Sym(value, all_of(place.known, known), place.modelled)

    def _list(self, node: Op, row: SymRow) -> Sym:
        items = node.args[0]
        if isinstance(items, FactRef) and node.op != "list_contains":
            fact = self.world.fact((items.entity, items.name))
            count, different = self.world.variables.counts[items.entity, items.name]
            return Sym(count if node.op == "list_count" else different, fact.known)
        if isinstance(items, ParameterRef) and node.op == "list_contains":
            item = self.node(node.args[1], row)
            arg = Const("", node.args[1].type)
            cases = [
                UNKNOWN if not isinstance(dated.value, tuple)
                else Sym(any_of(*(equal(item.value, self._constant(str(v), arg).value) for v in dated.value)))
                for dated in self._series(items.name)
            ]  # fmt: skip
            held = self._in_force(items.name, row, cases)
            return Sym(held.value, *_strict([held, item]))
        return self._any_value(node, _strict([self.node(arg, row) for arg in node.args]), "what a list holds")

    def _any_value(self, node: Op, there: tuple[Term, Term], what: str) -> Sym:
        """Any value of the node's type, known or not: what the solver is not told."""
        self.loose.add(what)
        name = f"{node.op} {len(self.loose)} {len(self.failures)} {id(node)}"
        known = all_of(there[0], z3.Bool(f"{name} is known"))
        match node.type:
            case Boolean():
                return Sym(z3.Bool(name), known, there[1])
            case Date():
                return Sym(self.world.day(name), known, there[1])
            case _:
                return Sym(z3.Int(name), known, there[1])


def number(value: Decimal) -> Sym:
    exponent = value.as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    return Sym(int(value.scaleb(scale)), scale=scale)


def _less(one: Term, other: Term) -> Term:
    return one < other


def _strict(args: Sequence[Sym]) -> tuple[Term, Term]:
    """(known, modelled) of a strict operation."""
    return all_of(*(arg.known for arg in args)), all_of(*(arg.modelled for arg in args))


def _equal_values(one: Sym, other: Sym) -> Term:
    if one.scale == other.scale:
        return equal(one.value, other.value)
    (left, right), _ = aligned([one, other])
    return equal(left, right)


def _chosen(condition: Term, one: Sym, other: Sym) -> Sym:
    """One of two values; of what is no value anything may stand for it."""
    if condition is True or condition is False:
        return one if condition else other
    value, scale = _joined(condition, one, other)
    return Sym(
        value,
        choose(condition, one.known, other.known),
        choose(condition, one.modelled, other.modelled),
        scale,
    )


def _joined(condition: Term, one: Sym, other: Sym) -> tuple[Term, int]:
    if one.there is False:
        return other.value, other.scale
    if other.there is False:
        return one.value, one.scale
    if one.scale == other.scale:
        return choose(condition, one.value, other.value), one.scale
    (left, right), scale = aligned([one, other])
    return choose(condition, left, right), scale


def holds(term: Term) -> z3.BoolRef:
    """A term as the solver takes it."""
    return z3.BoolVal(term) if isinstance(term, bool) else term
