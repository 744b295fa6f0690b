"""What is said, and where, for each thing people get wrong: column, code, what to do."""

from __future__ import annotations

import pytest

from mianshen.source import RuleError, Text
from mianshen.syntax import parse_cell, parse_expression


def told(formula: str) -> list[str]:
    with pytest.raises(RuleError) as caught:
        parse_expression(Text.inline(formula, "f"))
    return [str(finding).removeprefix("f:1:") for finding in caught.value.diagnostics]


def codes(formula: str) -> list[tuple[int, str]]:
    with pytest.raises(RuleError) as caught:
        parse_expression(Text.inline(formula))
    return [(finding.span.column, finding.code) for finding in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("a == b", "3: E210: There is no operator `==`. Write `=`."),
        ("a <> b", "3: E210: There is no operator `<>`. Write `!=`."),
        ("a =< b", "3: E210: There is no operator `=<`. Write `<=`."),
        ("a && b", "3: E210: There is no operator `&&`. Write `and`."),
        ("!a", "1: E210: There is no operator `!`. Write `not(…)`."),
        ("a ^ 2", "3: E210: There is no operator `^`. Write `**`."),
        ("a = 'b'", '5: E208: Text does not stand in single quotes. Write `"b"`.'),
        ('a = "b', '5: E207: The text is never closed. Add the closing `"` on the same line.'),
        ("(a + b", "1: E214: `(` is never closed. Add the `)`."),
        ("max(a, b", "4: E214: `(` is never closed. Add the `)`."),
        ("if (a then b else c", "4: E214: `(` is never closed. Add the `)`."),
        ("a)", "2: E214: `)` closes nothing. Remove the `)`, or add the bracket it closes."),
        (
            "a + ",
            "3: E203: The formula stops after `+`, where a value is missing. Write the value, or remove `+`.",
        ),
        ("a + * b", "5: E203: A value is missing before `*`. Write the value, or remove `*`."),
        ("AND", "1: E216: `AND` is not written in capitals. Write `and`."),
        (
            "a.in",
            "3: E215: `in` is a word of the language and cannot be a name. Choose another name.",
        ),
        ("not a", "1: E217: `not` lacks its brackets. Write `not(…)`."),
        (
            "round half up a, 2",
            "1: E217: The function `round half up` lacks its brackets. Write `round half up(…)`.",
        ),
        ('date "2026-01-01"', "1: E217: The function `date` lacks its brackets. Write `date(…)`."),
        (
            "1 + if a then b else c",
            "5: E220: `if` inside another operation needs brackets. Write `(if …)`.",
        ),
        ("if a then b", "1: E221: `if` lacks its `else`. Add `else …`."),
        ("some x in claims", "1: E221: `some` lacks its `satisfies`. Add `satisfies …`."),
        ("x between 1 or 2", "3: E221: `between` lacks its `and`. Add `and …`."),
        (
            "a = null",
            "5: E222: There is no value `null`. Ask for a missing fact with `x is unknown`.",
        ),
        ("a\u200b", "2: E205: `U+200B` is not an ASCII character. Remove it."),
        ("a\u3000+ 1", "2: E205: `U+3000` is not an ASCII character. Write a plain space."),
        ("a ≥ b", "3: E205: `≥` is not an ASCII character. Write `>=`."),
        ("5.", "1: E213: A number is not written `5.`. Write `5`."),
        ("a > 12,5", "5: E213: A number is not written `12,5`. Write `12.5`."),
        (
            "a = 037",
            '5: E213: The number `037` begins with a zero. Write `37`, or `"037"` if it is a code.',
        ),
        (
            "a > 5万元",
            (
                "5: E213: The number `5` is followed by the unit `万元`. "
                "Write the number alone, in yuan if it is money, such as `50000`."
            ),
        ),
        (
            "max(1,000)",
            (
                "5: E211: The number `1,000` holds commas. "
                "Write `1000`, or a space after each comma if these are several values."
            ),
        ),
        ("1" * 39, "1: E212: The number has more than 38 digits. Write a shorter number."),
        (
            "date(2026-01-31)",
            '1: E218: `date` takes one text in double quotes. Write it as in `date("2026-01-31")`.',
        ),
        (
            "hospital level",
            (
                "1: E216: A name holds no spaces: `hospital level`. "
                "Write `hospital_level`, or an operator between the two names."
            ),
        ),
        (
            "totalCost",
            (
                "1: E216: A name is not written `totalCost`. "
                "Write `total_cost`: names are lower case letters, digits and underscores, a letter first."
            ),
        ),
        (
            "a < b < c",
            (
                "7: E219: Comparisons do not chain: a second one begins at `<`. "
                "Join two comparisons with `and`, write `x in [a..b]`, or add brackets."
            ),
        ),
    ],
)
def test_a_mistake_is_said_with_its_fix(formula: str, said: str) -> None:
    assert told(formula) == [said]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a（b，c）", [(2, "E205"), (4, "E205"), (6, "E205")]),
        ("a = “职工，”", [(5, "E205"), (9, "E205")]),
        ('a = "职工”', [(8, "E205")]),
        ("a = ‘职工’", [(5, "E205"), (8, "E205")]),
        (
            "ａｂ ＋ １２．５％",
            [(1, "E205"), (4, "E205"), (6, "E205"), (8, "E205"), (9, "E205"), (10, "E205")],
        ),
        ("a && b || 'c' == D", [(3, "E210"), (8, "E210"), (11, "E208"), (15, "E210"), (18, "E216")]),
        ("1,000 + 007 + 2,000", [(1, "E211"), (9, "E213"), (15, "E211")]),
        ("null + 1,000 +", [(1, "E222"), (8, "E211"), (14, "E203")]),
        ('"\\q" = "\\x"', [(2, "E209"), (9, "E209")]),
        ("$$$ a ;;", [(1, "E206"), (7, "E206")]),
        ("𠀀𠀁 + ☃", [(1, "E206"), (6, "E206")]),
    ],
)
def test_several_mistakes_are_all_reported_in_one_run(formula: str, expected: list[tuple[int, str]]) -> None:
    assert codes(formula) == expected


