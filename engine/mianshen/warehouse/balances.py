"""Balances of accumulators before each row: running sums over the earlier rows of a benefit year.

In: a cut, that is a table with what each row brings to each accumulator (`limits`). Out: `Windowed`, the balances
before each row, NULL where nobody knows them. With a limit L that never falls, the balance before row i is
S + min(T0, min(max(Lj, T0) - Sj)) over earlier rows j; otherwise the rows are folded. Both equal taking the rows in
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from sqlglot import exp

from mianshen.program.program import Accumulator, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.figures import decimals, period_of, unlimited
from mianshen.warehouse.folding import folded
from mianshen.warehouse.layers import Windowed
from mianshen.warehouse.scope import Scope

PARTS = ("x", "u", "limit", "opening", "named", "counted")  # of an accumulator, in a cut


@dataclass(frozen=True, slots=True)
class Balances:
    """The balances of a level's accumulators."""

    program: Program
    scope: Scope

    def windowed(self, cut: str, accumulators: Sequence[Accumulator]) -> list[Windowed]:
        """The parts of the cut that are windowed: one for each first day of a benefit year, period and facts."""
        kinds = dict.fromkeys(map(_kind, accumulators))
        parts = [[a for a in accumulators if _kind(a) == kind] for kind in kinds]
        return [self._part(cut, number, part) for number, part in enumerate(parts)]

    def _part(self, cut: str, number: int, accumulators: list[Accumulator]) -> Windowed:
        """The rows that some of the accumulators can touch, windowed."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        source = ["?row", "?parent", entity.date, entity.key, *_facts(accumulators[0])]
        for a in accumulators:
            parts = [part for part in PARTS if part != "limit"] if unlimited(self.program, a) else PARTS
            source += [f"{a.name}?{part}" for part in parts]
        query = self._touched(cut, source, accumulators)
        layers = [
            [c for a in accumulators for c in self._running(a)],
            [self._floor(a) for a in accumulators if a.foldless],
        ]
        for layer in layers:
            if layer:
                query = terms.select(exp.Star(), *layer).from_(
                    query.subquery("running", copy=False), copy=False
                )
        target = f"{cut}_windowed{number}"
        cut_down = [a for a in accumulators if not a.foldless and not unlimited(self.program, a)]
        tables, query = self._folds(query, target, cut_down)
        query = terms.select(terms.column("?row"), *(self._before(a) for a in accumulators)).from_(
            query.subquery("totals", copy=False), copy=False
        )
        labels = tuple(f"{a.name}?before" for a in accumulators)
        return Windowed(frozenset(source), labels, (*tables, (target, query)))

    def _touched(self, cut: str, source: list[str], accumulators: list[Accumulator]) -> exp.Select:
        """The rows that are paid through one of the accumulators or may bring it what nobody knows."""
        day = self.scope.day
        assert day is not None
        relevant: list[Sql] = []
        for a in accumulators:
            unsure = exp.GT(this=terms.column(f"{a.name}?u"), expression=terms.literal(0))
            relevant += [terms.column(f"{a.name}?named"), unsure]
        period = period_of(accumulators[0], day)
        facts = [terms.cast(terms.column(name), "VARCHAR") for name in _facts(accumulators[0])]
        moving = _first(accumulators[0]) is not None
        key = [terms.literal(0), *facts] if moving else [period, *facts]
        years = [terms.alias(_joined(key) if facts else key[0].copy(), "?year")]
        years += [terms.alias(period.copy(), "?period")] if facts or moving else []
        columns = (terms.column(n) for n in dict.fromkeys(source))
        query = terms.select(*columns, *years).from_(exp.to_table(cut, quoted=True), copy=False)
        return query.where(terms.disjoin(relevant), copy=False)

    def _folds(
        self, query: exp.Select, target: str, accumulators: list[Accumulator]
    ) -> tuple[list[tuple[str, exp.Query]], exp.Select]:
        """Tables with the balances of accumulators whose limits no running sum can follow.

        And the rows with those balances beside them.
        """
        if not accumulators:
            return [], query
        running = f"{target}_running"
        tables: list[tuple[str, exp.Query]] = [(running, query)]
        query = terms.select(exp.Column(this=exp.Star(), table=exp.to_identifier("running"))).from_(
            exp.to_table(running, quoted=True).as_("running"), copy=False)  # fmt: skip
        for index, accumulator in enumerate(accumulators):
            table, name = f"{target}_fold{index}", f"folded{index}"
            tables += folded(running, accumulator.name, self._order(), table, self._type(accumulator))
            on = exp.EQ(this=terms.column("?row", name), expression=terms.column("?row", "running"))
            query = query.join(
                exp.to_table(table, quoted=True).as_(name), on=on, join_type="left", copy=False
            )
            balance = terms.alias(terms.column("?balance", name), f"{accumulator.name}?folded")
            query = query.select(balance, copy=False)
        return tables, query

    def _type(self, accumulator: Accumulator) -> exp.DataType:
        """The type of a balance."""
        return terms.decimal_type(38, decimals(self.program.decision(accumulator.entity, accumulator.sums)))

    def _order(self) -> exp.Order:
        """By date, then by key."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        keys = (entity.date, entity.key)
        return exp.Order(expressions=[exp.Ordered(this=terms.column(k), nulls_first=False) for k in keys])

    def _window(self, total: Sql, earlier: bool, whole: str = "?year") -> Sql:
        spec = exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING",
            end="CURRENT ROW" if not earlier else terms.literal(1), end_side=None if not earlier else "PRECEDING",
        )  # fmt: skip
        partition = [terms.column("?parent"), terms.column(whole)]
        return exp.Window(this=total, partition_by=partition, order=self._order(), spec=spec)

    def _running(self, accumulator: Accumulator) -> list[Sql]:
        """`?s`, `?n`: amounts and unknowns up to and including the row; `?undated`: unknowns without a date."""
        name = accumulator.name
        running = self._moving if _first(accumulator) is not None else self._in_period
        columns = [
            terms.alias(running(accumulator, terms.column(f"{name}?{part}"), "?year"), f"{name}?{total}")
            for part, total in (("x", "s"), ("u", "n"))
        ]
        if accumulator.varying:  # earlier rows of the period that may go to any of its balances
            anywhere = terms.case([(self._vague(accumulator), terms.column(f"{name}?u"))], terms.literal(0))
            whole = "?parent" if _first(accumulator) is not None else "?period"
            columns.append(terms.alias(running(accumulator, anywhere, whole), f"{name}?vague"))
        if self.scope.undated:
            assert self.scope.day is not None
            undated = terms.case(
                [(terms.is_null(self.scope.day), terms.column(f"{name}?u"))], terms.literal(0)
            )
            over_person = exp.Window(this=exp.Max(this=undated), partition_by=[terms.column("?parent")])
            columns.append(terms.alias(over_person, f"{name}?undated"))
        return columns

    def _in_period(self, accumulator: Accumulator, amount: Sql, whole: str) -> Sql:
        """The sum over the rows of a period up to and including the row."""
        del accumulator
        return self._window(exp.Sum(this=amount), False, whole)

    def _moving(self, accumulator: Accumulator, amount: Sql, whole: str) -> Sql:
        """The sum over the period before, or over the days before and the day up to the row, which is included."""
        first = _first(accumulator)
        assert first is not None
        spec = exp.WindowSpec(
            kind="RANGE", start=terms.literal(first), start_side="PRECEDING", end=terms.literal(1), end_side="PRECEDING"
        )  # fmt: skip
        parts = [terms.column("?parent"), *([terms.column(whole)] if whole != "?parent" else [])]
        order = exp.Order(expressions=[exp.Ordered(this=terms.column("?period"), nulls_first=False)])
        before = exp.Window(this=exp.Sum(this=amount), partition_by=parts, order=order, spec=spec)
        nothing = terms.literal(0)
        moved: Sql = exp.Coalesce(this=before, expressions=[nothing])
        if accumulator.days is None:
            return exp.Add(this=moved, expression=amount.copy())
        keys = [part.copy() for part in (*parts, terms.column("?period"))]
        rows = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
        today = exp.Window(
            this=exp.Sum(this=amount.copy()), partition_by=keys, order=self._order(), spec=rows
        )
        return exp.Add(this=moved, expression=today)

    def _vague(self, accumulator: Accumulator) -> Sql:
        """A fact is missing that says to which of a period's balances the row goes."""
        return terms.disjoin(terms.is_null(terms.column(name)) for name in _facts(accumulator))

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
        if accumulator.varying:
            own = terms.case([(self._vague(accumulator), terms.column(f"{name}?u"))], terms.literal(0))
            vague = exp.Paren(this=exp.Sub(this=terms.column(f"{name}?vague"), expression=own))
            unsure += [self._vague(accumulator), exp.GT(this=vague, expression=terms.literal(0))]
        if self.scope.undated:
            assert self.scope.day is not None
            unsure.append(exp.GT(this=terms.column(f"{name}?undated"), expression=terms.literal(0)))
            unsure.append(terms.is_null(self.scope.day))
        balance: Sql
        if unlimited(self.program, accumulator):
            balance = exp.Add(this=opening.copy(), expression=earlier)
        elif accumulator.foldless:
            floor = terms.skipping(exp.Least, opening.copy(), terms.column(f"{name}?m"))
            balance = exp.Add(this=earlier, expression=floor)
        else:
            plain = exp.Add(this=opening.copy(), expression=earlier)
            balance = exp.Coalesce(this=terms.column(f"{name}?folded"), expressions=[plain])
        return terms.alias(terms.case([(terms.disjoin(unsure), terms.NULL)], balance), f"{name}?before")


def _kind(accumulator: Accumulator) -> tuple[object, ...]:
    """What accumulators have in common that are windowed together."""
    return accumulator.year_start, accumulator.period, accumulator.varying, accumulator.days


def _first(accumulator: Accumulator) -> int | None:
    """How many periods, or days, before a row's own the sum begins that it reads; None: with its own."""
    if accumulator.days is not None:
        return accumulator.days
    return 1 if accumulator.period in ("last year", "last month") else None


def _facts(accumulator: Accumulator) -> list[str]:
    """The row's facts that say to which of a period's balances it goes."""
    return [name for _, name in accumulator.varying]


def _joined(parts: list[Sql]) -> Sql:
    """A text that tells the parts apart; NULL where one is."""
    texts = [terms.cast(part, "VARCHAR") for part in parts]
    return reduce(
        lambda one, other: exp.DPipe(
            this=exp.DPipe(this=one, expression=terms.literal("\x1f")), expression=other
        ),
        texts,
    )
