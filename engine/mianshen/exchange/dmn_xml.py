"""A DMN file as a tree that knows where each element stands.

In: a file. Out: `Node`s of the model's own namespace. Raises RuleError, at line and column, where it is no well-formed
XML, no DMN, or has a DOCTYPE: entities are never expanded and nothing outside the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from mianshen.catalogue import diagnostic
from mianshen.source import RuleError, Span

_DMN: Final = re.compile(
    r"https?://www\.omg\.org/spec/DMN/(20151101/dmn(11)?\.xsd|20180521/MODEL/|20191111/MODEL/|20211108/MODEL/|20230324/MODEL/)"
)


@dataclass(slots=True)
class Node:
    """An element: its tag without the namespace, attributes, text and children."""

    tag: str
    attributes: dict[str, str]
    span: Span
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    def all(self, tag: str) -> Iterator[Node]:
        return (child for child in self.children if child.tag == tag)

    def child(self, tag: str) -> Node | None:
        return next(self.all(tag), None)

    def texts(self) -> str:
        """What the element's `text` says, without blanks around it."""
        inner = self.child("text")
        return inner.text.strip() if inner is not None else ""


class _Builder:
    """Puts nodes together as the parser meets them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.parser: Any = None
        self.open: list[Node] = []
        self.root: Node | None = None
        self.namespace = ""

    def here(self) -> Span:
        return Span(self.file, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, local = tag.rpartition("}")
        if self.root is None:
            self.namespace = namespace.removeprefix("{")
            if local != "definitions" or not _DMN.fullmatch(self.namespace):
                raise RuleError([diagnostic("E932.not_dmn", self.here())])
        node = Node(local, dict(attributes), self.here())
        if self.open:
            self.open[-1].children.append(node)
        self.root = self.root or node
        self.open.append(node)

    def data(self, text: str) -> None:
        if self.open:
            self.open[-1].text += text

    def end(self, _: str) -> None:
        self.open.pop()

    def close(self) -> None:
        pass


def read_xml(path: Path) -> Node:
    """The root of a DMN file."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    builder = _Builder(str(path))
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    builder.parser = parser.parser
    try:
        parser.feed(path.read_bytes())
        parser.close()
    except DefusedXmlException:
        raise RuleError([diagnostic("E931.doctype", builder.here())]) from None
    except ParseError as error:
        line, column = error.position
        raise RuleError([diagnostic("E930.not_xml", Span(str(path), line, column + 1))]) from None
    except (LookupError, ValueError):  # an encoding that there is not
        raise RuleError([diagnostic("E930.not_xml", Span(str(path), 1, 1))]) from None
    assert builder.root is not None
    return builder.root
