"""Rows taken in turn, rows before a row and rows that share facts, in the words of every dialect.

The DuckDB script is held to the interpreter elsewhere; here PostgreSQL and Spark run theirs over the same records and
give what DuckDB gives.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from tests.support.campaigns import SOAK
from tests.support.homes import Record, case_of, homes
from tests.support.postgres import Postgres

from mianshen.program.program import Key, Program
from mianshen.rulebook import open_program
from mianshen.values import Known
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.dialects import Dialect, text_of
from mianshen.warehouse.script import Script

pytestmark = pytest.mark.xdist_group("spark")

RULEBOOKS = Path(__file__).parents[1] / "rulebooks"
AS_OF = dt.date(2026, 11, 21)
SHARED = """
decisions:
  claim:
    first: {type: money, title: a}
    second: {type: money, title: b}
    own: {type: money, title: c}
    before: {type: integer, title: d}
    of_family: {type: money, title: e}
accumulators:
  both: {title: a, sums: [first, second], dates: {first: admission_date}}
  own: {title: b, sums: own, holder: household, per: hospital}
  visits: {title: c, days_before: 60}
defaults: {from: 2020-01-01, source: S, clause: x, basis: cited}
provisions:
  one_of_two: {decision: first, value: cost * 30%, annual_limit: {accumulator: both, limit: 900}}
  two_of_two: {decision: second, value: cost * 20%, annual_limit: {accumulator: both, limit: 900}}
  own: {decision: own, value: 'if year to date(own) >= 500 then cost * 50% else cost * 40%'}
  before:
    decision: before
    let: {since: 'days between(previous(claims[cost > 100]).service_date, service_date)'}
    value: 'since + count(previous(claims, care)) + 1000 * year to date(visits)'
  of_family: {decision: of_family, value: 'sum(sharing(household.members.claims, care).cost)'}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    rules = tmp_path_factory.mktemp("rules") / "rules.yaml"
    rules.write_text(SHARED, "utf-8")
    return open_program((RULEBOOKS / "people.yaml", rules))


def people_of(program: Program, count: int, most: int) -> list[Record]:
    """Some households with two claims or more, and no more than so many."""
    drawn = homes(Random(2), program, 10 * count)
    return [home for home in drawn if 2 <= sum(len(member.children) for member in home.children) <= most][
        :count
    ]


def all_of(program: Program) -> frozenset[Key]:
    return frozenset(decision.key for decision in program.decisions)


def script_of(program: Program, dialect: Dialect, keys: frozenset[Key]) -> Script:
    script = Script(program, AS_OF, keys, dialect, {})
    script.write()
    return script


def rows_of(
    program: Program, entity: str, script: Script, people: list[Record]
) -> Iterator[list[Known | None]]:
    """The cells of an entity's records, in the order of the columns that a script reads."""
    above = program.entities[entity].parent
    for home in people:
        for row in case_of(program, home, AS_OF).rows():
            if row.entity == entity and row.rejection is None:
                linked = {program.entities[entity].key: row.key}
                if above is not None and row.parent is not None:
                    linked[program.entities[above].key] = row.parent.key
                yield [{**row.facts, **linked}.get(name) for name in script.facts(entity)]


def loading(program: Program, script: Script, people: list[Record]) -> Iterator[tuple[str, str]]:
    """Each table that a script reads, and a query that gives its records."""
    for entity in script.entities():
        types = [text_of(terms.sql_type(fact.type), script.dialect) for fact in script.facts(entity).values()]
        names = list(script.facts(entity))
        quote = "`" if script.dialect == "spark" else '"'
        rows = [
            "SELECT " + ", ".join(
                f"CAST({'NULL' if cell is None else repr(str(cell))} AS {type_}) AS {quote}{name}{quote}"
                for cell, type_, name in zip(cells, types, names, strict=True)
            )
            for cells in rows_of(program, entity, script, people)
        ]  # fmt: skip
        yield entity, " UNION ALL ".join(rows)


def asked(program: Program, script: Script) -> Iterator[str]:
    """A query for the answers of each decision of the script."""
    quote = "`" if script.dialect == "spark" else '"'
    for decision in (decision for decision in program.decisions if decision.key in script.catalog.decided):
        table, key = script.catalog.decided[decision.key], program.entities[decision.entity].key
        names = [
            f"{quote}{name}{quote}"
            for name in ("?row", key, decision.name, script.rows[decision.entity], table)
        ]
        yield f"SELECT o.{names[1]}, d.{names[2]} FROM {names[3]} o JOIN {names[4]} d ON o.{names[0]} = d.{names[0]}"


def shown(rows: list[Any]) -> list[list[str]]:
    def cell(value: object) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return sorted([cell(value) for value in row] for row in rows)


def by_duckdb(program: Program, people: list[Record], keys: frozenset[Key]) -> list[list[list[str]]]:
    script = script_of(program, "duckdb", keys)
    with duckdb.connect(config={"threads": 1}) as database:
        for table, query in loading(program, script, people):
            database.execute(f'CREATE TABLE "{table}" AS {query}')
        for statement in script.statements:
            database.execute(statement.text)
        return [shown(database.execute(query).fetchall()) for query in asked(program, script)]


def test_postgres_gives_what_duckdb_gives(program: Program, postgres: Postgres) -> None:
    people = people_of(program, count=30, most=20)
    script = script_of(program, "postgres", all_of(program))
    given = [
        f'DROP TABLE IF EXISTS "{t}";CREATE TABLE "{t}" AS {query};\n'
        for t, query in loading(program, script, people)
    ]
    postgres.psql("".join(given) + "".join(f"{statement.text};\n" for statement in script.statements))
    names = {"t": "true", "f": "false"}
    answers = [
        sorted(
            [names.get(cell, cell) for cell in row]
            for row in csv.reader(io.StringIO(postgres.psql(f"{query};")))
        )
        for query in asked(program, script)
    ]
    assert answers == by_duckdb(program, people, all_of(program))


def test_spark_gives_what_duckdb_gives(program: Program, spark: Any) -> None:
    people = people_of(program, count=3, most=4)
    keys = all_of(program) if SOAK else frozenset({("claim", "before")})
    script = script_of(program, "spark", keys)
    for table, query in loading(program, script, people):
        spark.sql(query).coalesce(1).createOrReplaceTempView(table)
    try:
        for statement in script.statements:
            spark.sql(statement.text)
        answers = [shown(spark.sql(query).collect()) for query in asked(program, script)]
        assert answers == by_duckdb(program, people, keys)
        assert len(answers) >= len(keys)
    finally:
        for table in {s.text.split("`")[1] for s in script.statements if s.text.startswith("DROP TABLE")}:
            spark.sql(f"DROP TABLE IF EXISTS `{table}`")
