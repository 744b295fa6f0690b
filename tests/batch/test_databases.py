"""Tables of databases as inputs, and results put into databases and spreadsheets."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.batch.batches import AS_OF, COSTS, PEOPLE, batch, rejects, rows

from mianshen.batch.csv_export import write_sheets
from mianshen.batch.database_export import put_into, target
from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.past_runs.replay import replay
from mianshen.past_runs.verify import past_run, verify
from mianshen.program.program import Program
from mianshen.source import RuleError


def databases(folder: Path) -> dict[str, str]:
    """A DuckDB and a SQLite file with the same people and claims; one claim of each is bad."""
    with duckdb.connect(str(folder / "town.db")) as database:
        database.execute(
            "CREATE TABLE people AS SELECT 'P1' AS person_id, ['stay'] AS tags, 0.5::DECIMAL(3, 2) AS share"
        )
        database.execute("CREATE SCHEMA care")
        database.execute(
            "CREATE TABLE care.claims AS SELECT * FROM (VALUES ('C1', 'P1', DATE '2026-01-01', 10.01), "
            "('C2', 'P1', DATE '2026-01-02', -1.00)) v(claim_id, person_id, day, cost)"
        )
    with closing(sqlite3.connect(folder / "town.sqlite")) as database:
        database.execute("CREATE TABLE people (person_id TEXT, tags TEXT, share NUMERIC)")
        database.execute("INSERT INTO people VALUES ('P1', 'stay', 0.5)")
        database.execute("CREATE TABLE claims (claim_id TEXT, person_id TEXT, day DATE, cost DECIMAL(18, 2))")
        database.executemany(
            "INSERT INTO claims VALUES (?, ?, ?, ?)",
            [("C1", "P1", "2026-01-01", 10.01), ("C2", "P1", "2026-01-02", 0.1 + 0.2)],
        )
        database.commit()
    return {"duckdb": "care.claims", "sqlite": "claims"}


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_table_is_read_like_a_file_and_its_numbers_exactly(
    tmp_path: Path, little: Program, kind: str
) -> None:
    claims = databases(tmp_path)[kind]
    file = tmp_path / {"duckdb": "town.db", "sqlite": "town.sqlite"}[kind]
    named = {"resident": f"{kind}:{file}?table=people", "claim": f"{kind}:{file}?table={claims}"}
    run_batch(little, Request(named, AS_OF, tmp_path / "out"))
    assert [tuple(row.values())[:3] for row in rows(tmp_path / "out" / "claims.parquet")] == [
        ("C1", "P1", Decimal("5.01"))
    ]
    why = {"duckdb": "out_of_range", "sqlite": "too_many_decimals"}[kind]  # 0.1 + 0.2 is 0.30000000000000004
    assert rejects(tmp_path / "out") == [(f"{file.name}?table={claims}", 2, "C2", "cost", why)]
    assert {each.outcome for each in verify(past_run(tmp_path / "out"))} == {"same"}


def test_a_run_over_tables_is_replayed_from_them(tmp_path: Path) -> None:
    from tests.batch.batches import SMALL

    from mianshen.rulebook import open_program

    (tmp_path / "rules.yaml").write_text(SMALL, "utf-8")
    rules = Rules((tmp_path / "rules.yaml",))
    databases(tmp_path)
    named = {
        e: f"sqlite:{tmp_path}/town.sqlite?table={t}"
        for e, t in (("resident", "people"), ("claim", "claims"))
    }
    run_batch(open_program(rules.paths), Request(named, AS_OF, tmp_path / "out", rules=rules))
    found = replay(past_run(tmp_path / "out"), "P1", {})
    assert (found.differences, len(found.checked.result.rejected)) == ((), 1)


def test_what_cannot_be_read_is_told_and_no_password_is_repeated(tmp_path: Path, little: Program) -> None:
    databases(tmp_path)
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 99, "utf-8")
    told = {
        f"duckdb:{tmp_path}/town.db?table=nobody": "E536: the database has no table nobody.",
        f"sqlite:{tmp_path}/town.sqlite?table=nobody": "E536: the database has no table nobody.",
        f"duckdb:{tmp_path}/text.db?table=x": "E537: the database cannot be read or written",
        f"sqlite:{tmp_path}/text.db?table=x": "E537: the database cannot be read or written",
        f"duckdb:{tmp_path}/gone.db?table=x": "E501: the file cannot be read: there is no such file.",
        "postgres:host=db password=secret?table=people": "E535: DuckDB's extension postgres_scanner for 2",
    }
    for address, wanted in told.items():
        with pytest.raises(RuleError) as caught:
            run_batch(little, Request({"resident": address}, AS_OF, tmp_path / "out"))
        (line,) = (each.show("en") for each in caught.value.diagnostics)
        assert f":1:1: {wanted}" in line
        assert "secret" not in line


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_results_go_into_tables_of_their_own_and_replace_earlier_ones(
    tmp_path: Path, little: Program, kind: str
) -> None:
    databases(tmp_path)
    file = tmp_path / {"duckdb": "town.db", "sqlite": "town.sqlite"}[kind]
    out = batch(
        tmp_path / "run", {"residents.csv": PEOPLE, "claims.csv": COSTS + "C2,P1,x,1\n"}, program=little
    )
    for _ in range(2):
        names = put_into(target(f"{kind}:{file}"), out)
    assert {"mianshen_residents", "mianshen_claims", "mianshen_rejects"} <= set(names)
    queries = ("SELECT claim_id, payment FROM mianshen_claims", "SELECT key, code FROM mianshen_rejects",
               "SELECT count(*) FROM people")  # fmt: skip
    if kind == "duckdb":
        with duckdb.connect(str(file), read_only=True) as database:
            found = [database.execute(query).fetchall() for query in queries]
        assert found == [[("C1", Decimal("5.01"))], [("C2", "E423")], [(1,)]]
    else:
        with closing(sqlite3.connect(file)) as lite:
            found = [lite.execute(query).fetchall() for query in queries]
        assert found == [[("C1", "5.01")], [("C2", "E423")], [(1,)]]


def test_a_database_that_is_none_is_left_alone(tmp_path: Path, little: Program) -> None:
    out = batch(tmp_path / "run", {"residents.csv": PEOPLE}, program=little)
    (tmp_path / "text.db").write_text("precious words" * 999, "utf-8")
    for kind in ("duckdb", "sqlite"):
        with pytest.raises(RuleError, match="E537"):
            put_into(target(f"{kind}:{tmp_path}/text.db"), out)
    assert (tmp_path / "text.db").read_text("utf-8") == "precious words" * 999
    with pytest.raises(RuleError, match="E538: this is no address of a database"):
        target("results.db")
    with pytest.raises(RuleError, match="E535"):
        target("postgres:host=db")


def test_no_cell_of_a_sheet_is_a_formula_and_each_can_be_had_back(tmp_path: Path, little: Program) -> None:
    keys = ["=1+1", "+1", "-1", "@x", "'quoted", "＝1", "P1", '=HYPERLINK("a","b")', "a=b", "=a\nb"]
    people = "person_id\n" + "".join('"' + key.replace('"', '""') + '"\n' for key in keys)
    out = batch(
        tmp_path,
        {"residents.csv": people, "claims.csv": "claim_id,person_id,day\n=C,=1+1,x\n"},
        program=little,
    )
    made = write_sheets(out, tmp_path / "sheets")
    assert {each.stem for each in made} >= {"residents", "claims", "rejects"}
    with (tmp_path / "sheets" / "residents.csv").open(encoding="utf-8", newline="") as file:
        cells = [row["person_id"] for row in csv.DictReader(file)]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))]
    assert [cell.removeprefix("'") for cell in cells] == keys
    with (tmp_path / "sheets" / "rejects.csv").open(encoding="utf-8", newline="") as file:
        assert [row["key"] for row in csv.DictReader(file)] == ["'=C"]
