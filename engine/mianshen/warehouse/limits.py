"""Annual limits: what each row may still be paid, taken as the first of its benefit year or in turn.

In: the decisions of a level that pay under limits. Out: columns before the limit, what a row brings to an
accumulator, and, once `balances` says what that held before the row, columns paid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Numeric, Type
from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.balances import Balances, settled_fact
from mianshen.warehouse.decisions import UNDECIDED, Applied, Decided, agreed, decided, outside
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.figures import opening_balance
from mianshen.warehouse.layers import Held
from mianshen.warehouse.limit_names import LimitNames
from mianshen.warehouse.plan import read_elsewhere
from mianshen.warehouse.scope import Emitted, Scope
from mianshen.warehouse.table_catalog import Data


@dataclass(slots=True)
class Limits(LimitNames):
    program: Program
    scope: Scope
    data: Data
    decisions: list[Decision]
    branches: dict[str, list[Applied]]
    results: dict[str, Decided] = field(default_factory=dict)
    fallible: set[str] = field(default_factory=set)  # which error columns were made

    def accumulators(self) -> list[Accumulator]:
        """The accumulators that sum this level's decisions."""
        sums = {(d.entity, d.name) for d in self.decisions}
        return [
            a for a in self.program.accumulators.values() if (a.entity, a.sums) in sums and self._naming(a)
        ]

    def settled(self, accumulator: Accumulator) -> bool:
        """Whether some row may have a settled amount of what is summed."""
        return settled_fact(self.program, self.data, accumulator) is not None

    def _naming(self, accumulator: Accumulator) -> list[int]:
        decision = self._decision(accumulator)
        return [
            i
            for i, p in enumerate(decision.provisions)
            if p.limits and p.limits[0].accumulator == accumulator.name
        ]

    # -- before the windows ------------------------------------------------------------------

    def before_windows(self, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Per decision the amount before any limit and who gives it; per accumulator what a row brings."""
        columns: list[Sql] = []
        for decision in self.decisions:
            made = decided(
                decision, self.branches[decision.name], terms.column(f"{decision.name}?by"), limited=True
            )
            self.results[decision.name] = made
            columns += [
                terms.alias(made.value, f"{decision.name}?raw"),
                terms.alias(made.void, f"{decision.name}?rawvoid"),
            ]
            if made.error != FALSE:
                columns.append(terms.alias(made.error, f"{decision.name}?error"))
                errors.append((decision.name, terms.column(f"{decision.name}?error")))
        for accumulator in self.accumulators():
            columns += self._facts_of(accumulator, errors)
        return columns

    def _facts_of(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Limit, filter and opening of an accumulator at each row."""
        branches = self.branches[accumulator.sums]
        naming = [branches[i] for i in self._naming(accumulator)]
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
        made = [terms.alias(v, f"{accumulator.name}?{k}") for k, v in columns.items()]
        for label, test in (("error", failing), ("overerror", over.error)):
            if test != FALSE:
                self.fallible.add(f"{accumulator.name}?{label}")
                made.append(terms.alias(test, f"{accumulator.name}?{label}"))
        if failing != FALSE:
            errors.append((accumulator.sums, terms.column(f"{accumulator.name}?error")))
        return made

    @property
    def _rejected(self) -> Sql:
        return terms.column("?rejected") if self.scope.entity in self.data.rejected else FALSE

    def _limit_type(self, naming: list[Applied]) -> exp.DataType:
        types = [r.provision.limits[0].limit.type for r in naming if r.provision.limits]
        return _money_type(*types)

    def _limit(self, branch: Applied) -> Emitted:
        assert branch.provision.limits
        return emit(branch.provision.limits[0].limit, self.scope)

    def held(self, cut: str, errors: list[tuple[str, Sql]]) -> tuple[list[Sql], list[Held]]:
        """What each row brings to each accumulator, and the parts of the cut that are windowed."""
        accumulators = self.accumulators()
        brought = [column for a in accumulators for column in self._brought(a, errors)]
        return brought, Balances(self.program, self.scope, self.data).held(cut, accumulators)

    # -- rows taken as the first of their year -------------------------------------------------

    def at_once(self, decision: Decision) -> list[Applied]:
        """The decision's branches, paying as if nothing had been paid before in the benefit year."""
        accumulators = self.program.accumulators
        return self._paying(decision, lambda name: opening_balance(accumulators[name], self.scope))

    def agreed(self, decision: Decision) -> list[tuple[Sql, Applied]]:
        """Where all provisions that may decide a row taken in turn would pay the same; and the one that stands."""
        branches = self._paying(decision, lambda name: terms.column(f"{name}?before"))
        return agreed(branches, terms.column(f"{decision.name}?by"))

    def _paying(self, decision: Decision, before: Callable[[str], Sql]) -> list[Applied]:
        """The decision's branches, paying what their limits leave; `before`: an accumulator's balance."""
        return [
            branch
            if not branch.provision.limits
            else replace(branch, value=self._left(branch, before(branch.provision.limits[0].accumulator)))
            for branch in self.branches[decision.name]
        ]

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
            open_payment = exp.EQ(this=by.copy(), expression=terms.literal(UNDECIDED))
            unknown = [terms.disjoin([terms.is_null(value), open_payment])]
            unknown += [terms.is_null(over.value)] if over.nullable else []
            if self.scope.entity in self.data.rejected:
                unknown.append(terms.column("?rejected"))
            outside_ = terms.disjoin([terms.surely_not(over.value), over.void])
            if over.error != FALSE:
                outside_ = terms.conjoin([outside_, terms.negate(over.error)])
                failing = terms.conjoin([self._feeds(a, void), over.error])
                made.append(terms.alias(failing, f"{a.name}?filtererror"))
                errors.append((name, terms.column(f"{a.name}?filtererror")))
            unsure = terms.conjoin([terms.disjoin(unknown), terms.negate(void), terms.negate(outside_)])
            read = read_elsewhere(self.program, a.name)
            named = TRUE if read else exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(a)])
            made.append(
                terms.alias(terms.disjoin([named, unsure]) if not read else TRUE, f"?relevant:{a.name}")
            )
            if read:
                made.append(terms.alias(opening_balance(a, self.scope), f"{a.name}?before"))
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
            made.append(terms.alias(relevant, f"?relevant:{a.name}"))
        return made

    def _brought(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """`?x`: the amount counted before any limit; `?u`: 1 where that is not known.

        Where amounts are settled, `?uc`: 1 where what the committed balance takes in is not known;
        `?member`: the row counts, if its amount is known.
        """
        name, decision = accumulator.name, accumulator.sums
        by, raw, over = (terms.column(c) for c in (f"{decision}?by", f"{decision}?raw", f"{name}?over"))
        paying = exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(accumulator)])
        limitvoid = terms.conjoin([paying, terms.column(f"{name}?limitvoid")])
        void = terms.disjoin([terms.column(f"{decision}?rawvoid"), limitvoid])
        feeds = self._feeds(accumulator, void)
        settled = settled_fact(self.program, self.data, accumulator)
        valid = terms.negate(self._rejected) if self._rejected != FALSE else TRUE
        member = terms.conjoin([paying, terms.negate(void), terms.surely(over), valid])
        named = TRUE if self.data.missing or read_elsewhere(self.program, name) else paying
        columns = {
            "x": self._amount(accumulator, terms.conjoin([member, terms.is_known(raw)])),
            "u": terms.cast(self._unsure(accumulator, feeds), "TINYINT"),
            "named": named,
            "counted": terms.conjoin([paying, terms.surely(over)]),
        }
        if settled is not None:
            columns["settled"] = settled
            columns["member"] = member
            columns["uc"] = terms.cast(self._unsure(accumulator, feeds, settled), "TINYINT")
        if f"{name}?overerror" in self.fallible:
            columns["filtererror"] = terms.conjoin([feeds, terms.column(f"{name}?overerror")])
            errors.append((decision, terms.column(f"{name}?filtererror")))
        return [terms.alias(value, f"{name}?{label}") for label, value in columns.items()]

    def _unsure(self, accumulator: Accumulator, feeds: Sql, settled: Sql | None = None) -> Sql:
        """The row may add an unknown amount. `feeds`: it is paid through the accumulator, or may be.

        With `settled`, to the committed balance: there a known settled amount serves where the shown is unknown.
        """
        name, decision, rejected = accumulator.name, accumulator.sums, self._rejected
        raw, limit, over, opening = (
            terms.column(c) for c in (f"{decision}?raw", f"{name}?limit", f"{name}?over", f"{name}?opening")
        )
        unpaid = terms.disjoin(terms.is_null(part) for part in (raw, limit, opening))
        if settled is not None:  # then only whether the row counts must be known
            undecided = exp.EQ(this=terms.column(f"{decision}?by"), expression=terms.literal(UNDECIDED))
            unpaid = terms.disjoin([terms.conjoin([unpaid, terms.is_null(settled)]), undecided])
        open_ = [terms.is_null(over), unpaid]
        if self.data.undated and self.scope.day is not None:
            open_.append(terms.is_null(self.scope.day))
        unknown = terms.conjoin([feeds, terms.disjoin([*open_, rejected])])
        if rejected != FALSE:
            unknown = terms.disjoin([unknown, terms.conjoin([rejected, self._failed(decision)])])
        return terms.conjoin([terms.negate(terms.surely_not(over)), unknown])

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
        amount = terms.case([(known, amount)], terms.literal(0))
        return terms.cast(amount, "DECIMAL(38, 2)" if decision.may_overflow else "DECIMAL(18, 2)")

    def _decision(self, accumulator: Accumulator) -> Decision:
        return next(d for d in self.decisions if d.name == accumulator.sums)

    def _failed(self, decision: str) -> Sql:
        """Deciding it fails on the row: then nobody knows what it would have been paid."""
        errors = [terms.column(f"{decision}?error")] if self.results[decision].error != FALSE else []
        named_ = [a.name for a in self.accumulators() if a.sums == decision]
        return terms.disjoin(
            [*errors, *(terms.column(f"{n}?error") for n in named_ if f"{n}?error" in self.fallible)]
        )

    # -- after the windows -------------------------------------------------------------------

    def after_windows(self, voidable: frozenset[Key], errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Each decision's final amount: paid as far as its limit allows."""
        columns: list[Sql] = []
        for decision in self.decisions:
            name = decision.name
            amounts: list[tuple[Sql, Sql]] = []
            voids: list[Sql] = [terms.column(f"{name}?rawvoid")]
            for index, provision in enumerate(decision.provisions):
                if provision.limits:
                    chosen = exp.EQ(this=terms.column(f"{name}?by"), expression=terms.literal(index))
                    amounts.append((chosen, self._paid(decision, provision.limits[0].accumulator)))
                    voids.append(
                        terms.conjoin([chosen, terms.column(f"{provision.limits[0].accumulator}?limitvoid")])
                    )
            alike = [(test, branch.value.value) for test, branch in self.agreed(decision)]
            value, void = self._settled(
                decision, terms.case([*amounts, *alike], terms.column(f"{name}?raw")), terms.disjoin(voids)
            )
            value = self.scope.unless_void(value)
            void = terms.surely(self.scope.unless_void(void)) if self.scope.voided else void
            columns.append(terms.alias(value, name))
            if decision.may_overflow:
                assert isinstance(decision.type, Numeric)
                outside_ = outside(terms.case(amounts, terms.column(f"{name}?raw")), decision.type)
                columns.append(terms.alias(outside_, f"{name}?outside"))
                errors.append((name, terms.column(f"{name}?outside")))
            if decision.key in voidable:
                columns.append(terms.alias(void, f"{name}?void"))
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
