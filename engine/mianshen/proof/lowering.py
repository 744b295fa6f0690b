"""Formulas and decisions as a solver sees them: the meaning of every node, the interpreter's word for word.

In: a world. Out: for a node at a row, a decision of a row: a `Sym`. What cannot be told to the solver raises `NotLowered`
with the reason. In `failures` stands, for each error a row may meet, when it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

import z3

from mianshen.program import core
from mianshen.program.lower import lowered
from mianshen.program.program import Dated, Decision, Key
from mianshen.program.selection import Branch, Tier, selection
from mianshen.proof.failures import Failure, Failures
from mianshen.proof.operations import Operations
from mianshen.proof.symbols import (
    NO_VALUE,
    UNKNOWN,
    NotLowered,
    Parts,
    Sym,
    Term,
    aligned,
    all_of,
    any_of,
    choose,
    chosen_of,
    code_of,
    equal,
    equal_values,
    full_years,
    less,
    no,
    number,
    rounded,
    strict,
)
from mianshen.proof.world import SymRow, World, dated_fact


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
        self.errors = Failures()
        self.operations = Operations(world, self.errors, self.node, self._in_force)
        self.before: dict[tuple[str, str], Sym] = {}
        self._decided: dict[tuple[str, Key], Sym] = {}
        self.chosen: dict[Key, list[Chosen]] = {}
        self._rows: dict[core.Core, Sym] = {}
        self._any: dict[Key, Sym] = {}

    @property
    def failures(self) -> list[Failure]:
        """The errors that rows may meet."""
        return self.errors.listed

    # -- decisions ---------------------------------------------------------------------------

    def decision(self, key: Key, row: SymRow) -> Sym:
        """A decision of a row."""
        if self.opaque and (self.others is not None or self.errors.deciding is not None):
            return (self.others or self).any_decision(key)
        if self.others is not None:
            return self.others.decision(key, row)
        place = row.entity, key
        if place not in self._decided:
            with self.errors.within(key, row.exists):
                self._decided[place] = self.decided(self.program.decision(*key), row)
        return self._decided[place]

    def any_decision(self, key: Key) -> Sym:
        """Any value that a decision's type allows, known or not, modelled or not; the same whenever it is read."""
        if key not in self._any:
            name, type_ = ".".join(key), self.program.decision(*key).type
            number_ = type_ if isinstance(type_, core.Numeric) else None
            value = z3.Bool(name) if isinstance(type_, core.Boolean) else z3.Int(name)
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
        if decision.may_overflow and isinstance(type_, core.Numeric):
            (amount, low, high), _ = aligned([value, number(type_.low), number(type_.high)])
            self.errors.add(
                "overflow", decision.name, all_of(value.there, any_of(amount < low, amount > high))
            )
        return value

    def _tier(self, decision: Decision, tier: Tier, row: SymRow, otherwise: Sym) -> tuple[Sym, list[Chosen]]:
        """What the branches of a tier give, `otherwise` where none applies; and when each of them stands."""
        truths: dict[int, tuple[Term, Term]] = {}
        for branch in tier.branches:
            truths[branch.index] = self._condition(branch.condition, row)
        chosen = []
        for branch in tier.branches:
            true, false = truths[branch.index]
            excepted = any_of(*(truths[exception][0] for exception in branch.exceptions))
            chosen.append(Chosen(branch, true, false, all_of(true, no(excepted))))
        if tier.may_conflict:
            for one in chosen:
                for other in chosen:
                    if other.branch.index in one.branch.conflicts:
                        names = f"{one.branch.provision.name} / {other.branch.provision.name}"
                        self.errors.add("conflict", names, all_of(one.stands, other.stands))
        open_ = any_of(*(all_of(no(true), no(false)) for true, false in truths.values()))
        value = chosen_of(open_, UNKNOWN, otherwise)
        paid: dict[int, Sym] = {}
        for one in chosen:
            with self.errors.where(one.stands):
                paid[one.branch.index] = self._paid(decision, one.branch, row)
        for one in reversed(chosen):
            value = chosen_of(one.stands, self._agreed(one, truths, paid), value)
        return value, chosen

    def _agreed(self, one: Chosen, truths: dict[int, tuple[Term, Term]], paid: dict[int, Sym]) -> Sym:
        """What the branch that stands pays; unknown where an exception is open that may pay otherwise."""
        mine = paid[one.branch.index]
        known = mine.known
        for exception in one.branch.exceptions:
            true, false = truths[exception]
            open_ = all_of(no(true), no(false))
            if open_ is False:
                continue
            theirs = paid[exception]
            alike = all_of(mine.there, theirs.there, equal_values(mine, theirs))
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
            rest = room - paid_before
            least = choose(less(amount, rest), amount, rest)
            amount = choose(less(least, 0), 0, least)
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
            accumulator_ = self.program.accumulators[accumulator]
            if accumulator_.opening is None:
                self.before[key] = Sym(0, scale=2)
            else:
                opening = self.world.fact(accumulator_.opening)
                self.before[key] = opening
                self.world.variables.domain.append(self._same_period(accumulator, row))
        return self.before[key]

    def _same_period(self, accumulator: str, row: SymRow) -> Term:
        """The row lies in the period of the decision date, to which opening balances belong."""
        accumulator_ = self.program.accumulators[accumulator]
        date = dated_fact(self.program, row.entity)
        if accumulator_.read_by is not None:
            date = accumulator_.entity, accumulator_.read_by
        if date is None or accumulator_.period != "year" or accumulator_.days is not None:
            raise NotLowered(f"the balances of {accumulator} are not kept by benefit year")
        start = Parts(4, *accumulator_.year_start)
        days = [self.world.parts(sym.value) for sym in (self.world.fact(date), self.world.as_of)]
        return equal(full_years(start, days[0]), full_years(start, days[1]))

    def _condition(self, parts: Sequence[core.Core], row: SymRow) -> tuple[Term, Term]:
        """When a condition is true, and when it is false or not modelled."""
        syms = []
        with self.errors.where():
            for part in parts:
                syms.append(self.node(part, row))
                self.errors.path.append(no(syms[-1].false))
        true = all_of(*(sym.true for sym in syms))
        unknown = any_of(*(sym.unknown for sym in syms))
        false = any_of(
            any_of(*(sym.false for sym in syms)), all_of(no(unknown), any_of(*(no(s.modelled) for s in syms)))
        )
        return true, false

    # -- nodes -------------------------------------------------------------------------------

    def node(self, node: core.Core, row: SymRow) -> Sym:
        """The value of a node at a row."""
        if isinstance(node, core.Leaf):
            return self._leaf(node, row)
        match node:
            case core.Op():
                return self.operations.of(node, row)
            case core.If(condition=condition, then=then, otherwise=otherwise):
                return self._if(condition, then, otherwise, row)
            case core.Round():
                return self._round(node, row)
            case core.IsKnown(arg=arg):
                return Sym(self.node(arg, row).there)
            case core.InForce(parameter=name, cases=cases):
                return self._in_force(name, row, [self.node(case, row) for case in cases])
            case core.Aggregate() | core.Earlier() if self.world.open:
                return self._any_rows(node)
            case core.Aggregate(levels=levels) if levels:
                return self._any_rows(node)
            case core.Aggregate():
                return self._aggregate(node, row)
            case core.Earlier(body=body):  # of a household with one row of each kind, none is earlier
                return Sym(0) if body is None else NO_VALUE
            case core.InSet(arg=arg, values=values):
                return self._in_set(arg, values, row)
            case _:
                return self.node(lowered(node, self.program.parameters), row)

    def _leaf(self, leaf: core.Leaf, row: SymRow) -> Sym:
        """What is written in a formula, stated by a row, decided elsewhere, or a figure of the rulebook."""
        match leaf:
            case core.Const(value=value):
                return self.world.constant(value, leaf.type)
            case core.FactRef(entity=entity, name=name):
                row.above(entity)
                return self.world.fact((entity, name))
            case core.DecisionRef(entity=entity, name=name):
                return self.decision((entity, name), row.above(entity))
            case core.ParameterRef(name=name):
                figures = [self._figure(name, dated, leaf) for dated in self._series(name)]
                return self._in_force(name, row, figures)
            case core.AsOf():
                return self.world.as_of
            case core.YearToDate(accumulator=name):
                return self.balance(name, row)
            case core.MissingFigure():
                return UNKNOWN
            case core.NoValue():
                return NO_VALUE
            case core.Fail():
                self.errors.add("conflict", "table", True)
                return UNKNOWN
            case _:
                assert_never(leaf)

    def _series(self, name: str) -> tuple[Dated, ...]:
        return self.program.parameters[name].series

    def _figure(self, name: str, dated: Dated, node: core.ParameterRef) -> Sym:
        if dated.value is None:
            return UNKNOWN
        if isinstance(dated.value, tuple):
            raise NotLowered(f"the parameter {name} is a list or a scale")
        return self.world.constant(dated.value, node.type)

    def _in_force(self, name: str, row: SymRow, cases: Sequence[Sym]) -> Sym:
        """The case of the value in force on the row's reference date."""
        date = dated_fact(self.program, row.entity)
        day = self.world.as_of if date is None else self.world.fact(date)
        value, inside = UNKNOWN, list[Term]()
        for dated, case in zip(self._series(name), cases, strict=True):
            begun = day.value >= code_of(dated.start)
            in_force = begun if dated.end is None else all_of(begun, day.value <= code_of(dated.end))
            inside.append(in_force)
            value = chosen_of(in_force, case, value)
            if dated.review_by is not None:
                self.errors.add(
                    "past_review", name, all_of(day.known, in_force, day.value > code_of(dated.review_by))
                )
        self.errors.add("no_figure", name, all_of(day.known, no(any_of(*inside))))
        return Sym(value.value, all_of(day.known, value.known), value.modelled, value.scale)

    def _if(self, condition: core.Core, then: core.Core, otherwise: core.Core, row: SymRow) -> Sym:
        truth = self.node(condition, row)
        with self.errors.where(truth.true):
            one = self.node(then, row)
        with self.errors.where(truth.false):
            two = self.node(otherwise, row)
        value = chosen_of(truth.value, one, two)
        known, modelled = all_of(truth.known, value.known), value.modelled
        return Sym(value.value, known, all_of(truth.modelled, any_of(no(truth.known), modelled)), value.scale)

    def _round(self, node: core.Round, row: SymRow) -> Sym:
        top = self.node(node.numerator, row)
        bottom = number(Decimal(1)) if node.denominator is None else self.node(node.denominator, row)
        there = strict([top, bottom])
        if node.denominator is not None:
            self.errors.add("division_by_zero", "", all_of(*there, equal(bottom.value, 0)))
        shift = node.digits + bottom.scale - top.scale
        numerator = top.value * 10 ** max(shift, 0)
        denominator = bottom.value * 10 ** max(-shift, 0)
        return Sym(rounded(numerator, denominator, node.mode), *there, node.digits)

    def _in_set(self, arg: core.Core, values: Sequence[core.Constant], row: SymRow) -> Sym:
        value = self.node(arg, row)
        others = [self.world.constant(v, arg.type) for v in values]
        if isinstance(arg, core.Op) and arg.op == "place_prefix":
            others = [Sym(self.world.text(str(v))) for v in values]
        return Sym(any_of(*(equal_values(value, other) for other in others)), value.known, value.modelled)

    def _any_rows(self, node: core.Aggregate | core.Earlier) -> Sym:
        """What rows that nobody knows of may come to: any value, the same wherever the same is asked."""
        if self.others is not None:
            return self.others._any_rows(node)  # noqa: SLF001  # of this class
        if node not in self._rows:
            name = f"rows {len(self._rows)}"
            number_ = node.type if isinstance(node.type, core.Numeric) else None
            value = z3.Bool(name) if isinstance(node.type, core.Boolean) else z3.Int(name)
            modelled: Term = True if isinstance(node, core.Aggregate) else z3.Bool(f"{name} is modelled")
            self._rows[node] = Sym(
                value, z3.Bool(f"{name} is known"), modelled, 0 if number_ is None else number_.scale
            )
        return self._rows[node]

    # -- children ----------------------------------------------------------------------------

    def _aggregate(self, node: core.Aggregate, row: SymRow) -> Sym:
        items: list[tuple[Term, Sym, Term]] = []  # whether it counts, its value, whether it is unknown
        for child in self.world.children(row, node.child):
            with self.errors.where(child.exists):
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
                unknown = any_of(*(all_of(unsure, no(v.false if some else v.true)) for _, v, unsure in items))
                decisive = any_of(*(all_of(c, v.true if some else v.false) for c, v, _ in items))
                return Sym(decisive if some else no(decisive), any_of(decisive, no(unknown)))
            case "first":  # of one row at most
                decided = any_of(*(all_of(counts, no(unsure)) for counts, _, unsure in items))
                yes = any_of(*(all_of(any_of(c, unsure), no(v.false)) for c, v, unsure in items))
                return Sym(yes, no(all_of(yes, no(all_of(decided, *(v.true for _, v, _ in items))))))
            case "min" | "max":
                if len(items) != 1:
                    raise NotLowered(f"{node.kind} of no rows")
                counts, value, _ = items[0]
                self.errors.add("nothing_to_compare", "", all_of(no(unknown), no(counts)))
                return Sym(value.value, all_of(no(unknown), value.known), scale=value.scale)
            case _:
                assert_never(node.kind)
