"""Which expressions can fail on a row, and which fail for facts alone, whatever else is rejected.

In: core nodes, a program. Out: predicates; the decisions of which it can be told before anything is
known of other rows. An error is a gap in a series, a division by zero, a date out of range, a conflict,
an extreme of nothing.
"""

from __future__ import annotations

from typing import assert_never

from mianshen.program import core
from mianshen.program.core import Aggregate, Core, DecisionRef, Earlier, YearToDate, children, walk
from mianshen.program.program import Key, Program
from mianshen.program.stages import filters_of


def fallible(node: Core) -> bool:
    """Whether evaluating the node can be an error; decisions it reads aside, they fail by themselves."""
    return any(_may_fail(inner) for inner in walk(node))


def _may_fail(node: Core) -> bool:
    if isinstance(node, core.Leaf):
        return isinstance(node, core.ParameterRef | core.Fail)
    match node:
        case core.Marginal() | core.FigureAt() | core.InForce():
            return True
        case core.Round(denominator=bottom):
            return bottom is not None
        case core.Op(op=op):
            return op in ("add_months", "add_days")
        case core.Choice(policy=policy):
            return policy == "any"
        case Aggregate(kind=kind):
            return kind in ("min", "max")
        case core.InSet() | core.Within() | core.SamePlace() | core.If() | core.IsKnown():
            return False
        case core.BenefitYear() | Earlier():
            return False
        case _:
            assert_never(node)


def steady(node: Core, decided: set[Key]) -> bool:
    """Whether the node's value rests on facts alone; `decided`: the decisions whose value does."""
    return not any(
        isinstance(n, Aggregate | Earlier | YearToDate)
        or (isinstance(n, DecisionRef) and (n.entity, n.name) not in decided)
        for n in walk(node)
    )


def errs_alone(node: Core, decided: set[Key]) -> bool:
    """Whether it rests on facts alone if evaluating the node is an error."""
    if not fallible(node) or steady(node, decided):
        return True
    if isinstance(node, core.Leaf):
        return True
    match node:
        case core.Op(op="and" | "or" | "add_months" | "add_days"):
            return False
        case core.Op(args=args):
            return all(errs_alone(a, decided) for a in args)
        case core.If(condition=condition, then=then, otherwise=otherwise):
            return steady(condition, decided) and errs_alone(then, decided) and errs_alone(otherwise, decided)
        case core.Round(numerator=top, denominator=None):
            return errs_alone(top, decided)
        case core.InSet(arg=arg) | core.Within(arg=arg) | core.IsKnown(arg=arg) | core.BenefitYear(date=arg):
            return errs_alone(arg, decided)
        case core.Marginal(date=None, inverse=False):
            return all(errs_alone(part, decided) for part in children(node))
        case core.SamePlace(one=one, other=other):
            return errs_alone(one, decided) and errs_alone(other, decided)
        case core.Round() | core.Choice() | Aggregate() | Earlier():
            return False
        case core.InForce() | core.Marginal() | core.FigureAt():
            return False
        case _:
            assert_never(node)


def fails_alone(program: Program) -> frozenset[Key]:
    """The decisions whose failing on a row rests on facts alone, its own and its ancestors'."""
    decided: set[Key] = set()
    keys: set[Key] = set()
    for decision in program.decisions:
        conditions = [c for p in decision.provisions for c in p.condition]
        if not all(steady(c, decided) for c in conditions):
            continue
        values = [p.value for p in decision.provisions]
        constant = all(steady(v, decided) for v in values) and not any(p.limits for p in decision.provisions)
        limits = [limit.limit for p in decision.provisions for limit in p.limits]
        parts = [*values, *limits, *filters_of(decision, program)]
        if all(errs_alone(part, decided) for part in parts) and (constant or not decision.may_overflow):
            keys.add(decision.key)
        if constant:
            decided.add(decision.key)
    return frozenset(keys)