@pytest.mark.parametrize(
    ("formula", "column", "code"),
    [
        ("a ** b ** c", 8, "E219"),
        ("a > 5 and < 10", 11, "E219"),
        ("a = b in c", 7, "E219"),
        ("(a + b]", 7, "E214"),
        ("[a, b)", 6, "E214"),
        ("max(if a then b, c)", 5, "E221"),
        ("a then b", 3, "E221"),
        ("if a else b", 6, "E221"),
        ("some x claims satisfies c", 1, "E221"),
        ("some in in claims satisfies c", 6, "E215"),
        ("every 1 in claims satisfies c", 1, "E216"),
        ("and", 1, "E215"),
        ("known + 1", 1, "E215"),
        ("a.f(b)", 3, "E217"),
        ("a.", 2, "E216"),
        ("a类", 1, "E216"),
        ("5 x", 3, "E204"),
        ('"a" "b"', 5, "E204"),
        ("a (b)(c)", 6, "E204"),
        ("a not in (b, c)", 3, "E217"),
        ("a is not known", 3, "E222"),
        ("a is null", 3, "E222"),
        ("a known", 3, "E222"),
        ("a is known + 1", 12, "E202"),
        ("1..5", 2, "E223"),
        ("a in 1..5", 7, "E223"),
        ("a, b", 2, "E224"),
        ("(a, b)", 3, "E224"),
        ("a in ()", 7, "E203"),
        ("claims[]", 8, "E203"),
        ("max(a, )", 8, "E203"),
        ("< 5", 1, "E203"),
        ("75 %", 4, "E213"),
        ("a % 2", 3, "E213"),
        ("¥500", 1, "E206"),
        ("a # why", 3, "E206"),
        ("a // why", 3, "E206"),
        ("duration(5)", 1, "E218"),
        ("date(year: 2026, 1, 1)", 1, "E226"),
        ('"\\ud83d"', 1, "E206"),
        ("round\u3000half up(a)", 6, "E205"),
    ],
)
def test_a_mistake_stands_at_the_word_to_change(formula: str, column: int, code: str) -> None:
    assert codes(formula) == [(column, code)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "1: E201: Nothing is written here. Write `-` for any value."),
        ("—", "1: E205: `—` is not an ASCII character. Write `-`."),
        (
            "> 5 and < 10",
            (
                "5: E219: `and` does not join tests. "
                "Separate alternatives by commas; for two bounds write a range such as `[5..10)`."
            ),
        ),
        ("[1..5", "1: E214: `[` is never closed. Add the `]`."),
        ("not a", "1: E217: `not` lacks its brackets. Write `not(…)`."),
        ("a，b", "2: E205: `，` is not an ASCII character. Write `,`."),
    ],
)
def test_a_mistake_in_a_cell_is_said_with_its_fix(written: str, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_cell(Text.inline(written, "f"))
    assert [str(finding) for finding in caught.value.diagnostics] == [f"f:1:{said}"]


def test_a_mismatched_bracket_shows_where_the_other_one_is() -> None:
    with pytest.raises(RuleError) as caught:
        parse_expression(Text.inline("max(a + b] * 2", "f"))
    assert str(caught.value) == (
        "f:1:10: E214: `(` is closed by `]`. Write `)`.\n  f:1:4: the bracket is opened here"
    )


def test_full_width_signs_inside_text_are_left_alone() -> None:
    assert codes('a = "（一）" ＋ b') == [(11, "E205")]
