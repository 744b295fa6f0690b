"""The rows of one entity as typed and checked columns, in the order of its files.

In: files with their columns matched (`Input`). Out: `EntityRows`. Nothing here raises for what a cell says.
Invariants: every record of every file is a row, rejected or not, blank ones aside, which are counted; a rejected row
keeps what could be read; every column is checked, and the facts that some rule reads are kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.catalogue import diagnostic
from mianshen.ingest.column_parts import concatenated, filtered, numbered, whole
from mianshen.ingest.inputs import Input, Part
from mianshen.ingest.part_columns import Span, spans_of
from mianshen.ingest.plausibility import Plausibility
from mianshen.ingest.rejects import Rejects, joined
from mianshen.ingest.row_checks import RowChecks
from mianshen.ingest.total_rows import headers, labelled, notes, total_row
from mianshen.ingest.typed_columns import (
    Array,
    ColumnReader,
    Refusal,
    TypedColumn,
    arrow_type,
    is_plain,
    refusal_of,
)
from mianshen.native.arrays import repeated
from mianshen.native.layout import area_number, is_text
from mianshen.program.core import Code, Date, FactRef, Listing, Numeric, String, walk
from mianshen.program.program import Entity, Fact, Key, Program
from mianshen.source import NOWHERE
from mianshen.values import Known

_END: Final = 5  # rows at the end of a file that may be its totals, or notes below it


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file's rows among its entity's: the first one's place and how many.

    `blank`: the records, from 1, that are no rows: those of which nothing is filled in, and `left_out` others, which a
    mapping leaves out.
    """

    name: str
    first: int
    count: int
    blank: Array
    left_out: int = 0

    @property
    def blank_rows(self) -> int:
        """How many records nothing is filled in of."""
        return len(self.blank) - self.left_out

    def followed_by(self, more: FileRows) -> FileRows:
        """With the next rows of the same file."""
        blank = np.concatenate([self.blank, more.blank])
        return FileRows(self.name, self.first, self.count + more.count, blank, self.left_out + more.left_out)

    def numbers(self, rows: Array) -> Array:
        """The number in the file, from 1, of rows of the entity."""
        at = np.asarray(rows, np.int64) - self.first + 1
        before = self.blank - np.arange(len(self.blank))  # the first row that each blank record pushes on
        return at + np.searchsorted(before, at, side="right")


@dataclass(slots=True)
class Distinct:
    """Texts and lists by number, in the order in which they were first seen; the same over all entities of a run."""

    texts: dict[str, int] = field(default_factory=dict)
    lists: dict[tuple[str, ...], int] = field(default_factory=dict)


