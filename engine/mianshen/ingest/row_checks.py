"""The conditions that the vocabulary sets on a row, over whole columns.

In: the typed columns of an entity's rows. Out: the rows that fail, with the check. A condition that an unknown fact
leaves open is not failed. Comparisons of sums are made here; any other condition is DuckDB's to evaluate, as the
scripts of the warehouse have it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.ingest.typed_columns import WORD_DIGITS, Array, Refusal, refusal_of
from mianshen.native.layout import EPOCH
from mianshen.program.core import AsOf, Const, Core, Date, FactRef, If, IsKnown, Numeric, Op, walk
from mianshen.program.program import Check, Entity, Program
from mianshen.records import diagnostics
from mianshen.source import NOWHERE
from mianshen.values import EXACT


@dataclass(slots=True)
class RowChecks:
    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date

    def failed(self, entity: Entity, columns: dict[str, pa.Array]) -> Iterator[tuple[Array, Refusal]]:
        """The rows that fail a check, check after check; a value found wrong is unknown in `columns` from then on."""
        for check in entity.checks:
            names = sorted({n.name for n in walk(check.condition) if isinstance(n, FactRef)})
            read = {name: columns[name] for name in names}
            compared = Comparison(read, self.as_of).failed(check.condition)
            rows = self.by_query(entity, check, read) if compared is None else compared
            if len(rows):
                every = np.arange(len(columns[check.field]))
                columns[check.field] = columns[check.field].take(pa.array(every, mask=np.isin(every, rows)))
                finding = diagnostics.failed_check(NOWHERE, check.title, check.text)
                yield rows, refusal_of(check.field, finding)

    def by_query(self, entity: Entity, check: Check, columns: Mapping[str, pa.Array]) -> Array:
        """The rows that fail, as DuckDB finds them."""
        from sqlglot import exp

        from mianshen.warehouse import expressions as terms
        from mianshen.warehouse.emit import emit
        from mianshen.warehouse.scope import Scope

        scope = Scope(self.program, entity.name, self.as_of, frozenset())
        cells = {
            name: column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            for name, column in columns.items()
        }
        number = pa.array(np.arange(len(next(iter(cells.values())))))
        table = pa.table({"?row": number, **cells})
        wrong = terms.is_false(emit(check.condition, scope).value)
        query = exp.select(terms.column("?row", "typed")).from_(exp.to_table("typed")).where(wrong)
        cursor = self.connection.cursor()
        cursor.register("typed", table)
        try:
            arrow_table = cursor.sql(query.sql(dialect="duckdb")).to_arrow_table()
        finally:
            cursor.unregister("typed")
            cursor.close()
        return np.sort(np.asarray(arrow_table.column(0)))


@dataclass(slots=True)
class Terms:
    """The values of a sum, as integers of its last decimal; `known`: None where all are."""

    values: Array | np.int64
    scale: int
    known: Array | None = None


@dataclass(slots=True)
class Comparison:
    """Compares sums of facts and constants, column by column. All of them unknown: nothing fails."""

    columns: Mapping[str, pa.Array]
    as_of: dt.date

    def failed(self, condition: Core) -> Array | None:
        """The rows in which the condition is false; None where it is no comparison of this kind."""
        match condition:
            case Op(op=op, args=(left, right)) if op in _COMPARED:
                pair = self._terms(left), self._terms(right)
            case _:
                return None
        if (alike := _alike(*pair)) is None:
            return None
        one, other = alike
        false = ~_COMPARED[op](one.values, other.values)
        for known in (one.known, other.known):
            false = false if known is None else false & known
        return np.flatnonzero(np.broadcast_to(false, self._count()))

    def _count(self) -> int:
        return len(next(iter(self.columns.values())))

    def _terms(self, node: Core) -> Terms | None:
        match node:
            case FactRef(name=name, type=Numeric(scale=scale)) if pa.types.is_decimal64(
                self.columns[name].type
            ):
                return self._column(name, pa.int64(), scale)
            case FactRef(name=name, type=Date()):
                return self._column(name, pa.int32(), 0)
            case If(condition=IsKnown(arg=FactRef() as fact), then=value, otherwise=instead) if fact == value:
                return self._filled(fact, instead)
            case AsOf():
                return Terms(np.int64((self.as_of - EPOCH).days), 0)
            case Const(value=Decimal() as value, type=Numeric(scale=scale)):
                return Terms(np.int64(int(value.scaleb(scale, EXACT))), scale)
            case Const(value=dt.date() as day):
                return Terms(np.int64((day - EPOCH).days), 0)
            case Op(op="add" | "sub" as op, args=(left, right), type=Numeric() as type_) if (
                type_.precision <= WORD_DIGITS
            ):
                if (alike := _alike(self._terms(left), self._terms(right))) is None:
                    return None
                one, other = alike
                values = one.values + other.values if op == "add" else one.values - other.values
                return Terms(values, one.scale, _both(one.known, other.known))
            case _:
                return None

    def _filled(self, fact: FactRef, instead: Core) -> Terms | None:
        """A fact, and where it is unknown something else."""
        if (alike := _alike(self._terms(fact), self._terms(instead))) is None:
            return None
        one, other = alike
        if one.known is None:
            return one
        known = None if other.known is None else one.known | other.known
        return Terms(np.where(one.known, one.values, other.values), one.scale, known)

    def _column(self, name: str, word: pa.DataType, scale: int) -> Terms:
        column = self.columns[name]
        numbers = pa.Array.from_buffers(word, len(column), [None, column.buffers()[1]], 0, column.offset)
        known = np.asarray(column.is_valid()) if column.null_count else None
        return Terms(np.asarray(numbers).astype(np.int64, copy=False), scale, known)


_COMPARED: Final = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}


def _alike(one: Terms | None, other: Terms | None) -> tuple[Terms, Terms] | None:
    """Two sums with as many decimals; None where a column would have to be scaled, which 64 bits might not hold."""
    if one is None or other is None:
        return None
    scale = max(one.scale, other.scale)
    scaled = []
    for part in (one, other):
        if part.scale == scale:
            scaled.append(part)
            continue
        number = part.values
        value = int(number) * 10 ** (scale - part.scale) if isinstance(number, np.int64) else None
        if value is None or abs(value) >= 1 << 62:
            return None
        scaled.append(Terms(np.int64(value), scale))
    return scaled[0], scaled[1]


def _both(one: Array | None, other: Array | None) -> Array | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
