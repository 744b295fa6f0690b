"""Every place in a file where a name stands, and every name that a rulebook defines.

In: a file's tree; a document. Out: `Occurrence`s; `Symbol`s with the place of their definition.
Invariant: words of titles, notes and clauses are no names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mianshen.document.document import Document
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.source import Span

NAME: Final = re.compile(r"[A-Za-z_\u4e00-\u9fff][A-Za-z0-9_\u4e00-\u9fff]*")
PROSE: Final = frozenset({
    "title", "note", "clause", "subject", "number", "file", "why", "zh", "en", "review_by", "issued", "paid_to",
})  # fmt: skip
SECTIONS: Final = (
    "entities", "codes", "sources", "parameters", "functions", "accumulators", "provisions", "tables", "events",
    "benefits", "properties",
)  # fmt: skip
OF_ENTITIES: Final = ("facts", "decisions")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name where it stands."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that a rulebook defines; `entity` is empty for what belongs to none."""

    section: str
    name: str
    entity: str
    span: Span


def occurrences(node: Node) -> Iterator[Occurrence]:
    """Every name in a tree, keys included."""
    match node:
        case Scalar():
            text = node.located
            for match in NAME.finditer(text.value):
                yield Occurrence(match[0], text.span(match.start(), match.end()))
        case Sequence(items):
            for item in items:
                yield from occurrences(item)
        case Mapping(entries):
            for key, value in entries:
                if key.text not in PROSE:
                    yield from occurrences(key)
                    yield from occurrences(value)


def symbols(document: Document) -> Iterator[Symbol]:
    """Everything that the rulebook names, with the place of its key."""
    for section in SECTIONS:
        for name in getattr(document, section):
            yield Symbol(section, name, "", document.span(section, name))
    for section in OF_ENTITIES:
        for entity, names in getattr(document, section).items():
            for name in names:
                yield Symbol(section, name, entity, document.span(section, entity, name))
