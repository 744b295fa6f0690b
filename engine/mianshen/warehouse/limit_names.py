"""The names of missing facts behind limits: what an amount under a limit rests on that nobody knows.

In: the accumulators of a level, the columns `limits.py` and `balances.py` make. Out: `?miss` columns beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from mianshen.program.program import Accumulator, Decision, Key
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.decisions import UNDECIDED, Applied
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.missing_names import (
    NONE,
    candidate,
    decision_lacks,
    lacks,
    named,
    names_where,
    payable,
    rejected_name,
    together,
    voided_names,
)
from mianshen.warehouse.scope import Scope

if TYPE_CHECKING:
    from mianshen.program.program import Program
    from mianshen.warehouse.table_catalog import Data


class LimitNames:
    """Mixed into `Limits`, whose fields it uses."""

    __slots__ = ()

    if TYPE_CHECKING:
        program: Program
        scope: Scope
        data: Data
        decisions: list[Decision]
        branches: dict[str, list[Applied]]

        def accumulators(self) -> list[Accumulator]: ...
        def _naming(self, accumulator: Accumulator) -> list[int]: ...
        def settled(self, accumulator: Accumulator) -> bool: ...

    def missing_before(self) -> list[Sql]:
        """Per decision what it lacks, balances aside; per accumulator what its filter lacks."""
        if not self.data.missing:
            return []
        made: list[Sql] = []
        for decision in self.decisions:
            void = [terms.column(f"{decision.name}?rawvoid")]
            void += [
                terms.column(f"{a.name}?limitvoid") for a in self.accumulators() if a.sums == decision.name
            ]
            names = decision_lacks(self.branches[decision.name], self.scope, terms.NULL, terms.disjoin(void))
            made.append(terms.alias(names, f"{decision.name}?raw?miss"))
        for accumulator in self.accumulators():
            over = NONE if accumulator.over is None else lacks(accumulator.over, self.scope)
            made.append(terms.alias(over.copy(), f"{accumulator.name}?over?miss"))
        return made

    def missing_brought(self) -> list[Sql]:
        """The names behind what a row adds to an accumulator's two balances and is unknown."""
        if not self.data.missing:
            return []
        made: list[Sql] = []
        for a in self.accumulators():
            raw: Sql = terms.column(f"{a.sums}?raw?miss")
            parts: list[Sql] = [terms.column(f"{a.name}?over?miss")]
            date = self.program.entities[a.entity].date
            if self.data.undated and date is not None:
                parts.append(names_where(terms.is_null(terms.column(date)), named(date)))
            lists = {"": together([*parts, raw])}
            if self.settled(a):
                undecided = exp.EQ(this=terms.column(f"{a.sums}?by"), expression=terms.literal(UNDECIDED))
                needed = terms.disjoin([terms.is_null(terms.column(f"{a.name}?settled")), undecided])
                lists["c"] = together([*parts, names_where(needed, raw.copy())])
            for suffix, names in lists.items():
                if self.scope.entity in self.data.rejected:
                    names = terms.case([(terms.column("?rejected"), rejected_name(self.scope))], names)
                unsure = exp.GT(this=terms.column(f"{a.name}?u{suffix}"), expression=terms.literal(0))
                made.append(terms.alias(names_where(unsure, names), f"{a.name}?miss{suffix}"))
        return made

    def missing_after(self, voidable: frozenset[Key]) -> list[Sql]:
        """The names behind a decision that is undetermined once limits are reckoned."""
        if not self.data.missing:
            return []
        made: list[Sql] = []
        for decision in self.decisions:
            branches = self.branches[decision.name]
            names: list[Sql] = [terms.column(f"{decision.name}?raw?miss")]
            by = terms.column(f"{decision.name}?by")
            names += [self._balance_missing(by, r, branches) for r in branches if r.provision.limits]
            open_ = terms.is_null(terms.column(decision.name))
            if decision.key in voidable:
                open_ = terms.conjoin([open_, terms.negate(terms.column(f"{decision.name}?void"))])
            listed = names_where(open_, terms.function("LIST_DISTINCT", together(names)))
            made.append(terms.alias(voided_names(self.scope, listed), f"{decision.name}?miss"))
        return made

    def _balance_missing(self, by: Sql, branch: Applied, branches: list[Applied]) -> Sql:
        """The names behind the balance of the accumulator that a provision pays through, or may."""
        assert branch.provision.limits
        chosen = exp.EQ(this=by.copy(), expression=terms.literal(branch.index))
        open_ = exp.EQ(this=by.copy(), expression=terms.literal(UNDECIDED))
        may = terms.conjoin([open_, candidate(branch, branches), payable(branch, self.scope)])
        held = terms.column(f"{branch.provision.limits[0].accumulator}?before?miss")
        return names_where(terms.disjoin([chosen, may]), exp.Coalesce(this=held, expressions=[NONE.copy()]))
