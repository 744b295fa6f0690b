"""Every node and every mistake knows its line and column, however the formula is written in YAML."""

from __future__ import annotations

import pytest

from mianshen.source import RuleError, Span, Text
from mianshen.syntax import parse_cell, parse_expression
from mianshen.syntax.tree import Binary, Function, In, Path

FILE = "rules/a.yaml"


def plain(value: str, line: int, column: int) -> Text:
    """`when: a + b`: one line, as written."""
    places = tuple((line, column + i) for i in range(len(value) + 1))
    return Text(value, FILE, places)


def quoted(written: str, line: int, column: int) -> Text:
    r"""`when: "a = \"b\""`: an escaped quote takes two columns; the opening quote takes the first."""
    value, places, i = "", [], 0
    while i < len(written):
        places.append((line, column + 1 + i))
        i += written[i] == "\\"
        value += written[i]
        i += 1
    return Text(value, FILE, (*places, (line, column + 1 + i)))


def block(lines: list[str], line: int, indent: int) -> Text:
    """`when: |` and the formula on lines of its own, indented."""
    places = [
        (line + row, indent + 1 + i) for row, content in enumerate(lines) for i in range(len(content) + 1)
    ]
    return Text("\n".join(lines) + "\n", FILE, (*places, (line + len(lines), 1)))


def folded(lines: list[str], line: int, indent: int) -> Text:
    """`when: >` joins lines by a space, which stands where the line ends."""
    literal = block(lines, line, indent)
    return Text(" ".join(lines) + "\n", FILE, literal.positions)


def finding(text: Text) -> Span:
    with pytest.raises(RuleError) as caught:
        parse_expression(text)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.span


def test_a_mistake_in_a_plain_scalar_has_the_column_of_the_file() -> None:
    assert finding(plain("total_cost + * 2", 7, 13)) == Span(FILE, 7, 26, 7, 27)


def test_a_mistake_after_an_escape_in_a_quoted_scalar_has_the_column_of_the_file() -> None:
    text = quoted(r"care_type = \"inpatient\" && x", 7, 13)
    assert text.value == 'care_type = "inpatient" && x'
    assert finding(text) == Span(FILE, 7, 40, 7, 42)


def test_a_mistake_in_a_literal_block_has_the_line_of_the_file() -> None:
    assert finding(block(["covered", "and age == 60"], 8, 6)) == Span(FILE, 9, 15, 9, 17)


def test_a_mistake_in_a_folded_block_has_the_line_of_the_file() -> None:
    assert finding(folded(["covered", "and (age > 60"], 8, 6)) == Span(FILE, 9, 11, 9, 12)


def test_a_formula_that_stops_is_reported_at_its_last_word_not_on_the_next_line() -> None:
    assert finding(block(["covered", "and"], 8, 6)) == Span(FILE, 9, 7, 9, 10)


def test_full_width_signs_are_reported_each_at_its_place() -> None:
    text = block(["min（a，b）", "＞ １２"], 8, 6)
    with pytest.raises(RuleError) as caught:
        parse_expression(text)
    assert [str(d) for d in caught.value.diagnostics] == [
        "rules/a.yaml:8:10: E205: `（` is not an ASCII character. Write `(`.",
        "rules/a.yaml:8:12: E205: `，` is not an ASCII character. Write `,`.",
        "rules/a.yaml:8:14: E205: `）` is not an ASCII character. Write `)`.",
        "rules/a.yaml:9:7: E205: `＞` is not an ASCII character. Write `>`.",
        "rules/a.yaml:9:9: E205: `１２` is not an ASCII character. Write `12`.",
    ]


def test_a_mistake_is_shown_in_chinese_too() -> None:
    with pytest.raises(RuleError) as caught:
        parse_expression(plain("a == b", 3, 9))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.show("zh") == "rules/a.yaml:3:11: E210: 没有 `==` 这个运算符。请写 `=`。"


def test_every_node_spans_what_it_was_written_as() -> None:
    tree = parse_expression(plain("(a + b) * round half up(c.d, 2)", 3, 10))
    assert isinstance(tree, Binary)
    assert tree.span == Span(FILE, 3, 10, 3, 41)
    assert tree.left.span == Span(FILE, 3, 11, 3, 16)
    assert isinstance(tree.right, Function)
    assert tree.right.span == Span(FILE, 3, 20, 3, 41)
    path = tree.right.arguments[0]
    assert isinstance(path, Path)
    assert path.span == Span(FILE, 3, 34, 3, 37)


def test_tests_span_what_they_were_written_as() -> None:
    tree = parse_expression(plain("x in (< 5, [7..9))", 1, 1))
    assert isinstance(tree, In)
    assert tree.span == Span(FILE, 1, 1, 1, 19)
    assert [(t.span.column, t.span.end_column) for t in tree.tests] == [(7, 10), (12, 18)]


def test_a_cell_spans_its_tests() -> None:
    assert parse_cell(plain(" - ", 4, 5)).span == Span(FILE, 4, 6, 4, 7)
    assert parse_cell(plain('"a", "b" ', 4, 5)).span == Span(FILE, 4, 5, 4, 13)
    assert parse_cell(plain("not(a, b)", 4, 5)).span == Span(FILE, 4, 5, 4, 14)


def test_an_empty_formula_is_reported_where_it_should_stand() -> None:
    assert finding(plain("", 4, 5)) == Span(FILE, 4, 5, 4, 5)
    assert finding(plain("  ", 4, 5)) == Span(FILE, 4, 5, 4, 7)
