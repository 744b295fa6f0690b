"""One person decided twice: what changes, what is owed or overpaid, and what is responsible.

In: a record as written, or two of one person; the `Terms` of before and after: a program, a day, rows left out,
rows that come in. Out: `Redetermination`. Invariants: both sides are decided whole, by the rules of their own
terms; rows dated after a side's day are not there yet; what is owed is reckoned from what was settled, where that
is known, so that owed less overpaid is what is ruled now less what was paid.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from mianshen.casework.answers import plain
from mianshen.casework.causes import Cause, Causes, Side, side_of
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence, read_tree
from mianshen.interpreter.result import BenefitResult, CaseResult, RowResult, result_of
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.trace.explain import Explainer
from mianshen.program.program import Key, Program
from mianshen.records.read import CASE_KEYS, read_record, refused
from mianshen.source import NOWHERE, Diagnostic, Message, RuleError, suggestion, unlined
from mianshen.values import NOT_MODELLED, ZERO, Value


@dataclass(frozen=True, slots=True)
class Terms:
    """What one side is decided by. `as_of` None: the record's own day."""

    explainer: Explainer
    as_of: dt.date | None = None
    without: frozenset[str] = frozenset()  # keys of the person's rows left out
    more: tuple[Node, ...] = ()  # rows of the person's first kind of children that come in


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """A shown decision of a row that changes, or is paid otherwise than ruled; None: the row is not there.

    `paid`: settled, or else what it was.
    """

    name: str
    before: Value | None
    after: Value | None
    paid: Decimal | None
    owed: Decimal | None  # None: not an amount paid, or not known
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class RowChange:
    """`before`, `after`: the row's status, `reversed` or `rejected`; None where it is not there."""

    entity: str
    key: str
    before: str | None
    after: str | None
    decisions: tuple[DecisionChange, ...]


@dataclass(frozen=True, slots=True)
class BenefitChange:
    """`owed`: what the amount rises by, a benefit not due being 0; None where that is not known."""

    name: str
    before: BenefitResult | None
    after: BenefitResult | None
    owed: Decimal | None
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Redetermination:
    """What changed.

    `owed`: yuan owed to the person in all, below 0 overpaid, as far as known; `open`: how many amounts are not.
    """

    before: Case
    after: Case
    benefits: tuple[BenefitChange, ...]
    rows: tuple[RowChange, ...]
    owed: Decimal
    open: int
    rejects: tuple[Diagnostic, ...]


def redetermine(node: Node, before: Terms, after: Terms, new_node: Node | None = None) -> Redetermination:
    """Decide a record on both terms and compare; with `new_node`, that is the record of the new side.

    Raises RuleError when a record cannot be read, or the two are not of one person.
    """
    old, rejects = _decided(node, before)
    new, more = _decided(node if new_node is None else new_node, after)
    if old.case.person.key != new.case.person.key:
        raise RuleError(
            [
                diagnostic(
                    "E772.not_of_one_person",
                    NOWHERE if new_node is None else new_node.span,
                    entry=_entry_title(before.explainer.program),
                )
            ]
        )
    one, two = result_of(before.explainer.program, old.case), result_of(after.explainer.program, new.case)
    comparing = _Comparing(old, new, one, two)
    benefits, rows = tuple(comparing.benefits()), tuple(comparing.rows())
    amounts = [benefit.owed for benefit in benefits]
    amounts += [d.owed for row in rows for d in row.decisions if comparing.is_paid((row.entity, d.name))]
    owed = sum((amount for amount in amounts if amount is not None), ZERO)
    return Redetermination(
        old.case, new.case, benefits, rows, owed, amounts.count(None), tuple(dict.fromkeys((*rejects, *more)))
    )


def _decided(node: Node, terms: Terms) -> tuple[Side, list[Diagnostic]]:
    program = terms.explainer.program
    case, decided = read_record(_changed(node, terms, program), program, terms.as_of, CASE_KEYS)
    if case is None:
        raise RuleError(decided)
    to_come = {by.key for by, _ in case.reversed if _is_after(by, case.as_of, program)}
    if to_come - terms.without:  # on this side's day nothing was void yet
        return _decided(node, replace(terms, without=terms.without | to_come))
    late = [row for row in case.rows() if row.rejection is not None and row.rejection.reason == "after_as_of"]
    for row in late:
        if row.parent is not None:  # on this side's day it had not happened
            row.parent.current.children[:] = [c for c in row.parent.current.children if c is not row]
    codes = {"E431"} if late else set()
    side = side_of(terms.explainer, case)
    return side, [*(item for item in decided if item.code not in codes), *refused(case, decided, node.span)]


