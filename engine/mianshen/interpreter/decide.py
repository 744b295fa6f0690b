"""One case decided: every decision of every row, claims in order, accumulators as they go.

In: a program, a case. Out: values in the rows. This is the reference the other back ends equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import groupby
from typing import Any, Literal

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import OPEN, Function, conjunction, stop, strict
from mianshen.interpreter.rows import Candidates, Case, Row, RowError, reject, rejected
from mianshen.interpreter.running import Running, in_order
from mianshen.interpreter.settling import Settling
from mianshen.program.core import AsOf, Core, Numeric, Op
from mianshen.program.program import Accumulator, Decision, Program, Provision
from mianshen.program.stages import read_below
from mianshen.values import (
    EXACT,
    NOT_MODELLED,
    ZERO,
    Unknown,
    Value,
    unknown_of,
)


@dataclass(slots=True)
class Ruling:
    """A provision as functions; `parts` are the nodes of `condition`, `and`s taken apart."""

    provision: Provision
    parts: tuple[Core, ...]
    condition: list[Function]
    value: Function
    limit: Function | None
    sole: tuple[Provision]  # itself, as what was chosen

    def applies(self, row: Row) -> Value:
        truth = conjunction(self.condition, row)
        return False if truth is NOT_MODELLED else truth


@dataclass(slots=True)
class Branch:
    """Provisions whose conditions begin alike: what they share is tested once for all of them."""

    shared: list[Function]
    rulings: list[Ruling]  # all below, in order
    below: list[Branch]  # empty: `rulings` is the one whose condition ends here


def branches(rulings: list[Ruling], depth: int = 0) -> list[Branch]:
    """The rulings, in order, as a tree of shared beginnings from part `depth` of their conditions on."""
    made: list[Branch] = []
    for _, alike in groupby(rulings, key=lambda ruling: ruling.parts[depth : depth + 1]):
        group = list(alike)
        shared = depth
        while len(group) > 1 and len({ruling.parts[: shared + 1] for ruling in group}) == 1:
            if len(group[0].parts) == shared:  # equal conditions: nothing left to tell them apart
                break
            shared += 1
        if len(group) == 1:
            made.append(Branch(group[0].condition[depth:], group, []))
        elif shared == depth or shared == len(group[0].parts):
            made += [Branch(ruling.condition[depth:], [ruling], []) for ruling in group]
        else:
            made.append(Branch(group[0].condition[depth:shared], group, branches(group, shared)))
    return made


class Interpreter:
    """A program as functions; make one and use it for many cases."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._decided: dict[tuple[str, str], Function] = {}
        self.compiler = Compiler(program, self.decider)
        self.rulings: dict[tuple[str, str], list[Ruling]] = {}
        for decision in program.decisions:
            self.rulings[decision.key] = [self._ruling(p, decision.entity) for p in decision.provisions]
            self._decided[decision.key] = self._decide(decision)
        self.accumulators = [Running(a, self.compiler) for a in self._by_dependency()]

    def decider(self, entity: str, name: str) -> Function:
        """The function that gives a decision at a row of its entity."""
        return self._decided[entity, name]

    def _by_dependency(self) -> list[Accumulator]:
        order = [d.key for d in self.program.decisions]
        return sorted(self.program.accumulators.values(), key=lambda a: order.index((a.entity, a.sums)))

    @cached_property
    def by_entity(self) -> dict[str, list[tuple[str, Function]]]:
        """The decisions of each entity, in dependency order."""
        found: dict[str, list[tuple[str, Function]]] = {name: [] for name in self.program.entities}
        for decision in self.program.decisions:
            found[decision.entity].append((decision.name, self._decided[decision.key]))
        return found

    @cached_property
    def below(self) -> dict[str, list[Function]]:
        """The decisions of each entity that rows below read: those that its versions make."""
        read = read_below(self.program)
        return {
            entity: [function for name, function in made if (entity, name) in read]
            for entity, made in self.by_entity.items()
        }

    def _ruling(self, provision: Provision, entity: str) -> Ruling:
        make = self.compiler.compile
        limit = None if provision.limit is None else make(provision.limit.limit, entity)
        parts = tuple(conjuncts(provision.condition))
        condition = [make(part, entity) for part in parts]
        return Ruling(provision, parts, condition, make(provision.value, entity), limit, (provision,))

    # -- one decision ------------------------------------------------------------------------

    def _decide(self, decision: Decision) -> Function:
        name = decision.name
        rulings = self.rulings[decision.key]
        main = branches([r for r in rulings if not r.provision.fallback])
        spare = [r for r in rulings if r.provision.fallback]
        fallbacks = branches(spare)
        bound = decision.type if decision.may_overflow else None
        alone = rulings[0] if len(rulings) == 1 and not rulings[0].parts else None
        unrelated = not decision.clashes and not any(
            p.exceptions for p in decision.provisions if not p.fallback
        )

        def evaluate(row: Row) -> Value:
            value = row.values.get(name)
            return afresh(row) if value is None else value

        def afresh(row: Row) -> Value:
            chosen: tuple[Provision, ...]
            try:
                one = alone or (first(main, row) if unrelated else "unsure")
                if isinstance(one, Ruling):
                    value = one.value(row) if one.limit is None else paid(one, row)
                    chosen = one.sole
                elif one is None:
                    value, chosen = NOT_MODELLED, ()
                else:
                    value, chosen = decide(main, row, unrelated, spare)
                if value is NOT_MODELLED and not chosen and fallbacks:
                    value, chosen = decide(fallbacks, row, False)
                if bound is not None:
                    _fits(value, bound, decision)
            except RowError:
                if row.rejection is None:
                    raise
                value = row.values[name] = rejected(row)  # what fails on a rejected row is unknown there
                return value
            row.values[name] = value
            row.chosen[name] = chosen
            return value

        return evaluate

    # -- a whole case ------------------------------------------------------------------------

    def run(self, case: Case) -> None:
        """Decide every row; a row that cannot be decided is rejected, and so are its children."""
        rows = case.rows()
        with localcontext(EXACT):
            for row in rows:
                row.as_of = case.as_of
                for name in row.assumed & self.of_the_day if row.assumed else ():
                    row.facts[name] = case.as_of
                if row.rejection is not None:
                    reject(row, row.rejection)
            try:
                if not self.settling.tangled:
                    self._settle(case.top)
                    return
            except RowError:
                pass  # which rows to reject is found stage by stage
            self.settling.settle(rows)

    @cached_property
    def of_the_day(self) -> frozenset[str]:
        """The facts that are taken, where nobody says anything, as the day a case is decided for."""
        return frozenset(
            name for (_, name), f in self.program.facts.items() if isinstance(f.when_absent, AsOf)
        )

    @cached_property
    def dated(self) -> list[str]:
        """The dated entities, those first that others may read."""
        ordered = dict.fromkeys(stage.entity for stage in self.settling.stages)
        return [entity for entity in ordered if self._accumulated(entity)]

    @cached_property
    def settling(self) -> Settling:
        """Decides a case in which rows fail."""
        return Settling(self.program, self._decided, self.accumulators)

    def _settle(self, top: Row) -> None:
        """Deepest rows first: what a row reads of its parent asks for itself, and finds its children done.

        Raises RowError at the first row that cannot be decided.
        """
        layers = [[top]]
        while layers[-1]:
            layers.append([child for row in layers[-1] for child in row.children])
        for layer in reversed(layers[:-1]):
            for row in layer:
                self._dated_children(row)
            for row in layer:
                if row.parent is None or not self._accumulated(row.entity):
                    self._decide_row(row)
                for version in row.versions:
                    for function in self.below[version.entity]:
                        function(version)

    def _dated_children(self, parent: Row) -> None:
        """The dated rows below a row, entity by entity as the stages have them."""
        for entity in self.dated:
            rows = [row for row in parent.children if row.entity == entity]
            if rows:
                self._in_turn(entity, rows)

    def _accumulated(self, entity: str) -> bool:
        return self.program.entities[entity].date is not None

    def _decide_row(self, row: Row) -> None:
        for _, function in self.by_entity[row.entity]:
            function(row)

    def _in_turn(self, entity: str, rows: list[Row]) -> None:
        """Dated rows of an entity one by one: by date, then by key in code points."""
        date = self.program.entities[entity].date
        assert date is not None
        kept: list[tuple[Running, dict[Any, Value]]]
        kept = [(running, {}) for running in self.accumulators if running.accumulator.entity == entity]
        for row in in_order(rows, date):
            for running, state in kept:
                row.before[running.name] = running.before(row, state, date)
            self._decide_row(row)
            for running, state in kept:
                running.add(row, state, date)


