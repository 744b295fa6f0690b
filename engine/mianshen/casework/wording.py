"""Values, missing facts and reasons in words that a caseworker can use.

In: results of the interpreter, the vocabulary. Out: `Message`s in both languages.
Invariants: titles come from the vocabulary; the value of a personal fact is never repeated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from mianshen.interpreter.result import BenefitResult, RowResult
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.explain import Explainer
from mianshen.interpreter.trace.reads import Name
from mianshen.interpreter.trace.walk import Input
from mianshen.places import place_name, shown_place
from mianshen.program.calendar import MISSING
from mianshen.program.core import AsOf, Code, DecisionRef, Listing, String, Type
from mianshen.program.program import Citation, Program, Provision
from mianshen.source import Message, listed
from mianshen.values import NOT_MODELLED, Missing, Unknown, Value

UNKNOWN = Message("未知", "unknown")
DAY_DECIDED_FOR = Message("核定日", "decision date")
UNRULED = Message("规则未覆盖", "not modelled")
YES, NO = Message("是", "yes"), Message("否", "no")
PERSONAL = Message("（不显示）", "(not shown)")
BASIS = {
    "cited": Message("有文号依据", "cited"),
    "provisional": Message("暂定", "provisional"),
    "missing": Message("尚未公布", "not published"),
}
STATUS = {
    "eligible": Message("符合", "eligible"),
    "ineligible": Message("不符合", "not eligible"),
    "undetermined": Message("待定", "undetermined"),
    "not_modelled": Message("规则未覆盖", "not modelled"),
    "decided": Message("已核定", "decided"),
}
DELIVERY: dict[str, Message] = {
    "automatic": Message("自动办理", "automatic"),
    "confirm": Message("确认后办理", "on confirmation"),
    "application": Message("申请办理", "on application"),
}
LIMIT = Message(
    "年度限额“{title}”：限额 {limit}，此前已计 {before}，应支付 {raw}，实支付 {paid}，超限额 {withheld}",
    "annual limit '{title}': limit {limit}, counted before {before}, due {raw}, paid {paid}, above the limit {withheld}",
)
STAND_IN = Message(
    "{title}：代用（{of}，本地规定待录入）", "{title}: stand-in ({of}; the local one is not entered)"
)


def named_place(code: str) -> Message:
    """A place by its name, the code after it."""
    return Message(shown_place(code), shown_place(code, "en"))


def known_of(missing: Missing, home: Row) -> str | None:
    """What is known of a missing fact after all: of a place too coarse to tell, its code."""
    *_, top = home.lineage()
    pending = [top]
    while pending:
        row = pending.pop()
        if (row.entity, row.key) == (missing.entity, missing.key) and missing.name in row.facts:
            return str(row.facts[missing.name])
        pending += [*row.children, *row.versions]
    return None


class Words:
    """Says things about one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.provisions: dict[str, Provision] = {
            provision.name: provision for decision in program.decisions for provision in decision.provisions
        }
        self.decisions = {decision.key: decision for decision in program.decisions}

    def provisional(self, name: str) -> Message:
        """A provisional figure or provision by its title; of a stand-in, whose rule it is."""
        provision = self.provisions.get(name)
        named = self.program.parameters.get(name) or provision
        if named is None:
            return Message(name, name)
        stand_in = None if provision is None else provision.stand_in
        if stand_in is None:
            return named.title
        return STAND_IN.filled(title=named.title, of=stand_in.of)

    # -- values --------------------------------------------------------------------------------

    def value(self, value: Value | AsOf | None, written: str = "", type_: Type | None = None) -> Message:
        """A value as people read it: money with two decimals, codes by their label, rates in percent."""
        match value:
            case None:
                return Message("—", "-")
            case Unknown():
                return UNKNOWN
            case AsOf():
                return DAY_DECIDED_FOR
            case bool():
                return YES if value else NO
            case Decimal():
                text = number(value, written)
                return Message(text, text)
            case dt.date():
                text = value.isoformat()
                return Message(text, text)
            case str() if isinstance(type_, Code):
                return self.program.codes[type_.codes].values.get(value, Message(value, value))
            case str() if type_ == String(area=True):
                return named_place(value)
            case str():
                return Message(value, value)
            case tuple():
                item = type_.item if isinstance(type_, Listing) else None
                return listed(self.value(entry, "", item) for entry in value)
            case _:
                return UNRULED

    def title(self, input_: Input) -> Message:
        """What a name that was read is called."""
        name = input_.name
        match name.kind:
            case "fact":
                return self.program.facts[name.entity, name.name].title
            case "decision":
                return self.decisions[name.entity, name.name].title
            case "parameter":
                return self.program.parameters[name.name].title
            case "year_to_date":
                return self.program.accumulators[name.name].title
            case "as_of":
                return DAY_DECIDED_FOR

    def shown(self, input_: Input) -> Message:
        """The value of a name that was read."""
        name = input_.name
        match name.kind:
            case "fact":
                fact = self.program.facts[name.entity, name.name]
                known = not isinstance(input_.value, Unknown)
                return (
                    PERSONAL if fact.personal and known else self.value(input_.value, fact.written, fact.type)
                )
            case "decision":
                decision = self.decisions[name.entity, name.name]
                return self.value(input_.value, decision.written, decision.type)
            case "parameter":
                return self.figure(input_)
            case "year_to_date":
                accumulator = self.program.accumulators[name.name]
                summed = self.decisions[accumulator.entity, accumulator.sums]
                return self.value(input_.value, "integer" if accumulator.counts else summed.written)
            case "as_of":
                return self.value(input_.value)

    def figure(self, input_: Input) -> Message:
        """A parameter's value; a scale bracket by bracket."""
        parameter = self.program.parameters[input_.name.name]
        dated = input_.dated
        if dated is not None and dated.brackets is not None:
            return listed(_bracket(over, rate) for over, rate in dated.brackets)
        if dated is not None and dated.value is None:
            return Message("未公布", "not published")
        return self.value(input_.value, parameter.written, parameter.type)

    def citation(self, citation: Citation) -> Message:
        """The document by title, and the clause."""
        source = self.program.sources.get(citation.source or "")
        title = Message(citation.source or "", citation.source or "") if source is None else source.title
        numbered = "" if source is None or source.number is None else source.number
        clause = citation.clause or ""
        return Message(
            " ".join(filter(None, (title.zh, numbered, clause))),
            " ".join(filter(None, (title.en, numbered, clause))),
        )

    # -- what is missing -----------------------------------------------------------------------

    def missing(self, missing: Iterable[Missing], home: Row) -> Message:
        """The facts and figures that are missing, by title and name, and whose they are."""
        return listed(self._missing(fact, home) for fact in sorted(missing))

    def _missing(self, missing: Missing, home: Row) -> Message:
        name = missing.name
        if name.startswith("parameter "):
            parameter = self.program.parameters[name.removeprefix("parameter ")]
            title = parameter.title
            return Message(
                f"{title.zh}（{parameter.name}，尚未公布）", f"{title.en} ({parameter.name}, not published)"
            )
        if name.startswith(MISSING):
            year = name.removeprefix(MISSING)
            return Message(
                f"{year} 年工作日历（{name}，尚未公布）", f"working days of {year} ({name}, not published)"
            )
        whose = self.owner(missing, home)
        fact = self.program.facts.get((missing.entity, name))
        if fact is not None:
            code = known_of(missing, home) if fact.type == String(area=True) else None
            known = "" if code is None else place_name(code)
            zh, en = (f"，只知道在{known}", f", known only to be in {known}") if known else ("", "")
            return Message(
                f"{whose.zh}{fact.title.zh}（{name}{zh}）", f"{fact.title.en} ({name}{en}){whose.en}"
            )
        if name == f"{missing.entity} {missing.key}":
            title = self.program.entities[missing.entity].title
            key = Message(f" {missing.key}", f" {missing.key}")
            if missing.key.startswith("#"):
                key = Message(f"（无编号，{missing.key}）", f" without a number ({missing.key})")
            return Message(f"被退回的{title.zh}{key.zh}", f"the rejected {title.en}{key.en}")
        below = next(
            (e.title.zh for e in self.program.entities.values() if name == (e.children or e.name)), name
        )
        return Message(f"{whose.zh}其余{below}", f"the other {name}{whose.en}")

    def owner(self, missing: Missing, home: Row) -> Message:
        """Whose fact it is, unless it is the row's own or that of something above it."""
        own = any((row.entity, row.key) == (missing.entity, missing.key) for row in home.lineage())
        if own or missing.entity not in self.program.entities:
            return Message("", "")
        title = self.program.entities[missing.entity].title
        return Message(f"{title.zh} {missing.key} 的", f" of {title.en} {missing.key}")

    # -- reasons -------------------------------------------------------------------------------

    def of_benefit(self, result: BenefitResult, explainer: Explainer, row: Row | None = None) -> Message:
        """Why a benefit is due, is not, or cannot be told, in one sentence; at the person, or another row."""
        at = result.row if row is None else row
        match result.status:
            case "not_modelled":
                return Message("规则未覆盖此情形", "The rulebook has no rule for this case")
            case "undetermined":
                missing = self.missing(result.missing, at)
                return Message(f"待定，缺少：{missing.zh}", f"Cannot be told yet; missing: {missing.en}")
            case "eligible" | "ineligible":
                return self._decided(result, explainer, at)

    def _decided(self, result: BenefitResult, explainer: Explainer, row: Row) -> Message:
        because = self.because(explainer, row, result.benefit.eligible)
        verdict = (
            Message("符合", "Eligible") if result.status == "eligible" else Message("不符合", "Not eligible")
        )
        words = Message(f"{verdict.zh}。{because.zh}", f"{verdict.en}. {because.en}")
        if not result.missing:
            return words
        missing = self.missing(result.missing, row)
        amount = result.benefit.amount is not None and result.amount is None
        open_ = Message("金额", "The amount") if amount else Message("其余事项", "The rest")
        return Message(
            f"{words.zh}。{open_.zh}尚不能确定，缺少：{missing.zh}",
            f"{words.en}. {open_.en} cannot be told yet; missing: {missing.en}",
        )

    def because(self, explainer: Explainer, row: Row, decision: str) -> Message:
        """The provision that settled a decision, with the values that did; handed on, the one behind it."""
        title, facts = self.grounds(explainer, row, decision)
        if not facts.en:
            return title
        return Message(f"{title.zh}（{facts.zh}）", f"{title.en} ({facts.en})")

    def grounds(self, explainer: Explainer, row: Row, decision: str) -> tuple[Message, Message]:
        """The title of that provision and the values, apart."""
        provision, read = explainer.basis(row, decision)
        value = provision.value
        if isinstance(value, DecisionRef) and read:
            holder = read[0][1]
            if holder.chosen.get(value.name):
                return self.grounds(explainer, holder, value.name)
        zh, en = list[str](), list[str]()
        for name, holder in _distinct(read)[:4]:
            item = explainer.input(name, holder)
            title, value_words = self.title(item), self.shown(item)
            zh.append(f"{title.zh}：{value_words.zh}")
            en.append(f"{title.en}: {value_words.en}")
        return provision.title, Message("、".join(zh), ", ".join(en))

    def of_row(self, result: RowResult) -> Message:
        """Why a row is decided as it is, or is not."""
        match result.status:
            case "decided":
                provision = self.provisions.get(result.reason)
                return Message("按规定核定", "Decided by the rules") if provision is None else provision.title
            case "undetermined":
                missing = self.missing(result.missing, result.row)
                return Message(
                    f"尚不能核定，缺少：{missing.zh}", f"Cannot be told yet; missing: {missing.en}"
                )
            case "not_modelled":
                first = next((name for name, value in result.values.items() if value is NOT_MODELLED), None)
                if first is None:
                    return Message("规则库没有适用的规定", "The rulebook has no rule for it")
                title = self.decisions[result.row.entity, first].title
                return Message(
                    f"规则库对此未规定{title.zh}", f"The rulebook has no rule here for: {title.en}"
                )


def _distinct(read: Iterable[tuple[Name, Row]]) -> list[tuple[Name, Row]]:
    """One for each name, as first read."""
    rows: dict[Name, Row] = {}
    for name, row in read:
        rows.setdefault(name, row)
    return list(rows.items())


def number(value: Decimal, written: str) -> str:
    """A number for people: money with separators and two decimals, a rate in percent."""
    if written == "money":
        return f"{value:,.2f}"
    if written == "rate":
        return f"{_plain(value * 100)}%"
    return _plain(value)


def _bracket(over: Decimal, rate: Decimal) -> Message:
    floor, share = number(over, "money"), number(rate, "rate")
    return Message(f"{floor} 以上 {share}", f"above {floor} {share}")


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
