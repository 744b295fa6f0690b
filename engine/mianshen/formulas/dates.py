"""Dates and durations in formulas.

In: surface nodes. Out: core nodes; a duration is its unit and a whole number of it, and is a number wherever it is
compared, divided or asked for its months or days.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import reduce
from typing import Final

from mianshen.formulas.formula import FormulaChecks, Months, Partial, Quotient, number
from mianshen.program import core, diagnostics
from mianshen.program.nodes import arithmetic, comparison
from mianshen.program.operators import DATE_PARTS, negated
from mianshen.source import Message
from mianshen.syntax import tree

EPOCH: Final = dt.date(2000, 1, 1)
YEAR_MONTHS: Final = 12
DAYS_A_WEEK: Final = 7
MOST_MONTHS: Final = Decimal(12 * 9999)
MONTHS: Final = core.Numeric(0, -MOST_MONTHS, MOST_MONTHS)
DAYS: Final = core.Numeric(0, Decimal(-3660000), Decimal(3660000))
UNITS: Final = {"days": ("days", 1), "months": ("months", 1), "years": ("months", YEAR_MONTHS)}


class DateChecks(FormulaChecks):
    """The part of the checker that reckons with dates."""

    __slots__ = ()

    # -- sums --------------------------------------------------------------------------------

    def dates(self, node: tree.Binary, left: Partial, right: Partial) -> Partial | None:
        """A date and a duration, two dates, two durations, a duration and a number."""
        if isinstance(left, Quotient) or isinstance(right, Quotient):
            self.report(diagnostics.date_arithmetic(node.span))
            return None
        match left, right, node.op:
            case Months(), Months(), "+" | "-" | "/" if left.type == right.type:
                return self._durations(node, left, right)
            case Months(), Months(), _:
                pass
            case Months(), core.Const(value=Decimal()), "*" | "/" if isinstance(left.count, core.Const):
                return self._share(node, left.count, right.value, left)
            case core.Const(value=Decimal()), Months(), "*" if isinstance(right.count, core.Const):
                return self._share(node, right.count, left.value, right)
            case Months(), _, "*" if isinstance(right.type, core.Numeric):
                return self._times(node, left, right)
            case _, Months(), "*" if isinstance(left.type, core.Numeric):
                return self._times(node, right, left)
            case Months(), _, "+" if isinstance(right.type, core.Date):
                return self.moved(right, left)
            case _, Months(), "+" | "-" if isinstance(left.type, core.Date):
                count = right.count if node.op == "+" else minus(right.count)
                return self.moved(left, Months(count, right.type))
            case _, Months(), "+" | "-":
                self.wrong(node.left.span, core.Date(), left.type)
                return None
            case _, _, "-" if (
                not isinstance(left, Months) and not isinstance(right, Months) and left.type == right.type
            ):
                return Months(_days(right, left), core.Duration("days"))
            case _:
                pass
        self.report(diagnostics.date_arithmetic(node.span))
        return None

    def _durations(self, node: tree.Binary, left: Months, right: Months) -> Partial | None:
        if node.op == "/":
            return Quotient(left.count, right.count)
        count = self.combine(node.span, "add" if node.op == "+" else "sub", left.count, right.count)
        return None if count is None else Months(count, left.type)

    def _share(
        self, node: tree.Binary, count: core.Const, by: core.Constant, duration: Months
    ) -> Months | None:
        """A duration written out times or by a number; a whole one comes out."""
        assert isinstance(count.value, Decimal)
        assert isinstance(by, Decimal)
        value = count.value * by if node.op == "*" else count.value / by if by else Decimal("0.5")
        if value != int(value):
            self.report(diagnostics.date_arithmetic(node.span))
            return None
        return Months(_whole(int(value)), duration.type)

    def _times(self, node: tree.Binary, duration: Months, by: core.Core) -> Months | None:
        if number(by).scale:
            self.report(diagnostics.date_arithmetic(node.span))
            return None
        count = self.combine(node.span, "mul", duration.count, by)
        return None if count is None else Months(count, duration.type)

    def moved(self, date: core.Core, duration: Months) -> core.Core:
        """A date so much later."""
        op: core.Operator = "add_months" if duration.type.unit == "months" else "add_days"
        return core.Op(op, (date, duration.count), core.Date())

    # -- functions ---------------------------------------------------------------------------

    def date_value(self, node: tree.Expr) -> core.Core | None:
        date = self.value(node)
        if date is not None and not isinstance(date.type, core.Date):
            self.wrong(node.span, core.Date(), date.type)
            return None
        return date

    def duration_of(self, node: tree.Function) -> Months | None:
        """`days(n)`, `months(n)`, `years(n)`."""
        count = self.whole(node.arguments[0])
        if count is None:
            return None
        unit, months = UNITS[node.name]
        if months > 1:
            count = arithmetic("mul", count, _whole(months))
        return Months(count, core.Duration("days" if unit == "days" else "months"))

    def months_between(self, node: tree.Function) -> core.Core | None:
        """Full months from one date to another, negative where the other is earlier."""
        first, second = (self.date_value(argument) for argument in node.arguments)
        return None if first is None or second is None else months_of(first, second)

    def overlap(self, node: tree.Function) -> core.Core | None:
        """How many days two stretches of days share, each from its first to before its last."""
        ends = [self.date_value(argument) for argument in node.arguments]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        begin, end = extreme("max", [known[0], known[2]]), extreme("min", [known[1], known[3]])
        return arithmetic("max", _days(begin, end), _whole(0))

    def date_of(self, node: tree.Function) -> core.Core | None:
        """`date("2026-01-31")`, `date(a_date)`, `date(year, month, day)`; a day there is not is an error."""
        arguments = node.arguments
        if len(arguments) == 1 and not isinstance(arguments[0], tree.String):
            return self.date_value(arguments[0])
        if len(arguments) != len(DATE_PARTS):
            return self._literal(node)
        parts = [self.whole(argument) for argument in arguments]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if all(isinstance(part, core.Const) for part in known):
            text = "-".join(str(part.value).zfill(2) for part in known if isinstance(part, core.Const))
            return self._written(node, text.zfill(10))
        return _built(*known)

    def _literal(self, node: tree.Function) -> core.Core | None:
        return self._written(node, _only_text(node) or "")

    def _written(self, node: tree.Function, text: str) -> core.Core | None:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            try:
                return core.Const(dt.date.fromisoformat(text), core.Date())
            except ValueError:
                pass
        wanted = Message('日期，如 date("2026-01-31")', 'a date such as date("2026-01-31")')
        self.report(diagnostics.bad_literal(node.span, text or "…", wanted))
        return None

    def duration_literal(self, node: tree.Function) -> Months | None:
        text = _only_text(node) or ""
        match = re.fullmatch(r"(-?)P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?", text, re.ASCII)
        if match is not None:
            sign, years, months, days = match.groups()
            side = -1 if sign else 1
            if days is not None and years is None and months is None:
                return Months(_whole(side * int(days)), core.Duration("days"))
            if days is None and (years is not None or months is not None):
                count = int(years or 0) * YEAR_MONTHS + int(months or 0)
                return Months(_whole(side * count), core.Duration("months"))
        usage = 'duration("P12M") or duration("P5D")'
        wanted = Message(f"时长，如 {usage.replace('or', '或')}", f"a duration as {usage}")
        self.report(diagnostics.bad_literal(node.span, text or "…", wanted))
        return None

    def part_of_duration(self, node: tree.Path, duration: Months) -> core.Core | None:
        """`.days` of days; `.years` and `.months`, the rest of a year, of months."""
        if (node.name, duration.type.unit) == ("days", "days"):
            return duration.count
        if duration.type.unit == "months" and node.name in ("years", "months"):
            years = core.Round("down", 0, duration.count, _whole(YEAR_MONTHS), number(duration.count))
            if node.name == "years":
                return years
            return arithmetic("sub", duration.count, arithmetic("mul", years, _whole(YEAR_MONTHS)))
        kind = Message("时长的部分", "part of a duration")
        parts = ("days",) if duration.type.unit == "days" else ("years", "months")
        self.report(diagnostics.unknown_reference(node.span, kind, node.name, parts))
        return None


def minus(count: core.Core) -> core.Core:
    """The number with the other sign."""
    if isinstance(count, core.Const) and isinstance(count.value, Decimal):
        return _whole(-int(count.value))
    return core.Op("neg", (count,), negated(number(count)))


def extreme(kind: str, dates: list[core.Core]) -> core.Core:
    """The earliest or the latest of dates."""
    op: core.Operator = "le" if kind == "min" else "ge"
    return reduce(lambda one, other: core.If(comparison(op, one, other), one, other, core.Date()), dates)


def weekday_of(date: core.Core) -> core.Core:
    """1 for Monday to 7 for Sunday."""
    days = _days(core.Const(dt.date(1, 1, 1), core.Date()), date)  # the first day of all was a Monday
    weeks = core.Round("floor", 0, days, _whole(DAYS_A_WEEK), DAYS)
    rest = arithmetic("sub", days, arithmetic("mul", weeks, _whole(DAYS_A_WEEK)))
    return core.Op("add", (rest, _whole(1)), core.Numeric(0, Decimal(1), Decimal(DAYS_A_WEEK)))


def months_of(first: core.Core, second: core.Core) -> core.Core:
    """Full months from one date to another."""
    forward, backward = _full_months(first, second), _full_months(second, first)
    return core.If(comparison("le", first, second), forward, minus(backward), MONTHS)


def day_number(date: core.Core) -> core.Core:
    """The days from a fixed one to a date."""
    return _days(core.Const(EPOCH, core.Date()), date)


def day_of_number(count: core.Core) -> core.Core:
    """The date so many days after the fixed one."""
    return core.Op("add_days", (core.Const(EPOCH, core.Date()), count), core.Date())


def _full_months(first: core.Core, second: core.Core) -> core.Core:
    months = arithmetic("sub", _month_number(second), _month_number(first))
    short = comparison("lt", _part("day", second), _part("day", first))
    return arithmetic(
        "sub", months, core.If(short, _whole(1), _whole(0), core.Numeric(0, Decimal(0), Decimal(1)))
    )


def _month_number(date: core.Core) -> core.Core:
    return arithmetic(
        "add", arithmetic("mul", _part("year", date), _whole(YEAR_MONTHS)), _part("month", date)
    )


def _part(name: str, date: core.Core) -> core.Core:
    op, type_ = DATE_PARTS[name]
    return core.Op(op, (date,), type_)


def _days(first: core.Core, second: core.Core) -> core.Core:
    return core.Op("days_between", (first, second), DAYS)


def _whole(count: int) -> core.Const:
    value = Decimal(count)
    return core.Const(value, core.Numeric(0, value, value))


def _built(year: core.Core, month: core.Core, day: core.Core) -> core.Core:
    """The date of a year, month and day; an error where there is none."""
    one = _whole(1)
    months = arithmetic("add", arithmetic("mul", arithmetic("sub", year, one), _whole(YEAR_MONTHS)), month)
    first = core.Op(
        "add_months", (core.Const(dt.date(1, 1, 1), core.Date()), arithmetic("sub", months, one)), core.Date()
    )
    date = core.Op("add_days", (first, arithmetic("sub", day, one)), core.Date())
    there = (comparison("eq", _part("day", date), day), comparison("eq", _part("month", date), month))
    return core.If(core.Op("and", there, core.Boolean()), date, core.Fail(core.Date()), core.Date())


def _only_text(node: tree.Function) -> str | None:
    """The one literal text argument of `date(…)` or `duration(…)`."""
    if len(node.arguments) == 1 and isinstance(node.arguments[0], tree.String):
        return node.arguments[0].value
    return None
