"""What a case expects, read and checked against the vocabulary.

In: the `expect:` of a case, its record, its program. Out: `Expectation`s, each about one thing of one row.
Invariants: a decision, status, provision, fact or row that does not exist is a mistake at its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mianshen.casework.answers import Mark, RowKey
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Node, Scalar
from mianshen.document.yaml_tree import Sequence as ListNode
from mianshen.elaboration.vocabulary import literal_words
from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.interpreter.rows import Case
from mianshen.program import literals
from mianshen.program.program import Decision, Entity, Program
from mianshen.source import Diagnostic, Message, Span, suggestion
from mianshen.values import Known

What: TypeAlias = Literal["value", "status", "missing", "reason", "amount", "rejects"]
Wanted: TypeAlias = Known | Mark | frozenset[str]

ROW_STATUSES: Final = ("decided", "undetermined", "not_modelled", "reversed")
BENEFIT_STATUSES: Final = ("eligible", "ineligible", "undetermined", "not_modelled")
_DECISION_PARTS: Final = ("status", "missing", "reason")
BENEFIT_PARTS: Final = ("status", "amount", "missing", "reason")
REJECT_PARTS: Final = ("key", "field", "reason")
MOST_LISTED: Final = 12  # names in one sentence
_A_MAPPING: Final = Message("若干 key: value 项", "a mapping of keys to values")
_A_LIST: Final = Message("列表", "a list")
_A_TEXT: Final = Message("一个词", "one word")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that must be rejected, for the field and reason given (None: any)."""

    key: str
    field: str | None
    reason: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing expected of a row: `name` is a decision or benefit, empty for the row itself.

    `rejects` is about the whole case, its row is the person's.
    """

    what: What
    row: RowKey
    name: str
    wanted: Wanted
    span: Span
    rejects: tuple[Reject, ...] = ()


class ExpectationReader:
    """Reads what one case expects; `found` gathers what is wrong."""

    def __init__(self, program: Program, case: Case, findings: list[Diagnostic]) -> None:
        self.program = program
        self.case = case
        self.diagnostics = findings
        self.rows: dict[str, list[str]] = {}
        for row in case.rows():
            self.rows.setdefault(row.entity, []).append(row.key)
        for row in (row for pair in case.reversed for row in pair):
            self.rows.setdefault(row.entity, []).append(row.key)
        self.person: RowKey = (case.person.entity, case.person.key)
        self.above = {row.entity: (row.entity, row.key) for row in case.person.lineage()}

    def read(self, node: Node) -> Iterator[Expectation]:
        """Every expectation; that of rejects always, for none is one too."""
        listed = [e for e in self.program.entities.values() if e.parent is not None and e.children]
        own_last = sorted(listed, key=lambda entity: entity.parent == self.person[0])
        lists = {e.children: e for e in own_last if e.children}
        single = [self.person[0], *self.program.ancestors(self.person[0])]
        known = (*lists, *single, "benefits", "rejects")
        rejects: Node | None = None
        for key, value in self._entries(node, "expect"):
            if key.text == "rejects":
                rejects = value
            elif key.text == "benefits":
                yield from self._benefits(value)
            elif key.text in lists:
                yield from self._rows(lists[key.text], value)
            elif key.text in single:
                yield from self._row((key.text, self.rows[key.text][0]), value)
            else:
                self.diagnostics.append(unknown_key(key.span, key.text, Message("expect", "expect"), known))
        yield self._rejects(node.span, rejects)

    # -- rows --------------------------------------------------------------------------------

    def _rows(self, entity: Entity, node: Node) -> Iterator[Expectation]:
        known = self.rows.get(entity.name, [])
        for key, value in self._entries(node, entity.children or entity.name):
            if key.text in known:
                yield from self._row((entity.name, key.text), value)
            else:
                self.diagnostics.append(_unknown_row(key.span, key.text, entity.name, known))

    def _row(self, row: RowKey, node: Node) -> Iterator[Expectation]:
        decisions = {d.name: d for d in self.program.decisions if d.entity == row[0]}
        parts = _DECISION_PARTS if self.program.entities[row[0]].outcome else ()
        for key, value in self._entries(node, row[1]):
            if key.text in parts:
                yield from self._part(key.text, row, "", value, ROW_STATUSES)
            elif key.text in decisions:
                wanted = self._value(value, decisions[key.text])
                if wanted is not None:
                    yield Expectation("value", row, key.text, wanted, value.span)
            else:
                where = Message(f"{row[0]} 的决定", f"the decisions of a {row[0]}")
                self.diagnostics.append(unknown_key(key.span, key.text, where, (*decisions, *parts)))

    def _benefits(self, node: Node) -> Iterator[Expectation]:
        benefits = self.program.benefits
        for key, value in self._entries(node, "benefits"):
            if key.text not in benefits:
                where = Message("待遇", "the benefits")
                self.diagnostics.append(unknown_key(key.span, key.text, where, benefits))
                continue
            for part, entry in self._entries(value, key.text):
                if part.text not in BENEFIT_PARTS:
                    where = Message("待遇的结果", "what a benefit gives")
                    self.diagnostics.append(unknown_key(part.span, part.text, where, BENEFIT_PARTS))
                else:
                    row = self.above.get(benefits[key.text].entity, self.person)
                    yield from self._part(part.text, row, key.text, entry, BENEFIT_STATUSES)

    def _part(
        self, part: str, row: RowKey, name: str, node: Node, statuses: tuple[str, ...]
    ) -> Iterator[Expectation]:
        """`status`, `missing`, `reason` or `amount` of a row or benefit."""
        match part:
            case "status":
                text = self._text(node, part)
                if text in statuses:
                    yield Expectation("status", row, name, text, node.span)
                elif text is not None:
                    self.diagnostics.append(
                        diagnostic("E457.unknown_status", node.span, fix=_known(text, statuses), text=text)
                    )
            case "missing":
                yield Expectation("missing", row, name, frozenset(self._missing(node)), node.span)
            case "reason":
                text = self._text(node, part)
                if text is not None:
                    self._known_reason(text, node.span)
                    yield Expectation("reason", row, name, text, node.span)
            case _:
                benefit = self.program.benefits[name]
                decision = (
                    None if benefit.amount is None else self.program.decision(benefit.entity, benefit.amount)
                )
                wanted = None if decision is None else self._value(node, decision)
                if decision is None:
                    where = Message(f"待遇 {name}", f"the benefit {name}")
                    self.diagnostics.append(unknown_key(node.span, part, where, BENEFIT_PARTS[:1]))
                if wanted is not None:
                    yield Expectation("amount", row, name, wanted, node.span)

    # -- values ------------------------------------------------------------------------------

    def _value(self, node: Node, decision: Decision) -> Known | Mark | None:
        """The value a decision must have."""
        text = self._text(node, decision.name)
        if text is None:
            return None
        if isinstance(node, Scalar) and node.plain and text in ("unknown", "not_modelled"):
            return Mark(text)
        value = literals.read(text, decision.type, self.program.codes)
        if value is None:
            self.diagnostics.append(
                diagnostic("E456.bad_value", node.span, text=text, wanted=literal_words(decision.written))
            )
        return value

    def _missing(self, node: Node) -> Iterator[str]:
        """Bare names of facts, `parameter X`, a collection, or `<entity> <key>` of a rejected row."""
        known = [name for _, name in self.program.facts]
        known += [f"parameter {name}" for name in self.program.parameters]
        calendar = self.program.calendar
        known += [] if calendar is None else [calendar.before, calendar.after]
        known += [e.children for e in self.program.entities.values() if e.children]
        known += [f"{entity} {key}" for entity, keys in self.rows.items() for key in keys]
        if not isinstance(node, ListNode):
            self.diagnostics.append(diagnostic("E450.wrong_shape", node.span, name="missing", wanted=_A_LIST))
            return
        for item in node.items:
            text = self._text(item, "missing")
            if text in known:
                yield text
            elif text is not None:
                self.diagnostics.append(_unknown_missing(item.span, text, known))

    def _known_reason(self, name: str, span: Span) -> None:
        known = [p.name for d in self.program.decisions for p in d.provisions]
        if name not in known and name not in (MISSING_FACTS, NO_PROVISION):
            fix = _known(name, [*known, MISSING_FACTS, NO_PROVISION])
            self.diagnostics.append(diagnostic("E459.unknown_reason", span, fix=fix, name=name))

    def _rejects(self, span: Span, node: Node | None) -> Expectation:
        items = node.items if isinstance(node, ListNode) else ()
        if node is not None and not isinstance(node, ListNode):
            self.diagnostics.append(diagnostic("E450.wrong_shape", node.span, name="rejects", wanted=_A_LIST))
        rejects = tuple(reject for item in items if (reject := self._reject(item)) is not None)
        return Expectation("rejects", self.person, "", "", span if node is None else node.span, rejects)

    def _reject(self, node: Node) -> Reject | None:
        reject: dict[str, str] = {}
        for key, value in self._entries(node, "rejects"):
            text = self._text(value, key.text)
            if key.text not in REJECT_PARTS:
                where = Message("rejects", "rejects")
                self.diagnostics.append(unknown_key(key.span, key.text, where, REJECT_PARTS))
            elif text is not None:
                reject[key.text] = text
        keys = [key for of_entity in self.rows.values() for key in of_entity if key]
        if reject.get("key") not in keys:
            self.diagnostics.append(_unknown_row(node.span, reject.get("key", ""), "row", keys))
            return None
        fields = [name for _, name in self.program.facts]
        if "field" in reject and reject["field"] not in fields:
            self.diagnostics.append(_unknown_missing(node.span, reject["field"], fields))
        return Reject(reject["key"], reject.get("field"), reject.get("reason"), node.span)

    # -- shapes ------------------------------------------------------------------------------

    def _entries(self, node: Node, name: str) -> Iterable[tuple[Scalar, Node]]:
        if isinstance(node, Mapping):
            return node.entries
        self.diagnostics.append(diagnostic("E450.wrong_shape", node.span, name=name, wanted=_A_MAPPING))
        return ()

    def _text(self, node: Node, name: str) -> str | None:
        if isinstance(node, Scalar) and not node.null:
            return node.text
        self.diagnostics.append(diagnostic("E450.wrong_shape", node.span, name=name, wanted=_A_TEXT))
        return None


# -- names that there are not ------------------------------------------------------------------------


def _known(name: str, known: Iterable[str]) -> Message:
    return suggestion(name, known, most=MOST_LISTED)


def unknown_key(span: Span, key: str, where: Message, known: Iterable[str]) -> Diagnostic:
    """A key that nothing of the case's is called by there."""
    return diagnostic("E451.unknown_key", span, fix=_known(key, known), where=where, key_name=key)


def _unknown_row(span: Span, key: str, entity: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E455.unknown_row", span, fix=_known(key, known), entity=entity, key_name=key)


def _unknown_missing(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E458.unknown_missing", span, fix=_known(name, known), name=name)
