"""Accumulators: what is added up over earlier rows, typed.

In: accumulators as written. Out: `Accumulator`s, `foldless` not yet told. One that counts rows adds up a decision
of its own, 1.00 on every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.document.accumulator_part import AccumulatorPart
from mianshen.document.diagnostics import missing_key
from mianshen.elaboration.provision_parts import PartChecks, conjunction
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.formulas.symbol_table import AccumulatorName, describe
from mianshen.program import diagnostics
from mianshen.program.core import Const, Numeric, Type
from mianshen.program.literals import MONEY
from mianshen.program.program import Accumulator, Citation, Decision, Key, Provision
from mianshen.source import Message, Span
from mianshen.values import ONE

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import Accumulator as AccumulatorModel


MONEY_WORDS: Final = Message("金额", "an amount of money")
NUMBER_WORDS: Final = Message("数值", "a number")
SPLITTING: Final = (
    "text",
    "boolean",
    "integer",
    "date",
    "area",
    "code",
)  # types of facts that a sum is kept per
MOST_DAYS: Final = 36_600


@dataclass(frozen=True, slots=True)
class AccumulatorChecks:
    """Types every accumulator."""

    checks: PartChecks

    def all(self) -> dict[str, Accumulator]:
        """The accumulators that are sound."""
        sound: dict[str, Accumulator] = {}
        for name, model in self.checks.document.accumulators.items():
            entity = self.checks.names.entities.get(model.entity)
            if _is_anybodys(model, self.checks.document):
                such, span = _dated(self.checks.document), self.checks.document.span("accumulators", name)
                self.checks.diagnostics.append(missing_key(span, "entity", such[0] if such else ""))
            elif entity is None:
                self._unknown(name, "entity", "entities", model.entity, self.checks.names.entities)
            elif entity.parent is None or entity.date is None:
                span = self.checks.document.span("accumulators", name, "entity")
                self.checks.diagnostics.append(diagnostic("E339.undated", span, entity=model.entity))
            else:
                accumulator = self._accumulator(name, entity.parent)
                if accumulator is not None:
                    sound[name] = accumulator
        return sound

    def _accumulator(self, name: str, parent: str) -> Accumulator | None:
        model = self.checks.document.accumulators[name]
        holder = self._holder(name, parent)
        per = self._per(name, holder)
        above = {holder, *self.checks.names.ancestors(holder)}
        varying = tuple(key for key in per if key[0] not in above)
        self._opening(name, holder, varying)
        if model.summed is not None:
            self._sums(name, model.summed)
        start, days = self._year_start(name), self._days(name)
        over = None
        if model.over is not None:
            parts = self.checks.condition(model.entity, ("accumulators", name, "over"))
            if parts is None:
                return None
            over = conjunction(parts)
        opening = None if model.opening is None else (holder, model.opening)
        whole, part = self._part(name)
        self._dates(name)
        return Accumulator(
            name, message(model.title), model.entity, model.summed or counted(name), over, per, opening, start,
            period=model.period, days=days, holder=holder, counts=model.summed is None, varying=varying,
            counted_by=None if part is None else part.counted_by, read_by=None if part is None else part.read_by,
            part_of=whole, settled_with=None if part is None else part.settled_with,
        )  # fmt: skip

    def _part(self, name: str) -> tuple[str | None, AccumulatorPart | None]:
        """The accumulator that it is a part of, and the part."""
        parts = ((whole, part) for whole, parts in self.checks.document.parts.items() for part in parts)
        return next(((whole, part) for whole, part in parts if part.name == name), (None, None))

    def _dates(self, name: str) -> None:
        """Another date that a decision counts by is a date of its row."""
        model, names = self.checks.document.accumulators[name], self.checks.names
        for decision, fact in model.dates.items():
            known = [
                n for (owner, n), f in names.facts.items() if owner == model.entity and f.written == "date"
            ]
            if fact not in known:
                kind = Message("日期事实", "date fact")
                self._unknown(name, ("dates", decision), "facts", fact, known, kind)
            summed = [part.decision for part in self.checks.document.parts.get(name, ())]
            if decision not in summed:
                self._unknown(name, ("dates", decision), "decisions", decision, summed)

    def _holder(self, name: str, parent: str) -> str:
        """The entity whose rows share the accumulator."""
        model, names = self.checks.document.accumulators[name], self.checks.names
        above = names.ancestors(model.entity)
        if model.holder is None or model.holder in above:
            return model.holder or parent
        span = self.checks.document.span("accumulators", name, "holder")
        self.checks.diagnostics.append(diagnostics.not_above(span, model.holder, model.entity, above))
        return parent

    def _per(self, name: str, holder: str) -> tuple[Key, ...]:
        """The facts that split the sum: the holder's or above it, else the row's own or between the two."""
        model, names = self.checks.document.accumulators[name], self.checks.names
        owners, keys = (holder, *names.ancestors(holder), model.entity, *names.ancestors(model.entity)), []
        for index, fact in enumerate(model.per):
            key = next(((owner, fact) for owner in owners if (owner, fact) in names.facts), None)
            if key is None:
                known = [known for owner, known in names.facts if owner in owners]
                self._unknown(name, ("per", index), "facts", fact, known)
            elif names.facts[key].written.partition(" ")[0] not in SPLITTING:
                why = Message("只能按代码、文本、是非、日期、整数或地区分开累计", "it is a code, text, true or false, date, "
                              "whole number or area that splits a sum")  # fmt: skip
                span = self.checks.document.span("accumulators", name, "per", index)
                self.checks.diagnostics.append(diagnostic("E361.cannot_split", span, fact=fact, why=why))
            else:
                keys.append(key)
        return tuple(keys)

    def _opening(self, name: str, holder: str, varying: tuple[Key, ...]) -> None:
        """The holder's fact that opens the sum; one balance cannot be shared out among several."""
        model, names = self.checks.document.accumulators[name], self.checks.names
        if model.opening is None:
            return
        span = self.checks.document.span("accumulators", name, "opening")
        opening = names.facts.get((holder, model.opening))
        if opening is None:
            known = [fact for owner, fact in names.facts if owner == holder]
            self._unknown(name, "opening", "facts", model.opening, known)
        elif opening.written not in ("money", "integer"):
            self.checks.diagnostics.append(diagnostics.wrong_type(span, MONEY_WORDS, describe(opening.type)))
        if model.days_before is not None or varying:
            why = Message(
                "期初余额只有一个，不能分给多个累计", "there is one opening balance for all its sums"
            )
            self.checks.diagnostics.append(diagnostic("E361.cannot_split", span, fact=model.opening, why=why))

    def _days(self, name: str) -> int | None:
        """How many days before a row count, instead of a period."""
        written = self.checks.document.accumulators[name].days_before
        if written is None:
            return None
        if written.isascii() and written.isdigit() and 0 < int(written) <= MOST_DAYS:
            return int(written)
        span = self.checks.document.span("accumulators", name, "days_before")
        wanted = Message(f"天数（1 至 {MOST_DAYS}）", f"a number of days from 1 to {MOST_DAYS}")
        self.checks.diagnostics.append(diagnostics.bad_literal(span, written, wanted))
        return None

    def _sums(self, name: str, sums: str) -> None:
        """What is added up is a number."""
        model = self.checks.document.accumulators[name]
        path = ("accumulators", name, "sums")
        type_ = self.checks.vocabulary.decision_named(model.entity, sums, path)
        if type_ is not None and not isinstance(type_, Numeric):
            span = self.checks.document.span(*path)
            self.checks.diagnostics.append(diagnostics.wrong_type(span, NUMBER_WORDS, describe(type_)))

    def _year_start(self, name: str) -> tuple[int, int]:
        """The month and day the benefit year begins on."""
        written, names = self.checks.document.accumulators[name].year_starts, self.checks.names
        if written is None:
            return 1, 1
        parameter = names.parameters.get(written)
        if parameter is not None and parameter.month_day is not None:
            return parameter.month_day
        known = [part for part, p in names.parameters.items() if p.month_day]
        kind = Message("月-日参数", "month_day parameter")
        self._unknown(name, "year_starts", "parameters", written, known, kind)
        return 1, 1

    def _unknown(
        self,
        name: str,
        part: str | tuple[str | int, ...],
        section: str,
        written: str,
        known: Iterable[str],
        kind: Message | None = None,
    ) -> None:
        path = (part,) if isinstance(part, str) else part
        span = self.checks.document.span("accumulators", name, *path)
        self.checks.vocabulary.unknown(span, section, written, known, kind)


