"""Decisions that a record may give: what a fact says comes before every provision.

In: facts, and the provisions of a decision. Out: a provision more, to which all others yield.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mianshen.program.core import FactRef, IsKnown
from mianshen.program.program import Accumulator, Citation, Fact, Key, Provision


def overriding(
    key: Key, facts: Mapping[Key, Fact], accumulators: Mapping[str, Accumulator]
) -> list[Provision]:
    """The provision that gives a decision what a fact says, where one overrides it."""
    feeds = tuple(name for name, a in accumulators.items() if (a.entity, a.sums) == key)
    return [
        Provision(
            name=fact.name, title=fact.title, areas=(), start=None, end=None,
            condition=(IsKnown(FactRef(owner, fact.name, fact.type)),), value=FactRef(owner, fact.name, fact.type),
            limits=(), feeds=feeds, fallback=False, exceptions=(), status="in_force", citation=Citation(None, None),
            basis=None, when_text=f"{fact.name} is known", value_text=fact.name,
        )
        for (owner, _), fact in facts.items()
        if (owner, fact.overrides) == key
    ]  # fmt: skip


def overridden(provisions: tuple[Provision, ...], facts: Mapping[Key, Fact]) -> tuple[Provision, ...]:
    """Provisions of one decision in order: before all comes what a fact says."""
    names = {fact.name for fact in facts.values() if fact.overrides is not None}
    from_facts = tuple(provision for provision in provisions if provision.name in names)
    if not from_facts:
        return provisions
    others = (p for p in provisions if p.name not in names)
    return (
        *from_facts,
        *(replace(p, exceptions=(*p.exceptions, *(g.name for g in from_facts))) for p in others),
    )
