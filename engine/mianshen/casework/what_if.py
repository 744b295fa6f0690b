"""Why a benefit is not due, or cannot be told, and what would change that; as plain data.

In: a checked case, benefits or claims by name. Out: `Prospect`s, and their JSON.
Invariants: what is proposed was decided by the whole program; a fact that cannot change is named and never
proposed; the value of a personal fact is not repeated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
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
    """Of a benefit, or of a claim (`result` is then a row's); `later` is None where the benefit is due."""

    name: str
    result: BenefitResult | RowResult
    hurdles: tuple[UnmetCondition, ...]
    changes: Counterfactuals
    later: DueDate | None
    margins: tuple[Headroom, ...]


def names_to_ask(checked: Checked) -> tuple[str, ...]:
    """What prospects can be asked for: the case's benefits, and its person's dated rows by key."""
    return *checked.result.benefits, *(row.row.key for row in checked.result.rows)


class Prospector:
    """Finds prospects by one rulebook; make one and use it for many."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.program = checker.program
        self.words = checker.words
        self.hurdles = UnmetConditions(checker.explainer)
        self.margins = HeadroomFinder(checker.explainer)

    def of(self, checked: Checked, name: str) -> Prospect:
        """The prospect of a benefit, or of a dated row by its key; KeyError when there is neither."""
        result = checked.result.benefits.get(name)
        if result is not None:
            return self._benefit(checked, result)
        for row in checked.result.rows:
            if row.row.key == name:
                margins = tuple(m for value in row.values for m in self._margins(checked, row.row, value))
                return Prospect(name, row, (), NO_CHANGES, None, tuple(dict.fromkeys(margins)))
        raise KeyError(name)

    def _benefit(self, checked: Checked, result: BenefitResult) -> Prospect:
        benefit, case, row = result.benefit, checked.case, result.row
        if result.status == "eligible":
            amount = benefit.amount
            margins = () if amount is None else self._margins(checked, row, amount)
            return Prospect(benefit.name, result, (), NO_CHANGES, None, margins)
        hurdles = self.hurdles.of(case, row, benefit.eligible)
        changes = CounterfactualSearch(self.program, benefit, self.checker.interpreter).changes(case)
        later = DueDateSearch(self.program, benefit, self.checker.interpreter).later(case)
        return Prospect(benefit.name, result, hurdles, changes, later, ())

    def _margins(self, checked: Checked, row: Row, decision: str) -> tuple[Headroom, ...]:
        return self.margins.of(checked.case, row, decision)

    def immutable(self, prospect: Prospect) -> tuple[Fixed, ...]:
        """The facts that cannot change and that the answer hangs on, or a failing condition reads."""
        items = {(item.row, item.fact.name): item for item in prospect.changes.fixed}
        for hurdle in prospect.hurdles:
            for value_read in hurdle.inputs:
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
        changes, later = prospect.changes, prospect.later
        content: dict[str, Plain] = {"status": prospect.result.status}
        if later is not None:
            content["conditions"] = [self._hurdle(hurdle, lang) for hurdle in prospect.hurdles]
            content["changes"] = [self._flip(flip, lang) for flip in changes.flips]
            content["all_pairs_tried"] = changes.complete
            content["immutable"] = [
                {
                    **self._place(item.row, item.fact, lang),
                    "value": None if item.fact.personal else _plain(item.fact, item.value),
                }
                for item in self.immutable(prospect)
            ]
            content["later"] = self._later(later, lang)
        content["margins"] = [self._margin(margin, lang) for margin in prospect.margins]
        return content

    def _hurdle(self, hurdle: UnmetCondition, lang: Lang) -> Plain:
        provision = hurdle.provision
        return {
            "provision": provision.name,
            "title": provision.title.in_(lang),
            "clause": provision.citation.plain,
            "entity": hurdle.row.entity,
            "key": hurdle.row.key,
            "condition": None if hurdle.part is None else to_text(hurdle.part, hurdle.row.entity),
            "wanted": hurdle.wanted,
            "value": _truth(hurdle.value),
            "reads": [
                {"name": input_.name.name, "title": self.words.title(input_).in_(lang), "of": input_.row.key,
                 "value": self.words.shown(input_).in_(lang)}
                for input_ in hurdle.inputs
            ],
        }  # fmt: skip

    def _place(self, row: Row, fact: Fact, lang: Lang) -> dict[str, Plain]:
        return {"entity": row.entity, "key": row.key, "fact": fact.name, "title": fact.title.in_(lang)}

    def _flip(self, flip: Counterfactual, lang: Lang) -> Plain:
        amount = flip.result.amount
        return {
            "facts": [self._change(change, lang) for change in flip.changes],
            "status": flip.result.status,
            "amount": None if amount is None else as_money(amount),
            "missing": sorted({fact.name for fact in flip.result.missing}),
        }

    def _change(self, change: FactChange, lang: Lang) -> Plain:
        shown = change.before is not None and not change.fact.personal
        return {
            **self._place(change.row, change.fact, lang),
            "from": _plain(change.fact, change.before) if shown else None,
            "to": _plain(change.fact, change.after),
        }

    def _later(self, later: DueDate, lang: Lang) -> Plain:
        return {
            "from": None if later.day is None else later.day.isoformat(),
            "other_figures_need_review": not later.whole,
            "known_until": None if later.known_until is None else later.known_until.isoformat(),
            "because": None if later.stopped is None else later.stopped.message.in_(lang),
        }

    def _margin(self, margin: Headroom, lang: Lang) -> Plain:
        decision = margin.decision
        content: dict[str, Plain] = {
            "entity": margin.row.entity, "key": margin.row.key,
            "decision": decision.name, "title": decision.title.in_(lang),
        }  # fmt: skip
        match margin:
            case AnnualLimit(limited=limited, left=left):
                amounts = (limited.limit, limited.before, limited.raw, limited.paid, limited.withheld, left)
                names = ("limit", "before", "due", "paid", "withheld", "left")
                content |= {"kind": "annual_limit", "accumulator": limited.accumulator.name}
                content |= {name: _number(value) for name, value in zip(names, amounts, strict=True)}
            case Bracket():
                content |= {
                    "kind": "bracket", "scale": margin.scale, "amount": _number(margin.base),
                    "over": _number(margin.over), "rate": _rate(margin.rate),
                    "next_over": _number(margin.next_over), "to_next": _number(margin.to_next),
                    "next_rate": _rate(margin.next_rate),
                }  # fmt: skip
            case Cap():
                content |= {
                    "kind": margin.kind, "figure": margin.figure or None, "bound": _number(margin.bound),
                    "amount": _number(margin.value), "binds": margin.binds, "distance": _number(margin.distance),
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


def prospects(prospector: Prospector, checked: Checked, names: Iterable[str]) -> tuple[Prospect, ...]:
    """The prospects of several, each once, in the order asked."""
    return tuple(prospector.of(checked, name) for name in dict.fromkeys(names))
