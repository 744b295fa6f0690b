"""A rulebook as the elements of a decision model: inputs, decisions, tables by date for figures, functions.

In: a document, names of decisions (none: all). Out: `DecisionModel`, with what it cannot carry.
Invariants: a decision is carried whole or without logic, and then the reason is listed; two provisions that apply at
once are an error there as here (hit policy UNIQUE); a figure is a table by date, one row a dated value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Final, Literal, TypeAlias

from mianshen.closed_sets import HitPolicy
from mianshen.document import Document, model
from mianshen.exchange import diagnostics, feel
from mianshen.exchange.feel import AS_OF, Key, NotCarried, Scope
from mianshen.exchange.sheets import input_title
from mianshen.program.literals import read_number
from mianshen.source import Message, RuleError, Text
from mianshen.syntax import parse_expression, tree

DmnPolicy: TypeAlias = Literal["UNIQUE", "ANY", "FIRST", "COLLECT"]
POLICIES: Final[Mapping[HitPolicy, tuple[DmnPolicy, str]]] = {  # in DMN's words, with the aggregation
    "unique": ("UNIQUE", ""),
    "any": ("ANY", ""),
    "first": ("FIRST", ""),
    "collect sum": ("COLLECT", "SUM"),
    "collect min": ("COLLECT", "MIN"),
    "collect max": ("COLLECT", "MAX"),
    "collect count": ("COLLECT", "COUNT"),
}
BUILT_IN: Final = {"boolean": "boolean", "text": "string", "date": "date", "number": "number"}
NUMBERS: Final = ("money", "rate", "integer")  # types that are numbers there


@dataclass(frozen=True, slots=True)
class Loss:
    """What the model does not carry: of which entry (empty: of all), and why."""

    name: str
    why: Message


@dataclass(frozen=True, slots=True)
class Rule:
    cells: tuple[str, ...]
    value: str
    note: str = ""  # title, source, clause


@dataclass(frozen=True, slots=True)
class DecisionTable:
    policy: DmnPolicy
    aggregation: str  # SUM, MIN, MAX, COUNT; empty for none
    inputs: tuple[tuple[str, str, str], ...]  # label, expression, type
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """An input, a decision or a function; `logic` a table, FEEL text, or None where it is not carried."""

    kind: Literal["input", "decision", "function"]
    name: str
    title: str
    type: str
    logic: DecisionTable | str | None = None
    requires: tuple[str, ...] = ()  # names of inputs, decisions and functions
    arguments: tuple[tuple[str, str], ...] = ()  # name and type, of a function
    note: str = ""


@dataclass(frozen=True, slots=True)
class DecisionModel:
    name: str
    title: str
    codes: Mapping[str, model.CodeList]
    elements: tuple[Element, ...]
    losses: tuple[Loss, ...]


Written: TypeAlias = model.Provision | model.Table


@dataclass(slots=True)
class ModelBuilder:
    """Puts elements together, each with what it requires."""

    document: Document
    elements: dict[str, Element] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    names: dict[Key, str] = field(default_factory=dict)

    def build(self, names: Sequence[str]) -> DecisionModel:
        document = self.document
        keys = [
            (e, n)
            for section in (document.facts, document.decisions)
            for e, inner in section.items()
            for n in inner
        ]
        plain = [name for _, name in keys]
        self.names = {
            (entity, name): name
            if plain.count(name) == 1 and name not in {*document.parameters, *document.functions}
            else f"{entity}_{name}"
            for entity, name in keys
        } | {("", AS_OF): AS_OF}
        for entity, facts in document.facts.items():
            for own, fact in facts.items():
                if fact.overrides is not None and "." in fact.overrides:
                    self.names[entity, fact.overrides] = (
                        f"{entity}_{own}_or_{fact.overrides.replace('.', '_')}"
                    )
        decisions = [(entity, name) for entity, inner in document.decisions.items() for name in inner]
        known = [name for _, name in decisions]
        if unknown := [name for name in names if name not in known]:
            raise RuleError([diagnostics.unknown_decision(name, known) for name in unknown])
        for key in decisions:
            if not names or key[1] in names:
                self.add(key)
        self._general()
        header = document.header
        return DecisionModel(
            header.name if header else "rules", header.title.zh if header else "rules", document.codes,
            tuple(self.elements.values()), tuple(self.losses),
        )  # fmt: skip

    def _general(self) -> None:
        """What no decision model says, whatever the rulebook."""
        document = self.document
        self._lose("", "null_out")
        self._lose("", "no_figure")
        self._lose("", "citations")
        self._lose("", "areas")
        if len(document.entities) > 1:
            self._lose("", "entities")
        sections: tuple[tuple[str, Sequence[str]], ...] = (
            ("benefits", list(document.benefits)), ("accumulators", list(document.accumulators)),
            ("properties", list(document.properties)), ("events", list(document.events)),
            ("checks", [check.name for entity in document.entities.values() for check in entity.checks]),
        )  # fmt: skip
        for section, entries in sections:
            if entries:
                listed = ", ".join(entries)
                self._lose("", "sections", listed=listed, section=section)

    def _lose(self, name: str, why: str, **values: object) -> None:
        self.losses.append(Loss(name, feel.NOT_CARRIED[why].filled(**values)))

    # -- elements ----------------------------------------------------------------------------

    def add(self, key: Key) -> str:
        """The name of a fact, a decision or `as_of` in the model; it is put there with all it requires."""
        name = self.names[key]
        if name in self.elements:
            return name
        entity, own = key
        if own == AS_OF and not entity:
            self.elements[name] = Element("input", name, "核定日", "date")
        elif (fact := self.document.facts.get(entity, {}).get(own)) is not None:
            self.elements[name] = Element("input", name, fact.title.zh, fact.type)
        elif "." in own:
            self._stated(entity, own, name)
        else:
            self._decision(key, name, self.document.decisions[entity][own])
        return name

    def _stated(self, entity: str, above: str, name: str) -> None:
        """A fact above as rows of an entity have it: what they say in its stead, where that is known."""
        facts = self.document.facts[entity]
        one = next(own for own, fact in facts.items() if fact.overrides == above)
        owner, _, fact = above.partition(".")
        own, other = self.add((entity, one)), self.add((owner, fact))
        text = f"if {own} != null then {own} else {other}"
        self.elements[name] = Element(
            "decision", name, facts[one].title.zh, facts[one].type, text, (own, other)
        )

    def _decision(self, key: Key, name: str, decision: model.Decision) -> None:
        self.elements[name] = Element("decision", name, decision.title.zh, decision.type)  # holds its place
        scope = self._scope(key[0])
        try:
            logic: DecisionTable | str | None = self._logic(key, decision, scope)
        except NotCarried as error:
            self.losses.append(Loss(name, error.why))
            logic, scope = None, self._scope(key[0])
        requires = self._required(scope)
        note = "；".join(loss.why.zh for loss in self.losses if loss.name == name)
        self.elements[name] = replace(self.elements[name], logic=logic, requires=requires, note=note)
        if decision.min is not None or decision.max is not None:
            self._lose(name, "range")

    def _required(self, scope: Scope) -> tuple[str, ...]:
        """The names that formulas read, each put into the model."""
        keys = [self.add(key) for key in sorted(scope.keys)]
        functions = [self._function(name) for name in sorted(scope.functions)]
        return tuple(dict.fromkeys([*keys, *sorted(scope.figures), *functions]))

    def _function(self, name: str) -> str:
        function = self.document.functions[name]
        if name not in self.elements:
            title = function.title.zh if function.title else name
            arguments = tuple(function.takes.items())
            self.elements[name] = Element(
                "function", name, title, function.gives or "number", None, (), arguments
            )
            scope = self._scope(next(iter(self.document.entities)), frozenset(function.takes))
            try:
                parsed = scope.formula(function.value)
                value = scope.money(parsed, parsed) if function.gives == "money" else parsed
                logic: str | None = feel.text(value)
            except NotCarried as error:
                self.losses.append(Loss(name, error.why))
                logic = None
            self.elements[name] = replace(self.elements[name], logic=logic, requires=self._required(scope))
        return name

    def _scope(self, entity: str, arguments: frozenset[str] = frozenset()) -> Scope:
        return Scope(
            self.document, entity, {} if arguments else self.names, self._figure, arguments=arguments
        )

    # -- figures -----------------------------------------------------------------------------

    def _figure(self, entity: str, name: str) -> str:
        """The name of a figure as rows of an entity read it: a table by their reference date."""
        scope = self._scope(entity)
        day = feel.text(scope.day)
        first = self.elements.get(name)
        name_there = name if first is None or day in first.requires else f"{name}_{entity}"
        if name_there not in self.elements:
            parameter = self.document.parameters[name]
            rules = tuple(self._dated_rules(parameter, scope))
            table = DecisionTable("UNIQUE", "", ((day, day, "date"),), rules)
            requires = self._required(scope)
            self.elements[name_there] = Element(
                "decision", name_there, parameter.title.zh, parameter.type, table, requires
            )
        return name_there

    def _dated_rules(self, parameter: model.Parameter, scope: Scope) -> Iterator[Rule]:
        values = sorted(parameter.values, key=lambda value: value.from_)
        for value, later in zip_longest(values, values[1:]):
            end = value.until or (later.from_ - dt.timedelta(days=1) if later is not None else None)
            cell = f'>= date("{value.from_}")' if end is None else f'[date("{value.from_}")..date("{end}")]'
            note = noted(
                value.note or "",
                value.basis or parameter.basis,
                value.source or parameter.source,
                value.clause or parameter.clause,
            )
            yield Rule(
                (cell,),
                literal(str(value.value), parameter.type, scope) if value.value is not None else "null",
                note,
            )

    # -- decisions ---------------------------------------------------------------------------

    def _logic(self, key: Key, decision: model.Decision, scope: Scope) -> DecisionTable | str:
        """What decides: one table as it is, one formula without a condition, or a rule for each provision."""
        written = [(name, one) for name, one in self._written(key) if not self._planned(name, one)]
        money = decision.type == "money"
        match written:
            case []:
                raise feel.not_carried("no_provision")
            case [(_, model.Table() as table)]:
                return self._table(table, scope, money)
            case [(_, model.Provision() as one)] if (
                not self._conditions(scope, one) and one.annual_limit is None
            ):
                return self._value(scope, one.let, one.value, money)
            case _:
                return self._chosen(written, scope, money)

    def _written(self, key: Key) -> Iterator[tuple[str, Written]]:
        """The provisions and tables that decide."""
        for section in (self.document.provisions, self.document.tables):
            for name, one in section.items():
                entities = [
                    entity for entity, inner in self.document.decisions.items() if one.decision in inner
                ]
                if one.decision == key[1] and (one.entity or entities[0]) == key[0]:
                    yield name, one

    def _planned(self, name: str, one: model.ProvisionModel) -> bool:
        if one.status == "planned":
            self._lose(name, "planned")
        return one.status == "planned"

    def _value(self, scope: Scope, let: Mapping[str, str], value: str, money: bool) -> str:
        inner = replace(scope, let=let)
        written = parse_expression(Text.inline(value.strip()))
        result = inner.expression(written)
        return feel.text(inner.money(written, result) if money else result)

    def _conditions(
        self, scope: Scope, one: model.Provision | model.Table, row: model.TableRow | None = None
    ) -> list[tree.Expr]:
        """Where and when a provision or a row of a table holds, and what else must be true."""
        parts = {part: getattr(row, part, None) or getattr(one, part) for part in ("area", "from_", "until")}
        conditions = [scope.inside(scope.area(), list(parts["area"]))] if parts["area"] else []
        for op, part in ((">=", "from_"), ("<=", "until")):
            if parts[part] is not None:
                day = tree.Function("date", (tree.String(str(parts[part])),))
                conditions.append(tree.Binary(op, scope.day, day))  # type: ignore[arg-type]
        return [*conditions, *([replace(scope, let=one.let).formula(one.when)] if one.when else [])]

    def _table(self, table: model.Table, scope: Scope, money: bool) -> DecisionTable:
        """A table as it is; where and when its rows hold are further columns."""
        inner = replace(scope, let=table.let)
        inputs = [self._input(inner, formula) for formula in table.inputs]
        policy, aggregation = POLICIES[table.hit_policy]
        rows = [row for row in table.rows if not self._planned(row.id, row)]
        scopes_of_rows = [feel.text(feel.both(self._conditions(scope, table, row))) for row in rows]
        columns = [condition for condition in dict.fromkeys(scopes_of_rows) if condition != "true"]
        rules = []
        for row, condition in zip(rows, scopes_of_rows, strict=True):
            self._no_limit(row)
            value = self._value(scope, table.let, row.value, money)
            if aggregation == "SUM" and money and value.startswith("round "):
                raise feel.not_carried("sum_of_rows")
            cells = [inner.cell(subject, cell) for subject, cell in zip(table.inputs, row.cells, strict=True)]
            scoped = ["true" if condition == column else "-" for column in columns]
            rules.append(Rule((*scoped, *cells), value, self._note(table, row)))
        scopes = [("适用条件", column, "boolean") for column in columns]
        return DecisionTable(policy, aggregation, (*scopes, *inputs), tuple(rules))

    def _input(self, scope: Scope, formula: str) -> tuple[str, str, str]:
        """Label, expression and type of a table's input."""
        expression = feel.text(scope.formula(formula))
        type_ = scope.type_of(parse_expression(Text.inline(formula.strip())))
        return input_title(self.document, formula), expression, type_

    def _no_limit(self, one: model.Provision | model.TableRow) -> None:
        if one.annual_limit is not None:
            raise feel.not_carried("limit")

    def _note(self, one: model.ProvisionModel, row: model.ProvisionModel | None = None) -> str:
        parts = [getattr(row, part, None) or getattr(one, part) for part in ("basis", "source", "clause")]
        title = (row and row.title) or one.title
        return noted(title.zh if title else "", *parts)

    # -- several provisions ------------------------------------------------------------------

    def _chosen(self, written: Sequence[tuple[str, Written]], scope: Scope, money: bool) -> DecisionTable:
        """A rule for each provision, a column for each condition; exceptions and fallbacks say which must not hold."""
        rules = [rule for name, one in written for rule in self._choices(name, one, scope, money)]
        columns = {condition: name for name, condition, _, _ in reversed(rules)}
        last = [name for name, one in written if isinstance(one, model.Provision) and one.fallback]
        if len(last) > 1:
            raise feel.not_carried("fallbacks")
        over = {name: set(one.exception_to) for name, one in written}
        above = {name: {other for other in over if name in _closure(over, other)} for name in over}
        result = []
        for name, condition, value, note in rules:
            others = above[name] if name not in last else {other for other, *_ in rules} - {name}
            excluded = {other_condition for other, other_condition, *_ in rules if other in others}
            if condition in excluded:
                raise feel.not_carried("exception")
            cells = [
                "true" if column == condition else "false" if column in excluded else "-"
                for column in columns
            ]
            result.append(Rule(tuple(cells), value, note))
        inputs = tuple((name, condition, "boolean") for condition, name in columns.items())
        return DecisionTable("UNIQUE", "", inputs, tuple(result))

    def _choices(
        self, name: str, one: Written, scope: Scope, money: bool
    ) -> Iterator[tuple[str, str, str, str]]:
        """Name, condition, value and note of a provision, or of each row of a table."""
        if isinstance(one, model.Provision):
            self._no_limit(one)
            condition = feel.text(feel.both(self._conditions(scope, one)))
            yield name, condition, self._value(scope, one.let, one.value, money), self._note(one)
            return
        if one.hit_policy != "unique":
            raise feel.not_carried("not_unique", name=name)
        for row in one.rows:
            if self._planned(f"{name}.{row.id}", row):
                continue
            self._no_limit(row)
            inner = replace(scope, let=one.let)
            tested = [
                inner.matched(subject, cell) for subject, cell in zip(one.inputs, row.cells, strict=True)
            ]
            cells = [condition for condition in tested if condition is not None]
            condition = feel.text(feel.both([*self._conditions(scope, one, row), *cells]))
            yield name, condition, self._value(scope, one.let, row.value, money), self._note(one, row)


def _closure(over: Mapping[str, set[str]], name: str) -> set[str]:
    """What a provision is an exception of, directly or not."""
    pending, below = [name], set[str]()
    while pending:
        further = over.get(pending.pop(), set()) - below
        below |= further
        pending += further
    return below


def literal(written: str, type_: str, scope: Scope) -> str:
    """A figure's value as FEEL writes it. Raises NotCarried for what has no literal there."""
    if type_ in (*NUMBERS, "number"):
        number = read_number(written, percent=True)
        assert number is not None
        return f"{number:f}"
    if type_ == "boolean":
        return "true" if written.lower() in ("true", "是") else "false"
    if type_ == "date":
        return f'date("{written}")'
    if type_.startswith("list"):
        raise feel.not_carried("list")
    return feel.text(tree.String(scope.code(written, type_)))


def noted(title: str, basis: str | None, source: str | None, clause: str | None) -> str:
    """The words beside a rule: title, source and clause, and whether it is provisional."""
    cited = " ".join(filter(None, (source, clause)))
    return "；".join(filter(None, (title, cited, "暂定" if basis == "provisional" else "")))
