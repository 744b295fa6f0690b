"""The catalogue of a rulebook as it reads on a terminal.

In: items of a catalogue. Out: text in one language: headings, tables, indented lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mianshen.casework.wording import BASIS, Words, number
from mianshen.interpreter.formula import to_text
from mianshen.places import shown_place
from mianshen.policy.catalogue import Catalogue, Item, Kind
from mianshen.program.program import Citation, Dated, Decision, Parameter, Provision
from mianshen.source import Lang, Message
from mianshen_cli import output

_KINDS: dict[Kind, tuple[Message, Message]] = {
    "benefit": (Message("待遇", "benefit"), Message("待遇", "Benefits")),
    "decision": (Message("决定", "decision"), Message("决定", "Decisions")),
    "provision": (Message("条款", "provision"), Message("条款", "Provisions")),
    "planned": (Message("计划中的条款", "planned provision"), Message("计划中的条款", "Planned provisions")),
    "parameter": (Message("参数", "parameter"), Message("参数", "Parameters")),
    "function": (Message("函数", "function"), Message("函数", "Functions")),
    "accumulator": (Message("累计", "accumulator"), Message("累计", "Accumulators")),
    "fact": (Message("事实", "fact"), Message("事实", "Facts")),
    "codes": (Message("代码表", "code list"), Message("代码表", "Code lists")),
    "entity": (Message("实体", "entity"), Message("实体", "Entities")),
    "source": (Message("来源", "source"), Message("来源", "Sources")),
}
_LABELS = {
    "where": Message("地区", "area"),
    "everywhere": Message("全国", "everywhere"),
    "holds": Message("有效期", "holds"),
    "when": Message("条件", "when"),
    "value": Message("取值", "value"),
    "limit": Message("限额", "limit"),
    "fallback": Message("兜底：其他条款都不适用时", "fallback: only where no other provision applies"),
    "exceptions": Message("例外", "exceptions"),
    "pilot": Message("试点", "pilot"),
    "clause": Message("依据", "clause"),
    "note": Message("备注", "note"),
    "place": Message("位置", "place"),
    "type": Message("类型", "type"),
    "least": Message("最小", "least"),
    "most": Message("最大", "most"),
    "absent": Message("未提供时按", "when absent"),
    "required": Message("必填", "required"),
    "sums": Message("汇总", "sums"),
    "over": Message("范围", "over"),
    "per": Message("按", "per"),
    "opening": Message("期初", "opening"),
    "year": Message("年度起始", "year starts"),
    "eligible": Message("资格", "eligible"),
    "amount": Message("金额", "amount"),
    "delivery": Message("发放方式", "delivery"),
    "paid_to": Message("支付给", "paid to"),
    "decides": Message("决定", "decides"),
    "call": Message("用法", "called"),
    "key": Message("主键", "key"),
    "parent": Message("上级", "parent"),
    "date": Message("日期", "date"),
    "check": Message("检查", "check"),
    "number": Message("文号", "number"),
    "reads": Message("用到", "reads"),
    "readers": Message("被用于", "read by"),
}
_UNRULED = Message("没有条款", "no provision")
_FIGURES = tuple(
    Message(*item)
    for item in (("起", "from"), ("止", "until"), ("数值", "value"), ("依据", "basis"), ("条款", "clause"), ("复核", "review by"))
)  # fmt: skip
_NAMES = (Message("名称", "name"), Message("含义", "title"))
_CODES = (Message("代码", "code"), Message("标签", "label"))


class CatalogueView:
    """Puts a catalogue into words."""

    def __init__(self, catalogue: Catalogue, lang: Lang) -> None:
        self.catalogue = catalogue
        self.program = catalogue.program
        self.words = Words(self.program)
        self.lang = lang

    def everything(self) -> str:
        """Every name, a table for each kind."""
        parts = []
        for kind, (_, heading) in _KINDS.items():
            rows = [(str(item), self.title(item)) for item in self.catalogue.of_kind(kind)]
            if rows:
                table = output.table(self._heads(_NAMES), rows)
                parts.append(f"== {heading.in_(self.lang)} ({len(rows)}) ==\n{table}")
        return "\n\n".join(parts)

    def one(self, item: Item) -> str:
        """All there is to say about one item."""
        kind = _KINDS[item.kind][0].in_(self.lang)
        lines = [f"== {kind} {item} ==", self.title(item), *self._body(item)]
        if item.kind == "decision":
            lines.append("")
        for label, items in (("reads", self._read(item)), ("readers", self.catalogue.readers.get(item, ()))):
            lines += self._labelled(label, ", ".join(dict.fromkeys(map(str, items))))
        return "\n".join(lines)

    def title(self, item: Item) -> str:
        return output.printable(self.catalogue.titles[item].in_(self.lang))

    def _read(self, item: Item) -> Iterable[Item]:
        """What an item reads; a decision reads what its provisions read."""
        if item.kind != "decision":
            return self.catalogue.reads.get(item, ())
        provisions = self.program.decision(item.entity, item.name).provisions
        return (read for p in provisions for read in self.catalogue.reads[Item("provision", p.name)])

    def _body(self, item: Item) -> Iterator[str]:
        program, name = self.program, item.name
        match item.kind:
            case "decision":
                yield from self._decision(program.decision(item.entity, name))
            case "provision":
                decision, provision = self.catalogue.provisions[name]
                yield from self._labelled("decides", f"{decision.entity}.{decision.name}")
                yield from self._provision(provision)
            case "planned":
                planned = next(item for item in program.planned if item.name == name)
                yield from self._labelled("decides", planned.decision)
                yield from self._clause(planned.citation)
            case "parameter":
                yield from self._parameter(name)
            case "accumulator":
                yield from self._accumulator(name)
            case "fact":
                yield from self._fact(item)
            case "benefit":
                yield from self._benefit(name)
            case "codes":
                rows = [(code, title.in_(self.lang)) for code, title in program.codes[name].values.items()]
                yield output.table(self._heads(_CODES), rows)
            case "entity":
                yield from self._entity(name)
            case "function":
                yield from self._labelled("call", program.functions[name].call)
                yield from self._labelled("value", program.functions[name].text)
            case "source":
                yield from self._labelled("number", program.sources[name].number)

    # -- kinds -------------------------------------------------------------------------------

    def _decision(self, decision: Decision) -> Iterator[str]:
        yield from self._labelled("type", decision.written)
        if not decision.provisions:
            yield f"  {_UNRULED.in_(self.lang)}"
        for provision in decision.provisions:
            yield ""
            yield f"- {provision.name}  {output.printable(provision.title.in_(self.lang))}"
            yield from self._provision(provision)

    def _provision(self, provision: Provision) -> Iterator[str]:
        areas = ", ".join(shown_place(code, self.lang) for code in provision.areas) or _LABELS[
            "everywhere"
        ].in_(self.lang)
        yield from self._labelled("where", areas)
        if provision.start or provision.end:
            yield from self._labelled("holds", f"{provision.start or '…'} .. {provision.end or '…'}")
        if provision.status == "pilot":
            yield f"  {_LABELS['pilot'].in_(self.lang)}"
        if provision.fallback:
            yield f"  {_LABELS['fallback'].in_(self.lang)}"
        yield from self._labelled("when", provision.when_text)
        yield from self._labelled("value", provision.value_text)
        for limit in provision.limits:
            yield from self._labelled("limit", f"{limit.text} ({limit.accumulator})")
        yield from self._labelled("exceptions", ", ".join(provision.exceptions))
        yield from self._clause(provision.citation)
        yield from self._labelled("note", provision.note)
        yield from self._labelled("place", str(provision.span))

    def _parameter(self, name: str) -> Iterator[str]:
        parameter = self.program.parameters[name]
        yield from self._labelled("type", parameter.written)
        yield from self._labelled("place", str(parameter.span))
        rows = [
            (
                str(dated.start),
                str(dated.end or ""),
                self.figure(parameter, dated),
                BASIS[dated.basis].in_(self.lang),
                self.words.citation(dated.citation).in_(self.lang),
                str(dated.review_by or ""),
            )
            for dated in parameter.series
        ]
        yield output.table(self._heads(_FIGURES), rows, right=[2])
        for dated in parameter.series:
            yield from self._labelled("note", None if dated.note is None else f"{dated.start} {dated.note}")

    def figure(self, parameter: Parameter, dated: Dated) -> str:
        """A value of a series; a scale bracket by bracket."""
        if dated.brackets is not None:
            return "; ".join(
                f"> {number(over, 'money')}: {number(rate, 'rate')}" for over, rate in dated.brackets
            )
        if dated.known is None:
            return ""
        return self.words.value(dated.known, parameter.written, parameter.type).in_(self.lang)

    def _accumulator(self, name: str) -> Iterator[str]:
        accumulator = self.program.accumulators[name]
        yield from self._labelled("sums", f"{accumulator.entity}.{accumulator.sums}")
        yield from self._labelled("per", ", ".join(f"{entity}.{fact}" for entity, fact in accumulator.per))
        opening = accumulator.opening
        yield from self._labelled("opening", None if opening is None else ".".join(opening))
        if accumulator.over is not None:
            yield from self._labelled("over", to_text(accumulator.over, accumulator.entity))
        month, day = accumulator.year_start
        yield from self._labelled("year", f"{month:02}-{day:02}")

    def _fact(self, item: Item) -> Iterator[str]:
        fact = self.program.facts[item.entity, item.name]
        yield from self._labelled("type", fact.written)
        if fact.required:
            yield f"  {_LABELS['required'].in_(self.lang)}"
        for label, value in (("least", fact.low), ("most", fact.high), ("absent", fact.when_absent)):
            if value is not None:
                yield from self._labelled(
                    label, self.words.value(value, fact.written, fact.type).in_(self.lang)
                )

    def _benefit(self, name: str) -> Iterator[str]:
        benefit = self.program.benefits[name]
        yield from self._labelled("eligible", f"{benefit.entity}.{benefit.eligible}")
        yield from self._labelled(
            "amount", None if benefit.amount is None else f"{benefit.entity}.{benefit.amount}"
        )
        yield from self._labelled("delivery", benefit.delivery)
        yield from self._labelled(
            "paid_to", None if benefit.paid_to is None else benefit.paid_to.in_(self.lang)
        )
        yield from self._clause(benefit.citation)

    def _entity(self, name: str) -> Iterator[str]:
        entity = self.program.entities[name]
        for label, value in (
            ("key", entity.key),
            ("parent", entity.parent),
            ("date", entity.date),
            ("where", entity.area),
        ):
            yield from self._labelled(label, value)
        for check in entity.checks:
            yield from self._labelled("check", f"{check.text}  {check.title.in_(self.lang)}")

    # -- lines -------------------------------------------------------------------------------

    def _clause(self, citation: Citation) -> Iterator[str]:
        yield from self._labelled("clause", self.words.citation(citation).in_(self.lang))

    def _labelled(self, label: str, text: str | None) -> Iterator[str]:
        """`  label  text`, several lines of text below each other; nothing for no text."""
        if text:
            head = _LABELS[label].in_(self.lang)
            gap = " " * max(12 - output.width(head), 1)
            for index, line in enumerate(text.rstrip().split("\n")):
                yield f"  {head}{gap}{line}" if index == 0 else " " * 14 + line

    def _heads(self, heads: Sequence[Message]) -> list[str]:
        return [head.in_(self.lang) for head in heads]
