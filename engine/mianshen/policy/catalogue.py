"""What a rulebook holds, by name: what each thing reads, and who reads it.

In: a program. Out: `Entry`s to look up, and `Links` between them.
Invariants: a decision, fact or check belongs to an entity, everything else is the rulebook's own; a
jurisdiction and a date a provision is limited to are not counted as read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from mianshen.program import core
from mianshen.program.program import Accumulator, Decision, Program, Provision
from mianshen.source import Message, nearest
from mianshen.wording import wording

Kind: TypeAlias = Literal[
    "benefit", "decision", "provision", "parameter", "accumulator", "fact", "codes", "entity", "source", "planned",
    "function",
]  # fmt: skip
KIND: Final = cast("dict[Kind, Message]", wording.group("kinds.one"))
KINDS: Final = cast("dict[Kind, Message]", wording.group("kinds.several"))


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """Something with a name; `entity` is empty for what belongs to none."""

    kind: Kind
    name: str
    entity: str = ""

    def __str__(self) -> str:
        return f"{self.entity}.{self.name}" if self.entity else self.name


class Catalogue:
    """Every named thing of a program, and the links between them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.titles = titles_of(program)
        self.provisions: dict[str, tuple[Decision, Provision]] = {
            provision.name: (decision, provision)
            for decision in program.decisions
            for provision in decision.provisions
        }
        self.reads: dict[Item, tuple[Item, ...]] = dict(self._reads())
        self.readers: dict[Item, list[Item]] = {}
        for reader, items in self.reads.items():
            for item in items:
                self.readers.setdefault(item, []).append(reader)

    def named(self, name: str) -> list[Item]:
        """Everything of that name, `claim.total_cost` or `total_cost`; rows of a table, figures with keys by its name.

        Where nothing has the name, everything that has it as its title.
        """
        items = [item for item in self.titles if name in (item.name, str(item))]
        items = items or [
            item for item in self.titles if item.kind == "provision" and item.name.startswith(f"{name}.")
        ]
        items = items or [
            item for item in self.titles if item.kind == "parameter" and item.name.startswith(f"{name}__")
        ]
        return items or [item for item, title in self.titles.items() if name in (title.zh, title.en)]

    def nearest(self, name: str) -> str | None:
        """The known name or title most like it."""
        titles = (words for title in self.titles.values() for words in (title.zh, title.en))
        return nearest(name, [*(item.name for item in self.titles), *map(str, self.titles)]) or nearest(
            name, titles
        )

    def title(self, item: Item) -> Message:
        """What it is called; nothing for what has no title."""
        return self.titles.get(item, Message("", ""))

    def of_kind(self, kind: Kind) -> list[Item]:
        return [item for item in self.titles if item.kind == kind]

    # -- links -------------------------------------------------------------------------------

    def _reads(self) -> Iterator[tuple[Item, tuple[Item, ...]]]:
        program = self.program
        for decision in program.decisions:
            for provision in decision.provisions:
                yield Item("provision", provision.name), self._of_provision(provision, decision.entity)
        for accumulator in program.accumulators.values():
            yield Item("accumulator", accumulator.name), self._of_accumulator(accumulator)
        for benefit in program.benefits.values():
            names = (benefit.eligible, benefit.amount, *benefit.shows)
            read = tuple(Item("decision", name, benefit.entity) for name in names if name is not None)
            yield Item("benefit", benefit.name), read
        for entity in program.entities.values():
            conditions = [check.condition for check in entity.checks]
            yield Item("entity", entity.name), tuple(dict.fromkeys(self._of_nodes(conditions)))

    def _of_provision(self, provision: Provision, entity: str) -> tuple[Item, ...]:
        nodes = [node for node in provision.condition if not self._is_scope(node, entity)]
        result = [*self._of_nodes([*nodes, provision.value])]
        for limit in provision.limits:
            result += [*self._of_nodes([limit.limit]), Item("accumulator", limit.accumulator)]
        return tuple(dict.fromkeys(result))

    def _of_accumulator(self, accumulator: Accumulator) -> tuple[Item, ...]:
        result = [Item("decision", accumulator.sums, accumulator.entity)]
        result += self._of_nodes([] if accumulator.over is None else [accumulator.over])
        result += [Item("fact", name, entity) for entity, name in accumulator.facts]
        return tuple(dict.fromkeys(result))

    def _of_nodes(self, nodes: Iterable[core.Core]) -> Iterator[Item]:
        for root in nodes:
            for node in core.walk(root):
                yield from self._of_node(node)

    def _of_node(self, node: core.Core) -> Iterator[Item]:
        match node:
            case core.FactRef(entity=entity, name=name):
                yield Item("fact", name, entity)
            case core.DecisionRef(entity=entity, name=name):
                yield Item("decision", name, entity)
            case core.ParameterRef(name=name) | core.Marginal(scale=name) | core.FigureAt(parameter=name):
                yield Item("parameter", name)
            case core.YearToDate(accumulator=name):
                yield Item("accumulator", name)
            case core.Aggregate(child=child):
                below = self.program.entities[child]
                if below.counted_by is not None and below.parent is not None:
                    yield Item("fact", below.counted_by, below.parent)
            case _:
                return

    def _is_scope(self, node: core.Core, entity: str) -> bool:
        """Whether a condition is the provision's jurisdiction or a date it holds from or until."""
        match node:
            case core.Within(arg=core.FactRef(entity=owner, name=name)):
                return self.program.entities[owner].area == name
            case core.Op(op="ge" | "le", args=(core.FactRef(entity=owner, name=name), core.Const())):
                return owner == entity and self.program.entities[owner].date == name
            case _:
                return False


def titles_of(program: Program) -> dict[Item, Message]:
    """Every named thing of a program, by its title."""
    return dict(_titles(program))


def _titles(program: Program) -> Iterator[tuple[Item, Message]]:
    for benefit in program.benefits.values():
        yield Item("benefit", benefit.name), benefit.title
    for entity in program.entities.values():
        yield Item("entity", entity.name), entity.title
    for decision in program.decisions:
        yield Item("decision", decision.name, decision.entity), decision.title
    for decision in program.decisions:
        for provision in decision.provisions:
            yield Item("provision", provision.name), provision.title
    for planned in program.planned:
        yield Item("planned", planned.name), planned.title
    for parameter in program.parameters.values():
        yield Item("parameter", parameter.name), parameter.title
    for accumulator in program.accumulators.values():
        yield Item("accumulator", accumulator.name), accumulator.title
    for fact in program.facts.values():
        yield Item("fact", fact.name, fact.entity), fact.title
    for codes in program.codes.values():
        yield Item("codes", codes.name), codes.title
    for function in program.functions.values():
        yield Item("function", function.name), function.title
    for source in program.sources.values():
        yield Item("source", source.name), source.title
