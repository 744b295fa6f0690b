"""Text in, surface tree out.

In: a formula or a table cell as `Text`. Out: `Expr` or `Cell`, every node with its place in the
file; or `RuleError` with every mistake found (codes E2xx).
Invariants: any text gives a tree or a RuleError, nothing else; a tree is never deeper than
`MAX_DEPTH`; the parser is built once, when first asked for.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path as FilePath
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from mianshen.catalogue import diagnostic
from mianshen.source import RuleError, Text
from mianshen.syntax import diagnostics
from mianshen.syntax.builder import Builder, Part
from mianshen.syntax.tree import Cell, Expr

if TYPE_CHECKING:
    from lark import Lark, Transformer

MAX_LENGTH: Final = 20_000
"""How many characters a formula may have."""

MOST_KEPT: Final = 4_000  # formulas and cells whose trees are kept

_Start = Literal["expression", "cell"]
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # half a character, which no file can hold
_one_at_a_time = Lock()


def parse_expression(text: Text) -> Expr:
    """The tree of a formula. Raises RuleError with all its mistakes."""
    if not text.value.strip(" \t\r\n"):
        raise RuleError([diagnostics.empty(text.span(0, len(text.value)), cell=False)])
    part: Part = _parse(text, "expression")
    return cast("Expr", part.node)


def parse_cell(text: Text) -> Cell:
    """The tests of one cell of a decision table; `-` is any value. Raises RuleError."""
    written = text.value.strip(" \t\r\n")
    if not written:
        raise RuleError([diagnostics.empty(text.span(0, len(text.value)), cell=True)])
    if written == "-":
        start = text.value.index("-")
        return Cell((), span=text.span(start, start + 1))
    return cast("Cell", _parse(text, "cell"))


@lru_cache(maxsize=MOST_KEPT)
def _parse(text: Text, start: _Start) -> Any:
    """The tree; kept, for a rulebook is read again with each of its overlays."""
    from lark.exceptions import UnexpectedInput

    if len(text.value) > MAX_LENGTH:
        raise RuleError([diagnostic("E225.too_long", text.span(0, len(text.value)), limit=MAX_LENGTH)])
    if half := _SURROGATE.search(text.value):
        raise RuleError([diagnostics.unknown_character(text.span(*half.span()), half[0])])
    lark, builder = _reader()
    with _one_at_a_time:
        builder.begin(text)
        try:
            parse: Any = lark.parse(text.value, start=start)
        except UnexpectedInput as failure:
            from mianshen.syntax.diagnosis import explain

            met = [finding for _, finding in builder.diagnostics]
            raise RuleError([*met, *explain(text, lark, failure)]) from None
        if builder.diagnostics:
            raise RuleError(finding for _, finding in builder.diagnostics)
    return parse


@cache
def _reader() -> tuple[Lark, Builder]:
    """The parser and what it builds with.

    The basic lexer, not the contextual one: a word of the language must be refused as a name
    wherever it stands, and one scanner is built sooner than one for each state.
    """
    from lark import Lark

    builder = Builder()
    grammar = FilePath(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start=["expression", "cell"],
        transformer=cast("Transformer[Any, Any]", builder),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )
    return lark, builder
