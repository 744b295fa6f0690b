"""Tables for the compiled program, read from a batch's files, and its outputs as Arrow tables.

In: files with their columns matched, a layout. Out: `Table`s in the order of the files; row tables of what
the compiled program leaves to the SQL room.
Invariant: what a row is refused for is told by the SQL room alone; here a wrong row is only marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from sqlglot import exp

from mianshen.batch.row_tables import NOT_THE_FILE, RowTables
from mianshen.ingest.inputs import ROW, Input, Part, explained, identifier
from mianshen.native.deciding import Array, Table, whole
from mianshen.native.layout import AREA_DIGITS, ELSEWHERE, Column, Layout, Unsupported, bits_of
from mianshen.program.core import Code, FactRef, Listing, Numeric, String, walk
from mianshen.program.program import Entity, Fact, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.read_columns import Read

BAD = "?bad"


@dataclass(slots=True)
class CompiledTables:
    """Reads every entity's files into a `Table`. `counts` and `files` are as in `RowTables`."""

    rows: RowTables
    layout: Layout
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)  # the number of each text so far
    lists: dict[tuple[str, ...], int] = field(default_factory=dict)

    def all(self) -> dict[str, Table]:
        """Raises RuleError where a file cannot be read, Unsupported where a check reads what is encoded."""
        return {name: self._table(self.rows.program.entities[name]) for name in self.layout.entities}

    def _table(self, entity: Entity) -> Table:
        source = self.rows.inputs.get(entity.name)
        parts = () if source is None else source.parts
        files = self.files[entity.name] = []
        read: list[pa.Table] = []
        for part in parts or (None,):
            if part is not None:
                files.append((part.name, sum(len(t) for t in read)))
            read.append(self._read(entity, part))
        table = pa.concat_tables(read)
        self.counts[entity.name] = len(table)
        if not parts:
            del self.files[entity.name]
        return self.made_of(entity, table, bool(parts))

    def made_of(self, entity: Entity, table: pa.Table, given: bool) -> Table:
        """A `Table` of what `query` gave."""
        above = None if entity.parent is None else self.rows.program.entities[entity.parent].key
        facts = {c.name: self._facts(whole(table[f"?{c.name}"]), c) for c in self.layout.facts[entity.name]}
        bad = np.array(whole(table[BAD]).cast(pa.uint8()), dtype=np.uint8)  # a copy that may be written to
        return Table(
            whole(table[entity.key]), None if above is None else whole(table[above]), facts, bad, given
        )

    def _facts(self, column: pa.Array, of: Column) -> pa.Array:
        """Texts and lists as numbers: those that formulas name by their places, others as they come."""
        if not pa.types.is_string(column.type):
            return column
        told = column.dictionary_encode()
        if isinstance(of.fact.type, Listing):
            self.lists = self.lists or {items: at for at, items in enumerate(self.layout.lists)}
            lists = [tuple(text.split(";") if text else ()) for text in told.dictionary.to_pylist()]
            numbers = [self.lists.setdefault(items, len(self.lists)) for items in lists]
            return pa.array([*numbers, 0], pa.int32()).take(told.indices)
        self.texts = self.texts or {text: at for at, text in enumerate(self.layout.texts)}
        places = [self.texts.setdefault(text, len(self.texts)) for text in told.dictionary.to_pylist()]
        return pa.array([*places, 0], pa.int32()).take(told.indices)

    def _read(self, entity: Entity, part: Part | None) -> pa.Table:
        with self.guarded(part):
            return arrow(self.rows.connection, self.query(entity, part))

    @contextmanager
    def guarded(self, part: Part | None) -> Iterator[None]:
        """What goes wrong while a file is read is told in our words. Raises RuleError."""
        try:
            yield
        except (duckdb.Error, UnicodeError) as error:
            elsewhere = part is None or (
                isinstance(error, duckdb.IOException) and str(part.text.path) not in str(error)
            )
            if elsewhere or isinstance(error, NOT_THE_FILE):
                raise
            assert part is not None
            raise explained(part, str(error)) from None

    def query(self, entity: Entity, part: Part | None) -> str:
        """Keys as texts, facts encoded under `?name`, and whether the row is wrong, in the order of the file."""
        rows = self.rows
        typed = rows.typed(entity, part, numbered=False, read=self._fact)
        above = None if entity.parent is None else rows.program.entities[entity.parent].key
        shown = [terms.column(k, "typed") for k in (entity.key, above) if k is not None]
        shown += [
            terms.alias(self._encoded(c, terms.column(c.fact.name, "typed")), f"?{c.name}")
            for c in self.layout.facts[entity.name]
        ]
        apart = [terms.is_known(terms.column(name, "typed")) for name in self._set_apart(entity, part)]
        wrong = terms.disjoin([terms.is_known(terms.column("?wrong", "typed")), *rows.wrong(entity), *apart])
        made = exp.select(*shown, terms.alias(terms.surely(wrong), BAD)).from_(
            typed.subquery("typed", copy=False)
        )
        return made.sql(dialect="duckdb")

    def _set_apart(self, entity: Entity, part: Part | None) -> list[str]:
        """Facts that change what other rows are read as (decision note 0010): rows that have one are left."""
        facts = {f.name for f in self.rows.program.facts.values() if f.entity == entity.name and f.settles}
        names = facts | {n for n in (entity.valid_from, entity.reverses) if n is not None}
        return sorted(n for n in names if part is not None and n in part.columns)

    def _fact(self, fact: Fact, part: Part | None, ordinary: Callable[[Fact, Part | None], Read]) -> Read:
        """A code as its place in its list; every other fact as the row tables read it."""
        if not isinstance(fact.type, Code):
            return ordinary(fact, part)
        codes = self.rows.program.codes[fact.type.codes]
        places = {code: number for number, code in enumerate(codes.values)}
        kind = "TINYINT" if bits_of(fact.type, self.rows.program) == 8 else "SMALLINT"
        column = None if part is None else part.columns.get(fact.name)
        if column is None:
            absent = terms.NULL if fact.when_absent is None else terms.literal(places[str(fact.when_absent)])
            return Read(terms.cast(absent, kind), ())
        written, found = column
        if found != "VARCHAR" and not found.startswith("ENUM"):
            raise Unsupported(f"codes in a column of type {found}")
        text: Sql = terms.column(written)
        if found != "VARCHAR":
            text = terms.cast(text, "VARCHAR")
        ranked = sorted(codes.spellings.items(), key=lambda each: each[0] not in codes.values)
        number = terms.case(
            [
                (
                    exp.EQ(this=text.copy(), expression=terms.literal(s)),
                    terms.cast(terms.literal(places[c]), kind),
                )
                for s, c in ranked
            ]
        )
        given = exp.NEQ(this=text.copy(), expression=terms.literal(""))
        wrong = terms.conjoin([terms.surely(given), terms.is_null(number)])
        return Read(number, ((wrong, terms.literal("bad_code")),))

    def _encoded(self, column: Column, value: Sql) -> Sql:
        """A typed fact as the compiled program reads it."""
        match column.fact.type:
            case String(area=True):
                digits = terms.function("RPAD", value, terms.literal(AREA_DIGITS), terms.literal("0"))
                padded = exp.Mul(this=terms.cast(digits, "BIGINT"), expression=terms.literal(16))
                return exp.Add(this=padded, expression=terms.function("LENGTH", value.copy()))
            case String() if (column.entity, column.name) in self.layout.free:
                return value
            case String():
                places = [
                    (exp.EQ(this=value.copy(), expression=terms.literal(text)), terms.literal(at))
                    for at, text in enumerate(self.layout.texts)
                ]
                other = [(terms.is_known(value.copy()), terms.literal(ELSEWHERE))]
                return terms.cast(terms.case([*places, *other]), "INTEGER")
            case Numeric(scale=scale):
                return terms.cast(value, terms.decimal_type(18, scale))
            case Listing():
                return terms.function("ARRAY_TO_STRING", value, terms.literal(";"))
            case _:
                return value


