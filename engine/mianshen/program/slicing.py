"""A program cut down to what some of its decisions rest on.

In: a program, decisions by key. Out: a program that gives those decisions the same values and decides
nothing else.
Invariants: what is kept is kept as it is, in the same order. An error in a decision that is left out no
longer rejects a row: who shows an answer decides it once more by the whole program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mianshen.program.order import balances_read
from mianshen.program.program import Benefit, Entity, Key, Program
from mianshen.program.stages import nodes_of, reads_of


def rests_on(program: Program, keys: Iterable[Key]) -> frozenset[Key]:
    """The decisions and every decision they read, directly or not."""
    decisions = {decision.key: decision for decision in program.decisions}
    reached: set[Key] = set()
    pending = list(keys)
    while pending:
        key = pending.pop()
        if key not in reached:
            reached.add(key)
            pending += reads_of(decisions[key], program)[0]
    return frozenset(reached)


def part_of(program: Program, keys: Iterable[Key]) -> Program:
    """The program of those decisions alone; benefits and entities lose what is not decided any more."""
    part = rests_on(program, keys)
    decisions = tuple(d for d in program.decisions if d.key in part)
    used = {name for decision in decisions for provision in decision.provisions for name in provision.feeds}
    used |= balances_read(root for decision in decisions for root in nodes_of(decision))
    return replace(
        program,
        decisions=decisions,
        accumulators={name: a for name, a in program.accumulators.items() if name in used},
        benefits={n: _cut(b, part) for n, b in program.benefits.items() if (b.entity, b.eligible) in part},
        entities={name: _bare(entity, part) for name, entity in program.entities.items()},
        shown={e: tuple(n for n in names if (e, n) in part) for e, names in program.shown.items()},
    )


def benefit_keys(benefit: Benefit) -> tuple[Key, ...]:
    """The decisions a benefit's answer consists of: eligibility, and the amount if it has one."""
    names = (benefit.eligible, *(() if benefit.amount is None else (benefit.amount,)))
    return tuple((benefit.entity, name) for name in names)


def _cut(benefit: Benefit, part: frozenset[Key]) -> Benefit:
    amount = benefit.amount if (benefit.entity, benefit.amount or "") in part else None
    return replace(
        benefit, amount=amount, shows=tuple(n for n in benefit.shows if (benefit.entity, n) in part)
    )


def _bare(entity: Entity, part: frozenset[Key]) -> Entity:
    def there(name: str | None) -> str | None:
        return name if (entity.name, name or "") in part else None

    return replace(entity, outcome=there(entity.outcome), explained_by=there(entity.explained_by))
