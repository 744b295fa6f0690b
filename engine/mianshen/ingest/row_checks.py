"""The conditions that the vocabulary sets on a row, over whole columns.

In: the typed columns of an entity's rows. Out: the rows that fail, with the check. A condition that an unknown fact
leaves open is not failed. The condition is DuckDB's to evaluate, as the scripts of the warehouse have it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from sqlglot import exp

from mianshen.ingest.typed_columns import Array, Refusal, refusal_of
from mianshen.program.core import FactRef, walk
from mianshen.program.program import Check, Entity, Program
from mianshen.records import diagnostics
from mianshen.source import NOWHERE
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.emit import emit
from mianshen.warehouse.scope import Scope


@dataclass(slots=True)
class RowChecks:
    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date

    def failed(self, entity: Entity, columns: Mapping[str, pa.Array]) -> Iterator[tuple[Array, Refusal]]:
        """The rows that fail a check, check after check."""
        for check in entity.checks:
            names = sorted({n.name for n in walk(check.condition) if isinstance(n, FactRef)})
            rows = self._rows(entity, check, {name: columns[name] for name in names})
            if len(rows):
                mistake = diagnostics.failed_check(NOWHERE, check.title, check.text)
                yield rows, refusal_of(check.field, mistake)

    def _rows(self, entity: Entity, check: Check, columns: Mapping[str, pa.Array]) -> Array:
        scope = Scope(self.program, entity.name, self.as_of, (self.as_of, self.as_of), frozenset())
        cells = {
            name: column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            for name, column in columns.items()
        }
        number = pa.array(np.arange(len(next(iter(cells.values())))))
        table = pa.table({"?row": number, **cells})
        wrong = terms.surely_not(emit(check.condition, scope).value)
        query = exp.select(terms.column("?row", "typed")).from_(exp.to_table("typed")).where(wrong)
        cursor = self.connection.cursor()
        cursor.register("typed", table)
        try:
            found = cursor.sql(query.sql(dialect="duckdb")).to_arrow_table()
        finally:
            cursor.unregister("typed")
            cursor.close()
        return np.sort(np.asarray(found.column(0)))