def _is_after(row: Row, day: dt.date, program: Program) -> bool:
    date = row.facts.get(program.entities[row.entity].date or "")
    return isinstance(date, dt.date) and date > day


def _changed(node: Node, terms: Terms, program: Program) -> Node:
    """The record without some of the person's rows, and with others."""
    if not isinstance(node, Mapping) or not (terms.without or terms.more):
        return node
    children = {e.children or e.name: e for e in program.children_of(program.entry)}
    entries = []
    more = list(terms.more)
    for key, value in node.entries:
        entity = children.get(key.text)
        if entity is not None and isinstance(value, Sequence):
            items = [item for item in value.items if _key(item, entity.key) not in terms.without]
            if entity is next(iter(children.values())):
                items, more = [*items, *more], []
            value = replace(value, items=tuple(items))
        entries.append((key, value))
    if more and not children:
        title = _entry_title(terms.explainer.program)
        raise RuleError([diagnostic("E773.no_rows_here", more[0].span, entry=title)])
    if more:
        name = next(iter(children))
        first = next(iter(_mapping(more[0]).entries))[0]
        listed = Sequence(tuple(more), first.source, first.start, first.end)
        entries.append((replace(first, text=name), listed))
    return replace(node, entries=tuple(entries))


def _entry_title(program: Program) -> Message:
    return program.entities[program.entry].title


def _mapping(node: Node) -> Mapping:
    assert isinstance(node, Mapping)  # `rows_of` takes no other
    return node


def rows_of(file: Path, program: Program) -> tuple[Node, ...]:
    """The rows a file holds: a list of them, alone or under its name. Raises RuleError."""
    root, rows = read_tree(file)
    if rows:
        raise RuleError(rows)
    listed = root.entries[0][1] if isinstance(root, Mapping) and len(root.entries) == 1 else root
    items = listed.items if isinstance(listed, Sequence) else ()
    if not items or not all(isinstance(item, Mapping) and item.entries for item in items):
        lists = [child.children or child.name for child in program.children_of(program.entry)]
        raise RuleError([diagnostic("E771.no_rows", unlined(str(file)), listed=next(iter(lists), "rows"))])
    return tuple(items)


def _key(node: Node, name: str) -> str | None:
    value = node.get(name) if isinstance(node, Mapping) else None
    return value.text if isinstance(value, Scalar) else None


def keys_of(node: Node, program: Program) -> list[str]:
    """The keys of the person's own rows in a record."""
    keys = []
    for entity in program.children_of(program.entry):
        listed = node.get(entity.children or entity.name) if isinstance(node, Mapping) else None
        items: Iterable[Node] = listed.items if isinstance(listed, Sequence) else ()
        keys += [key for item in items if (key := _key(item, entity.key)) is not None]
    return keys


def check_known(without: Iterable[str], node: Node, program: Program) -> None:
    """Raises RuleError when a row to leave out is not in the record."""
    known = keys_of(node, program)
    there = Message("核定材料中有", "The record has")
    wrong = [
        diagnostic("E770.no_such_row", node.span, fix=suggestion(key, known, there), key_name=key)
        for key in without
        if key not in known
    ]
    if wrong:
        raise RuleError(wrong)


