"""Decisions in dependency order, or the circle that prevents it.

In: decisions by key with the keys each one reads. Out: the keys sorted so that what is read comes
first, and the circles found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    nodes: Sequence[core.Core],
    accumulators: Mapping[str, Accumulator],
    entity: str,  # noqa: ARG001  # where the expressions stand
    counted_by: Mapping[str, Key | None],
) -> tuple[set[Key], set[Key]]:
    """The (decisions, facts) that expressions at an entity read.

    A limit reads its accumulator's filter, opening and splitting facts; `year to date` also the
    decision that the accumulator sums.
    """
    decisions: set[Key] = set()
    facts: set[Key] = set()
    for root in nodes:
        for node in core.walk(root):
            if isinstance(node, core.Derived):
                continue
            match node:
                case core.DecisionRef(entity=owner, name=name):
                    decisions.add((owner, name))
                case core.FactRef(entity=owner, name=name):
                    facts.add((owner, name))
                case core.Aggregate(child=child, levels=levels):
                    counted = (counted_by.get(level) for level in levels or (child,))
                    facts |= {fact for fact in counted if fact is not None}
                case core.YearToDate(accumulator=name) if name in accumulators:
                    more = accumulator_reads(accumulators[name], counted_by)
                    decisions |= more[0] | {(accumulators[name].entity, accumulators[name].sums)}
                    facts |= more[1]
                case (
                    core.AsOf()
                    | core.Const()
                    | core.Fail()
                    | core.MissingFigure()
                    | core.NoValue()
                    | core.ParameterRef()
                    | core.YearToDate()
                ):
                    pass
                case core.Earlier() | core.If() | core.InForce() | core.IsKnown() | core.Op() | core.Round():
                    pass
                case _:
                    assert_never(node)
    return decisions, facts


def summed_earlier(
    nodes: Sequence[core.Core], accumulators: Mapping[str, Accumulator], entity: str
) -> set[Key]:
    """The decisions of an entity whose running totals expressions at a row of it read: of earlier rows."""
    names = {
        node.accumulator for root in nodes for node in core.walk(root) if isinstance(node, core.YearToDate)
    }
    totals = (accumulators[name] for name in names if name in accumulators)
    return {(total.entity, total.sums) for total in totals if total.entity == entity}


def accumulator_reads(
    accumulator: Accumulator, counted_by: Mapping[str, Key | None]
) -> tuple[set[Key], set[Key]]:
    over = () if accumulator.over is None else (accumulator.over,)
    decisions, facts = reads(over, {}, accumulator.entity, counted_by)
    facts |= set(accumulator.facts)
    return decisions, facts


def parameters_read(nodes: Sequence[core.Core]) -> set[str]:
    """The parameters that expressions look up, scales included."""
    names: set[str] = set()
    for root in nodes:
        pending = [root]
        while pending:
            node = pending.pop()
            if isinstance(node, core.ParameterRef):
                names.add(node.name)
            if isinstance(node, core.Marginal):
                names.add(node.scale)
            if isinstance(node, core.FigureAt):
                names.add(node.parameter)
            pending.extend(core.children(node))
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
