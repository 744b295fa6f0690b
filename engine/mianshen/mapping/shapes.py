"""The shapes of a mapping file: texts, flags, names and lists, each refused at its place where it is something else.

In: nodes of YAML. Out: plain values; what is wrong is gathered. Lists of values and conditions that entities share are
kept here by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mianshen.document.yaml_tree import Mapping as Tree
from mianshen.document.yaml_tree import Node, Scalar, Sequence
from mianshen.mapping import diagnostics
from mianshen.program.program import Program
from mianshen.source import Diagnostic

MAPPING: Final = ("若干 key: value 项", "a mapping of keys to values")
TEXT: Final = ("文本", "text")
LIST: Final = ("列表", "a list")
FLAG: Final = ("true 或 false", "true or false")
WHOLE: Final = ("0 至 99 的整数", "a whole number from 0 to 99")
SHARED: Final = ("lists", "conditions")


@dataclass(slots=True)
class ShapeReader:
    """Reads shapes; keeps the lists of values and the conditions that a mapping shares among its entities."""

    program: Program
    wrong: list[Diagnostic]
    lists: dict[str, Node] = field(default_factory=dict)
    conditions: dict[str, Node] = field(default_factory=dict)

    def shared(self, root: Tree) -> None:
        for key, node in root.entries:
            if key.text in SHARED:
                target = self.lists if key.text == "lists" else self.conditions
                target.update({name.text: value for name, value in self.named(node, key.text)})

    def entries(self, node: Node, where: str, known: Iterable[str]) -> Iterator[tuple[Scalar, Node]]:
        names = list(known)
        for key, value in self.named(node, where):
            if key.text in names:
                yield key, value
            else:
                self.wrong.append(diagnostics.unknown_key(key.span, key.text, where, names))

    def named(self, node: Node, where: str) -> Iterable[tuple[Scalar, Node]]:
        if isinstance(node, Tree):
            return node.entries
        if not (isinstance(node, Scalar) and node.null):
            self.shape(node, where, MAPPING)
        return ()

    def shape(self, node: Node, name: str, wanted: tuple[str, str]) -> None:
        self.wrong.append(diagnostics.wrong_shape(node.span, name, wanted))

    def text(self, node: Node, name: str) -> str:
        if isinstance(node, Scalar) and not node.null:
            return node.text
        self.shape(node, name, TEXT)
        return ""

    def texts(self, node: Node, name: str) -> tuple[str, ...]:
        """One text or several."""
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(self.text(item, name) for item in items)

    def names(self, node: Node, name: str) -> tuple[str, ...]:
        return tuple(text.strip() for text in self.texts(node, name))

    def flag(self, node: Node, name: str, yes: str = "true", no: str = "false") -> bool:
        if isinstance(node, Scalar) and node.text in (yes, no):
            return node.text == yes
        self.shape(node, name, FLAG if yes == "true" else (f"{yes} 或 {no}", f"{yes} or {no}"))
        return False

    def whole(self, node: Node, name: str) -> int:
        if isinstance(node, Scalar) and node.text.isascii() and node.text.isdigit() and len(node.text) < 3:
            return int(node.text)
        self.shape(node, name, WHOLE)
        return 0

    def shared_node(self, node: Node, nodes: dict[str, Node]) -> Node:
        """What a name among the shared ones stands for; another node itself."""
        if isinstance(node, Scalar) and not node.null:
            if node.text in nodes:
                return nodes[node.text]
            self.wrong.append(diagnostics.unknown_key(node.span, node.text, "lists, conditions", nodes))
        return node
