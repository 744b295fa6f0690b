"""Parameters with keys: values looked up by place, level, age, or whatever their keys are.

In: the values of a parameter as written, those of a key one mapping within another. Out: what each key must be, and a
leaf for each of them, with its entries. Invariants: no two tests of one key overlap, save that a place may lie in
another; what can be told to have no value is refused.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.formulas.symbol_table import KeyedValues, KeyTest
from mianshen.places import place_in_rules, place_name
from mianshen.program import diagnostics
from mianshen.program.core import Boolean, Code, Listing, Numeric, String, Type
from mianshen.source import Message, RuleError, Span, Text
from mianshen.syntax import tree

if TYPE_CHECKING:
    from mianshen.document.model import Bracket
    from mianshen.document.model import Parameter as ParameterModel

Written: TypeAlias = "str | tuple[Bracket, ...] | dict[str, Any]"
OTHERWISE: Final = ("otherwise", "-")
_SIGNS: Final = (
    (">=", "from"),
    ("<=", "up_to"),
    ("..", "to"),
    ("<", "below"),
    (">", "above"),
    ("%", "percent"),
)
_SEVERAL: Final = re.compile("[,、]")
_NOT_IN_NAMES: Final = re.compile("[^a-z0-9\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One written value: the place of its series' value, what is written, and where."""

    index: int
    value: Written | None
    path: tuple[str | int, ...]


@dataclass(slots=True)
class Leaf:
    """The values for one key of each kind."""

    name: str
    title: Message
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Branch:
    """What is written for each test of a key, the tests by how they are written.

    `taken`: the codes, texts, places and truth values that tests name, each with its test.
    """

    tests: dict[str, KeyTest | None] = field(default_factory=dict)
    taken: dict[str | bool, str] = field(default_factory=dict)
    below: dict[str, Branch | Leaf] = field(default_factory=dict)


