"""The program cut into steps: which decisions are made together at which entity, in which order.

In: a program. Out: `Step`s, each the decisions of one entity that what came before allows, cut into
levels: within a level no decision reads another, and a level that feeds a limit ends at its window.
Invariant: a step has at most `DEEPEST` levels, so that a long chain of decisions is several steps, each a
query of bounded depth that reads of the steps before it only what it needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeGuard

from mianshen.program import core
from mianshen.program.order import balances_read
from mianshen.program.program import Decision, Key, Program
from mianshen.program.remembered import remembered
from mianshen.program.slicing import rests_on
from mianshen.program.stages import nodes_of, parents_first, reads_of, stages
from mianshen.program.totals import grouped

__all__ = [
    "Plan", "Step", "aggregates_of", "nodes_of", "outer_reads", "outermost", "parents_first", "plan",
    "read_elsewhere", "reads_of", "uses_year_to_date", "voidable",
]  # fmt: skip

DEEPEST: Final = 12  # levels of a step; the depth of its query is some times that


@dataclass(frozen=True, slots=True)
class Step:
    """Decisions of one entity, `levels` in order. `stage`: the number of the program's stage they are of."""

    entity: str
    levels: tuple[tuple[Decision, ...], ...]
    stage: int

    @property
    def decisions(self) -> tuple[Decision, ...]:
        return tuple(d for level in self.levels for d in level)


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    facts: frozenset[Key]  # every fact that some decision reads
    decisions: frozenset[Key]


def plan(program: Program, wanted: Iterable[Key]) -> Plan:
    """Steps for the wanted decisions: the program's stages as far as they are needed, deep ones in pieces."""
    keys = rests_on(program, wanted)
    steps: list[Step] = []
    for number, stage in enumerate(stages(program)):
        levels = _levels([d for d in stage.decisions if d.key in keys], program)
        pieces = (levels[first : first + DEEPEST] for first in range(0, len(levels), DEEPEST))
        steps += [Step(stage.entity, piece, number) for piece in pieces]
    facts = frozenset(f for d in program.decisions if d.key in keys for f in reads_of(d, program)[1])
    return Plan(tuple(steps), facts, keys)


def _levels(decisions: list[Decision], program: Program) -> tuple[tuple[Decision, ...], ...]:
    """Decisions by how many others of the step they stand on; those that read one another's totals together."""
    keys = {d.key for d in decisions}
    reads = {d.key: reads_of(d, program)[0] & keys for d in decisions}
    groups = grouped(reads)
    level: dict[Key, int] = {}
    for decision in decisions:
        group = groups.get(decision.key, frozenset({decision.key}))
        below = [level[k] for other in group for k in reads[other] - group]
        level[decision.key] = 1 + max(below, default=-1)
    levels: dict[int, list[Decision]] = defaultdict(list)
    for decision in decisions:
        levels[level[decision.key]].append(decision)
    return tuple(tuple(levels[number]) for number in sorted(levels))


def aggregates_of(step: Step) -> list[core.Aggregate]:
    """The aggregates over children that a step's decisions use, each once."""
    return [n for n in outermost(node for d in step.decisions for node in nodes_of(d)) if _of_children(n)]


def _of_children(node: core.Aggregate | core.Earlier) -> TypeGuard[core.Aggregate]:
    return isinstance(node, core.Aggregate) and not node.levels


def outermost(nodes: Iterable[core.Core]) -> list[core.Aggregate | core.Earlier]:
    """What expressions ask of several rows, each once; what stands inside others is left out."""
    asking = (n for root in nodes for n in _own(root) if isinstance(n, core.Aggregate | core.Earlier))
    return list(dict.fromkeys(asking))


def outer_reads(nodes: Iterable[core.Core], entity: str) -> list[core.FactRef | core.DecisionRef]:
    """References to ancestors' columns in expressions at an entity (not inside aggregates)."""
    references: list[core.FactRef | core.DecisionRef] = []
    pending = list(nodes)
    while pending:
        node = pending.pop()
        asking = isinstance(node, core.FactRef) and node.asking
        if isinstance(node, core.FactRef | core.DecisionRef) and node.entity != entity and not asking:
            references.append(node)
        if not isinstance(node, core.Aggregate):
            pending.extend(core.children(node))
    return list(dict.fromkeys(references))


def uses_year_to_date(step: Step) -> set[str]:
    """The accumulators that a step reads or pays through."""
    paid_through = {name for d in step.decisions for p in d.provisions for name in p.feeds}
    return paid_through | balances_read(root for d in step.decisions for root in nodes_of(d))


def read_elsewhere(program: Program, accumulator: str) -> bool:
    """Whether `year to date` reads an accumulator's balance, so that every row needs it."""
    return accumulator in _balances_read(program)


@remembered
def _balances_read(program: Program) -> frozenset[str]:
    roots = [root for decision in program.decisions for root in nodes_of(decision)]
    roots += [a.over for a in program.accumulators.values() if a.over is not None]
    return frozenset(balances_read(roots))


def voidable(program: Program) -> frozenset[Key]:
    """The decisions that can be not modelled on some row: no provision always applies.

    Or what it reads can be.
    """
    keys: set[Key] = set()
    for decision in program.decisions:
        always = any(not p.condition for p in decision.provisions)
        values = [n for p in decision.provisions for n in _own(p.value)]
        limits = [n for p in decision.provisions for limit in p.limits for n in _own(limit.limit)]
        inherited = any(
            (isinstance(n, core.DecisionRef) and (n.entity, n.name) in keys)
            or isinstance(n, core.Earlier | core.NoValue)
            for n in (*values, *limits)
        )
        if inherited or not always:
            keys.add(decision.key)
    return frozenset(keys)


def _own(node: core.Core) -> list[core.Core]:
    """The node and what is below it, aggregates not entered: what they leave out contributes nothing."""
    if isinstance(node, core.Aggregate):
        return [node]
    return [node, *(inner for child in core.children(node) for inner in _own(child))]
