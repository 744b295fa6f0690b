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

from mianshen.program.core import Boolean, Core, Date, FactRef, Op, ParameterRef, Type
from mianshen.program.place_tests import prefix_digits
from mianshen.proof import symbols
from mianshen.proof.failures import Failures
from mianshen.proof.world import SymRow, World


@dataclass(slots=True)
class Operations:
    """The operators of one world's formulas.

    `node` gives the value of an operand; `in_force` the one of several values of a figure that is in force on a row's
    day; `loose`: what any value may stand for.
    """

    world: World
    errors: Failures
    node: Callable[[Core, SymRow], symbols.Sym]
    in_force: Callable[[str, SymRow, Sequence[symbols.Sym]], symbols.Sym]
    loose: set[str] = field(default_factory=set)

    def of(self, node: Op, row: SymRow) -> symbols.Sym:
        """What an operator gives of a row."""
        if node.op in ("and", "or"):
            return self._logic(node, row)
        if node.op in ("list_count", "list_distinct", "list_contains"):
            return self._list(node, row)
        args = [self.node(arg, row) for arg in node.args]
        one, there = args[0], symbols.strict(args)
        match node.op:
            case "holds":
                return symbols.Sym(
                    symbols.all_of(one.modelled, one.value),
                    symbols.any_of(one.known, symbols.no(one.modelled)),
                )
            case "not":
                return symbols.Sym(symbols.no(one.value), *there)
            case "neg" | "add" | "sub" | "mul" | "abs" | "min" | "max":
                return self._arithmetic(node, args)
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                return self._comparison(node, args)
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

    def _logic(self, node: Op, row: SymRow) -> symbols.Sym:
        decisive = node.op == "or"
        args: list[symbols.Sym] = []
        with self.errors.where():
            for arg in node.args:
                args.append(self.node(arg, row))
                self.errors.path.append(symbols.no(args[-1].true if decisive else args[-1].false))
        settled = symbols.any_of(*(arg.true if decisive else arg.false for arg in args))
        plain = symbols.all_of(*(arg.false if decisive else arg.true for arg in args))
        known = symbols.any_of(settled, plain)
        modelled = symbols.any_of(known, *(arg.unknown for arg in args))
        return symbols.Sym(
            settled if decisive else plain, symbols.any_of(known, symbols.no(modelled)), modelled
        )

    def _arithmetic(self, node: Op, args: Sequence[symbols.Sym]) -> symbols.Sym:
        one, there = args[0], symbols.strict(args)
        if node.op == "neg":
            return symbols.Sym(-one.value, *there, one.scale)
        if node.op == "abs":
            size = symbols.choose(symbols.less(one.value, 0), -one.value, one.value)
            return symbols.Sym(size, *there, one.scale)
        if node.op == "mul":
            product = symbols.product(one.value, args[1].value)
            return symbols.Sym(product, *there, one.scale + args[1].scale)
        values, scale = symbols.aligned(args)
        combine: Callable[[symbols.Term, symbols.Term], symbols.Term]
        match node.op:
            case "add":
                combine = lambda a, b: a + b  # noqa: E731
            case "sub":
                combine = lambda a, b: a - b  # noqa: E731
            case "min":
                combine = lambda a, b: symbols.choose(symbols.less(b, a), b, a)  # noqa: E731
            case _:
                combine = lambda a, b: symbols.choose(symbols.less(a, b), b, a)  # noqa: E731
        return symbols.Sym(reduce(combine, values), *there, scale)

    def _comparison(self, node: Op, args: Sequence[symbols.Sym]) -> symbols.Sym:
        there = symbols.strict(args)
        if node.op in ("eq", "ne"):
            same = symbols.equal_values(args[0], args[1])
            return symbols.Sym(same if node.op == "eq" else symbols.no(same), *there)
        (left, right), _ = symbols.aligned(args)
        if node.op in ("gt", "le"):
            left, right = right, left
        below = symbols.less(left, right)
        return symbols.Sym(below if node.op in ("lt", "gt") else symbols.no(below), *there)

    def _days(self, node: Op, args: Sequence[symbols.Sym]) -> symbols.Sym:
        there = symbols.strict(args)
        first = self.world.parts(args[0].value)
        match node.op:
            case "age":
                return symbols.Sym(symbols.full_years(first, self.world.parts(args[1].value)), *there)
            case "year":
                return symbols.Sym(first.year, *there)
            case "month":
                return symbols.Sym(first.month, *there)
            case "day":
                return symbols.Sym(first.day, *there)
            case "days_between":
                return symbols.Sym(
                    symbols.ordinal(self.world.parts(args[1].value)) - symbols.ordinal(first), *there
                )
            case "add_months":
                return symbols.Sym(self.world.noted(symbols.later(first, args[1].value)), *there)
            case _:
                return symbols.Sym(self._days_later(first, args[1].value), *there)

    def _days_later(self, day: symbols.Parts, days: symbols.Term) -> symbols.Term:
        """The day so many days later: a new day whose number is that much larger."""
        if isinstance(day.code, int) and isinstance(days, int):
            return symbols.code_of(dt.date.fromordinal(symbols.ordinal(day) + days))
        name = f"day {len(self.world.variables.dates)}"
        code = self.world.day(name, 1800, 2200)
        parts = self.world.parts(code)
        self.world.variables.domain.append(symbols.ordinal(parts) == symbols.ordinal(day) + days)
        return code

    def _prefix(self, place: symbols.Sym, digits: int) -> symbols.Sym:
        """The beginning of a place's code; unknown where the code is shorter."""
        value: symbols.Term = self.world.text("")
        known: symbols.Term = False
        for index, code in enumerate(self.world.places):
            here = symbols.equal(place.value, index)
            value = symbols.choose(here, self.world.text(code[:digits]), value)
            known = symbols.any_of(known, here) if len(code) >= digits else known
        return symbols.Sym(value, symbols.all_of(place.known, known), place.modelled)

    def _among(self, item: symbols.Sym, values: object, type_: Type) -> symbols.Sym:
        """Whether an item is one of a parameter's values; unknown where they are not published yet."""
        if not isinstance(values, tuple):
            return symbols.UNKNOWN
        constants = (self.world.constant(str(value), type_).value for value in values)
        return symbols.Sym(symbols.any_of(*(symbols.equal(item.value, constant) for constant in constants)))

    def _list(self, node: Op, row: SymRow) -> symbols.Sym:
        items = node.args[0]
        if isinstance(items, FactRef) and node.op != "list_contains":
            fact = self.world.fact((items.entity, items.name))
            count, different = self.world.variables.counts[items.entity, items.name]
            return symbols.Sym(count if node.op == "list_count" else different, fact.known)
        if isinstance(items, ParameterRef) and node.op == "list_contains":
            item = self.node(node.args[1], row)
            series = self.world.program.parameters[items.name].series
            cases = [self._among(item, dated.value, node.args[1].type) for dated in series]
            value = self.in_force(items.name, row, cases)
            return symbols.Sym(value.value, *symbols.strict([value, item]))
        if not isinstance(items, FactRef):
            raise symbols.NotLowered("what a list holds that is no fact")
        key = items.entity, items.name
        changed = " changed" if key in self.world.changed else ""
        operands = [self.world.fact(key), self.node(node.args[1], row)]
        return self._any_value(node, operands, "what a list holds", f"{'.'.join(key)}{changed}")

    def _any_value(self, node: Op, args: Sequence[symbols.Sym], what: str, of: str = "") -> symbols.Sym:
        """Any value of the node's type, known or not, the same of the same operands: what the solver is not told."""
        self.loose.add(what)
        operands = [symbols.term(arg.value) for arg in args]
        sorts = [operand.sort() for operand in operands]

        def free(part: str, sort: z3.SortRef) -> symbols.Term:
            return z3.Function(f"{node.op} {of} {part}", *sorts, sort)(*operands)

        there = symbols.strict(args)
        known = symbols.all_of(there[0], free("is known", z3.BoolSort()))
        match node.type:
            case Boolean():
                return symbols.Sym(free("", z3.BoolSort()), known, there[1])
            case Date():
                parts = symbols.Parts(*(free(part, z3.IntSort()) for part in ("year", "month", "day")))
                return symbols.Sym(self.world.among_days(parts), known, there[1])
            case _:
                return symbols.Sym(free("", z3.IntSort()), known, there[1])
