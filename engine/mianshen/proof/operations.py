"""Operators as a solver sees them, and what it is not told of them: the working days, what a list holds.

In: an operator's node, a row. Out: a `Sym`. Of what it is not told any value may stand, always the same of the same
operands: that proves no more than is so, and refutes nothing, for a refutation is decided again by the interpreter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import assert_never

import z3

from mianshen.program.core import Boolean, Core, Date, FactRef, Op, ParameterRef
from mianshen.program.place_tests import prefix_digits
from mianshen.proof.failures import Failures
from mianshen.proof.symbols import (
    UNKNOWN,
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
    equal_values,
    full_years,
    later,
    less,
    no,
    ordinal,
    product,
    strict,
    term,
)
from mianshen.proof.world import SymRow, World


@dataclass(slots=True)
class Operations:
    """The operators of one world's formulas.

    `node` gives the value of an operand; `in_force` the one of several values of a figure that is in force on a row's
    day; `loose`: what any value may stand for.
    """

    world: World
    errors: Failures
    node: Callable[[Core, SymRow], Sym]
    in_force: Callable[[str, SymRow, Sequence[Sym]], Sym]
    loose: set[str] = field(default_factory=set)

    def of(self, node: Op, row: SymRow) -> Sym:
        """What an operator gives of a row."""
        if node.op in ("and", "or"):
            return self._logic(node, row)
        if node.op in ("list_count", "list_distinct", "list_contains"):
            return self._list(node, row)
        args = [self.node(arg, row) for arg in node.args]
        one, there = args[0], strict(args)
        match node.op:
            case "holds":
                return Sym(all_of(one.modelled, one.value), any_of(one.known, no(one.modelled)))
            case "not":
                return Sym(no(one.value), *there)
            case "neg":
                return Sym(-one.value, *there, one.scale)
            case "abs":
                return Sym(choose(less(one.value, 0), -one.value, one.value), *there, one.scale)
            case "add" | "sub" | "min" | "max":
                return self._arithmetic(node, args)
            case "mul":
                return Sym(product(one.value, args[1].value), *there, one.scale + args[1].scale)
            case "eq" | "ne":
                same = equal_values(one, args[1])
                return Sym(same if node.op == "eq" else no(same), *there)
            case "lt" | "le" | "gt" | "ge":
                (left, right), _ = aligned(args)
                if node.op in ("gt", "le"):
                    left, right = right, left
                below = less(left, right)
                return Sym(below if node.op in ("lt", "gt") else no(below), *there)
            case "age" | "year" | "month" | "day" | "days_between" | "add_months" | "add_days":
                return self._days(node, args)
            case "place_prefix":
                return self._prefix(one, prefix_digits(node))
            case "working_day" | "add_working_days" | "working_day_of_month" | "working_days_between":
                return self._any_value(node, args, "the working-day calendar", self.world.label)
            case "and" | "or" | "list_count" | "list_distinct" | "list_contains":
                raise AssertionError(node.op)  # told apart above
            case _:
                assert_never(node.op)

    def _logic(self, node: Op, row: SymRow) -> Sym:
        decisive = node.op == "or"
        args: list[Sym] = []
        with self.errors.where():
            for arg in node.args:
                args.append(self.node(arg, row))
                self.errors.path.append(no(args[-1].true if decisive else args[-1].false))
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
                combine = lambda a, b: choose(less(b, a), b, a)  # noqa: E731
            case _:
                combine = lambda a, b: choose(less(a, b), b, a)  # noqa: E731
        return Sym(reduce(combine, values), *strict(args), scale)

    def _days(self, node: Op, args: Sequence[Sym]) -> Sym:
        there = strict(args)
        first = self.world.parts(args[0].value)
        match node.op:
            case "age":
                return Sym(full_years(first, self.world.parts(args[1].value)), *there)
            case "year":
                return Sym(first.year, *there)
            case "month":
                return Sym(first.month, *there)
            case "day":
                return Sym(first.day, *there)
            case "days_between":
                return Sym(ordinal(self.world.parts(args[1].value)) - ordinal(first), *there)
            case "add_months":
                return Sym(self.world.noted(later(first, args[1].value)), *there)
            case _:
                return Sym(self._days_later(first, args[1].value), *there)

    def _days_later(self, day: Parts, days: Term) -> Term:
        """The day so many days later: a new day whose number is that much larger."""
        if isinstance(day.code, int) and isinstance(days, int):
            return code_of(dt.date.fromordinal(ordinal(day) + days))
        name = f"day {len(self.world.variables.dates)}"
        code = self.world.day(name, 1800, 2200)
        parts = self.world.parts(code)
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
            type_ = node.args[1].type
            cases = [
                UNKNOWN if not isinstance(dated.value, tuple)
                else Sym(any_of(*(equal(item.value, self.world.constant(str(v), type_).value) for v in dated.value)))
                for dated in self.world.program.parameters[items.name].series
            ]  # fmt: skip
            value = self.in_force(items.name, row, cases)
            return Sym(value.value, *strict([value, item]))
        if not isinstance(items, FactRef):
            raise NotLowered("what a list holds that is no fact")
        key = items.entity, items.name
        changed = " changed" if key in self.world.changed else ""
        operands = [self.world.fact(key), self.node(node.args[1], row)]
        return self._any_value(node, operands, "what a list holds", f"{'.'.join(key)}{changed}")

    def _any_value(self, node: Op, args: Sequence[Sym], what: str, of: str = "") -> Sym:
        """Any value of the node's type, known or not, the same of the same operands: what the solver is not told."""
        self.loose.add(what)
        operands = [term(arg.value) for arg in args]
        sorts = [operand.sort() for operand in operands]

        def free(part: str, sort: z3.SortRef) -> Term:
            return z3.Function(f"{node.op} {of} {part}", *sorts, sort)(*operands)

        there = strict(args)
        known = all_of(there[0], free("is known", z3.BoolSort()))
        match node.type:
            case Boolean():
                return Sym(free("", z3.BoolSort()), known, there[1])
            case Date():
                parts = Parts(*(free(part, z3.IntSort()) for part in ("year", "month", "day")))
                return Sym(self.world.among_days(parts), known, there[1])
            case _:
                return Sym(free("", z3.IntSort()), known, there[1])
