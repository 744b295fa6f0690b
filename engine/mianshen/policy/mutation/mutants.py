"""Every mutant of a program.

In: a program. Out: `Mutant`s in order, each a change that can be applied to that program, or to one an overlay made
of it, where the place it changes is the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from mianshen.elaboration.link import conflicts
from mianshen.interpreter.formula import constant, to_text
from mianshen.policy.mutation.nodes import DAY, Changed, Changes, Kind, nearest_numbers
from mianshen.program.core import Const, Core, Op
from mianshen.program.program import (
    Accumulator,
    Brackets,
    Citation,
    Dated,
    Decision,
    Key,
    Parameter,
    Program,
    Provision,
)
from mianshen.program.selection import conjuncts
from mianshen.source import Diagnostic, Span
from mianshen.values import EXACT, ZERO

VALUE: Final = 10_000  # the part of a provision that is its value, after every part of its condition
NONE: Final = "-"


@dataclass(frozen=True, slots=True)
class Edit:
    """A provision replaced; None: taken out. `part`: the number of the condition changed, or VALUE."""

    key: Key
    old: Provision
    new: Provision | None
    part: int


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, of what (a provision, a figure, an accumulator), before and after."""

    kind: Kind
    name: str
    before: str
    after: str
    clause: Citation
    span: Span = field(repr=False)
    edits: tuple[Edit, ...] = ()
    parameter: tuple[Parameter, Parameter] | None = None
    accumulator: tuple[Accumulator, Accumulator] | None = None

    def fits(self, program: Program) -> bool:
        """Whether a program has what is changed, as it was."""
        if self.parameter is not None:
            return program.parameters.get(self.parameter[0].name) == self.parameter[0]
        if self.accumulator is not None:
            return program.accumulators.get(self.accumulator[0].name) == self.accumulator[0]
        decision = program.decision(*self.edits[0].key)
        return all(edit.old in decision.provisions for edit in self.edits)

    def applied(self, program: Program) -> Program:
        """The program changed, which it fits. Raises Refused where the rulebook would be refused."""
        if self.parameter is not None:
            _, new = self.parameter
            return replace(program, parameters={**program.parameters, new.name: new})
        if self.accumulator is not None:
            _, after = self.accumulator
            return replace(program, accumulators={**program.accumulators, after.name: after})
        new_one = self.decision(program)
        decisions = tuple(new_one if d.key == new_one.key else d for d in program.decisions)
        return replace(program, decisions=decisions)

    def decision(self, program: Program) -> Decision:
        """The one decision that is changed, in a program it fits. Raises Refused."""
        decision = program.decision(*self.edits[0].key)
        changed = {edit.old.name: edit.new for edit in self.edits}
        provisions = tuple(
            provision for old in decision.provisions if (provision := changed.get(old.name, old)) is not None
        )
        findings: list[Diagnostic] = []
        pairs = conflicts(provisions, program.codes, findings)
        if findings:
            raise Refused
        return replace(decision, provisions=provisions, conflicts=pairs)


class Refused(Exception):
    """The checker would refuse the changed rulebook, so that nobody could use it."""


def mutants_of(program: Program) -> tuple[Mutant, ...]:
    """Every mutant: of provisions in order, then of accumulators, then of figures."""
    return tuple(_Making(program).all())


