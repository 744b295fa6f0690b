"""Answers about one person as a page shows them.

In: a checked case. Out: views of its benefits and rows, texts in one language.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from mianshen.casework.check import Checked, Checker
from mianshen.casework.what_if import Prospector
from mianshen.casework.wording import DELIVERY, STATUS
from mianshen.interpreter.result import BenefitResult, RowResult
from mianshen.interpreter.rows import Row
from mianshen.serve.words import texts
from mianshen.source import Lang, Message
from mianshen.values import Unknown


@dataclass(frozen=True, slots=True)
class ProspectView:
    """What would change an answer: failing conditions, changes of facts, the day from which it is due by itself."""

    conditions: tuple[str, ...]
    changes: tuple[str, ...]
    day: str


@dataclass(frozen=True, slots=True)
class BenefitView:
    name: str
    title: str
    status: str
    amount: str
    delivery: str
    reason: str
    clause: str
    missing: tuple[str, ...]
    provisional: tuple[str, ...]
    shows: tuple[tuple[str, str], ...]
    prospect: ProspectView | None


@dataclass(frozen=True, slots=True)
class RowView:
    key: str
    title: str
    status: str
    layers: tuple[tuple[str, str], ...]
    reason: str
    clause: str


class AnswerTexts:
    """Says what one checker answers, in one language."""

    def __init__(self, checker: Checker, lang: Lang) -> None:
        self.checker = checker
        self.program = checker.program
        self.words = checker.words
        self.lang: Lang = lang
        self.texts = texts(lang)

    def say(self, message: Message) -> str:
        return message.in_(self.lang)

    def benefit(self, checked: Checked, result: BenefitResult, why: bool = False) -> BenefitView:
        """One benefit; with `why`, what would change its answer too."""
        benefit, row = result.benefit, result.row
        decided = self.words.provisions.get(result.reason)
        caveats = checked.benefit_caveats[result.benefit.name]
        names = [name for name in benefit.shows if not isinstance(row.values[name], Unknown)]
        amount = "" if result.amount is None else f"{result.amount:,.2f} {self.texts.yuan}"
        if result.status == "eligible" and benefit.amount is not None and result.amount is None:
            amount = self.texts.amount_open
        return BenefitView(
            name=benefit.name,
            title=self.say(benefit.title),
            status=result.status,
            amount=amount,
            delivery=self.say(DELIVERY[benefit.delivery]),
            reason=self.say(self.words.of_benefit(result, self.checker.explainer)),
            clause=self.say(self.words.citation(benefit.citation if decided is None else decided.citation)),
            missing=tuple(self.say(self.words.missing([fact], row)) for fact in sorted(result.missing)),
            provisional=tuple(self.say(self.words.provisional(name)) for name in caveats.provisional),
            shows=tuple((self.title(row, name), self.value(row, name)) for name in names)
            if result.status == "eligible" else (),
            prospect=self._prospect(checked, benefit.name) if why else None,
        )  # fmt: skip

    def row(self, result: RowResult) -> RowView:
        """One claim or other row below the person."""
        row, decided = result.row, self.words.provisions.get(result.reason)
        return RowView(
            key=row.key,
            title=self.say(self.program.entities[row.entity].title),
            status=self.say(STATUS[result.status]),
            layers=tuple((self.title(row, name), self.value(row, name)) for name in result.values),
            reason=self.say(self.words.of_row(result)),
            clause="" if decided is None else self.say(self.words.citation(decided.citation)),
        )

    def title(self, row: Row, name: str) -> str:
        return self.say(self.words.decisions[row.entity, name].title)

    def value(self, row: Row, name: str) -> str:
        """A decision's value; an amount with its unit."""
        decision = self.words.decisions[row.entity, name]
        text = self.say(self.words.value(row.values[name], decision.written, decision.type))
        is_amount = decision.written == "money" and isinstance(row.values[name], Decimal)
        return f"{text} {self.texts.yuan}" if is_amount else text

    def whose(self, row: Row, person: Row) -> str:
        """Whose fact it is, where it is not the person's or that of something above."""
        if row is person or row.parent is None or row.children[:1] == [person]:
            return ""
        title = self.say(self.program.entities[row.entity].title)
        return f"{title} {row.key}" + ("：" if self.lang == "zh" else ": ")

    def _prospect(self, checked: Checked, name: str) -> ProspectView:
        prospect = Prospector(self.checker).of(checked, name)
        changes = []
        for counterfactual in prospect.changes.flips:
            parts = [
                f"{self.whose(change.row, checked.case.person)}{self.say(change.fact.title)} → "
                + self.say(self.words.value(change.after, change.fact.written, change.fact.type))
                for change in counterfactual.changes
            ]
            changes.append(("，" if self.lang == "zh" else ", ").join(parts))
        due_date = prospect.due_date
        return ProspectView(
            tuple(dict.fromkeys(self.say(item.provision.title) for item in prospect.unmet)),
            tuple(dict.fromkeys(changes)),
            "" if due_date is None or due_date.day is None else due_date.day.isoformat(),
        )
