"""SQL building blocks: the few shapes that every emitted expression is made of.

In: sqlglot expressions. Out: sqlglot expressions. Nothing here knows the program; no SQL text is
pasted together. NULL stands for unknown; functions that skip NULL are guarded here. A node may stand
in several places without being copied, for nothing changes one: printing does not, and `dialects` rewrites a copy of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import TypeAlias

from sqlglot import exp

from mianshen.program.core import Boolean, Code, Date, Duration, Listing, Numeric, String, Type
from mianshen.values import EXACT

Sql: TypeAlias = exp.Expr
TRUE: exp.Boolean = exp.true()
FALSE: exp.Boolean = exp.false()
NULL: exp.Null = exp.null()


def select(*columns: Sql) -> exp.Select:
    """SELECT of columns; what `sqlglot.select` gives, without copying them."""
    return exp.Select(expressions=list(columns))


def select_from(source: exp.Table | exp.Subquery, *columns: Sql) -> exp.Select:
    """SELECT of columns FROM a table or query."""
    return select(*columns).from_(source, copy=False)


def table(name: str, alias: str | None = None) -> exp.Table:
    """A table of the script, under an alias where one is given."""
    as_ = None if alias is None else exp.TableAlias(this=exp.Identifier(this=alias, quoted=True))
    return exp.Table(this=exp.Identifier(this=name, quoted=True), alias=as_)


def left_join(query: exp.Select, source: exp.Table | exp.Subquery, on: Sql) -> exp.Select:
    return query.join(source, on=on, join_type="left", copy=False)


def column(name: str, table: str | None = None) -> Sql:
    this = exp.Identifier(this=name, quoted=True)
    return exp.Column(this=this, table=None if table is None else exp.Identifier(this=table, quoted=True))


def alias(value: Sql, name: str) -> Sql:
    """The value under a name; what `sqlglot.alias` gives, without copying it."""
    return exp.Alias(this=value, alias=exp.Identifier(this=name, quoted=True))


def literal(value: object, scale: int | None = None) -> Sql:
    """A constant; decimals keep `scale` decimals so that their type is exact."""
    match value:
        case bool():
            return exp.true() if value else exp.false()
        case Decimal():
            fixed = value if scale is None else value.quantize(Decimal(1).scaleb(-scale), context=EXACT)
            number = exp.Literal.number(f"{abs(fixed):f}")
            return exp.Neg(this=number) if fixed < 0 else number
        case int():
            return exp.Neg(this=exp.Literal.number(-value)) if value < 0 else exp.Literal.number(value)
        case tuple():
            return cast(exp.Array(expressions=[literal(part) for part in value]), sql_type(Listing(String())))
        case dt.date():
            return exp.Cast(this=exp.Literal.string(value.isoformat()), to=data_type("DATE"))
        case _:
            return exp.Literal.string(str(value))


@cache
def data_type(written: str) -> exp.DataType:
    """A column type, as DuckDB writes it."""
    return exp.DataType.build(written, dialect="duckdb")


def decimal_type(precision: int, scale: int) -> exp.DataType:
    return data_type(f"DECIMAL({precision}, {scale})")


def array_type(item: exp.DataType) -> exp.DataType:
    return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[item], nested=True)


def cast(value: Sql, type_: str | exp.DataType) -> Sql:
    to = data_type(type_) if isinstance(type_, str) else type_
    return exp.Cast(this=value, to=to)


def try_cast(value: Sql, type_: str | exp.DataType) -> Sql:
    to = data_type(type_) if isinstance(type_, str) else type_
    return exp.TryCast(this=value, to=to)


def sql_type(type_: Type) -> exp.DataType:
    """The column type that holds values of a program type."""
    match type_:
        case Numeric(scale=scale):
            return decimal_type(max(18, type_.precision), scale)
        case Boolean():
            return data_type("BOOLEAN")
        case Date():
            return data_type("DATE")
        case Listing():
            return data_type("VARCHAR[]")
        case String() | Code() | Duration():
            return data_type("VARCHAR")


_LOOSE = (exp.Connector, exp.Binary, exp.Unary, exp.In, exp.Between, exp.Interval)


def paren(value: Sql) -> Sql:
    """The value in brackets, where it is something that operators around it could pull apart."""
    loose = isinstance(value, _LOOSE) and not isinstance(value, exp.Paren | exp.Dot)
    return exp.Paren(this=value) if loose else value


def binary(kind: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return kind(this=paren(left), expression=paren(right))


def equal(left: Sql, right: Sql) -> Sql:
    return exp.EQ(this=left, expression=right)


def is_literal_true(value: Sql) -> bool:
    """Is it the constant true? Comparing trees would walk them."""
    return isinstance(value, exp.Boolean) and bool(value.this)


def is_literal_false(value: Sql) -> bool:
    return isinstance(value, exp.Boolean) and not value.this


def larger(value: Sql, parts: int) -> bool:
    """Whether an expression has more parts than that."""
    pending = [value]
    while pending and parts >= 0:
        pending.extend(pending.pop().iter_expressions())
        parts -= 1
    return parts < 0


def conjoin(parts: Iterable[Sql]) -> Sql:
    """AND of all; nothing is true."""
    return _chain(exp.And, [p for p in parts if not is_literal_true(p)], exp.true)


def disjoin(parts: Iterable[Sql]) -> Sql:
    """OR of all; nothing is false."""
    return _chain(exp.Or, [p for p in parts if not is_literal_false(p)], exp.false)


def _chain(kind: type[exp.Connector], parts: list[Sql], nothing: Callable[[], Sql]) -> Sql:
    if not parts:
        return nothing()
    chain = parts[0] if len(parts) == 1 else paren(parts[0])
    for part in parts[1:]:
        chain = kind(this=chain, expression=paren(part))
    return chain


def negate(value: Sql) -> Sql:
    return exp.Not(this=paren(value))


def is_null(value: Sql) -> Sql:
    return exp.Is(this=paren(value), expression=exp.null())


def is_known(value: Sql) -> Sql:
    return exp.Not(this=is_null(value))


def is_true(value: Sql) -> Sql:
    """True where the condition is true; false where it is false or unknown."""
    return exp.Coalesce(this=value, expressions=[exp.false()])


def is_false(value: Sql) -> Sql:
    """True where the condition is known to be false."""
    return exp.Coalesce(this=negate(value), expressions=[exp.false()])


def possibly(value: Sql) -> Sql:
    """True where the condition is true or unknown."""
    return exp.Coalesce(this=value, expressions=[exp.true()])


def or_zero(value: Sql) -> Sql:
    """The number; 0 where it is NULL."""
    return exp.Coalesce(this=value, expressions=[literal(0)])


def case(branches: Sequence[tuple[Sql, Sql]], otherwise: Sql | None = None) -> Sql:
    """CASE WHEN … END; without branches, `otherwise`."""
    if not branches:
        return exp.null() if otherwise is None else otherwise
    return exp.Case(ifs=[exp.If(this=c, true=v) for c, v in branches], default=otherwise)


def extreme(kind: type[exp.Func], values: Sequence[Sql], nullable: Sequence[bool]) -> Sql:
    """LEAST or GREATEST that does not skip NULL."""
    unsure = [is_null(v) for v, may in zip(values, nullable, strict=True) if may]
    return case([(disjoin(unsure), exp.null())] if unsure else [], skipping(kind, *values))


def skipping(kind: type[exp.Func], *values: Sql) -> Sql:
    """LEAST or GREATEST of the values that are not NULL, as databases have it."""
    return kind(this=values[0], expressions=list(values[1:]), ignore_nulls=True)


def function(name: str, *args: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(args))
