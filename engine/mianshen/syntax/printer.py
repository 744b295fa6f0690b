"""Surface tree in, text out, with the fewest brackets that read well.

Invariant: parsing what is printed gives an equal tree, for every tree the parser can give.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, assert_never

from mianshen.syntax.tree import (
    Between,
    Binary,
    BinaryOp,
    Boolean,
    Cell,
    CompareTest,
    Expr,
    Filter,
    For,
    Function,
    If,
    In,
    IsKnown,
    ListOf,
    Name,
    Negate,
    Not,
    Number,
    OnDate,
    Path,
    Quantified,
    RangeTest,
    String,
    Test,
)


class _Level(IntEnum):
    """How tightly a form binds, loosest first; as in `grammar.lark`."""

    EXPRESSION = 0
    EITHER = 1
    BOTH = 2
    COMPARISON = 3
    SUM = 4
    PRODUCT = 5
    POWER = 6
    SIGNED = 7
    SELECTION = 8


# The level of an operation, of its left side and of its right side.
_OPERATIONS: Final[dict[BinaryOp, tuple[_Level, _Level, _Level]]] = {
    "or": (_Level.EITHER, _Level.EITHER, _Level.BOTH),
    "and": (_Level.BOTH, _Level.BOTH, _Level.COMPARISON),
    "=": (_Level.COMPARISON, _Level.SUM, _Level.SUM),
    "!=": (_Level.COMPARISON, _Level.SUM, _Level.SUM),
    "<": (_Level.COMPARISON, _Level.SUM, _Level.SUM),
    "<=": (_Level.COMPARISON, _Level.SUM, _Level.SUM),
    ">": (_Level.COMPARISON, _Level.SUM, _Level.SUM),
    ">=": (_Level.COMPARISON, _Level.SUM, _Level.SUM),
    "+": (_Level.SUM, _Level.SUM, _Level.PRODUCT),
    "-": (_Level.SUM, _Level.SUM, _Level.PRODUCT),
    "*": (_Level.PRODUCT, _Level.PRODUCT, _Level.POWER),
    "/": (_Level.PRODUCT, _Level.PRODUCT, _Level.POWER),
    # The grammar reads -a ** 2 as (-a) ** 2; people often do not, so a signed base gets brackets.
    "**": (_Level.POWER, _Level.SELECTION, _Level.SIGNED),
}

_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def to_text(expression: Expr) -> str:
    """The formula as text, on one line."""
    return _at(_Level.EXPRESSION, expression)


def cell_to_text(cell: Cell) -> str:
    """The cell as text, on one line; `-` when it tests nothing."""
    if not cell.tests:
        return "-"
    tests = ", ".join(map(_test, cell.tests))
    if cell.negated:
        return f"not({tests})"
    match cell.tests:
        case (CompareTest("=", Not()),):
            return f"({tests})"  # bare, it would read as "anything but"
        case _:
            return tests


def _at(level: _Level, expression: Expr) -> str:
    own, text = _form(expression)
    return text if own >= level else f"({text})"


def _form(e: Expr) -> tuple[_Level, str]:
    match e:
        case Number() | String() | Boolean() | Name():
            return _Level.SELECTION, _leaf(e)
        case Path(of, name):
            return _Level.SELECTION, f"{_at(_Level.SELECTION, of)}.{name}"
        case Filter(of, condition):
            return _Level.SELECTION, f"{_at(_Level.SELECTION, of)}[{to_text(condition)}]"
        case Function(name, arguments, names=()):
            return _Level.SELECTION, f"{name}({_listed(arguments)})"
        case Function(name, arguments, names=names):
            pairs = zip(names, arguments, strict=True)
            return (
                _Level.SELECTION,
                f"{name}({', '.join(f'{label}: {to_text(part)}' for label, part in pairs)})",
            )
        case OnDate(figure, date):
            return _Level.SIGNED, f"{_at(_Level.SELECTION, figure)} at {_at(_Level.SELECTION, date)}"
        case ListOf(items):
            return _Level.SELECTION, f"[{_listed(items)}]"
        case RangeTest():
            return _Level.SELECTION, _range(e)
        case Not(value):
            return _Level.SELECTION, f"not({to_text(value)})"
        case Negate(value):
            return _Level.SIGNED, f"-{_at(_Level.SIGNED, value)}"
        case Binary(op, left, right):
            own, on_left, on_right = _OPERATIONS[op]
            return own, f"{_at(on_left, left)} {op} {_at(on_right, right)}"
        case Between() | In() | IsKnown():
            return _Level.COMPARISON, _comparison(e)
        case If() | Quantified() | For():
            return _Level.EXPRESSION, _sentence(e)
        case _:
            assert_never(e)


def _leaf(e: Number | String | Boolean | Name) -> str:
    match e:
        case Number(value):
            return format(value, "f")
        case String(value):
            return f'"{"".join(map(_character, value))}"'
        case Boolean(value):
            return "true" if value else "false"
        case Name(value):
            return value
        case _:
            assert_never(e)


def _comparison(e: Between | In | IsKnown) -> str:
    value = _at(_Level.SUM, e.value)
    match e:
        case Between(_, low, high):
            lowest = _at(_Level.SUM, low)
            if lowest.startswith("(") and not value.endswith(")"):
                value = f"({value})"  # `days between(` would be the function
            return f"{value} between {lowest} and {_at(_Level.SUM, high)}"
        case In(_, (CompareTest("=", only),)):
            return f"{value} in {_at(_Level.SUM, only)}"
        case In(_, (only,)):
            return f"{value} in {_test(only)}"
        case In(_, tests):
            return f"{value} in ({', '.join(map(_test, tests))})"
        case IsKnown(_, negated):
            return f"{value} is {'unknown' if negated else 'known'}"
        case _:
            assert_never(e)


def _sentence(e: If | Quantified | For) -> str:
    match e:
        case If(condition, then, otherwise):
            return f"if {to_text(condition)} then {to_text(then)} else {to_text(otherwise)}"
        case For(variable, items, value):
            return f"for {variable} in {to_text(items)} return {to_text(value)}"
        case Quantified(kind, variable, items, condition):
            return f"{kind} {variable} in {to_text(items)} satisfies {to_text(condition)}"
        case _:
            assert_never(e)


def _test(test: Test) -> str:
    match test:
        case CompareTest("=", value):
            return to_text(value)
        case CompareTest(op, value):
            return f"{op} {_at(_Level.SUM, value)}"
        case RangeTest():
            return _range(test)
        case _:
            assert_never(test)


def _range(test: RangeTest) -> str:
    inside = f"{_at(_Level.SUM, test.low)}..{_at(_Level.SUM, test.high)}"
    return f"{'[' if test.low_closed else '('}{inside}{']' if test.high_closed else ')'}"


def _listed(items: tuple[Expr, ...]) -> str:
    return ", ".join(map(to_text, items))


def _character(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    return c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}"
