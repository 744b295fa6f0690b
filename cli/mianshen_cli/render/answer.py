"""The answer for one person as tables: benefits, then claims, then reasons and notes.

In: a checked case. Out: text for the terminal in one language.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from decimal import Decimal

from mianshen.casework.check import Checked, Checker
from mianshen.interpreter import BenefitResult, Rejected, Row, RowResult
from mianshen.interpreter.result import Settlement
from mianshen.source import Lang, Message
from mianshen.values import NOT_MODELLED, Unknown
from mianshen_cli import output
from mianshen_cli.render.explanation import Explanation

STATUS = {
    "eligible": Message("符合", "eligible"),
    "ineligible": Message("不符合", "not eligible"),
    "undetermined": Message("待定", "undetermined"),
    "not_modelled": Message("规则未覆盖", "not modelled"),
    "decided": Message("已核定", "decided"),
}
_DELIVERY = {
    "automatic": Message("自动办理", "automatic"),
    "confirm": Message("确认后办理", "on confirmation"),
    "application": Message("申请办理", "on application"),
}
_HEAD = Message("{title} {key}，核定日 {day}", "{title} {key}, decided for {day}")
_BENEFIT = (
    Message("待遇", "benefit"),
    Message("结论", "answer"),
    Message("金额", "amount"),
    Message("方式", "delivery"),
)
_SHOWN, _RESULTS = Message("其他结果", "also"), Message("结果", "results")
_ANSWER, _DATE = Message("结论", "answer"), Message("日期", "date")
_REASONS, _NOTES, _STEPS = (
    Message("理由", "Reasons"),
    Message("说明", "Notes"),
    Message("逐步说明", "Step by step"),
)
_SETTLED = (
    Message("记录", "row"),
    Message("项目", "of"),
    Message("已结算", "settled"),
    Message("按规则", "by the rules"),
    Message("差额", "difference"),
)
_REVERSED = Message("已冲销", "Cancelled")
_PAIR = Message("{title} {key} 由 {by} 冲销，均不计入", "{title} {key} is cancelled by {by}; neither counts")
_REJECTED = Message("退回记录", "Rejects")
_UNRULED = Message("规则未覆盖：{names}。", "Not modelled: {names}.")
_PROVISIONAL = Message("依据暂定数值：{names}", "Rests on provisional figures: {names}")
_COLON = Message("：", ": ")
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

    def text(self, checked: Checked, explain: bool) -> str:
        """The whole answer; with `explain`, every step too."""
        return "\n".join(self._parts(checked, explain)).rstrip()

    def _say(self, message: Message) -> str:
        return output.printable(message.in_(self.lang))

    def _parts(self, checked: Checked, explain: bool) -> Iterator[str]:
        result = checked.result
        title = self._say(self.program.entities[self.program.entry].title)
        yield _HEAD.in_(self.lang).format(title=title, key=output.printable(result.key), day=result.as_of)
        yield ""
        ruled = [benefit for benefit in result.benefits.values() if benefit.status != "not_modelled"]
        if ruled:
            yield self._benefits(ruled)
            yield ""
        yield from self._unruled(benefit for benefit in result.benefits.values() if benefit not in ruled)
        if own := list(self._own(checked)):
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
        reasons = [*self._benefit_reasons(checked), *self._row_reasons(checked)]
        if reasons:
            yield from self._list(_REASONS, reasons)
        if result.rejected:
            yield from self._list(_REJECTED, (self._rejection(reject) for reject in result.rejected))
        if explain:
            yield f"{self._say(_STEPS)}{self._say(_COLON).rstrip()}"
            yield Explanation(self.words, self.lang).text(self.checker.explainer.trace(checked.case))
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
        return output.table([self._say(item) for item in _SETTLED], rows, right=[2, 3, 4])

    def _pair(self, by: Row, row: Row) -> str:
        title = self._say(self.program.entities[row.entity].title)
        keys = output.printable(row.key), output.printable(by.key)
        return self._say(_PAIR).format(title=title, key=keys[0], by=keys[1])

    # -- benefits ------------------------------------------------------------------------------

    def _benefits(self, results: Iterable[BenefitResult]) -> str:
        rows = [
            (
                self._say(self._title(result)),
                self._say(STATUS[result.status]),
                "" if result.amount is None else f"{result.amount:,.2f}",
                self._say(_DELIVERY[result.benefit.delivery]),
            )
            for result in results
        ]
        return output.table([self._say(item) for item in _BENEFIT], rows, right=[2])

    def _own(self, checked: Checked) -> Iterator[tuple[str, str]]:
        """The decisions about the person that results show, those that are modelled."""
        for row, decision in self.checker.own_decisions(checked):
            if row.values[decision.name] is not NOT_MODELLED:
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

    def _unruled(self, results: Iterable[BenefitResult]) -> Iterator[str]:
        """The benefits without a rule for this person, in one line."""
        names = [self._say(result.benefit.title) for result in results]
        if names:
            line = _UNRULED.in_(self.lang).format(names=("、" if self.lang == "zh" else "; ").join(names))
            yield from output.fold(line, self.columns)
            yield ""

    def _benefit_reasons(self, checked: Checked) -> Iterator[str]:
        case = checked.case
        for benefit in checked.result.benefits.values():
            if benefit.status == "not_modelled":
                continue
            decided = self.words.provisions.get(benefit.reason)
            cited = benefit.benefit.citation if decided is None else decided.citation
            reason = self.words.of_benefit(benefit, self.checker.explainer, case)
            shows = [
                f"{self._say(self.words.decisions[benefit.row.entity, name].title)} {self._decided(benefit.row, name)}"
                for name in benefit.benefit.shows
                if benefit.status == "eligible"
                or (benefit.status == "undetermined" and not isinstance(benefit.row.values[name], Unknown))
            ]
            yield self._reason(
                self._title(benefit), [self._say(reason), *shows, self._say(self.words.citation(cited))]
            )
            if benefit.status == "eligible":
                yield from self._provisional(self.checker.footing(case, benefit).provisional)

    def _decided(self, row: Row, name: str) -> str:
        decision = self.words.decisions[row.entity, name]
        return self._say(self.words.value(row.values[name], decision.written, decision.type))

    def _reason(self, title: Message, parts: Iterable[str]) -> str:
        stop = "。" if self.lang == "zh" else ". "
        return f"{self._say(title)}{self._say(_COLON)}{stop.join(filter(None, parts))}{stop.strip()}"

    def _provisional(self, names: tuple[str, ...]) -> Iterator[str]:
        if names:
            titles = [self._say(self.words.provisional(name)) for name in names]
            yield _PROVISIONAL.in_(self.lang).format(names=("、" if self.lang == "zh" else ", ").join(titles))

    # -- rows ----------------------------------------------------------------------------------

    def _rows(self, results: tuple[RowResult, ...]) -> str:
        """Up to four rows side by side, layer by layer; more of them one below the other."""
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
            return output.table(labels, lines, right=range(2, 2 + len(names)))
        across = [[label, *(line[index] for line in lines)] for index, label in enumerate(labels)]
        return output.table(across[0], across[1:], right=range(1, len(lines) + 1))

    def _cell(self, entity: str, name: str, result: RowResult) -> str:
        decision = self.words.decisions[entity, name]
        return self._say(self.words.value(result.values[name], decision.written, decision.type))

    def _row_reasons(self, checked: Checked) -> Iterator[str]:
        """One line a row; what several rows rest on is said once."""
        provisional: set[str] = set()
        for row in checked.result.rows:
            decided = self.words.provisions.get(row.reason)
            cited = "" if decided is None else self._say(self.words.citation(decided.citation))
            yield self._reason(Message(row.row.key, row.row.key), [self._say(self.words.of_row(row)), cited])
            if row.status == "decided":
                provisional |= set(self.checker.row_footing(checked.case, row).provisional)
        yield from self._provisional(tuple(sorted(provisional)))

    def _rejection(self, rejected: Rejected) -> str:
        title = self._say(self.program.entities[rejected.entity].title)
        named = f"{title} {output.printable(rejected.key)}".rstrip()  # nobody told of a home has no key
        return f"{named}{self._say(_COLON)}{self._say(rejected.rejection.message)}"
