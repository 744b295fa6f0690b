"""What a name rests on, and what rests on it, as a picture.

In: a catalogue, a name. Out: a `Graph` of items in columns, what is read to the left and who reads to the right; SVG text.
Invariant: an item stands once, in the column of its shortest way to the name; no text becomes markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from mianshen.policy.catalogue import Catalogue, Item, Kind
from mianshen.source import Lang

WIDTH: Final = 250
HEIGHT: Final = 40
GAP: Final = (90, 16)  # between columns, between rows
MARGIN: Final = 20
WIDEST: Final = 19  # Chinese characters of a text that a node has room for
COLOURS: Final[dict[Kind, str]] = {
    "benefit": "#fde9c8", "decision": "#dbe9f9", "provision": "#eef3ee", "parameter": "#f6e3ee", "accumulator": "#e8e3f6",
    "fact": "#f4f4f4", "codes": "#f4f4f4", "entity": "#f4f4f4", "source": "#f4f4f4", "planned": "#f4f4f4",
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


def svg(graph: Graph, catalogue: Catalogue, lang: Lang, shorten: Callable[[str, int], str]) -> str:
    """The graph as one SVG; `shorten` cuts a text to so many columns."""
    places = _places(graph)
    across = MARGIN * 2 + len(graph.columns) * WIDTH + (len(graph.columns) - 1) * GAP[0]
    down = MARGIN * 2 + max(len(items) for items in graph.columns.values()) * (HEIGHT + GAP[1]) - GAP[1]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" viewBox="0 0 {across} {down}"',
        '  font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    lines += [
        _edge(places[reader], places[read])
        for reader, read in graph.reads
        if reader in places and read in places
    ]
    for item, place in places.items():
        title = catalogue.titles[item].in_(lang) if item in catalogue.titles else ""
        lines.append(_node(item, shorten(title, WIDEST * 2), shorten(str(item), WIDEST * 2 - 4), *place))
    return "\n".join([*lines, "</svg>"])


def _places(graph: Graph) -> dict[Item, tuple[int, int]]:
    most = max(len(items) for items in graph.columns.values())
    places: dict[Item, tuple[int, int]] = {}
    for number, items in enumerate(graph.columns.values()):
        top = MARGIN + (most - len(items)) * (HEIGHT + GAP[1]) // 2
        for row, item in enumerate(items):
            places[item] = MARGIN + number * (WIDTH + GAP[0]), top + row * (HEIGHT + GAP[1])
    return places


def _edge(reader: tuple[int, int], read: tuple[int, int]) -> str:
    (x2, y2), (x1, y1) = reader, read
    left, right = x1 + WIDTH, x2
    y1, y2, bend = y1 + HEIGHT // 2, y2 + HEIGHT // 2, GAP[0] // 2
    return f'<path d="M{left},{y1} C{left + bend},{y1} {right - bend},{y2} {right},{y2}" fill="none" stroke="#9aa5b1"/>'


def _node(item: Item, title: str, name: str, x: int, y: int) -> str:
    return (
        f'<g><title>{escape(str(item))}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" '
        f'fill="{COLOURS[item.kind]}" stroke="#5b6773"/><text x="{x + 8}" y="{y + 17}">{escape(title)}</text>'
        f'<text x="{x + 8}" y="{y + 32}" fill="#5b6773" font-size="11">{escape(name)}</text></g>'
    )
