"""What a value may be where facts are unknown: the rules evaluated over everything that an unknown fact could say.

In: a decided case of one program. Out: `Possible`s: bounds of numbers and days, sets of answers.
Invariants: whatever valid values the unknown facts take, the value lies within; bounds may be wider than that. A fact
of which a rule asks whether it is known is known or not as the record has it. What rests on a figure that is not
published stays unknown whatever is told. An accumulator's balance before a row
is bounded by all rows that may come before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Literal, assert_never

from mianshen.impact.ranges import (
    ABSENT,
    ANYTHING,
    EITHER,
    NONE,
    TRUTHS,
    Possible,
    arithmetic,
    compared,
    exactly,
    hull,
    numbers,
    range_of,
    within,
)
from mianshen.interpreter import Interpreter
from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Row, RowError
from mianshen.program import core
from mianshen.program.lower import lowered
from mianshen.program.program import Accumulator, Decision, Key, Program, Provision
from mianshen.program.selection import Branch, Selection, conjuncts, selection
from mianshen.values import ZERO, NotModelled, Unknown, Value, round_decimal, round_quotient


@dataclass
class Functions:
    """What a program's nodes are lowered to and evaluated by, kept for all cases; a node is known by its identity."""

    interpreter: Interpreter
    _lowered: dict[int, tuple[core.Core, core.Core]] = field(default_factory=dict)
    _selections: dict[Key, Selection] = field(default_factory=dict)

    def written(self, node: core.Core, entity: str) -> Function:
        """The node as a function of a row of an entity."""
        return self.interpreter.compiler.written(node, entity)

    def lowered(self, node: core.Derived) -> core.Core:
        """What a derived node is lowered to."""
        if id(node) not in self._lowered:
            self._lowered[id(node)] = node, lowered(node, self.interpreter.program.parameters)
        return self._lowered[id(node)][1]

    def selection(self, decision: Decision) -> Selection:
        """The provisions of a decision as branches."""
        if decision.key not in self._selections:
            self._selections[decision.key] = selection(decision)
        return self._selections[decision.key]

    @cached_property
    def decisions(self) -> dict[Key, Decision]:
        """Every decision by key."""
        return {decision.key: decision for decision in self.interpreter.program.decisions}


