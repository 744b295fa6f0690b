"""Columns of somebody else's export made into facts: a mapping file read and applied.

In: a YAML file, by entity: `columns` (column to fact, with how to convert it), `constants`, `ignore`. Out:
`ColumnMapping`; for a file's columns, the SQL that converts them. Every typo is a mistake at its place with
the nearest name. Invariants: conversion is exact, and what it does not understand is left as text that
the fact's own reader refuses, so that no cell becomes another value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlglot import exp

from mianshen.document.yaml_tree import Mapping as Tree
from mianshen.document.yaml_tree import Node, Scalar, Sequence, read_tree
from mianshen.ingest import mapping_diagnostics as diagnostics
from mianshen.program.core import Date, Numeric
from mianshen.program.program import Fact, Program
from mianshen.records.facts import read_fact
from mianshen.source import Diagnostic, RuleError, Span
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql

MAPPING: Final = ("若干 key: value 项", "a mapping of keys to values")
TEXT: Final = ("文本", "text")
LIST: Final = ("列表", "a list")
COLUMNS: Final = "mapping.yaml"  # what a run calls the mapping it keeps
SECTIONS: Final = ("columns", "constants", "ignore")
HOW: Final = ("fact", "date", "unit", "values")
FACTORS: Final = {"fen": "0.01", "yuan": "1", "万元": "10000", "wan": "10000"}
PERCENT: Final = "percent"
_TOKEN: Final = re.compile(r"yyyy|mm?|dd?|[^a-zA-Z0-9]")
_DIGITS: Final = {
    "yyyy": "([0-9]{4})",
    "mm": "([0-9]{2})",
    "m": "([0-9]{1,2})",
    "dd": "([0-9]{2})",
    "d": "([0-9]{1,2})",
}
_PLAIN_NUMBER: Final = r"-?([0-9]{1,18}(\.[0-9]{1,8})?|\.[0-9]{1,8})"  # DECIMAL(6, 6) is written .553562
_EXACT: Final = re.compile(r"VARCHAR|ENUM\(.*|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*|DATE|\"NULL\"")


@dataclass(frozen=True, slots=True)
class Conversion:
    """A column as a fact. `dates`: formats it may be written in; `values`: its values to the fact's, None unknown."""

    fact: str
    span: Span
    dates: tuple[str, ...] = ()
    unit: str | None = None
    values: tuple[tuple[str, str | None], ...] = ()

    @property
    def plain(self) -> bool:
        """Renamed only."""
        return not (self.dates or self.unit or self.values)


