"""Balances of accumulators before each row where a running sum gives them: limits that never fall.

In: a cut, that is a table with what each row brings to each accumulator (`limits`). Out: `Windowed`, the balances
before each row, NULL where nobody knows them. With a limit L that never falls, the balance before row i is
S + min(T0, min(max(Lj, T0) - Sj)) over earlier rows j; that equals taking the rows in order, as `turns` does all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from mianshen.program.program import Accumulator, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.figures import period_of
from mianshen.warehouse.layers import Windowed
from mianshen.warehouse.scope import Scope

PARTS = ("x", "u", "limit", "opening", "named", "counted")  # of an accumulator, in a cut


@dataclass(frozen=True, slots=True)
class Balances:
    """The balances of a level's accumulators."""

    program: Program
    scope: Scope

    def windowed(self, cut: str, accumulators: Sequence[Accumulator]) -> list[Windowed]:
        """The parts of the cut that are windowed: one for each first day of a benefit year."""
        starts = dict.fromkeys(a.year_start for a in accumulators)
        parts = [[a for a in accumulators if a.year_start == start] for start in starts]
        return [self._part(cut, number, part) for number, part in enumerate(parts)]

    def _part(self, cut: str, number: int, accumulators: list[Accumulator]) -> Windowed:
        """The rows that some of the accumulators can touch, windowed."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        source = ["?row", "?parent", entity.date, entity.key]
        source += [f"{a.name}?{part}" for a in accumulators for part in PARTS]
        query = self._touched(cut, source, accumulators)
        for layer in (
            [c for a in accumulators for c in self._running(a)],
            [self._floor(a) for a in accumulators],
        ):
            query = terms.select_from(query.subquery("running", copy=False), exp.Star(), *layer)
        query = terms.select_from(
            query.subquery("totals", copy=False),
            terms.column("?row"),
            *(self._before(a) for a in accumulators),
        )
        labels = tuple(f"{a.name}?before" for a in accumulators)
        return Windowed(frozenset(source), labels, ((f"{cut}_windowed{number}", query),))

    def _touched(self, cut: str, source: list[str], accumulators: list[Accumulator]) -> exp.Select:
        """The rows that are paid through one of the accumulators or may bring it what nobody knows."""
        day = self.scope.day
        assert day is not None
        relevant: list[Sql] = []
        for a in accumulators:
            unsure = exp.GT(this=terms.column(f"{a.name}?u"), expression=terms.literal(0))
            relevant += [terms.column(f"{a.name}?named"), unsure]
        year = terms.alias(period_of(accumulators[0], day), "?year")
        columns = (terms.column(n) for n in dict.fromkeys(source))
        query = terms.select_from(terms.table(cut), *columns, year)
        return query.where(terms.disjoin(relevant), copy=False)

    def _order(self) -> exp.Order:
        """By date, then by key."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        keys = (entity.date, entity.key)
        return exp.Order(expressions=[exp.Ordered(this=terms.column(k), nulls_first=False) for k in keys])

    def _window(self, total: Sql, earlier: bool) -> Sql:
        spec = exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING",
            end="CURRENT ROW" if not earlier else terms.literal(1), end_side=None if not earlier else "PRECEDING",
        )  # fmt: skip
        partition = [terms.column("?parent"), terms.column("?year")]
        return exp.Window(this=total, partition_by=partition, order=self._order(), spec=spec)

    def _running(self, accumulator: Accumulator) -> list[Sql]:
        """`?s`, `?n`: amounts and unknowns up to and including the row; `?undated`: unknowns without a date."""
        name = accumulator.name
        columns = [
            terms.alias(self._window(exp.Sum(this=terms.column(f"{name}?{part}")), False), f"{name}?{total}")
            for part, total in (("x", "s"), ("u", "n"))
        ]
        if self.scope.undated:
            assert self.scope.day is not None
            undated = terms.case(
                [(terms.is_null(self.scope.day), terms.column(f"{name}?u"))], terms.literal(0)
            )
            over_person = exp.Window(this=exp.Max(this=undated), partition_by=[terms.column("?parent")])
            columns.append(terms.alias(over_person, f"{name}?undated"))
        return columns

    def _floor(self, accumulator: Accumulator) -> Sql:
        """`?m`: over earlier rows, the least of max(limit, opening) less the running sum."""
        name = accumulator.name
        limit, opening = terms.column(f"{name}?limit"), terms.column(f"{name}?opening")
        room = exp.Sub(
            this=terms.skipping(exp.Greatest, limit, opening), expression=terms.column(f"{name}?s")
        )
        picked = terms.case([(terms.column(f"{name}?counted"), room)])
        return terms.alias(self._window(exp.Min(this=picked), True), f"{name}?m")

    def _before(self, accumulator: Accumulator) -> Sql:
        """`?before`: the balance before the row; NULL where that is not known."""
        name = accumulator.name
        opening = terms.column(f"{name}?opening")
        earlier = exp.Paren(
            this=exp.Sub(this=terms.column(f"{name}?s"), expression=terms.column(f"{name}?x"))
        )
        unknown_earlier = exp.Sub(this=terms.column(f"{name}?n"), expression=terms.column(f"{name}?u"))
        unsure = [
            exp.GT(this=terms.paren(unknown_earlier), expression=terms.literal(0)),
            terms.is_null(opening),
        ]
        if self.scope.undated:
            assert self.scope.day is not None
            unsure.append(exp.GT(this=terms.column(f"{name}?undated"), expression=terms.literal(0)))
            unsure.append(terms.is_null(self.scope.day))
        floor = terms.skipping(exp.Least, opening, terms.column(f"{name}?m"))
        balance = exp.Add(this=earlier, expression=floor)
        return terms.alias(terms.case([(terms.disjoin(unsure), terms.NULL)], balance), f"{name}?before")