@dataclass
class Possibilities:
    """What the values of one decided case may be. Evaluate within `values.EXACT`."""

    functions: Functions
    memory: dict[tuple[Row, str], Possible] = field(default_factory=dict)
    pending: set[tuple[Row, str]] = field(default_factory=set)

    @property
    def program(self) -> Program:
        return self.functions.interpreter.program

    # -- decisions ---------------------------------------------------------------------------

    def decision(self, row: Row, name: str) -> Possible:
        """What a decision of a row may be."""
        known = _of_value(row.values.get(name))
        if known is not None:
            return known
        decision = self.functions.decisions.get((row.entity, name))
        if decision is None:
            return ABSENT  # the other side's alone
        if (row, name) in self.pending:
            return replace(range_of(decision.type, self.program), absent=True)
        if (row, name) not in self.memory:
            self.pending.add((row, name))
            decided = self._decided(decision, row, limited=True)
            self.memory[row, name] = within(decided, range_of(decision.type, self.program))
            self.pending.discard((row, name))
        return self.memory[row, name]

    def _decided(self, decision: Decision, row: Row, *, limited: bool) -> Possible:
        tiers = self.functions.selection(decision)
        parts: list[Possible] = []
        for tier in (tiers.main, tiers.fallbacks):
            truths = {branch.index: self._truth(branch, row) for branch in tier.branches}
            certain = {index for index, (may, must) in truths.items() if must}
            parts += [
                self._paid(decision, branch.provision, row, limited=limited)
                for branch in tier.branches
                if truths[branch.index][0] and not certain.intersection(branch.exceptions)
            ]
            if certain:
                return hull(parts)
        return hull([*parts, ABSENT])

    def _truth(self, branch: Branch, row: Row) -> tuple[bool, bool]:
        """Whether a branch may apply, and whether it must."""
        may, must = True, True
        for condition in branch.condition:
            truth = self.value(condition, row)
            may &= truth.values is None or True in truth.values
            must &= truth.values == frozenset((True,)) and not truth.absent
            if not may:
                break
        return may, may and must

    def _paid(self, decision: Decision, provision: Provision, row: Row, *, limited: bool) -> Possible:
        raw = self.value(provision.value, row)
        if decision.written == "money":
            raw = self._each(raw, lambda amount: round_decimal(amount, 2, "half_up"))
        bounds = raw.bounds
        if bounds is None or not provision.limits:
            return raw
        low, high = numbers(bounds)
        if not limited:
            return Possible(ZERO, max(ZERO, high), None, raw.absent)
        for limit in provision.limits:
            most, balance = self.value(limit.limit, row), self._balance(limit.accumulator, row)
            if most.bounds is None or balance.bounds is None:
                low = min(low, ZERO)
                continue
            (least, largest), (before, after) = numbers(most.bounds), numbers(balance.bounds)
            low, high = min(low, least - after), min(high, largest - before)
        return Possible(max(ZERO, low), max(ZERO, high), None, raw.absent)

    # -- accumulators ------------------------------------------------------------------------

    def _balance(self, name: str, row: Row) -> Possible:
        """What an accumulator may hold before a row."""
        known = _of_value(row.before.get(name))
        if known is not None:
            return known
        accumulator = self.program.accumulators[name]
        low, high = self._opening(accumulator, row)
        for other in _beside(row, accumulator):
            if other is not row and not _is_later(other, row, self.program.entities[row.entity].date):
                least, most = self._adds(accumulator, other)
                low, high = low + least, high + most
        return Possible(low, high)

    def _opening(self, accumulator: Accumulator, row: Row) -> tuple[Decimal, Decimal]:
        if accumulator.opening is None:
            return ZERO, ZERO
        bounds = self.value(
            core.FactRef(*accumulator.opening, self.program.facts[accumulator.opening].type), row
        ).bounds
        low, high = (ZERO, ZERO) if bounds is None else numbers(bounds)
        return min(ZERO, low), max(ZERO, high)

    def _adds(self, accumulator: Accumulator, row: Row) -> tuple[Decimal, Decimal]:
        """The least and the most that a row may add, its own limit aside."""
        if accumulator.counts:
            return ZERO, Decimal(1)
        amount = _of_value(row.values.get(accumulator.sums))
        if amount is None:
            amount = self._decided(self.program.decision(row.entity, accumulator.sums), row, limited=False)
        low, high = (ZERO, ZERO) if amount.bounds is None else numbers(amount.bounds)
        settled = row.facts.get(self.program.settled_facts(row.entity).get(accumulator.sums, ""))
        if isinstance(settled, Decimal):
            low, high = min(low, settled), max(high, settled)
        return min(ZERO, low), max(ZERO, high)

    # -- expressions -------------------------------------------------------------------------

    def value(self, node: core.Core, row: Row) -> Possible:
        """What an expression may be at a row; what the case tells is taken from it."""
        try:
            concrete = self.functions.written(node, row.entity)(row)
        except RowError:
            return NONE
        known = _of_value(concrete)
        return self._open(node, row) if known is None else known

    def _open(self, node: core.Core, row: Row) -> Possible:
        """What an expression may be of which the case does not tell the value."""
        if isinstance(node, core.Leaf):
            return self._leaf(node, row)
        match node:
            case core.Op():
                return self._operation(node, row)
            case core.If():
                return self._conditional(node, row)
            case core.Round():
                return self._rounded(node, row)
            case core.Aggregate():
                return self._aggregated(node, row)
            case core.Earlier():
                return replace(range_of(node.type, self.program), absent=True)
            case core.InForce(cases=cases):
                return hull(self.value(case, row) for case in cases)
            case core.IsKnown() | core.Within() | core.SamePlace():  # places: not known, or too coarse
                return EITHER
            case core.FigureAt(parameter=name):
                return self._figure(name)
            case core.InSet():
                part = self._in_set(node, row)
                return self.value(self.functions.lowered(node), row) if part is None else part
            case core.Marginal() | core.BenefitYear() | core.Choice():
                return self.value(self.functions.lowered(node), row)
            case _:
                assert_never(node)

    def _leaf(self, leaf: core.Leaf, row: Row) -> Possible:
        match leaf:
            case core.FactRef(entity=entity, name=name):
                return self._fact(entity, name, row)
            case core.DecisionRef(entity=entity, name=name):
                above = _ancestor(row, entity)
                return ANYTHING if above is None else self.decision(above, name)
            case core.ParameterRef(name=name):
                return self._figure(name)
            case core.YearToDate(accumulator=accumulator):
                return self._balance(accumulator, row)
            case core.Const() | core.AsOf():
                return range_of(leaf.type, self.program)
            case core.NoValue():
                return ABSENT
            case core.Fail() | core.MissingFigure():  # no fact told gives it a value
                return NONE
            case _:
                assert_never(leaf)

    def _fact(self, entity: str, name: str, row: Row) -> Possible:
        """What an unknown fact may be: its range, as far as checks against known facts of its row allow."""
        fact = self.program.facts[entity, name]
        whole = range_of(fact.type, self.program)
        if whole.bounds is None or not isinstance(fact.type, core.Numeric):
            return whole
        low, high = numbers(whole.bounds)
        low, high = low if fact.low is None else fact.low, high if fact.high is None else fact.high
        owner = _ancestor(row, entity)
        for sign, bound in () if owner is None else self._checked(entity, name, owner):
            if sign == "most":
                high = max(low, min(high, bound))
            else:
                low = min(high, max(low, bound))
        return Possible(low, high)

    def _checked(
        self, entity: str, name: str, owner: Row
    ) -> Iterator[tuple[Literal["most", "least"], Decimal]]:
        """The known values that checks of a row hold a fact of it to: at most, or at least."""
        for check in self.program.entities[entity].checks:
            for part in conjuncts((check.condition,)):
                if not isinstance(part, core.Op) or part.op not in ("le", "lt", "ge", "gt"):
                    continue
                one, two = part.args
                for this, other, ops in ((one, two, ("le", "lt")), (two, one, ("ge", "gt"))):
                    if isinstance(this, core.FactRef) and (this.entity, this.name) == (entity, name):
                        value = self.functions.written(other, entity)(owner)
                        if isinstance(value, Decimal):
                            yield "most" if part.op in ops else "least", value

    def _figure(self, name: str) -> Possible:
        """Any value of the series, of which the day is unknown; one that is not published stays unknown."""
        parameter = self.program.parameters[name]
        return hull(exactly(dated.known) for dated in parameter.series if dated.known is not None)

    def _in_set(self, node: core.InSet, row: Row) -> Possible | None:
        """Whether a code is among others, where it is known which it may be."""
        argument = self.value(node.arg, row)
        if argument.values is None:
            return None
        truths = frozenset(value in node.values for value in argument.values)
        return Possible(values=truths, absent=argument.absent)

    def _conditional(self, node: core.If, row: Row) -> Possible:
        condition = self.value(node.condition, row)
        truths = TRUTHS if condition.values is None else condition.values
        parts = [self.value(node.then, row)] if True in truths else []
        parts += [self.value(node.otherwise, row)] if False in truths else []
        return hull([*parts, *([ABSENT] if condition.absent else [])])

    def _rounded(self, node: core.Round, row: Row) -> Possible:
        top = self.value(node.numerator, row)
        if node.denominator is None:
            return self._each(top, lambda number: round_decimal(number, node.digits, node.mode))
        bottom = self.value(node.denominator, row)
        absent = top.absent or bottom.absent
        if top.bounds is None or bottom.bounds is None:
            return replace(range_of(node.type, self.program), absent=absent)
        lower, upper = numbers(bottom.bounds)
        if lower <= 0 <= upper:
            return replace(range_of(node.type, self.program), absent=absent)
        quotients = [
            round_quotient(one, other, node.digits, node.mode)
            for one in numbers(top.bounds)
            for other in (lower, upper)
        ]
        return Possible(min(quotients), max(quotients), None, absent)

    @staticmethod
    def _each(part: Possible, change: object) -> Possible:
        """A function that never falls applied to numbers."""
        assert callable(change)
        if part.bounds is None:
            return part
        low, high = numbers(part.bounds)
        return replace(part, low=change(low), high=change(high))

    # -- operations --------------------------------------------------------------------------

    def _operation(self, node: core.Op, row: Row) -> Possible:
        if node.op in ("and", "or"):
            return self._logic(node, row)
        parts = [self.value(argument, row) for argument in node.args]
        if any(part.impossible and not part.absent for part in parts):
            return NONE
        absent = any(part.absent for part in parts)
        if node.op == "holds":
            truths = TRUTHS if parts[0].values is None else parts[0].values
            return Possible(values=truths | (frozenset((False,)) if absent else frozenset()))
        return replace(self._strict(node, parts), absent=absent)

    def _logic(self, node: core.Op, row: Row) -> Possible:
        decisive = node.op == "or"
        sure, absent = True, False
        for argument in node.args:
            part = self.value(argument, row)
            truths = TRUTHS if part.values is None else part.values
            if truths == frozenset((decisive,)) and not part.absent:
                return exactly(decisive)
            sure &= decisive not in truths
            absent |= part.absent
        return Possible(values=frozenset((not decisive,)) if sure else TRUTHS, absent=absent)

    def _strict(self, node: core.Op, parts: Sequence[Possible]) -> Possible:
        """An operation of which every operand has a value."""
        match node.op:
            case "not":
                values = parts[0].values
                return EITHER if values is None else Possible(values=frozenset(not value for value in values))
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                return compared(node.op, parts[0], parts[1])
            case "neg" | "add" | "sub" | "mul" | "abs" | "min" | "max":
                bounds = [part.bounds for part in parts]
                if any(pair is None for pair in bounds):
                    return range_of(node.type, self.program)
                return arithmetic(node.op, [numbers(pair) for pair in bounds if pair is not None])
            case _:
                return range_of(node.type, self.program)

    def _aggregated(self, node: core.Aggregate, row: Row) -> Possible:
        """An aggregate over the rows that the record holds; rejected ones keep what rests on them unknown."""
        if node.levels:
            return EITHER if isinstance(node.type, core.Boolean) else range_of(node.type, self.program)
        children = [c for c in row.current.children if c.entity == node.child and c.rejection is None]
        items: list[tuple[Possible, bool]] = []  # its value, whether it certainly counts
        for child in children:
            where = EITHER if node.where is None else self.value(node.where, child)
            truths = (
                frozenset((True,)) if node.where is None else TRUTHS if where.values is None else where.values
            )
            if True not in truths:
                continue
            body = exactly(Decimal(1)) if node.body is None else self.value(node.body, child)
            items.append((body, truths == frozenset((True,)) and not (node.where and where.absent)))
        return _brought_together(node, items, self.program)


