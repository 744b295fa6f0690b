"""Annual limits as running sums: what each row may still be paid, without taking rows one by one.

In: the decisions of a level that pay under limits. Out: columns in three layers: amounts before
the limit, windows over earlier rows, amounts paid. With a limit L that is the same all year,
T before a row is min(T0 + S, max(L, T0)); with one that never falls, S + min(T0, min(max(Lj, T0) - Sj))
over earlier rows j; otherwise the rows are folded. All equal taking the rows in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from mianshen.program.core import Core, YearToDate, walk
from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.sql import terms
from mianshen.sql.decisions import Applied, Decided, applied, decided
from mianshen.sql.emit import Emitted, Scope, benefit_year, emit
from mianshen.sql.plan import nodes_of
from mianshen.sql.terms import FALSE, TRUE, Sql
from mianshen.values import benefit_year as year_of

if TYPE_CHECKING:
    from mianshen.sql.stage import Data


@dataclass(slots=True)
class Limits:
    program: Program
    scope: Scope
    data: Data
    decisions: list[Decision]
    rulings: dict[str, list[Applied]] = field(default_factory=dict)
    results: dict[str, Decided] = field(default_factory=dict)

    def accumulators(self) -> list[Accumulator]:
        """The accumulators that sum this level's decisions."""
        sums = {(d.entity, d.name) for d in self.decisions}
        return [a for a in self.program.accumulators.values() if (a.entity, a.sums) in sums and self._naming(a)]

    def _naming(self, accumulator: Accumulator) -> list[int]:
        decision = next(d for d in self.decisions if d.name == accumulator.sums)
        return [i for i, p in enumerate(decision.provisions) if p.limit is not None and p.limit.accumulator == accumulator.name]

    # -- before the windows ------------------------------------------------------------------

    def before_windows(self, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Per decision the amount before any limit and who gives it; per accumulator what a row brings."""
        columns: list[Sql] = []
        for decision in self.decisions:
            rulings = [applied(p, i, self.scope) for i, p in enumerate(decision.provisions)]
            made = decided(decision, rulings)
            self.rulings[decision.name], self.results[decision.name] = rulings, made
            columns += [
                exp.alias_(made.value, f"{decision.name}?raw", quoted=True),
                exp.alias_(made.void, f"{decision.name}?rawvoid", quoted=True),
                exp.alias_(terms.cast(made.chosen, "TINYINT"), f"{decision.name}?by", quoted=True),
            ]
            if made.error != FALSE:
                columns.append(exp.alias_(made.error, f"{decision.name}?error", quoted=True))
                errors.append((decision.name, terms.column(f"{decision.name}?error")))
        for accumulator in self.accumulators():
            columns += self._facts_of(accumulator, errors)
        return columns

    def _facts_of(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Limit, filter, possible membership, opening and year of an accumulator at each row."""
        rulings = self.rulings[accumulator.sums]
        naming = [rulings[i] for i in self._naming(accumulator)]
        limits = [(r.applies, self._limit(r)) for r in naming]
        over = Emitted(TRUE, nullable=False) if accumulator.over is None else emit(accumulator.over, self.scope)
        over_value = over.value if over.void == FALSE else terms.case([(over.void, FALSE)], over.value)
        may = terms.disjoin(terms.negate(terms.surely_not(r.applies)) for r in naming)
        columns = {
            "limit": terms.cast(terms.case([(a, e.value) for a, e in limits]), "DECIMAL(18, 2)"),
            "limitvoid": terms.disjoin(terms.conjoin([terms.surely(a), e.void]) for a, e in limits if e.void != FALSE),
            "over": over_value,
            "may": may,
            "opening": self._opening(accumulator),
            "year": self._year(accumulator),
        }
        failing = terms.disjoin([over.error, *(terms.conjoin([terms.surely(a), e.error]) for a, e in limits if e.error != FALSE)])
        made = [exp.alias_(v, f"{accumulator.name}?{k}", quoted=True) for k, v in columns.items()]
        if failing != FALSE:
            made.append(exp.alias_(failing, f"{accumulator.name}?error", quoted=True))
            errors.append((accumulator.sums, terms.column(f"{accumulator.name}?error")))
        return made

    def _limit(self, ruling: Applied) -> Emitted:
        assert ruling.provision.limit is not None
        return emit(ruling.provision.limit.limit, self.scope)

    def _opening(self, accumulator: Accumulator) -> Sql:
        if accumulator.opening is None:
            return terms.cast(terms.literal(0), "DECIMAL(18, 2)")
        day = self.scope.day
        assert day is not None
        this_year = year_of(self.scope.as_of, accumulator.year_start)
        same = exp.EQ(this=terms.paren(benefit_year(day, accumulator.year_start)), expression=terms.literal(this_year))
        opening = self.scope.column_of(*accumulator.opening)
        return terms.case([(same, opening)], terms.cast(terms.literal(0), "DECIMAL(18, 2)"))

    def _year(self, accumulator: Accumulator) -> Sql:
        day = self.scope.day
        assert day is not None
        return benefit_year(day, accumulator.year_start)

    # -- windows -----------------------------------------------------------------------------

    def windows(self) -> list[list[Sql]]:
        """Layers of columns: what each row brings, running totals, then what was held before the row."""
        brought: list[Sql] = []
        running: list[Sql] = []
        floors: list[Sql] = []
        held: list[Sql] = []
        for accumulator in self.accumulators():
            brought += self._brought(accumulator)
            running += self._running(accumulator)
            if not self._constant(accumulator):
                floors += self._floor(accumulator)
            held += self._held(accumulator)
        return [layer for layer in (brought, running, floors, held) if layer]

    def _brought(self, accumulator: Accumulator) -> list[Sql]:
        """`?x`: the amount counted before any limit; `?u`: 1 where that is not known."""
        name, decision = accumulator.name, accumulator.sums
        indexes = [terms.literal(i) for i in self._naming(accumulator)]
        by = terms.column(f"{decision}?by")
        named = terms.surely(exp.In(this=by, expressions=indexes))
        raw, limit = terms.column(f"{decision}?raw"), terms.column(f"{name}?limit")
        over, opening = terms.column(f"{name}?over"), terms.column(f"{name}?opening")
        rejected = terms.column("?rejected") if self.scope.entity in self.data.rejected else FALSE
        voids = terms.disjoin([terms.column(f"{decision}?rawvoid"), terms.column(f"{name}?limitvoid")])
        counted = terms.conjoin([named, terms.negate(voids)])
        open_ = terms.conjoin([terms.is_null(by), terms.negate(terms.column(f"{decision}?rawvoid")), terms.column(f"{name}?may")])
        unknown = terms.disjoin([
            terms.conjoin([counted, terms.disjoin([terms.is_null(over), terms.is_null(raw), terms.is_null(limit), terms.is_null(opening)])]),
            open_,
        ])  # fmt: skip
        if rejected != FALSE:
            failed = self._failed()
            unknown = terms.disjoin([unknown, terms.conjoin([rejected, terms.disjoin([counted, open_, failed])])])
        unsure = terms.conjoin([terms.negate(terms.surely_not(over)), unknown])
        known = terms.conjoin([counted, terms.surely(over), terms.is_known(raw), *([terms.negate(rejected)] if rejected != FALSE else [])])
        amount = terms.case([(known, exp.Greatest(this=raw.copy(), expressions=[terms.literal(0)]))], terms.literal(0))
        return [
            exp.alias_(terms.cast(amount, "DECIMAL(18, 2)"), f"{name}?x", quoted=True),
            exp.alias_(terms.cast(unsure, "INT"), f"{name}?u", quoted=True),
        ]

    def _failed(self) -> Sql:
        """Deciding this level fails on the row: then nobody knows what it would have been paid."""
        return terms.disjoin(terms.column(f"{d.name}?error") for d in self.decisions if self.results[d.name].error != FALSE)

    def _window(self, accumulator: Accumulator, made: Sql, earlier: bool) -> Sql:
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        order = exp.Order(expressions=[
            exp.Ordered(this=terms.column(entity.date), nulls_first=False), exp.Ordered(this=terms.column(entity.key), nulls_first=False)])  # fmt: skip
        spec = exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING",
            end="CURRENT ROW" if not earlier else terms.literal(1), end_side=None if not earlier else "PRECEDING",
        )  # fmt: skip
        partition = [terms.column("?parent"), terms.column(f"{accumulator.name}?year")]
        return exp.Window(this=made, partition_by=partition, order=order, spec=spec)

    def _running(self, accumulator: Accumulator) -> list[Sql]:
        """`?s`, `?n`: amounts and unknowns up to and including the row."""
        name = accumulator.name
        made = [
            exp.alias_(self._window(accumulator, exp.Sum(this=terms.column(f"{name}?x")), False), f"{name}?s", quoted=True),
            exp.alias_(self._window(accumulator, exp.Sum(this=terms.column(f"{name}?u")), False), f"{name}?n", quoted=True),
        ]
        if self.data.undated:
            day = self.scope.day
            assert day is not None
            undated = exp.Max(this=terms.case([(terms.is_null(day), terms.column(f"{name}?u"))], terms.literal(0)))
            over_person = exp.Window(this=undated, partition_by=[terms.column("?parent")])
            made.append(exp.alias_(over_person, f"{name}?undated", quoted=True))
        return made

    def _floor(self, accumulator: Accumulator) -> list[Sql]:
        """`?m`: over earlier rows, the least of max(limit, opening) less the running sum."""
        name = accumulator.name
        limit, opening = terms.column(f"{name}?limit"), terms.column(f"{name}?opening")
        room = exp.Sub(this=exp.Greatest(this=limit, expressions=[opening]), expression=terms.column(f"{name}?s"))
        indexes = [terms.literal(i) for i in self._naming(accumulator)]
        named = terms.surely(exp.In(this=terms.column(f"{accumulator.sums}?by"), expressions=indexes))
        picked = terms.case([(terms.conjoin([named, terms.surely(terms.column(f"{name}?over"))]), room)])
        return [exp.alias_(self._window(accumulator, exp.Min(this=picked), True), f"{name}?m", quoted=True)]

    def _held(self, accumulator: Accumulator) -> list[Sql]:
        """`?before`: what the accumulator held before the row; NULL where that is not known."""
        name = accumulator.name
        opening = terms.column(f"{name}?opening")
        earlier = exp.Paren(this=exp.Sub(this=terms.column(f"{name}?s"), expression=terms.column(f"{name}?x")))
        unsure = [exp.GT(this=terms.paren(exp.Sub(this=terms.column(f"{name}?n"), expression=terms.column(f"{name}?u"))), expression=terms.literal(0)), terms.is_null(opening)]
        if self.data.undated:
            unsure.append(exp.GT(this=terms.column(f"{name}?undated"), expression=terms.literal(0)))
        day = self.scope.day
        assert day is not None
        if self.data.undated:
            unsure.append(terms.is_null(day))
        if self._constant(accumulator):
            limit = terms.column(f"{name}?limit")
            plain = exp.Add(this=opening.copy(), expression=earlier)
            held: Sql = exp.Least(this=plain, expressions=[exp.Greatest(this=limit, expressions=[opening.copy()])])
        else:
            floor = exp.Least(this=opening.copy(), expressions=[terms.column(f"{name}?m")])
            held = exp.Add(this=earlier, expression=floor)
        return [exp.alias_(terms.case([(terms.disjoin(unsure), terms.NULL)], held), f"{name}?before", quoted=True)]

    def _constant(self, accumulator: Accumulator) -> bool:
        """Whether one figure serves every day that occurs, and nobody reads the balance elsewhere."""
        decision = next(d for d in self.decisions if d.name == accumulator.sums)
        limits = [p.limit.limit for p in decision.provisions if p.limit is not None and p.limit.accumulator == accumulator.name]
        read = any(
            isinstance(n, YearToDate) and n.accumulator == accumulator.name
            for d in self.program.decisions for root in nodes_of(d) for n in walk(root)
        )  # fmt: skip
        return not read and all(self._steady(limit) for limit in limits)

    def _steady(self, limit: Core) -> bool:
        from mianshen.program.order import parameters_read

        nodes = [limit]
        for node in walk(limit):
            owner = getattr(node, "entity", None)
            if owner == self.scope.entity:
                decision = next((d for d in self.program.decisions if d.key == (owner, getattr(node, "name", ""))), None)
                if decision is not None:
                    nodes += nodes_of(decision)
        days = self.scope.days
        if days is None:
            return True
        for name in parameters_read(nodes):
            series = self.program.parameters[name].series
            values = {d.value for d in series if d.start <= days[1] and (d.end is None or d.end >= days[0])}
            if len(values) > 1:
                return False
        return True

    # -- after the windows -------------------------------------------------------------------

    def after_windows(self, voidable: frozenset[Key]) -> list[Sql]:
        """Each decision's final amount: paid as far as its limit allows."""
        columns: list[Sql] = []
        for decision in self.decisions:
            by = terms.column(f"{decision.name}?by")
            branches: list[tuple[Sql, Sql]] = []
            voids: list[Sql] = [terms.column(f"{decision.name}?rawvoid")]
            for index, provision in enumerate(decision.provisions):
                if provision.limit is not None:
                    chosen = exp.EQ(this=by.copy(), expression=terms.literal(index))
                    branches.append((chosen, self._paid(decision, provision.limit.accumulator)))
                    voids.append(terms.conjoin([terms.surely(chosen), terms.column(f"{provision.limit.accumulator}?limitvoid")]))
            value = terms.case(branches, terms.column(f"{decision.name}?raw"))
            columns.append(exp.alias_(terms.cast(value, terms.sql_type(decision.type)), decision.name, quoted=True))
            if decision.key in voidable:
                columns.append(exp.alias_(terms.disjoin(voids), f"{decision.name}?void", quoted=True))
        return columns

    def _paid(self, decision: Decision, accumulator: str) -> Sql:
        raw, limit, before = (terms.column(n) for n in (f"{decision.name}?raw", f"{accumulator}?limit", f"{accumulator}?before"))
        room = exp.Sub(this=limit, expression=before)
        paid = exp.Greatest(this=exp.Least(this=raw, expressions=[room]), expressions=[terms.literal(0)])
        unknown = terms.disjoin(terms.is_null(part) for part in (raw, limit, before))
        return terms.case([(unknown, terms.NULL)], paid)


