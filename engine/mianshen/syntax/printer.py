"""Surface tree in, text out, with the fewest brackets that read well.

Invariant: parsing what is printed gives an equal tree, for every tree the parser can give.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, assert_never

from mianshen.syntax import tree


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
_OPERATIONS: Final[dict[tree.BinaryOp, tuple[_Level, _Level, _Level]]] = {
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


def to_text(expression: tree.Expr) -> str:
    """The formula as text, on one line."""
    return _at(_Level.EXPRESSION, expression)


def cell_to_text(cell: tree.Cell) -> str:
    """The cell as text, on one line; `-` when it tests nothing."""
    if not cell.tests:
        return "-"
    tests = ", ".join(map(_test, cell.tests))
    if cell.negated:
        return f"not({tests})"
    match cell.tests:
        case (tree.CompareTest("=", tree.Not()),):
            return f"({tests})"  # bare, it would read as "anything but"
        case _:
            return tests


def _at(level: _Level, expression: tree.Expr) -> str:
    own, text = _form(expression)
    return text if own >= level else f"({text})"


def _form(e: tree.Expr) -> tuple[_Level, str]:
    match e:
        case tree.Number() | tree.String() | tree.Boolean() | tree.Name():
            return _Level.SELECTION, _leaf(e)
        case tree.Path(of, name):
            return _Level.SELECTION, f"{_at(_Level.SELECTION, of)}.{name}"
        case tree.Filter(of, condition):
            return _Level.SELECTION, f"{_at(_Level.SELECTION, of)}[{to_text(condition)}]"
        case tree.Function(name, arguments, names=()):
            return _Level.SELECTION, f"{name}({_listed(arguments)})"
        case tree.Function(name, arguments, names=names):
            pairs = zip(names, arguments, strict=True)
            return (
                _Level.SELECTION,
                f"{name}({', '.join(f'{label}: {to_text(part)}' for label, part in pairs)})",
            )
        case tree.OnDate(figure, date):
            return _Level.SIGNED, f"{_at(_Level.SELECTION, figure)} at {_at(_Level.SELECTION, date)}"
        case tree.ListOf(items):
            return _Level.SELECTION, f"[{_listed(items)}]"
        case tree.RangeTest():
            return _Level.SELECTION, _range(e)
        case tree.Not(value):
            return _Level.SELECTION, f"not({to_text(value)})"
        case tree.Negate(value):
            return _Level.SIGNED, f"-{_at(_Level.SIGNED, value)}"
        case tree.Binary(op, left, right):
            own, on_left, on_right = _OPERATIONS[op]
            return own, f"{_at(on_left, left)} {op} {_at(on_right, right)}"
        case tree.Between() | tree.In() | tree.IsKnown():
            return _Level.COMPARISON, _comparison(e)
        case tree.If() | tree.Quantified() | tree.For():
            return _Level.EXPRESSION, _sentence(e)
        case _:
            assert_never(e)


def _leaf(e: tree.Number | tree.String | tree.Boolean | tree.Name) -> str:
    match e:
        case tree.Number(value):
            return format(value, "f")
        case tree.String(value):
            return f'"{"".join(map(_character, value))}"'
        case tree.Boolean(value):
            return "true" if value else "false"
        case tree.Name(value):
            return value
        case _:
            assert_never(e)


def _comparison(e: tree.Between | tree.In | tree.IsKnown) -> str:
    value = _at(_Level.SUM, e.value)
    match e:
        case tree.Between(_, low, high):
            lowest = _at(_Level.SUM, low)
            if lowest.startswith("(") and not value.endswith(")"):
                value = f"({value})"  # `days between(` would be the function
            return f"{value} between {lowest} and {_at(_Level.SUM, high)}"
        case tree.In(_, (tree.CompareTest("=", only),)):
            return f"{value} in {_at(_Level.SUM, only)}"
        case tree.In(_, (only,)):
            return f"{value} in {_test(only)}"
        case tree.In(_, tests):
            return f"{value} in ({', '.join(map(_test, tests))})"
        case tree.IsKnown(_, negated):
            return f"{value} is {'unknown' if negated else 'known'}"
        case _:
            assert_never(e)


def _sentence(e: tree.If | tree.Quantified | tree.For) -> str:
    match e:
        case tree.If(condition, then, otherwise):
            return f"if {to_text(condition)} then {to_text(then)} else {to_text(otherwise)}"
        case tree.For(variable, items, value):
            return f"for {variable} in {to_text(items)} return {to_text(value)}"
        case tree.Quantified(kind, variable, items, condition):
            return f"{kind} {variable} in {to_text(items)} satisfies {to_text(condition)}"
        case _:
            assert_never(e)


def _test(test: tree.Test) -> str:
    match test:
        case tree.CompareTest("=", value):
            return to_text(value)
        case tree.CompareTest(op, value):
            return f"{op} {_at(_Level.SUM, value)}"
        case tree.RangeTest():
            return _range(test)
        case _:
            assert_never(test)


def _range(test: tree.RangeTest) -> str:
    inside = f"{_at(_Level.SUM, test.low)}..{_at(_Level.SUM, test.high)}"
    return f"{'[' if test.low_closed else '('}{inside}{']' if test.high_closed else ')'}"


def _listed(items: tuple[tree.Expr, ...]) -> str:
    return ", ".join(map(to_text, items))


def _character(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    return c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}"
