"""Decisions that a record may give: what a fact says comes before every provision.

In: facts, and the provisions of a decision. Out: a provision more, to which all others yield.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mianshen.program.core import FactRef, IsKnown
from mianshen.program.program import Accumulator, Citation, Fact, Key, Provision


def overriding_facts(facts: Iterable[Fact]) -> dict[Key, list[Fact]]:
    """By decision, the facts that come before its provisions."""
    by_decision: dict[Key, list[Fact]] = {}
    for fact in facts:
        if fact.overrides is not None:
            by_decision.setdefault((fact.entity, fact.overrides), []).append(fact)
    return by_decision


def overriding(key: Key, facts: Iterable[Fact], accumulators: Mapping[str, Accumulator]) -> list[Provision]:
    """The provisions that give a decision what facts say of it."""
    return [
        Provision(
            name=fact.name, title=fact.title, areas=(), start=None, end=None,
            condition=(IsKnown(FactRef(fact.entity, fact.name, fact.type)),),
            value=FactRef(fact.entity, fact.name, fact.type),
            limits=(), feeds=tuple(name for name, a in accumulators.items() if (a.entity, a.sums) == key),
            fallback=False, exceptions=(), status="in_force", citation=Citation(None, None),
            basis=None, when_text=f"{fact.name} is known", value_text=fact.name,
        )
        for fact in facts
    ]  # fmt: skip


def overridden(provisions: tuple[Provision, ...], facts: Iterable[Fact]) -> tuple[Provision, ...]:
    """Provisions of one decision in order: before all comes what facts say of it."""
    names = {fact.name for fact in facts}
    from_facts = tuple(provision for provision in provisions if provision.name in names)
    if not from_facts:
        return provisions
    others = (p for p in provisions if p.name not in names)
    before = tuple(provision.name for provision in from_facts)
    return (*from_facts, *(replace(p, exceptions=(*p.exceptions, *before)) for p in others))
