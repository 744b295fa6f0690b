"""Decisions in dependency order, or the circle that prevents it.

In: decisions by key with the keys each one reads. Out: the keys sorted so that what is read comes
first, and the circles found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from mianshen.program import core
from mianshen.program.program import Accumulator, Entity, Key
from mianshen.program.references import Kind, Reference, reference


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
    for node in (node for root in nodes for node in core.walk(root)):
        match reference(node):
            case Reference(kind="decision", entity=owner, name=name):
                decisions.add((owner, name))
            case Reference(kind="fact", entity=owner, name=name):
                facts.add((owner, name))
            case Reference(kind="accumulator", name=name) if name in accumulators:
                more_decisions, more_facts = accumulator_reads(accumulators[name], counted_by)
                decisions |= more_decisions | {(accumulators[name].entity, accumulators[name].sums)}
                facts |= more_facts
            case _:
                pass
        if isinstance(node, core.Aggregate):
            counted = (counted_by.get(level) for level in node.levels or (node.child,))
            facts |= {fact for fact in counted if fact is not None}
    return decisions, facts


def summed_earlier(
    nodes: Sequence[core.Core], accumulators: Mapping[str, Accumulator], entity: str
) -> set[Key]:
    """The decisions of an entity whose running totals expressions at a row of it read: of earlier rows."""
    totals = (accumulators[name] for name in balances_read(nodes) if name in accumulators)
    return {(total.entity, total.sums) for total in totals if total.entity == entity}


def balances_read(nodes: Iterable[core.Core]) -> set[str]:
    """The accumulators of which expressions read the balance."""
    return _names_read(nodes, "accumulator")


def parameters_read(nodes: Iterable[core.Core]) -> set[str]:
    """The parameters that expressions look up, scales included."""
    return _names_read(nodes, "parameter")


def _names_read(nodes: Iterable[core.Core], kind: Kind) -> set[str]:
    references = (reference(node) for root in nodes for node in core.walk(root))
    return {read.name for read in references if read is not None and read.kind == kind}


def accumulator_reads(
    accumulator: Accumulator, counted_by: Mapping[str, Key | None]
) -> tuple[set[Key], set[Key]]:
    """The (decisions, facts) that say which rows an accumulator takes in, and what it opens with."""
    over = () if accumulator.over is None else (accumulator.over,)
    decisions, facts = reads(over, {}, counted_by)
    return decisions, facts | set(accumulator.facts)


def in_order(edges: Mapping[Key, AbstractSet[Key]]) -> tuple[list[Key], list[list[Key]]]:
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
