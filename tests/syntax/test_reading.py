"""What each form of the language reads as."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from mianshen.source import Text
from mianshen.syntax import parse_cell, parse_expression
from mianshen.syntax.tree import (
    Between,
    Binary,
    Boolean,
    Cell,
    CompareTest,
    Expr,
    Filter,
    Function,
    If,
    In,
    IsKnown,
    ListOf,
    Name,
    Negate,
    Not,
    Number,
    Path,
    Quantified,
    RangeTest,
    String,
)

A, B, C, X = Name("a"), Name("b"), Name("c"), Name("x")
ONE, TWO = Number(Decimal(1)), Number(Decimal(2))


def read(formula: str) -> Expr:
    return parse_expression(Text.inline(formula))


def cell(written: str) -> Cell:
    return parse_cell(Text.inline(written))


@pytest.mark.parametrize(
    ("formula", "tree"),
    [
        ("12", Number(Decimal(12))),
        ("0.75", Number(Decimal("0.75"))),
        ("75%", Number(Decimal("0.75"))),
        ("0", Number(Decimal(0))),
        ("true", Boolean(True)),
        ("false", Boolean(False)),
        ('"a \\"b\\" \\\\"', String('a "b" \\')),
        ('"低保，（一）"', String("低保，（一）")),
        ('""', String("")),
        ("总费用", Name("总费用")),
        ("费用_2a", Name("费用_2a")),
        ("resident.birth_date.year", Path(Path(Name("resident"), "birth_date"), "year")),
        ("claims[a].x", Path(Filter(Name("claims"), A), "x")),
        ("-a", Negate(A)),
        ("--a", Negate(Negate(A))),
        ("not(a)", Not(A)),
        ("not (a)", Not(A)),
        ("[a, b]", ListOf((A, B))),
        ("[]", ListOf(())),
        ("f()", Function("f", ())),
        ("age on(a, b)", Function("age on", (A, B))),
        ("days between(a, b)", Function("days between", (A, B))),
        ("days\n between (a, b)", Function("days between", (A, B))),
        ("working days  between(a, b)", Function("working days between", (A, B))),
        ("working day of month(a, b)", Function("working day of month", (A, B))),
        ("days between a and b", Between(Name("days"), A, B)),
        ('date("2026-01-31")', Function("date", (String("2026-01-31"),))),
        ("a is known", IsKnown(A, False)),
        ("a is unknown", IsKnown(A, True)),
        ("x between a and b and c", Binary("and", Between(X, A, B), C)),
        ("if a then b else c", If(A, B, C)),
        ("some x in a satisfies x.b", Quantified("some", "x", A, Path(X, "b"))),
        ("every x in a satisfies b or c", Quantified("every", "x", A, Binary("or", B, C))),
        ("x in a", In(X, (CompareTest("=", A),))),
        ("x in (a, b)", In(X, (CompareTest("=", A), CompareTest("=", B)))),
        ("x in [a, b]", In(X, (CompareTest("=", ListOf((A, B))),))),
        ("x in [1..2)", In(X, (RangeTest(ONE, TWO, True, False),))),
        ("x in (1..2]", In(X, (RangeTest(ONE, TWO, False, True),))),
        ("x in (< a, = b)", In(X, (CompareTest("<", A), CompareTest("=", B)))),
        ("x in (a + b) * c", In(X, (CompareTest("=", Binary("*", Binary("+", A, B), C)),))),
    ],
)
def test_a_form_reads_as_its_node(formula: str, tree: Expr) -> None:
    assert read(formula) == tree


@pytest.mark.parametrize(
    ("loose", "tight"),
    [
        ("a or b and c", "a or (b and c)"),
        ("a and b = c", "a and (b = c)"),
        ("a = b + c", "a = (b + c)"),
        ("a + b * c", "a + (b * c)"),
        ("a * b ** c", "a * (b ** c)"),
        ("-a ** b", "(-a) ** b"),
        ("-a.b", "-(a.b)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c", "(a / b) * c"),
        ("if a then b else c or x", "if a then b else (c or x)"),
        ("a in b and c", "(a in b) and c"),
        ("a is known or b", "(a is known) or b"),
    ],
)
def test_operators_bind_as_in_feel(loose: str, tight: str) -> None:
    assert read(loose) == read(tight)


@pytest.mark.parametrize(
    ("written", "tree"),
    [
        ("-", Cell(())),
        (" - ", Cell(())),
        ("a", Cell((CompareTest("=", A),))),
        ("-a", Cell((CompareTest("=", Negate(A)),))),
        ("a, b", Cell((CompareTest("=", A), CompareTest("=", B)))),
        ("< a", Cell((CompareTest("<", A),))),
        ("!= a", Cell((CompareTest("!=", A),))),
        ("[a..b)", Cell((RangeTest(A, B, True, False),))),
        ("not(a)", Cell((CompareTest("=", A),), negated=True)),
        ("not(a, b)", Cell((CompareTest("=", A), CompareTest("=", B)), negated=True)),
        ("not(> a)", Cell((CompareTest(">", A),), negated=True)),
        ("(not(a))", Cell((CompareTest("=", Not(A)),))),
        ("not(a) and b", Cell((CompareTest("=", Binary("and", Not(A), B)),))),
        ("12.50", Cell((CompareTest("=", Number(Decimal("12.50"))),))),
    ],
)
def test_a_cell_reads_as_its_tests(written: str, tree: Cell) -> None:
    assert cell(written) == tree


@pytest.mark.parametrize("digits", ["1" * 38, "0." + "1" * 38, "1" * 36 + ".11", "1" * 38 + "%"])
def test_a_number_of_38_digits_is_read_exactly_whatever_the_context(digits: str) -> None:
    with localcontext(prec=5):
        tree = read(digits)
    with localcontext(prec=60):
        exact = Decimal(digits.rstrip("%")) / (100 if digits.endswith("%") else 1)
    assert tree == Number(exact)


def test_a_number_keeps_the_decimals_it_is_written_with() -> None:
    tree = read("12.50")
    assert isinstance(tree, Number)
    assert str(tree.value) == "12.50"


def test_line_breaks_and_indentation_mean_nothing() -> None:
    assert read("a\n  and\tb\r\n  and c") == read("a and b and c")
