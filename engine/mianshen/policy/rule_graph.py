"""What a name rests on, and what rests on it, as a picture.

In: a catalogue, a name. Out: a `Graph` of items in columns, what is read to the left and who reads to the right; SVG text.
Invariant: an item stands once, in the column of its shortest way to the name; no text becomes markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

from mianshen.policy.catalogue import KIND, Catalogue, Item, Kind
from mianshen.source import Lang
from mianshen.text_columns import fold_names, width

WIDTH: Final = 260
GAP: Final = (90, 16)  # between columns, between rows
MARGIN: Final = 20
FONT: Final = 12  # pixels of a Chinese character; a column of text is half as wide
LEADING: Final = 16  # from one line of text to the next
COLUMNS: Final = 38  # of text that a line of a node has room for, in the widest font
FONTS: Final = (
    "'Noto Sans SC', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', 'Microsoft YaHei', 'PingFang SC', sans-serif"
)
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
    """An item where it stands, with its title and its name as lines of text; its kind ends the last line."""

    item: Item
    title: tuple[str, ...]
    name: tuple[str, ...]
    x: int
    y: int

    @property
    def height(self) -> int:
        return _height(self.title, self.name)


def svg(graph: Graph, catalogue: Catalogue, lang: Lang, address: Address | None = None) -> str:
    """The graph as one SVG, each label whole; `address`: where the picture leads from an item."""
    nodes = _nodes(graph, catalogue, lang)
    across = max(node.x for node in nodes.values()) + WIDTH + MARGIN
    down = max(node.y + node.height for node in nodes.values()) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" viewBox="0 0 {across} {down}"',
        f'  font-family="{FONTS}" font-size="{FONT}">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    lines += [
        _edge(nodes[reader], nodes[read]) for reader, read in graph.reads if reader in nodes and read in nodes
    ]
    for item, node in nodes.items():
        target = None if address is None else address(item)
        title = catalogue.titles[item].in_(lang) if item in catalogue.titles else ""
        kind, own = KIND[item.kind].in_(lang), item in graph.columns.get(0, [])
        drawn = _drawn(node, f"{title} {item}".strip(), kind, own)
        lines.append(drawn if target is None else f'<a href="{escape(target)}">{drawn}</a>')
    return "\n".join([*lines, "</svg>"])


def _nodes(graph: Graph, catalogue: Catalogue, lang: Lang) -> dict[Item, _Node]:
    """Every item in its place: columns from left to right, each in the middle of the picture's height."""
    texts = {item: _texts(item, catalogue, lang) for items in graph.columns.values() for item in items}
    heights = {
        column: _total(_height(*texts[item]) for item in items) for column, items in graph.columns.items()
    }
    nodes: dict[Item, _Node] = {}
    for place, (column, items) in enumerate(graph.columns.items()):
        y = MARGIN + (max(heights.values()) - heights[column]) // 2
        for item in items:
            nodes[item] = _Node(item, *texts[item], MARGIN + place * (WIDTH + GAP[0]), y)
            y += nodes[item].height + GAP[1]
    return nodes


def _texts(item: Item, catalogue: Catalogue, lang: Lang) -> tuple[tuple[str, ...], tuple[str, ...]]:
    title = catalogue.titles[item].in_(lang) if item in catalogue.titles else ""
    name, kind = fold_names(str(item), COLUMNS), KIND[item.kind].in_(lang)
    name += [""] * (width(name[-1]) + width(kind) + 2 > COLUMNS)
    return tuple(fold_names(title, COLUMNS)), tuple(name)


def _height(title: tuple[str, ...], name: tuple[str, ...]) -> int:
    return (len(title) + len(name)) * LEADING + LEADING // 2


def _total(heights: Iterable[int]) -> int:
    listed = list(heights)
    return sum(listed) + GAP[1] * (len(listed) - 1)


def _edge(reader: _Node, read: _Node) -> str:
    left, right = read.x + WIDTH, reader.x
    y1, y2, bend = read.y + read.height // 2, reader.y + reader.height // 2, GAP[0] // 2
    return f'<path d="M{left},{y1} C{left + bend},{y1} {right - bend},{y2} {right},{y2}" fill="none" stroke="#9aa5b1"/>'


def _drawn(node: _Node, label: str, kind: str, own: bool) -> str:
    lines = [*((line, "#1b2430") for line in node.title), *((line, "#4d5863") for line in node.name)]
    texts = "".join(
        f'<text x="{node.x + 8}" y="{node.y + (row + 1) * LEADING}" fill="{colour}">{escape(line)}</text>'
        for row, (line, colour) in enumerate(lines)
        if line
    )
    return (
        f'<g><title>{escape(label)}</title><rect x="{node.x}" y="{node.y}" width="{WIDTH}" '
        f'height="{node.height}" rx="5" fill="{COLOURS[node.item.kind]}" stroke="#5b6773" stroke-width="{2 if own else 1}"/>'
        f'{texts}<text x="{node.x + WIDTH - 8}" y="{node.y + len(lines) * LEADING}" text-anchor="end" '
        f'fill="#4d5863">{escape(kind)}</text></g>'
    )
