"""One tree, several databases: what a query is called in each, and nothing of what it means.

In: a query as the other modules build it, in DuckDB's words. Out: its text in a dialect. Everything that
one database writes, types or sorts otherwise than another stands in this module, and only here: 128-bit
integers, whole quotients, lists, casts that give NULL, parts of dates, the order of texts, the length of
names. LEAST, GREATEST, SUM, MIN and MAX skip NULL in all of them, and `terms` guards them for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Literal, TypeAlias, TypeVar, assert_never

import sqlglot
from sqlglot import exp

from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql

Dialect: TypeAlias = Literal["duckdb", "spark", "postgres"]

_PRINTED: Final = {"duckdb": "duckdb", "spark": "databricks", "postgres": "postgres"}  # Spark's with TRY_CAST
_NAME_BYTES: Final = 63  # PostgreSQL cuts longer names, silently
_LONG: Final = 18  # digits that a 64-bit integer holds


class Untranslated(Exception):
    """A function of DuckDB's that this module has no word for in the dialect asked for."""


class TooWide(Exception):
    """A quotient of more digits than a dialect can give exactly."""


def text_of(query: exp.Expr, dialect: Dialect, pretty: bool = False) -> str:
    """The query's text. Raises TooWide where the dialect cannot hold a whole quotient exactly."""
    rewritten = _rewritten(query.copy(), dialect)
    return rewritten.sql(_PRINTED[dialect], identify=True, pretty=pretty, copy=False)


