"""One program, many households, two back ends: where they differ.

In: a program, households. Out: `Difference`s between the interpreter and DuckDB, over every decision
of every row and over which rows are rejected. None is what a test wants to see.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa
import pytest
from tests.support.homes import AS_OF, Record, case_of

from mianshen.interpreter import Interpreter, Row
from mianshen.program.core import Boolean, Date, Listing, Numeric, Type
from mianshen.program.program import Program
from mianshen.values import NOT_MODELLED, Unknown
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.in_turn import InTurnOnly, refuse_in_turn
from mianshen.warehouse.on_duckdb import Run

UNKNOWN: Final = "unknown"
UNMODELLED: Final = "not modelled"
REJECTED: Final = "rejected"

Answers = dict[tuple[str, str], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Difference:
    """`what`: a decision, or `rejected`."""

    entity: str
    key: str
    what: str
    interpreter: object
    duckdb: object


def differences(program: Program, homes: Sequence[Record], as_of: dt.date = AS_OF) -> list[Difference]:
    """Where the two back ends answer the same households differently; SQL that refuses a rulebook skips the test."""
    try:
        refuse_in_turn(program)
    except InTurnOnly as provision:
        pytest.skip(f"only rows taken in turn decide {provision}")
    rows = rows_of(program, homes, as_of)
    with connection() as database:
        keys = tabled(database, program, rows)
        got = by_duckdb(database, program, keys, as_of)
    expected = by_interpreter(program, [row for row in rows if row.parent is None], as_of)
    return [
        Difference(entity, key, what, answers.get(what), got[entity, key].get(what))
        for (entity, key), answers in expected.items()
        for what in sorted(answers.keys() | got[entity, key].keys())
        if not same(answers.get(what), got[entity, key].get(what))
    ]


def same(a: object, b: object) -> bool:
    return a == b and (isinstance(a, bool) == isinstance(b, bool))


def rows_of(program: Program, homes: Iterable[Record], as_of: dt.date) -> list[Row]:
    """Every row, parents before children, siblings as given."""
    return [row for home in homes for row in case_of(program, home, as_of).rows()]


# The interpreter.


def by_interpreter(program: Program, tops: Iterable[Row], as_of: dt.date) -> Answers:
    from mianshen.interpreter import Case

    interpreter = Interpreter(program)
    found: Answers = {}
    for top in tops:
        case = Case(as_of, top, top)
        interpreter.run(case)
        for row in case.rows():
            answers = answers_of(row)
            seen = row.version_of is None or REJECTED in answers
            found[row.entity, row.key] = answers if seen else {}
    return found


def answers_of(row: Row) -> dict[str, object]:
    if row.rejection is not None:
        return {REJECTED: True}
    shown: dict[str, object] = {}
    for name, value in row.values.items():
        if isinstance(value, Unknown):
            shown[name] = UNKNOWN
            shown[f"{name}?miss"] = {missing.name for missing in value.missing}
        elif value is NOT_MODELLED:
            shown[name] = UNMODELLED
        else:
            shown[name] = value
            shown[f"{name}?by"] = row.chosen[name][0].name
    return shown


# DuckDB.


def connection() -> duckdb.DuckDBPyConnection:
    """A database in memory that nothing else uses."""
    return duckdb.connect(config={"threads": 1})


def tabled(
    database: duckdb.DuckDBPyConnection, program: Program, rows: Sequence[Row]
) -> dict[str, list[str]]:
    """Write the rows, as they are before anything is decided, into one table an entity; their keys by number."""
    order = {entity: [row for row in rows if row.entity == entity] for entity in program.entities}
    numbers = {id(row): index for of_entity in order.values() for index, row in enumerate(of_entity)}
    for entity, of_entity in order.items():
        write(database, program, entity, of_entity, numbers)
    return {entity: [row.key for row in of_entity] for entity, of_entity in order.items()}


def write(
    database: duckdb.DuckDBPyConnection,
    program: Program,
    entity: str,
    rows: Sequence[Row],
    numbers: dict[int, int],
) -> None:
    columns: dict[str, pa.Array] = {"?row": pa.array([numbers[id(r)] for r in rows], pa.int64())}
    if program.entities[entity].parent is not None:
        alone = [r.parent is None or r.idle for r in rows]  # an idle row takes no part
        above = [
            None if a or r.version_of else numbers[id(r.parent.current)]  # type: ignore[union-attr]
            for a, r in zip(alone, rows, strict=True)
        ]
        columns["?parent"] = pa.array(above, pa.int64())
        read = [None if r.idle else numbers[id(r.parent)] for r in rows]
        if above != read:
            columns["?under"] = pa.array(read, pa.int64())
    if any(r.version_of for r in rows):
        columns["?of"] = pa.array(
            [numbers[id(r.version_of)] if r.version_of else None for r in rows], pa.int64()
        )
    if any(r.voider for r in rows):
        names = [f"{r.voider.entity} {r.voider.key}" if r.voider else None for r in rows]
        columns["?voider"] = pa.array(names, pa.string())
    columns["?rejected"] = pa.array([r.rejection is not None for r in rows], pa.bool_())
    wrong = [f",{','.join(sorted(r.unreadable))}," if r.unreadable else None for r in rows]
    columns["?unreadable"] = pa.array(wrong, pa.string())
    for (owner, name), fact in program.facts.items():
        if owner == entity:
            columns[name] = pa.array([r.facts.get(name) for r in rows], arrow_type(fact.type))
    database.register("incoming", pa.table(columns))
    database.execute(f'CREATE OR REPLACE TEMP TABLE "rows_{entity}" AS SELECT * FROM incoming')
    database.unregister("incoming")


def arrow_type(type_: Type) -> pa.DataType:
    match type_:
        case Numeric():
            precision, scale = (int(e.name) for e in terms.sql_type(type_).expressions)
            return pa.decimal128(precision, scale)
        case Boolean():
            return pa.bool_()
        case Date():
            return pa.date32()
        case Listing():
            return pa.list_(pa.string())
        case _:
            return pa.string()


def by_duckdb(
    database: duckdb.DuckDBPyConnection, program: Program, numbered: dict[str, list[str]], as_of: dt.date
) -> Answers:
    keys = frozenset(d.key for d in program.decisions)
    run = Run(program, database, {e: f"rows_{e}" for e in numbered}, as_of, keys, keys)
    run.reject_children()
    run.all()
    asked = Run(program, database, run.rows, as_of, keys, missing=True, prefix="asked")
    assert not asked.once()
    found: Answers = {}
    for entity in program.entities:
        rejected = {
            row
            for (row,) in database.execute(f'SELECT "?row" FROM "rows_{entity}" WHERE "?rejected"').fetchall()
        }
        for index, key in enumerate(numbered[entity]):
            found[entity, key] = {REJECTED: True} if index in rejected else {}
    for decision in program.decisions:
        for index, shown, by in made(run, decision.key):
            answers = found[decision.entity, numbered[decision.entity][index]]
            if REJECTED not in answers and "@" not in numbered[decision.entity][index]:
                answers[decision.name] = shown
                if shown not in (UNKNOWN, UNMODELLED) or isinstance(shown, bool):
                    answers[f"{decision.name}?by"] = None if by is None else decision.provisions[by].name
        for index, names in missing(asked, decision.key):
            answers = found[decision.entity, numbered[decision.entity][index]]
            if answers.get(decision.name) == UNKNOWN:
                answers[f"{decision.name}?miss"] = set(names or ())
    return found


def missing(run: Run, key: tuple[str, str]) -> list[tuple[int, list[str] | None]]:
    """Row number and the names of the missing facts of a decision."""
    query = f'SELECT "?row", "{key[1]}?miss" FROM "{run.shelf.made[key]}"'
    return run.connection.execute(query).fetchall()


def made(run: Run, key: tuple[str, str]) -> list[tuple[int, object, int | None]]:
    """Row number, answer and provision of a decision."""
    name, table = key[1], run.shelf.made[key]
    columns = {column for (column, *_) in run.connection.execute(f'DESCRIBE "{table}"').fetchall()}
    void = f'"{name}?void"' if f"{name}?void" in columns else "false"
    answers: list[tuple[int, object, int | None]] = []
    query = f'SELECT "?row", "{name}", {void}, "{name}?by" FROM "{table}"'
    for row, value, is_void, by in run.connection.execute(query).fetchall():
        answers.append((row, plain(value, is_void), by))
    return answers


def plain(value: Any, void: bool) -> object:
    if void:
        return UNMODELLED if value is None else f"not modelled and {value}"
    if value is None:
        return UNKNOWN
    return tuple(value) if isinstance(value, list) else value
