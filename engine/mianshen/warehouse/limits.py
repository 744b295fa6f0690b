"""Annual limits: what each row may still be paid, rows taken in turn.

In: the decisions of a level that pay under limits. Out: columns before the limit, what a row brings to an
accumulator, and, once `balances` says what it held before the row, columns paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Numeric, Type
from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.balances import Balances
from mianshen.warehouse.decisions import UNDECIDED, Applied, agreed, decided, outside, tiers
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.figures import decimals, opening_balance, unlimited
from mianshen.warehouse.layers import Windowed
from mianshen.warehouse.plan import read_elsewhere
from mianshen.warehouse.scope import Emitted, Scope


@dataclass(slots=True)
class Limits:
    """The limited decisions of a level, or those that are only added up, once they are made.

    `branches`: by decision, of all decisions of the level.
    """

    program: Program
    scope: Scope
    decisions: list[Decision]
    summed: list[Decision]
    branches: dict[str, list[Applied]]
    failing_filters: set[str] = field(default_factory=set)  # accumulators whose filter has an error column

    def accumulators(self) -> list[Accumulator]:
        """The accumulators that sum this level's decisions."""
        limited = {(d.entity, d.name) for d in self.decisions}
        summed = {(d.entity, d.name) for d in self.summed}

        def mine(accumulator: Accumulator) -> bool:
            key = accumulator.entity, accumulator.sums
            if unlimited(self.program, accumulator):
                return key in summed and read_elsewhere(self.program, accumulator.name)
            return key in limited

        return [a for a in self.program.accumulators.values() if mine(a) and self._naming(a)]

    def _naming(self, accumulator: Accumulator) -> list[int]:
        decision = self._decision(accumulator)
        return [i for i, p in enumerate(decision.provisions) if accumulator.name in p.feeds]

    # -- before the windows ------------------------------------------------------------------

    def before_windows(self, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Per decision the amount before any limit; per accumulator limit, filter and opening."""
        columns: list[Sql] = []
        for decision in self.decisions:
            name = decision.name
            result = decided(decision, self.branches[name], terms.column(f"{name}?by"), limited=True)
            columns += [terms.alias(result.value, f"{name}?raw"), terms.alias(result.void, f"{name}?rawvoid")]
            if result.error != FALSE:
                columns.append(terms.alias(result.error, f"{name}?error"))
                errors.append((name, terms.column(f"{name}?error")))
        for accumulator in self.accumulators():
            columns += self._facts_of(accumulator, errors)
        return columns

    def _facts_of(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Limit, filter and opening of an accumulator at each row."""
        branches = self.branches[accumulator.sums]
        naming = [branches[i] for i in self._naming(accumulator)]
        by = terms.column(f"{accumulator.sums}?by")
        limits: list[tuple[Sql, Emitted]] = [
            (exp.EQ(this=by.copy(), expression=terms.literal(b.index)), self._limit(b))
            for b in naming
            if b.provision.limits
        ]
        over = (
            Emitted(TRUE, nullable=False) if accumulator.over is None else emit(accumulator.over, self.scope)
        )
        values = {
            "over": over.value if over.void == FALSE else terms.case([(over.void, FALSE)], over.value),
            "opening": opening_balance(accumulator, self.scope),
            "may": self._may_feed(branches, naming),
        }
        if limits:
            void = terms.disjoin(terms.conjoin([a, e.void]) for a, e in limits if e.void != FALSE)
            limit = terms.cast(_picked(limits), self._limit_type(naming))
            values = {"limit": limit, "limitvoid": void, **values}
        failing = terms.disjoin(terms.conjoin([a, e.error]) for a, e in limits if e.error != FALSE)
        if failing != FALSE:
            values["error"] = failing
            errors.append((accumulator.sums, terms.column(f"{accumulator.name}?error")))
        if over.error != FALSE:
            values["overerror"] = over.error
            self.failing_filters.add(accumulator.name)
        return [terms.alias(value, f"{accumulator.name}?{label}") for label, value in values.items()]

    @staticmethod
    def _may_feed(branches: list[Applied], naming: list[Applied]) -> Sql:
        """Where it is open what decides: something that names the accumulator may, or one stands and its exception is open."""
        main, fallbacks = tiers(branches)
        open_ = terms.disjoin([main.unsure(), terms.conjoin([main.none_applies(), fallbacks.unsure()])])
        return terms.disjoin(
            [terms.negate(open_), *(terms.negate(terms.surely_not(b.applies)) for b in naming)]
        )

    def _limit_type(self, naming: list[Applied]) -> exp.DataType:
        return _money_type(*(b.provision.limits[0].limit.type for b in naming if b.provision.limits))

    def _limit(self, branch: Applied) -> Emitted:
        assert branch.provision.limits
        return emit(branch.provision.limits[0].limit, self.scope)

    # -- what rows bring to accumulators -------------------------------------------------------

    def windowed(self, cut: str, errors: list[tuple[str, Sql]]) -> tuple[list[Sql], list[Windowed]]:
        """What each row brings to each accumulator, and the parts of the cut that are windowed."""
        accumulators = self.accumulators()
        amounts = [column for a in accumulators for column in self._brought(a, errors)]
        return amounts, Balances(self.program, self.scope).windowed(cut, accumulators)

    def _feeds(self, accumulator: Accumulator, void: Sql) -> Sql:
        """A provision that names the accumulator pays the row, or nobody knows which one does."""
        return terms.conjoin([terms.negate(void), self._may_pay(accumulator)])

    def _may_pay(self, accumulator: Accumulator) -> Sql:
        by = terms.column(f"{accumulator.sums}?by")
        pays = exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(accumulator)])
        open_ = exp.EQ(this=by.copy(), expression=terms.literal(UNDECIDED))
        return terms.disjoin([pays, terms.conjoin([open_, terms.column(f"{accumulator.name}?may")])])

    def _brought(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """`?x`: the amount counted before any limit; `?u`: 1 where that is not known."""
        name, decision = accumulator.name, accumulator.sums
        by, over = (terms.column(c) for c in (f"{decision}?by", f"{name}?over"))
        paying = exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(accumulator)])
        raw, voids = self._raw(accumulator), [self._rawvoid(accumulator)]
        if not unlimited(self.program, accumulator):
            voids.append(terms.conjoin([paying, terms.column(f"{name}?limitvoid")]))
        void = terms.disjoin(voids)
        feeds = self._feeds(accumulator, void)
        counts = terms.conjoin([paying, terms.negate(void), terms.surely(over), terms.is_known(raw)])
        columns = {
            "x": self._amount(accumulator, counts),
            "u": terms.cast(self._unsure(accumulator, feeds), "TINYINT"),
            "named": TRUE if read_elsewhere(self.program, name) else self._may_pay(accumulator),
            "counted": terms.conjoin([paying, terms.surely(over)]),
        }
        if name in self.failing_filters:
            columns["filtererror"] = terms.conjoin([feeds, terms.column(f"{name}?overerror")])
            errors.append((decision, terms.column(f"{name}?filtererror")))
        return [terms.alias(value, f"{name}?{label}") for label, value in columns.items()]

    def _unsure(self, accumulator: Accumulator, feeds: Sql) -> Sql:
        """The row may add an unknown amount. `feeds`: it is paid through the accumulator, or may be."""
        limits = () if unlimited(self.program, accumulator) else ("limit",)
        limit = [terms.column(f"{accumulator.name}?{part}") for part in limits]
        over, opening = (terms.column(f"{accumulator.name}?{p}") for p in ("over", "opening"))
        parts = [over, self._raw(accumulator), *limit, opening]
        parts += [self.scope.day] if self.scope.undated and self.scope.day is not None else []
        unknown = [terms.is_null(part) for part in parts]
        missing = [terms.is_null(terms.column(fact)) for _, fact in accumulator.varying]
        if missing and not limits:  # a row that adds nothing goes nowhere
            some = exp.NEQ(this=self._raw(accumulator), expression=terms.literal(0))
            missing = [terms.conjoin([terms.disjoin(missing), terms.surely(some)])]
        unknown = [*unknown, *missing]
        return terms.conjoin([terms.negate(terms.surely_not(over)), feeds, terms.disjoin(unknown)])

    def _amount(self, accumulator: Accumulator, known: Sql) -> Sql:
        """The amount before the limit, not below zero; one that may be huge is cut to the most that can be paid."""
        decision, raw = self._decision(accumulator), self._raw(accumulator)
        if unlimited(self.program, accumulator):
            return terms.cast(terms.case([(known, raw)], terms.literal(0)), held_as(decision, 38))
        if decision.may_overflow:
            room = exp.Sub(
                this=terms.column(f"{accumulator.name}?limit"),
                expression=terms.column(f"{accumulator.name}?opening"),
            )
            raw = terms.skipping(exp.Least, raw, exp.Coalesce(this=room, expressions=[terms.literal(0)]))
        amount = terms.skipping(exp.Greatest, raw, terms.literal(0))
        amount = terms.case([(known, amount)], terms.literal(0))
        return terms.cast(amount, held_as(decision, 38 if decision.may_overflow else 18))

    def _decision(self, accumulator: Accumulator) -> Decision:
        return next(d for d in (*self.decisions, *self.summed) if d.name == accumulator.sums)

    def _raw(self, accumulator: Accumulator) -> Sql:
        """The amount before any limit; of a decision without one what it comes to."""
        limited = any(d.name == accumulator.sums for d in self.decisions)
        return terms.column(f"{accumulator.sums}?raw" if limited else accumulator.sums)

    def _rawvoid(self, accumulator: Accumulator) -> Sql:
        if any(d.name == accumulator.sums for d in self.decisions):
            return terms.column(f"{accumulator.sums}?rawvoid")
        decided = (accumulator.entity, accumulator.sums)
        return terms.column(f"{accumulator.sums}?void") if decided in self.scope.voidable else FALSE

    # -- after the windows -------------------------------------------------------------------

    def after_windows(self, voidable: frozenset[Key], errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Each decision's final amount: paid as far as its limit allows."""
        columns: list[Sql] = []
        for decision in self.decisions:
            name = decision.name
            branches: list[tuple[Sql, Sql]] = []
            voids: list[Sql] = [terms.column(f"{name}?rawvoid")]
            for index, provision in enumerate(decision.provisions):
                if provision.limits:
                    chosen = exp.EQ(this=terms.column(f"{name}?by"), expression=terms.literal(index))
                    branches.append((chosen, self._paid(decision, provision.limits[0].accumulator)))
                    voids.append(
                        terms.conjoin([chosen, terms.column(f"{provision.limits[0].accumulator}?limitvoid")])
                    )
            alike = [(test, branch.value.value) for test, branch in self._agreed(decision)]
            value = self._cast(decision, terms.case([*branches, *alike], terms.column(f"{name}?raw")))
            columns.append(terms.alias(value, name))
            if decision.may_overflow:
                assert isinstance(decision.type, Numeric)
                outside_ = outside(terms.case(branches, terms.column(f"{name}?raw")), decision.type)
                columns.append(terms.alias(outside_, f"{name}?outside"))
                errors.append((name, terms.column(f"{name}?outside")))
            if decision.key in voidable:
                columns.append(terms.alias(terms.disjoin(voids), f"{name}?void"))
        return columns

    def _cast(self, decision: Decision, value: Sql) -> Sql:
        """The amount in its column's type; NULL where it does not fit."""
        to = terms.sql_type(decision.type)
        if not decision.may_overflow:
            return terms.cast(value, to)
        assert isinstance(decision.type, Numeric)
        return terms.case([(terms.negate(outside(value, decision.type)), terms.try_cast(value, to))])

    def _paid(self, decision: Decision, accumulator: str) -> Sql:
        raw, limit, before = (
            terms.column(n) for n in (f"{decision.name}?raw", f"{accumulator}?limit", f"{accumulator}?before")
        )
        room = exp.Sub(this=limit, expression=before)
        paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, raw, room), terms.literal(0))
        unknown = terms.disjoin(terms.is_null(part) for part in (raw, limit, before))
        return terms.case([(unknown, terms.NULL)], paid)

    # -- open which provision decides --------------------------------------------------------

    def decided_by(self, decision: Decision) -> list[Sql]:
        """Who decides where all that may decide pay the same under limits: the provision that stands."""
        numbers = [(test, terms.literal(branch.index)) for test, branch in self._agreed(decision)]
        if not numbers:
            return []
        by = terms.column(f"{decision.name}?by")
        return [terms.alias(terms.cast(terms.case(numbers, by), "SMALLINT"), f"{decision.name}?by")]

    def _agreed(self, decision: Decision) -> list[tuple[Sql, Applied]]:
        """Where all provisions that may decide a row would pay the same; and the one that stands."""
        branches = [
            replace(b, value=self._left(b, terms.column(f"{b.provision.limits[0].accumulator}?before")))
            if b.provision.limits
            else b
            for b in self.branches[decision.name]
        ]
        return agreed(branches, terms.column(f"{decision.name}?by"))

    def _left(self, branch: Applied, before: Sql) -> Emitted:
        """What its limit leaves of a branch's amount after what was paid before."""
        raw, limit = branch.value, self._limit(branch)
        money = self._limit_type([branch]), _money_type(branch.provision.value.type)
        most, amount = terms.cast(limit.value.copy(), money[0]), terms.cast(raw.value.copy(), money[1])
        room = exp.Sub(this=most, expression=terms.paren(before))
        unknown = terms.disjoin(terms.is_null(part) for part in (raw.value, limit.value, before))
        paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, amount, room), terms.literal(0))
        value = terms.case([(unknown, terms.NULL)], paid)
        return Emitted(value, terms.disjoin([raw.void, limit.void]), terms.disjoin([raw.error, limit.error]))


def _picked(limits: list[tuple[Sql, Emitted]]) -> Sql:
    """The limit of the provision that pays; one that all share needs no choosing."""
    if all(e.value == limits[0][1].value for _, e in limits):
        return limits[0][1].value
    return terms.case([(test, e.value) for test, e in limits])


def held_as(decision: Decision, digits: int) -> exp.DataType:
    """The type that sums of a decision have: two decimals, or as many as it has."""
    scale = decimals(decision)
    return terms.decimal_type(min(38, digits + scale - 2), scale)


def _money_type(*types: Type) -> exp.DataType:
    """A column type that holds amounts of all of the types."""
    numbers = [type_ for type_ in types if isinstance(type_, Numeric)]
    scale = max([2, *(type_.scale for type_ in numbers)])
    return terms.decimal_type(max([16 + scale, *(scale + t.precision - t.scale for t in numbers)]), scale)
