"""Scripts of SQL decide what a batch decides, in DuckDB and in a PostgreSQL server, to the fen."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import pytest
from sqlglot import exp
from tests.support.populations import Row, cell, nasty
from tests.support.postgres import Postgres

from mianshen.batch.run import Request, run_batch
from mianshen.places import CODE_SHAPE, canonical_code, listed_places
from mianshen.policy.scripts import Compiled, Wish, compiled
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.dialects import short
from mianshen.warehouse.place_table import COUNTY, county_of, place_of, place_table

pytestmark = pytest.mark.xdist_group("compile")

AS_OF = dt.date(2026, 11, 21)
COLUMNS: dict[str, list[str]] = {}  # of a batch's files, as written
RESIDENTS, HOUSEHOLDS, CLAIMS = "mianshen_residents", "mianshen_households", "mianshen_claims"
Cells = list[list[str]]
Tables = Mapping[str, Sequence[Row]]
DAY = dt.date(2026, 3, 2)
BROKEN: tuple[Row, ...] = (  # a claim each, and why it is refused
    {"claim_id": "B1", "person_id": "P1", "service_date": dt.date(2026, 11, 22), "reason": "service_date: after_as_of"},
    {"claim_id": "B2", "person_id": "P2", "service_date": DAY, "care_type": "surgery", "reason": "care_type: bad_code"},
    {"claim_id": "B3", "person_id": "nobody", "service_date": DAY, "reason": "person_id: unknown_parent"},
    {"claim_id": "B4", "person_id": "P3", "service_date": None, "reason": "service_date: required"},
    {"claim_id": "B5", "person_id": "P4", "service_date": DAY, "total_cost": "-0.01", "reason": "total_cost: out_of_range"},
)  # fmt: skip


@pytest.fixture(scope="module")
def program() -> Program:
    return open_program()


@pytest.fixture(scope="module")
def records() -> dict[str, list[Row]]:
    """Households with unknowns in every fact, costs on every edge, ids of several alphabets; some claims broken."""
    whole = nasty(95, 160, unknown=0.05, missing_columns=False)
    broken: list[Row] = [{k: v for k, v in row.items() if k != "reason"} for row in BROKEN]
    claims = [*whole.claims, *broken]
    return {"resident": list(whole.residents), "household": list(whole.households), "claim": claims}


@pytest.fixture(scope="module")
def expected(
    program: Program, records: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, list[str]]]:
    """What a batch writes of the same records, by key, as text; what is missing aside."""
    folder = tmp_path_factory.mktemp("batch")
    files = {e: folder / f"{e}.csv" for e in records}
    for entity, rows in records.items():
        with files[entity].open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list({k: None for row in rows for k in row}))
            writer.writeheader()
            writer.writerows({k: cell(v) for k, v in row.items()} for row in rows)
    run_batch(program, Request(files, AS_OF, folder / "out"))
    results = {}
    for name in ("residents", "claims", "households"):
        with duckdb.connect() as database:
            actual = database.execute("FROM read_parquet(?)", [str(folder / "out" / f"{name}.parquet")])
            names = [column[0] for column in actual.description]
            COLUMNS[name] = [column for column in names if column != "missing"]
            results[name] = {row[0]: _shown(names, row) for row in actual.fetchall()}
    return results


def _shown(names: Sequence[str], row: Sequence[Any]) -> list[str]:
    cells = {n: "" if v is None else str(v) for n, v in zip(names, row, strict=True) if n != "missing"}
    return [v.split(":")[0] if n.endswith("reason") else v for n, v in cells.items()]


def left_out(records: Tables) -> set[str]:
    """The households with a refused record, and their people."""
    homes = {str(r["person_id"]): str(r["household_id"] or r["person_id"]) for r in records["resident"]}
    spoilt = {homes.get(str(row["person_id"]), "") for row in BROKEN} | set(too_few_said(records))
    return spoilt | {person for person, home in homes.items() if home in spoilt}


def too_few_said(records: Tables) -> list[str]:
    """The households that say they have fewer members than are given."""
    members = Counter(row["household_id"] for row in records["resident"])
    said = {str(home["household_id"]): home.get("member_count") for home in records["household"]}
    return sorted(h for h, count in said.items() if count is not None and int(str(count)) < members[h])


def agrees(records: Tables, expected: dict[str, dict[str, list[str]]], ask: Callable[[str], Cells]) -> None:
    """Every household without a refused record has the batch's answers; the others are named."""
    out = left_out(records)
    assert 0 < len(out) < 80
    owner = {str(c["claim_id"]): str(c["person_id"]) for c in records["claim"]}
    homes = [str(home["household_id"]) for home in records["household"]]  # others only a batch makes up
    for table, name, owned in (
        (RESIDENTS, "residents", {p: p for p in expected["residents"]}),
        (CLAIMS, "claims", owner),
        (HOUSEHOLDS, "households", {home: home for home in homes}),
    ):
        columns = ", ".join(f'"{c}"' for c in COLUMNS[name])
        actual = {row[0]: row for row in ask(f"SELECT {columns} FROM {table}")}
        remaining = {key: row for key, row in expected[name].items() if owned.get(key, key) not in out}
        assert actual == {key: row for key, row in remaining.items() if key in owned}
        assert actual
    told = ask('SELECT "key", "reason" FROM mianshen_refused ORDER BY 1')
    too_few = [[home, "member_count: failed_check"] for home in too_few_said(records)]
    assert too_few
    assert told == [[str(row["claim_id"]), str(row["reason"])] for row in BROKEN] + too_few
    assert ask("SELECT * FROM mianshen_failed") == []