class KeyReader:
    """Reads the keys of one parameter."""

    def __init__(self, vocabulary: Vocabulary, name: str, model: ParameterModel) -> None:
        self.vocabulary, self.name, self.model = vocabulary, name, model
        self.diagnostics = vocabulary.diagnostics
        self.leaves: list[Leaf] = []
        self._names: set[str] = set()  # of the leaves
        self.types: dict[str, Type] = {}
        self.sound = True
        for key, written in model.keys.items():
            type_ = vocabulary.type_of(written, vocabulary.document.span("parameters", name, "keys", key))
            if isinstance(type_, Listing):
                self._mixed(("keys", key), "列表不能作为键", "a list is no key")
            elif type_ is not None:
                self.types[key] = type_

    def values(self) -> KeyedValues | None:
        """What each key must be, for each leaf; None: something is wrong."""
        if len(self.types) < len(self.model.keys):
            return None
        root = Branch()
        for index, value in enumerate(self.model.values):
            path = ("values", index)
            unknown = [key for key in value.for_ if key not in self.types]
            for key in unknown:
                known = list(self.types)
                kind = Message("键", "key")
                span = self.vocabulary.document.span("parameters", self.name, *path, "for", key)
                self.diagnostics.append(diagnostics.unknown_reference(span, kind, key, known))
                self.sound = False
            if not unknown:
                self._add(root, tuple(self.types), index, value.value, (*path, "value"), ())
        if not self.sound:
            return None
        return self._finished(root, tuple(self.types), "")

    def _add(
        self, branch: Branch, keys: tuple[str, ...], index: int, written: Any, path: tuple[str | int, ...],
        words: tuple[str, ...],
    ) -> None:  # fmt: skip
        """Put a value where its keys lead: those named under `for`, and those it is a mapping of."""
        key, *rest = keys
        fixed = self.model.values[index].for_.get(key)
        if fixed is not None:
            cells: dict[str, tuple[Any, tuple[str | int, ...]]] = {fixed: (written, path)}
        elif isinstance(written, dict):
            cells = {cell: (value, (*path, cell)) for cell, value in written.items()}
        else:
            self._mixed(path, f"缺少键 {key} 的取值", f"nothing is said of its key {key}")
            return
        for cell, (value, at) in cells.items():
            place = ("values", index, "for", key) if fixed is not None else at
            label = self._test(branch, key, cell, place)
            if label is None:
                self.sound = False
            elif rest:
                below = branch.below.setdefault(label, Branch())
                assert isinstance(below, Branch)
                self._add(below, tuple(rest), index, value, at, (*words, cell))
            elif isinstance(value, dict):
                self._mixed(at, "键多于所声明的", "there are more keys than it declares")
            else:
                leaf = branch.below.get(label)
                if leaf is None:
                    leaf = branch.below[label] = self._leaf((*words, cell))
                assert isinstance(leaf, Leaf)
                leaf.entries.append(Entry(index, value, ("parameters", self.name, *at)))

    def _leaf(self, cells: tuple[str, ...]) -> Leaf:
        """The values for some keys under a name of their own."""
        slug = "_".join(_NOT_IN_NAMES.sub("_", _spelt(cell)).strip("_") or "x" for cell in cells)
        name = f"{self.name}__{slug}"
        while name in self._names:
            name = f"{name}_{len(self._names)}"
        self._names.add(name)
        title, labels = message(self.model.title), [self._label(at, cell) for at, cell in enumerate(cells)]
        zh, en = "、".join(label.zh for label in labels), ", ".join(label.en for label in labels)
        leaf = Leaf(name, Message(f"{title.zh}（{zh}）", f"{title.en} ({en})"))
        self.leaves.append(leaf)
        return leaf

    def _label(self, at: int, cell: str) -> Message:
        """A key in words."""
        type_ = list(self.types.values())[at]
        if cell in OTHERWISE:
            return Message("其他", "any other")
        if isinstance(type_, Code):
            codes = self.vocabulary.codes[type_.codes]
            titles = [codes.values[codes.spellings[c]] for c in _parts(cell) if c in codes.spellings]
            return Message("、".join(t.zh for t in titles), ", ".join(t.en for t in titles))
        if type_ == String(area=True):
            names = [place_name(place_in_rules(part) or "") or part for part in _parts(cell)]
            return Message("、".join(names), ", ".join(names))
        return Message(cell, cell)

    # -- one key -----------------------------------------------------------------------------

    def _test(self, branch: Branch, key: str, cell: str, path: tuple[str | int, ...]) -> str | None:
        """How a test is told from others of the branch; None: it is wrong."""
        label = "otherwise" if cell in OTHERWISE else "，".join(sorted(_parts(cell)))
        if label in branch.tests:
            return label
        test: KeyTest | None = None
        if label != "otherwise":
            test = self._read(self.types[key], cell, path)
            if test is None:
                return None
            other = _overlapped(branch, test)
            if other is not None:
                span = self._key_span(path)
                self.diagnostics.append(
                    diagnostic("E365.keys_overlap", span, name=self.name, one=other, two=cell)
                )
                return None
            branch.taken |= dict.fromkeys(_named(test), label)
        branch.tests[label] = test
        return label

    def _read(self, type_: Type, cell: str, path: tuple[str | int, ...]) -> KeyTest | None:
        span = self._key_span(path)
        match type_:
            case Code(codes=name):
                codes = self.vocabulary.codes[name]
                unknown = [part for part in _parts(cell) if part not in codes.spellings]
                self.diagnostics += [
                    diagnostics.unknown_code(span, part, name, codes.values) for part in unknown
                ]
                return (
                    None if unknown else KeyTest(values=tuple(codes.spellings[part] for part in _parts(cell)))
                )
            case String(area=True):
                places = [place_in_rules(part) for part in _parts(cell)]
                self.diagnostics += [
                    diagnostics.unknown_place(span, part)
                    for part, place in zip(_parts(cell), places, strict=True)
                    if place is None
                ]
                known = tuple(place for place in places if place is not None)
                return KeyTest(places=known) if len(known) == len(places) else None
            case String():
                return KeyTest(values=tuple(_parts(cell)))
            case Boolean() if cell in ("true", "false"):
                return KeyTest(truth=cell == "true")
            case Boolean():
                self._mixed(path, "键为 true 或 false", "its key is true or false")
                return None
            case _:
                return self._range(cell, path)

    def _range(self, cell: str, path: tuple[str | int, ...]) -> KeyTest | None:
        from mianshen.syntax import parse_cell

        try:
            parsed = parse_cell(Text.inline(cell))
        except RuleError as error:
            span = self._key_span(path)
            self.diagnostics += [replace(finding, span=span) for finding in error.diagnostics]
            return None
        if parsed.negated or any(interval is None for interval in map(_interval, parsed.tests)):
            self._mixed(
                path, "区间须为常数，如 < 18 或 [18..60)", "a range is of constants, as < 18 or [18..60)"
            )
            return None
        return KeyTest(cell=parsed)

    def _key_span(self, path: tuple[str | int, ...]) -> Span:
        """Where a test is written: as a key, or beside it under `for`."""
        document = self.vocabulary.document
        return (document.span if "for" in path else document.key_span)("parameters", self.name, *path)

    def _mixed(self, path: tuple[str | int, ...], zh: str, en: str) -> None:
        span = self.vocabulary.document.span("parameters", self.name, *path)
        self.diagnostics.append(diagnostic("E365.keys_mixed", span, name=self.name, why=Message(zh, en)))
        self.sound = False

    # -- all keys ----------------------------------------------------------------------------

    def _finished(self, branch: Branch, keys: tuple[str, ...], at: str) -> KeyedValues | None:
        """The branch in the order in which its tests are tried; None where it lacks a value."""
        key, *rest = keys
        missing = self._missing(branch, self.types[key])
        if missing is not None:
            span = self.vocabulary.document.span("parameters", self.name)
            where = f"{at}{key} {missing}"
            self.diagnostics.append(
                diagnostic("E365.keys_uncovered", span, name=self.name, missing=Message(where, where))
            )
            return None
        tests: list[tuple[KeyTest | None, KeyedValues | str]] = []
        for label in sorted(branch.tests, key=lambda label: _rank(branch.tests[label])):
            below = branch.below[label]
            part = (
                below.name
                if isinstance(below, Leaf)
                else self._finished(below, tuple(rest), f"{at}{label}, ")
            )
            if part is None:
                return None
            tests.append((branch.tests[label], part))
        return KeyedValues(tuple(tests))

    def _missing(self, branch: Branch, type_: Type) -> str | None:
        """What a key may be that no test of the branch takes; None: nothing that can be told."""
        if None in branch.tests.values():
            return None
        tests = [test for test in branch.tests.values() if test is not None]
        match type_:
            case Code(codes=name):
                taken = {code for test in tests for code in test.values}
                return (
                    ", ".join(code for code in self.vocabulary.codes[name].values if code not in taken)
                    or None
                )
            case Boolean():
                return ", ".join({"true", "false"} - {str(test.truth).lower() for test in tests}) or None
            case String():
                return None
            case _:
                spans = [
                    span for test in tests if test.cell for t in test.cell.tests if (span := _interval(t))
                ]
                return _gap(spans, whole=isinstance(type_, Numeric) and not type_.scale)