def with_entities(document: Document) -> Document:
    """The document with the entity that each accumulator is meant to be of, where it does not say and there is no claim.

    That of the decision it sums; of one that counts rows, the one dated entity there is.
    """
    models = {name: _meant(document, model) for name, model in document.accumulators.items()}
    return replace(document, accumulators=models)


def _meant(document: Document, model: AccumulatorModel) -> AccumulatorModel:
    """The accumulator of that entity; as it is where it says one, or several may be meant."""
    owners = [e for e, decisions in document.decisions.items() if model.summed in decisions]
    likely = _dated(document) if model.summed is None else owners
    meant = _is_anybodys(model, document) and len(likely) == 1
    return model.model_copy(update={"entity": likely[0]}) if meant else model


def _is_anybodys(model: AccumulatorModel, document: Document) -> bool:
    return "entity" not in model.model_fields_set and model.entity not in document.entities


def _dated(document: Document) -> list[str]:
    """The entities whose rows can be added up in turn."""
    return [n for n, e in document.entities.items() if e.date is not None and e.parent is not None]


def with_parts(document: Document) -> Document:
    """The document with accumulators of several decisions, or of several dates, taken apart.

    A part for each decision and each date that a balance is read by, and, of what may be settled, for each other decision
    that reads it; the first keeps the name.
    """
    settled = {fact.settles for facts in document.facts.values() for fact in facts.values()}
    for name, model in document.accumulators.items():
        if len(model.sums) < 2 and not model.dates:
            continue
        parts: dict[AccumulatorPart, AccumulatorModel] = {}
        for read_by in (None, *dict.fromkeys(model.dates.values())):
            for decision in model.sums:
                own = "" if decision == model.sums[0] else f"__{decision}"
                part_name = f"{name}{own}__by_{read_by}" if read_by else f"{name}{own}"
                opening = model.opening if decision == model.sums[0] else None
                others = model.sums if decision in settled else ()
                for reader in (None, *(other for other in others if other != decision)):
                    reader_name = f"{part_name}__for_{reader}" if reader else part_name
                    part = AccumulatorPart(reader_name, decision, model.dates.get(decision), read_by, reader)
                    changed = {"sums": (decision,), "opening": opening, "dates": {} if parts else model.dates}
                    parts[part] = model.model_copy(update=changed)
        document = document.in_parts(name, parts)
    return document


