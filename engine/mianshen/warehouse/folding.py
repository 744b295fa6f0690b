"""Limits that no running sum can follow: the rows of a benefit year taken one by one, in SQL.

In: a table of rows with running sums. Out: tables, the last of which has, by `?row`, the balance of an
accumulator before the row, for the years in which a limit cuts; in all others the plain sum
is right, whatever the limits do. A limit may fall within the year or depend on the claim.
"""

from __future__ import annotations

from sqlglot import exp

from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql

ZERO = terms.literal(0)


def folded(
    source: str, name: str, order: exp.Order, target: str, balance: exp.DataType
) -> tuple[tuple[str, exp.Query], ...]:
    """Tables to make, in order; the last has `?row` and `?balance`. `name`: the accumulator."""
    rows = f"{target}_rows"
    return (rows, _rows(source, name, order, balance)), (target, _fold(rows, balance))


def _rows(source: str, name: str, order: exp.Order, balance: exp.DataType) -> exp.Select:
    """The rows of the parents' years that are folded, numbered."""
    x, limit, opening, counted = (
        terms.column(f"{name}?{part}") for part in ("x", "limit", "opening", "counted")
    )
    partition = [terms.column("?parent"), terms.column("?year")]
    sum_ = exp.Add(this=opening.copy(), expression=terms.column(f"{name}?s"))
    cut = terms.conjoin([counted, terms.surely(exp.GT(this=terms.paren(sum_), expression=limit.copy()))])
    flagged = exp.Window(this=exp.LogicalOr(this=cut), partition_by=[p.copy() for p in partition])
    number = exp.Window(this=exp.RowNumber(), partition_by=partition, order=order)
    columns = {
        "?n": number, "?cut": flagged, "?x": x, "?limit": limit, "?opening": terms.cast(opening, balance), "?counted": counted,
    }  # fmt: skip
    numbered = exp.select(
        *(terms.column(c) for c in ("?row", "?parent", "?year")),
        *(terms.alias(v, k) for k, v in columns.items()),
    ).from_(exp.to_table(source, quoted=True))
    names = ("?row", "?parent", "?year", *(c for c in columns if c != "?cut"))
    known = [terms.is_known(terms.column(name)) for name in ("?year", "?opening")]
    return (
        exp.select(*(terms.column(c) for c in names))
        .from_(numbered.subquery("numbered", copy=False))
        .where(terms.conjoin([terms.column("?cut"), *known]))
    )


def _fold(rows: str, type_: exp.DataType) -> exp.Select:
    """Each row after the one before it, from the first of its year on."""
    table = exp.to_table(rows, quoted=True).as_("following")
    first = exp.select(*_columns(terms.column("?opening", "following"), type_)).from_(table.copy())
    first = first.where(exp.EQ(this=terms.column("?n", "following"), expression=terms.literal(1)))
    after = exp.Add(this=terms.column("?n", "folded"), expression=terms.literal(1))
    next_ = exp.select(*_columns(terms.column("?after", "folded"), type_)).from_("folded").join(table, on=terms.conjoin([
        exp.EQ(this=terms.column("?parent", "following"), expression=terms.column("?parent", "folded")),
        exp.EQ(this=terms.column("?year", "following"), expression=terms.column("?year", "folded")),
        exp.EQ(this=terms.column("?n", "following"), expression=after),
    ]))  # fmt: skip
    every = exp.union(first, next_, distinct=False)
    return (
        exp.select(terms.column("?row"), terms.column("?balance"))
        .from_("folded")
        .with_("folded", as_=every, recursive=True)
    )


def _columns(balance: Sql, type_: exp.DataType) -> list[Sql]:
    """A row with the balance before it and the balance after it."""
    x, limit, counted = (terms.column(c, "following") for c in ("?x", "?limit", "?counted"))
    room = exp.Sub(this=limit, expression=terms.paren(balance.copy()))
    paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, x, room), ZERO.copy())
    counts = terms.conjoin([counted, terms.is_known(limit)])
    after = exp.Add(this=balance.copy(), expression=terms.case([(counts, paid)], ZERO))
    return [
        *(terms.column(c, "following") for c in ("?row", "?parent", "?year", "?n")),
        terms.alias(terms.cast(balance.copy(), type_), "?balance"),
        terms.alias(terms.cast(after, type_), "?after"),
    ]
