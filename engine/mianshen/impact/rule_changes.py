"""What differs between two programs: figures, provisions, sums and the calendar, in the order rules are decided in.

In: two programs. Out: `RuleChange`s, and the decisions at which each is met first.
Invariants: a provision is its conditions, value, limits, place and days as they are written; titles, clauses and notes
change nothing. What a decision reads of other decisions is no change of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal, TypeAlias

from mianshen.casework.wording import number
from mianshen.program.core import FigureAt, Marginal, Op, ParameterRef, YearToDate, walk
from mianshen.program.program import (
    Accumulator,
    Citation,
    Dated,
    Decision,
    Key,
    Parameter,
    Program,
    Provision,
)
from mianshen.program.slicing import rests_on
from mianshen.source import Message

Kind: TypeAlias = Literal["parameter", "provision", "accumulator", "calendar", "other"]
WORKING_DAYS = frozenset({"working_day", "add_working_days", "working_day_of_month", "working_days_between"})


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One thing that differs. `before` and `after` are its wordings, empty where it is not there."""

    kind: Kind
    name: str
    title: Message
    citation: Citation
    before: str
    after: str

    @property
    def clause(self) -> str:
        """The source and clause that the change stands on, empty where it names none."""
        return str(self.citation)


@dataclass(frozen=True, slots=True)
class Origin:
    """A decision at which changes are met: the changes it reads itself, in the order it reads them."""

    key: Key
    changes: tuple[RuleChange, ...]


@dataclass(frozen=True)
class RuleChanges:
    """The changes from one program to another."""

    before: Program
    after: Program

    @cached_property
    def listed(self) -> tuple[RuleChange, ...]:
        """Every change that some decision meets, in the order of decisions; then those that none does."""
        met = [change for origin in self.origins for change in origin.changes]
        return tuple(dict.fromkeys([*met, *self.parameters.values(), *self.provisions.values()]))

    @cached_property
    def parameters(self) -> dict[str, RuleChange]:
        """Figures with other values, or that one side has alone."""
        changed = {}
        for name in dict.fromkeys((*self.after.parameters, *self.before.parameters)):
            old, new = self.before.parameters.get(name), self.after.parameters.get(name)
            change = _parameter_change(old, new)
            if old is None or new is None or change.before or change.after:
                changed[name] = change
        return changed

    @cached_property
    def provisions(self) -> dict[str, RuleChange]:
        """Provisions that are new, gone, or written otherwise."""
        old, new = self.before.provisions, self.after.provisions
        changed = {}
        for name in dict.fromkeys((*new, *old)):
            was, now = wording(old.get(name)), wording(new.get(name))
            if was != now:
                provision = new.get(name) or old[name]
                changed[name] = RuleChange("provision", name, provision.title, provision.citation, was, now)
        return changed

    @cached_property
    def accumulators(self) -> dict[str, RuleChange]:
        """Sums that count other rows, or over another time."""
        old, new = self.before.accumulators, self.after.accumulators
        changed = {}
        for name in dict.fromkeys((*new, *old)):
            one, other = old.get(name), new.get(name)
            if one is None or other is None or _counting(one) != _counting(other):
                title = (other or one).title  # type: ignore[union-attr]  # one side has it
                changed[name] = RuleChange("accumulator", name, title, Citation(None, None), "", "")
        return changed

    @cached_property
    def calendar(self) -> RuleChange | None:
        """The working-day calendar, where it is another."""
        one, other = self.before.calendar, self.after.calendar
        if (one and (one.first, one.worked)) == (other and (other.first, other.worked)):
            return None
        title = Message("工作日历", "working-day calendar")
        return RuleChange("calendar", "calendar", title, Citation(None, None), "", "")

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """The decisions at which changes are met, in the order of decisions."""
        keys = dict.fromkeys(d.key for program in (self.after, self.before) for d in program.decisions)
        order = {d.key: at for at, d in enumerate(self.after.decisions)}
        candidates = [Origin(key, tuple(dict.fromkeys(self._met(key)))) for key in keys]
        return tuple(sorted((o for o in candidates if o.changes), key=lambda o: order.get(o.key, len(order))))

    def _met(self, key: Key) -> Iterator[RuleChange]:
        sides = [decision_of(program, key) for program in (self.after, self.before)]
        for side in sides:
            for provision in () if side is None else side.provisions:
                if provision.name in self.provisions:
                    yield self.provisions[provision.name]
        for decision, program in zip(sides, (self.after, self.before), strict=True):
            if decision is not None:
                for provision in decision.provisions:
                    yield from self.read_by(provision, program)

    def read_by(self, provision: Provision, program: Program) -> Iterator[RuleChange]:
        """The changed figures, sums and days that a provision reads, in the order it reads them."""
        over = [program.accumulators[name].over for name in provision.feeds]
        for root in (*provision.roots, *(node for node in over if node is not None)):
            for node in walk(root):
                match node:
                    case ParameterRef(name=name) | Marginal(scale=name) | FigureAt(parameter=name) if (
                        name in self.parameters
                    ):
                        yield self.parameters[name]
                    case YearToDate(accumulator=name) if name in self.accumulators:
                        yield self.accumulators[name]
                    case Op(op=op) if op in WORKING_DAYS and self.calendar is not None:
                        yield self.calendar
                    case _:
                        pass
        for name in provision.feeds:
            if name in self.accumulators:
                yield self.accumulators[name]

    @cached_property
    def _reached(self) -> dict[Key, tuple[Origin, ...]]:
        return {}

    def reached(self, key: Key) -> tuple[Origin, ...]:
        """The origins that a decision rests on, on either side."""
        if key not in self._reached:
            self._reached[key] = self._reach(key)
        return self._reached[key]

    def _reach(self, key: Key) -> tuple[Origin, ...]:
        cone: set[Key] = set()
        for program in (self.before, self.after):
            if decision_of(program, key) is not None:
                cone |= rests_on(program, [key])
        return tuple(origin for origin in self.origins if origin.key in cone)


