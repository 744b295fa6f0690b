"""Why not, and what would change it, as it reads on a terminal.

In: prospects. Out: lines of text in one language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

from mianshen.casework.what_if import Prospect, Prospector, names_with_prospects
from mianshen.casework.wording import PERSONAL, STATUS
from mianshen.interpreter import BenefitResult
from mianshen.interpreter.formula import to_text
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.headroom import AnnualLimit, Bracket, Cap, Headroom
from mianshen.interpreter.what_if.counterfactuals import Counterfactual, FactChange
from mianshen.interpreter.what_if.due_dates import DueDate
from mianshen.interpreter.what_if.unmet_conditions import UnmetCondition
from mianshen.program.program import Fact
from mianshen.program.titles import meant, name_of
from mianshen.source import Lang, Message, listed
from mianshen.values import Known
from mianshen_cli import output
from mianshen_cli.session import CheckedRecord
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_CONDITIONS = wording.group("what_if.conditions")


def prospects_of(answer: CheckedRecord, requested: Sequence[str]) -> tuple[Prospector, list[Prospect]]:
    """The prospects requested, each once; Refused for what names neither a benefit nor a claim of the record."""
    prospector, checked = Prospector(answer.checker), answer.checked
    known = names_with_prospects(checked)
    names = known if "all" in requested else named(answer, requested)
    return prospector, [prospector.of(checked, name) for name in dict.fromkeys(names) if name in known]


def named(answer: CheckedRecord, written: Sequence[str]) -> list[str]:
    """Benefits, by name or title, and claims of the record; Refused for what is neither."""
    benefits = answer.checker.program.benefits
    claims = [row.key for row in answer.checked.case.person.children]
    names = [name_of(name, benefits) for name in written]
    for name in names:
        if name not in benefits and name not in claims:
            fix = meant(name, benefits, claims)
            raise Refused(wording("what_if.no_name").filled(name=name, fix=fix))
    return names


class ProspectView:
    """Shows prospects in one language."""

    def __init__(self, prospector: Prospector, lang: Lang) -> None:
        self.prospector = prospector
        self.words = prospector.words
        self.program = prospector.program
        self.lang: Lang = lang

    def text(self, prospect: Prospect) -> str:
        """The whole prospect under a heading."""
        result = prospect.result
        title = (
            self._say(result.benefit.title)
            if isinstance(result, BenefitResult)
            else f"{self._say(self.program.entities[result.row.entity].title)} {output.printable(prospect.name)}"
        )
        name = f" {prospect.name}" if isinstance(result, BenefitResult) and self.lang == "en" else ""
        lines = [
            f"== {title}{name}{'：' if self.lang == 'zh' else ': '}{self._say(STATUS[result.status])} =="
        ]
        if prospect.due_date is not None:
            lines += self._why(prospect)
        if prospect.headroom:
            lines += self._list(
                wording("what_if.margins"), [self._headroom(headroom) for headroom in prospect.headroom]
            )
        return "\n".join(lines)

    def _say(self, message: Message, **values: object) -> str:
        return output.printable(message.in_(self.lang, **values))

    def _aside(self, text: str) -> str:
        return f"（{text}）" if self.lang == "zh" else f" ({text})"

    def _list(self, head: Message, items: list[str]) -> list[str]:
        return [self._say(head), *(f"  - {item}" for item in dict.fromkeys(items))] if items else []

    def _why(self, prospect: Prospect) -> Iterator[str]:
        yield from self._list(
            _CONDITIONS[prospect.result.status], [self._condition(condition) for condition in prospect.unmet]
        )
        counterfactuals = [self._counterfactual(counterfactual) for counterfactual in prospect.changes.flips]
        none = self._say(wording("what_if.no_change")) + (
            "" if prospect.changes.complete else self._say(wording("what_if.not_all"))
        )
        yield from self._list(wording("what_if.changes"), counterfactuals) if counterfactuals else [none]
        fixed = [
            self._say(
                wording("what_if.fact"),
                whose=self._whose(item.row),
                title=f"{self._say(item.fact.title)}{self._aside(item.fact.name)}",
                value=self._value(item.fact, item.value),
            )
            for item in self.prospector.immutable(prospect)
        ]
        yield from self._list(wording("what_if.unchangeable"), fixed)
        if prospect.due_date is not None:
            yield from self._list(wording("what_if.time"), [self._due_date(prospect.due_date)])

    def _condition(self, condition: UnmetCondition) -> str:
        part = wording("what_if.says_no").in_(self.lang)
        if condition.part is not None:
            part = to_text(condition.part, condition.row.entity)
            part = part if condition.wanted else self._say(wording("what_if.negated"), part=part)
        reads = [
            f"{self._say(self.words.title(input_))} {self._say(self.words.shown(input_))}"
            for input_ in condition.inputs
        ]
        result = self._aside(listed(dict.fromkeys(reads)).in_(self.lang)) if reads else ""
        return self._say(
            wording("what_if.hurdle"), title=self._say(condition.provision.title), part=part, given=result
        )

    def _counterfactual(self, counterfactual: Counterfactual) -> str:
        changes = (
            wording("what_if.and")
            .in_(self.lang)
            .join(self._change(change) for change in counterfactual.changes)
        )
        notes = []
        if counterfactual.result.amount is not None:
            notes.append(self._say(wording("what_if.due"), amount=f"{counterfactual.result.amount:,.2f}"))
        if counterfactual.result.missing:
            person = counterfactual.changes[0].row
            notes.append(
                self._say(
                    wording("what_if.lacking"),
                    missing=self._say(self.words.missing(counterfactual.result.missing, person)),
                )
            )
        return changes + self._aside(("；" if self.lang == "zh" else "; ").join(notes)) if notes else changes

    def _change(self, change: FactChange) -> str:
        before = (
            self._say(wording("what_if.unknown"))
            if change.before is None
            else self._value(change.fact, change.before)
        )
        return self._say(
            wording("what_if.change"),
            whose=self._whose(change.row),
            title=f"{self._say(change.fact.title)}{self._aside(change.fact.name)}",
            before=before,
            after=self._say(self.words.value(change.after, change.fact.written, change.fact.type)),
        )

    def _whose(self, row: Row) -> str:
        """Whose fact it is, where it is not the person's own or that of something above."""
        entity = self.program.entities[row.entity]
        mine = row.entity == self.program.entry or entity.parent is None
        if mine or not row.key:
            return ""
        return f"{row.key} " if self.lang == "zh" else f" ({row.key})"

    def _value(self, fact: Fact, value: Known) -> str:
        return self._say(PERSONAL if fact.personal else self.words.value(value, fact.written, fact.type))

    def _due_date(self, due_date: DueDate) -> str:
        if due_date.day is not None:
            return self._say(wording("what_if.from"), day=due_date.day) + (
                "" if due_date.whole else self._say(wording("what_if.review"))
            )
        if due_date.known_until is not None and due_date.stopped is not None:
            return self._say(
                wording("what_if.until"),
                day=due_date.known_until,
                why=due_date.stopped.message.in_(self.lang),
            )
        return self._say(wording("what_if.never"))

    def _headroom(self, headroom: Headroom) -> str:
        title = f"{self._whose(headroom.row).strip()} {self._say(headroom.decision.title)}".strip()
        match headroom:
            case AnnualLimit(limited=limited, left=left):
                return self._say(
                    wording("what_if.limit"), title=title, limit=_money(limited.limit), before=_money(limited.before),
                    due=_money(limited.raw), paid=_money(limited.paid), withheld=_money(limited.withheld),
                    left=_money(left),
                )  # fmt: skip
            case Bracket():
                text = self._say(
                    wording("what_if.bracket"), title=title, amount=_money(headroom.base), over=_money(headroom.over),
                    rate=_rate(headroom.rate),
                )  # fmt: skip
                if headroom.next_over is None or headroom.next_rate is None:
                    return text
                rate, gap = _rate(headroom.next_rate), _money(headroom.to_next)
                return text + self._say(
                    wording("what_if.next"), over=_money(headroom.next_over), rate=rate, gap=gap
                )
            case Cap():
                cut = wording("what_if.binding") if headroom.kind == "cap" else wording("what_if.raising")
                parameter = self.program.parameters.get(headroom.figure)
                figure = self._say(wording("what_if.a_constant") if parameter is None else parameter.title)
                return self._say(
                    cut if headroom.binds else wording("what_if.free"), title=title, amount=_money(headroom.value), figure=figure,
                    bound=_money(headroom.bound), gap=_money(headroom.distance),
                )  # fmt: skip


def _money(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return value.isoformat() if isinstance(value, dt.date) else "—"


def _rate(value: Decimal) -> str:
    text = f"{value * 100:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"
