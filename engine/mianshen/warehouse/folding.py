"""Limits that no running sum can follow: the rows of a benefit year taken one by one, in SQL.

In: a table of rows with running sums. Out: tables, the last of which has, by `?row`, what an
accumulator held before the row, for the years in which a limit cuts; in all others the plain sum
is right, whatever the limits do. A limit may fall within the year or depend on the claim.
"""

from __future__ import annotations

from sqlglot import exp

from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql

HELD = "DECIMAL(38, 2)"


def folded(
    source: str, name: str, order: exp.Order, target: str, settled: bool = False
) -> tuple[tuple[str, exp.Query], ...]:
    """Tables to make, in order; the last has `?row` and `?held`. `name`: the accumulator.

    `settled`: some rows bring an amount that was paid whatever the limit says.
    """
    rows = f"{target}_rows"
    return (rows, _rows(source, name, order, settled)), (target, _fold(rows))


def _rows(source: str, name: str, order: exp.Order, settled: bool) -> exp.Select:
    """The rows of the parents' years in which a limit cuts, numbered."""
    x, limit, opening, counted = (
        terms.column(f"{name}?{part}") for part in ("x", "limit", "opening", "counted")
    )
    partition = [terms.column("?parent"), terms.column("?year")]
    sum_ = exp.Add(this=opening.copy(), expression=terms.column(f"{name}?s"))
    cut = terms.conjoin([counted, terms.surely(exp.GT(this=terms.paren(sum_), expression=limit.copy()))])
    flagged = exp.Window(this=exp.LogicalOr(this=cut), partition_by=[p.copy() for p in partition])
    number = exp.Window(this=exp.RowNumber(), partition_by=partition, order=order)
    columns = {
        "?n": number, "?cut": flagged, "?x": x, "?limit": limit, "?opening": terms.cast(opening, HELD), "?counted": counted,
        "?settled": terms.column(f"{name}?settled") if settled else exp.false(),
    }  # fmt: skip
    numbered = exp.select(
        *(terms.column(c) for c in ("?row", "?parent", "?year")),
        *(terms.alias(v, k) for k, v in columns.items()),
    ).from_(exp.to_table(source, quoted=True))
    kept = ("?row", "?parent", "?year", "?n", "?x", "?limit", "?opening", "?counted", "?settled")
    wanted = terms.conjoin(
        [
            terms.column("?cut"),
            terms.is_known(terms.column("?year")),
            terms.is_known(terms.column("?opening")),
        ]
    )
    return (
        exp.select(*(terms.column(c) for c in kept))
        .from_(numbered.subquery("numbered", copy=False))
        .where(wanted)
    )


def _fold(rows: str) -> exp.Select:
    """Each row after the one before it, from the first of its year on."""
    table = exp.to_table(rows, quoted=True).as_("following")
    first = exp.select(*_columns(terms.column("?opening", "following"))).from_(table.copy())
    first = first.where(exp.EQ(this=terms.column("?n", "following"), expression=terms.literal(1)))
    after = exp.Add(this=terms.column("?n", "folded"), expression=terms.literal(1))
    next_ = exp.select(*_columns(terms.column("?after", "folded"))).from_("folded").join(table, on=terms.conjoin([
        exp.EQ(this=terms.column("?parent", "following"), expression=terms.column("?parent", "folded")),
        exp.EQ(this=terms.column("?year", "following"), expression=terms.column("?year", "folded")),
        exp.EQ(this=terms.column("?n", "following"), expression=after),
    ]))  # fmt: skip
    every = exp.union(first, next_, distinct=False)
    return (
        exp.select(terms.column("?row"), terms.column("?held"))
        .from_("folded")
        .with_("folded", as_=every, recursive=True)
    )


def _columns(held: Sql) -> list[Sql]:
    """A row with what the accumulator holds before and after it."""
    x, limit, counted = (terms.column(c, "following") for c in ("?x", "?limit", "?counted"))
    room = exp.Sub(this=limit, expression=held.copy())
    paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, x, room), terms.literal(0))
    counts = terms.conjoin([counted, terms.is_known(limit)])
    taken = [(terms.column("?settled", "following"), x.copy()), (counts, paid)]
    after = exp.Add(this=held.copy(), expression=terms.paren(terms.case(taken, terms.literal(0))))
    return [
        *(terms.column(c, "following") for c in ("?row", "?parent", "?year", "?n")),
        terms.alias(terms.cast(held, HELD), "?held"), terms.alias(terms.cast(after, HELD), "?after"),
    ]  # fmt: skip
