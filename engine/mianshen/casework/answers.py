"""What a back end answers, in one form for all of them.

In: decided rows, or tables of decisions. Out: `Answers` of a case: for each row each decision's value,
what it rests on, which provision gave it; which rows are rejected. Statuses and reasons follow from
these alone, the same way for every back end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.interpreter.rows import Case
from mianshen.program.program import Benefit, Program
from mianshen.values import Known, NotModelled, Unknown, Value, as_money

RowKey: TypeAlias = tuple[str, str]  # (entity, key)
BackEnd: TypeAlias = Literal["interpreter", "native", "duckdb"]


class Mark(Enum):
    """A value that is none."""

    UNKNOWN = "unknown"
    NOT_MODELLED = "not_modelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """One decision: its value; the provision that gave it; the facts an unknown one rests on.

    `missing` is None where the back end was not asked for it.
    """

    value: Known | Mark
    by: str | None = None
    missing: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a row is rejected; empty where the back end does not tell."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything one back end says about one case; a rejected row has no decisions.

    Neither has a person's row of another time, whose decisions only claims read.
    """

    decisions: Mapping[RowKey, Mapping[str, Answer]]
    rejected: Mapping[RowKey, Rejected] = field(default_factory=dict)
    reversed: frozenset[RowKey] = frozenset()  # reversals and what they cancel


@dataclass(frozen=True, slots=True)
class Result:
    """The answer about a row or a benefit as a whole."""

    status: str
    amount: Known | Mark | None
    reason: str
    missing: frozenset[str] | None


def row_result(program: Program, answers: Answers, row: RowKey) -> Result | None:
    """The result of a row, that of its outcome; None when it is rejected or has none."""
    entity = program.entities[row[0]]
    decisions = answers.decisions.get(row)
    if decisions is None or entity.outcome is None or row in answers.rejected:
        return None
    outcome = decisions[entity.outcome]
    match outcome.value:
        case Mark.UNKNOWN:
            return Result("undetermined", None, MISSING_FACTS, outcome.missing)
        case Mark.NOT_MODELLED:
            return Result("not_modelled", None, NO_PROVISION, frozenset())
        case _:
            pass
    by = None if entity.explained_by is None else decisions[entity.explained_by].by
    return Result("decided", outcome.value, by or NO_PROVISION, frozenset())


def benefit_result(benefit: Benefit, answers: Answers, row: RowKey) -> Result | None:
    """The result of a benefit; None when its row is rejected."""
    decisions = answers.decisions.get(row)
    if decisions is None or row in answers.rejected:
        return None
    eligible = decisions[benefit.eligible]
    amount = None if benefit.amount is None else decisions[benefit.amount]
    match eligible.value:
        case Mark.UNKNOWN:
            return Result("undetermined", Mark.UNKNOWN, MISSING_FACTS, _both(eligible, amount))
        case Mark.NOT_MODELLED:
            return Result("not_modelled", None, NO_PROVISION, frozenset())
        case False:
            return Result("ineligible", None, eligible.by or NO_PROVISION, frozenset())
        case _:
            pass
    decided = [] if amount is None else [amount]
    decided += [decisions[name] for name in benefit.shows]
    value = None if amount is None else amount.value
    return Result("eligible", value, eligible.by or NO_PROVISION, _all_missing(decided))


def _both(eligible: Answer, amount: Answer | None) -> frozenset[str] | None:
    if eligible.missing is None or amount is None or amount.value is not Mark.UNKNOWN:
        return eligible.missing
    return None if amount.missing is None else eligible.missing | amount.missing


def _all_missing(answers: list[Answer]) -> frozenset[str] | None:
    """What the unknown ones lack together; None where the back end was not asked for it."""
    names: frozenset[str] = frozenset()
    for answer in answers:
        if answer.value is Mark.UNKNOWN:
            if answer.missing is None:
                return None
            names |= answer.missing
    return names


def answers_of(case: Case) -> Answers:
    """What the interpreter said, once it has run."""
    decisions: dict[RowKey, dict[str, Answer]] = {}
    rejected: dict[RowKey, Rejected] = {}
    for row in case.rows():
        key = (row.entity, row.key)
        if row.rejection is not None:
            rejected[key] = Rejected(row.rejection.field, row.rejection.reason)
            continue
        if row.version_of is not None:
            continue
        decisions[key] = {}
        for name, value in row.values.items():
            chosen = row.chosen.get(name, ())
            by = chosen[0].name if chosen and not isinstance(value, Unknown | NotModelled) else None
            decisions[key][name] = Answer(plain(value), by, _names(value))
    return Answers(decisions, rejected, reversed_of(case))


def reversed_of(case: Case) -> frozenset[RowKey]:
    """The rows that cancel one another; they were taken out while the case was read."""
    return frozenset((row.entity, row.key) for pair in case.reversed for row in pair)


def plain(value: Value) -> Known | Mark:
    """A value, or the mark of what is none."""
    if isinstance(value, Unknown):
        return Mark.UNKNOWN
    return Mark.NOT_MODELLED if isinstance(value, NotModelled) else value


def _names(value: Value) -> frozenset[str]:
    return frozenset(fact.name for fact in value.missing) if isinstance(value, Unknown) else frozenset()


def shown(value: Known | Mark | frozenset[str], written: str = "") -> str:
    """A value as text; money with two decimals."""
    match value:
        case Mark():
            return value.value
        case bool():
            return "true" if value else "false"
        case frozenset():
            return f"[{', '.join(sorted(value))}]"
        case tuple():
            return "; ".join(value)
        case str() | dt.date():
            return str(value)
        case _ if written == "money":
            return as_money(value)
        case _:
            return f"{value:f}"
