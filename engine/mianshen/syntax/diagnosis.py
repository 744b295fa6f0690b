"""Why a formula did not parse.

In: the text and where the parser stopped. Out: at least one diagnostic, each at the word to change.
Invariants: strange characters are reported all, and alone; otherwise there is one diagnostic, for
the first place where the words cannot go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span, Text
from mianshen.syntax import diagnostics
from mianshen.syntax.characters import strange_characters
from mianshen.syntax.words import CALLED, KEYWORDS, SPACED, UNITS

if TYPE_CHECKING:
    from lark import Lark
    from lark.exceptions import UnexpectedInput


class _Word(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_ENDS_VALUE: Final = frozenset(
    {"NAME", "NUMBER", "STRING", "TRUE", "FALSE", "RPAR", "RSQB", "KNOWN", "UNKNOWN"}
)
_BEGINS_VALUE: Final = frozenset(
    {"NAME", "NUMBER", "STRING", "TRUE", "FALSE", "CALL", "NOT", "LPAR", "LSQB", "IF", "SOME", "EVERY", "FOR"}
)
_COMPARISONS: Final = frozenset({"COMPARE", "IN", "IS", "BETWEEN"})
_SENTENCES: Final = frozenset({"IF", "SOME", "EVERY", "FOR"})
_CLOSING: Final = {"LPAR": ")", "LSQB": "]"}
_OPENING: Final = {"RPAR": "LPAR", "RSQB": "LSQB"}
# What must still come after a word, and the word it belongs to.
_AWAITED: Final = {
    "IF": "then",
    "THEN": "else",
    "SOME": "in",
    "EVERY": "in",
    "FOR": "in",
    "ITEMS": "satisfies",
    "EACH": "return",
    "BETWEEN": "and",
}
_PARTS: Final = {
    "THEN": ("IF", "if"),
    "ELSE": ("THEN", "if"),
    "SATISFIES": ("ITEMS", "some … in"),
    "RETURN": ("EACH", "for … in"),
}

_END: Final = "END"


def explain(text: Text, lark: Lark, failure: UnexpectedInput) -> list[Diagnostic]:
    """The mistakes that made the parser stop at `failure`; never empty."""
    if strange := strange_characters(text):
        return strange
    from lark.exceptions import UnexpectedToken

    if not isinstance(failure, UnexpectedToken):
        at = failure.pos_in_stream or 0
        return [diagnostics.unknown_character(text.span(at, at + 1), text.value[at : at + 1])]
    words = [_Word(t.type, str(t), t.start_pos or 0, t.end_pos or 0) for t in lark.lex(text.value)]
    size = len(text.value)
    at = len(words)
    if failure.token.type != "$END":
        at = next(i for i, word in enumerate(words) if word.start == failure.token.start_pos)
    ends = [_Word(_END, "", size, size)] * 2
    return [_Failure(text, [*words, *ends], at).explain()]


class _Failure:
    """The words of a formula, and the first one that cannot stand where it does."""

    def __init__(self, text: Text, words: list[_Word], at: int) -> None:
        self.text = text
        self.bad, self.next = words[at], words[at + 1]
        self.earlier = words[:at]
        self.before = words[at - 1] if at else _Word(_END, "", 0, 0)
        self.before_that = words[at - 2] if at > 1 else _Word(_END, "", 0, 0)
        self.later = words[at:]
        self.open = _open(self.earlier)

    def explain(self) -> Diagnostic:
        if self.before.kind in _ENDS_VALUE:
            return self._after_value()
        return self._without_value()

    def _span(self, first: _Word, last: _Word | None = None) -> Span:
        return self.text.span(first.start, (last or first).end)

    # A value should stand here.

    def _without_value(self) -> Diagnostic:
        bad, before = self.bad, self.before
        match before.kind:
            case "DOT":
                return self._after_dot()
            case "SOME" | "EVERY" | "FOR" if bad.text in KEYWORDS:
                return diagnostic("E215.keyword_as_name", self._span(bad), word=bad.text)
            case "SOME" | "EVERY" | "FOR":
                return diagnostic("E216.name_missing", self._span(before), after=before.text)
            case "IS":
                return diagnostic("E222.known_or_unknown", self._span(before, bad))
            case "NOT":
                return diagnostic("E217.not_without_brackets", self._span(before))
            case "LPAR" | "LSQB" if bad.kind == _END:
                return diagnostic(
                    "E214.unclosed_bracket",
                    self._span(before),
                    opening=before.text,
                    closing=_CLOSING[before.kind],
                )
            case _ if bad.kind == _END:
                return diagnostic("E203.value_missing_after", self._span(before), word=before.text)
            case "AND" | "OR" if bad.kind == "COMPARE":
                return diagnostic("E219.half_comparison", self._span(bad), word=bad.text)
            case _:
                return self._no_value()

    def _no_value(self) -> Diagnostic:
        bad, span = self.bad, self._span(self.bad)
        if bad.kind in _SENTENCES:
            return diagnostic("E220.needs_brackets", span, word=bad.text)
        if bad.kind == "DOT" and self.next.kind == "NUMBER" and self.next.start == bad.end:
            written = bad.text + self.next.text
            return diagnostics.number_spelling(self._span(bad, self.next), written, f"0{written}")
        if bad.kind in _OPENING and not any(kind in _CLOSING for kind, _ in self.open):
            return diagnostic("E214.unopened_bracket", span, closing=bad.text)
        if bad.text in KEYWORDS:
            return diagnostic("E215.keyword_for_value", span, word=bad.text)
        return diagnostic("E203.value_missing_before", span, word=bad.text)

    def _after_dot(self) -> Diagnostic:
        bad, number = self.bad, self.before_that
        if bad.text in KEYWORDS:
            return diagnostic("E215.keyword_as_name", self._span(bad), word=bad.text)
        if bad.kind == "CALL":
            return diagnostic("E217.call_after_dot", self._span(bad), function=" ".join(bad.text.split()))
        if number.kind == "NUMBER" and number.end == self.before.start:
            return diagnostics.number_spelling(
                self._span(number, self.before), f"{number.text}.", number.text
            )
        return diagnostic("E216.name_missing", self._span(self.before), after=".")

    # A value is complete; what follows cannot follow it.

    def _after_value(self) -> Diagnostic:
        bad, span = self.bad, self._span(self.bad)
        if self.before_that.kind in ("SOME", "EVERY", "FOR"):
            return diagnostic(
                "E221.part_missing", self._span(self.before_that), word=self.before_that.text, part="in"
            )
        if bad.kind in _BEGINS_VALUE:
            return self._two_values()
        if bad.kind in _PARTS:
            return self._part_of_sentence()
        if bad.kind in _COMPARISONS:
            return diagnostic("E219.chained_comparison", span, word=bad.text)
        match bad.kind:
            case "POWER":
                return diagnostic("E219.chained_power", span)
            case "DOTDOT":
                return diagnostic("E223.range_out_of_place", span)
            case "KNOWN" | "UNKNOWN":
                return diagnostic("E222.known_or_unknown", span)
            case "COMMA" if self.before.end == bad.start and self._decimal_comma():
                written = f"{self.before.text},{self.next.text}"
                return diagnostics.number_spelling(
                    self._span(self.before, self.next), written, written.replace(",", ".")
                )
            case "RPAR" | "RSQB" | "COMMA" | "OR" | "AND" | "END":
                return self._unfinished()
            case _:
                return diagnostic("E202.unexpected", span, word=bad.text)

    def _decimal_comma(self) -> bool:
        numbers = self.before.kind == self.next.kind == "NUMBER"
        return numbers and self.next.start == self.bad.end

    def _two_values(self) -> Diagnostic:
        bad, before = self.bad, self.before
        if bad.kind == "NOT":
            return diagnostic("E217.not_inside", self._span(bad))
        if before.kind == "NAME" and (function := self._function_without_brackets()):
            return function
        if before.kind == bad.kind == "NAME":
            if before.end == bad.start:
                return diagnostic("E216.mixed_name", self._span(before, bad), written=before.text + bad.text)
            words = f"{before.text} {bad.text}"
            return diagnostic(
                "E216.spaced_name", self._span(before, bad), words=words, joined=words.replace(" ", "_")
            )
        if before.kind == "NUMBER" and bad.kind == "NAME" and UNITS.issuperset(bad.text):
            return diagnostic(
                "E213.unit_after_number", self._span(before, bad), number=before.text, unit=bad.text
            )
        return diagnostic(
            "E204.operator_missing", self._span(bad), left=before.text, right=" ".join(bad.text.split())
        )

    def _function_without_brackets(self) -> Diagnostic | None:
        names = [self.before, *self.later]
        run = next(i for i, word in enumerate(names) if word.kind != "NAME")
        joined = " ".join(word.text for word in names[:run]) + " "
        for function in SPACED:
            if joined.startswith(f"{function} "):
                last = names[function.count(" ")]
                return diagnostic(
                    "E217.brackets_for_function", self._span(self.before, last), function=function
                )
        if self.before.text in CALLED:
            return diagnostic(
                "E217.brackets_for_function", self._span(self.before), function=self.before.text
            )
        return None

    def _part_of_sentence(self) -> Diagnostic:
        opener, word = _PARTS[self.bad.kind]
        if not any(kind == opener for kind, _ in self.open):
            return diagnostic("E221.part_alone", self._span(self.bad), part=self.bad.text, word=word)
        return self._unfinished()

    def _unfinished(self) -> Diagnostic:
        """The innermost thing begun and not finished, or what ends something never begun."""
        bad, span = self.bad, self._span(self.bad)
        kind, opening = self.open[-1] if self.open else (_END, bad)
        if kind in _AWAITED:
            return diagnostic(
                "E221.part_missing", self._span(opening), word=opening.text, part=_AWAITED[kind]
            )
        match bad.kind:
            case "AND" | "OR":
                return diagnostic("E219.joined_tests", span, word=bad.text)
            case "COMMA":
                return diagnostic("E224.comma_out_of_place", span)
            case "RPAR" | "RSQB" if kind == _END:
                return diagnostic("E214.unopened_bracket", span, closing=bad.text)
            case "RPAR" | "RSQB" if kind != _OPENING[bad.kind]:
                right, opened = _CLOSING[kind], self._span(opening)
                return diagnostic(
                    "E214.mismatched_bracket",
                    span,
                    also=((opened, Message("左括号在这里", "the bracket is opened here")),),
                    opening=opening.text,
                    closing=bad.text,
                    right=right,
                )
            case _ if kind in _CLOSING:
                return diagnostic(
                    "E214.unclosed_bracket", self._span(opening), opening=opening.text, closing=_CLOSING[kind]
                )
            case _:
                return diagnostic("E202.unexpected", span, word=bad.text)


def _open(words: list[_Word]) -> list[tuple[str, _Word]]:
    """What is begun and not finished, outermost first: brackets, `if`, `some … in`, `between`."""
    begun: list[tuple[str, _Word]] = []
    for word in words:
        top = begun[-1][0] if begun else _END
        match word.kind:
            case "LPAR" | "LSQB" | "IF" | "SOME" | "EVERY" | "FOR" | "BETWEEN":
                begun.append((word.kind, word))
            case "THEN" if top == "IF":
                begun[-1] = ("THEN", begun[-1][1])
            case "IN" if top in ("SOME", "EVERY"):
                begun[-1] = ("ITEMS", begun[-1][1])
            case "IN" if top == "FOR":
                begun[-1] = ("EACH", begun[-1][1])
            case "ELSE" | "SATISFIES" | "RETURN" | "AND" if top in _AWAITED and _AWAITED[top] == word.text:
                begun.pop()
            case "RPAR" | "RSQB" if top in _CLOSING:
                begun.pop()
            case _:
                pass
    return begun
