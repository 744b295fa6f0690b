"""What names mean: the symbol table that formulas are checked against.

In: facts, decisions, parameters and collections of the rulebook. Out: lookups by entity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mianshen.program.core import Boolean, Code, Date, Listing, Numeric, Span_, String, Type
from mianshen.program.program import CodeList, Entity, Fact, Key


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A parameter as formulas see it; `type` is None for a scale or a month and day."""

    type: Type | None
    month_day: tuple[int, int] | None = None
    scale_rates: Numeric | None = None  # the range of a scale's rates


@dataclass(frozen=True, slots=True)
class Names:
    entities: Mapping[str, Entity]
    codes: Mapping[str, CodeList]
    facts: Mapping[Key, Fact]
    decisions: Mapping[Key, Type]
    parameters: Mapping[str, ParameterName]
    accumulators: Mapping[str, str]  # name: entity
    broken: frozenset[str]  # names whose own definition is already reported

    def ancestors(self, entity: str) -> list[str]:
        """The entity's parent, grandparent, … nearest first."""
        found: list[str] = []
        at = self.entities[entity].parent
        while at is not None and at in self.entities and at not in found:
            found.append(at)
            at = self.entities[at].parent
        return found

    def collection(self, entity: str, name: str) -> str | None:
        """The child entity that `entity` calls `name`."""
        for child in self.entities.values():
            if child.parent == entity and child.children == name:
                return child.name
        return None

    def of(self, entity: str) -> list[str]:
        """The facts and decisions of an entity."""
        return [name for owner, name in (*self.facts, *self.decisions) if owner == entity]

    def known_at(self, entity: str) -> list[str]:
        """Every name a formula at the entity may use bare."""
        collections = [e.children for e in self.entities.values() if e.parent == entity and e.children]
        return [*self.of(entity), *self.parameters, *self.accumulators, "as_of", *collections, *self.ancestors(entity)]


def describe(type_: Type) -> tuple[str, str]:
    """A type in words (English, Chinese)."""
    match type_:
        case Numeric():
            return "a number", "数值"
        case Boolean():
            return "true or false", "是非值"
        case Date():
            return "a date", "日期"
        case String(area=True):
            return "an area code", "行政区划代码"
        case String():
            return "text", "文本"
        case Code(codes=codes):
            return f"a code of {codes}", f"代码表 {codes} 的代码"
        case Listing():
            return "a list", "列表"
        case Span_():
            return "a duration", "时长"


