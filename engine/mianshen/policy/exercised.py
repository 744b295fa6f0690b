"""What of a program a decided case went through.

In: an interpreter, a case that it decided. Out: `Exercise`: the provisions and table rows that decided, the sides of
every line that the case stood on, the branches it took, the figures it looked up, the paths that ended in an unknown.
Invariants: a condition is gone through from left to right as it is decided, and no further than it is; a part that fails
is passed over. A line is a comparison that orders two values, or an annual limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal, localcontext
from typing import Any, Final, Literal, TypeAlias

from mianshen.interpreter import Case, Interpreter, Row, RowError
from mianshen.interpreter.evaluate import in_force
from mianshen.interpreter.rows import Candidates
from mianshen.program import core
from mianshen.program.program import Decision, Key, Provision
from mianshen.program.selection import conjuncts
from mianshen.values import EXACT, NOT_MODELLED, Unknown, Value

Side: TypeAlias = Literal["below", "at", "above"]
SIDES: Final[tuple[Side, ...]] = ("below", "at", "above")
ORDERING: Final = frozenset({"lt", "le", "gt", "ge"})


@dataclass(slots=True)
class Exercise:
    """Points gone through, each hashable; `parts`: (decision, provision's name, number of a part of its condition).

    The part after the last is the value.

    `provisions`: (decision, provision). `rows`: (decision, provision, number of a row of its table). `lines`:
    (entity, node or limit, side). `branches`: (entity, node, whether its condition held). `figures`: (parameter,
    number of the dated value). `unknowns`: (decision, entity and name of the fact it lacks). `conditions`: (entity and
    node, or decision and provision's name; number of an operand; its truth), where that operand alone decided so.
    """

    parts: set[tuple[Key, str, int]] = field(default_factory=set)
    provisions: set[tuple[Key, Provision]] = field(default_factory=set)
    rows: set[tuple[Key, Provision, int]] = field(default_factory=set)
    lines: set[tuple[str, object, Side]] = field(default_factory=set)
    branches: set[tuple[str, core.Core, bool]] = field(default_factory=set)
    figures: set[tuple[str, int]] = field(default_factory=set)
    unknowns: set[tuple[Key, Key]] = field(default_factory=set)
    conditions: set[tuple[object, int, bool]] = field(default_factory=set)

    def add(self, other: Exercise) -> None:
        """Take in what another went through."""
        for kind in fields(self):
            getattr(self, kind.name).update(getattr(other, kind.name))


class Exerciser:
    """Goes through decided cases of one program; what it saw is in `seen`."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.program = interpreter.program
        self.seen = Exercise()
        self._decisions: dict[str, list[Decision]] = {}
        for decision in self.program.decisions:
            self._decisions.setdefault(decision.entity, []).append(decision)

    def go_through(self, case: Case) -> None:
        """Note what a decided case went through; rejected rows go through nothing."""
        with localcontext(EXACT):
            for row in case.rows():
                if row.rejection is None and row.voider is None and row.version_of is None:
                    for decision in self._decisions.get(row.entity, ()):
                        self._decision(decision, row)

    def _decision(self, decision: Decision, row: Row) -> None:
        value, chosen = row.values.get(decision.name), row.chosen.get(decision.name, ())
        if isinstance(value, Unknown):
            self.seen.unknowns |= {(decision.key, (lack.entity, lack.name)) for lack in value.missing}
        for provision in decision.provisions:
            parts = when_parts(provision)
            if len(parts) > 1:
                self._deciding((decision.key, provision.name), parts, row, decision.entity, decisive=False)
            if self._holds(provision.condition, row, decision.entity) is not True:
                continue
            if provision in chosen:
                sole = not isinstance(chosen, Candidates) and _told_but_for_figures(value)
                self._chosen(decision, provision, row, decided=sole)

    def _holds(self, condition: Iterable[core.Core], row: Row, entity: str) -> Value | None:
        """Whether a condition holds; its parts up to the first that is false are gone through."""
        truth: Value | None = True
        for part in conjuncts(condition):
            self._node(part, row, entity)
            value = self._value(part, row, entity)
            if value is False or value is NOT_MODELLED:
                return False
            truth = truth if value is True else value
        return truth

    def _chosen(self, decision: Decision, provision: Provision, row: Row, decided: bool) -> None:
        if decided:
            self.seen.provisions.add((decision.key, provision))
        if isinstance(provision.value, core.Choice):
            self._table(decision, provision, provision.value, row)
        else:
            self._node(provision.value, row, decision.entity)
        for limit in provision.limits:
            self._node(limit.limit, row, decision.entity)
            amount = self._value(provision.value, row, decision.entity)
            most, before = self._value(limit.limit, row, decision.entity), row.before.get(limit.accumulator)
            if isinstance(amount, Decimal) and isinstance(most, Decimal) and isinstance(before, Decimal):
                self.seen.lines.add((decision.entity, limit, side_of(amount, most - before)))

    def _table(self, decision: Decision, provision: Provision, table: core.Choice, row: Row) -> None:
        """The rows of a table that match; of one where the first decides, that one."""
        for number, (condition, value) in enumerate(table.rows):
            if self._holds([condition], row, decision.entity) is True:
                self.seen.rows.add((decision.key, provision, number))
                self._node(value, row, decision.entity)
                if table.policy == "first":
                    return

    # -- expressions -------------------------------------------------------------------------

    def _node(self, node: core.Core, row: Row, entity: str) -> None:
        match node:
            case core.Op(op="and" | "or" as op, args=args):
                self._deciding((entity, node), args, row, entity, decisive=op == "or")
                for part in args:
                    self._node(part, row, entity)
                    if self._value(part, row, entity) is (op == "or"):
                        return
            case core.Op(op=op, args=(left, right)) if op in ORDERING:
                self._node(left, row, entity)
                self._node(right, row, entity)
                one, two = self._value(left, row, entity), self._value(right, row, entity)
                if isinstance(one, Decimal | dt.date) and isinstance(two, Decimal | dt.date):
                    self.seen.lines.add((entity, node, side_of(one, two)))
            case core.If(condition=condition, then=then, otherwise=otherwise):
                self._node(condition, row, entity)
                truth = self._value(condition, row, entity)
                if isinstance(truth, bool):
                    self.seen.branches.add((entity, node, truth))
                    self._node(then if truth else otherwise, row, entity)
            case core.Aggregate(child=child, where=where, body=body):
                for item in row.children:
                    if item.entity == child and item.rejection is None and not item.idle:
                        self._item(item, where, body)
            case core.ParameterRef(name=name) | core.Marginal(scale=name) | core.InForce(parameter=name):
                self._figure(name, row, entity)
                for part in core.children(node):
                    self._node(part, row, entity)
            case _:
                for part in core.children(node):
                    self._node(part, row, entity)

    def _deciding(
        self, place: object, operands: Sequence[core.Core], row: Row, entity: str, *, decisive: bool
    ) -> None:
        """Note the operands that decide alone: the only one of the decisive truth, or each where none is."""
        truths = [self._value(part, row, entity) for part in operands]
        if not all(isinstance(truth, bool) for truth in truths):
            return
        deciding = [number for number, truth in enumerate(truths) if truth is decisive]
        if len(deciding) == 1:
            self.seen.conditions.add((place, deciding[0], decisive))
        elif not deciding:
            self.seen.conditions |= {(place, number, not decisive) for number in range(len(truths))}

    def _item(self, item: Row, where: core.Core | None, body: core.Core | None) -> None:
        if where is not None and self._holds([where], item, item.entity) is not True:
            return
        if body is not None:
            self._node(body, item, item.entity)

    def _figure(self, name: str, row: Row, entity: str) -> None:
        date = self.program.entities[entity].date
        day = row.as_of if date is None else row.facts.get(date)
        parameter = self.program.parameters[name]
        if isinstance(day, dt.date):
            try:
                self.seen.figures.add((name, parameter.series.index(in_force(parameter, day))))
            except RowError:
                return

    def _value(self, node: core.Core, row: Row, entity: str) -> Value | None:
        try:
            return self.interpreter.compiler.written(node, entity)(row)
        except RowError:
            return None


def when_parts(provision: Provision) -> list[core.Core]:
    """The parts of what a provision is for, its place and days left out; a row of a table has none of its own."""
    if "." in provision.name:
        return []
    return [part for part in conjuncts(provision.condition) if not _is_scope(part, provision)]


def _is_scope(part: core.Core, provision: Provision) -> bool:
    if isinstance(part, core.Within):
        return True
    days = {provision.start, provision.end} - {None}
    return (
        isinstance(part, core.Op)
        and part.op in ("ge", "le")
        and isinstance(part.args[1], core.Const)
        and part.args[1].value in days
    )


def _told_but_for_figures(value: Value | None) -> bool:
    """Whether a value is known, or lacks figures alone that are not published."""
    if isinstance(value, Unknown):
        return all(lack.name.startswith("parameter ") for lack in value.missing)
    return value is not None


def side_of(one: Any, other: Any) -> Side:
    """On which side of the other the one lies."""
    return "at" if one == other else "below" if one < other else "above"


def lines_of(decision: Decision) -> Iterator[tuple[str, object, Provision]]:
    """Every line of a decision: the entity it is asked at, the comparison or limit, the provision."""
    for provision in decision.provisions:
        for root in provision.roots:
            for entity, node in placed(root, decision.entity):
                if isinstance(node, core.Op) and node.op in ORDERING:
                    yield entity, node, provision
        for limit in provision.limits:
            yield decision.entity, limit, provision


def placed(node: core.Core, entity: str) -> Iterator[tuple[str, core.Core]]:
    """The node and everything below it, each with the entity at whose row it is evaluated."""
    yield entity, node
    below = node.child if isinstance(node, core.Aggregate) else entity
    for part in core.children(node):
        yield from placed(part, below)
