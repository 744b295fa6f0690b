"""Decisions cut into stages: what is decided together at one entity, and so the order rows fail in.

In: a program. Out: `Stage`s in order.
Invariants: what a stage reads of other rows stands in earlier stages, save what accumulators hold;
an ancestor's decisions come first as long as one of them can be made.

An error rejects its row, and what read the row may be known no longer. So that every back end rejects
the same rows: first every row that fails for facts alone (`failing.fails_alone`); if there is none, in the
first stage where a row fails, every failing row of an undated entity, and of a dated one the earliest
of each parent; then everything is decided anew, until no row fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mianshen.program.core import Aggregate, Core, DecisionRef, walk
from mianshen.program.order import accumulator_reads, counted_by, reads
from mianshen.program.program import Decision, Key, Program
from mianshen.program.remembered import remembered
from mianshen.program.totals import grouped


@dataclass(frozen=True, slots=True)
class Stage:
    """Decisions of one entity, in dependency order."""

    entity: str
    decisions: tuple[Decision, ...]


def nodes_of(decision: Decision) -> list[Core]:
    """Every expression of a decision."""
    return [root for provision in decision.provisions for root in provision.roots]


Reads: TypeAlias = tuple[frozenset[Key], frozenset[Key]]  # decisions, facts


def reads_of(decision: Decision, program: Program) -> Reads:
    """The (decisions, facts) a decision reads, through its accumulators too."""
    known = _reads(program)
    if id(decision) not in known:
        known[id(decision)] = decision, _reads_of(decision, program)
    return known[id(decision)][1]


@remembered
def _reads(_: Program) -> dict[int, tuple[Decision, Reads]]:
    """What was found of its decisions, by identity."""
    return {}


def _reads_of(decision: Decision, program: Program) -> Reads:
    counts = counted_by(program.entities)
    decisions, facts = reads(nodes_of(decision), program.accumulators, counts)
    for provision in decision.provisions:
        for name in provision.feeds:
            more = accumulator_reads(program.accumulators[name], counts)
            decisions |= more[0]
            facts |= more[1]
    return frozenset(decisions), frozenset(facts)


@remembered
def read_below(program: Program) -> frozenset[Key]:
    """The decisions of an entity with rows over time that rows below it read: those its versions make."""
    above = {e.name for e in program.entities.values() if e.valid_from is not None}
    reads = {d.key: {k for k in reads_of(d, program)[0] if k[0] in above} for d in program.decisions}
    pending = [key for d in program.decisions if d.entity not in above for key in reads[d.key]]
    pending += [key for d in program.decisions for key in _from_below(d, program) if key[0] in above]
    keys: set[Key] = set()
    while pending:
        key = pending.pop()
        if key not in keys:
            keys.add(key)
            pending += reads[key]
    return frozenset(keys)


def _from_below(decision: Decision, program: Program) -> Iterator[Key]:
    """The decisions that an aggregate reads at child rows, of those rows' ancestors."""
    for aggregate, node in _inside(_all_nodes(decision, program)):
        if isinstance(node, DecisionRef) and node.entity != aggregate.child:
            yield node.entity, node.name


@remembered
def stages(program: Program) -> tuple[Stage, ...]:
    """Every decision, the ancestors' first as long as one of theirs can be made."""
    waiting = list(program.decisions)
    own = {d.key: (_over(d, program), reads_of(d, program)[0]) for d in waiting}
    groups = grouped({key: read for key, (_, read) in own.items()})
    needs = _together(own, groups)
    entities = parents_first(program)
    done: set[Key] = set()
    ordered: list[Stage] = []
    while waiting:
        entity, taken = next((e, t) for e in entities if (t := list(_ready(e, waiting, done, needs, groups))))
        ordered.append(Stage(entity, tuple(taken)))
        done |= {d.key for d in taken}
        waiting = [d for d in waiting if d.key not in done]
    return tuple(ordered)


def _together(needs: Mapping[Key, Reads], groups: Mapping[Key, frozenset[Key]]) -> dict[Key, Reads]:
    """Decisions that read one another's running totals wait for what any of them needs."""
    joined = dict(needs)
    for key, group in groups.items():
        over = frozenset(need for other in group for need in needs[other][0])
        read = frozenset(need for other in group for need in needs[other][1])
        joined[key] = over, read - group
    return joined


def _ready(
    entity: str, waiting: list[Decision], done: set[Key], needs: Mapping[Key, Reads],
    groups: Mapping[Key, frozenset[Key]],
) -> Iterator[Decision]:  # fmt: skip
    """The decisions of an entity that read only what is done or ready; over children, only what is done.

    Those that read one another's running totals come in one stage, also where one of them stands before what another needs.
    """
    ready: set[Key] = set()
    for decision in waiting:
        if decision.entity != entity:
            continue
        over, read = needs[decision.key]
        if decision.key not in ready and over <= done and read <= done | ready:
            if decision.key not in groups:
                ready.add(decision.key)
                yield decision
                continue
            ready |= groups[decision.key]
            yield from (other for other in waiting if other.key in groups[decision.key])


def _over(decision: Decision, program: Program) -> frozenset[Key]:
    """The decisions that a decision reads of children."""
    inside = (node for _, node in _inside(_all_nodes(decision, program)))
    return frozenset((node.entity, node.name) for node in inside if isinstance(node, DecisionRef))


def _all_nodes(decision: Decision, program: Program) -> list[Core]:
    """The decision's expressions and the filters of its accumulators."""
    return [*nodes_of(decision), *filters_of(decision, program)]


def filters_of(decision: Decision, program: Program) -> list[Core]:
    """The filters of the accumulators that the decision's payments count in."""
    fed = dict.fromkeys(name for p in decision.provisions for name in p.feeds)
    over = [program.accumulators[name].over for name in fed]
    return [node for node in over if node is not None]


def _inside(nodes: Iterable[Core]) -> Iterator[tuple[Aggregate, Core]]:
    """What stands inside aggregates, each with its aggregate."""
    for root in nodes:
        for node in walk(root):
            if isinstance(node, Aggregate):
                parts = (part for part in (node.where, node.body) if part is not None)
                yield from ((node, inner) for part in parts for inner in walk(part))


@remembered
def joint(program: Program) -> dict[str, str]:
    """The entities whose rows are taken in turn beyond those of one parent, to the entity that shares them."""
    order = parents_first(program)
    shared: dict[str, str] = {}
    for accumulator in program.accumulators.values():
        entity, holder = accumulator.entity, accumulator.holder
        if holder != program.entities[entity].parent:
            shared[entity] = min(holder, shared.get(entity, holder), key=order.index)
    return shared


def parents_first(program: Program) -> list[str]:
    """Entities, ancestors before descendants."""
    return sorted(program.entities, key=lambda name: len(program.ancestors(name)))
