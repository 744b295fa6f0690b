"""YAML or JSON text as a tree that knows where everything stands.

In: a file, its bytes or its text. Out: `Scalar`, `Sequence`, `Mapping`, and the mistakes found.
Invariants: a scalar keeps its literal text (`550000.00`, `75%`, `true` are never turned into
anything else); whatever the bytes, mistakes are values and nothing is raised; a mapping keeps its
entries in order, doubled ones included (each is reported; `get` finds the first). No pydantic here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from mianshen.catalogue import diagnostic
from mianshen.document import diagnostics
from mianshen.document.characters import decode, hide_pairs
from mianshen.document.yaml_source import YamlSource
from mianshen.document.yaml_syntax import explained
from mianshen.source import Diagnostic, Span, Text, reason_of, unlined

DEEPEST = 100  # collections within collections
MOST_COPIES = 100_000  # nodes that aliases may add to a file

REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_SEVERAL_LINES = re.compile(r"[\r\n]")
_QUOTES = ("'", '"')
_PROPERTIES = re.compile(r"(?:[&!][^\s]*|#[^\r\n]*|\s+)*")


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """Text: `style` is "" (plain), "'", '"', "|" or ">"; `start` and `end` are indexes in the file."""

    text: str
    style: str
    source: YamlSource = field(repr=False)
    start: int
    end: int

    @property
    def plain(self) -> bool:
        """Written without quotes and not as a block: `true`, `12`, `null` may mean more than text."""
        return self.style == ""

    @property
    def empty(self) -> bool:
        """Nothing is written: `key:` and then no value."""
        return self.style == "" and self.text == ""

    @property
    def null(self) -> bool:
        """YAML's and JSON's nothing: empty, `~` or `null`, unquoted."""
        return self.style == "" and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.end)

    @property
    def located(self) -> Text:
        """The text with the place of each of its characters."""
        first = self.start + (1 if self.style in _QUOTES else 0)
        if self.source.text.startswith(self.text, first) and not _SEVERAL_LINES.search(self.text):
            line, column = self.source.place(first)
            places = tuple((line, at) for at in range(column, column + len(self.text) + 1))
            return Text(self.text, self.source.file, places)
        value, indexes = decode(self.source.text, self.start, self.end, self.style, self.text)
        if value != self.text:
            indexes = [self.start] * (len(self.text) + 1)
        return Text(self.text, self.source.file, tuple(map(self.source.place, indexes)))


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    items: tuple[Node, ...]
    source: YamlSource = field(repr=False)
    start: int
    end: int

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    entries: tuple[tuple[Scalar, Node], ...]
    source: YamlSource = field(repr=False)
    start: int
    end: int
    _first: dict[str, tuple[Scalar, Node]] = field(init=False, repr=False, default_factory=dict)

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.end)

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None."""
        entry = self.entry(key)
        return entry[1] if entry else None

    def entry(self, key: str) -> tuple[Scalar, Node] | None:
        """The key and value written for `key`, the first of them, or None."""
        if not self._first:
            self._first.update((entry[0].text, entry) for entry in reversed(self.entries))
        return self._first.get(key)


Node: TypeAlias = Scalar | Sequence | Mapping


