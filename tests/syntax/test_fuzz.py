"""Whatever is written gives a tree or a RuleError whose places lie in the text; nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.campaigns import few
from tests.syntax.trees import expressions

from mianshen.source import Diagnostic, RuleError, Text
from mianshen.syntax import (
    KEYWORDS,
    MAX_DEPTH,
    MAX_LENGTH,
    cell_to_text,
    parse_cell,
    parse_expression,
    to_text,
)
from mianshen.syntax.tree import Expr

_SIGNS = [*"+-*/=<>()[].,\"'%!&|#{}\\;:", "..", "**", "<=", "==", "//", "（", "，", "“", "”", "＝", "\u3000"]
_WORDS = [
    *sorted(KEYWORDS),
    "a",
    "days",
    "round half up",
    "date",
    "null",
    "总费用",
    "元",
    "A",
    "1",
    "0.5",
    "1,000",
]

anything = st.text(st.characters(), max_size=30)  # lone surrogates too
soup = st.lists(st.sampled_from([*_SIGNS, *_WORDS, '"x"', " ", "\n"]), max_size=14).flatmap(
    lambda words: st.sampled_from(["", " "]).map(lambda gap: gap.join(words))
)


def check(value: str) -> None:
    for parse in (_parse_and_print, _parse_and_print_cell):
        for finding in parse(Text.inline(value)):
            assert re.fullmatch("E2[0-9][0-9]", finding.code)
            assert 1 <= finding.span.column <= finding.span.end_column <= len(value) + 1
            assert finding.show("zh").encode("utf-8")
            assert finding.show("en").encode("utf-8")


def _parse_and_print(text: Text) -> Sequence[Diagnostic]:
    try:
        tree = parse_expression(text)
    except RuleError as error:
        return error.diagnostics or pytest.fail("an error without a mistake")
    assert parse_expression(Text.inline(to_text(tree))) == tree
    return ()


def _parse_and_print_cell(text: Text) -> Sequence[Diagnostic]:
    try:
        cell = parse_cell(text)
    except RuleError as error:
        return error.diagnostics or pytest.fail("an error without a mistake")
    assert parse_cell(Text.inline(cell_to_text(cell))) == cell
    return ()


@given(anything)
@settings(max_examples=few(75, 3000))
def test_any_text_gives_a_tree_or_its_mistakes(value: str) -> None:
    check(value)


@given(soup)
@settings(max_examples=few(250, 10000))
def test_any_words_of_the_language_give_a_tree_or_their_mistakes(value: str) -> None:
    check(value)


@given(expressions, st.data())
@settings(max_examples=few(100, 4000))
def test_a_formula_damaged_anywhere_gives_a_tree_or_its_mistakes(tree: Expr, data: st.DataObject) -> None:
    text = to_text(tree)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 4, len(text))))
    check(text[:start] + data.draw(st.sampled_from(["", *_SIGNS, *_WORDS])) + text[end:])


@pytest.mark.parametrize(
    "deepened",
    [
        lambda n: "-" * n + "a",
        lambda n: "not(" * n + "a" + ")" * n,
        lambda n: "a" + " + a" * n,
        lambda n: "a" + " or a" * n,
        lambda n: "a" + ".b" * n,
        lambda n: "a" + "[a]" * n,
        lambda n: "a[" * n + "a" + "]" * n,
        lambda n: "f(" * n + ")" * n,
        lambda n: "[" * n + "]" * n,
        lambda n: "if a then b else " * n + "c",
        lambda n: "some x in " * n + "a" + " satisfies b" * n,
        lambda n: "a in (b, " * n + "c" + ")" * n,
    ],
)
def test_a_formula_nested_too_deep_is_refused_once(deepened: Callable[[int], str]) -> None:
    """`deepened(n)` has a tree at least n deep, and at most twice that and one more."""
    assert to_text(parse_expression(Text.inline(deepened(MAX_DEPTH // 2 - 1))))
    for depth in (MAX_DEPTH + 1, 1000):
        with pytest.raises(RuleError) as caught:
            parse_expression(Text.inline(deepened(depth)))
        assert [finding.code for finding in caught.value.diagnostics] == ["E225"]


def test_brackets_alone_nest_as_deep_as_they_like() -> None:
    assert to_text(parse_expression(Text.inline("(" * 5000 + "a" + ")" * 5000))) == "a"


@pytest.mark.parametrize(
    "unit", ["a ", "(", '"', "-", "a,", "！", "$ ", "1 ", "if ", "round half up ", "[1..", "/*"]
)
def test_a_long_line_of_nonsense_is_refused(unit: str) -> None:
    value = unit * (MAX_LENGTH // len(unit))
    for parse in (parse_expression, parse_cell):
        with pytest.raises(RuleError):
            parse(Text.inline(value))


def test_a_formula_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(RuleError) as caught:
        parse_expression(Text.inline("a" * (MAX_LENGTH + 1)))
    assert [finding.code for finding in caught.value.diagnostics] == ["E225"]


def test_formulas_are_parsed_rightly_by_several_threads_at_once() -> None:
    formulas = [f"a{i} + b[c = {i}] * 2" for i in range(200)]
    with ThreadPoolExecutor(4) as pool:
        printed = list(pool.map(lambda f: to_text(parse_expression(Text.inline(f))), formulas))
    assert printed == formulas
