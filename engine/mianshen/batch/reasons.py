"""Why rows could not be decided, told as `check` tells it: the reason, and the provision or figure at fault.

In: row tables after deciding, where such rows say only `undecidable`. Out: their reasons, in the tables.
The few households concerned are decided once more by the interpreter; a row that it can decide keeps the
decision at which it failed, and says `undecidable`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import duckdb

from mianshen.batch.household_cases import DECIDING, Households
from mianshen.ingest.inputs import identifier
from mianshen.interpreter import Interpreter
from mianshen.program.program import Program

UNDECIDABLE = DECIDING[0]


def tell_reasons(
    program: Program,
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, str],
    as_of: dt.date,
    failed: Iterable[tuple[str, int]],
) -> None:
    """Write the reasons of failed rows, (entity, number), into their tables."""
    by_entity: dict[str, list[int]] = {}
    for entity, row in failed:
        by_entity.setdefault(entity, []).append(row)
    households = Households(program, connection, tables)
    interpreter = Interpreter(program)
    seen: set[tuple[str, int]] = set()
    for entity, rows in by_entity.items():
        told: list[tuple[str, int, str]] = []
        for household in households.around(entity, [row for row in rows if (entity, row) not in seen]):
            interpreter.run(household.case(as_of))
            for member, number in household.numbers.items():
                seen.add((member.entity, number))
                why = member.rejection
                if why is not None:
                    told.append((member.entity, number, f"{why.field}|{why.reason}|"))
        _write(connection, tables, told)


def _write(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str], told: list[tuple[str, int, str]]
) -> None:
    for entity in sorted({entity for entity, _, _ in told}):
        mine = [(number, refusal) for owner, number, refusal in told if owner == entity]
        table = identifier(tables[entity])
        connection.execute(
            f'UPDATE {table} SET "?refusal" = told.refusal '
            f"FROM (SELECT unnest(?) AS number, unnest(?) AS refusal) AS told "
            f'WHERE {table}."?row" = told.number AND "?refusal" LIKE \'%|{UNDECIDABLE}|\'',
            [[number for number, _ in mine], [refusal for _, refusal in mine]],
        )
