"""What a node reads by its name: the one place that knows it of every kind of node.

In: a core node. Out: the `Reference` of the node itself, whatever stands below it aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from mianshen.program import core

Kind: TypeAlias = Literal["fact", "decision", "parameter", "accumulator", "rows"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A fact or decision of an entity, a parameter, an accumulator, or the rows of an entity (its name)."""

    kind: Kind
    name: str
    entity: str = ""  # of a fact or decision


def reference(node: core.Core) -> Reference | None:
    """What the node reads; None where only its parts read something."""
    if isinstance(node, core.Leaf):
        return _of_leaf(node)
    match node:
        case core.Marginal(scale=name) | core.FigureAt(parameter=name) | core.InForce(parameter=name):
            return Reference("parameter", name)
        case core.Aggregate(child=name) | core.Earlier(entity=name):
            return Reference("rows", name)
        case core.Op() | core.If() | core.Round() | core.IsKnown() | core.Choice():
            return None
        case core.InSet() | core.Within() | core.SamePlace() | core.BenefitYear():
            return None
        case _:
            assert_never(node)


def _of_leaf(leaf: core.Leaf) -> Reference | None:
    match leaf:
        case core.FactRef(entity=entity, name=name):
            return Reference("fact", name, entity)
        case core.DecisionRef(entity=entity, name=name):
            return Reference("decision", name, entity)
        case core.ParameterRef(name=name) | core.MissingFigure(parameter=name):
            return Reference("parameter", name)
        case core.YearToDate(accumulator=name):
            return Reference("accumulator", name)
        case core.Const() | core.AsOf() | core.NoValue() | core.Fail():
            return None
        case _:
            assert_never(leaf)
