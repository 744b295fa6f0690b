"""What a decided case says: statuses, amounts, reasons, what is missing.

In: a program, a decided case. Out: `CaseResult`, plain values for people and files to show.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.closed_sets import BenefitStatus, RowStatus
from mianshen.interpreter.rows import Case, Rejection, Row, turn
from mianshen.program.program import Benefit, Program
from mianshen.values import NOT_MODELLED, Missing, Unknown, Value, unknown_of

NO_PROVISION: Final = "no_provision"
MISSING_FACTS: Final = "missing_facts"


@dataclass(frozen=True, slots=True)
class BenefitResult:
    """One benefit at the person's row, or at one above it.

    `reason`: the provision that decided, or `missing_facts`, or `no_provision`.

    `missing`: what eligibility or the amount lacks; of one that is due, also what is shown beside it.
    """

    benefit: Benefit
    row: Row
    status: BenefitStatus
    amount: Decimal | None
    reason: str
    missing: frozenset[Missing]


@dataclass(frozen=True, slots=True)
class RowResult:
    """A claim: its shown decisions in order; unknown and not-modelled ones keep their marks."""

    row: Row
    values: dict[str, Value]
    status: RowStatus
    reason: str
    missing: frozenset[Missing]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was really paid of a decision of a row, beside what the rules give."""

    row: Row
    decision: str
    settled: Decimal
    ruled: Value

    @property
    def difference(self) -> Decimal | None:
        """Yuan settled more than the rules give; None where they give no amount."""
        return self.settled - self.ruled if isinstance(self.ruled, Decimal) else None


@dataclass(frozen=True, slots=True)
class Rejected:
    entity: str
    key: str
    rejection: Rejection


@dataclass(frozen=True, slots=True)
class CaseResult:
    key: str
    as_of: dt.date
    benefits: dict[str, BenefitResult]
    rows: tuple[RowResult, ...]
    rejected: tuple[Rejected, ...]
    settled: tuple[Settlement, ...] = ()
    reversed: tuple[tuple[Row, Row], ...] = ()  # of the person: (reversal, what it cancels)


def result_of(program: Program, case: Case) -> CaseResult:
    """The answers for the case's person and what stands above; what was rejected answers nothing."""
    person = case.person
    benefits: dict[str, BenefitResult] = {}
    if person.rejection is None:
        at = {b.name: case.of(b.entity) for b in program.benefits.values()}
        benefits = {
            name: benefit_result(program.benefits[name], row)
            for name, row in at.items()
            if row is not None and row.rejection is None
        }
    ordered = sorted(person.children, key=lambda row: turn(row, program))
    rows = tuple(row_result(program, row) for row in ordered if row.rejection is None)
    rejected = tuple(Rejected(r.entity, r.key, r.rejection) for r in case.rows() if r.rejection is not None)
    settled = tuple(settlement for result in rows for settlement in settlements(program, result.row))
    pairs = tuple(pair for pair in case.reversed if pair[0].parent and pair[0].parent.current is person)
    return CaseResult(person.key, case.as_of, benefits, rows, rejected, settled, pairs)


def settlements(program: Program, row: Row) -> list[Settlement]:
    """What was settled of a decided row."""
    listed = []
    for name, fact in program.settled_facts(row.entity).items():
        amount = row.facts.get(fact)
        if isinstance(amount, Decimal) and name in row.values:  # a part of a program may not decide it
            listed.append(Settlement(row, name, amount, row.values[name]))
    return listed


def names_of(missing: Iterable[Missing]) -> str:
    """The names of what is missing, in order, with commas between; one that holds a comma is quoted, as in CSV."""
    return ",".join(map(_quoted, sorted({fact.name for fact in missing})))


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""')) if "," in name or '"' in name else name


def benefit_result(benefit: Benefit, row: Row) -> BenefitResult:
    eligible = row.values[benefit.eligible]
    if isinstance(eligible, Unknown):
        amount = [] if benefit.amount is None else [row.values[benefit.amount]]
        missing = unknown_of([eligible, *amount]).missing
        return BenefitResult(benefit, row, "undetermined", None, MISSING_FACTS, missing)
    if eligible is NOT_MODELLED:
        return BenefitResult(benefit, row, "not_modelled", None, NO_PROVISION, frozenset())
    reason = row.chosen[benefit.eligible][0].name
    if eligible is not True:
        return BenefitResult(benefit, row, "ineligible", None, reason, frozenset())
    value = None if benefit.amount is None else row.values[benefit.amount]
    missing = unknown_of((value, *(row.values[name] for name in benefit.shows))).missing
    return BenefitResult(
        benefit, row, "eligible", value if isinstance(value, Decimal) else None, reason, missing
    )


def row_result(program: Program, row: Row) -> RowResult:
    """The status is that of the entity's outcome; what is missing is what that outcome misses."""
    entity = program.entities[row.entity]
    values = {d.name: row.values[d.name] for d in program.outputs(row.entity)}
    outcome = row.values[entity.outcome] if entity.outcome is not None else NOT_MODELLED
    if isinstance(outcome, Unknown):
        return RowResult(row, values, "undetermined", MISSING_FACTS, outcome.missing)
    if outcome is NOT_MODELLED:
        return RowResult(row, values, "not_modelled", NO_PROVISION, frozenset())
    chosen = () if entity.explained_by is None else row.chosen[entity.explained_by]
    return RowResult(row, values, "decided", chosen[0].name if chosen else NO_PROVISION, frozenset())
