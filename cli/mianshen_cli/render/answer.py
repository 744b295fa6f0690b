"""The answer for one person as tables: benefits, then claims, then reasons and notes.

In: a checked case. Out: text for the terminal in one language.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from mianshen.casework.check import Checked, Checker
from mianshen.casework.wording import DELIVERY, STATUS
from mianshen.interpreter import BenefitResult, Rejected, Row, RowResult
from mianshen.interpreter.result import Settlement
from mianshen.interpreter.trace.explain import Trace
from mianshen.program.program import Citation
from mianshen.source import Lang, Message
from mianshen.values import NOT_MODELLED, Unknown
from mianshen_cli import output
from mianshen_cli.render.explanation import Explanation
from mianshen_cli.render.overview import Overview
from mianshen_cli.wording import wording

_HEAD = wording("answer.head")
_AMOUNT_OPEN, _FACTS = wording("answer.amount_open"), wording("answer.facts")
_NO_BENEFIT = wording("answer.no_benefit")
_FIRST = wording("answer.first")
_FOR = wording("answer.for")
_NOT_DUE = wording("answer.not_due")
_SHOWN, _RESULTS = wording("answer.also"), wording("answer.results")
_ANSWER, _DATE = wording("answer.answer"), wording("answer.date")
_REASONS, _NOTES, _STEPS = wording("answer.reasons"), wording("answer.notes"), wording("answer.steps")
_REVERSED = wording("answer.reversed")
_PAIR = wording("answer.pair")
_REJECTED = wording("answer.rejected")
_UNRULED = wording("answer.unruled")
_UNRULED_NAMES = wording("answer.unruled_names")
_PROVISIONAL = wording("answer.provisional")
_COLON = wording("answer.colon")
_MANY = 40  # steps from which on an explanation is brief
_MOST_ASKED = 3  # facts named among those to ask first
_MOST_ACROSS = 4  # rows shown side by side; more of them stand one below the other
_NARROW, _WIDE = 60, 120  # columns a reason may fill


class AnswerView:
    """Shows answers in one language."""

    def __init__(self, checker: Checker, lang: Lang) -> None:
        self.checker = checker
        self.words = checker.words
        self.program = checker.program
        self.lang: Lang = lang
        self.columns = min(max(shutil.get_terminal_size((100, 24)).columns, _NARROW), _WIDE)

    def text(self, checked: Checked, trace: Trace | None, whole: bool = False) -> str:
        """The whole answer; with a trace, its steps and the reasons of what is not due too.

        Many steps are told in brief, unless they are wanted `whole`.
        """
        return "\n".join(self._parts(checked, trace, whole)).rstrip()

    def _say(self, message: Message, **values: object) -> str:
        return output.printable(message.in_(self.lang, **values))

    def _parts(self, checked: Checked, trace: Trace | None, whole: bool) -> Iterator[str]:
        result = checked.result
        title = self._say(self.program.entities[self.program.entry].title)
        yield _HEAD.in_(self.lang, title=title, key=output.printable(result.key), day=result.as_of)
        yield ""
        ruled = [benefit for benefit in result.benefits.values() if benefit.status != "not_modelled"]
        if ruled:
            yield from self._benefits(ruled, trace is not None)
        yield from self._unruled([b for b in result.benefits.values() if b not in ruled], trace is not None)
        if own := list(self._own(checked, unknown=trace is None)):
            yield output.table([self._say(_SHOWN if ruled else _RESULTS), ""], own, right=[1])
            yield ""
        for child in self.program.children_of(self.program.entry):
            rows = tuple(row for row in result.rows if row.row.entity == child.name)
            if rows:
                yield self._rows(rows)
                yield ""
        if result.settled:
            yield self._settled(result.settled)
            yield ""
        if result.reversed:
            yield from self._list(_REVERSED, (self._pair(*pair) for pair in result.reversed))
        tabled = {(row.row.entity, name) for row in result.rows for name in row.values}
        brief = None
        if trace is not None and not whole and len(trace.steps) > _MANY:
            brief = Overview(self.words, self.lang, tabled)
        reasons = [
            *self._benefit_reasons(checked, brief, trace is not None),
            *self._row_reasons(checked, brief),
        ]
        if reasons:
            yield from self._list(_REASONS, reasons)
        if result.rejected:
            yield from self._list(_REJECTED, (self._rejection(reject) for reject in result.rejected))
        if trace is not None:
            yield f"{self._say(_STEPS)}{self._say(_COLON).rstrip()}"
            yield (brief or Explanation(self.words, self.lang)).text(trace, output.columns())
            yield ""
        yield from self._list(_NOTES, map(self._say, checked.notes))

    def _list(self, head: Message, items: Iterable[str]) -> Iterator[str]:
        yield f"{self._say(head)}{self._say(_COLON).rstrip()}"
        for item in items:
            first, *rest = output.fold(item, self.columns - 4)
            yield f"  - {first}"
            yield from (f"    {line}" for line in rest)
        yield ""

    # -- settled and cancelled -----------------------------------------------------------------

    def _settled(self, settled: Iterable[Settlement]) -> str:
        rows = [
            (
                output.printable(settlement.row.key),
                self._say(self.words.decisions[settlement.row.entity, settlement.decision].title),
                f"{settlement.settled:,.2f}",
                f"{settlement.ruled:,.2f}" if isinstance(settlement.ruled, Decimal) else "",
                "" if settlement.difference is None else f"{settlement.difference:+,.2f}",
            )
            for settlement in settled
        ]
        return output.table(wording.heads("answer.settled", self.lang), rows, right=[2, 3, 4])

    def _pair(self, by: Row, row: Row) -> str:
        title = self._say(self.program.entities[row.entity].title)
        keys = output.printable(row.key), output.printable(by.key)
        return self._say(_PAIR, title=title, key=keys[0], by=keys[1])

    # -- benefits ------------------------------------------------------------------------------

    def _benefits(self, results: Sequence[BenefitResult], explained: bool) -> Iterator[str]:
        """What is due, then what is open and the facts it waits for, then what is not due, in a line.

        `explained`: the reasons name what is missing, and those that are not due.
        """
        due = [r for r in results if r.status == "eligible"]
        rows = [(self._say(self._title(r)), self._amount(r), self._delivery(r)) for r in due]
        if rows:
            yield output.table(wording.heads("answer.benefit", self.lang), rows, right=[1])
        else:
            yield self._say(_NO_BENEFIT)
        yield ""
        undetermined = [r for r in results if r.status == "undetermined"]
        if undetermined:
            lines = [(self._say(self._title(r)), self._count(len(r.missing))) for r in undetermined]
            yield output.table(wording.heads("answer.open", self.lang), lines)
            if not explained:
                yield from output.fold(self._to_ask(undetermined), self.columns)
            yield ""
        refused = [self._say(self._title(r)) for r in results if r.status == "ineligible"]
        if refused and not explained:
            yield from output.fold(_NOT_DUE.in_(self.lang, names=self._joined(refused)), self.columns)
            yield ""

    def _amount(self, result: BenefitResult) -> str:
        if result.amount is not None:
            return f"{result.amount:,.2f}"
        return "" if result.benefit.amount is None else self._say(_AMOUNT_OPEN)

    def _delivery(self, result: BenefitResult) -> str:
        return self._say(DELIVERY[result.benefit.delivery])

    def _count(self, count: int) -> str:
        return self._say(_FACTS, count=count)

    def _to_ask(self, results: Iterable[BenefitResult]) -> str:
        """The facts that most of the undetermined benefits wait for, by their titles."""
        waiting: Counter[str] = Counter()
        for result in results:
            facts = (self._say(self.words.missing([m], result.row)) for m in sorted(result.missing))
            waiting.update(dict.fromkeys(facts, 1))
        first = [
            self._say(_FOR, fact=fact, count=count) if count > 1 else fact
            for fact, count in waiting.most_common(_MOST_ASKED)
        ]
        return self._say(_FIRST, facts=self._joined(first))

    def _joined(self, names: Iterable[str]) -> str:
        return ("、" if self.lang == "zh" else "; ").join(names)

    def _own(self, checked: Checked, unknown: bool) -> Iterator[tuple[str, str]]:
        """The decisions about the person that results show, those that are modelled and, unless wanted, known."""
        for row, decision in self.checker.own_decisions(checked):
            value = row.values[decision.name]
            if value is not NOT_MODELLED and (unknown or not isinstance(value, Unknown)):
                yield self._say(decision.title), self._decided(row, decision.name)

    def _title(self, result: BenefitResult) -> Message:
        """A benefit's title; one of a household with whose it is, for it is paid once."""
        title, row = result.benefit.title, result.row
        if row.entity == self.program.entry:
            return title
        owner = self.program.entities[row.entity].title
        return Message(
            f"{title.zh}（{owner.zh} {row.key}".rstrip() + "）",
            f"{title.en} ({owner.en} {row.key}".rstrip() + ")",
        )

    def _unruled(self, results: Sequence[BenefitResult], names: bool) -> Iterator[str]:
        """How many benefits have no rule for this person; with `names`, which."""
        if not results:
            return
        if names:
            titles = self._joined(self._say(result.benefit.title) for result in results)
            yield from output.fold(_UNRULED_NAMES.in_(self.lang, names=titles), self.columns)
        else:
            yield _UNRULED.in_(self.lang, count=len(results))
        yield ""

    def _benefit_reasons(self, checked: Checked, brief: Overview | None, every: bool) -> Iterator[str]:
        """Why each benefit is due or not, those of one reason together; in brief, those that one value refuses, too."""
        refused: dict[str, list[str]] = {}
        by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for benefit in checked.result.benefits.values():
            if benefit.status == "not_modelled" or (benefit.status == "ineligible" and not every):
                continue
            decided = self.words.provisions.get(benefit.reason)
            possible = benefit.row.chosen.get(benefit.benefit.eligible, ()) if decided is None else (decided,)
            cited = self._cited(possible[0].citation if possible else benefit.benefit.citation, brief)
            title = self._say(self._title(benefit))
            if brief is not None and benefit.status == "ineligible":
                facts = self.words.grounds(self.checker.explainer, benefit.row, benefit.benefit.eligible)[1]
                refused.setdefault(self._say(facts), []).append(f"{title} {cited}".rstrip())
                continue
            parts = [
                self._say(self.words.of_benefit(benefit, self.checker.explainer)),
                *self._shows(benefit),
                cited,
            ]
            due = benefit.status == "eligible"
            provisional = checked.benefit_caveats[benefit.benefit.name].provisional if due else ()
            by_reason.setdefault((self._sentences(parts), provisional), []).append(title)
        for (reason, provisional), titles in by_reason.items():
            yield f"{self._joined(titles)}{self._say(_COLON)}{reason}"
            yield from self._provisional(provisional)
        for values, titles in refused.items():
            yield self._say(wording("answer.refused"), facts=values, names=self._joined(titles))

    def _cited(self, citation: Citation, brief: Overview | None) -> str:
        return self._say(self.words.citation(citation)) if brief is None else brief.cited(citation)

    def _shows(self, benefit: BenefitResult) -> list[str]:
        """The values that an answer shows besides the amount, those that are known."""
        return [
            f"{self._say(self.words.decisions[benefit.row.entity, name].title)} {self._decided(benefit.row, name)}"
            for name in benefit.benefit.shows
            if benefit.status == "eligible"
            or (benefit.status == "undetermined" and not isinstance(benefit.row.values[name], Unknown))
        ]

    def _decided(self, row: Row, name: str) -> str:
        decision = self.words.decisions[row.entity, name]
        return self._say(self.words.value(row.values[name], decision.written, decision.type))

    def _sentences(self, parts: Iterable[str]) -> str:
        stop = "。" if self.lang == "zh" else ". "
        return f"{stop.join(filter(None, parts))}{stop.strip()}"

    def _provisional(self, names: tuple[str, ...]) -> Iterator[str]:
        if names:
            titles = [self._say(self.words.provisional(name)) for name in names]
            yield _PROVISIONAL.in_(self.lang, names=("、" if self.lang == "zh" else ", ").join(titles))

    # -- rows ----------------------------------------------------------------------------------

    def _rows(self, results: tuple[RowResult, ...]) -> str:
        """Up to four rows side by side, layer by layer; more one below the other, four by four where that is too wide."""
        entity = self.program.entities[results[0].row.entity]
        head = [self._say(entity.title), self._say(_DATE)]
        names = list(results[0].values)
        titles = [self._say(self.words.decisions[entity.name, name].title) for name in names]
        lines = [
            [
                result.row.key,
                str(result.row.facts.get(entity.date or "", "")),
                *(self._cell(entity.name, name, result) for name in names),
                self._say(STATUS[result.status]),
            ]
            for result in results
        ]
        labels = [*head, *titles, self._say(_ANSWER)]
        if len(results) > _MOST_ACROSS:
            below = output.table(labels, lines, right=range(2, 2 + len(names)))
            room = output.columns()
            if room is None or all(output.width(line) <= room for line in below.splitlines()):
                return below
        fours = [lines[at : at + _MOST_ACROSS] for at in range(0, len(lines), _MOST_ACROSS)]
        return "\n\n".join(_across(labels, four) for four in fours)

    def _cell(self, entity: str, name: str, result: RowResult) -> str:
        decision = self.words.decisions[entity, name]
        return self._say(self.words.value(result.values[name], decision.written, decision.type))

    def _row_reasons(self, checked: Checked, brief: Overview | None) -> Iterator[str]:
        """One line a row; what several rows rest on is said once."""
        provisional: set[str] = set()
        for row in checked.result.rows:
            decided = self.words.provisions.get(row.reason)
            clause = "" if decided is None else self._cited(decided.citation, brief)
            reason = self._sentences([self._say(self.words.of_row(row)), clause])
            yield f"{output.printable(row.row.key)}{self._say(_COLON)}{reason}"
            if row.status == "decided":
                provisional |= set(checked.row_caveats[row.row].provisional)
        yield from self._provisional(tuple(sorted(provisional)))

    def _rejection(self, rejected: Rejected) -> str:
        title = self._say(self.program.entities[rejected.entity].title)
        named = f"{title} {output.printable(rejected.key)}".rstrip()  # nobody told of a home has no key
        return f"{named}{self._say(_COLON)}{self._say(rejected.rejection.message)}"


def _across(labels: list[str], lines: list[list[str]]) -> str:
    """Rows side by side."""
    across = [[label, *(line[index] for line in lines)] for index, label in enumerate(labels)]
    return output.table(across[0], across[1:], right=range(1, len(lines) + 1))
