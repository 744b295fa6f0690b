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
ZERO = terms.literal(0)


def folded(
    source: str, name: str, order: exp.Order, target: str, settled: bool = False
) -> tuple[tuple[str, exp.Query], ...]:
    """Tables to make, in order; the last has `?row` and `?held`. `name`: the accumulator.

    `settled`: some rows have a settled amount. Then years with such rows are folded too, and the rows after
    one differ in what they add to the ruled and to the committed balance.
    """
    rows = f"{target}_rows"
    return (rows, _rows(source, name, order, settled)), (target, _fold(rows, settled))


def _rows(source: str, name: str, order: exp.Order, settled: bool) -> exp.Select:
    """The rows of the parents' years that are folded, numbered."""
    x, limit, opening, counted = (
        terms.column(f"{name}?{part}") for part in ("x", "limit", "opening", "counted")
    )
    partition = [terms.column("?parent"), terms.column("?year")]
    sum_ = exp.Add(this=opening.copy(), expression=terms.column(f"{name}?s"))
    cut = terms.conjoin([counted, terms.surely(exp.GT(this=terms.paren(sum_), expression=limit.copy()))])
    if settled:
        cut = terms.disjoin([cut, terms.is_known(terms.column(f"{name}?settled"))])
    flagged = exp.Window(this=exp.LogicalOr(this=cut), partition_by=[p.copy() for p in partition])
    number = exp.Window(this=exp.RowNumber(), partition_by=partition, order=order)
    columns = {
        "?n": number, "?cut": flagged, "?x": x, "?limit": limit, "?opening": terms.cast(opening, HELD), "?counted": counted,
    }  # fmt: skip
    if settled:
        columns |= {f"?{part}": terms.column(f"{name}?{part}") for part in ("settled", "member")}
        columns["?open"] = exp.GT(this=terms.column(f"{name}?n"), expression=terms.literal(0))
    numbered = exp.select(
        *(terms.column(c) for c in ("?row", "?parent", "?year")),
        *(terms.alias(v, k) for k, v in columns.items()),
    ).from_(exp.to_table(source, quoted=True))
    names = ("?row", "?parent", "?year", *(c for c in columns if c != "?cut"))
    wanted = terms.conjoin(
        [
            terms.column("?cut"),
            terms.is_known(terms.column("?year")),
            terms.is_known(terms.column("?opening")),
        ]
    )
    return (
        exp.select(*(terms.column(c) for c in names))
        .from_(numbered.subquery("numbered", copy=False))
        .where(wanted)
    )


def _fold(rows: str, settled: bool) -> exp.Select:
    """Each row after the one before it, from the first of its year on."""
    table = exp.to_table(rows, quoted=True).as_("following")
    columns = _settled_columns if settled else _columns
    opening = terms.column("?opening", "following")
    first = exp.select(*columns(opening, opening)).from_(table.copy())
    first = first.where(exp.EQ(this=terms.column("?n", "following"), expression=terms.literal(1)))
    after = exp.Add(this=terms.column("?n", "folded"), expression=terms.literal(1))
    balances = (
        terms.column("?committed", "folded"),
        terms.column("?ruled" if settled else "?committed", "folded"),
    )
    next_ = exp.select(*columns(*balances)).from_("folded").join(table, on=terms.conjoin([
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


def _columns(committed: Sql, ruled: Sql) -> list[Sql]:
    """A row with its balance before (`?held`) and after it."""
    del ruled  # nothing is settled: it equals the committed one
    counts = terms.conjoin(
        [terms.column("?counted", "following"), terms.is_known(terms.column("?limit", "following"))]
    )
    return [
        *_numbers(committed),
        _after("?committed", committed, terms.case([(counts, _paid(committed))], ZERO)),
    ]


def _settled_columns(committed: Sql, ruled: Sql) -> list[Sql]:
    """A row with the balance it is decided on (`?held`), and the two balances after it.

    Where the amount shown is unknown (`?open`), the committed balance takes in the settled one.
    """
    settled, open_ = terms.column("?settled", "following"), terms.column("?open", "following")
    held = terms.case([(terms.is_known(settled), ruled)], committed)
    limited = terms.is_known(terms.column("?limit", "following"))
    counts = terms.conjoin([terms.column("?member", "following"), limited])
    shown = terms.case([(counts, _paid(held))], ZERO)
    larger = terms.case([(open_, settled)], terms.skipping(exp.Greatest, settled, shown))
    told = terms.conjoin([terms.column("?member", "following"), terms.is_known(settled)])
    return [
        *_numbers(held),
        _after("?committed", committed, terms.case([(told, larger)], shown)),
        _after("?ruled", ruled, shown),
    ]


def _numbers(held: Sql) -> list[Sql]:
    columns = (terms.column(c, "following") for c in ("?row", "?parent", "?year", "?n"))
    return [*columns, terms.alias(terms.cast(held.copy(), HELD), "?held")]


def _paid(held: Sql) -> Sql:
    """The amount as far as the limit allows."""
    x, limit = (terms.column(c, "following") for c in ("?x", "?limit"))
    room = exp.Sub(this=limit, expression=terms.paren(held.copy()))
    return terms.skipping(exp.Greatest, terms.skipping(exp.Least, x, room), ZERO.copy())


def _after(name: str, balance: Sql, amount: Sql) -> Sql:
    added = exp.Add(this=balance.copy(), expression=terms.paren(amount.copy()))
    return terms.alias(terms.cast(added, HELD), name)
