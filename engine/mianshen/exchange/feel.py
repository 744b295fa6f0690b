"""Formulas of a rulebook as FEEL: what FEEL says alike as it is, a few things in its own words, the rest not at all.

In: formulas as written, and where they stand. Out: FEEL text, and the names it reads. Raises `NotCarried` with the
reason where FEEL cannot say the same. Invariant: where every fact is known, the text has the formula's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias

from mianshen.document import Document
from mianshen.formulas.texts import TEXTS
from mianshen.formulas.written import LISTS, OF_LISTS
from mianshen.places import place_in_rules
from mianshen.source import Message, Text
from mianshen.syntax import cell_to_text, parse_cell, parse_expression, tree
from mianshen.syntax import to_text as printed
from mianshen.wording import wording

Key: TypeAlias = tuple[str, str]  # entity and name of a fact or decision

ALIKE: Final = frozenset({
    "abs", "ceiling", "count", "date", "day of week", "day of year", "decimal", "duration", "even", "floor", "max", "min",
    "modulo", "month of year", "odd", "round down", "round half down", "round half up", "round up", "sum",
    *LISTS, *OF_LISTS, *TEXTS,
})  # fmt: skip
RENAMED: Final = {"round half even": "decimal"}
ALIKE_PARTS: Final = ("year", "month", "day", "weekday", "days")
AS_OF: Final = "as_of"

NOT_CARRIED: Final = wording.group("not_carried")


class NotCarried(Exception):
    """What DMN cannot say, and why."""

    def __init__(self, why: Message) -> None:
        self.why = why
        super().__init__(why.en)


def not_carried(why: str, **values: object) -> NotCarried:
    return NotCarried(NOT_CARRIED[why].filled(**values))


@dataclass(slots=True)
class Scope:
    """The names that formulas of an entity may use; what they did use is gathered in the sets."""

    document: Document
    entity: str
    names: Mapping[Key, str]  # of facts and decisions in the model
    figure: Callable[[str, str], str]  # the name in the model of a figure, for an entity
    let: Mapping[str, str] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()  # of the function that is written
    keys: set[Key] = field(default_factory=set)
    figures: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)

    @property
    def day(self) -> tree.Expr:
        """The reference date of the entity's rows."""
        name = self.document.entities[self.entity].date
        return self.name(AS_OF) if name is None else self.name(name)

    def area(self) -> tree.Expr:
        """The fact that jurisdiction is tested on: the entity's own, or the nearest parent's."""
        for owner in self._owners():
            name = self.document.entities[owner].area
            if name is not None:
                return self._key((owner, name))
        raise not_carried("no_area")

    def name(self, name: str) -> tree.Expr:
        """What a bare name stands for."""
        document = self.document
        if name in self.arguments:
            return tree.Name(name)
        if name == AS_OF and not self.arguments:
            return self._key(("", AS_OF))
        if name in self.let:
            return self.formula(self.let[name])
        if (self.entity, name) in self.names:
            return self._key((self.entity, name))
        parameter = document.parameters.get(name)
        if parameter is not None and (parameter.keys or parameter.type in ("scale", "month_day")):
            raise not_carried("keyed", name=name)
        if parameter is not None and not self.arguments:
            figure = self.figure(self.entity, name)
            self.figures.add(figure)
            return tree.Name(figure)
        raise not_carried("below_or_total", name=name)

    def type_of(self, e: tree.Expr) -> str:
        """The written type of a name; empty for anything else."""
        match e:
            case tree.Name(value=name):
                key, parameter = (self.entity, name), self.document.parameters.get(name)
                return self._written(key) or (parameter.type if parameter is not None else "")
            case tree.Path(of=tree.Name(value=owner), name=name):
                return self._written((owner, name))
            case _:
                return ""

    def _written(self, key: Key) -> str:
        for section in (self.document.facts, self.document.decisions):
            entry = section.get(key[0], {}).get(key[1])
            if entry is not None:
                return entry.type
        return ""

    def _key(self, key: Key) -> tree.Expr:
        """A fact or decision; of a fact above, what this entity says in its stead where that is known."""
        stated = (self.entity, ".".join(key))
        key = stated if stated in self.names else key
        self.keys.add(key)
        return tree.Name(self.names[key])

    def _owners(self) -> list[str]:
        """The entity and those above it."""
        owners = [self.entity]
        while (parent := self.document.entities[owners[-1]].parent) is not None:
            owners.append(parent)
        return owners

    # -- formulas ----------------------------------------------------------------------------

    def formula(self, text: str) -> tree.Expr:
        return self.expression(parse_expression(Text.inline(text.strip())))

    def cell(self, subject: str, text: str) -> str:
        """A cell of a table below an input."""
        return cell_to_text(self._cell(subject, text))

    def matched(self, subject: str, text: str) -> tree.Expr | None:
        """What a cell of a table asks of its input, as a condition; None: nothing."""
        cell = self._cell(subject, text)
        if not cell.tests:
            return None
        inside = tree.In(self.formula(subject), cell.tests)
        return tree.Not(inside) if cell.negated else inside

    def _cell(self, subject: str, text: str) -> tree.Cell:
        parsed = parse_cell(Text.inline(text.strip()))
        written = self.type_of(parse_expression(Text.inline(subject.strip())))
        if "area" in written and parsed.tests:
            raise not_carried("area_input")
        return replace(parsed, tests=tuple(self.test(test, written) for test in parsed.tests))

    def expression(self, e: tree.Expr, written: str = "") -> tree.Expr:
        """The formula with the model's names; `written` is the type that a text in it is compared with."""
        match e:
            case tree.Number() | tree.Boolean():
                return e
            case tree.String(value=text):
                return tree.String(self.code(text, written))
            case tree.Name(value=name):
                return self.name(name)
            case tree.Path(of=tree.Name(value=owner), name=name) if owner in self._owners():
                if (owner, name) not in self.names:
                    raise not_carried("reads", name=name, owner=owner)
                return self._key((owner, name))
            case tree.Path(of=of, name=name) if name in ALIKE_PARTS:
                return tree.Path(self.expression(of), name)
            case tree.IsKnown(value=value, negated=negated):
                null = tree.Name("null")
                return tree.Binary("=" if negated else "!=", self.expression(value), null)
            case tree.Binary(op=op, left=left, right=right):
                kinds = self.type_of(left), self.type_of(right)
                if "area" in kinds and op in ("=", "!="):
                    raise not_carried("compares_areas")
                kind = next(filter(None, kinds), "")
                return tree.Binary(op, self.expression(left, kind), self.expression(right, kind))
            case tree.In(value=value, tests=tests):
                kind = self.type_of(value)
                if kind == "area":
                    raise not_carried("compares_areas")
                return tree.In(self.expression(value), tuple(self.test(test, kind) for test in tests))
            case tree.Function():
                return self._function(e)
            case tree.Path() | tree.Filter() | tree.Quantified() | tree.For():
                raise not_carried("below")
            case tree.OnDate():
                raise not_carried("other_date")
            case _:
                return mapped(e, self.expression)

    def test(self, test: tree.Test, written: str) -> tree.Test:
        if isinstance(test, tree.RangeTest):
            return replace(test, low=self.expression(test.low), high=self.expression(test.high))
        return replace(test, value=self.expression(test.value, written))

    def code(self, text: str, written: str) -> str:
        """The code of a label; any other text as it is."""
        listed = self.document.codes.get(written.removeprefix("list of ").removeprefix("code "))
        for code, value in listed.values.items() if listed is not None else ():
            if text in (value.zh, *value.also):
                return code
        return text

    def _function(self, e: tree.Function) -> tree.Expr:
        name = e.name
        if name in self.document.functions:
            self.functions.add(name)
            return replace(e, arguments=tuple(map(self.expression, e.arguments)))
        if e.names:
            raise not_carried("by_name", name=name)
        if name == "within":
            return self._within(e.arguments)
        if name in ("days", "months", "years") and isinstance(number := e.arguments[0], tree.Number):
            return tree.Function("duration", (tree.String(f"P{number.value:f}{name[0].upper()}"),))
        if name == "days between":
            first, last = map(self.expression, e.arguments)
            return tree.Path(tree.Binary("-", last, first), "days")
        if name == "contains":
            listed = self.type_of(e.arguments[0])
            named = "list contains" if listed.startswith("list of ") else "contains"
            return tree.Function(named, tuple(self.expression(part, listed) for part in e.arguments))
        if name not in ALIKE and name not in RENAMED:
            raise not_carried("no_function", name=name)
        return tree.Function(RENAMED.get(name, name), tuple(map(self.expression, e.arguments)))

    def _within(self, arguments: tuple[tree.Expr, ...]) -> tree.Expr:
        place, *constants = arguments
        if not all(isinstance(constant, tree.String) for constant in constants):
            raise not_carried("two_areas")
        return self.inside(self.expression(place), [c.value for c in constants if isinstance(c, tree.String)])

    def inside(self, place: tree.Expr, areas: list[str]) -> tree.Expr:
        """Whether a place lies in one of some areas, as texts."""
        codes = [place_in_rules(area) or area for area in areas]
        tests: list[tree.Expr] = [tree.Function("starts with", (place, tree.String(code))) for code in codes]
        return either(tests)

    def money(self, e: tree.Expr, result: tree.Expr) -> tree.Expr:
        """An amount rounded half up to the fen, where it is not of whole fen anyway."""
        return (
            result
            if self._whole_fen(e)
            else tree.Function("round half up", (result, tree.Number(Decimal(2))))
        )

    def _whole_fen(self, e: tree.Expr) -> bool:
        match e:
            case tree.Number(value=value):
                return value == round(value, 2)
            case tree.Name(value=name) if name in self.let:
                return False
            case tree.Name() | tree.Path():
                return self.type_of(e) in ("money", "integer")
            case tree.Binary(op="+" | "-", left=left, right=right):
                return self._whole_fen(left) and self._whole_fen(right)
            case tree.If(then=then, otherwise=otherwise):
                return self._whole_fen(then) and self._whole_fen(otherwise)
            case tree.Function(name="min" | "max", arguments=arguments):
                return all(map(self._whole_fen, arguments))
            case _:
                return False


def mapped(e: tree.Expr, change: Callable[[tree.Expr], tree.Expr]) -> tree.Expr:
    """The node with each expression directly below it changed."""
    parts: dict[str, Any] = {}
    for part in fields(e):
        value = getattr(e, part.name)
        if isinstance(value, tuple):
            parts[part.name] = tuple(change(item) if isinstance(item, tree.Expr) else item for item in value)
        elif isinstance(value, tree.Expr):
            parts[part.name] = change(value)
    return replace(e, **parts)


def both(conditions: list[tree.Expr]) -> tree.Expr:
    """All of some conditions."""
    whole, *more = conditions or [tree.Boolean(True)]
    for condition in more:
        whole = tree.Binary("and", whole, condition)
    return whole


def either(conditions: list[tree.Expr]) -> tree.Expr:
    """Any of some conditions, at least one."""
    whole, *more = conditions
    for condition in more:
        whole = tree.Binary("or", whole, condition)
    return whole


def text(e: tree.Expr) -> str:
    """The formula as text on one line."""
    return printed(e)