def conjuncts(parts: Iterable[Core]) -> Iterator[Core]:
    """The parts of a conjunction, those of `and`s within it one by one, in order."""
    for part in parts:
        if isinstance(part, Op) and part.op == "and":
            yield from conjuncts(part.args)
        else:
            yield part


def decide(
    tree: list[Branch], row: Row, unrelated: bool, spare: Sequence[Ruling] = ()
) -> tuple[Value, tuple[Provision, ...]]:
    """The value the provisions give, and the provision that gave it (or all that might).

    `spare` are the fallbacks, which decide should none of the provisions turn out to apply.
    """
    applied: list[Ruling] = []
    unsure: list[tuple[Ruling, Unknown]] = []
    sort_out(tree, row, applied, unsure)
    if unrelated and applied:
        return paid(applied[0], row), (applied[0].provision,)
    if not applied:
        if not unsure:
            return NOT_MODELLED, ()
        unsure += _in_reserve(spare, row)
        return _perhaps([u for _, u in unsure], [r for r, _ in unsure], row)
    names = {r.provision.name for r in applied}
    standing = [r for r in applied if not names & set(r.provision.exceptions)]
    if len(standing) > 1:
        both = ", ".join(r.provision.name for r in standing)
        raise stop(
            "conflict",
            standing[0].provision.name,
            f"provisions apply at once: {both}",
            f"多个条款同时适用：{both}",
        )
    (ruling,) = standing
    pending = [(r, u) for r, u in unsure if r.provision.name in ruling.provision.exceptions]
    if not pending:
        return paid(ruling, row), (ruling.provision,)
    value = agreed([ruling, *(r for r, _ in pending)], row)
    if value is not None:
        return value, (ruling.provision,)
    candidates = [ruling, *(r for r, _ in pending)]
    return _perhaps([u for _, u in pending], candidates, row)


