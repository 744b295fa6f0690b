"""What is wrong with the characters of a formula, before its structure is looked at.

In: the text of a formula that did not parse. Out: a diagnostic for every character or sign the
language does not have, each with what to write instead.
Invariant: what stands between double quotes is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Text
from mianshen.syntax import diagnostics
from mianshen.syntax.words import KEYWORDS

_OPERATORS: Final = {
    "==": "=",
    "===": "=",
    "!==": "!=",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    ":=": "=",
    "&": "and",
    "&&": "and",
    "|": "or",
    "||": "or",
    "!": "not(…)",
    "^": "**",
}

_QUOTES: Final = "“”„‟‘’＂＇「」『』"
_SPACES: Final = "\u00a0\u2002\u2003\u2009\u200a\u202f\u205f\u3000"
_NOTHING: Final = "\u200b\u200c\u200d\u2060\ufeff\ufe0f"

_ASCII: Final[dict[str, str]] = {
    **{chr(ord(c) + 0xFEE0): c for c in "+-*/=<>()[].,%"},
    **dict.fromkeys(_QUOTES, '"'),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_NOTHING, ""),
    **dict.fromkeys("－−–—―‐‑", "-"),
    **dict.fromkeys("【〔", "["),
    **dict.fromkeys("】〕", "]"),
    **dict.fromkeys("。．", "."),
    **dict.fromkeys("、，", ","),
    **dict.fromkeys("≤≦", "<="),
    **dict.fromkeys("≥≧", ">="),
    **dict.fromkeys("…‥", ".."),
    **dict.fromkeys("×✕∗", "*"),
    "≠": "!=",
    "÷": "/",
    "！": "!",
    "＆": "and",
    "｜": "or",
    "＾": "**",
    "²": "** 2",
    "³": "** 3",
}

_PIECE: Final = re.compile(
    rf"""
      (?P<text> "(?:[^"\\\n\r]|\\[^\n\r])*" )
    | (?P<quoted> [{_QUOTES}] [^{_QUOTES}"\n\r]* [{_QUOTES}] )
    | (?P<single> '[^'"\n\r]*' )
    | (?P<unclosed> "[^\n\r]* )
    | (?P<comment> \#[^\n\r]* | //[^\n\r]* | /\*.*?(?:\*/|$) )
    | (?P<exponent> [0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+(?![A-Za-z0-9_]) )
    | (?P<number> [0-9]+(?:\.[0-9]+)?%? )
    | (?P<word> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<chinese> [\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]* )
    | (?P<operator> !==|===|==|=>|=<|<>|:=|&&|\|\||&|\||\^|!(?!=) )
    | (?P<known> <=|>=|!=|[-+*/=<>()\[\].,\ \t\r\n] )
    | (?P<wide> [０-９Ａ-Ｚａ-ｚ＿]+ )
    | (?P<money> [¥￥$€] )
    | (?P<percent> % )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CURLY: Final = re.compile(f"[{_QUOTES}]")


def strange_characters(text: Text) -> list[Diagnostic]:
    """A diagnostic for everything the language has no sign for, in the order it stands."""
    strange: dict[int, Diagnostic] = {}
    strange_until = -1
    for piece in _PIECE.finditer(text.value):
        for start, finding in _look(text, piece):
            # A run of unknown characters is one mistake.
            if finding.code != "E206" or start != strange_until:
                strange.setdefault(start, finding)
            strange_until = piece.end() if finding.code == "E206" else -1
    return [strange[start] for start in sorted(strange)]


def _look(text: Text, piece: re.Match[str]) -> Iterator[tuple[int, Diagnostic]]:
    start, end = piece.span()
    written, span = piece[0], text.span(start, end)
    match piece.lastgroup:
        case "quoted":
            yield start, diagnostics.full_width(text.span(start, start + 1), written[0], '"')
            yield end - 1, diagnostics.full_width(text.span(end - 1, end), written[-1], '"')
        case "single":
            yield start, diagnostic("E208.single_quotes", span, inside=written[1:-1])
        case "unclosed":
            yield from _unclosed(text, start)
        case "comment":
            yield start, diagnostic("E206.comment", span)
        case "exponent":
            yield start, diagnostics.number_spelling(span, written, _all_digits(written))
        case "word" if not _NAME.fullmatch(written):
            yield start, _word(text, start, written)
        case "operator":
            yield start, diagnostic("E210.wrong_operator", span, written=written, right=_OPERATORS[written])
        case "wide":
            narrow = "".join(chr(ord(c) - 0xFEE0) for c in written)
            yield start, diagnostics.full_width(span, written, narrow)
        case "money":
            yield start, diagnostic("E206.currency_sign", span, written=written)
        case "percent":
            yield start, diagnostic("E213.lone_percent", span)
        case "other" if written in _ASCII:
            yield start, diagnostics.full_width(span, written, _ASCII[written])
        case "other":
            yield start, diagnostics.unknown_character(span, written)
        case _:
            return


def _unclosed(text: Text, start: int) -> Iterator[tuple[int, Diagnostic]]:
    """A quote without its partner: the partner may be a curly one."""
    curly = list(_CURLY.finditer(text.value))
    for quote in curly:
        yield quote.start(), diagnostics.full_width(text.span(*quote.span()), quote[0], '"')
    if not curly:
        yield start, diagnostic("E207.unclosed_text", text.span(start, start + 1))


def _all_digits(written: str) -> str:
    """`1.5e3` with all its digits; an example when they would be too many to show."""
    short = len(written) < 20 and len(re.split("[eE]", written)[1].lstrip("+-")) < 3
    return format(Decimal(written), "f") if short else "100000"


def _word(text: Text, start: int, written: str) -> Diagnostic:
    span = text.span(start, start + len(written))
    if (lower := written.lower()) in KEYWORDS | {"null"}:
        return diagnostic("E216.keyword_spelling", span, written=written, right=lower)
    right = re.sub("_+", "_", _HUMP.sub("_", written).lower()).strip("_")
    if not _NAME.fullmatch(right):
        return diagnostics.unknown_character(span, written)
    return diagnostic("E216.name_spelling", span, written=written, right=right)