def read_tree(source: Path | str | bytes, file: str | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a file (a Path), a text or bytes; None when it is empty or cannot be read as YAML.

    `file` is the name to show for a text. Never raises: an unreadable file is a mistake (E101).
    """
    name = file if file is not None else str(source) if isinstance(source, Path) else "<text>"
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except (OSError, ValueError) as error:
            return None, [diagnostic("E101.cannot_read", unlined(name), why=reason_of(error))]
    if isinstance(source, str):
        return _parse(YamlSource.of(name, source.removeprefix("\ufeff")))
    try:
        return _parse(YamlSource.of(name, source.decode("utf-8").removeprefix("\ufeff")))
    except UnicodeDecodeError as error:
        return None, [_not_utf8(name, source, error)]


def _not_utf8(file: str, content: bytes, error: UnicodeDecodeError) -> Diagnostic:
    readable = content[: error.start].decode("utf-8").removeprefix("\ufeff")
    before = YamlSource.of(file, readable)
    return diagnostics.not_utf8(before.span(len(readable), len(readable)), content)


def _parse(source: YamlSource) -> tuple[Node | None, list[Diagnostic]]:
    refused = [
        diagnostics.refused_character(source.span(part.start(), part.end()), part[0])
        for part in REFUSED.finditer(source.text)
    ]
    if refused:
        return None, refused[:20]
    readable, pairs = hide_pairs(source.text) if "\\u" in source.text else (source.text, ())
    builder = _Builder(source, pairs)
    try:
        builder.build(cast("Iterable[yaml.Event]", yaml.parse(readable, Loader=yaml.CSafeLoader)))
    except yaml.MarkedYAMLError as error:
        builder.diagnostics.append(_syntax(source, error))
    except yaml.YAMLError as error:
        builder.diagnostics.append(explained(source, 0, None, str(error), ""))
    except _Stop:
        pass
    else:
        return builder.root, builder.diagnostics
    return None, builder.diagnostics


def _syntax(source: YamlSource, error: yaml.MarkedYAMLError) -> Diagnostic:
    def index(mark: yaml.Mark | None) -> int | None:
        return None if mark is None else min(mark.index, len(source.text))

    at = index(error.problem_mark) or 0
    return explained(source, at, index(error.context_mark), error.problem or "", error.context or "")


def _start(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.index if mark is not None else 0


def _end(event: yaml.Event) -> int:
    mark = event.end_mark
    return mark.index if mark is not None else 0


class _Stop(Exception):
    """No use in reading on: the mistake is already noted."""


class _Open:
    """A collection whose end has not been read."""

    __slots__ = ("anchor", "entries", "items", "key", "start")

    def __init__(self, start: int, anchor: str | None, mapping: bool) -> None:
        self.start = start
        self.anchor = anchor
        self.items: list[Node] = []
        self.entries: list[tuple[Scalar, Node]] | None = [] if mapping else None
        self.key: Node | None = None


class _Builder:
    """Makes the tree from YAML's events, without recursion."""

    def __init__(self, source: YamlSource, pairs: tuple[int, ...]) -> None:
        self.source = source
        self.pairs = pairs
        self.root: Node | None = None
        self.diagnostics: list[Diagnostic] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.extents: dict[Node, tuple[int, int]] = {}
        self.copies = 0

    def build(self, events: Iterable[yaml.Event]) -> None:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._add(self._scalar(event), event.anchor)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._begin(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    frame = self.open.pop()
                    self._add(self._collection(frame, _end(event)), frame.anchor)
                case yaml.AliasEvent():
                    self._add(self._alias(event), None)
                case yaml.DocumentStartEvent() if self.root is not None:
                    at = _start(event)
                    self.diagnostics.append(
                        diagnostic("E118.several_documents", self.source.span(at, at + 3))
                    )
                    raise _Stop
                case _:
                    pass

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start, end = _start(event), _end(event)
        text, style = event.value, event.style or ""
        if event.anchor is not None or event.tag is not None:
            self._check_tag(event.tag, start)
            start = self._past_properties(start, end)
        first = bisect_left(self.pairs, start) if self.pairs else 0
        if first < len(self.pairs) and self.pairs[first] < end:
            text, _ = decode(self.source.text, start, end, style)
        return Scalar(text, style, self.source, start, end)

    def _past_properties(self, start: int, end: int) -> int:
        match = _PROPERTIES.match(self.source.text, start, end)
        return match.end() if match else start

    def _check_tag(self, tag: str | None, start: int) -> None:
        if tag is not None:
            self.diagnostics.append(diagnostic("E117.tag", self.source.span(start, start + 1)))

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        start = _start(event)
        self._check_tag(event.tag, start)
        if len(self.open) >= DEEPEST:
            self.diagnostics.append(diagnostic("E115.too_deep", self.source.span(start, start), most=DEEPEST))
            raise _Stop
        self.open.append(_Open(start, event.anchor, isinstance(event, yaml.MappingStartEvent)))

    def _collection(self, frame: _Open, end: int) -> Sequence | Mapping:
        if frame.entries is None:
            return Sequence(tuple(frame.items), self.source, frame.start, end)
        self._reject_doubled(frame.entries)
        return Mapping(tuple(frame.entries), self.source, frame.start, end)

    def _reject_doubled(self, entries: list[tuple[Scalar, Node]]) -> None:
        first: dict[str, Scalar] = {}
        for key, _ in entries:
            if (earlier := first.setdefault(key.text, key)) is not key:
                self.diagnostics.append(diagnostics.doubled_key(key.span, key.text, earlier.span))

    def _alias(self, event: yaml.AliasEvent) -> Node:
        name, start = event.anchor or "", _start(event)
        span = self.source.span(start, _end(event))
        if any(frame.anchor == name for frame in self.open):
            self.diagnostics.append(diagnostic("E113.alias_cycle", span, name=name))
        elif name not in self.anchors:
            self.diagnostics.append(diagnostics.unknown_alias(span, name, self.anchors))
        else:
            return self._copied(self.anchors[name], span)
        raise _Stop

    def _copied(self, node: Node, span: Span) -> Node:
        size, height = self._extent(node)
        self.copies += size
        if len(self.open) + height > DEEPEST:
            self.diagnostics.append(diagnostic("E115.too_deep", span, most=DEEPEST))
        elif self.copies > MOST_COPIES:
            self.diagnostics.append(diagnostic("E114.aliases_explode", span, most=MOST_COPIES))
        else:
            return node
        raise _Stop

    def _extent(self, node: Node) -> tuple[int, int]:
        """How many nodes `node` stands for once every alias in it is written out, and how deep they go."""
        match node:
            case Scalar():
                return 1, 0
            case Sequence(items):
                inner: Iterable[Node] = items
            case Mapping(entries):
                inner = (value for _, value in entries)
        if node not in self.extents:
            parts = [self._extent(part) for part in inner]
            self.extents[node] = (
                1 + sum(size for size, _ in parts),
                1 + max((height for _, height in parts), default=0),
            )
        return self.extents[node]

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        frame = self.open[-1]
        if frame.entries is None:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            if self._is_name(frame.key):
                frame.entries.append((cast("Scalar", frame.key), node))
            frame.key = None

    def _is_name(self, key: Node) -> bool:
        if not isinstance(key, Scalar):
            self.diagnostics.append(diagnostic("E119.bad_key", key.span))
        elif key.plain and key.text == "<<":
            self.diagnostics.append(diagnostic("E116.merge_key", key.span))
            return True
        elif key.text == "":
            self.diagnostics.append(diagnostic("E119.bad_key", key.span))
        else:
            return True
        return False