@dataclass(slots=True)
class EntityRows:
    """Keys, facts and rejects, a column each.

    `facts`, by name: numbers as decimals (of 64 bits where 18 digits hold them), dates, truths; codes as their place
    in the list, areas as `native.layout` encodes them, texts and lists as their number in `distinct`. Null is unknown.

    `reverses` holds the keys of the rows that rows void. `supplied`: facts that some file has a column for.
    `unkeyed`: how rows without a key are named, by row: their record's number, behind the file's name where there are several.
    """

    entity: Entity
    program: Program
    key: pa.StringArray
    parent: pa.StringArray | None
    facts: dict[str, pa.Array]
    rejects: Rejects
    files: list[FileRows]
    distinct: Distinct
    supplied: frozenset[str]
    reverses: pa.StringArray | None = None
    unkeyed: Mapping[int, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.key)

    @property
    def has_input(self) -> bool:
        """Whether there is a file of them; without one nobody is missed in it."""
        return bool(self.files)

    @property
    def blank(self) -> int:
        """How many records were passed over because nothing is in them."""
        return sum(file.blank_rows for file in self.files)

    @property
    def assumed(self) -> frozenset[str]:
        """Facts that no file has a column for, taken as the vocabulary says."""
        facts = (fact for (owner, _), fact in self.program.facts.items() if owner == self.entity.name)
        return frozenset(f.name for f in facts if f.when_absent is not None and f.name not in self.supplied)

    def places(self, rows: Array) -> tuple[Array, Array]:
        """For each row, which of `files` it stands in, and its record's number there, from 1."""
        firsts = np.array([file.first for file in self.files], np.int64)
        which = np.searchsorted(firsts, rows, side="right") - 1
        numbers = np.zeros(len(rows), np.int64)
        for at, file in enumerate(self.files):
            numbers[which == at] = file.numbers(np.asarray(rows)[which == at])
        return which, numbers

    def name_unkeyed(self, numbers: Array) -> None:
        """Name the rows without a key; `numbers`: the place of each row among all of its entity's, -1: made up."""
        if not self.key.null_count:
            return
        rows = np.flatnonzero(np.asarray(self.key.is_null()) & (numbers >= 0))
        if len(rows):
            which, records = self.places(numbers[rows])
            several = len(self.files) > 1
            files = [self.files[at].name if several else "" for at in which]
            named = zip(rows.tolist(), files, records.tolist(), strict=True)
            self.unkeyed = {row: f"{file}#{record}" for row, file, record in named}

    def column(self, name: str) -> pa.Array:
        """One fact as numbers, dates, truths, texts, or lists of them; codes and areas as texts."""
        cells = self.facts[name]
        match self.program.facts[self.entity.name, name].type:
            case Code(codes=codes):
                known = pa.array(list(self.program.codes[codes].values), pa.string())
            case String(area=True):
                coded = cells.dictionary_encode()
                numbers = coded.dictionary.to_pylist()
                known = pa.array([f"{n >> 4:012}"[: n & 15] for n in numbers], pa.string())
                cells = coded.indices
            case String():
                known = pa.array(list(self.distinct.texts), pa.string())
            case Listing():
                known = pa.array(list(map(list, self.distinct.lists)), pa.list_(pa.string()))
            case _:
                return cells
        return known.take(cells)

    def values(self, name: str) -> list[Known | None]:
        """One fact of every row as the interpreter reads it; None where it is unknown."""
        cells: list[Any] = self.column(name).to_pylist()
        return [tuple(cell) if isinstance(cell, list) else cell for cell in cells]

    def taken(self, rows: Array) -> EntityRows:
        """Some rows, ascending, numbered anew; `files` stays that of all of them."""
        which = pa.array(rows)
        return EntityRows(
            self.entity, self.program, self.key.take(which), None if self.parent is None else self.parent.take(which),
            {name: column.take(which) for name, column in self.facts.items()}, self.rejects.taken(rows), self.files,
            self.distinct, self.supplied, None if self.reverses is None else self.reverses.take(which),
            {at: self.unkeyed[row] for at, row in enumerate(rows.tolist()) if row in self.unkeyed} if self.unkeyed else {},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows of a file that are read at once; how many of the file's records, and rows of the entity, come before."""

    part: Part
    span: Span
    supplied: frozenset[str]
    records: int
    before: int

    @property
    def last(self) -> int:
        """The number of the last record."""
        numbers = self.span.numbers
        return self.records + self.span.count if numbers is None or not len(numbers) else int(numbers[-1])

    def file(self, blank: Array) -> FileRows:
        """Where the rows stand in the file; `blank`: those of the span of which nothing is filled in."""
        count = self.span.count - len(blank)
        numbers = self.span.numbers
        if numbers is None:
            return FileRows(self.part.name, self.before, count, blank + self.records + 1)
        every = np.arange(self.records + 1, self.last + 1)
        passed = np.setdiff1d(every, np.delete(numbers, blank), assume_unique=True)
        return FileRows(self.part.name, self.before, count, passed, len(every) - len(numbers))


@dataclass(slots=True)
class RowReader:
    """Reads the rows of entities. `facts`: those that rules read; None: all."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date
    facts: frozenset[Key] | None = None
    threads: int = 1
    distinct: Distinct = field(default_factory=Distinct)
    plausibility: Plausibility | None = None  # looks at the rows as they are read
    _columns_absent: dict[Key, pa.Array] = field(
        default_factory=dict
    )  # of facts without a column, at their longest

    def read(self, entity: Entity, source: Input | None) -> EntityRows:
        """Every row of an entity's files. Raises RuleError where a file cannot be read, MemoryError."""
        chunks = list(self.chunks(entity, source))
        return chunks[0] if len(chunks) == 1 else self.joined(entity, source, chunks)

    def chunks(self, entity: Entity, source: Input | None) -> Iterator[EntityRows]:
        """The rows of an entity's files, some at a time; none where there is no file."""
        parts = () if source is None else source.parts
        supplied = frozenset(name for part in parts for name in part.columns)
        coded = {
            f.name
            for f in self._facts(entity)
            if not isinstance(f.type, Numeric | Date) and not is_text(f.type)
        }
        before = 0
        with ThreadPoolExecutor(max(1, self.threads)) as pool:
            for part in parts:
                records = 0
                for span, columns in self._ahead(entity, part, spans_of(part, self.connection, coded), pool):
                    stretch = _Stretch(part, span, supplied, records, before)
                    chunk = self._chunk(entity, stretch, {name: c.result() for name, c in columns.items()})
                    records = stretch.last
                    before += chunk.count
                    yield chunk

    def _ahead(
        self, entity: Entity, part: Part, spans: Iterator[Span], pool: Executor
    ) -> Iterator[tuple[Span, dict[str, Future[TypedColumn]]]]:
        """Each span with its columns; while one is looked at the next one's are read."""
        facts = [fact for fact in self._facts(entity) if fact.name in part.columns]
        waiting: list[tuple[Span, dict[str, Future[TypedColumn]]]] = []
        for span in spans:
            waiting.append((span, {fact.name: pool.submit(self._typed, fact, span) for fact in facts}))
            if len(waiting) > 1:
                yield waiting.pop(0)
        yield from waiting

    # -- one stretch of a file -------------------------------------------------------------------

    def _chunk(self, entity: Entity, stretch: _Stretch, typed: dict[str, TypedColumn]) -> EntityRows:
        part, span, supplied = stretch.part, stretch.span, stretch.supplied
        facts = self._facts(entity)
        blank = self._blank(entity, part, typed)
        if len(blank):
            typed = {name: filtered(column, blank, span.count) for name, column in typed.items()}
        count = span.count - len(blank)
        if self.plausibility is not None:
            self.plausibility.see(entity, part, typed, count)
        for fact in facts:
            if fact.name not in typed and (
                self._is_kept(entity, fact, supplied) or self._is_checked(entity, fact)
            ):
                typed[fact.name] = TypedColumn(self._absent(fact, count))
        rejects = self._rejects(entity, facts, typed)
        owner = None if entity.parent is None else self.program.entities[entity.parent].key
        nobody = TypedColumn(pa.nulls(count, pa.string()))
        return EntityRows(
            entity, self.program, typed[entity.key].values, None if owner is None else typed.get(owner, nobody).values,
            {f.name: self._stored(f, typed[f.name].values) for f in facts if self._is_kept(entity, f, supplied)},
            rejects, [stretch.file(blank)], self.distinct, supplied,
            typed[entity.reverses].values if entity.reverses in supplied else None,
        )  # fmt: skip

    def _facts(self, entity: Entity) -> list[Fact]:
        return [fact for (owner, _), fact in self.program.facts.items() if owner == entity.name]

    def _typed(self, fact: Fact, span: Span) -> TypedColumn:
        """A fact's column of a span, chunk after chunk."""
        reader = ColumnReader(fact, self.program)
        columns, refused, before, placeholders, written = [], [], 0, 0, []
        for chunk in span.column(fact.name):
            column = reader.read(chunk)
            columns.append(column.values)
            for rows, why in column.refused:
                total = labelled(chunk, rows)
                refused += [(rows[~total] + before, why), (rows[total] + before, total_row(fact))]
            before += len(chunk)
            placeholders += column.placeholders
            written += [] if column.written is None else [column.written]
        texts = concatenated(written) if written else None
        return TypedColumn(whole(columns, fact.type), refused, placeholders, texts)

    def _absent(self, fact: Fact, count: int) -> pa.Array:
        """A fact that a file has no column for: unknown, or as the vocabulary assumes."""
        key, longest = (fact.entity, fact.name), self._columns_absent.get((fact.entity, fact.name))
        if longest is None or len(longest) < count:
            assumed = fact.assumed_on(self.as_of)
            one = None if assumed is None else pa.array([assumed], arrow_type(fact.type))
            longest = pa.nulls(count, arrow_type(fact.type)) if one is None else repeated(one, count)
            self._columns_absent[key] = longest
        return longest.slice(0, count)

    def _blank(self, entity: Entity, part: Part, typed: Mapping[str, TypedColumn]) -> Array:
        """The rows of which no cell of the file holds anything; what a mapping adds to every row is none."""
        key = typed[entity.key].values
        if not key.null_count:
            return np.empty(0, np.int64)
        written = [column for name, column in typed.items() if not part.mapped or part.sources.get(name)]
        rows = np.flatnonzero(np.asarray(key.is_null()))
        for column in written:
            rows = rows[np.asarray(column.values.take(pa.array(rows)).is_null())]
            wrong = [which for which, why in column.refused if why.reason != "empty"]
            rows = rows[~np.isin(rows, np.concatenate(wrong))] if wrong else rows
        return rows

    def _rejects(self, entity: Entity, facts: Sequence[Fact], typed: dict[str, TypedColumn]) -> Rejects:
        """What is wrong; values that contradict another are taken out of the columns."""
        refused = [part for fact in facts if fact.name in typed for part in typed[fact.name].refused]
        refused += self._missing(entity, facts, typed)
        if entity.date is not None:
            late = pc.greater(typed[entity.date].values, pa.scalar(self.as_of, pa.date32()))
            refused.append((_rows(late), Refusal(entity.date, "after_as_of")))
        columns = {name: column.values for name, column in typed.items()}
        refused += RowChecks(self.program, self.connection, self.as_of).failed(entity, columns)
        typed |= {name: replace(typed[name], values=values) for name, values in columns.items()}
        totals = self._totals(entity, typed)
        rejects = Rejects.of([*totals, *self._but_with_amounts(entity, typed, refused)])
        if entity.reverses is not None and entity.reverses in typed and len(rejects.rows):
            owner = None if entity.parent is None else self.program.entities[entity.parent].key
            voiding = np.flatnonzero(np.asarray(typed[entity.reverses].values.is_valid()))
            rejects = rejects.without(voiding, {entity.key, owner or "", entity.reverses})
        return rejects

    def _but_with_amounts(
        self, entity: Entity, typed: Mapping[str, TypedColumn], refused: Iterable[tuple[Array, Refusal]]
    ) -> Iterator[tuple[Array, Refusal]]:
        """Refusals; a row with an amount below zero refunds nothing where another amount is above zero."""
        amounts = [f.name for f in self._facts(entity) if f.written == "money" and f.name in typed]
        for rows, why in refused:
            if not why.voids or why.field == entity.reverses:
                yield rows, why
                continue
            at, positive = pa.array(rows), np.zeros(len(rows), bool)
            for name in amounts:
                cells = typed[name].values.take(at)
                above = pc.greater(cells, pa.scalar(Decimal(0), cells.type))
                positive |= np.asarray(pc.fill_null(above, False))
            yield rows[~positive], why
            yield rows[positive], replace(why, voids=False)

    def _missing(
        self, entity: Entity, facts: Sequence[Fact], typed: Mapping[str, TypedColumn]
    ) -> Iterator[tuple[Array, Refusal]]:
        """Rows without a fact that every row needs."""
        for fact in (fact for fact in facts if fact.required):
            column = typed[fact.name]
            if column.values.null_count:
                missing = np.asarray(column.values.is_null())
                for rows, _ in column.refused:
                    missing[rows] = False
                finding = diagnostic("E428.required", NOWHERE, where=entity.name, name=fact.name)
                yield np.flatnonzero(missing), refusal_of(fact.name, finding)

    def _totals(self, entity: Entity, typed: Mapping[str, TypedColumn]) -> Iterator[tuple[Array, Refusal]]:
        """Rows of which a text says that they are none: totals, at the end of a file or a page, notes, headers."""
        for fact in self._facts(entity):
            if fact.name not in typed:
                continue
            yield from (part for part in typed[fact.name].refused if part[1].reason == "total_row")
            if fact.type != String():
                continue
            texts = typed[fact.name].values
            if fact.name == entity.key:
                yield np.union1d(notes(texts, _END), headers(fact, texts)), total_row(fact)
            rows = np.arange(max(0, len(texts) - _END), len(texts))
            if not is_plain(texts):
                rows = np.union1d(rows, _rows(pc.match_substring_regex(texts, "[计計额額用数數]")))
            yield rows[labelled(texts, rows)], total_row(fact)

    # -- what is kept ------------------------------------------------------------------------------

    def _is_kept(self, entity: Entity, fact: Fact, supplied: frozenset[str]) -> bool:
        if fact.name in supplied and (fact.name == entity.valid_from or fact.settles is not None):
            return True
        counts = (child.counted_by for child in self.program.children_of(entity.name))
        looked_at = fact.name in (entity.date, *counts)
        return self.facts is None or (entity.name, fact.name) in self.facts or looked_at

    def _is_checked(self, entity: Entity, fact: Fact) -> bool:
        """Whether rows are rejected for what the fact says or does not say."""
        read = {n.name for check in entity.checks for n in walk(check.condition) if isinstance(n, FactRef)}
        return fact.required or fact.name in {*read, *(check.field for check in entity.checks)}

    def _stored(self, fact: Fact, values: pa.Array) -> pa.Array:
        """A column as `EntityRows` holds it."""
        match fact.type:
            case Code(codes=name):
                places = {code: place for place, code in enumerate(self.program.codes[name].values)}
                type_ = pa.int8() if len(places) < 127 else pa.int16()
                return numbered(values, lambda code: places[str(code)], type_)
            case String(area=True):
                return numbered(values, lambda area: area_number(str(area)), pa.int64())
            case String():
                texts = self.distinct.texts
                return numbered(values, lambda text: texts.setdefault(str(text), len(texts)), pa.int32())
            case Listing():
                lists = self.distinct.lists
                return numbered(values, lambda items: lists.setdefault(tuple(items), len(lists)), pa.int32())
            case _:
                return values

    def joined(self, entity: Entity, source: Input | None, chunks: list[EntityRows]) -> EntityRows:
        """The chunks as one; an entity without a file has no rows."""
        if not chunks:
            return self._nothing(entity, source)
        first = chunks[0]
        before = np.cumsum([0, *(chunk.count for chunk in chunks)])
        return EntityRows(
            entity, self.program, concatenated(chunk.key for chunk in chunks),
            None if first.parent is None else concatenated(chunk.parent for chunk in chunks),
            {name: concatenated(chunk.facts[name] for chunk in chunks) for name in first.facts},
            joined((chunk.rejects, int(rows)) for chunk, rows in zip(chunks, before, strict=False)),
            with_files([], (file for chunk in chunks for file in chunk.files)), self.distinct, first.supplied,
            None if first.reverses is None else concatenated(chunk.reverses for chunk in chunks),
        )  # fmt: skip

    def constants(self, entity: Entity, supplied: Container[str]) -> dict[str, pa.Array]:
        """The kept facts of which no row of the entity says anything, as columns of one row."""
        return {
            f.name: self._stored(f, self._absent(f, 1))
            for f in self._facts(entity)
            if f.name not in supplied and self._is_kept(entity, f, frozenset())
        }

    def absent(self, entity: Entity) -> EntityRows:
        """One row of an entity without a file, of which nobody says anything: its key is null."""
        facts = self.constants(entity, frozenset())
        null = pa.nulls(1, pa.string())
        parent = None if entity.parent is None else null
        return EntityRows(
            entity, self.program, null, parent, facts, Rejects(), [], self.distinct, frozenset()
        )

    def _nothing(self, entity: Entity, source: Input | None) -> EntityRows:
        facts = {
            f.name: self._stored(f, pa.nulls(0, arrow_type(f.type)))
            for f in self._facts(entity)
            if self._is_kept(entity, f, frozenset())
        }
        empty = pa.array([], pa.string())
        files = (
            [] if source is None else [FileRows(p.name, 0, 0, np.empty(0, np.int64)) for p in source.parts]
        )
        parent = None if entity.parent is None else empty
        return EntityRows(
            entity, self.program, empty, parent, facts, Rejects(), files, self.distinct, frozenset()
        )


def with_files(files: list[FileRows], more: Iterable[FileRows]) -> list[FileRows]:
    """The files of some rows and of the rows that follow them, in order; a file of both stands once."""
    together = list(files)
    for file in more:
        is_same = bool(together) and together[-1].name == file.name
        together.append(together.pop().followed_by(file) if is_same else file)
    return together


def _rows(truths: pa.BooleanArray) -> Array:
    return np.flatnonzero(np.asarray(pc.fill_null(truths, False)))