def _spelt(cell: str) -> str:
    """A cell with its signs as words, for a name."""
    for sign, word in _SIGNS:
        cell = cell.replace(sign, f" {word} ")
    return cell.lower()


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in _SEVERAL.split(cell) if part.strip()]


def _rank(test: KeyTest | None) -> int:
    """What is tried first: the narrowest place; what is otherwise, last."""
    return 1 if test is None else -max(map(len, test.places), default=0)


# An interval: where it begins and ends (None: nowhere), and whether the ends belong to it.
_Interval: TypeAlias = tuple[Any, bool, Any, bool]


def _interval(test: tree.Test) -> _Interval | None:
    """What a test of constants takes; None: it is no interval of constants."""
    if isinstance(test, tree.RangeTest):
        low, high = _literal(test.low), _literal(test.high)
        return None if low is None or high is None else (low, test.low_closed, high, test.high_closed)
    value = _literal(test.value)
    match test.op:
        case _ if value is None:
            return None
        case "=":
            return value, True, value, True
        case "<" | "<=":
            return None, False, value, test.op == "<="
        case ">" | ">=":
            return value, test.op == ">=", None, False
        case _:
            return None


def _literal(node: tree.Expr) -> Decimal | dt.date | None:
    match node:
        case tree.Number(value=value):
            return value
        case tree.Negate(value=tree.Number(value=value)):
            return -value
        case tree.Function(name="date", arguments=(tree.String(value=text),)):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                return None
        case _:
            return None


def _named(test: KeyTest) -> tuple[str | bool, ...]:
    """What a test names one by one."""
    return (*test.values, *test.places, *(() if test.truth is None else (test.truth,)))


def _overlapped(branch: Branch, test: KeyTest) -> str | None:
    """A test of the branch that may take the same; a place may lie in another."""
    if test.cell is None:
        return next((branch.taken[name] for name in _named(test) if name in branch.taken), None)
    ranges = ((label, known.cell) for label, known in branch.tests.items() if known is not None)
    return next((label for label, cell in ranges if cell is not None and _ranges_meet(test.cell, cell)), None)


def _ranges_meet(one: tree.Cell, other: tree.Cell) -> bool:
    spans = [(_interval(a), _interval(b)) for a in one.tests for b in other.tests]
    return any(a is not None and b is not None and _meet(a, b) for a, b in spans)


def _meet(a: _Interval, b: _Interval) -> bool:
    return _before_end(a, b) and _before_end(b, a)


def _before_end(a: _Interval, b: _Interval) -> bool:
    """Whether `a` begins before `b` ends."""
    low, low_closed, high, high_closed = a[0], a[1], b[2], b[3]
    if low is None or high is None:
        return True
    return bool(low < high or (low == high and low_closed and high_closed))


def _gap(spans: list[_Interval], whole: bool) -> str | None:
    """What lies between intervals, or above the last; below the first nothing is asked for."""
    ordered = sorted(spans, key=lambda span: (span[0] is not None, span[0], not span[1]))
    for (_, _, high, closed), (low, low_closed, _, _) in pairwise(ordered):
        adjacent = whole and closed and low_closed and low == high + 1
        if not adjacent and (low > high or (low == high and not closed and not low_closed)):
            return f"{high} .. {low}"
    last = ordered[-1][2] if ordered else None
    return None if last is None else f"> {last}"
