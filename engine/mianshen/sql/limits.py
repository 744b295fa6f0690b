"""Annual limits as running sums: what each row may still be paid, without taking rows one by one.

In: the decisions of a level that pay under limits. Out: columns before the limit; a cut, where the
few rows an accumulator can touch are windowed apart from the rest (`Held`); columns paid. With a
limit L that is the same all year, T before a row is min(T0 + S, max(L, T0)); with one that never
falls, S + min(T0, min(max(Lj, T0) - Sj)) over earlier rows j; otherwise the rows are folded. All
equal taking the rows in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from mianshen.program.core import Numeric, Type
from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.sql import terms
from mianshen.sql.days import benefit_year
from mianshen.sql.decisions import UNDECIDED, Applied, Decided, decided, outside
from mianshen.sql.emit import emit
from mianshen.sql.figures import opening_balance
from mianshen.sql.folding import folded
from mianshen.sql.lacks import NONE
from mianshen.sql.layers import Held
from mianshen.sql.limit_names import LimitNames
from mianshen.sql.plan import read_elsewhere
from mianshen.sql.scope import Emitted, Scope
from mianshen.sql.steadiness import constant
from mianshen.sql.terms import FALSE, TRUE, Sql

if TYPE_CHECKING:
    from mianshen.sql.stage import Data


@dataclass(slots=True)
class Limits(LimitNames):
    program: Program
    scope: Scope
    data: Data
    decisions: list[Decision]
    rulings: dict[str, list[Applied]]
    results: dict[str, Decided] = field(default_factory=dict)
    fallible: set[str] = field(default_factory=set)  # which error columns were made

    def accumulators(self) -> list[Accumulator]:
        """The accumulators that sum this level's decisions."""
        sums = {(d.entity, d.name) for d in self.decisions}
        return [
            a for a in self.program.accumulators.values() if (a.entity, a.sums) in sums and self._naming(a)
        ]

    def _naming(self, accumulator: Accumulator) -> list[int]:
        decision = self._decision(accumulator)
        return [
            i
            for i, p in enumerate(decision.provisions)
            if p.limit is not None and p.limit.accumulator == accumulator.name
        ]

    # -- before the windows ------------------------------------------------------------------

    def before_windows(self, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Per decision the amount before any limit and who gives it; per accumulator what a row brings."""
        columns: list[Sql] = []
        for decision in self.decisions:
            made = decided(
                decision, self.rulings[decision.name], terms.column(f"{decision.name}?by"), limited=True
            )
            self.results[decision.name] = made
            columns += [
                exp.alias_(made.value, f"{decision.name}?raw", quoted=True),
                exp.alias_(made.void, f"{decision.name}?rawvoid", quoted=True),
            ]
            if made.error != FALSE:
                columns.append(exp.alias_(made.error, f"{decision.name}?error", quoted=True))
                errors.append((decision.name, terms.column(f"{decision.name}?error")))
        for accumulator in self.accumulators():
            columns += self._facts_of(accumulator, errors)
        return columns

    def _facts_of(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Limit, filter and opening of an accumulator at each row."""
        rulings = self.rulings[accumulator.sums]
        naming = [rulings[i] for i in self._naming(accumulator)]
        by = terms.column(f"{accumulator.sums}?by")
        limits: list[tuple[Sql, Emitted]] = [
            (exp.EQ(this=by.copy(), expression=terms.literal(r.index)), self._limit(r)) for r in naming
        ]
        over = (
            Emitted(TRUE, nullable=False) if accumulator.over is None else emit(accumulator.over, self.scope)
        )
        over_value = over.value if over.void == FALSE else terms.case([(over.void, FALSE)], over.value)
        if not terms.is_false(over.error) and not terms.is_false(self._rejected):
            fails = terms.conjoin([self._rejected, over.error])  # what fails there is unknown
            over_value = terms.case([(terms.negate(fails), over_value)])
        columns = {
            "limit": terms.cast(_picked(limits), self._limit_type(naming)),
            "limitvoid": terms.disjoin(terms.conjoin([a, e.void]) for a, e in limits if e.void != FALSE),
            "over": over_value,
            "opening": opening_balance(accumulator, self.scope),
        }
        failing = terms.disjoin(terms.conjoin([a, e.error]) for a, e in limits if e.error != FALSE)
        made = [exp.alias_(v, f"{accumulator.name}?{k}", quoted=True) for k, v in columns.items()]
        for label, test in (("error", failing), ("overerror", over.error)):
            if test != FALSE:
                self.fallible.add(f"{accumulator.name}?{label}")
                made.append(exp.alias_(test, f"{accumulator.name}?{label}", quoted=True))
        if failing != FALSE:
            errors.append((accumulator.sums, terms.column(f"{accumulator.name}?error")))
        return made

    @property
    def _rejected(self) -> Sql:
        return terms.column("?rejected") if self.scope.entity in self.data.rejected else FALSE

    def _limit_type(self, naming: list[Applied]) -> exp.DataType:
        types = [r.provision.limit.limit.type for r in naming if r.provision.limit is not None]
        return _money_type(*types)

    def _limit(self, ruling: Applied) -> Emitted:
        assert ruling.provision.limit is not None
        return emit(ruling.provision.limit.limit, self.scope)

    # -- windows -----------------------------------------------------------------------------

    def held(self, cut: str, errors: list[tuple[str, Sql]]) -> tuple[list[Sql], list[Held]]:
        """What each row brings to each accumulator, and the parts of the cut that are windowed.

        One for each first day of a benefit year.
        """
        brought = [column for a in self.accumulators() for column in self._brought(a, errors)]
        starts = dict.fromkeys(a.year_start for a in self.accumulators())
        parts = [[a for a in self.accumulators() if a.year_start == start] for start in starts]
        return brought, [self._part(cut, number, part) for number, part in enumerate(parts)]

    # -- rows taken as the first of their year -------------------------------------------------

    def at_once(self, decision: Decision) -> list[Applied]:
        """The decision's provisions, paying as if nothing had been paid before in the benefit year."""
        return [
            r if r.provision.limit is None else replace(r, value=self._first(r))
            for r in self.rulings[decision.name]
        ]

    def _first(self, ruling: Applied) -> Emitted:
        assert ruling.provision.limit is not None
        raw, limit = ruling.value, self._limit(ruling)
        opening = opening_balance(self.program.accumulators[ruling.provision.limit.accumulator], self.scope)
        money = self._limit_type([ruling]), _money_type(ruling.provision.value.type)
        most, amount = terms.cast(limit.value.copy(), money[0]), terms.cast(raw.value.copy(), money[1])
        room = exp.Sub(this=most, expression=terms.paren(opening))
        unknown = terms.disjoin(terms.is_null(part) for part in (raw.value, limit.value, opening))
        paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, amount, room), terms.literal(0))
        value = terms.case([(unknown, terms.NULL)], paid)
        return Emitted(value, terms.disjoin([raw.void, limit.void]), terms.disjoin([raw.error, limit.error]))

    def relevance(self, voidable: frozenset[Key], errors: list[tuple[str, Sql]]) -> list[Sql]:
        """`?relevant:` for each accumulator: the row is paid through it, or may bring it what nobody knows.

        And, where `year to date` reads it, the opening as what it holds.
        """
        made: list[Sql] = []
        for a in self.accumulators():
            name = a.sums
            value, by = terms.column(name), terms.column(f"{name}?by")
            void = terms.column(f"{name}?void") if (a.entity, name) in voidable else FALSE
            over = Emitted(TRUE, nullable=False) if a.over is None else emit(a.over, self.scope)
            unknown = [terms.is_null(value), *([terms.is_null(over.value)] if over.nullable else [])]
            if self.scope.entity in self.data.rejected:
                unknown.append(terms.column("?rejected"))
            outside_ = terms.disjoin([terms.surely_not(over.value), over.void])
            if over.error != FALSE:
                outside_ = terms.conjoin([outside_, terms.negate(over.error)])
                failing = terms.conjoin([self._feeds(a, void), over.error])
                made.append(exp.alias_(failing, f"{a.name}?filtererror", quoted=True))
                errors.append((name, terms.column(f"{a.name}?filtererror")))
            unsure = terms.conjoin([terms.disjoin(unknown), terms.negate(void), terms.negate(outside_)])
            read = read_elsewhere(self.program, a.name)
            named = TRUE if read else exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(a)])
            made.append(
                exp.alias_(
                    terms.disjoin([named, unsure]) if not read else TRUE, f"?relevant:{a.name}", quoted=True
                )
            )
            if read:
                made.append(exp.alias_(opening_balance(a, self.scope), f"{a.name}?before", quoted=True))
        return made

    def _feeds(self, accumulator: Accumulator, void: Sql) -> Sql:
        """A provision that names the accumulator pays the row, or nobody knows which one does."""
        by = terms.column(f"{accumulator.sums}?by")
        may = exp.In(this=by, expressions=[terms.literal(i) for i in (UNDECIDED, *self._naming(accumulator))])
        return terms.conjoin([terms.negate(void) if void != FALSE else TRUE, may])

    def relevance_in_turn(self) -> list[Sql]:
        """The same of rows taken in turn, from what they bring."""
        made: list[Sql] = []
        for a in self.accumulators():
            unsure = exp.GT(this=terms.column(f"{a.name}?u"), expression=terms.literal(0))
            relevant = terms.disjoin([terms.column(f"{a.name}?named"), unsure])
            made.append(exp.alias_(relevant, f"?relevant:{a.name}", quoted=True))
        return made

    # -- windows -----------------------------------------------------------------------------

    def _part(self, cut: str, number: int, accumulators: list[Accumulator]) -> Held:
        """The rows that some of the accumulators can touch, windowed."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        source = ["?row", "?parent", entity.date, entity.key]
        relevant: list[Sql] = []
        for a in accumulators:
            source += [
                f"{a.name}?x",
                f"{a.name}?u",
                f"{a.name}?limit",
                f"{a.name}?opening",
                f"{a.name}?named",
            ]
            source += [] if self._constant(a) else [f"{a.name}?counted"]
            source += [] if self._settled_fact(a) is None else [f"{a.name}?settled"]
            relevant += [
                terms.column(f"{a.name}?named"),
                exp.GT(this=terms.column(f"{a.name}?u"), expression=terms.literal(0)),
            ]
        year = exp.alias_(
            benefit_year(terms.column(entity.date), accumulators[0].year_start), "?year", quoted=True
        )
        query = terms.select(*(terms.column(n) for n in dict.fromkeys(source)), year).from_(
            exp.to_table(cut, quoted=True), copy=False
        )
        query = query.where(terms.disjoin(relevant), copy=False)
        if self.data.missing:
            query = query.select(*(terms.column(f"{a.name}?miss") for a in accumulators))
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
            source += [f"{a.name}?miss" for a in accumulators]
            labels += [f"{a.name}?before?miss" for a in accumulators]
        target = f"{cut}_held{number}"
        made, query = self._folds(query, target, [a for a in accumulators if not self._foldless(a)])
        query = terms.select(terms.column("?row"), *columns).from_(
            query.subquery("totals", copy=False), copy=False
        )
        return Held(frozenset(source), tuple(labels), (*made, (target, query)))

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
            settled = self._settled_fact(accumulator) is not None
            made += folded(running, accumulator.name, self._order(), table, settled)
            on = exp.EQ(this=terms.column("?row", name), expression=terms.column("?row", "running"))
            query = query.join(exp.to_table(table, quoted=True).as_(name), on=on, join_type="left")
            query = query.select(
                exp.alias_(terms.column("?held", name), f"{accumulator.name}?folded", quoted=True)
            )
        return made, query

    def _brought(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """`?x`: the amount counted before any limit; `?u`: 1 where that is not known."""
        name, decision, rejected = accumulator.name, accumulator.sums, self._rejected
        by = terms.column(f"{decision}?by")
        paying = exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(accumulator)])
        raw, limit, over, opening = (
            terms.column(c) for c in (f"{decision}?raw", f"{name}?limit", f"{name}?over", f"{name}?opening")
        )
        limitvoid = terms.conjoin([paying, terms.column(f"{name}?limitvoid")])
        void = terms.disjoin([terms.column(f"{decision}?rawvoid"), limitvoid])
        feeds = self._feeds(accumulator, void)
        settled = self._settled_fact(accumulator)
        unpaid = terms.disjoin(terms.is_null(part) for part in (raw, limit, opening))
        if settled is not None:  # then it does not matter what the rules pay, only whether it counts
            unpaid = terms.disjoin([
                terms.conjoin([unpaid, terms.is_null(settled)]),
                exp.EQ(this=by.copy(), expression=terms.literal(UNDECIDED)),
            ])  # fmt: skip
        open_ = [terms.is_null(over), unpaid]
        if self.data.undated and self.scope.day is not None:
            open_.append(terms.is_null(self.scope.day))
        unknown = terms.conjoin([feeds, terms.disjoin([*open_, rejected])])
        if rejected != FALSE:
            unknown = terms.disjoin([unknown, terms.conjoin([rejected, self._failed(decision)])])
        unsure = terms.conjoin([terms.negate(terms.surely_not(over)), unknown])
        valid = terms.negate(rejected) if rejected != FALSE else TRUE
        amount = terms.is_known(raw)
        if settled is not None:
            amount = terms.disjoin([amount, terms.is_known(settled)])
        known = terms.conjoin([paying, terms.negate(void), terms.surely(over), amount, valid])
        made = [
            exp.alias_(self._amount(accumulator, known), f"{name}?x", quoted=True),
            exp.alias_(terms.cast(unsure, "TINYINT"), f"{name}?u", quoted=True),
            exp.alias_(
                TRUE if self.data.missing or read_elsewhere(self.program, name) else paying,
                f"{name}?named",
                quoted=True,
            ),
            exp.alias_(terms.conjoin([paying, terms.surely(over)]), f"{name}?counted", quoted=True),
        ]
        if settled is not None:
            made.append(exp.alias_(terms.is_known(settled), f"{name}?settled", quoted=True))
        if f"{name}?overerror" in self.fallible:
            failing = terms.conjoin([feeds, terms.column(f"{name}?overerror")])
            made.append(exp.alias_(failing, f"{name}?filtererror", quoted=True))
            errors.append((decision, terms.column(f"{name}?filtererror")))
        return made

    def _amount(self, accumulator: Accumulator, known: Sql) -> Sql:
        """The amount before the limit, not below zero; one that may be huge is cut to the most that can be paid."""
        decision = self._decision(accumulator)
        raw = terms.column(f"{decision.name}?raw")
        if decision.may_overflow:
            room = exp.Sub(
                this=terms.column(f"{accumulator.name}?limit"),
                expression=terms.column(f"{accumulator.name}?opening"),
            )
            raw = terms.skipping(exp.Least, raw, exp.Coalesce(this=room, expressions=[terms.literal(0)]))
        amount = terms.skipping(exp.Greatest, raw, terms.literal(0))
        settled = self._settled_fact(accumulator)
        if settled is not None:
            amount = terms.case([(terms.is_known(settled), settled.copy())], amount)
        amount = terms.case([(known, amount)], terms.literal(0))
        return terms.cast(amount, "DECIMAL(38, 2)" if decision.may_overflow else "DECIMAL(18, 2)")

    def _settled_fact(self, accumulator: Accumulator) -> Sql | None:
        """The column with what was really paid; None where no row has any."""
        name = self.program.settling(accumulator.entity).get(accumulator.sums)
        if name is None or (accumulator.entity, name) not in self.data.settled:
            return None
        return terms.column(name)

    def _foldless(self, accumulator: Accumulator) -> bool:
        """Running sums serve, for the rules decide what is paid and the parent is the same all year."""
        untouched = accumulator.entity not in self.data.over_time and self._settled_fact(accumulator) is None
        return accumulator.foldless and untouched

    def _constant(self, accumulator: Accumulator) -> bool:
        return self._foldless(accumulator) and constant(
            self.program, self.scope, accumulator, self._decision(accumulator)
        )

    def _decision(self, accumulator: Accumulator) -> Decision:
        return next(d for d in self.decisions if d.name == accumulator.sums)

    def _failed(self, decision: str) -> Sql:
        """Deciding it fails on the row: then nobody knows what it would have been paid."""
        errors = [terms.column(f"{decision}?error")] if self.results[decision].error != FALSE else []
        named_ = [a.name for a in self.accumulators() if a.sums == decision]
        return terms.disjoin(
            [*errors, *(terms.column(f"{n}?error") for n in named_ if f"{n}?error" in self.fallible)]
        )

    def _order(self) -> exp.Order:
        """By date, then by key."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        keys = (entity.date, entity.key)
        return exp.Order(expressions=[exp.Ordered(this=terms.column(k), nulls_first=False) for k in keys])

    def _window(self, accumulator: Accumulator, made: Sql, earlier: bool) -> Sql:
        spec = exp.WindowSpec(
            kind="ROWS", start="UNBOUNDED", start_side="PRECEDING",
            end="CURRENT ROW" if not earlier else terms.literal(1), end_side=None if not earlier else "PRECEDING",
        )  # fmt: skip
        del accumulator
        partition = [terms.column("?parent"), terms.column("?year")]
        return exp.Window(this=made, partition_by=partition, order=self._order(), spec=spec)

    def _running(self, accumulator: Accumulator) -> list[Sql]:
        """`?s`, `?n`: amounts and unknowns up to and including the row."""
        name = accumulator.name
        made = [
            exp.alias_(
                self._window(accumulator, exp.Sum(this=terms.column(f"{name}?x")), False),
                f"{name}?s",
                quoted=True,
            ),
            exp.alias_(
                self._window(accumulator, exp.Sum(this=terms.column(f"{name}?u")), False),
                f"{name}?n",
                quoted=True,
            ),
        ]
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
                    exp.alias_(
                        exp.Window(this=listed, partition_by=[terms.column("?parent")]),
                        f"{name}?undated?miss",
                        quoted=True,
                    )
                )
            over_person = exp.Window(this=undated, partition_by=[terms.column("?parent")])
            made.append(exp.alias_(over_person, f"{name}?undated", quoted=True))
        if self.data.missing:
            listed = terms.function("LIST", terms.column(f"{name}?miss"))
            made.append(
                exp.alias_(self._window(accumulator, listed, True), f"{name}?earlier?miss", quoted=True)
            )
        return made

    def _floor(self, accumulator: Accumulator) -> list[Sql]:
        """`?m`: over earlier rows, the least of max(limit, opening) less the running sum."""
        name = accumulator.name
        limit, opening = terms.column(f"{name}?limit"), terms.column(f"{name}?opening")
        room = exp.Sub(
            this=terms.skipping(exp.Greatest, limit, opening), expression=terms.column(f"{name}?s")
        )
        picked = terms.case([(terms.column(f"{name}?counted"), room)])
        return [exp.alias_(self._window(accumulator, exp.Min(this=picked), True), f"{name}?m", quoted=True)]

    def _held(self, accumulator: Accumulator) -> list[Sql]:
        """`?before`: what the accumulator held before the row; NULL where that is not known."""
        name = accumulator.name
        opening = terms.column(f"{name}?opening")
        earlier = exp.Paren(
            this=exp.Sub(this=terms.column(f"{name}?s"), expression=terms.column(f"{name}?x"))
        )
        unsure = [
            exp.GT(
                this=terms.paren(
                    exp.Sub(this=terms.column(f"{name}?n"), expression=terms.column(f"{name}?u"))
                ),
                expression=terms.literal(0),
            ),
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
        made = [
            exp.alias_(terms.case([(terms.disjoin(unsure), terms.NULL)], held), f"{name}?before", quoted=True)
        ]
        if self.data.missing:
            made.append(exp.alias_(self._held_missing(accumulator, day), f"{name}?before?miss", quoted=True))
        return made

    # -- after the windows -------------------------------------------------------------------

    def after_windows(self, voidable: frozenset[Key], errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Each decision's final amount: paid as far as its limit allows."""
        columns: list[Sql] = []
        for decision in self.decisions:
            name = decision.name
            branches: list[tuple[Sql, Sql]] = []
            voids: list[Sql] = [terms.column(f"{name}?rawvoid")]
            for index, provision in enumerate(decision.provisions):
                if provision.limit is not None:
                    chosen = exp.EQ(this=terms.column(f"{name}?by"), expression=terms.literal(index))
                    branches.append((chosen, self._paid(decision, provision.limit.accumulator)))
                    voids.append(
                        terms.conjoin([chosen, terms.column(f"{provision.limit.accumulator}?limitvoid")])
                    )
            value, void = self._settled(
                decision, terms.case(branches, terms.column(f"{name}?raw")), terms.disjoin(voids)
            )
            columns.append(exp.alias_(value, name, quoted=True))
            if decision.may_overflow:
                assert isinstance(decision.type, Numeric)
                outside_ = outside(terms.case(branches, terms.column(f"{name}?raw")), decision.type)
                columns.append(exp.alias_(outside_, f"{name}?outside", quoted=True))
                errors.append((name, terms.column(f"{name}?outside")))
            if decision.key in voidable:
                columns.append(exp.alias_(void, f"{name}?void", quoted=True))
        return columns

    def _settled(self, decision: Decision, value: Sql, void: Sql) -> tuple[Sql, Sql]:
        """The amount in its column's type; on a rejected row that fails, unknown."""
        to = terms.sql_type(decision.type)
        made = terms.cast(value, to)
        if decision.may_overflow:
            assert isinstance(decision.type, Numeric)
            made = terms.case([(terms.negate(outside(value, decision.type)), terms.try_cast(value, to))])
        fails = self._failed(decision.name)
        if terms.is_false(self._rejected) or terms.is_false(fails):
            return made, void
        valid = terms.negate(terms.conjoin([self._rejected, fails]))
        return terms.case([(valid, made)]), terms.conjoin([void, valid])

    def _paid(self, decision: Decision, accumulator: str) -> Sql:
        raw, limit, before = (
            terms.column(n) for n in (f"{decision.name}?raw", f"{accumulator}?limit", f"{accumulator}?before")
        )
        room = exp.Sub(this=limit, expression=before)
        paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, raw, room), terms.literal(0))
        unknown = terms.disjoin(terms.is_null(part) for part in (raw, limit, before))
        return terms.case([(unknown, terms.NULL)], paid)


def _picked(limits: list[tuple[Sql, Emitted]]) -> Sql:
    """The limit of the provision that pays; one that all share needs no choosing."""
    if all(e.value == limits[0][1].value for _, e in limits):
        return limits[0][1].value
    return terms.case([(test, e.value) for test, e in limits])


def _money_type(*types: Type) -> exp.DataType:
    """A column type that holds amounts of all of the types."""
    return terms.decimal_type(
        max([18, *(2 + t.precision - t.scale for t in types if isinstance(t, Numeric))]), 2
    )
