"""What a name rests on, and what rests on it, as a picture.

In: a catalogue, a name. Out: a `Graph` of items in columns, what is read to the left and who reads to the right; SVG text.
Invariant: an item stands once, in the column of its shortest way to the name; no text becomes markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from mianshen.policy.catalogue import KIND, Catalogue, Item, Kind
from mianshen.source import Lang
from mianshen.templates import templates
from mianshen.text_columns import fold_names, width

WIDTH: Final = 260
GAP: Final = (90, 16)  # between columns, between rows
MARGIN: Final = 20
FONT: Final = 12  # pixels of a Chinese character; a column of text is half as wide
LEADING: Final = 16  # from one line of text to the next
COLUMNS: Final = 38  # of text that a line of a node has room for, in the widest font
Address: TypeAlias = Callable[[Item], str | None]
COLOURS: Final[dict[Kind, str]] = {
    "benefit": "#fde9c8", "decision": "#dbe9f9", "provision": "#eef3ee", "parameter": "#f6e3ee", "accumulator": "#e8e3f6",
    "fact": "#f4f4f4", "codes": "#f4f4f4", "entity": "#f4f4f4", "source": "#f4f4f4", "planned": "#f4f4f4",
    "function": "#f4f4f4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Graph:
    """Items by column, 0 the name's own, and who reads whom."""

    columns: dict[int, list[Item]]
    reads: tuple[tuple[Item, Item], ...]  # (reader, read)


def graph_of(catalogue: Catalogue, starts: Iterable[Item], depth: int) -> Graph:
    """Everything within so many steps of the items; a provision stands with the decision it gives."""
    starts = list(starts)
    columns: dict[Item, int] = dict.fromkeys(starts, 0)
    edges: dict[tuple[Item, Item], None] = {}
    for sign, beside in ((-1, _read), (1, _reading)):
        layer = starts
        for column in range(1, depth + 1):
            following: dict[Item, None] = {}
            for item in layer:
                for other in beside(catalogue, item):
                    edges[(item, other) if sign < 0 else (other, item)] = None
                    if other not in columns:
                        columns[other] = sign * column
                        following[other] = None
            layer = list(following)
    placed: dict[int, list[Item]] = {}
    for item, column in columns.items():
        placed.setdefault(column, []).append(item)
    return Graph(dict(sorted(placed.items())), tuple(edges))


def _read(catalogue: Catalogue, item: Item) -> list[Item]:
    """What an item reads; of a decision, what its provisions do."""
    own = [
        Item("provision", provision.name)
        for decision, provision in catalogue.provisions.values()
        if item == Item("decision", decision.name, decision.entity)
    ]
    return own or list(catalogue.reads.get(item, ()))


def _reading(catalogue: Catalogue, item: Item) -> list[Item]:
    """Who reads an item; of a provision, the decision it gives."""
    if item.kind == "provision":
        decision, _ = catalogue.provisions[item.name]
        return [Item("decision", decision.name, decision.entity)]
    return list(catalogue.readers.get(item, ()))


# -- SVG ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Node:
    """An item where it stands: its title and its name as lines of text, its kind at the end of the last one."""

    item: Item
    label: str
    title: tuple[str, ...]
    name: tuple[str, ...]
    kind: str
    target: str | None
    own: bool
    x: int
    y: int

    @property
    def height(self) -> int:
        return _height(self.title, self.name)


@cache
def _template() -> Any:
    return templates(Path(__file__).parent).get_template("graph.svg")


def svg(graph: Graph, catalogue: Catalogue, lang: Lang, address: Address | None = None) -> str:
    """The graph as one SVG, each label whole; `address`: where the picture leads from an item."""
    nodes = _nodes(graph, catalogue, lang, address or (lambda _: None))
    text: str = _template().render(
        across=max(node.x for node in nodes.values()) + WIDTH + MARGIN,
        down=max(node.y + node.height for node in nodes.values()) + MARGIN,
        edges=[(nodes[one], nodes[two]) for one, two in graph.reads if one in nodes and two in nodes],
        nodes=nodes.values(), colours=COLOURS, width=WIDTH, font=FONT, leading=LEADING, bend=GAP[0] // 2,
    )  # fmt: skip
    return text


def _nodes(graph: Graph, catalogue: Catalogue, lang: Lang, address: Address) -> dict[Item, _Node]:
    """Every item in its place: columns from left to right, each in the middle of the picture's height."""
    texts = {item: _texts(item, catalogue, lang) for items in graph.columns.values() for item in items}
    heights = {
        column: sum(_height(*texts[item]) + GAP[1] for item in items) - GAP[1]
        for column, items in graph.columns.items()
    }
    nodes: dict[Item, _Node] = {}
    for place, (column, items) in enumerate(graph.columns.items()):
        x, y = MARGIN + place * (WIDTH + GAP[0]), MARGIN + (max(heights.values()) - heights[column]) // 2
        for item in items:
            label = f"{catalogue.title(item).in_(lang)} {item}".strip()
            kind = KIND[item.kind].in_(lang)
            nodes[item] = _Node(item, label, *texts[item], kind, address(item), not column, x, y)
            y += nodes[item].height + GAP[1]
    return nodes


def _texts(item: Item, catalogue: Catalogue, lang: Lang) -> tuple[tuple[str, ...], tuple[str, ...]]:
    name, kind = fold_names(str(item), COLUMNS), KIND[item.kind].in_(lang)
    name += [""] * (width(name[-1]) + width(kind) + 2 > COLUMNS)
    return tuple(fold_names(catalogue.title(item).in_(lang), COLUMNS)), tuple(name)


def _height(title: tuple[str, ...], name: tuple[str, ...]) -> int:
    return (len(title) + len(name)) * LEADING + LEADING // 2
