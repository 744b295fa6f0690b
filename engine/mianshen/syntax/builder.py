"""The tree, built while the parser reads: one method for each rule of `grammar.lark`.

In: the tokens and parts of a rule, in the order written. Out: a `Part` holding the tree's node.
Invariants: a method never raises for what a formula says; mistakes it meets are collected in
`mistakes`, and the parse goes on, so that one run reports all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Span, Text
from mianshen.syntax import diagnostics, tree
from mianshen.values import MAX_DIGITS, fits

if TYPE_CHECKING:
    from lark import Token

MAX_DEPTH: Final = 100
"""How deep a formula's tree may be, so that every pass over it may recurse."""


class Part(NamedTuple):
    """A node with the place of its text and the depth of its tree, a leaf being 1."""

    node: Any
    start: int
    end: int
    depth: int


class NamedPart(NamedTuple):
    """An argument given by name."""

    node: Any
    start: int
    end: int
    depth: int
    name: str


Children: TypeAlias = "list[Any]"

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")


class Builder:
    """Builds the tree of one text at a time: `begin`, then let the parser call the rules."""

    text: Text
    diagnostics: list[tuple[int, Diagnostic]]

    def begin(self, text: Text) -> None:
        self.text = text
        self.diagnostics = []

    # Leaves

    def number(self, children: Children) -> Part:
        token: Token = children[0]
        start, end = _place(token)
        value = Decimal(0)
        digits = token.rstrip("%")
        whole = digits.partition(".")[0].partition("e")[0].partition("E")[0]
        span = self.text.span(start, end)
        if "," in digits:
            self._refuse(start, diagnostics.thousands(span, str(token)))
        elif len(whole) > 1 and whole[0] == "0":
            right = token.lstrip("0")
            self._refuse(
                start,
                diagnostic(
                    "E213.leading_zero",
                    span,
                    written=str(token),
                    right=right if right[:1].isdigit() else f"0{right}",
                ),
            )
        else:
            value = Decimal(f"{digits}E-2" if token.endswith("%") else digits)
            if not fits(value):
                value = Decimal(0)
                self._refuse(start, diagnostic("E212.number_too_long", span, limit=MAX_DIGITS))
        return Part(tree.Number(value, span), start, end, 1)

    def string(self, children: Children) -> Part:
        token: Token = children[0]
        start, end = _place(token)
        inside = token[1:-1]
        value = self._unescape(inside, start + 1) if "\\" in inside else inside
        span = self.text.span(start, end)
        if not value.isascii() and (half := _SURROGATE.search(value)):
            self._refuse(start, diagnostics.unknown_character(span, half[0]))
        return Part(tree.String(value, span), start, end, 1)

    def dated_text(self, children: Children) -> Part:
        """`@"2026-01-31"` and `@"P1Y"`, a date and a duration."""
        start, end = _place(children[0])
        span = self.text.span(start, end)
        written = children[0][2:-1]
        name = "duration" if written.lstrip("-").startswith("P") else "date"
        return Part(tree.Function(name, (tree.String(written, span),), span), start, end, 2)

    def boolean(self, children: Children) -> Part:
        start, end = _place(children[0])
        return Part(tree.Boolean(children[0] == "true", self.text.span(start, end)), start, end, 1)

    def name(self, children: Children) -> Part:
        word: Token = children[0]
        start, end = _place(word)
        span = self.text.span(start, end)
        if word == "null":
            self._refuse(start, diagnostic("E222.no_null", span))
        return Part(tree.Name(str(word), span), start, end, 1)

    # Selections, calls and lists

    def path(self, children: Children) -> Part:
        of, _, name = children
        start, end = of.start, name.end_pos
        return self._part(lambda span: tree.Path(of.node, " ".join(name.split()), span), start, end, of)

    def filtered(self, children: Children) -> Part:
        of, _, condition, closing = children
        return self._part(
            lambda span: tree.Filter(of.node, condition.node, span), of.start, closing.end_pos, of, condition
        )

    def call(self, children: Children) -> Part:
        name = " ".join(children[0].split())
        arguments: list[Part | NamedPart] = children[2:-1:2]
        start, end = children[0].start_pos, children[-1].end_pos
        if name in ("date", "duration") and len(arguments) == 1 and _is_bare(arguments[0].node):
            # What stands inside was not meant as a formula: `date(2026-01-31)`.
            self.diagnostics = [m for m in self.diagnostics if m[0] < start]
            self._refuse(start, diagnostics.quoted_argument(self.text.span(start, end), name))
        nodes = tuple(argument.node for argument in arguments)
        names = tuple(argument.name for argument in arguments if isinstance(argument, NamedPart))
        if names and len(names) < len(arguments):
            self._refuse(start, diagnostic("E226.half_named", self.text.span(start, end), name=name))
        return self._part(lambda span: tree.Function(name, nodes, span, names), start, end, *arguments)

    def named(self, children: Children) -> NamedPart:
        *words, _, value = children
        return NamedPart(value.node, words[0].start_pos, value.end, value.depth, " ".join(words))

    def items(self, children: Children) -> Part:
        parts: list[Part] = children[1:-1:2]
        nodes = tuple(part.node for part in parts)
        start, end = children[0].start_pos, children[-1].end_pos
        return self._part(lambda span: tree.ListOf(nodes, span), start, end, *parts)

    def grouped(self, children: Children) -> Part:
        opening, inside, closing = children
        return Part(inside.node, opening.start_pos, closing.end_pos, inside.depth)

    # Operations

    def negation(self, children: Children) -> Part:
        word, _, value, closing = children
        if isinstance(value, NamedPart) and value.name != "negand":
            self._refuse(
                word.start_pos,
                diagnostic("E217.not_without_brackets", self.text.span(word.start_pos, word.end_pos)),
            )
        return self._part(lambda span: tree.Not(value.node, span), word.start_pos, closing.end_pos, value)

    def negative(self, children: Children) -> Part:
        sign, value = children
        return self._part(lambda span: tree.Negate(value.node, span), sign.start_pos, value.end, value)

    def binary(self, children: Children) -> Part:
        left, op, right = children
        depth = max(left.depth, right.depth) + 1
        start, end = left.start, right.end
        span = self.text.span(start, end)
        if depth == MAX_DEPTH + 1:
            self._refuse(start, diagnostic("E225.too_deep", span, limit=MAX_DEPTH))
        return Part(tree.Binary(str(op), left.node, right.node, span), start, end, depth)  # type: ignore[arg-type]

    def between(self, children: Children) -> Part:
        value, _, low, _, high = children
        return self._part(
            lambda span: tree.Between(value.node, low.node, high.node, span),
            value.start,
            high.end,
            value,
            low,
            high,
        )

    def known(self, children: Children) -> Part:
        value, _, word = children
        negated = word == "unknown"
        return self._part(
            lambda span: tree.IsKnown(value.node, negated, span), value.start, word.end_pos, value
        )

    def instance(self, children: Children) -> Part:
        value, kind = children
        name = " ".join(kind.split()[2:])
        start, end = _place(kind)
        named = tree.String(name, self.text.span(start, end))
        return self._part(
            lambda span: tree.Function("instance of", (value.node, named), span), value.start, end, value
        )

    def stretch(self, children: Children) -> Part:
        low, _, high = children
        return self._part(
            lambda span: tree.RangeTest(low.node, high.node, True, True, span), low.start, high.end, low, high
        )

    def contained(self, children: Children) -> Part:
        value, _, membership = children
        tests: list[Part]
        tests, end = membership
        nodes = tuple(test.node for test in tests)
        return self._part(lambda span: tree.In(value.node, nodes, span), value.start, end, value, *tests)

    def choice(self, children: Children) -> Part:
        word, condition, _, then, _, otherwise = children
        return self._part(
            lambda span: tree.If(condition.node, then.node, otherwise.node, span),
            word.start_pos,
            otherwise.end,
            condition,
            then,
            otherwise,
        )

    def iterators(self, children: Children) -> list[tuple[str, Part]]:
        return [(str(children[at]), children[at + 2]) for at in range(0, len(children), 4)]

    def quantified(self, children: Children) -> Part:
        word, iterators, _, condition = children
        kind = str(word)
        return self._repeated(
            word,
            iterators,
            condition,
            lambda *parts: tree.Quantified(kind, *parts),  # type: ignore[arg-type]
        )

    def repeated(self, children: Children) -> Part:
        word, iterators, _, value = children
        return self._repeated(word, iterators, value, tree.For)

    def _repeated(
        self, word: Token, iterators: list[tuple[str, Part]], inner: Part, make: Callable[..., Any]
    ) -> Part:
        """Iterators within one another, the first outermost."""
        for name, items in reversed(iterators):
            node = partial(make, name, items.node, inner.node)
            inner = self._part(node, word.start_pos or 0, inner.end, items, inner)
        return inner

    def on_date(self, children: Children) -> Part:
        figure, _, date = children
        return self._part(
            lambda span: tree.OnDate(figure.node, date.node, span), figure.start, date.end, figure, date
        )

    # Tests

    def range(self, children: Children) -> Part:
        opening, low, _, high, closing = children
        return self._part(
            lambda span: tree.RangeTest(low.node, high.node, opening == "[", closing == "]", span),
            opening.start_pos,
            closing.end_pos,
            low,
            high,
        )

    def bound(self, children: Children) -> Part:
        op, value = children
        return self._part(
            lambda span: tree.CompareTest(str(op), value.node, span),  # type: ignore[arg-type]
            op.start_pos,
            value.end,
            value,
        )

    def equal(self, children: Children) -> Part:
        value: Part = children[0]
        if isinstance(value.node, tree.RangeTest):
            return value
        span = self.text.span(value.start, value.end)
        return Part(tree.CompareTest("=", value.node, span), value.start, value.end, value.depth)

    def several(self, children: Children) -> list[Part]:
        return children[::2]

    def one_value(self, children: Children) -> tuple[list[Part], int]:
        return [self.equal(children)], children[0].end

    def one_test(self, children: Children) -> tuple[list[Part], int]:
        return [children[0]], children[0].end

    def many_tests(self, children: Children) -> tuple[list[Part], int]:
        return children[1], children[2].end_pos

    def any_of(self, children: Children) -> tree.Cell:
        tests: list[Part] = children[::2]
        start, end = tests[0].start, tests[-1].end
        span = self.text.span(start, end)
        first = tests[0].node
        # `not(a)` alone in a cell is "anything but a"; `(not(a))` is a value.
        if len(tests) == 1 and _is_negation(first) and self.text.value[start] != "(":
            inside = first.value.value
            test = (
                inside if isinstance(inside, tree.RangeTest) else tree.CompareTest("=", inside, inside.span)
            )
            return tree.Cell((test,), negated=True, span=span)
        return tree.Cell(tuple(test.node for test in tests), span=span)

    def none_of(self, children: Children) -> tree.Cell:
        tests = tuple(test.node for test in children[2])
        return tree.Cell(tests, True, self.text.span(children[0].start_pos, children[3].end_pos))

    # What the methods share

    def _part(self, make: Any, start: int, end: int, *parts: Part | NamedPart) -> Part:
        depth = 1 + max((part.depth for part in parts), default=0)
        span: Span = self.text.span(start, end)
        if depth == MAX_DEPTH + 1:
            self._refuse(start, diagnostic("E225.too_deep", span, limit=MAX_DEPTH))
        return Part(make(span), start, end, depth)

    def _refuse(self, start: int, finding: Diagnostic) -> None:
        self.diagnostics.append((start, finding))

    def _unescape(self, inside: str, offset: int) -> str:
        def one(match: re.Match[str]) -> str:
            code, letter = match.groups()
            if code:
                return chr(int(code, 16))
            if letter not in _ESCAPED:
                start, end = offset + match.start(), offset + match.end()
                self._refuse(
                    start, diagnostic("E209.bad_escape", self.text.span(start, end), written=match[0])
                )
            return _ESCAPED.get(letter, letter)

        value = _ESCAPE.sub(one, inside)
        if not _SURROGATE.search(value):
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _place(token: Token) -> tuple[int, int]:
    start, end = token.start_pos, token.end_pos
    assert start is not None
    assert end is not None
    return start, end


def _is_bare(node: Any) -> bool:
    """Whether what stands in `date(…)` may be meant as a text without its quotes: 2026-01-31."""
    while isinstance(node, tree.Binary) and node.op == "-":
        node = node.left
    return isinstance(node, tree.Number)


def _is_negation(test: tree.RangeTest | tree.CompareTest) -> bool:
    return isinstance(test, tree.CompareTest) and test.op == "=" and isinstance(test.value, tree.Not)
