"""The vocabulary: entities, facts, code lists and decisions, as the program wants them.

In: the document's models. Out: `Entity`, `Fact`, `CodeList`, types of decisions; mistakes in `diagnostics`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.closed_sets import TextFormat
from mianshen.formulas.symbol_table import describe
from mianshen.program import diagnostics, literals
from mianshen.program.core import AsOf, Code, Date, Listing, Numeric, String, Type
from mianshen.program.literals import MONEY_FACT, WRITTEN
from mianshen.program.program import CodeList, Entity, Fact, Key, ancestors
from mianshen.source import TYPO, Diagnostic, Message, Span, nearest, suggestion
from mianshen.values import Known
from mianshen.wording import wording

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import Decision as DecisionModel
    from mianshen.document.model import Fact as FactModel
    from mianshen.document.model import Title

AS_OF: Final = "as_of"  # an assumed date that is the day the case is decided for
_CODE: Final = re.compile(r"(list of )?code ([a-z0-9_\u4e00-\u9fff]+)")
_LITERALS: Final = wording.group("literals")
_SECTIONS: Final = wording.group("sections")


def message(title: Title) -> Message:
    return Message(zh=title.zh, en=title.en)


def literal_words(kind: str) -> Message:
    """What a literal of a written type looks like."""
    return _LITERALS.get(kind, Message(f"{kind} 类型的值", f"a value of type {kind}"))


class Vocabulary:
    """Reads the parts of a document that name things; `failed` are names whose definition is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.diagnostics: list[Diagnostic] = []
        self.failed: set[str] = set()
        self.codes = {name: self._code_list(name) for name in document.codes}
        self.entities = self._entities()
        self.facts = self._facts()
        self.decisions = self._decisions()
        self._check_entities()

    # -- code lists and types ----------------------------------------------------------------

    def _code_list(self, name: str) -> CodeList:
        model = self.document.codes[name]
        values = {code: message(title) for code, title in model.values.items()}
        spellings = {code: code for code in values}
        for code, title in values.items():
            for spelling in dict.fromkeys((title.zh, title.en, *model.values[code].also)):
                other = spellings.setdefault(spelling, code)
                if other != code:
                    span = self.document.span("codes", name, "values", code)
                    self.diagnostics.append(
                        diagnostic("E340.same_spelling", span, spelling=spelling, other=other, code_name=code)
                    )
        unproposed = frozenset(code for code, value in model.values.items() if not value.proposed)
        return CodeList(name, message(model.title), values, spellings, unproposed)

    def type_of(self, written: str, span: Span, also: Iterable[str] = ()) -> Type | None:
        """The type a vocabulary line names; `also` are further words that might have been meant."""
        if written in WRITTEN:
            return WRITTEN[written]
        match = _CODE.fullmatch(written)
        if match is None:
            known = [*WRITTEN, *also, "code NAME", "list of code NAME"]
            self.diagnostics.append(
                diagnostic("E314.bad_type", span, fix=suggestion(written, known, most=12), written=written)
            )
            return None
        if match[2] in self.codes:
            code = Code(match[2])
            return Listing(code) if match[1] else code
        self.unknown(span, "codes", match[2], self.codes)
        return None

    def unknown(
        self, span: Span, section: str, name: str, known: Iterable[str], kind: Message | None = None
    ) -> None:
        """Report a reference to what the rulebook does not define, unless that is reported already.

        `kind`: what the name is of, where that says more than the section does.
        """
        known = list(known)
        if name in self.failed or name in self.document.broken(section):
            return
        if self.document.is_broken(section) and nearest(name, known, TYPO) is None:
            return
        self.diagnostics.append(diagnostics.unknown_reference(span, kind or _SECTIONS[section], name, known))

    def source(self, name: str | None, *path: str | int) -> None:
        """Check that a named source is known."""
        if name is not None and name not in self.document.sources:
            self.unknown(self.document.span(*path), "sources", name, self.document.sources)

    # -- entities ----------------------------------------------------------------------------

    def _entities(self) -> dict[str, Entity]:
        models = self.document.entities
        parents = {name: self._parent(name) for name in models}
        for name in models:
            chain = [name]
            while (at := parents[chain[-1]]) is not None and at not in chain:
                chain.append(at)
            if at is not None:
                span = self.document.span("entities", name, "parent")
                self.diagnostics.append(diagnostics.entities_in_circle(span, [*chain[chain.index(at) :], at]))
                parents[name] = None
        return {
            name: Entity(
                name, message(m.title), m.key, parents[name], m.children, m.counted_by,
                m.date, m.area, m.outcome, m.explained_by, (), m.valid_from, m.reverses, m.ends, m.begins,
            )
            for name, m in models.items()
        }  # fmt: skip

    def _parent(self, name: str) -> str | None:
        """The parent named, or the one that must be meant."""
        parent = self.document.entities[name].parent
        if parent is None or parent in self.document.entities:
            return parent
        others = [entity for entity in self.document.entities if entity != name]
        self._unknown_entity(parent, ("entities", name, "parent"), others)
        return nearest(parent, others)

    def _unknown_entity(self, name: str, path: tuple[str, ...], known: Iterable[str]) -> None:
        self.unknown(self.document.span(*path), "entities", name, known)

    def _check_entities(self) -> None:
        for name, entity in self.entities.items():
            facts = [("key", name, entity.key), ("date", name, entity.date), ("area", name, entity.area)]
            facts += [("valid_from", name, entity.valid_from), ("reverses", name, entity.reverses)]
            facts += [("begins", name, entity.begins), ("ends", name, entity.ends)]
            if entity.parent is not None:
                facts.append(("counted_by", entity.parent, entity.counted_by))
            for part, owner, fact in facts:
                if fact is not None and (owner, fact) not in self.facts:
                    known = [n for e, n in self.facts if e == owner]
                    span = self.document.span("entities", name, part)
                    self.unknown(span, "facts", fact, known)
            for part, decision in (("outcome", entity.outcome), ("explained_by", entity.explained_by)):
                if decision is not None:
                    self.decision_named(name, decision, ("entities", name, part))
            self._check_types(entity)
            self._check_rows(entity)
        self._check_settled()
        self._check_overrides()

    def _check_rows(self, entity: Entity) -> None:
        """Only the person of a record has rows over time; only what has a parent can be cancelled."""
        header = self.document.header
        if entity.valid_from is not None and header is not None and entity.name != header.entry:
            span = self.document.span("entities", entity.name, "valid_from")
            self.diagnostics.append(
                diagnostic("E353.not_over_time", span, entry=header.entry, entity=entity.name)
            )
        if entity.reverses is not None and entity.parent is None:
            span = self.document.span("entities", entity.name, "reverses")
            self.diagnostics.append(diagnostic("E354.not_reversible", span, entity=entity.name))

    def _check_overrides(self) -> None:
        """A fact overrides a decision of its entity, or a fact above it, of the same type; one fact each."""
        taken: dict[tuple[str, str | None], str] = {}
        for (owner, name), fact in self.facts.items():
            overrides = self.document.facts[owner][name].overrides
            if overrides is None:
                continue
            path = ("facts", owner, name, "overrides")
            span = self.document.span(*path)
            type_, written = self._overridden(fact, path)
            if type_ is not None and written != fact.written:
                self.diagnostics.append(diagnostics.wrong_type(span, describe(fact.type), describe(type_)))
            if (one := taken.setdefault((owner, overrides), name)) != name:
                self.diagnostics.append(
                    diagnostic("E355.settled_twice", span, one=one, two=name, decision=overrides)
                )

    def _overridden(self, fact: Fact, path: tuple[str, ...]) -> tuple[Type | None, str]:
        """The type of what a fact overrides, and as it is written; None: there is no such, which is reported."""
        if fact.instead_of is None:
            assert fact.overrides is not None
            type_ = self.decision_named(fact.entity, fact.overrides, path)
            decisions = self.document.decisions
            return type_, "" if type_ is None else decisions[fact.entity][fact.overrides].type
        above = ancestors(self.entities, fact.entity)
        overridden = self.facts.get(fact.instead_of) if fact.instead_of[0] in above else None
        if overridden is None:
            known = [f"{owner}.{name}" for owner, name in self.facts if owner in above]
            self.unknown(self.document.span(*path), "facts", ".".join(fact.instead_of), known)
            return None, ""
        return overridden.type, overridden.written

    def _check_settled(self) -> None:
        """What a fact settles is a money decision of its entity, and the fact is money; one fact a decision."""
        taken: dict[Key, str] = {}
        for (owner, name), fact in self.facts.items():
            if fact.settles is None:
                continue
            path = ("facts", owner, name, "settles")
            type_ = self.decision_named(owner, fact.settles, path)
            money = (
                self.document.decisions[owner][fact.settles].type == "money" if type_ is not None else False
            )
            if type_ is not None and (not money or fact.written != "money"):
                other = fact.type if money else type_
                wrong = diagnostics.wrong_type(
                    self.document.span(*path), literal_words("money"), describe(other)
                )
                self.diagnostics.append(wrong)
            if taken.setdefault((owner, fact.settles), name) != name:
                first = taken[owner, fact.settles]
                self.diagnostics.append(
                    diagnostic(
                        "E355.settled_twice",
                        self.document.span(*path),
                        one=first,
                        two=name,
                        decision=fact.settles,
                    )
                )

    def _check_types(self, entity: Entity) -> None:
        """The dates of an entity are dates, its area an area, the key it cancels a text."""
        for part, fact, wanted in (
            ("date", entity.date, Date()),
            ("area", entity.area, String(area=True)),
            ("valid_from", entity.valid_from, Date()),
            ("begins", entity.begins, Date()),
            ("ends", entity.ends, Date()),
            ("reverses", entity.reverses, String()),
        ):
            known = self.facts.get((entity.name, fact or ""))
            if known is not None and known.type != wanted:
                span = self.document.span("entities", entity.name, part)
                self.diagnostics.append(diagnostics.wrong_type(span, describe(wanted), describe(known.type)))

    # -- facts and decisions -----------------------------------------------------------------

    def _facts(self) -> dict[Key, Fact]:
        facts: dict[Key, Fact] = {}
        for entity, models in self.document.facts.items():
            self._owner("facts", entity, models)
            for name, model in models.items():
                fact = self._fact(entity, name, model)
                if fact is None:
                    self.failed.add(name)
                elif entity in self.entities:
                    facts[entity, name] = fact
        return facts

    def _owner(self, section: str, entity: str, models: Iterable[str]) -> None:
        """The entity a block of facts or decisions belongs to must exist."""
        if entity not in self.entities:
            self.failed.update(models)
            self._unknown_entity(entity, (section, entity, next(iter(models), "")), self.entities)

    def _fact(self, entity: str, name: str, model: FactModel) -> Fact | None:
        path = ("facts", entity, name)
        type_ = self.type_of(model.type, self.document.span(*path, "type"))
        if type_ is None:
            return None
        low, high = self._bounds(model, type_, path)
        if isinstance(type_, Numeric):
            whole = MONEY_FACT if model.type == "money" else type_
            type_ = Numeric(
                whole.scale, whole.low if low is None else low, whole.high if high is None else high
            )
        absent: Known | AsOf | None = None
        if model.when_absent == AS_OF and isinstance(type_, Date):
            absent = AsOf()
        elif model.when_absent is not None:
            absent = self.literal(model.when_absent, type_, model.type, (*path, "when_absent"))
            if (
                isinstance(absent, Decimal)
                and isinstance(type_, Numeric)
                and not type_.low <= absent <= type_.high
            ):
                self._outside(str(absent), type_, (*path, "when_absent"))
        assert absent is None or isinstance(absent, Decimal | bool | str | dt.date | AsOf)
        return Fact(
            entity, name, type_, model.type, message(model.title), model.required,
            absent, low, high, model.immutable, model.personal, model.settles,
            self._format(model, type_, path), self._placeholders(model, type_, path), model.proposed,
            model.asked and model.overrides is None, *_overridden(model.overrides),
        )  # fmt: skip

    def _format(self, model: FactModel, type_: Type, path: tuple[str, ...]) -> TextFormat | None:
        """The declared format; only texts have one."""
        if model.format is not None and (not isinstance(type_, String) or type_.area):
            self.diagnostics.append(
                diagnostic("E359.not_formatted", self.document.span(*path, "format"), kind=model.type)
            )
        return model.format

    def _placeholders(
        self, model: FactModel, type_: Type, path: tuple[str, ...]
    ) -> tuple[Decimal | bool | str | dt.date, ...]:
        values = [
            self.literal(text, type_, model.type, (*path, "placeholders", at))
            for at, text in enumerate(model.placeholders)
        ]
        return tuple(value for value in values if isinstance(value, Decimal | bool | str | dt.date))

    def _bounds(
        self, model: FactModel | DecisionModel, type_: Type, path: tuple[str, ...]
    ) -> tuple[Decimal | None, Decimal | None]:
        """The declared minimum and maximum; only numbers have them."""
        amounts: list[Decimal | None] = []
        for part, text in (("min", model.min), ("max", model.max)):
            if text is not None and not isinstance(type_, Numeric):
                span = self.document.span(*path, part)
                self.diagnostics.append(diagnostic("E342.not_bounded", span, kind=model.type))
            value = None
            if text is not None and isinstance(type_, Numeric):
                value = self.literal(text, type_, model.type, (*path, part))
            amounts.append(value if isinstance(value, Decimal) else None)
        low, high = amounts
        if low is not None and high is not None and high < low:
            self._outside(str(high), Numeric(0, low, low), (*path, "max"))
            return low, None
        return low, high

    def _outside(self, value: str, range_: Numeric, path: tuple[str, ...]) -> None:
        span = self.document.span(*path)
        self.diagnostics.append(
            diagnostic("E325.out_of_range", span, value=value, low=str(range_.low), high=str(range_.high))
        )

    def literal(self, text: str, type_: Type, kind: str, path: tuple[str | int, ...]) -> Known | None:
        """The value a literal spells, or None when it spells none, which is reported."""
        value = literals.read(text, type_, self.codes)
        if value is None:
            span = self.document.span(*path)
            if isinstance(type_, Code):
                known = self.codes[type_.codes].values
                self.diagnostics.append(diagnostics.unknown_code(span, text, type_.codes, known))
            else:
                self.diagnostics.append(diagnostics.bad_literal(span, text, literal_words(kind)))
        return value

    def _decisions(self) -> dict[Key, Type]:
        decisions: dict[Key, Type] = {}
        for entity, models in self.document.decisions.items():
            self._owner("decisions", entity, models)
            for name, model in models.items():
                span = self.document.span("decisions", entity, name, "type")
                type_ = self.type_of(model.type, span)
                if type_ is None:
                    self.failed.add(name)
                elif entity in self.entities:
                    low, high = self._bounds(model, type_, ("decisions", entity, name))
                    if isinstance(type_, Numeric) and (low is not None or high is not None):
                        least, most = type_.low if low is None else low, type_.high if high is None else high
                        type_ = Numeric(type_.scale, least, most)
                    decisions[entity, name] = type_
        return decisions

    def benefit_entity(self, name: str) -> str:
        """Whose benefit it is: the entry's, unless it says otherwise or the decision is another's alone."""
        header, model = self.document.header, self.document.benefits[name]
        entry = "" if header is None else header.entry
        owners = [entity for entity, decision in self.decisions if decision == model.eligible]
        entity = model.entity or (owners[0] if len(owners) == 1 else None)
        return entity or (entry if entry in self.entities else nearest(entry, self.entities) or entry)

    def decision_named(self, entity: str, name: str, path: tuple[str | int, ...]) -> Type | None:
        """The type of a decision that another section names, or None, which is reported."""
        type_ = self.decisions.get((entity, name))
        if type_ is None:
            known = [n for e, n in self.decisions if e == entity]
            self.unknown(self.document.span(*path), "decisions", name, known)
        return type_


def _overridden(name: str | None) -> tuple[str | None, Key | None]:
    """The decision that a fact overrides, or the fact of a row above, `resident.insured_area`."""
    owner, _, fact = (name or "").rpartition(".")
    return (None, (owner, fact)) if owner else (name, None)
