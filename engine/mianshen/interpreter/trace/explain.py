"""Why a decided case came out as it did: each decision with its provision, what went in, what lost.

In: an interpreter, a case it has decided. Out: `Trace`, steps in dependency order; `Caveats`, what a
result rests on that is not certain.
Invariants: only what a shown result rests on is traced, along the branches taken; nothing is decided
again, values are those in the rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

from mianshen.interpreter.accumulator_state import period, split_facts
from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.evaluate import MOST_DAYS, in_force
from mianshen.interpreter.provisions import capped
from mianshen.interpreter.rows import Case, Row, RowError, below, turn
from mianshen.interpreter.trace.grounds import Grounds
from mianshen.interpreter.trace.reads import Always, Name, Reader, Reading, Sink
from mianshen.interpreter.trace.uncertain import UncertainDecisions
from mianshen.interpreter.trace.unmatched import Unmatched, UnmatchedProvisions
from mianshen.interpreter.trace.walk import (
    BranchReads,
    Caveats,
    Input,
    Inputs,
    Step_,
    Walk,
)
from mianshen.program.core import Core
from mianshen.program.program import Accumulator, Dated, Decision, Limit, Provision
from mianshen.values import EXACT, NOT_MODELLED, Value


@dataclass(frozen=True, slots=True)
class Limited:
    """What an annual limit did: `raw` as far as `limit` less `before` allows is `paid`."""

    accumulator: Accumulator
    raw: Value
    limit: Value
    before: Value
    paid: Value
    inputs: tuple[Input, ...]
    text: str

    @property
    def withheld(self) -> Decimal | None:
        """What the limit kept back; None when that cannot be told."""
        if isinstance(self.raw, Decimal) and isinstance(self.paid, Decimal):
            return self.raw - self.paid
        return None


class Used(NamedTuple):
    """A provision that decided, or that might; what its value and its condition read."""

    provision: Provision
    inputs: tuple[Input, ...]
    tested: tuple[Input, ...]
    limited: Limited | None


class Step(NamedTuple):
    """One decision of one row. Several `used`: it is open which of them applies. None: not modelled."""

    row: Row
    decision: Decision
    value: Value
    used: tuple[Used, ...]
    unmatched: Callable[[Row, Decision], tuple[Unmatched, ...]]

    @property
    def lost(self) -> tuple[Unmatched, ...]:
        """Why each other provision did not decide, worked out when it is asked for."""
        return self.unmatched(self.row, self.decision)


@dataclass(frozen=True, slots=True)
class Trace:
    case: Case
    steps: tuple[Step, ...]


class Explainer:
    """Traces of cases that one interpreter has decided; make one and use it for many."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.program = interpreter.program
        self.reading = Reading(interpreter.compiler)
        self.unmatched = UnmatchedProvisions(interpreter)
        self._uncertain_decisions = UncertainDecisions(self.program)
        self.decisions = {decision.key: decision for decision in self.program.decisions}
        self.outputs = {entity: self.program.outputs(entity) for entity in self.program.entities}
        self._reads: dict[int, BranchReads] = {}  # by provision
        self._parts: dict[tuple[str, Core], Reader] = {}
        self._walked: Walk | None = None
        self._on_day = lru_cache(MOST_DAYS)(self._value_on)
        self._grounds = Grounds(self.program, self._readers, self._earlier, self.dated)

    # -- what people ask -----------------------------------------------------------------------

    def trace(self, case: Case, roots: Iterable[Step_] | None = None) -> Trace:
        """Every decision the roots rest on, each after those it reads; all that results show without roots."""
        with localcontext(EXACT):
            walk = self._walk(case)
            wanted = self.roots(case) if roots is None else roots
            steps = [self._step(row, name, walk) for row, name in self._in_order(wanted, walk)]
        return Trace(case, tuple(steps))

    def rests_on(self, case: Case, row: Row, *decisions: str) -> Caveats:
        """What decisions of a row rest on that is not certain, through everything they read."""
        return self._grounds.of(row, decisions, self._walk(case))

    def step(self, case: Case, row: Row, decision: str) -> Step:
        """One decision of one row alone."""
        with localcontext(EXACT):
            return self._step(row, decision, self._walk(case))

    def basis(self, row: Row, decision: str) -> tuple[Provision, tuple[tuple[Name, Row], ...]]:
        """The provision that decided, and what its value read; what its condition read where that is nothing."""
        reads = self._readers(row.entity, decision, row.chosen[decision][0])
        with localcontext(EXACT):
            for reader in reads.value, reads.condition:
                sink: Sink = {}
                reader(row, sink)
                if sink:
                    break
        return reads.provision, tuple(sink)

    def steps(self, case: Case, row: Row, decision: str) -> tuple[Step, ...]:
        """Every decision that a decision of a row rests on, each after those it reads, itself last."""
        with localcontext(EXACT):
            walk = self._walk(case)
            order = self._in_order([(row, decision)], walk)
            return tuple([self._step(at, name, walk) for at, name in order])

    def inputs(self, part: Core, row: Row) -> tuple[Input, ...]:
        """What a part of a formula reads at a decided row."""
        key = row.entity, part
        if key not in self._parts:
            self._parts[key] = self.reading.compile(part, row.entity)
        sink: Sink = {}
        with localcontext(EXACT):
            self._parts[key](row, sink)
        return tuple([self.input(*entry) for entry in sink])

    def roots(self, case: Case) -> Iterator[Step_]:
        """The decisions results show: those of the person's dated rows in order, then the benefits'.

        Where there are none, every decision of the person.
        """
        person = case.person
        roots = [*self._of_rows(person)]
        if person.rejection is None:
            roots += [(person, decision.name) for decision in self.outputs[person.entity]]
            roots += self._of_benefits(case)
            roots = roots or [(person, d.name) for d in self.program.decisions if d.entity == person.entity]
        yield from roots

    def _of_rows(self, person: Row) -> Iterator[Step_]:
        for row in sorted(person.children, key=lambda row: turn(row, self.program)):
            if row.rejection is None:
                yield from ((row, decision.name) for decision in self.outputs[row.entity])

    def _of_benefits(self, case: Case) -> Iterator[Step_]:
        for benefit in self.program.benefits.values():
            row = case.of(benefit.entity)
            if row is not None and row.rejection is None:
                denied = row.values[benefit.eligible] in (False, NOT_MODELLED)
                names = (benefit.eligible, *(() if denied else (benefit.amount, *benefit.shows)))
                yield from ((row, name) for name in names if name is not None)

    # -- walking -------------------------------------------------------------------------------

    def _walk(self, case: Case) -> Walk:
        """The walk of this case; asked again about the same case, it goes on where it was."""
        if self._walked is None or self._walked.case is not case:
            self._walked = Walk(case, self._uncertain_decisions, Inputs(self.input))
        return self._walked

    def _in_order(self, roots: Iterable[Step_], walk: Walk) -> Iterator[Step_]:
        """The roots and all they read, each after what it reads; no recursion, for chains can be long."""
        seen: set[Step_] = set()
        for root in roots:
            if root in seen:
                continue
            seen.add(root)
            stack = [(root, iter(self._needed(root, walk)))]
            while stack:
                at, needs = stack[-1]
                for need in needs:
                    if need in seen:
                        continue
                    seen.add(need)
                    further = self._needed(need, walk)
                    if further:
                        stack.append((need, iter(further)))
                        break
                    yield need
                else:
                    stack.pop()
                    yield at

    def _needed(self, at: Step_, walk: Walk) -> list[Step_]:
        """The decisions a decision read, and the earlier rows that fed its accumulators."""
        row, decision = at
        needs: list[Step_] = []
        for provision in row.chosen.get(decision, ()):
            reads = self._reads.get(id(provision)) or self._readers(row.entity, decision, provision)
            for reader in reads.readers:
                if isinstance(reader, Always):
                    needs += reader.decided(row)
                    balances = reader.balances
                else:
                    names = walk.names(reader, row)
                    needs += [(holder, name.name) for name, holder in names if name.kind == "decision"]
                    balances = tuple([name.name for name, _ in names if name.kind == "year_to_date"])
                for accumulator in balances:
                    needs += self._earlier(row, accumulator, walk)
            for accumulator in reads.accumulators:
                needs += self._earlier(row, accumulator, walk)
        return needs and [need for need in needs if need[1] in need[0].values]

    def _read(self, reader: Reader, row: Row, walk: Walk) -> tuple[Input, ...]:
        inputs = walk.inputs
        if isinstance(reader, Always):
            return reader.inputs(row, inputs)
        return tuple([inputs[holder][name] for name, holder in walk.names(reader, row)])

    def _readers(self, entity: str, decision: str, provision: Provision) -> BranchReads:
        key = id(provision)
        if key not in self._reads:
            branches = self.interpreter.branches[entity, decision]
            branch = next(compiled for compiled in branches if compiled.provision is provision)
            make = self.reading.compile
            limits = tuple(make(limit.limit, entity) for limit in provision.limits)
            condition = self.reading.all(branch.parts, entity)
            self._reads[key] = BranchReads(branch, condition, make(provision.value, entity), limits)
        return self._reads[key]

    def _earlier(self, row: Row, accumulator: str, walk: Walk) -> list[Step_]:
        """The row before this one that last fed the balance it is decided on."""
        holder = row.above(self.program.accumulators[accumulator].holder)
        key = holder, accumulator
        if key not in walk.before:
            walk.before[key] = self._chain(holder, self.program.accumulators[accumulator])
        before = walk.before[key].get(row)
        return [] if before is None else [(before, self.program.accumulators[accumulator].sums)]

    def _chain(self, holder: Row, accumulator: Accumulator) -> dict[Row, Row]:
        """Each row below a holder, with the row before it that last fed the balance it is decided on.

        A row may count in another period than the one of which it reads the balance. Where a balance is of the days
        before a row, the last row of the same facts stands for them all.
        """
        own, rolling = self.program.entities[accumulator.entity].date, accumulator.days is not None
        last: dict[Hashable, Row] = {}
        before: dict[Row, Row] = {}
        rows = [row for row in below(holder) if row.entity == accumulator.entity and row.rejection is None]
        for row in sorted(rows, key=lambda row: turn(row, self.program)):
            facts = split_facts(accumulator, row)
            read, counted = (
                row.facts.get(date or own or "") for date in (accumulator.read_by, accumulator.counted_by)
            )
            if isinstance(read, dt.date):
                when = None if rolling else period(accumulator, read) - accumulator.span.back
                if (when, facts) in last:
                    before[row] = last[when, facts]
            feeds = any(accumulator.name in p.feeds for p in row.chosen.get(accumulator.sums, ()))
            if feeds and isinstance(counted, dt.date):
                last[None if rolling else period(accumulator, counted), facts] = row
        return before

    def dated(self, parameter: str, row: Row) -> Dated | None:
        """The value of a figure that a row looks up; None where there is none."""
        date = self.program.entities[row.entity].date
        day = row.as_of if date is None else row.facts.get(date)
        return self._on_day(parameter, day) if isinstance(day, dt.date) else None

    def _value_on(self, parameter: str, day: dt.date) -> Dated | None:
        try:
            return in_force(self.program.parameters[parameter], day)
        except RowError:
            return None

    # -- one step ------------------------------------------------------------------------------

    def _step(self, row: Row, name: str, walk: Walk) -> Step:
        used: list[Used] = []
        for provision in row.chosen.get(name, ()):
            reads = self._reads.get(id(provision)) or self._readers(row.entity, name, provision)
            value, tested = self._read(reads.value, row, walk), self._read(reads.condition, row, walk)
            limited = self._limited(reads, row, walk) if reads.limits else None
            used.append(Used(provision, value, tested, limited))
        return Step(row, self.decisions[row.entity, name], row.values[name], tuple(used), self.unmatched.of)

    def input(self, name: Name, row: Row) -> Input:
        """A name as a row has it."""
        match name.kind:
            case "fact":
                fact = name.name
                value = row.facts.get(fact)
                return Input(
                    name, row, row.unknown(fact) if value is None else value, None, fact in row.assumed
                )
            case "decision":
                return Input(name, row, row.values.get(name.name, NOT_MODELLED))
            case "parameter":
                dated = self.dated(name.name, row)
                return Input(name, row, None if dated is None else dated.known, dated)
            case "as_of":
                return Input(name, row, row.as_of)
            case "year_to_date":
                return Input(name, row, row.before.get(name.name))

    def _limited(self, reads: BranchReads, row: Row, walk: Walk) -> Limited | None:
        """The limit that decides what is paid: of several the one that leaves least, or the first that is unknown.

        None for a provision that may decide and whose value would fail.
        """
        branch, limits = reads.branch, reads.provision.limits
        try:
            raw, allowed = branch.value(row), [limit(row) for limit in branch.limits]
        except RowError:
            return None
        before = [row.before[limit.accumulator] for limit in limits]
        amounts = [capped(raw, [most], [balance]) for most, balance in zip(allowed, before, strict=True)]
        open_ = [n for n, amount in enumerate(amounts) if not isinstance(amount, Decimal)]
        at = open_[0] if open_ else min(range(len(amounts)), key=lambda n: amounts[n])  # type: ignore[arg-type, return-value]
        accumulator = self.program.accumulators[limits[at].accumulator]
        paid = capped(raw, allowed, before)
        read = tuple([read for limit in reads.limits for read in self._read(limit, row, walk)])
        most, counted = self._whole(limits[at], row, allowed[at], before[at])
        return Limited(accumulator, raw, most, counted, paid, read, limits[at].text)

    def _whole(self, limit: Limit, row: Row, most: Value, before: Value) -> tuple[Value, Value]:
        """A limit as written and all that is counted before the row, of others who share it, too."""
        whole = (
            None if limit.whole is None else self.interpreter.compiler.written(limit.whole, row.entity)(row)
        )
        if not (isinstance(whole, Decimal) and isinstance(most, Decimal) and isinstance(before, Decimal)):
            return most, before
        return whole, before + whole - most