class _Making:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.changes = Changes(dict(program.codes))

    def all(self) -> Iterator[Mutant]:
        for decision in self.program.decisions:
            yield from self._decision(decision)
        for accumulator in self.program.accumulators.values():
            yield from self._accumulator(accumulator)
        for parameter in self.program.parameters.values():
            if parameter.written != "month_day":
                yield from self._parameter(parameter)

    # -- provisions --------------------------------------------------------------------------

    def _decision(self, decision: Decision) -> Iterator[Mutant]:
        done: set[tuple[str, int, Core]] = set()
        for provision in decision.provisions:
            yield self._mutant(
                decision, provision, "provision", provision.name, NONE, [(provision, None, VALUE)]
            )
            for number, part in enumerate(conjuncts(provision.condition)):
                place = (provision.name.partition(".")[0], number, part)
                if place not in done:
                    done.add(place)
                    yield from self._part(decision, provision, number, part)
            yield from self._value(decision, provision)

    def _part(self, decision: Decision, provision: Provision, number: int, part: Core) -> Iterator[Mutant]:
        """One part of a condition left out, or changed; of a table, in all the rows that share it."""
        sharing = [p for p in decision.provisions if _shares(p, provision, number, part)]
        text = to_text(part, decision.entity)
        kind: Kind = "date" if part in _scope_dates(provision) else "condition"
        changes = [
            (None, kind, text, NONE),
            *((c.node, c.kind, c.before, c.after) for c in self._of(part, decision)),
        ]
        for node, of_kind, before, after in changes:
            edits = [(p, _with_part(p, number, node), number) for p in sharing]
            yield self._mutant(decision, provision, of_kind, before, after, edits)

    def _value(self, decision: Decision, provision: Provision) -> Iterator[Mutant]:
        for changed in self._of(provision.value, decision):
            edits = [(provision, replace(provision, value=changed.node), VALUE)]
            yield self._mutant(decision, provision, changed.kind, changed.before, changed.after, edits)
        for number, limit in enumerate(provision.limits):
            rest = provision.limits[:number] + provision.limits[number + 1 :]
            edits = [(provision, replace(provision, limits=rest), VALUE)]
            yield self._mutant(decision, provision, "limit", limit.text, NONE, edits)
            for changed in self._of(limit.limit, decision):
                limits = (
                    *provision.limits[:number],
                    replace(limit, limit=changed.node),
                    *provision.limits[number + 1 :],
                )
                edits = [(provision, replace(provision, limits=limits), VALUE)]
                yield self._mutant(decision, provision, changed.kind, changed.before, changed.after, edits)

    def _of(self, node: Core, decision: Decision) -> Iterator[Changed]:
        return self.changes.of(node, decision.entity)

    def _mutant(
        self, decision: Decision, provision: Provision, kind: Kind, before: str, after: str,
        edits: Sequence[tuple[Provision, Provision | None, int]],
    ) -> Mutant:  # fmt: skip
        changed = tuple(Edit(decision.key, old, new, part) for old, new, part in edits)
        return Mutant(kind, provision.name, before, after, provision.citation, provision.span, changed)

    # -- accumulators ------------------------------------------------------------------------

    def _accumulator(self, accumulator: Accumulator) -> Iterator[Mutant]:
        entity = accumulator.entity
        if accumulator.over is not None:
            text = to_text(accumulator.over, entity)
            yield self._summed(accumulator, "condition", text, NONE, over=None)
            for changed in self.changes.of(accumulator.over, entity):
                yield self._summed(
                    accumulator, changed.kind, changed.before, changed.after, over=changed.node
                )
        if accumulator.opening is not None:
            yield self._summed(accumulator, "operation", accumulator.opening[1], NONE, opening=None)
        if accumulator.per:
            names = ", ".join(name for _, name in accumulator.per)
            yield self._summed(accumulator, "condition", names, NONE, per=(), varying=())
        if accumulator.days is not None:
            for days in (accumulator.days + 1, accumulator.days - 1):
                yield self._summed(accumulator, "date", str(accumulator.days), str(days), days=days)
        start = dt.date(2000, *accumulator.year_start)
        for day in (start + DAY, start - DAY):
            texts = f"{start:%m-%d}", f"{day:%m-%d}"
            yield self._summed(accumulator, "date", *texts, year_start=(day.month, day.day))

    def _summed(self, old: Accumulator, kind: Kind, before: str, after: str, **change: object) -> Mutant:
        feeding = [p for d in self.program.decisions for p in d.provisions if old.name in p.feeds]
        citation = feeding[0].citation if feeding else Citation(None, None)
        span = feeding[0].span if feeding else Span("", 0, 0)
        new = replace(old, **change)  # type: ignore[arg-type]  # by name
        return Mutant(kind, old.name, before, after, citation, span, accumulator=(old, new))

    # -- figures -----------------------------------------------------------------------------

    def _parameter(self, parameter: Parameter) -> Iterator[Mutant]:
        for number, dated in enumerate(parameter.series):
            for before, after, value in _other_values(dated, parameter.written):
                series = _with(parameter.series, number, replace(dated, value=value))
                yield self._figure(parameter, dated, "figure", before, after, series)
            for days in (1, -1):
                shifted = _shifted(parameter.series, number, days)
                if shifted is not None:
                    new = shifted[number].start
                    yield self._figure(parameter, dated, "date", str(dated.start), str(new), shifted)
        last = parameter.series[-1]
        if last.end is not None:
            for days in (1, -1):
                end = last.end + dt.timedelta(days=days)
                series = (*parameter.series[:-1], replace(last, end=end))
                yield self._figure(parameter, last, "date", str(last.end), str(end), series)

    def _figure(
        self, old: Parameter, dated: Dated, kind: Kind, before: str, after: str, series: tuple[Dated, ...]
    ) -> Mutant:
        new = replace(old, series=series)
        return Mutant(kind, old.name, before, after, dated.citation, old.span, parameter=(old, new))


