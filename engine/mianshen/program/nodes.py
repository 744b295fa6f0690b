"""Primitive nodes put together: numbers added, values compared, constants.

In: nodes. Out: nodes whose types follow from theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from mianshen.program.core import Boolean, Const, Constant, Core, If, Numeric, Op, Operator, Type
from mianshen.program.operators import ARITHMETIC
from mianshen.values import EXACT


def constant(value: Constant, type_: Type) -> Const:
    """A constant as a node; a number has no more decimals than it needs."""
    if not isinstance(value, Decimal):
        return Const(value, type_)
    exponent = value.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    number = value.quantize(Decimal(1).scaleb(min(0, exponent)), context=EXACT)
    return Const(number, Numeric(max(0, -exponent), number, number))


def added(parts: Sequence[Core]) -> Core:
    """The sum, halved again and again so that no tree is deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return arithmetic("add", added(parts[:half]), added(parts[half:]))


def arithmetic(op: Operator, left: Core, right: Core) -> Core:
    """Two numbers combined; the range follows from theirs."""
    assert isinstance(left.type, Numeric)
    assert isinstance(right.type, Numeric)
    return Op(op, (left, right), ARITHMETIC[op](left.type, right.type))


def comparison(op: Operator, left: Core, right: Core) -> Core:
    return Op(op, (left, right), Boolean())


def as_far_as_modelled(value: Core) -> Core:
    """The number, 0 where no rule covers it."""
    covered = Op("holds", (comparison("eq", value, value),), Boolean())
    return If(covered, value, constant(Decimal(0), value.type), value.type)


def any_of(conditions: Sequence[Core]) -> Core:
    """One of the conditions holds."""
    return conditions[0] if len(conditions) == 1 else Op("or", tuple(conditions), Boolean())
