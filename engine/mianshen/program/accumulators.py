"""Accumulators: what is added up over earlier rows, typed.

In: accumulators as written. Out: `Accumulator`s, `foldless` not yet told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mianshen.program import diagnostics
from mianshen.program.program import Accumulator
from mianshen.program.provision_parts import RulingChecks, conjunction
from mianshen.program.symbol_table import describe
from mianshen.program.vocabulary import MONEY, message
from mianshen.source import Message


@dataclass(frozen=True, slots=True)
class AccumulatorChecks:
    """Types every accumulator."""

    rulings: RulingChecks

    def all(self) -> dict[str, Accumulator]:
        """The accumulators that are sound."""
        result: dict[str, Accumulator] = {}
        for name, model in self.rulings.document.accumulators.items():
            entity = self.rulings.names.entities.get(model.entity)
            if entity is None:
                self._unknown(name, "entity", ("entities", Message("实体", "entity")), model.entity,
                              self.rulings.names.entities)  # fmt: skip
            elif entity.parent is None or entity.date is None:
                span = self.rulings.document.span("accumulators", name, "entity")
                self.rulings.found.append(diagnostics.undated(span, model.entity))
            else:
                accumulator = self._accumulator(name, entity.parent)
                if accumulator is not None:
                    result[name] = accumulator
        return result

    def _accumulator(self, name: str, parent: str) -> Accumulator | None:
        model = self.rulings.document.accumulators[name]
        self._facts(name, parent)
        self._sums(name)
        start = self._year_start(name)
        over = None
        if model.over is not None:
            parts = self.rulings.condition(model.entity, ("accumulators", name, "over"))
            if parts is None:
                return None
            over = conjunction(parts)
        opening = None if model.opening is None else (parent, model.opening)
        per = tuple((parent, fact) for fact in model.per)
        return Accumulator(name, message(model.title), model.entity, model.sums, over, per, opening, start)

    def _facts(self, name: str, parent: str) -> None:
        """The parent's facts that split the sum or open it."""
        model, names = self.rulings.document.accumulators[name], self.rulings.names
        known = [fact for owner, fact in names.facts if owner == parent]
        for index, fact in enumerate(model.per):
            if fact not in known:
                self._unknown(name, ("per", index), ("facts", Message("事实", "fact")), fact, known)
        if model.opening is not None:
            fact = model.opening
            opening = names.facts.get((parent, fact))
            if opening is None:
                self._unknown(name, "opening", ("facts", Message("事实", "fact")), fact, known)
            elif opening.written != "money":
                span = self.rulings.document.span("accumulators", name, "opening")
                self.rulings.found.append(diagnostics.wrong_type(span, MONEY_WORDS, describe(opening.type)))

    def _sums(self, name: str) -> None:
        """What is added up is a money decision."""
        model = self.rulings.document.accumulators[name]
        path = ("accumulators", name, "sums")
        type_ = self.rulings.vocabulary.decision_named(model.entity, model.sums, path)
        if type_ is not None and type_ != MONEY:
            span = self.rulings.document.span(*path)
            self.rulings.found.append(diagnostics.wrong_type(span, MONEY_WORDS, describe(type_)))

    def _year_start(self, name: str) -> tuple[int, int]:
        """The month and day the benefit year begins on."""
        written, names = self.rulings.document.accumulators[name].year_starts, self.rulings.names
        if written is None:
            return 1, 1
        parameter = names.parameters.get(written)
        if parameter is not None and parameter.month_day is not None:
            return parameter.month_day
        known = [part for part, p in names.parameters.items() if p.month_day]
        kind = Message("月-日参数", "month_day parameter")
        self._unknown(name, "year_starts", ("parameters", kind), written, known)
        return 1, 1

    def _unknown(
        self,
        name: str,
        part: str | tuple[str, int],
        kind: tuple[str, Message],
        written: str,
        known: Iterable[str],
    ) -> None:
        path = (part,) if isinstance(part, str) else part
        span = self.rulings.document.span("accumulators", name, *path)
        self.rulings.vocabulary.unknown(span, *kind, written, known)


MONEY_WORDS = Message("金额", "an amount of money")