def _brought_together(
    node: core.Aggregate, items: Sequence[tuple[Possible, bool]], program: Program
) -> Possible:
    match node.kind:
        case "count":
            sure = sum(certain and not body.absent for body, certain in items)
            return Possible(Decimal(sure), Decimal(len(items)))
        case "sum":
            low = high = ZERO
            for body, certain in items:
                if body.impossible:
                    continue
                if body.bounds is None:
                    return range_of(node.type, program)
                least, most = numbers(body.bounds)
                optional = body.absent or not certain
                low, high = (
                    low + (min(ZERO, least) if optional else least),
                    high + (max(ZERO, most) if optional else most),
                )
            return Possible(low, high)
        case "min" | "max":
            bounds = [body.bounds for body, _ in items if not body.impossible]
            if not bounds or any(pair is None for pair in bounds):
                return range_of(node.type, program)
            pairs = [pair for pair in bounds if pair is not None]
            return Possible(min(p[0] for p in pairs), max(p[1] for p in pairs))
        case "some" | "every" | "first":
            return EITHER
        case _:
            assert_never(node.kind)


def _of_value(value: Value | None) -> Possible | None:
    """The value as a range; None where it is unknown, or was never decided."""
    match value:
        case None | Unknown():
            return None
        case NotModelled():
            return ABSENT
        case _:
            return exactly(value)


def _ancestor(row: Row, entity: str) -> Row | None:
    above: Row | None = row
    while above is not None and above.entity != entity:
        above = above.parent
    return above


def _beside(row: Row, accumulator: Accumulator) -> list[Row]:
    """The rows that share an accumulator's holder: of the person, or of what stands above."""
    holder: Row | None = row.parent
    while (
        holder is not None
        and holder.parent is not None
        and holder.entity != (accumulator.holder or holder.entity)
    ):
        holder = holder.parent
    rows, waiting = [], [] if holder is None else [holder.current]
    while waiting:
        at = waiting.pop()
        if at.entity == accumulator.entity:
            rows.append(at)
        waiting += at.children
    return rows


def _is_later(other: Row, row: Row, date: str | None) -> bool:
    """Whether a row certainly comes after another."""
    if date is None:
        return False
    one, day = other.facts.get(date), row.facts.get(date)
    if not isinstance(one, dt.date) or not isinstance(day, dt.date):
        return False
    return (one, other.key) > (day, row.key)