def test_a_script_for_duckdb_decides_as_a_batch(
    program: Program, records: dict[str, list[Row]], expected: dict[str, dict[str, list[str]]]
) -> None:
    script = compiled(program, "duckdb", AS_OF, Wish())
    with duckdb.connect() as database:
        for statement in _loading(program, script, records):
            database.execute(statement)
        for statement in script.statements:
            database.execute(statement)

        def ask(query: str) -> Cells:
            rows = database.execute(query).fetchall()
            return [["" if v is None else str(v) for v in row] for row in rows]

        agrees(records, expected, ask)


def test_a_script_for_postgres_decides_as_a_batch(
    program: Program,
    records: dict[str, list[Row]],
    expected: dict[str, dict[str, list[str]]],
    postgres: Postgres,
) -> None:
    """Run by the server itself, whose own collation and numerics are not DuckDB's."""
    script = compiled(program, "postgres", AS_OF, Wish())
    postgres.psql("".join(f"{statement};\n" for statement in _loading(program, script, records)))
    postgres.psql(script.text)

    def ask(query: str) -> Cells:
        rows = csv.reader(io.StringIO(postgres.psql(f"{query};")))
        return [list(row) for row in rows]

    agrees(records, expected, ask)


def _loading(program: Program, script: Compiled, records: Tables) -> list[str]:
    """The tables that a script reads, as it says they are, with the records in them.

    A column that the records lack holds what the vocabulary assumes, as in a batch.
    """
    statements = []
    for entity, columns in script.reads.items():
        listed = ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
        statements += [f"DROP TABLE IF EXISTS {entity}", f"CREATE TABLE {entity} ({listed})"]
        assumed = {name: program.facts[entity, name].assumed_on(AS_OF) for name in columns}
        given = {name for row in records.get(entity, ()) for name in row}
        filled = [
            {**{n: v for n, v in assumed.items() if n not in given}, **row} for row in records.get(entity, ())
        ]
        rows = [", ".join(_literal(row.get(name)) for name in columns) for row in filled]
        statements += [f"INSERT INTO {entity} VALUES ({row})" for row in rows]
    return statements


def _literal(value: object) -> str:
    return "NULL" if value is None else f"'{cell(value)}'"


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "postgres"])
def test_every_query_of_the_shipped_rulebook_has_words_in_each_dialect(
    program: Program, dialect: Any
) -> None:
    """A function that only DuckDB knows is told when a script is compiled, not when it is run."""
    script = compiled(program, dialect, AS_OF, Wish())
    assert {RESIDENTS, HOUSEHOLDS, CLAIMS} <= set(script.makes)


def test_a_script_decides_only_what_is_wanted(program: Program) -> None:
    whole = compiled(program, "duckdb", AS_OF, Wish())
    claims = compiled(program, "duckdb", AS_OF, Wish(entities=["claim"]), {"claim": "dw.bills"})
    assert CLAIMS in claims.makes
    assert RESIDENTS not in claims.makes
    assert len(claims.text) < len(whole.text)
    assert '"dw"."bills"' in claims.text or "dw.bills" in claims.text
    one = compiled(program, "duckdb", AS_OF, Wish(benefits=["poverty_watch"]))
    assert "poverty_watch_status" in one.text
    assert "poverty_warning_status" not in one.text


def test_a_wish_that_names_nothing_is_told_with_what_is_near(program: Program) -> None:
    with pytest.raises(RuleError) as caught:
        compiled(program, "duckdb", AS_OF, Wish(["poverty_wach"], ["claims"]))
    assert [d.code for d in caught.value.diagnostics] == ["E593", "E593"]
    assert "poverty_watch" in caught.value.diagnostics[0].show("en")


def test_names_that_postgres_would_cut_stay_apart() -> None:
    long = "?relevant:" + "x" * 60
    assert short("short") == "short"
    assert len({short(f"{long}{n}") for n in range(50)}) == 50
    assert all(len(short(name).encode()) <= 63 for name in (long, "甲" * 40))


def test_a_script_reads_area_codes_as_records_do() -> None:
    codes = [
        *listed_places(),
        "8",
        "89",
        "810001",
        "371750",
        "371799001",
        "abc",
        "370000001",
        "371700000001",
        "99",
    ]
    written = [code.ljust(size, "0") for code in codes for size in (2, 4, 6, 9, 12) if size >= len(code)]
    written += [
        code + end for code in codes for end in ("001", "001000", "000001", "001002", "99", "99000", "9900")
    ]
    code = terms.column("code", "given")
    fits = exp.RegexpLike(this=code, expression=terms.literal(f"^({CODE_SHAPE.pattern})$"))
    place, county = place_of(code, fits, "listed").sql("duckdb"), county_of(code).sql("duckdb")
    with duckdb.connect() as database:
        database.execute(place_table('"places"'))
        database.execute("CREATE TABLE given AS SELECT unnest(?::VARCHAR[]) AS code", [written])
        query = f'SELECT code, {place} FROM given LEFT JOIN places AS listed ON listed."{COUNTY}" = {county}'
        read = dict(database.execute(query).fetchall())
    assert read == {text: canonical_code(text) for text in written}