def _rewritten(tree: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Every node rewritten, the inner ones first."""
    for node in reversed(list(tree.dfs())):
        above, key, index = node.parent, node.arg_key, node.index
        rewritten = _in_dialect(node, dialect)
        if rewritten is node:
            continue
        if above is None or key is None:
            tree = rewritten
        else:
            above.set(key, rewritten, index)
    return tree


def _in_dialect(node: Sql, dialect: Dialect) -> Sql:
    if isinstance(node, exp.Anonymous) and node.name == "SUM_AT":
        return _sum_at(node, dialect)
    match dialect:
        case "duckdb":
            return node
        case "spark":
            return _spark(node)
        case "postgres":
            return _postgres(node)
        case _:
            assert_never(dialect)


def _sum_at(node: exp.Anonymous, dialect: Dialect) -> Sql:
    """`SUM_AT(values, numbers, zero)`: the sum of an array's items at those places, NULL where one of them is."""
    parts = dict(zip(("v", "n", "zero"), node.expressions, strict=True))
    tree = _template(dialect).copy()
    for column in list(tree.find_all(exp.Column)):
        if not column.table and column.name in parts:
            column.replace(parts[column.name].copy())
    return tree


@cache
def _template(dialect: Dialect) -> exp.Expr:
    return sqlglot.parse_one(_SUMS_AT[dialect], dialect=_PRINTED[dialect])


_SUMS_AT: Final[dict[Dialect, str]] = {
    "duckdb": "CASE WHEN COALESCE(LEN(n), 0) = COALESCE(LIST_COUNT(LIST_SELECT(v, n)), 0) "
    "THEN COALESCE(LIST_SUM(LIST_SELECT(v, n)), zero) END",
    "spark": "AGGREGATE(COALESCE(n, ARRAY()), zero, (a, i) -> a + ELEMENT_AT(v, CAST(i AS INT)))",
    "postgres": "(SELECT CASE WHEN COUNT(*) = COUNT(v[t.i]) THEN COALESCE(SUM(v[t.i]), zero) END FROM UNNEST(n) AS t(i))",
}


_Word = TypeVar("_Word")


def _word(table: Mapping[str, _Word], node: exp.Anonymous) -> _Word:
    """What a function is in a dialect. Raises Untranslated."""
    if node.name not in table:
        raise Untranslated(node.name)
    return table[node.name]


def _arguments(node: Sql) -> list[Sql]:
    return list(node.expressions)


def _short_start(node: exp.Substring) -> Sql:
    """Where a piece begins, as a number of 32 bits: DuckDB alone takes longer ones."""
    node.set("start", terms.cast(node.args["start"], "INT"))
    return node


# -- Spark: ANSI mode, decimals of 38 digits whose scale is kept ------------------------------


_SPARK: Final[dict[str, str]] = {
    "LIST_DISTINCT": "ARRAY_DISTINCT",
    "LIST_CONTAINS": "ARRAY_CONTAINS",
    "LEN": "ARRAY_SIZE",
    "LIST_APPEND": "ARRAY_APPEND",
}


def _spark(node: Sql) -> Sql:
    match node:
        case exp.DataType() if node.this == exp.DataType.Type.INT128:
            return terms.decimal_type(38, 0)
        case exp.Anonymous() if node.name == "TRUNC":
            (value,) = _arguments(node)
            below = exp.LT(this=value.copy(), expression=terms.literal(0))
            return terms.case([(below, exp.Ceil(this=value.copy()))], exp.Floor(this=value.copy()))
        case exp.Anonymous():
            node.set("this", _word(_SPARK, node))
            return node
        case exp.Window() if isinstance(node.this, exp.RowNumber) and not node.args.get("order"):
            return terms.function("MONOTONICALLY_INCREASING_ID")  # no other order than a number's
        case exp.IntDiv():
            return _spark_quotient(node)
        case exp.Substring():
            return _short_start(node)
        case _:
            return node


def _spark_quotient(node: exp.IntDiv) -> Sql:
    """`div` gives 64 bits; the quotient of what is left without its remainder is whole, in 20 digits."""
    digits = node.meta.get("digits", _LONG)
    if digits <= _LONG:
        return node
    if digits > 20:
        raise TooWide
    top, by = node.this, node.expression
    rest = exp.Sub(this=top.copy(), expression=terms.paren(exp.Mod(this=top.copy(), expression=by.copy())))
    return terms.cast(
        exp.Div(this=terms.paren(rest), expression=by.copy(), typed=True), terms.decimal_type(20, 0)
    )


# -- PostgreSQL: numerics without a bound -----------------------------------------------------


def _postgres(node: Sql) -> Sql:
    match node:
        case exp.DataType() if node.this == exp.DataType.Type.INT128:
            return exp.DataType.build("NUMERIC", dialect="postgres")
        case exp.Subquery() if isinstance(
            node.parent, exp.From | exp.Join
        ):  # or it is dissolved into the query above,
            node.this.set(
                "offset", exp.Offset(expression=terms.literal(0))
            )  # and what it names repeated, without end
            return node
        case exp.Identifier() if len(node.name.encode()) > _NAME_BYTES:
            node.set("this", short(node.name))
            return node
        case exp.Year() | exp.Month() | exp.Day():
            part = exp.Extract(this=exp.var(type(node).__name__.upper()), expression=node.this)
            return terms.cast(part, "INT")
        case exp.DateDiff():
            return exp.Paren(
                this=exp.Sub(this=terms.paren(node.this), expression=terms.paren(node.expression))
            )
        case exp.TryCast():  # what would not fit is tested before; a piece beyond the end of a text is empty
            piece = isinstance(node.this, exp.Substring)
            value = exp.Nullif(this=node.this, expression=terms.literal("")) if piece else node.this
            return exp.Cast(this=value, to=node.args["to"])
        case exp.Substring():
            return _short_start(node)
        case exp.Cast() if node.to.is_type("VARCHAR", "TEXT"):  # and of all that is made of it
            return exp.Paren(this=exp.Collate(this=node, expression=exp.to_identifier("C", quoted=True)))
        case exp.Cast() if node.to.is_type("TINYINT"):  # a truth value goes by way of a longer number
            return terms.cast(terms.cast(node.this, "INT"), "SMALLINT")
        case exp.Anonymous():
            return _word(_POSTGRES, node)(_arguments(node))
        case _:
            return node


def _counted(values: list[Sql]) -> Sql:
    return terms.function("CARDINALITY", *values)


def _contained(values: list[Sql]) -> Sql:
    items, item = values
    return terms.equal(terms.paren(item), exp.Any(this=exp.Paren(this=items)))


def _distinct(values: list[Sql]) -> Sql:
    """A list's items, each once."""
    items = terms.function("UNNEST", *values)
    return exp.Anonymous(this="ARRAY", expressions=[terms.select(items).distinct()])


_POSTGRES: Final[dict[str, Callable[[list[Sql]], Sql]]] = {
    "LEN": _counted,
    "LIST_CONTAINS": _contained,
    "LIST_DISTINCT": _distinct,
    "LIST_APPEND": lambda values: terms.function("ARRAY_APPEND", *values),
    "TRUNC": lambda values: terms.function("TRUNC", *values),
}


def short(name: str) -> str:
    """A name that PostgreSQL takes whole: a long one ends in a digest of what was cut."""
    encoded = name.encode()
    if len(encoded) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: _NAME_BYTES - 9].decode(errors='ignore')}~{digest}"
