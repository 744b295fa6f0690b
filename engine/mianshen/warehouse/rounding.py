"""Rounding in SQL, as `values.round_quotient` defines it: one integer division on the exact rational.

In: decimal expressions with their types. Out: a decimal with the wanted decimals. Plain half-up
rounding of a decimal is the database's own `ROUND`, which is half away from zero on DECIMAL.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from sqlglot import exp

from mianshen.closed_sets import RoundingMode
from mianshen.program.core import Numeric
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql


def rounded_value(value: Sql, type_: Numeric, digits: int, mode: RoundingMode, result: Numeric) -> Sql:
    """A decimal rounded to fewer decimals."""
    if mode == "half_up":
        return exp.Round(this=value, decimals=terms.literal(digits))
    one = Numeric(0, type_.low * 0 + 1, type_.high * 0 + 1)
    return rounded_quotient(value, type_, terms.literal(1), one, digits, mode, result)


def rounded_quotient(
    top: Sql, top_type: Numeric, bottom: Sql, bottom_type: Numeric, digits: int, mode: RoundingMode, result: Numeric,
    let: Callable[[Sql], Sql] = lambda value: value,
) -> Sql:  # fmt: skip
    """`top / bottom` to `digits` decimals; NULL where the divisor is zero (an error told elsewhere).

    `let` names an intermediate value, so that what is used more than once is computed once.
    """
    shift = max(top_type.scale, bottom_type.scale)
    zero = terms.equal(terms.paren(top), terms.literal(0))
    numerator = let(terms.case([(zero, terms.NULL)], _integer(top, top_type, shift + digits)))
    denominator = let(
        terms.case(
            [(zero, terms.NULL)],
            exp.Nullif(this=_integer(bottom, bottom_type, shift), expression=terms.literal(0)),
        )
    )
    size, divisor = exp.Abs(this=numerator), exp.Abs(this=denominator)
    negative = _differ(numerator, denominator)
    amount = _divided(size, divisor, mode, negative)
    signed = exp.Mul(
        this=terms.paren(amount),
        expression=terms.paren(terms.case([(negative, terms.literal(-1))], terms.literal(1))),
    )
    whole = terms.decimal_type(max(1, result.precision - result.scale + digits), 0)
    scaled = exp.Mul(this=terms.cast(signed, whole), expression=terms.literal(Decimal(1).scaleb(-digits)))
    nothing = terms.conjoin([zero, exp.NEQ(this=terms.paren(bottom), expression=terms.literal(0))])
    return terms.case(
        [(nothing, terms.cast(terms.literal(0), terms.decimal_type(result.precision, result.scale)))], scaled
    )


def _integer(value: Sql, type_: Numeric, shift: int) -> Sql:
    """The decimal times ten to the `shift`, as a 128-bit integer."""
    scale, times = type_.scale, shift - type_.scale
    scaled = terms.cast(value, terms.decimal_type(min(38, max(19, type_.precision)), scale))
    if scale and type_.precision + scale > 37:  # the whole and the part apart, lest the product overflow
        part = exp.Sub(this=scaled, expression=terms.function("TRUNC", scaled))
        whole = exp.Add(
            this=_times(terms.cast(terms.function("TRUNC", scaled), "INT128"), scale),
            expression=_shifted(part, scale),
        )
        return _times(exp.Paren(this=whole), times)
    return _times(_shifted(scaled, scale) if scale else terms.cast(scaled, "INT128"), times)


def _shifted(value: Sql, scale: int) -> Sql:
    """A decimal of that scale without its point."""
    unit = terms.cast(terms.literal(10**scale), terms.decimal_type(scale + 1, 0))
    return terms.cast(exp.Mul(this=terms.paren(value), expression=unit), "INT128")


def _times(value: Sql, power: int) -> Sql:
    return exp.Mul(this=value, expression=terms.cast(terms.literal(10**power), "INT128")) if power else value


def _differ(a: Sql, b: Sql) -> Sql:
    zero = terms.literal(0)
    below = exp.LT(this=terms.paren(a), expression=zero)
    under = exp.LT(this=terms.paren(b), expression=zero)
    return exp.NEQ(this=exp.Paren(this=below), expression=exp.Paren(this=under))


def _divided(size: Sql, divisor: Sql, mode: RoundingMode, negative: Sql) -> Sql:
    """Positive integers divided, rounded by the mode."""
    twice = exp.Paren(this=exp.Mul(this=terms.literal(2), expression=divisor))
    double = exp.Mul(this=terms.literal(2), expression=size)

    def floor(top: Sql, by: Sql) -> Sql:
        return exp.IntDiv(this=exp.Paren(this=top), expression=by)

    up = floor(
        exp.Sub(this=exp.Add(this=size, expression=divisor), expression=terms.literal(1)),
        divisor,
    )
    down = floor(size, divisor)
    half_up = floor(exp.Add(this=double, expression=divisor), twice)
    half_down = floor(
        exp.Sub(this=exp.Add(this=double, expression=divisor), expression=terms.literal(1)),
        twice,
    )
    match mode:
        case "half_up":
            return half_up
        case "half_down":
            return half_down
        case "half_even":
            odd = terms.equal(
                exp.Paren(this=exp.Mod(this=down, expression=terms.literal(2))), terms.literal(1)
            )
            return terms.case([(odd, half_up)], half_down)
        case "up":
            return up
        case "down":
            return down
        case "floor":
            return terms.case([(negative, up)], down)
        case "ceiling":
            return terms.case([(negative, down)], up)
