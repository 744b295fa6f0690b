"""What accumulators held before each row: running sums over the earlier rows of a benefit year.

In: a cut, that is a table with what each row brings to each accumulator (`limits`). Out: `Held`, the balances
before each row, NULL where nobody knows them. With a limit L that is the same all year, T before a row is
min(T0 + S, max(L, T0)); with one that never falls, S + min(T0, min(max(Lj, T0) - Sj)) over earlier rows j;
otherwise the rows are folded. All equal taking the rows in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from mianshen.program.program import Accumulator, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.days import benefit_year
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.folding import folded
from mianshen.warehouse.layers import Held
from mianshen.warehouse.missing_names import NONE, named, names_where, together
from mianshen.warehouse.scope import Scope
from mianshen.warehouse.steadiness import constant
from mianshen.warehouse.table_catalog import Data


def settled_fact(program: Program, data: Data, accumulator: Accumulator) -> Sql | None:
    """The column with what was really paid of what is summed; None where no row has any."""
    name = program.settling(accumulator.entity).get(accumulator.sums)
    if name is None or (accumulator.entity, name) not in data.settled:
        return None
    return terms.column(name)


@dataclass(frozen=True, slots=True)
class Balances:
    """The balances of a level's accumulators."""

    program: Program
    scope: Scope
    data: Data

    def held(self, cut: str, accumulators: Sequence[Accumulator]) -> list[Held]:
        """The parts of the cut that are windowed: one for each first day of a benefit year."""
        starts = dict.fromkeys(a.year_start for a in accumulators)
        parts = [[a for a in accumulators if a.year_start == start] for start in starts]
        return [self._part(cut, number, part) for number, part in enumerate(parts)]

    def _part(self, cut: str, number: int, accumulators: list[Accumulator]) -> Held:
        """The rows that some of the accumulators can touch, windowed."""
        source = self._source(accumulators)
        query = self._touched(cut, source, accumulators)
        layers = [
            [c for a in accumulators for c in self._running(a)],
            [c for a in accumulators if self._foldless(a) and not self._constant(a) for c in self._floor(a)],
        ]
        for layer in layers:
            if layer:
                query = terms.select(exp.Star(), *layer).from_(
                    query.subquery("running", copy=False), copy=False
                )
        columns = [c for a in accumulators for c in self._held(a)]
        labels = [f"{a.name}?before" for a in accumulators]
        if self.data.missing:
            labels += [f"{a.name}?before?miss" for a in accumulators]
        target = f"{cut}_held{number}"
        made, query = self._folds(query, target, [a for a in accumulators if not self._foldless(a)])
        query = terms.select(terms.column("?row"), *columns).from_(
            query.subquery("totals", copy=False), copy=False
        )
        return Held(frozenset(source), tuple(labels), (*made, (target, query)))

    def _source(self, accumulators: list[Accumulator]) -> list[str]:
        """The columns of the cut that balances are made of."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        source = ["?row", "?parent", entity.date, entity.key]
        for a in accumulators:
            parts = ["x", "u", "limit", "opening", "named"]
            parts += [] if self._constant(a) else ["counted"]
            parts += ["settled", "member", "uc"] if self._settled(a) else []
            if self.data.missing:
                parts += ["miss", "missc"] if self._settled(a) else ["miss"]
            source += [f"{a.name}?{part}" for part in parts]
        return source

    def _touched(self, cut: str, source: list[str], accumulators: list[Accumulator]) -> exp.Select:
        """The rows that are paid through one of the accumulators or may bring it what nobody knows."""
        day = self.scope.day
        assert day is not None
        relevant: list[Sql] = []
        for a in accumulators:
            unsure = exp.GT(this=terms.column(f"{a.name}?u"), expression=terms.literal(0))
            relevant += [terms.column(f"{a.name}?named"), unsure]
        year = terms.alias(benefit_year(day, accumulators[0].year_start), "?year")
        columns = (terms.column(n) for n in dict.fromkeys(source))
        query = terms.select(*columns, year).from_(exp.to_table(cut, quoted=True), copy=False)
        return query.where(terms.disjoin(relevant), copy=False)

    def _folds(
        self, query: exp.Select, target: str, accumulators: list[Accumulator]
    ) -> tuple[list[tuple[str, exp.Query]], exp.Select]:
        """Tables with what accumulators held whose limits no running sum can follow.

        And the rows with those balances beside them.
        """
        if not accumulators:
            return [], query
        running = f"{target}_running"
        made: list[tuple[str, exp.Query]] = [(running, query)]
        query = terms.select(exp.Column(this=exp.Star(), table=exp.to_identifier("running"))).from_(
            exp.to_table(running, quoted=True).as_("running"), copy=False)  # fmt: skip
        for index, accumulator in enumerate(accumulators):
            table, name = f"{target}_fold{index}", f"folded{index}"
            made += folded(running, accumulator.name, self._order(), table, self._settled(accumulator))
            on = exp.EQ(this=terms.column("?row", name), expression=terms.column("?row", "running"))
            query = query.join(
                exp.to_table(table, quoted=True).as_(name), on=on, join_type="left", copy=False
            )
            query = query.select(
                terms.alias(terms.column("?held", name), f"{accumulator.name}?folded"), copy=False
            )
        return made, query

    def _order(self) -> exp.Order:
        """By date, then by key."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        keys = (entity.date, entity.key)
        return exp.Order(expressions=[exp.Ordered(this=terms.column(k), nulls_first=False) for k in keys])

    def _window(self, made: Sql, earlier: bool) -> Sql:
        spec = exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING",
            end="CURRENT ROW" if not earlier else terms.literal(1), end_side=None if not earlier else "PRECEDING",
        )  # fmt: skip
        partition = [terms.column("?parent"), terms.column("?year")]
        return exp.Window(this=made, partition_by=partition, order=self._order(), spec=spec)

    def _running(self, accumulator: Accumulator) -> list[Sql]:
        """`?s`, `?n`, `?nc`: amounts and unknowns (ruled, committed) up to and including the row."""
        name, settled = accumulator.name, self._settled(accumulator)
        made = [
            terms.alias(self._window(exp.Sum(this=terms.column(f"{name}?x")), False), f"{name}?s"),
            terms.alias(self._window(exp.Sum(this=terms.column(f"{name}?u")), False), f"{name}?n"),
        ]
        if settled:
            made.append(
                terms.alias(self._window(exp.Sum(this=terms.column(f"{name}?uc")), False), f"{name}?nc")
            )
        if self.data.undated:
            day = self.scope.day
            assert day is not None
            undated = exp.Max(
                this=terms.case([(terms.is_null(day), terms.column(f"{name}?u"))], terms.literal(0))
            )
            if self.data.missing:
                listed = terms.function(
                    "LIST", terms.case([(terms.is_null(day), terms.column(f"{name}?miss"))], NONE)
                )
                made.append(
                    terms.alias(
                        exp.Window(this=listed, partition_by=[terms.column("?parent")]),
                        f"{name}?undated?miss",
                    )
                )
            over_person = exp.Window(this=undated, partition_by=[terms.column("?parent")])
            made.append(terms.alias(over_person, f"{name}?undated"))
        if self.data.missing:
            for suffix in ("", "c") if settled else ("",):
                listed = self._window(terms.function("LIST", terms.column(f"{name}?miss{suffix}")), True)
                made.append(terms.alias(listed, f"{name}?earlier{suffix}?miss"))
        return made

    def _floor(self, accumulator: Accumulator) -> list[Sql]:
        """`?m`: over earlier rows, the least of max(limit, opening) less the running sum."""
        name = accumulator.name
        limit, opening = terms.column(f"{name}?limit"), terms.column(f"{name}?opening")
        room = exp.Sub(
            this=terms.skipping(exp.Greatest, limit, opening), expression=terms.column(f"{name}?s")
        )
        picked = terms.case([(terms.column(f"{name}?counted"), room)])
        return [terms.alias(self._window(exp.Min(this=picked), True), f"{name}?m")]

    def _held(self, accumulator: Accumulator) -> list[Sql]:
        """`?before`: what the accumulator held before the row; NULL where that is not known."""
        name = accumulator.name
        opening = terms.column(f"{name}?opening")
        earlier = exp.Paren(
            this=exp.Sub(this=terms.column(f"{name}?s"), expression=terms.column(f"{name}?x"))
        )
        unsure = [
            exp.GT(this=terms.paren(self._earlier_unknown(accumulator)), expression=terms.literal(0)),
            terms.is_null(opening),
        ]
        if self.data.undated:
            unsure.append(exp.GT(this=terms.column(f"{name}?undated"), expression=terms.literal(0)))
        day = self.scope.day
        assert day is not None
        if self.data.undated:
            unsure.append(terms.is_null(day))
        held: Sql
        if not self._foldless(accumulator):
            plain = exp.Add(this=opening.copy(), expression=earlier)
            held = exp.Coalesce(this=terms.column(f"{name}?folded"), expressions=[plain])
        elif self._constant(accumulator):
            limit = terms.column(f"{name}?limit")
            plain = exp.Add(this=opening.copy(), expression=earlier)
            held = terms.skipping(exp.Least, plain, terms.skipping(exp.Greatest, limit, opening.copy()))
        else:
            floor = terms.skipping(exp.Least, opening.copy(), terms.column(f"{name}?m"))
            held = exp.Add(this=earlier, expression=floor)
        made = [terms.alias(terms.case([(terms.disjoin(unsure), terms.NULL)], held), f"{name}?before")]
        if self.data.missing:
            made.append(terms.alias(self._held_missing(accumulator, day), f"{name}?before?miss"))
        return made

    def _earlier_unknown(self, accumulator: Accumulator) -> Sql:
        """How many earlier rows added an unknown amount to the balance that the row is decided on."""
        ruled, committed = (
            exp.Sub(
                this=terms.column(f"{accumulator.name}?n{suffix}"),
                expression=terms.column(f"{accumulator.name}?u{suffix}"),
            )
            for suffix in ("", "c")
        )
        return self._of_balance(accumulator, ruled, committed)

    def _of_balance(self, accumulator: Accumulator, ruled: Sql, committed: Sql) -> Sql:
        """The first for a row with a settled amount, which is decided on the ruled balance; else the second."""
        if not self._settled(accumulator):
            return ruled
        told = terms.is_known(terms.column(f"{accumulator.name}?settled"))
        return terms.case([(told, ruled)], committed)

    def _held_missing(self, accumulator: Accumulator, day: Sql) -> Sql:
        """The names behind an unknown balance: what earlier rows lack, the opening, the row's own date."""
        name = accumulator.name

        def all_of(column: str) -> Sql:
            listed = terms.function("FLATTEN", terms.column(column))
            return exp.Coalesce(this=listed, expressions=[NONE.copy()])

        earlier = self._of_balance(
            accumulator, all_of(f"{name}?earlier?miss"), all_of(f"{name}?earlierc?miss")
        )
        names = [earlier, self._opening_missing(accumulator)]
        if not self.data.undated:
            return terms.function("LIST_DISTINCT", together(names))
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        names.append(all_of(f"{name}?undated?miss"))
        dated = terms.function("LIST_DISTINCT", together(names))
        return terms.case([(terms.is_null(day), named(entity.date))], dated)

    def _opening_missing(self, accumulator: Accumulator) -> Sql:
        if accumulator.opening is None:
            return NONE.copy()
        unknown = [terms.is_null(terms.column(f"{accumulator.name}?opening"))]
        if self.data.undated and self.scope.day is not None:
            unknown.append(terms.is_known(self.scope.day))
        return names_where(terms.conjoin(unknown), named(accumulator.opening[1]))

    def _foldless(self, accumulator: Accumulator) -> bool:
        """Running sums serve, for the rules decide what is paid and the parent is the same all year."""
        untouched = accumulator.entity not in self.data.over_time and not self._settled(accumulator)
        return accumulator.foldless and untouched

    def _settled(self, accumulator: Accumulator) -> bool:
        """Whether some row may have a settled amount of what is summed."""
        return settled_fact(self.program, self.data, accumulator) is not None

    def _constant(self, accumulator: Accumulator) -> bool:
        return self._foldless(accumulator) and constant(self.program, self.scope, accumulator)
