"""Printing then parsing is the identity, and printing is stable."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.support.campaigns import few
from tests.syntax.trees import cells, expressions

from mianshen.source import Text
from mianshen.syntax import cell_to_text, parse_cell, parse_expression, to_text
from mianshen.syntax.tree import Cell, Expr


@given(expressions)
@settings(max_examples=few(75, 3000))
def test_a_printed_formula_parses_to_the_same_tree(tree: Expr) -> None:
    assert parse_expression(Text.inline(to_text(tree))) == tree


@given(cells)
@settings(max_examples=few(50, 2000))
def test_a_printed_cell_parses_to_the_same_cell(cell: Cell) -> None:
    assert parse_cell(Text.inline(cell_to_text(cell))) == cell


@pytest.mark.parametrize(
    "formula",
    [
        "(in_scope_cost - deductible) * employee_rate",
        "a - (b - c)",
        "a - b - c",
        "a * (b / c)",
        "(a + b) * c",
        "-(a + b)",
        "(-a) ** 2",
        "-(a ** 2)",
        "(a ** b) ** c",
        "a or b and c",
        "(a or b) and c",
        "a and (b and c)",
        "(a = b) = c",
        "not(a and b)",
        "(if a then b else c) + 1",
        "if a then b else if c then d else e",
        "a and (some x in claims satisfies x.paid > 0)",
        "x in a",
        "x in (a, b)",
        "x in (a or b)",
        "x in (> 5, [1..2), (3..4])",
        "x in >= 5",
        "x between a + 1 and b",
        "(x between a and b) is known",
        'sum(claims[care_type = "inpatient"].total_cost)',
        "(a + b).year",
        "(-a)[x]",
        "[a, b, c][x].y",
        "[]",
        "(days) between (a + b) * c and d",
    ],
)
def test_brackets_are_printed_only_where_they_are_needed(formula: str) -> None:
    assert to_text(parse_expression(Text.inline(formula))) == formula


@pytest.mark.parametrize(
    "cell",
    [
        "-",
        '"a", "b"',
        'not("a")',
        "not(< 5, [7..9))",
        "(not(covered))",
        "not(not(covered))",
        "not(covered), x",
        "[1..5)",
        "(a + 1..b]",
        '>= date("2026-01-01")',
        "x in (1, 2)",
    ],
)
def test_cells_are_printed_as_people_write_them(cell: str) -> None:
    assert cell_to_text(parse_cell(Text.inline(cell))) == cell


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("((a))", "a"),
        ("75%", "0.75"),
        ("0.5%", "0.005"),
        ("12.50", "12.50"),
        ("a=b and(c)", "a = b and c"),
        ("round \n half  up(x,2)", "round half up(x, 2)"),
        ("x in (a)", "x in a"),
        ("x in ([1..2])", "x in [1..2]"),
        (r'"\u4f4e\u4fdd\ud83d\ude00\t"', r'"低保😀\t"'),
        ("-a ** 2", "(-a) ** 2"),
    ],
)
def test_equal_formulas_are_printed_alike(written: str, printed: str) -> None:
    assert to_text(parse_expression(Text.inline(written))) == printed