def _scope_dates(provision: Provision) -> set[Core]:
    """The parts of a condition that a provision's first and last day are."""
    days = {provision.start, provision.end} - {None}
    parts = (
        part for part in conjuncts(provision.condition) if isinstance(part, Op) and part.op in ("ge", "le")
    )
    return {part for part in parts if isinstance(part.args[1], Const) and part.args[1].value in days}


def _shares(other: Provision, provision: Provision, number: int, part: Core) -> bool:
    """Whether a provision is of the same table, or the same, and has the part at the same place."""
    if other.name.partition(".")[0] != provision.name.partition(".")[0]:
        return False
    parts = tuple(conjuncts(other.condition))
    return len(parts) > number and parts[number] == part


def _with_part(provision: Provision, number: int, node: Core | None) -> Provision:
    parts = tuple(conjuncts(provision.condition))
    return replace(
        provision, condition=(*parts[:number], *(() if node is None else (node,)), *parts[number + 1 :])
    )


def _other_values(dated: Dated, written: str) -> Iterator[tuple[str, str, Decimal | Brackets]]:
    """A value's neighbours, or a scale's with one number changed."""
    value = dated.value
    if isinstance(value, Decimal):
        for other in _beside(value, rate=written == "rate"):
            yield constant(value), constant(other), other
    elif dated.brackets is not None:
        brackets = dated.brackets
        for number, (over, rate) in enumerate(brackets):
            places = [(above, rate) for above in nearest_numbers(over) if over != ZERO and above > ZERO]
            places += [(over, beside) for beside in _beside(rate, rate=True)]
            for place in places:
                yield _bracket((over, rate)), _bracket(place), _with(brackets, number, place)


def _beside(value: Decimal, rate: bool) -> tuple[Decimal, Decimal]:
    """The next figure above and below: a rate by one in its last digit that is not zero, at most a percent."""
    if rate:
        value = value.normalize(EXACT)
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        value = value.quantize(Decimal(1).scaleb(min(-2, exponent)), context=EXACT)
    return nearest_numbers(value)


def _bracket(bracket: tuple[Decimal, Decimal]) -> str:
    return f"> {constant(bracket[0])}: {constant(bracket[1])}"


def _shifted(series: tuple[Dated, ...], number: int, days: int) -> tuple[Dated, ...] | None:
    """The series with one value beginning so many days later; what ended the day before it still does."""
    start = series[number].start + dt.timedelta(days=days)
    dated = series[number]
    if dated.end is not None and start > dated.end:
        return None
    new = list(series)
    new[number] = replace(dated, start=start)
    if number:
        before = series[number - 1]
        if before.end is not None and before.end + DAY == dated.start:
            if before.start > start - DAY:
                return None
            new[number - 1] = replace(before, end=start - DAY)
    return tuple(new)


def _with(items: tuple, number: int, new: object) -> tuple:  # type: ignore[type-arg]
    return (*items[:number], new, *items[number + 1 :])