def first(tree: list[Branch], row: Row) -> Ruling | Literal["unsure"] | None:
    """The first provision that applies, where none before it is unsure."""
    for branch in tree:
        for function in branch.shared:
            value = function(row)
            if value is not True:
                if value is False:
                    break
                return "unsure"
        else:
            if not branch.below:
                return branch.rulings[0]
            found = first(branch.below, row)
            if found is not None:
                return found
    return None


def sort_out(
    tree: list[Branch], row: Row, applied: list[Ruling], unsure: list[tuple[Ruling, Unknown]]
) -> None:
    """Which provisions apply and which might, in order."""
    for branch in tree:
        value: Value = True
        for function in branch.shared:
            value = function(row)
            if value is not True:
                break
        if value is True and branch.below:
            sort_out(branch.below, row, applied, unsure)
        elif value is True:
            applied += branch.rulings
        elif value is not False:
            for ruling in branch.rulings:
                truth = ruling.applies(row)
                if truth is not False:
                    assert isinstance(truth, Unknown)  # a part of it is not true
                    unsure.append((ruling, truth))


def _in_reserve(spare: Sequence[Ruling], row: Row) -> Iterator[tuple[Ruling, Unknown]]:
    """The fallbacks that may come to decide, with what their conditions lack."""
    for ruling in spare:
        try:
            truth = ruling.applies(row)
        except RowError:
            continue
        if truth is not False:
            yield ruling, truth if isinstance(truth, Unknown) else Unknown()


def agreed(rulings: list[Ruling], row: Row) -> Value | None:
    """The known value that all of the provisions would pay; those under a limit are not compared.

    None of them is known to decide, so what fails in one of them is not the row's failing.
    """
    if any(r.limit is not None for r in rulings):
        return None
    try:
        values = {paid(r, row) for r in rulings}
    except RowError:
        return None
    (value, *others) = values
    return None if others or value.__class__ in OPEN else value


def _perhaps(conditions: list[Unknown], rulings: list[Ruling], row: Row) -> tuple[Unknown, Candidates]:
    """Unknown, resting on the open conditions and on what the provisions behind them would need."""
    apart: list[Value | None] = list(conditions)
    balances: list[Value] = []
    for ruling in rulings:
        try:
            lacking = strict(_reckoned(ruling, row))
        except RowError:
            continue
        apart.append(lacking)
        limit = ruling.provision.limit
        if limit is not None and lacking is not NOT_MODELLED:
            balances.append(row.before[limit.accumulator])
    found = unknown_of(apart)
    return unknown_of([found, *balances]), Candidates((r.provision for r in rulings), found)


def paid(ruling: Ruling, row: Row) -> Value:
    """A provision's value, as far as its annual limit allows."""
    limit = ruling.provision.limit
    if limit is None:
        return ruling.value(row)
    parts = [*_reckoned(ruling, row), row.before[limit.accumulator]]
    blocked = strict(parts)
    if blocked is not None:
        return blocked
    known: list[Any] = parts
    return max(ZERO, min(known[0], known[1] - known[2]))  # type: ignore[no-any-return]


def _reckoned(ruling: Ruling, row: Row) -> list[Value]:
    """A provision's value before its annual limit, and that limit."""
    return [ruling.value(row), *([] if ruling.limit is None else [ruling.limit(row)])]


def _fits(value: Value, type_: Any, decision: Decision) -> None:
    if isinstance(value, Decimal) and isinstance(type_, Numeric) and not type_.low <= value <= type_.high:
        raise stop("overflow", decision.name, f"{decision.name} is too large", f"{decision.name} 的数值过大")
