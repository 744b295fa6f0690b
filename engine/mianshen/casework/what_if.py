"""Why a benefit is not due, or cannot be told, and what would change that; as plain data.

In: a checked case, benefits or claims by name. Out: `Prospect`s, and their JSON.
Invariants: what is proposed was decided by the whole program; a fact that cannot change is named and never
proposed; the value of a personal fact is not repeated.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from mianshen.casework.check import Checked, Checker, Plain
from mianshen.interpreter.formula import to_text
from mianshen.interpreter.result import BenefitResult, RowResult
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.headroom import AnnualLimit, Bracket, Cap, Headroom, HeadroomFinder
from mianshen.interpreter.what_if.counterfactuals import (
    Counterfactual,
    Counterfactuals,
    CounterfactualSearch,
    FactChange,
    Fixed,
)
from mianshen.interpreter.what_if.due_dates import DueDate, DueDateSearch
from mianshen.interpreter.what_if.unmet_conditions import UnmetCondition, UnmetConditions
from mianshen.program.program import Fact
from mianshen.source import Lang
from mianshen.values import NOT_MODELLED, Known, Unknown, Value, as_money

NO_CHANGES = Counterfactuals((), (), True)


@dataclass(frozen=True, slots=True)
class Prospect:
    """Of a benefit, or of a claim (`result` is then a row's); `due_date` is None where the benefit is due."""

    name: str
    result: BenefitResult | RowResult
    unmet: tuple[UnmetCondition, ...]
    changes: Counterfactuals
    due_date: DueDate | None
    headroom: tuple[Headroom, ...]


def names_with_prospects(checked: Checked) -> tuple[str, ...]:
    """The case's benefits, and its person's dated rows by key."""
    return *checked.result.benefits, *(row.row.key for row in checked.result.rows)


class Prospector:
    """Finds prospects by one rulebook; make one and use it for many."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.program = checker.program
        self.words = checker.words
        self.unmet = UnmetConditions(checker.explainer)
        self.headroom = HeadroomFinder(checker.explainer)

    def of(self, checked: Checked, name: str) -> Prospect:
        """The prospect of a benefit, or of a dated row by its key; KeyError when there is neither."""
        result = checked.result.benefits.get(name)
        if result is not None:
            return self._benefit(checked, result)
        for row in checked.result.rows:
            if row.row.key == name:
                headroom = tuple(
                    m for value in row.values for m in self._headroom_of(checked, row.row, value)
                )
                return Prospect(name, row, (), NO_CHANGES, None, tuple(dict.fromkeys(headroom)))
        raise KeyError(name)

    def _benefit(self, checked: Checked, result: BenefitResult) -> Prospect:
        benefit, case, row = result.benefit, checked.case, result.row
        if result.status == "eligible":
            amount = benefit.amount
            headroom = () if amount is None else self._headroom_of(checked, row, amount)
            return Prospect(benefit.name, result, (), NO_CHANGES, None, headroom)
        unmet = self.unmet.of(case, row, benefit.eligible)
        changes = CounterfactualSearch(self.program, benefit, self.checker.interpreter).changes(case)
        due_date = DueDateSearch(self.program, benefit, self.checker.interpreter).later(case)
        return Prospect(benefit.name, result, unmet, changes, due_date, ())

    def _headroom_of(self, checked: Checked, row: Row, decision: str) -> tuple[Headroom, ...]:
        return self.headroom.of(checked.case, row, decision)

    def immutable(self, prospect: Prospect) -> tuple[Fixed, ...]:
        """The facts that cannot change and that the answer hangs on, or a failing condition reads."""
        items = {(item.row, item.fact.name): item for item in prospect.changes.fixed}
        for condition in prospect.unmet:
            for value_read in condition.inputs:
                fact = self.program.facts.get((value_read.name.entity, value_read.name.name))
                known = None if fact is None else value_read.row.facts.get(fact.name)
                if (
                    fact is not None
                    and fact.immutable
                    and known is not None
                    and value_read.name.kind == "fact"
                ):
                    items.setdefault((value_read.row, fact.name), Fixed(value_read.row, fact, known))
        return tuple(items.values())

    # -- as plain data -------------------------------------------------------------------------

    def plain(self, prospect: Prospect, lang: Lang) -> Plain:
        """The prospect as JSON has it."""
        changes, due_date = prospect.changes, prospect.due_date
        content: dict[str, Plain] = {"status": prospect.result.status}
        if due_date is not None:
            content["conditions"] = [self._condition(condition, lang) for condition in prospect.unmet]
            content["changes"] = [
                self._counterfactual(counterfactual, lang) for counterfactual in changes.flips
            ]
            content["all_pairs_tried"] = changes.complete
            content["immutable"] = [
                {
                    **self._place(item.row, item.fact, lang),
                    "value": None if item.fact.personal else _plain(item.fact, item.value),
                }
                for item in self.immutable(prospect)
            ]
            content["later"] = self._due_date(due_date, lang)
        content["margins"] = [self._headroom(headroom, lang) for headroom in prospect.headroom]
        return content

    def _condition(self, condition: UnmetCondition, lang: Lang) -> Plain:
        provision = condition.provision
        return {
            "provision": provision.name,
            "title": provision.title.in_(lang),
            "clause": provision.citation.plain,
            "entity": condition.row.entity,
            "key": condition.row.key,
            "condition": None if condition.part is None else to_text(condition.part, condition.row.entity),
            "wanted": condition.wanted,
            "value": _truth(condition.value),
            "reads": [
                {"name": input_.name.name, "title": self.words.title(input_).in_(lang), "of": input_.row.key,
                 "value": self.words.shown(input_).in_(lang)}
                for input_ in condition.inputs
            ],
        }  # fmt: skip

    def _place(self, row: Row, fact: Fact, lang: Lang) -> dict[str, Plain]:
        return {"entity": row.entity, "key": row.key, "fact": fact.name, "title": fact.title.in_(lang)}

    def _counterfactual(self, counterfactual: Counterfactual, lang: Lang) -> Plain:
        amount = counterfactual.result.amount
        return {
            "facts": [self._change(change, lang) for change in counterfactual.changes],
            "status": counterfactual.result.status,
            "amount": None if amount is None else as_money(amount),
            "missing": sorted({fact.name for fact in counterfactual.result.missing}),
        }

    def _change(self, change: FactChange, lang: Lang) -> Plain:
        tells_before = change.before is not None and not change.fact.personal
        return {
            **self._place(change.row, change.fact, lang),
            "from": _plain(change.fact, change.before) if tells_before else None,
            "to": _plain(change.fact, change.after),
        }

    def _due_date(self, due_date: DueDate, lang: Lang) -> Plain:
        return {
            "from": None if due_date.day is None else due_date.day.isoformat(),
            "other_figures_need_review": not due_date.whole,
            "known_until": None if due_date.known_until is None else due_date.known_until.isoformat(),
            "because": None if due_date.stopped is None else due_date.stopped.message.in_(lang),
        }

    def _headroom(self, headroom: Headroom, lang: Lang) -> Plain:
        decision = headroom.decision
        content: dict[str, Plain] = {
            "entity": headroom.row.entity, "key": headroom.row.key,
            "decision": decision.name, "title": decision.title.in_(lang),
        }  # fmt: skip
        match headroom:
            case AnnualLimit(limited=limited, left=left):
                amounts = (limited.limit, limited.before, limited.raw, limited.paid, limited.withheld, left)
                names = ("limit", "before", "due", "paid", "withheld", "left")
                content |= {"kind": "annual_limit", "accumulator": limited.accumulator.name}
                content |= {name: _number(value) for name, value in zip(names, amounts, strict=True)}
            case Bracket():
                content |= {
                    "kind": "bracket", "scale": headroom.scale, "amount": _number(headroom.base),
                    "over": _number(headroom.over), "rate": _rate(headroom.rate),
                    "next_over": _number(headroom.next_over), "to_next": _number(headroom.to_next),
                    "next_rate": _rate(headroom.next_rate),
                }  # fmt: skip
            case Cap():
                content |= {
                    "kind": headroom.kind, "figure": headroom.figure or None, "bound": _number(headroom.bound),
                    "amount": _number(headroom.value), "binds": headroom.binds, "distance": _number(headroom.distance),
                }  # fmt: skip
        return content


def _truth(value: Value) -> Plain:
    if isinstance(value, bool):
        return value
    return "unknown" if isinstance(value, Unknown) else "not_modelled" if value is NOT_MODELLED else None


def _number(value: object) -> str | None:
    return as_money(value) if isinstance(value, Decimal) else None


def _rate(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"


def _plain(fact: Fact, value: Known | None) -> Plain:
    """A fact's value as a record would have it."""
    match value:
        case None | bool() | str():
            return value
        case Decimal():
            return as_money(value) if fact.written == "money" else f"{value:f}"
        case dt.date():
            return value.isoformat()
        case tuple():
            return list(value)
