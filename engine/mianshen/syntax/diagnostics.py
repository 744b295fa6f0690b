"""What can be wrong with a formula or cell as text: one named constructor for each mistake.

In: the place and the words around it. Out: `Diagnostic` E2xx, in both languages.
Invariant: a code has one meaning and, once given out, keeps it.
"""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span


def empty(span: Span, *, cell: bool) -> Diagnostic:
    if cell:
        fix = ("任意值请写 `-`", "Write `-` for any value")
    else:
        fix = ("请写出公式，或删去这一项", "Write a formula, or leave the entry out")
    return diagnostic("E201.empty", span, fix=fix)


def unexpected(span: Span, word: str) -> Diagnostic:
    return diagnostic("E202.unexpected", span, word=word)


def value_missing_before(span: Span, word: str) -> Diagnostic:
    return diagnostic("E203.value_missing_before", span, word=word)


def value_missing_after(span: Span, word: str) -> Diagnostic:
    return diagnostic("E203.value_missing_after", span, word=word)


def operator_missing(span: Span, left: str, right: str) -> Diagnostic:
    return diagnostic("E204.operator_missing", span, left=left, right=right)


def full_width(span: Span, written: str, ascii_: str) -> Diagnostic:
    """A character that looks like one of the language's; `ascii_` is the one to write, if any."""
    shown = written if written.isprintable() else f"U+{ord(written[0]):04X}"
    fix = {"": ("请删去", "Remove it"), " ": ("请改为半角空格", "Write a plain space")}
    return diagnostic(
        "E205.full_width",
        span,
        fix=fix.get(ascii_, (f"请改为半角 `{ascii_}`", f"Write `{ascii_}`")),
        shown=shown,
    )


def unknown_character(span: Span, written: str) -> Diagnostic:
    shown = written if written.isprintable() else ascii(written)[1:-1]
    return diagnostic("E206.unknown_character", span, shown=shown)


def comment(span: Span) -> Diagnostic:
    return diagnostic("E206.comment", span)


def currency_sign(span: Span, written: str) -> Diagnostic:
    return diagnostic("E206.currency_sign", span, written=written)


def unclosed_text(span: Span) -> Diagnostic:
    return diagnostic("E207.unclosed_text", span)


def single_quotes(span: Span, inside: str) -> Diagnostic:
    return diagnostic("E208.single_quotes", span, inside=inside)


def bad_escape(span: Span, written: str) -> Diagnostic:
    return diagnostic("E209.bad_escape", span, written=written)


def wrong_operator(span: Span, written: str, right: str) -> Diagnostic:
    return diagnostic("E210.wrong_operator", span, written=written, right=right)


def thousands(span: Span, written: str) -> Diagnostic:
    plain = written.replace(",", "")
    return diagnostic("E211.thousands", span, written=written, plain=plain)


def number_too_long(span: Span, limit: int) -> Diagnostic:
    return diagnostic("E212.number_too_long", span, limit=limit)


def number_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return diagnostic("E213.number_spelling", span, written=written, right=right)


def leading_zero(span: Span, written: str, right: str) -> Diagnostic:
    return diagnostic("E213.leading_zero", span, written=written, right=right)


def unit_after_number(span: Span, number: str, unit: str) -> Diagnostic:
    return diagnostic("E213.unit_after_number", span, number=number, unit=unit)


def lone_percent(span: Span) -> Diagnostic:
    return diagnostic("E213.lone_percent", span)


def unclosed_bracket(span: Span, opening: str, closing: str) -> Diagnostic:
    return diagnostic("E214.unclosed_bracket", span, opening=opening, closing=closing)


def unopened_bracket(span: Span, closing: str) -> Diagnostic:
    return diagnostic("E214.unopened_bracket", span, closing=closing)


def mismatched_bracket(span: Span, opening: str, closing: str, right: str, opened: Span) -> Diagnostic:
    return diagnostic(
        "E214.mismatched_bracket",
        span,
        also=((opened, Message("左括号在这里", "the bracket is opened here")),),
        opening=opening,
        closing=closing,
        right=right,
    )


def keyword_as_name(span: Span, word: str) -> Diagnostic:
    return diagnostic("E215.keyword_as_name", span, word=word)


def keyword_for_value(span: Span, word: str) -> Diagnostic:
    return diagnostic("E215.keyword_for_value", span, word=word)


def name_missing(span: Span, after: str) -> Diagnostic:
    return diagnostic("E216.name_missing", span, after=after)


def name_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return diagnostic("E216.name_spelling", span, written=written, right=right)


def keyword_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return diagnostic("E216.keyword_spelling", span, written=written, right=right)


def mixed_name(span: Span, written: str) -> Diagnostic:
    return diagnostic("E216.mixed_name", span, written=written)


def spaced_name(span: Span, words: str, joined: str) -> Diagnostic:
    return diagnostic("E216.spaced_name", span, words=words, joined=joined)


def brackets_for_function(span: Span, function: str) -> Diagnostic:
    return diagnostic("E217.brackets_for_function", span, function=function)


def call_after_dot(span: Span, function: str) -> Diagnostic:
    return diagnostic("E217.call_after_dot", span, function=function)


def not_without_brackets(span: Span) -> Diagnostic:
    return diagnostic("E217.not_without_brackets", span)


def not_inside(span: Span) -> Diagnostic:
    return diagnostic("E217.not_inside", span)


def quoted_argument(span: Span, function: str) -> Diagnostic:
    example = "2026-01-31" if function == "date" else "P12M"
    return diagnostic("E218.quoted_argument", span, function=function, example=example)


def chained_comparison(span: Span, word: str) -> Diagnostic:
    return diagnostic("E219.chained_comparison", span, word=word)


def half_comparison(span: Span, word: str) -> Diagnostic:
    return diagnostic("E219.half_comparison", span, word=word)


def joined_tests(span: Span, word: str) -> Diagnostic:
    return diagnostic("E219.joined_tests", span, word=word)


def chained_power(span: Span) -> Diagnostic:
    return diagnostic("E219.chained_power", span)


def needs_brackets(span: Span, word: str) -> Diagnostic:
    return diagnostic("E220.needs_brackets", span, word=word)


def part_missing(span: Span, word: str, part: str) -> Diagnostic:
    return diagnostic("E221.part_missing", span, word=word, part=part)


def part_alone(span: Span, part: str, word: str) -> Diagnostic:
    return diagnostic("E221.part_alone", span, part=part, word=word)


def known_or_unknown(span: Span) -> Diagnostic:
    return diagnostic("E222.known_or_unknown", span)


def no_null(span: Span) -> Diagnostic:
    return diagnostic("E222.no_null", span)


def range_out_of_place(span: Span) -> Diagnostic:
    return diagnostic("E223.range_out_of_place", span)


def comma_out_of_place(span: Span) -> Diagnostic:
    return diagnostic("E224.comma_out_of_place", span)


def half_named(span: Span, name: str) -> Diagnostic:
    return diagnostic("E226.half_named", span, name=name)


def too_deep(span: Span, limit: int) -> Diagnostic:
    return diagnostic("E225.too_deep", span, limit=limit)


def too_long(span: Span, limit: int) -> Diagnostic:
    return diagnostic("E225.too_long", span, limit=limit)
