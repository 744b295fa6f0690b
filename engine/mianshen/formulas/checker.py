"""Surface tree to core: names resolved, types and precision computed, every mistake reported.

In: an expression with spans, the entity it stands at, the symbol table. Out: a core node, or None
when something was reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, assert_never

from mianshen.catalogue import diagnostic
from mianshen.formulas.calls import CallChecks
from mianshen.formulas.dates import weekday_of
from mianshen.formulas.formula import Months, Partial, joined, number, same_unit
from mianshen.formulas.symbol_table import describe
from mianshen.places import place_in_rules
from mianshen.program import diagnostics
from mianshen.program.core import (
    AsOf,
    Boolean,
    Code,
    Const,
    Core,
    Date,
    DecisionRef,
    FactRef,
    If,
    IsKnown,
    Listing,
    Numeric,
    Op,
    Operator,
    ParameterRef,
    String,
    Type,
)
from mianshen.program.operators import COMPARISONS, DATE_PARTS, either
from mianshen.source import Message
from mianshen.syntax import tree

THIS: Final = "this"  # the row that asks, at the rows that something ranges over


@dataclass(slots=True)
class Checker(CallChecks):
    """Checks one formula at one entity; see `FormulaChecks` for how to ask."""

    def visit(self, node: tree.Expr, want: Type | None) -> Partial | None:
        match node:
            case tree.Number(value=value):
                return _number(value)
            case tree.String():
                return self.text(node, want)
            case tree.Boolean(value=value):
                return Const(value, Boolean())
            case tree.Name():
                return self.name(node)
            case tree.Path():
                return self.path(node)
            case tree.Negate():
                return self.negate(node)
            case tree.Binary():
                return self.binary(node)
            case tree.If():
                return self.conditional(node, want)
            case tree.Function():
                return self.call(node)
            case tree.Not() | tree.Between() | tree.In() | tree.IsKnown() | tree.Quantified():
                return self.truth(node)
            case tree.OnDate():
                return self.on_date(node)
            case tree.Filter() if (item := self.item_at(node)) is not None:
                return self.visit(item, want)
            case tree.Filter() | tree.ListOf() | tree.For() | tree.RangeTest():
                self.loose(node)
                return None
            case _:
                assert_never(node)

    def truth(self, node: tree.Not | tree.Between | tree.In | tree.IsKnown | tree.Quantified) -> Core | None:
        """What gives true or false by its form."""
        match node:
            case tree.Not(value=value):
                inner = self.condition(value)
                return None if inner is None else Op("not", (inner,), Boolean())
            case tree.Between():
                return self.between(node)
            case tree.In():
                return self.membership(node)
            case tree.IsKnown(value=value, negated=negated):
                arg = self.value(value)
                if arg is None:
                    return None
                return Op("not", (IsKnown(arg),), Boolean()) if negated else IsKnown(arg)
            case tree.Quantified():
                return self.quantified(node)
            case _:
                assert_never(node)

    def loose(self, node: tree.Filter | tree.ListOf | tree.For | tree.RangeTest) -> None:
        """Report what is no value by itself."""
        if isinstance(node, tree.For):
            self.report(diagnostic("E332.loose_for", node.span))
        elif isinstance(node, tree.RangeTest):
            self.report(diagnostic("E332.loose_range", node.span))
        elif isinstance(node, tree.ListOf):
            self.report(diagnostic("E332.loose_list", node.span))
        elif self.is_collection(node):
            self.report(diagnostics.unnamed_items(node.span, _collection_name(node)))
        else:
            value = self.value(node.of)
            if value is not None:
                self.wrong(node.of.span, Listing(String()), value.type)

    def text(self, node: tree.String, want: Type | None) -> Core | None:
        if isinstance(want, Listing):
            want = want.item
        if isinstance(want, Code):
            codes = self.names.codes[want.codes]
            code = codes.spellings.get(node.value)
            if code is None:
                self.report(diagnostics.unknown_code(node.span, node.value, want.codes, codes.values))
                return None
            return Const(code, want)
        if isinstance(want, String) and want.area:
            place = place_in_rules(node.value)
            if place is None:
                self.report(diagnostics.unknown_place(node.span, node.value))
            return None if place is None else Const(place, want)
        return Const(node.value, want if isinstance(want, String) else String())

    # -- names -------------------------------------------------------------------------------

    def lookup(self, entity: str, name: str) -> Core | None:
        """A fact or decision of an entity."""
        if self.calling:
            return None
        fact = self.names.fact(self.entity, entity, name)
        if fact is not None:
            return fact
        type_ = self.names.decisions.get((entity, name))
        return None if type_ is None else DecisionRef(entity, name, type_)

    def name(self, node: tree.Name) -> Partial | None:
        name, names = node.value, self.names
        local = self.locals.get(name)
        if local is not None and local.entity == self.entity:
            return local.value
        own = self.lookup(self.entity, name)
        if own is not None:
            return own
        if name == "as_of":
            return AsOf()
        parameter = names.parameters.get(name)
        if parameter is None:
            self.not_known(node)
            return None
        if parameter.type is None or parameter.keyed:
            usage = f"marginal(x, {name})" if parameter.scale_rates else f"benefit year(d, {name})"
            usage = parameter.keyed.usage(name) if parameter.keyed is not None else usage
            self.report(diagnostic("E341.special_parameter", node.span, name=name, usage=usage))
            return None
        return ParameterRef(name, parameter.type)

    def not_known(self, node: tree.Name) -> None:
        """Report a name that is nothing here, and where it is something."""
        name, names = node.value, self.names
        above = names.ancestors(self.entity)
        owner = next((e for e in above if self.lookup(e, name) or names.collection(e, name)), None)
        if self.calling and self._is_of_row(name):
            self.report(diagnostic("E363.fact_in_function", node.span, name=name, function=self.calling[-1]))
        elif name in self.locals:
            if self.locals[name].value is not None:
                self.report(
                    diagnostic("E302.elsewhere", node.span, name=name, entity=self.locals[name].entity)
                )
        elif names.collection(self.entity, name) or name in self.variables:
            self.report(diagnostics.unnamed_items(node.span, name))
        elif owner is not None:
            self.report(diagnostic("E302.elsewhere", node.span, name=name, entity=owner))
        elif not names.excused(name, names.known_at(self.entity)):
            asking = "" if self.asking is None else self.asking[0]
            of_asking = [f"{THIS}.{fact}" for entity, fact in names.facts if entity == asking]
            self.report(diagnostics.unknown_name(node.span, name, [*names.known_at(self.entity), *of_asking]))

    def _is_of_row(self, name: str) -> bool:
        """Whether a name that a function cannot read is a fact or decision of the row that calls it."""
        keys = ((owner, name) for owner in self.names.entities)
        return any(key in self.names.facts or key in self.names.decisions for key in keys)

    def path(self, node: tree.Path) -> Core | None:
        names = self.names
        if isinstance(node.of, tree.Name):
            base = node.of.value
            if base == THIS and self.asking is not None and THIS not in (*self.variables, *names.entities):
                return self.of_asking(node, *self.asking)
            owner = base if base == self.entity or base in names.ancestors(self.entity) else None
            variable = self.variables.get(base)
            if owner is None and variable in (self.entity, *names.ancestors(self.entity)):
                owner = variable
            if owner is not None:
                return self.member(node, base, owner)
        if self.is_collection(node.of):
            self.report(diagnostics.unnamed_items(node.span, _collection_name(node.of)))
            return None
        if isinstance(node.of, tree.RangeTest) and node.name in ("start", "end"):
            return self.value(node.of.low if node.name == "start" else node.of.high)
        if isinstance(node.of, tree.RangeTest) and node.name in ("start included", "end included"):
            return Const(node.of.low_closed if node.name[0] == "s" else node.of.high_closed, Boolean())
        if isinstance(node.of, tree.Function) and node.of.name == "previous" and node.of.arguments:
            return self.earlier(node.of, node.name, node)
        visited = self.visit(node.of, None)
        if isinstance(visited, Months):
            return self.part_of_duration(node, visited)
        of = None if visited is None else self.value(node.of)
        if of is None:
            return None
        if not isinstance(of.type, Date):
            self.wrong(node.of.span, Date(), of.type)
            return None
        if node.name == "weekday":
            return weekday_of(of)
        part = DATE_PARTS.get(node.name)
        if part is None:
            kind = Message("日期部分", "part of a date")
            self.report(diagnostics.unknown_reference(node.span, kind, node.name, DATE_PARTS))
            return None
        return Op(part[0], (of,), part[1])

    def of_asking(self, node: tree.Path, entity: str, beside: bool) -> Core | None:
        """`this.x`, at one of the rows that something ranges over: a fact of the row that asks."""
        fact = self.names.facts.get((entity, node.name))
        if fact is None:
            known = [f"{THIS}.{name}" for owner, name in self.names.facts if owner == entity]
            self.report(diagnostics.unknown_name(node.span, f"{THIS}.{node.name}", known))
            return None
        return FactRef(entity, node.name, fact.type, asking=beside)

    def member(self, node: tree.Path, base: str, owner: str) -> Core | None:
        """`resident.x`, `claim.x` on the claim itself, or a loop variable's `c.x`."""
        member = self.lookup(owner, node.name)
        if member is None and not self.names.excused(node.name, self.names.of(owner)):
            known = [f"{base}.{name}" for name in self.names.of(owner)]
            self.report(diagnostics.unknown_name(node.span, f"{base}.{node.name}", known))
        return member

    # -- operators ---------------------------------------------------------------------------

    def binary(self, node: tree.Binary) -> Partial | None:
        match node.op:
            case "and" | "or":
                return self.logic(node)
            case "+" | "-" | "*" | "/":
                return self.arithmetic(node)
            case "**":
                return self.power(node)
            case "=" | "!=" | "<" | "<=" | ">" | ">=":
                return self.compare(node.span, COMPARISONS[node.op], node.left, node.right)
            case _:
                assert_never(node.op)

    def logic(self, node: tree.Binary) -> Core | None:
        parts: list[Core] = []
        sound = True
        for side in (node.left, node.right):
            condition = self.condition(side)
            if condition is None:
                sound = False
            elif isinstance(condition, Op) and condition.op == node.op and isinstance(side, tree.Binary):
                parts.extend(condition.args)
            else:
                parts.append(condition)
        op: Operator = "and" if node.op == "and" else "or"
        return Op(op, tuple(parts), Boolean()) if sound else None

    def conditional(self, node: tree.If, want: Type | None) -> Partial | None:
        condition = self.condition(node.condition)
        branches = self.visit(node.then, want), self.visit(node.otherwise, want)
        durations = same_unit(branches)
        if durations is not None and condition is not None:
            one, two = durations
            both = either(number(one.count), number(two.count))
            return Months(If(condition, one.count, two.count, both), one.type)
        then, otherwise = self.plain(node.then, branches[0]), self.plain(node.otherwise, branches[1])
        if condition is None or then is None or otherwise is None:
            return None
        type_ = joined(then.type, otherwise.type)
        if type_ is None:
            self.report(
                diagnostics.wrong_type(node.otherwise.span, describe(then.type), describe(otherwise.type))
            )
            return None
        if isinstance(type_, Numeric):
            type_ = self.fitting(node.span, type_)
        return None if type_ is None else If(condition, then, otherwise, type_)


def _number(value: Decimal) -> Core:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return Const(value, Numeric(max(0, -exponent), value, value))


def _collection_name(node: tree.Expr) -> str:
    while isinstance(node, tree.Filter):
        node = node.of
    return node.value if isinstance(node, tree.Name) else "[…]"