def arrow(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """A query's rows, in order."""
    connection.execute("SELECT 1").fetchall()  # ends what an earlier query left unread
    return connection.sql(query).to_arrow_table()


def refuse_encoded(program: Program) -> None:
    """Raises Unsupported where a check of the vocabulary reads what is encoded here."""
    for entity in program.entities.values():
        for check in entity.checks:
            if any(isinstance(n, FactRef) and isinstance(n.type, Code) for n in walk(check.condition)):
                raise Unsupported(f"the check {check.name}")


def refuse_columns(program: Program, entity: str, part: Part) -> None:
    """Raises Unsupported where a file has codes in a column that is no text."""
    for fact, (_, found) in part.columns.items():
        written = found in ("VARCHAR", '"NULL"', "NULL") or found.startswith("ENUM")
        if isinstance(program.facts[entity, fact].type, Code) and not written:
            raise Unsupported(f"codes in a column of type {found}")


def left_inputs(
    connection: duckdb.DuckDBPyConnection,
    inputs: dict[str, Input],
    files: dict[str, list[tuple[str, int]]],
    left: dict[str, Array],
) -> dict[str, Input]:
    """The inputs cut to the rows of these numbers, from 1; every part numbered through."""
    found: dict[str, Input] = {}
    for entity, source in inputs.items():
        name = f"left_{entity}"
        numbers = pa.table({ROW: pa.array(left[entity], pa.int64())})
        connection.register(f"{name}?rows", numbers)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS FROM {identifier(f'{name}?rows')}"
        )
        connection.unregister(f"{name}?rows")
        parts = [
            _cut(part, name, before) for part, (_, before) in zip(source.parts, files[entity], strict=True)
        ]
        found[entity] = replace(source, parts=tuple(parts))
    return found


def _cut(part: Part, left: str, before: int) -> Part:
    row = f'"{ROW}"' if part.numbered else "row_number() OVER ()"
    every = f'* EXCLUDE ("{ROW}")' if part.numbered else "*"
    numbered = f'(SELECT {row} + {before} AS "{ROW}", {every} FROM {part.relation})'
    relation = f'(SELECT * FROM {numbered} WHERE "{ROW}" IN (FROM {identifier(left)}))'
    return replace(part, relation=relation, numbered=True)


# -- outputs ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Cells:
    """A column being made: numbers that mean themselves, or places in `texts`."""

    values: Array
    known: Array | None
    type: pa.DataType
    texts: list[str] | None = None

    def place(self, rows: Array, found: pa.Array) -> None:
        """Put what the SQL room found into its rows."""
        if self.texts is None:
            self._numbers(rows, found)
            return
        found = found.cast(pa.string()).dictionary_encode()
        places = [self._text(text) for text in found.dictionary.to_pylist()]
        indices = found.indices
        known = np.asarray(indices.is_valid())
        at = np.asarray(indices.fill_null(0))
        self.values[rows] = np.array([*places, 0], self.values.dtype)[at]
        if self.known is not None:
            self.known[rows] = known

    def _text(self, text: str) -> int:
        assert self.texts is not None
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def _numbers(self, rows: Array, found: pa.Array) -> None:
        assert self.known is not None
        self.known[rows] = np.asarray(found.is_valid())
        values = found.cast(self.type)
        raw = values.buffers()[-1]
        if len(values) and raw is not None:
            numbers = np.frombuffer(raw, np.int64)[values.offset : values.offset + len(values)]
            self.values[rows] = np.where(self.known[rows], numbers, 0)

    def array(self, pack: Callable[[Array], tuple[Any, int]]) -> pa.Array:
        """The column; `pack` makes bytes of 0 and 1 a bitmap and counts the zeros."""
        bits, nulls = (None, 0) if self.known is None else pack(self.known)
        mask = pa.py_buffer(bits) if nulls else None
        if self.texts is None:
            return pa.Array.from_buffers(
                self.type, len(self.values), [mask, pa.py_buffer(self.values)], null_count=nulls
            )
        index = pa.from_numpy_dtype(self.values.dtype)
        indices = pa.Array.from_buffers(
            index, len(self.values), [mask, pa.py_buffer(self.values)], null_count=nulls
        )
        return pa.DictionaryArray.from_arrays(indices, pa.array(self.texts, pa.string()))


def filtered(table: pa.Table, dropped: Array) -> pa.Table:
    """The table without the rows that were rejected."""
    return table.filter(pa.array(dropped == 0)) if dropped.any() else table