def counted(name: str) -> str:
    """The decision, 1.00 on every row, that an accumulator adds up which counts rows."""
    return f"{name}__counted"


def accumulator_names(vocabulary: Vocabulary) -> dict[str, AccumulatorName]:
    """The accumulators as formulas see them."""
    return {
        name: AccumulatorName(
            model.entity,
            _scale(vocabulary, model.entity, model.summed),
            model.summed is None,
            vocabulary.document.parts.get(name, ()),
        )
        for name, model in vocabulary.document.accumulators.items()
        if not _is_anybodys(model, vocabulary.document)
    }


def of_nobody(document: Document) -> set[str]:
    """The accumulators that do not say whose rows they add up, where nobody can tell."""
    return {name for name, model in document.accumulators.items() if _is_anybodys(model, document)}


def _scale(vocabulary: Vocabulary, entity: str, sums: str | None) -> int:
    summed = vocabulary.decisions.get((entity, sums or ""))
    return summed.scale if isinstance(summed, Numeric) else MONEY.scale


def counters(vocabulary: Vocabulary) -> dict[Key, Type]:
    """The decisions that counting accumulators add up."""
    models = vocabulary.document.accumulators.items()
    return {(model.entity, counted(name)): MONEY for name, model in models if model.summed is None}


def counting(accumulator: Accumulator, span: Span) -> Decision:
    """The decision of a counting accumulator."""
    one, name = Const(ONE, MONEY), accumulator.sums
    provision = Provision(
        name, accumulator.title, (), None, None, (), one, (), (accumulator.name,), False, (), "in_force",
        Citation(None, None), None, None, "1", span=span,
    )  # fmt: skip
    return Decision(accumulator.entity, name, MONEY, "money", accumulator.title, (provision,), (), False)