@dataclass(slots=True)
class EntityMapping:
    """The columns of one entity's files; `ignored`: columns left out, with their places in the mapping."""

    columns: dict[str, Conversion] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, Span] = field(default_factory=dict)

    def refuse_absent(self, file: str, found: Iterable[Iterable[str]]) -> list[Diagnostic]:
        """Columns that no file has; `found`: each file's."""
        known = list(dict.fromkeys(name.strip() for names in found for name in names))
        places = {name: each.span for name, each in self.columns.items()} | self.ignored
        return [diagnostics.no_such_column(at, n, file, known) for n, at in places.items() if n not in known]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping file, by entity."""

    path: Path
    entities: Mapping[str, EntityMapping]


def read_mapping(path: Path, program: Program) -> ColumnMapping:
    """The mapping in a file. Raises RuleError with every mistake in it."""
    root, found = read_tree(path)
    reading = _Reading(program, found)
    entities: dict[str, EntityMapping] = {}
    if isinstance(root, Tree):
        for key, node in root.entries:
            if key.text not in program.entities:
                found.append(diagnostics.unknown_key(key.span, key.text, path.name, program.entities))
            else:
                entities[key.text] = reading.entity(key.text, node)
    elif not found:
        found.append(diagnostics.wrong_shape(Span(str(path), 1, 1), path.name, MAPPING))
    if found:
        raise RuleError(found)
    return ColumnMapping(path, entities)


@dataclass(slots=True)
class _Reading:
    program: Program
    found: list[Diagnostic]

    def entity(self, name: str, node: Node) -> EntityMapping:
        made = EntityMapping()
        facts = {fact: each for (owner, fact), each in self.program.facts.items() if owner == name}
        for section, key, value in self._entries(node, name, SECTIONS):
            match section:
                case "columns":
                    for column, how in self._named(value, "columns"):
                        self._column(made, column, how, name, facts)
                case "constants":
                    for fact, constant in self._named(value, "constants"):
                        self._constant(made, fact, constant, name, facts)
                case _:
                    if not isinstance(value, Sequence):
                        self.found.append(diagnostics.wrong_shape(key.span, "ignore", LIST))
                        continue
                    texts = [each for each in value.items if isinstance(each, Scalar)]
                    made.ignored.update({each.text.strip(): each.span for each in texts})
        return made

    def _entries(self, node: Node, where: str, known: Iterable[str]) -> Iterable[tuple[str, Scalar, Node]]:
        names = list(known)
        for key, value in self._named(node, where):
            if key.text in names:
                yield key.text, key, value
            else:
                self.found.append(diagnostics.unknown_key(key.span, key.text, where, names))

    def _named(self, node: Node, where: str) -> Iterable[tuple[Scalar, Node]]:
        if isinstance(node, Tree):
            return node.entries
        if not (isinstance(node, Scalar) and node.null):
            self.found.append(diagnostics.wrong_shape(node.span, where, MAPPING))
        return ()

    def _fact(self, made: EntityMapping, at: Scalar, entity: str, facts: dict[str, Fact]) -> Fact | None:
        """The fact a name means; refused where there is none or it is given already."""
        fact = facts.get(at.text)
        if fact is None:
            self.found.append(diagnostics.unknown_fact(at.span, at.text, entity, facts))
        elif fact.name in made.constants or any(c.fact == fact.name for c in made.columns.values()):
            self.found.append(diagnostics.given_twice(at.span, fact.name))
            return None
        return fact

    def _column(
        self, made: EntityMapping, column: Scalar, how: Node, entity: str, facts: dict[str, Fact]
    ) -> None:
        if isinstance(how, Scalar) and not how.null:
            fact = self._fact(made, how, entity, facts)
            if fact is not None:
                made.columns[column.text.strip()] = Conversion(fact.name, column.span)
            return
        parts: dict[str, Any] = {name: value for name, _, value in self._entries(how, "columns", HOW)}
        named = parts.get("fact")
        if not isinstance(named, Scalar) or named.null:
            self.found.append(diagnostics.wrong_shape(how.span, f"{column.text}: fact", TEXT))
            return
        fact = self._fact(made, named, entity, facts)
        if fact is not None:
            made.columns[column.text.strip()] = Conversion(
                fact.name, column.span, self._dates(fact, parts.get("date")),
                self._unit(fact, parts.get("unit")), self._values(fact, parts.get("values")),
            )  # fmt: skip

    def _constant(
        self, made: EntityMapping, key: Scalar, value: Node, entity: str, facts: dict[str, Fact]
    ) -> None:
        fact = self._fact(made, key, entity, facts)
        if fact is None:
            return
        text = self._value(fact, value)
        if text is not None:
            made.constants[fact.name] = text

    def _value(self, fact: Fact, node: Node) -> str | None:
        """The text of a value the fact can have."""
        if not isinstance(node, Scalar) or node.null:
            self.found.append(diagnostics.wrong_shape(node.span, fact.name, TEXT))
            return None
        read = read_fact(node, fact, self.program)
        if isinstance(read, Diagnostic):
            self.found.append(diagnostics.not_a_value(node.span, fact.name, read.what))
            return None
        return node.text

    def _dates(self, fact: Fact, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(fact.type, Date):
            self.found.append(diagnostics.unfit(node.span, "date", fact.name, fact.written))
            return ()
        formats = []
        for each in node.items if isinstance(node, Sequence) else (node,):
            text = each.text if isinstance(each, Scalar) else ""
            if _pattern(text) is None:
                self.found.append(diagnostics.bad_format(each.span, text))
            formats.append(text)
        return tuple(formats)

    def _unit(self, fact: Fact, node: Node | None) -> str | None:
        if node is None:
            return None
        text = node.text if isinstance(node, Scalar) else ""
        fits = text == PERCENT if fact.written == "rate" else text in FACTORS
        if text not in (*FACTORS, PERCENT):
            self.found.append(diagnostics.bad_unit(node.span, text, (*FACTORS, PERCENT)))
        elif not isinstance(fact.type, Numeric) or not fits:
            self.found.append(diagnostics.unfit(node.span, f"unit: {text}", fact.name, fact.written))
        return text

    def _values(self, fact: Fact, node: Node | None) -> tuple[tuple[str, str | None], ...]:
        if node is None:
            return ()
        made: list[tuple[str, str | None]] = []
        for key, value in self._named(node, "values"):
            unknown = isinstance(value, Scalar) and value.null
            made.append((key.text, None if unknown else self._value(fact, value)))
        return tuple(made)


# -- applied to a file -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mapped:
    """A file's columns as mapped. `columns`: fact to (column, type); `left`: columns the mapping does not name.

    `relation` adds the converted columns to that of the file.
    """

    columns: dict[str, tuple[str, str]]
    left: tuple[int, ...]
    relation: str


def mapped(mapping: EntityMapping, relation: str, found: list[tuple[str, str]]) -> Mapped:
    """A file's columns, as name and DuckDB type, with the mapping applied. Raises RuleError."""
    columns: dict[str, tuple[str, str]] = {}
    left: list[int] = []
    made: list[Sql] = []
    wrong: list[Diagnostic] = []
    for number, (written, type_) in enumerate(found):
        how = mapping.columns.get(written.strip())
        if how is None:
            left += [] if written.strip() in mapping.ignored else [number]
        elif how.plain:
            columns[how.fact] = (written, type_)
        elif not _EXACT.fullmatch(type_):
            wrong.append(diagnostics.inexact(how.span, written, type_))
        else:
            name = f"?mapped:{how.fact}"
            made.append(terms.alias(_converted(how, terms.column(written)), name))
            columns[how.fact] = (name, "VARCHAR")
    for fact, text in mapping.constants.items():
        made.append(terms.alias(terms.cast(terms.literal(text), "VARCHAR"), f"?mapped:{fact}"))
        columns[fact] = (f"?mapped:{fact}", "VARCHAR")
    if wrong:
        raise RuleError(wrong)
    if made:
        listed = ", ".join(each.sql(dialect="duckdb") for each in made)
        relation = f"(SELECT *, {listed} FROM {relation})"  # names and texts are quoted
    return Mapped(columns, tuple(left), relation)


