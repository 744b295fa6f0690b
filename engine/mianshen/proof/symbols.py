"""Values as a solver sees them: numbers as scaled integers, days as codes, and whether a value is known at all.

In: z3 terms or plain constants. Out: the same, folded where they are constant. A number with `scale` decimals is the
integer of its last decimals (fen), so that nothing is ever rounded but where a rule says so. A day is
year * 372 + (month - 1) * 31 + (day - 1): codes are ordered as days are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, assert_never

import z3

from mianshen.closed_sets import RoundingMode

Term: TypeAlias = Any  # a z3 term, a bool or an int
YEAR: Final = 372
MONTH: Final = 31
MOST_LEAVES: Final = 128  # of a choice among constants by which a product is taken apart


class NotLowered(Exception):
    """What the solver is not told, and why; a property that needs it is unknown."""


@dataclass(frozen=True, slots=True)
class Sym:
    """A value: `known` and `modelled` say whether it is one; `scale` is that of a number."""

    value: Term
    known: Term = True
    modelled: Term = True
    scale: int = 0

    @property
    def there(self) -> Term:
        return all_of(self.known, self.modelled)

    @property
    def unknown(self) -> Term:
        return all_of(self.modelled, no(self.known))

    @property
    def true(self) -> Term:
        return all_of(self.known, self.modelled, _truth(self.value))

    @property
    def false(self) -> Term:
        return all_of(self.known, self.modelled, no(_truth(self.value)))


NO_VALUE: Final = Sym(0, True, False)
UNKNOWN: Final = Sym(0, False)


def _truth(value: Term) -> Term:
    """A condition's value; of what has none, false."""
    return bool(value) if isinstance(value, int) else value


# -- logic -------------------------------------------------------------------------------------------


def no(a: Term) -> Term:
    return (not a) if isinstance(a, bool) else z3.Not(a)


def all_of(*parts: Term) -> Term:
    if any(part is False for part in parts):
        return False
    rest = [part for part in parts if part is not True]
    return True if not rest else rest[0] if len(rest) == 1 else z3.And(*rest)


def any_of(*parts: Term) -> Term:
    if any(part is True for part in parts):
        return True
    rest = [part for part in parts if part is not False]
    return False if not rest else rest[0] if len(rest) == 1 else z3.Or(*rest)


def choose(condition: Term, one: Term, other: Term) -> Term:
    """The one where the condition holds, else the other."""
    if isinstance(condition, bool):
        return one if condition else other
    if _is_logical(one) != _is_logical(other):  # one of them is no value: anything may stand for it
        one, other = (_truth(part) if isinstance(part, int) else part for part in (one, other))
    if same(one, other):
        return one
    if isinstance(one, bool) and isinstance(other, bool):
        return condition if one else z3.Not(condition)
    return z3.If(condition, term(one), term(other))


def _is_logical(value: Term) -> bool:
    return isinstance(value, bool) or (not isinstance(value, int) and z3.is_bool(value))


def same(one: Term, other: Term) -> bool:
    """Whether two terms are the same one, not merely equal."""
    if isinstance(one, bool | int) or isinstance(other, bool | int):
        return type(one) is type(other) and one == other
    return bool(one.eq(other))


def equal(one: Term, other: Term) -> Term:
    if isinstance(one, bool | int) and isinstance(other, bool | int):
        return one == other
    return term(one) == term(other)


def term(value: Term) -> z3.ExprRef:
    """A term of the solver's, of a constant too."""
    if isinstance(value, bool):
        return z3.BoolVal(value)
    return z3.IntVal(value) if isinstance(value, int) else value


# -- numbers -----------------------------------------------------------------------------------------


def aligned(parts: Sequence[Sym]) -> tuple[list[Term], int]:
    """Numbers at the scale of the finest of them."""
    scale = max(part.scale for part in parts)
    return [part.value * 10 ** (scale - part.scale) for part in parts], scale


def product(one: Term, other: Term) -> Term:
    """A product; by a choice among constants it is a choice among multiples, which keeps it linear."""
    if isinstance(one, int) or isinstance(other, int):
        return one * other
    if _constants(other) <= MOST_LEAVES:
        return _through(other, lambda leaf: one * leaf)
    if _constants(one) <= MOST_LEAVES:
        return _through(one, lambda leaf: other * leaf)
    return one * other


def _constants(term: Term) -> int:
    """How many leaves a choice among constants has; very many where it is none."""
    pending, count, seen = [term], 0, 0
    while pending:
        at = pending.pop()
        seen += 1
        if seen > 4 * MOST_LEAVES:
            return 10**6
        if isinstance(at, int) or z3.is_int_value(at):
            count += 1
        elif z3.is_app_of(at, z3.Z3_OP_ITE):
            pending += [at.arg(1), at.arg(2)]
        else:
            return 10**6
    return count


def _through(term: Term, change: Callable[[int], Term]) -> Term:
    if isinstance(term, int):
        return change(term)
    if z3.is_int_value(term):
        return change(term.as_long())
    return choose(term.arg(0), _through(term.arg(1), change), _through(term.arg(2), change))


def rounded(top: Term, bottom: Term, mode: RoundingMode) -> Term:
    """The whole number nearest to a quotient, by the mode; the divisor is not zero."""
    if not isinstance(bottom, int):
        if _constants(bottom) <= MOST_LEAVES:
            return _through(bottom, lambda leaf: rounded(top, leaf, mode) if leaf else 0)
        sign = choose(bottom < 0, -1, 1)
        return _rounded(product(top, sign), z3.If(bottom < 0, -bottom, bottom), mode)
    if bottom == 1:
        return top
    return _rounded(top if bottom > 0 else -top, abs(bottom), mode)


def _rounded(top: Term, bottom: Term, mode: RoundingMode) -> Term:
    """By a positive divisor; integer division of both Python and z3 then goes down."""

    def down(a: Term, b: Term) -> Term:
        return a // b if isinstance(a, int) and isinstance(b, int) else term(a) / term(b)

    def away(a: Term) -> Term:  # of what is not negative
        match mode:
            case "half_up":
                return down(2 * a + bottom, 2 * bottom)
            case "half_down":
                return down(2 * a + bottom - 1, 2 * bottom)
            case "half_even":
                whole = down(a, bottom)
                twice = 2 * (a - whole * bottom)
                odd = equal(whole - 2 * down(whole, 2), 1)
                up = any_of(_greater(twice, bottom), all_of(equal(twice, bottom), odd))
                return whole + choose(up, 1, 0)
            case "up":
                return down(a + bottom - 1, bottom)
            case "down" | "floor" | "ceiling":
                return down(a, bottom)
            case _:
                assert_never(mode)

    if mode == "floor":
        return down(top, bottom)
    if mode == "ceiling":
        return -down(-top, bottom)
    return choose(_greater(0, top), -away(-top), away(top))


def _greater(one: Term, other: Term) -> Term:
    if isinstance(one, int) and isinstance(other, int):
        return one > other
    return term(one) > term(other)


def number(value: Decimal) -> Sym:
    """A number as an integer of its last decimals."""
    exponent = value.as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    return Sym(int(value.scaleb(scale)), scale=scale)


def less(one: Term, other: Term) -> Term:
    """Whether one is less than the other."""
    return one < other


def strict(args: Sequence[Sym]) -> tuple[Term, Term]:
    """(known, modelled) of a strict operation."""
    return all_of(*(arg.known for arg in args)), all_of(*(arg.modelled for arg in args))


def equal_values(one: Sym, other: Sym) -> Term:
    """Whether two values are equal, at whatever scales."""
    if one.scale == other.scale:
        return equal(one.value, other.value)
    (left, right), _ = aligned([one, other])
    return equal(left, right)


def chosen_of(condition: Term, one: Sym, other: Sym) -> Sym:
    """One of two values; of what is no value anything may stand for it."""
    if condition is True or condition is False:
        return one if condition else other
    value, scale = _joined(condition, one, other)
    return Sym(
        value,
        choose(condition, one.known, other.known),
        choose(condition, one.modelled, other.modelled),
        scale,
    )


def _joined(condition: Term, one: Sym, other: Sym) -> tuple[Term, int]:
    if one.there is False:
        return other.value, other.scale
    if other.there is False:
        return one.value, one.scale
    if one.scale == other.scale:
        return choose(condition, one.value, other.value), one.scale
    (left, right), scale = aligned([one, other])
    return choose(condition, left, right), scale


def holds(term: Term) -> z3.BoolRef:
    """A term as the solver takes it."""
    return z3.BoolVal(term) if isinstance(term, bool) else term


# -- days --------------------------------------------------------------------------------------------


def code_of(day: dt.date) -> int:
    return day.year * YEAR + (day.month - 1) * MONTH + day.day - 1


def day_of(code: int) -> dt.date:
    """The day of a code."""
    year, rest = divmod(code, YEAR)
    return dt.date(year, rest // MONTH + 1, rest % MONTH + 1)


@dataclass(frozen=True, slots=True)
class Parts:
    """A day's year, month (from 1) and day of the month."""

    year: Term
    month: Term
    day: Term

    @property
    def code(self) -> Term:
        return self.year * YEAR + (self.month - 1) * MONTH + self.day - 1


def parts_of(code: Term) -> Parts:
    """The parts of a day's code."""
    if isinstance(code, int):
        day = day_of(code)
        return Parts(day.year, day.month, day.day)
    return Parts(code / YEAR, (code % YEAR) / MONTH + 1, code % MONTH + 1)


def leap(year: Term) -> Term:
    if isinstance(year, int):
        return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return z3.And(year % 4 == 0, z3.Or(year % 100 != 0, year % 400 == 0))


def month_length(year: Term, month: Term) -> Term:
    short = any_of(*(equal(month, number) for number in (4, 6, 9, 11)))
    return choose(equal(month, 2), choose(leap(year), 29, 28), choose(short, 30, 31))


def full_years(born: Parts, on: Parts) -> Term:
    early = _greater(born.month * MONTH + born.day, on.month * MONTH + on.day)
    return on.year - born.year - choose(early, 1, 0)


def later(parts: Parts, months: Term) -> Parts:
    """So many months later, or the last day of a shorter month."""
    index = parts.year * 12 + parts.month - 1 + months
    if isinstance(months, int) and months % 12 == 0:
        year, month = parts.year + months // 12, parts.month
    elif isinstance(index, int):
        year, month = index // 12, index % 12 + 1
    else:
        year, month = index / 12, index % 12 + 1
    length = month_length(year, month)
    return Parts(year, month, choose(_greater(parts.day, length), length, parts.day))


def ordinal(parts: Parts) -> Term:
    """The number of a day, counted from a day long ago."""
    if isinstance(parts.code, int):
        return day_of(parts.code).toordinal()
    past = parts.year - 1
    before = 0
    total = 0
    for month, length in enumerate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1):
        before = choose(equal(parts.month, month), total, before)
        total += length
    extra = choose(all_of(leap(parts.year), _greater(parts.month, 2)), 1, 0)
    quarter, century, four = (past // n if isinstance(past, int) else past / n for n in (4, 100, 400))
    return 365 * past + quarter - century + four + before + extra + parts.day


def valid(parts: Parts) -> Term:
    """What the parts of any day satisfy."""
    month, day = parts.month, parts.day
    return z3.And(month >= 1, month <= 12, day >= 1, day <= month_length(parts.year, month))
