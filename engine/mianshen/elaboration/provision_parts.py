"""What provisions and the rows of tables have in common: scope, condition, value, limit.

In: the vocabulary, the symbol table, formulas by place. Out: core nodes; mistakes in `diagnostics`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from mianshen.catalogue import diagnostic
from mianshen.closed_sets import ProvisionStatus
from mianshen.document.accumulator_part import AccumulatorPart
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.formulas.calls import MONEY_SUM
from mianshen.formulas.checker import Checker
from mianshen.formulas.formula import Local, Months, Quotient, joined, number
from mianshen.formulas.symbol_table import SymbolTable
from mianshen.places import place_in_rules
from mianshen.program import diagnostics
from mianshen.program.core import (
    AsOf,
    BenefitYear,
    Boolean,
    Const,
    Core,
    Date,
    DecisionRef,
    FactRef,
    If,
    IsKnown,
    Numeric,
    Op,
    Round,
    Type,
    Within,
    YearToDate,
)
from mianshen.program.nodes import as_far_as_modelled, comparison, constant
from mianshen.program.operators import DATE_PARTS
from mianshen.program.periods import SPANS
from mianshen.program.program import Citation, Key, Limit, Provision, StandIn
from mianshen.source import Diagnostic, Message, RuleError, Span
from mianshen.syntax import tree
from mianshen.values import ZERO

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import AnnualLimit, AnnualLimits, LocalNames, ProvisionModel

TRUE: Final = Const(True, Boolean())
_WORD: Final = re.compile("[a-z][a-z0-9_]*|[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*")
Place: TypeAlias = tuple[str | int, ...]  # the path of an entry in the document


@dataclass(slots=True)
class Parses:
    """Parsed formulas by place; each is parsed once, its mistakes reported once."""

    document: Document
    diagnostics: list[Diagnostic] = field(default_factory=list)
    formulas: dict[Place, tree.Expr | None] = field(default_factory=dict)
    cells: dict[Place, tree.Cell | None] = field(default_factory=dict)

    def formula(self, place: Place) -> tree.Expr | None:
        """The surface tree of the formula at `place`, or None when it does not parse."""
        if place not in self.formulas:
            from mianshen.syntax import parse_expression

            try:
                self.formulas[place] = parse_expression(self.document.text(*place))
            except RuleError as error:
                self.diagnostics.extend(error.diagnostics)
                self.formulas[place] = None
        return self.formulas[place]

    def cell(self, place: Place) -> tree.Cell | None:
        """The surface tree of the table cell at `place`, or None when it does not parse."""
        if place not in self.cells:
            from mianshen.syntax import parse_cell

            try:
                self.cells[place] = parse_cell(self.document.text(*place))
            except RuleError as error:
                self.diagnostics.extend(error.diagnostics)
                self.cells[place] = None
        return self.cells[place]


@dataclass
class PartChecks:
    """Types the parts of provisions and rows against one symbol table; `exact` judges precision."""

    vocabulary: Vocabulary
    names: SymbolTable
    parses: Parses
    exact: bool = True
    diagnostics: list[Diagnostic] = field(default_factory=list)
    locals: dict[str, Local] = field(default_factory=dict)  # of the provision or table at hand
    let: dict[str, str] = field(default_factory=dict)  # their formulas

    @property
    def document(self) -> Document:
        return self.vocabulary.document

    def check(self, entity: str, deciding: str = "") -> Checker:
        return Checker(
            self.names, entity, self.exact, self.diagnostics, locals=self.locals, deciding=deciding
        )

    def name_locals(self, entity: str, deciding: str, model: LocalNames, place: Place) -> None:
        """Give the names that a provision or table says under `let` their values, each in turn."""
        self.locals, self.let = {}, dict(model.let)
        names = self.names
        for name in model.let:
            at = (*place, "let", name)
            if (entity, name) in names.facts or (entity, name) in names.decisions or name in names.parameters:
                meaning = Message(f"{entity} 的名称", f"a name of the {entity}")
                self.diagnostics.append(diagnostics.name_taken(self.document.span(*at), name, meaning))
            parsed, checker = self.parses.formula(at), self.check(entity, deciding)
            value = None if parsed is None else checker.visit(parsed, None)
            if parsed is not None and value is not None and not isinstance(value, Quotient | Months):
                value = checker.of_size(name, parsed, value)
            self.locals = {**self.locals, name: Local(entity, value)}

    def provision(
        self, key: Key, name: str, model: ProvisionModel, place: Place, condition: Iterable[Core], value: Core, *,
        limits: tuple[Limit, ...] = (), fallback: bool = False, title: Message | None = None, texts: tuple[str | None, str],
    ) -> Provision:  # fmt: skip
        """A provision from its parts; `texts` are its condition and value as written."""
        status: ProvisionStatus = (
            "in_force" if model.status is None or model.status == "planned" else model.status
        )
        when_text, value_text = texts
        return Provision(
            name=name, title=title or self.title(model, name), areas=model.area or (), start=model.from_, end=model.until,
            condition=tuple(condition), value=value, limits=limits,
            feeds=self.feeds(key, limits), fallback=fallback, exceptions=(), status=status,
            citation=Citation(model.source, model.clause), basis=model.basis,
            when_text=when_text and self.with_names(when_text), value_text=self.with_names(value_text),
            note=model.note, stand_in=_stand_in(model), span=self.document.span(*place),
        )  # fmt: skip

    def with_names(self, text: str) -> str:
        """A formula as written, with those of the local names it uses."""
        used: dict[str, str] = {}
        pending = [text]
        while pending:
            words = set(_WORD.findall(pending.pop()))
            fresh = {
                name: written for name, written in self.let.items() if name in words and name not in used
            }
            used |= fresh
            pending += fresh.values()
        return "; ".join([text, *(f"{name} = {self.let[name]}" for name in self.let if name in used)])

    def title(self, model: ProvisionModel, name: str) -> Message:
        return Message(zh=name, en=name) if model.title is None else message(model.title)

    def cited(self, model: ProvisionModel, place: Place) -> None:
        """A provision names its source and clause."""
        self.vocabulary.source(model.source, *place, "source")
        if model.source is None or model.clause is None:
            self.diagnostics.append(
                diagnostic("E328.uncited", self.document.span(*place), kind=Message("条款", "a provision"))
            )

    # -- formulas ----------------------------------------------------------------------------

    def condition(self, entity: str, place: Place) -> list[Core] | None:
        """The conjuncts of a condition."""
        parsed = self.parses.formula(place)
        whole = None if parsed is None else self.check(entity).condition(parsed)
        if whole is None:
            return None
        return list(whole.args) if isinstance(whole, Op) and whole.op == "and" else [whole]

    def value(self, key: Key, place: Place) -> Core | None:
        """A value of the decision's type, money rounded half up to the fen."""
        parsed = self.parses.formula(place)
        if parsed is None:
            return None
        wanted = self.names.decisions[key]
        if isinstance(wanted, Numeric):
            return self._number(key, parsed, wanted)
        checker = self.check(key[0], key[1])
        plain = checker.value(parsed, wanted)
        if plain is not None and joined(plain.type, wanted) is None:
            checker.wrong(parsed.span, wanted, plain.type)
            return None
        return plain

    def _number(self, key: Key, parsed: tree.Expr, wanted: Numeric) -> Core | None:
        checker = self.check(key[0], key[1])
        rational = checker.rational(parsed)
        if rational is None:
            return None
        top, bottom = rational
        if self.is_money(key):
            return checker.round_to(parsed.span, "half_up", 2, top, bottom)
        if bottom is not None:
            checker.report(diagnostics.loose_quotient(parsed.span))
            return None
        if number(top).scale > wanted.scale:
            checker.report(diagnostics.too_many_decimals(parsed.span, number(top).scale, wanted.scale))
            return None
        return top

    def is_money(self, key: Key) -> bool:
        return self.document.decisions[key[0]][key[1]].type == "money"

    def limits(self, key: Key, written: AnnualLimits, place: Place) -> tuple[Limit, ...] | None:
        """The annual limits of a provision or row; None when one of them is wrong."""
        at = (*place, "annual_limit")
        match written:
            case None:
                typed: list[Limit | None] = []
            case tuple():
                typed = [self._limit(key, one, (*at, number)) for number, one in enumerate(written)]
            case _:
                typed = [self._limit(key, written, at)]
        sound = tuple(limit for limit in typed if limit is not None)
        return sound if len(sound) == len(typed) else None

    def feeds(self, key: Key, limits: tuple[Limit, ...]) -> tuple[str, ...]:
        """The accumulators that a payment counts in: those of its limits, and those that no limit names."""
        named = tuple(limit.accumulator for limit in limits)
        counting = (n for n, a in self.document.accumulators.items() if (a.entity, a.summed) == key)
        also = (name for name in counting if name not in self.limiting or name in self.of_several)
        return tuple(dict.fromkeys((*named, *also)))

    @cached_property
    def of_several(self) -> frozenset[str]:
        """The parts of accumulators: all that their decisions come to counts in them, whoever names them."""
        return frozenset(part.name for parts in self.document.parts.values() for part in parts)

    @cached_property
    def limiting(self) -> frozenset[str]:
        """The accumulators that some limit of the rulebook names."""
        document = self.document
        rows = (row.annual_limit for table in document.tables.values() for row in table.rows)
        written = [*(model.annual_limit for model in document.provisions.values()), *rows]
        several = (w if isinstance(w, tuple) else (w,) for w in written if w is not None)
        return frozenset(one.accumulator for limits in several for one in limits)

    def _limit(self, key: Key, model: AnnualLimit, place: Place) -> Limit | None:
        sound = self._accumulator(key, model.accumulator, (*place, "accumulator"))
        parsed = self.parses.formula((*place, "limit"))
        limit = None if parsed is None else self.check(key[0]).numeric(parsed)
        if parsed is None or limit is None or not sound:
            return None
        most = number_type(self.names.decisions[key]).scale
        if number(limit).scale > most:
            self.diagnostics.append(diagnostics.too_many_decimals(parsed.span, number(limit).scale, most))
            return None
        parts = self.names.accumulators[model.accumulator].parts
        if parts:
            return self._shared_limit(key, model, parts, limit, parsed.span)
        return Limit(model.accumulator, limit, model.limit)

    def _shared_limit(
        self, key: Key, model: AnnualLimit, parts: tuple[AccumulatorPart, ...], limit: Core, span: Span
    ) -> Limit | None:
        """The limit of a decision that shares it with others: less what earlier rows, and the row itself, had of them."""
        own = next(part for part in parts if part.decision == key[1])
        day, before, checker = own.counted_by, True, self.check(key[0])
        scale = self.names.accumulators[model.accumulator].scale
        name = own.name
        rest: Core | None = limit
        settled = {part.decision for part in parts if part.settled_with is not None}
        for part in (part for part in parts if part.read_by == day):
            other = part.decision != key[1]
            if part.settled_with != (key[1] if other and part.decision in settled else None):
                continue
            if not other:
                name, before = part.name, False
                continue
            shares: list[Core] = [YearToDate(part.name, Numeric(scale, MONEY_SUM.low, MONEY_SUM.high))]
            if before:
                shares.append(self._same_row(key, model.accumulator, part, day))
            for share in shares:
                rest = None if rest is None else checker.combine(span, "sub", rest, share)
        return None if rest is None else Limit(name, rest, model.limit, limit)

    def _same_row(self, key: Key, accumulator: str, part: AccumulatorPart, day: str | None) -> Core:
        """What another decision of the row brings to the balance that the decision of `key` reads by `day`."""
        entity = key[0]
        type_ = self.names.decisions[entity, part.decision]
        share = self._committed(
            key, as_far_as_modelled(DecisionRef(entity, part.decision, type_)), part, type_
        )
        model = self.document.accumulators[accumulator]
        conditions = (
            [] if model.over is None else self.condition(entity, ("accumulators", accumulator, "over"))
        )
        if part.counted_by != day:
            conditions = [*(conditions or ()), self._same_year(entity, accumulator, part.counted_by, day)]
        holds: list[Core] = [Op("holds", (condition,), Boolean()) for condition in conditions or ()]
        return If(conjunction(holds), share, constant(ZERO, type_), type_) if holds else share

    def _committed(self, key: Key, share: Core, part: AccumulatorPart, type_: Type) -> Core:
        """The larger of a settled amount and the ruled one, where the row that reads it was not settled itself."""
        settled_facts = {
            fact.settles: FactRef(entity, fact.name, fact.type)
            for (entity, _), fact in self.names.facts.items()
            if entity == key[0] and fact.settles is not None
        }
        own, other = settled_facts.get(key[1]), settled_facts.get(part.decision)
        if other is None:
            return share
        larger = If(IsKnown(other), Op("max", (share, other), type_), share, type_)
        return larger if own is None else If(IsKnown(own), share, larger, type_)

    def _same_year(self, entity: str, accumulator: str, one: str | None, other: str | None) -> Core:
        """Whether two dates of a row lie in one period of an accumulator."""
        model = self.document.accumulators[accumulator]
        own = str(self.names.entities[entity].date)
        first, second = (FactRef(entity, name or own, Date()) for name in (one, other))
        starts = self.names.parameters.get(model.year_starts or "")
        start = (starts.month_day if starts else None) or (1, 1)
        span = SPANS[model.period]
        if span.back:
            return Const(False, Boolean())
        match span.unit:
            case "benefit year":
                year = DATE_PARTS["year"][1]
                return comparison("eq", BenefitYear(first, start, year), BenefitYear(second, start, year))
            case "months":
                of_first, of_second = (_months_of(day, span.months) for day in (first, second))
                same = tuple(comparison("eq", *pair) for pair in zip(of_first, of_second, strict=True))
                return Op("and", same, Boolean())
            case "day":
                return comparison("eq", first, second)
            case "lifetime":
                return TRUE
            case _ as unreachable:
                assert_never(unreachable)

    def _accumulator(self, key: Key, name: str, place: Place) -> bool:
        """Whether the accumulator named sums the decision."""
        known = self.document.accumulators
        accumulator = known.get(name)
        span = self.document.span(*place)
        if accumulator is None:
            self.vocabulary.unknown(span, "accumulators", name, known)
            return False
        number = isinstance(self.names.decisions[key], Numeric)
        summed = [part.decision for part in self.document.parts.get(name, ())] or [*accumulator.sums]
        right = key[1] in summed and accumulator.entity == key[0] and number
        if not right and not self.names.broken.intersection(summed):
            self.diagnostics.append(
                diagnostic("E324.other_decision", span, accumulator=name, sums=", ".join(summed) or name)
            )
        return right

    # -- where and when ----------------------------------------------------------------------

    def scope(self, entity: str, model: ProvisionModel, place: Place) -> list[Core] | None:
        """Jurisdiction and dates as conditions, tested before the rest."""
        conditions: list[Core] = []
        if model.area:
            area = self.area_fact(entity)
            if area is None:
                self.diagnostics.append(
                    diagnostic("E326.no_area", self.document.span(*place, "area"), entity=entity)
                )
                return None
            places = [place_in_rules(code) for code in model.area]
            for code, known in zip(model.area, places, strict=True):
                if known is None:
                    self.diagnostics.append(
                        diagnostics.unknown_place(self.document.span(*place, "area"), code)
                    )
            conditions.append(Within(area, tuple(known for known in places if known is not None)))
        date = self.reference_date(entity)
        if model.from_ is not None:
            conditions.append(Op("ge", (date, Const(model.from_, Date())), Boolean()))
        if model.until is not None:
            conditions.append(Op("le", (date, Const(model.until, Date())), Boolean()))
        return conditions

    def area_fact(self, entity: str) -> Core | None:
        """The fact jurisdiction is tested on: the entity's own, or the nearest parent's."""
        for owner in (entity, *self.names.ancestors(entity)):
            name = self.names.entities[owner].area
            if name is not None:
                return self.names.fact(entity, owner, name)
        return None

    def reference_date(self, entity: str) -> Core:
        name = self.names.entities[entity].date
        return AsOf() if name is None else FactRef(entity, name, Date())


def number_type(type_: Type) -> Numeric:
    """The type of a decision known to be a number."""
    assert isinstance(type_, Numeric)
    return type_


def conjunction(conditions: list[Core]) -> Core:
    """All of the conditions as one."""
    if not conditions:
        return TRUE
    return conditions[0] if len(conditions) == 1 else Op("and", tuple(conditions), Boolean())


def _stand_in(model: ProvisionModel) -> StandIn | None:
    """Whose rule a provision takes over, if it says so."""
    stand = model.stand_in
    return None if stand is None else StandIn(message(stand.of), message(stand.authority))


def _months_of(day: Core, months: int) -> tuple[Core, Core]:
    """The year of a day, and the how manieth period of so many months of that year it lies in."""
    (year_of, year), (month_of, month) = DATE_PARTS["year"], DATE_PARTS["month"]
    number: Core = Op(month_of, (day,), month)
    if months > 1:
        number = Round("up", 0, number, constant(Decimal(months), month), month)
    return Op(year_of, (day,), year), number