def decision_of(program: Program, key: Key) -> Decision | None:
    """A decision of a program, where it has it."""
    return next((d for d in program.decisions if d.key == key), None)


def wording(provision: Provision | None) -> str:
    """What a provision says, as written: place, days, condition, value, limits, what it is an exception to."""
    if provision is None:
        return ""
    limits = "; ".join(f"<= {limit.text} ({limit.accumulator})" for limit in provision.limits)
    scope = " ".join(str(part) for part in (*provision.areas, provision.start or "", provision.end or ""))
    marks = " ".join([*provision.exceptions, *(["fallback"] if provision.fallback else [])])
    parts = (scope.strip(), provision.when_text, provision.value_text, limits, marks)
    return " | ".join(part for part in parts if part)


def _counting(accumulator: Accumulator) -> tuple[object, ...]:
    return tuple(
        getattr(accumulator, part.name)
        for part in fields(accumulator)
        if part.name not in ("title", "foldless")
    )


# -- figures -----------------------------------------------------------------------------------------


def _parameter_change(old: Parameter | None, new: Parameter | None) -> RuleChange:
    """The days from which a figure is another, with both values; its clause is that of the new value, if it has one."""
    parameter = new or old
    assert parameter is not None
    was, now, citations = [], [], []
    for day in sorted({day for side in (old, new) if side is not None for day in side.turns}):
        one, other = (None if side is None else side.on(day) for side in (old, new))
        if _value(one) != _value(other):
            was.append(f"{day}: {figure_text(parameter, one)}")
            now.append(f"{day}: {figure_text(parameter, other)}")
            citations += [d.citation for d in (other, one) if d is not None and d.citation.source is not None]
    citation = citations[0] if citations else Citation(None, None)
    return RuleChange("parameter", parameter.name, parameter.title, citation, "; ".join(was), "; ".join(now))


def _value(dated: Dated | None) -> object:
    return None if dated is None else (dated.value, dated.review_by)


def figure_text(parameter: Parameter, dated: Dated | None) -> str:
    """A value as people read it: 90%, 550000.00; a scale bracket by bracket."""
    if dated is None or dated.value is None:
        return "—"
    if dated.brackets is not None:
        return ", ".join(
            f"> {number(over, 'money')}: {number(rate, 'rate')}" for over, rate in dated.brackets
        )
    value = dated.known
    if isinstance(value, bool | str | dt.date):
        return str(value)
    if isinstance(value, tuple):
        return ", ".join(value)
    return "—" if value is None else number(value, parameter.written)
