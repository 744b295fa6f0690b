"""What a script of the warehouse selects as results: decisions by row below a person, benefits by person.

In: the tables that hold decisions. Out: queries with the columns of a batch's files.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Protocol

from sqlglot import exp

from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.program.core import Numeric
from mianshen.program.program import Benefit, Entity, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.missing_names import NONE, together
from mianshen.warehouse.plan import voidable
from mianshen.warehouse.steps import Steps

AMOUNT: Final = "DECIMAL(18, 2)"
LIST: Final = exp.DataType.build("VARCHAR[]", dialect="duckdb")


def collection(entity: Entity) -> str:
    """What the rows of an entity are called together."""
    return f"{entity.name}s"


class Names(Protocol):
    """Where the names of missing facts come from."""

    def beside(
        self, query: exp.Select, entity: str, names: tuple[str, ...], table: str
    ) -> tuple[exp.Select, dict[str, Sql]]:
        """The query with the missing names of decisions joined: a list each, NULL where none are."""


@dataclass(slots=True)
class Outputs:
    """Writes a run's results. The entry entity's rows carry benefits; its children carry decisions.

    `given`: the entities that have an input.
    """

    program: Program
    rows: dict[str, str]
    as_of: dt.date
    given: frozenset[str] = frozenset()

    @property
    def person(self) -> Entity:
        return self.program.entities[self.program.entry]

    @property
    def child(self) -> Entity:
        found = self.program.child_of(self.program.entry)
        assert found is not None
        return found

    @property
    def others(self) -> list[Entity]:
        """The entities beside `child` that have an input and an outcome."""
        below = self.program.children_of(self.program.entry)[1:]
        return [e for e in below if e.name in self.given and e.outcome is not None]

    @property
    def below(self) -> list[Entity]:
        return [self.child, *self.others]

    @property
    def benefits(self) -> list[Benefit]:
        return [b for b in self.program.benefits.values() if b.entity == self.person.name]

    @property
    def explained(self) -> frozenset[Key]:
        keys = {(self.person.name, b.eligible) for b in self.benefits}
        return frozenset(keys | {(e.name, e.explained_by) for e in self.below if e.explained_by is not None})

    @property
    def carried(self) -> dict[str, tuple[str, ...]]:
        return {child.name: (child.key, self.person.key) for child in self.below}

    def children(self, run: Steps, missing: Names, child: Entity, numbered: bool = False) -> exp.Select:
        """One row a claim or another child, in the order of the file; with its number there if `numbered`."""
        assert child.outcome is not None
        made = run.shelf.made[child.name, child.outcome]
        query = exp.select().from_(exp.to_table(made, quoted=True).as_("made"))
        status = self._status(child.name, child.outcome, "made")
        columns: list[Sql] = [terms.column(child.key, "made"), terms.column(self.person.key, "made")]
        for name in self.program.shown.get(child.name, ()):
            query = self._beside(query, run, (child.name, name), made)
            table = "made" if run.shelf.made[child.name, name] == made else run.shelf.made[child.name, name]
            columns.append(terms.alias(self._shown((child.name, name), table), name))
        decided = exp.EQ(this=status.copy(), expression=terms.literal("decided"))
        reason = NO_PROVISION if child.explained_by is None else None
        by = (
            terms.literal(reason)
            if child.explained_by is None
            else self._reason(child.name, child.explained_by, "made")
        )
        not_modelled = exp.EQ(this=status.copy(), expression=terms.literal("not_modelled"))
        query, names = missing.beside(query, child.name, (child.outcome,), "made")
        columns += [
            exp.alias_(status, "status"),
            exp.alias_(
                terms.case(
                    [(decided, by), (not_modelled, terms.literal(NO_PROVISION))], terms.literal(MISSING_FACTS)
                ),
                "reason",
            ),
            exp.alias_(
                terms.case(
                    [
                        (
                            exp.EQ(this=status.copy(), expression=terms.literal("undetermined")),
                            _listed([names[child.outcome]]),
                        )
                    ]
                ),
                "missing",
            ),
        ]
        query = query.select(*columns, *([terms.column("?row", "made")] if numbered else []), copy=False)
        if child.name in run.data().rejected:
            query = query.where(terms.negate(terms.column("?rejected", "made")), copy=False)
        return query.order_by(terms.column("?row", "made"), copy=False)

    def _shown(self, key: Key, table: str) -> Sql:
        decision = self.program.decision(*key)
        value = terms.column(key[1], table)
        money = decision.written == "money" and isinstance(decision.type, Numeric)
        return terms.cast(value, AMOUNT) if money else value

    def _status(self, entity: str, outcome: str, table: str) -> Sql:
        value = terms.column(outcome, table)
        void = self._void(entity, outcome, table)
        branches = [(terms.is_known(value), terms.literal("decided"))]
        if void != FALSE:
            branches.append((void, terms.literal("not_modelled")))
        return terms.case(branches, terms.literal("undetermined"))

    def _void(self, entity: str, name: str, table: str) -> Sql:
        return terms.column(f"{name}?void", table) if (entity, name) in voidable(self.program) else FALSE

    def _reason(self, entity: str, name: str, table: str) -> Sql:
        """The provision's name, from its number."""
        by = terms.column(f"{name}?by", table)
        provisions = self.program.decision(entity, name).provisions
        named = [
            (exp.EQ(this=by.copy(), expression=terms.literal(i)), terms.literal(p.name))
            for i, p in enumerate(provisions)
        ]
        return terms.case(named, terms.literal(NO_PROVISION))

    def _beside(self, query: exp.Select, run: Steps, key: Key, first: str) -> exp.Select:
        """The table that holds a decision, joined once by row."""
        table = run.shelf.made[key]
        joined = {j.this.alias_or_name for j in query.args.get("joins") or []}
        if table == first or table in joined:
            return query
        on = exp.EQ(this=terms.column("?row", table), expression=terms.column("?row", "made"))
        other = exp.to_table(table, quoted=True).as_(table, quoted=True)
        return query.join(other, on=on, join_type="left", copy=False)

    def residents(self, run: Steps, missing: Names, numbered: bool = False) -> exp.Select:
        """One row a resident, three columns a benefit; with its number in the file if `numbered`."""
        person = self.person
        keys = [terms.column(person.key, "made"), *([terms.column("?row", "made")] if numbered else [])]
        query = exp.select(*keys).from_(exp.to_table(self.rows[person.name], quoted=True).as_("made"))
        asked = tuple(d for b in self.benefits for d in (b.eligible, b.amount) if d is not None)
        query, names = missing.beside(query, person.name, asked, "made")
        for benefit in self.benefits:
            for name in (benefit.eligible, benefit.amount):
                if name is not None:
                    query = self._beside(query, run, (person.name, name), "")
            query = query.select(*self._benefit(run, benefit, names), copy=False)
        shown = terms.negate(terms.column("?rejected", "made"))
        if person.name in run.data().versions:
            shown = terms.conjoin([shown, terms.is_null(terms.column("?of", "made"))])
        return query.where(shown, copy=False).order_by(terms.column("?row", "made"), copy=False)

    def _benefit(self, run: Steps, benefit: Benefit, names: dict[str, Sql]) -> list[Sql]:
        entity = self.person.name
        table = run.shelf.made[entity, benefit.eligible]
        eligible = terms.column(benefit.eligible, table)
        void = self._void(entity, benefit.eligible, table)
        unmodelled = [(void, terms.literal("not_modelled"))] if void != FALSE else []
        answers = [
            (eligible, terms.literal("eligible")),
            (terms.negate(eligible), terms.literal("ineligible")),
        ]
        status = terms.case([*answers, *unmodelled], terms.literal("undetermined"))
        amount: Sql = terms.cast(terms.NULL, AMOUNT)
        undetermined = [names[benefit.eligible]]
        by = self._reason(entity, benefit.eligible, table)
        branches = [(terms.is_known(eligible), by)]
        if benefit.amount is not None:
            paid = run.shelf.made[entity, benefit.amount]
            amount = terms.case([(eligible, terms.cast(terms.column(benefit.amount, paid), AMOUNT))])
            undetermined.append(names[benefit.amount])
            open_ = [terms.surely(eligible), terms.is_null(terms.column(benefit.amount, paid))]
            if self._void(entity, benefit.amount, paid) != FALSE:
                open_.append(terms.negate(self._void(entity, benefit.amount, paid)))
            lacking = terms.conjoin(open_)
            branches.insert(0, (lacking, _needs([names[benefit.amount]])))
        if void != FALSE:
            branches.append((void, terms.literal(NO_PROVISION)))
        reason = terms.case(branches, _needs(undetermined))
        shown = (("status", status), ("amount", amount), ("reason", reason))
        return [terms.alias(value, f"{benefit.name}_{part}") for part, value in shown]


def _listed(lists: list[Sql]) -> Sql:
    """Lists of missing names as one text, `a,b`, in order; NULL when there are none."""
    if all(isinstance(names, exp.Null) for names in lists):
        return terms.cast(terms.NULL, "VARCHAR")
    known = [terms.cast(exp.Coalesce(this=names.copy(), expressions=[NONE.copy()]), LIST) for names in lists]
    merged = terms.function("LIST_SORT", terms.function("LIST_DISTINCT", together(known)))
    return exp.Nullif(
        this=terms.function("ARRAY_TO_STRING", merged, terms.literal(",")), expression=terms.literal("")
    )


def _needs(lists: list[Sql]) -> Sql:
    """`missing_facts: a,b`, or only `missing_facts` where no name is known."""
    named = exp.DPipe(this=terms.literal(f"{MISSING_FACTS}: "), expression=_listed(lists))
    return exp.Coalesce(this=named, expressions=[terms.literal(MISSING_FACTS)])