def _converted(how: Conversion, column: Sql) -> Sql:
    text = terms.cast(column, "VARCHAR")
    if how.values:
        listed = [(exp.EQ(this=text, expression=terms.literal(a)), _given(b)) for a, b in how.values]
        text = terms.case(listed, text)
    for each in how.dates:
        text = _as_iso(text, each)
    if how.unit == PERCENT:
        text = _where_number(text, exp.DPipe(this=text, expression=terms.literal("%")))
    elif how.unit is not None:
        text = _where_number(text, _scaled(text, FACTORS[how.unit]))
    return text


def _given(text: str | None) -> Sql:
    return terms.cast(terms.NULL, "VARCHAR") if text is None else terms.literal(text)


def _where_number(text: Sql, number: Sql) -> Sql:
    """The converted number; what is none, blanks aside, is marked so that it is refused, not read unconverted."""
    blank = terms.function("REGEXP_FULL_MATCH", text, terms.literal(r"\s*"))
    wrong = exp.DPipe(this=terms.literal("?"), expression=text)
    fits = terms.function("REGEXP_FULL_MATCH", text, terms.literal(_PLAIN_NUMBER))
    return terms.case([(fits, number), (blank, text)], wrong)


def _scaled(text: Sql, factor: str) -> Sql:
    places = len(factor.partition(".")[2])
    by = terms.cast(
        terms.literal(factor), f"DECIMAL({max(len(factor.replace('.', '')), places + 1)}, {places})"
    )
    return terms.cast(exp.Mul(this=terms.try_cast(text, "DECIMAL(28, 8)"), expression=by), "VARCHAR")


def _pattern(written: str) -> tuple[str, dict[str, int]] | None:
    """A date format as a regular expression, and which group is the year (`y`), month and day."""
    tokens = _TOKEN.findall(written)
    groups = {each[0]: number for number, each in enumerate((t for t in tokens if t in _DIGITS), 1)}
    if "".join(tokens) != written or sorted(t[0] for t in tokens if t in _DIGITS) != ["d", "m", "y"]:
        return None
    return "".join(_DIGITS.get(token, re.escape(token)) for token in tokens), groups


def _as_iso(text: Sql, written: str) -> Sql:
    """2026-03-02 where the text is in the format; else the text as it is."""
    found = _pattern(written)
    assert found is not None  # refused when the mapping was read
    pattern, groups = found

    def part(letter: str) -> Sql:
        extracted = terms.function(
            "REGEXP_EXTRACT", text, terms.literal(pattern), terms.literal(groups[letter])
        )
        return terms.function("LPAD", extracted, terms.literal(4 if letter == "y" else 2), terms.literal("0"))

    joined = terms.function("CONCAT_WS", terms.literal("-"), part("y"), part("m"), part("d"))
    return terms.case([(terms.function("REGEXP_FULL_MATCH", text, terms.literal(pattern)), joined)], text)


def mapping_schema(program: Program) -> dict[str, Any]:
    """The JSON Schema of a mapping file for a rulebook, for editors."""
    date = {"type": "string", "examples": ["yyyymmdd", "yyyy/m/d"]}
    cell = {"type": ["string", "number", "boolean", "null"]}
    sections = {}
    for entity in program.entities:
        names = {"enum": [name for owner, name in program.facts if owner == entity]}
        how = {
            "type": "object",
            "properties": {
                "fact": names,
                "date": {"anyOf": [date, {"type": "array", "items": date}]},
                "unit": {"enum": [*FACTORS, PERCENT]},
                "values": {"type": "object", "additionalProperties": cell},
            },
            "required": ["fact"],
            "additionalProperties": False,
        }
        sections[entity] = {
            "type": "object",
            "properties": {
                "columns": {"type": "object", "additionalProperties": {"anyOf": [names, how]}},
                "constants": {"type": "object", "propertyNames": names, "additionalProperties": cell},
                "ignore": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": False,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mianshen mapping of columns",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }
