"""Decisions in dependency order, or the circle that prevents it.

In: decisions by key with the keys each one reads. Out: the keys sorted so that what is read comes
first, and the circles found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from mianshen.program import core
from mianshen.program.program import Accumulator, Entity, Key


def counted_by(entities: Mapping[str, Entity]) -> dict[str, Key | None]:
    """For each child entity, its parent's fact that says how many children there are."""
    return {
        e.name: (e.parent, e.counted_by) if e.parent is not None and e.counted_by is not None else None
        for e in entities.values()
    }


def reads(
    nodes: Sequence[core.Core], accumulators: Mapping[str, Accumulator], counted_by: Mapping[str, Key | None]
) -> tuple[set[Key], set[Key]]:
    """The (decisions, facts) that expressions read.

    A limit reads its accumulator's filter, opening and splitting facts; `year to date` also the
    decision that the accumulator sums.
    """
    decisions: set[Key] = set()
    facts: set[Key] = set()
    for root in nodes:
        for node in core.walk(root):
            if isinstance(node, core.Leaf):
                leaf_decisions, leaf_facts = _leaf_reads(node, accumulators, counted_by)
                decisions |= leaf_decisions
                facts |= leaf_facts
            elif isinstance(node, core.Aggregate):
                counted = (counted_by.get(level) for level in node.levels or (node.child,))
                facts |= {fact for fact in counted if fact is not None}
    return decisions, facts


def _leaf_reads(
    leaf: core.Leaf, accumulators: Mapping[str, Accumulator], counted_by: Mapping[str, Key | None]
) -> tuple[set[Key], set[Key]]:
    match leaf:
        case core.DecisionRef(entity=owner, name=name):
            return {(owner, name)}, set()
        case core.FactRef(entity=owner, name=name):
            return set(), {(owner, name)}
        case core.YearToDate(accumulator=name):
            if name not in accumulators:
                return set(), set()
            decisions, facts = accumulator_reads(accumulators[name], counted_by)
            return decisions | {(accumulators[name].entity, accumulators[name].sums)}, facts
        case (
            core.AsOf()
            | core.Const()
            | core.Fail()
            | core.MissingFigure()
            | core.NoValue()
            | core.ParameterRef()
        ):
            return set(), set()
        case _:
            assert_never(leaf)


def summed_earlier(
    nodes: Sequence[core.Core], accumulators: Mapping[str, Accumulator], entity: str
) -> set[Key]:
    """The decisions of an entity whose running totals expressions at a row of it read: of earlier rows."""
    totals = (accumulators[name] for name in balances_read(nodes) if name in accumulators)
    return {(total.entity, total.sums) for total in totals if total.entity == entity}


def balances_read(nodes: Iterable[core.Core]) -> set[str]:
    """The accumulators of which expressions read the balance."""
    return {
        node.accumulator for root in nodes for node in core.walk(root) if isinstance(node, core.YearToDate)
    }


def accumulator_reads(
    accumulator: Accumulator, counted_by: Mapping[str, Key | None]
) -> tuple[set[Key], set[Key]]:
    """The (decisions, facts) that say which rows an accumulator takes in, and what it opens with."""
    over = () if accumulator.over is None else (accumulator.over,)
    decisions, facts = reads(over, {}, counted_by)
    return decisions, facts | set(accumulator.facts)


def parameters_read(nodes: Sequence[core.Core]) -> set[str]:
    """The parameters that expressions look up, scales included."""
    names: set[str] = set()
    for root in nodes:
        for node in core.walk(root):
            if isinstance(node, core.ParameterRef):
                names.add(node.name)
            elif isinstance(node, core.Marginal):
                names.add(node.scale)
            elif isinstance(node, core.FigureAt):
                names.add(node.parameter)
    return names


def in_order(edges: Mapping[Key, set[Key]]) -> tuple[list[Key], list[list[Key]]]:
    """Keys with what each reads first, stable in the given order; and every circle met."""
    done: dict[Key, int] = {}
    ordered: list[Key] = []
    circles: list[list[Key]] = []
    for root in edges:
        stack: list[tuple[Key, list[Key]]] = [] if root in done else [(root, sorted(edges[root]))]
        if stack:
            done[root] = 1
        while stack:
            key, pending = stack[-1]
            if not pending:
                stack.pop()
                done[key] = 2
                ordered.append(key)
                continue
            following = pending.pop(0)
            if following not in edges:
                continue
            state = done.get(following)
            if state is None:
                done[following] = 1
                stack.append((following, sorted(edges[following])))
            elif state == 1:
                path = [k for k, _ in stack]
                circles.append([*path[path.index(following) :], following])
    return ordered, circles