@dataclass(frozen=True, slots=True)
class _Comparing:
    """Both sides, and what they say."""

    old: Side
    new: Side
    one: CaseResult
    two: CaseResult

    def is_paid(self, key: Key) -> bool:
        return key in self.new.explainer.program.paid or key in self.old.explainer.program.paid

    # -- benefits ----------------------------------------------------------------------------

    def benefits(self) -> Iterator[BenefitChange]:
        for name in dict.fromkeys((*self.one.benefits, *self.two.benefits)):
            was, now = self.one.benefits.get(name), self.two.benefits.get(name)
            if _of_benefit(was) == _of_benefit(now):
                continue
            result = now or was
            assert result is not None
            described, row = result.benefit, (result.row.entity, result.row.key)
            due, before = (
                None if row in _rejected(side) else _due(part)
                for side, part in ((self.two, now), (self.one, was))
            )
            walk = Causes(self.old, self.new)
            names = [described.eligible, *([described.amount] if described.amount else [])]
            causes = tuple(dict.fromkeys(c for name in names for c in walk.causes(row, name)))
            yield BenefitChange(name, was, now, _less(due, before), causes)

    # -- rows --------------------------------------------------------------------------------

    def rows(self) -> Iterator[RowChange]:
        sides = [{(r.row.entity, r.row.key): r for r in item.rows} for item in (self.one, self.two)]
        others = [_aside(item) for item in (self.one, self.two)]
        for key in dict.fromkeys((*sides[0], *sides[1], *others[0], *others[1])):
            was, now = sides[0].get(key), sides[1].get(key)
            statuses = [
                side[key].status if key in side else aside.get(key)
                for side, aside in zip(sides, others, strict=True)
            ]
            decisions = tuple(self._decisions(key, was, now))
            if decisions or statuses[0] != statuses[1]:
                yield RowChange(*key, statuses[0], statuses[1], decisions)

    def _decisions(
        self, key: tuple[str, str], was: RowResult | None, now: RowResult | None
    ) -> Iterator[DecisionChange]:
        names = dict.fromkeys((*(was.values if was else ()), *(now.values if now else ())))
        for name in names:
            old = None if was is None else was.values.get(name)
            new = None if now is None else now.values.get(name)
            paid = self._paid(key, name, old, was)
            due = None if key in _rejected(self.two) else _amount(new)
            owed = _less(due, paid) if self.is_paid((key[0], name)) else None
            settled_otherwise = self.is_paid((key[0], name)) and paid is not None and owed != ZERO
            if _plain(old) == _plain(new) and not settled_otherwise:
                continue
            causes = tuple(dict.fromkeys(Causes(self.old, self.new).causes(key, name)))
            yield DecisionChange(name, old, new, paid, owed, causes)

    def _paid(
        self, key: tuple[str, str], name: str, old: Value | None, was: RowResult | None
    ) -> Decimal | None:
        """What was paid: as settled where either record tells it, the new one first, else as decided before."""
        fact = self.new.explainer.program.settled_facts(key[0]).get(name)
        for row in (self.new.rows.get(key), None if was is None else was.row):
            settled = None if row is None or fact is None else row.facts.get(fact)
            if isinstance(settled, Decimal):
                return settled
        return None if key in _rejected(self.one) else _amount(old)


def _rejected(result: CaseResult) -> set[tuple[str, str]]:
    """Rows that are rejected: what they come to is not known."""
    return {(row.entity, row.key) for row in result.rejected}


def _aside(result: CaseResult) -> dict[tuple[str, str], str]:
    """Rows without decisions: rejected, or cancelled."""
    aside = dict.fromkeys(_rejected(result), "rejected")
    return aside | {(row.entity, row.key): "reversed" for pair in result.reversed for row in pair}


def _of_benefit(result: BenefitResult | None) -> object:
    return None if result is None else (result.status, result.amount)


def _due(result: BenefitResult | None) -> Decimal | None:
    """What a benefit pays; 0 where it is not due or pays no amount."""
    if result is None or result.benefit.amount is None or result.status in ("ineligible", "not_modelled"):
        return ZERO
    modelled = result.status == "eligible" and not result.missing  # an amount no rule gives is none
    return ZERO if result.amount is None and modelled else result.amount


def _amount(value: Value | None) -> Decimal | None:
    """An amount paid: none for a row that is not there or a layer that is not modelled; None where it is unknown."""
    if value is None or value is NOT_MODELLED:
        return ZERO
    return value if isinstance(value, Decimal) else None


def _less(new: Decimal | None, old: Decimal | None) -> Decimal | None:
    return None if new is None or old is None else new - old


def _plain(value: Value | None) -> object:
    return None if value is None else plain(value)
