"""Tables of databases as inputs, and results put into databases and spreadsheets."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from tests.batch.batches import AS_OF, COSTS, PEOPLE, batch, rejects, rows, write
from tests.support.postgres import Postgres

from mianshen.batch.csv_export import check_own_sheets, write_sheets
from mianshen.batch.database_export import check_replaces_no_input, put_into, target
from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.impact.earlier import earlier_run
from mianshen.ingest.input_paths import Named
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.past_runs.verify import verify
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
    assert {finding.outcome for finding in verify(FinishedRun.recorded(tmp_path / "out"))} == {"same"}


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
    replayed = replay(FinishedRun.recorded(tmp_path / "out"), "P1", {})
    assert (replayed.differences, len(replayed.checked.result.rejected)) == ((), 1)
    assert set(earlier_run(tmp_path / "out", tmp_path / "compared")[1].inputs) == {"resident", "claim"}


def test_what_cannot_be_read_is_told_and_no_password_is_repeated(tmp_path: Path, little: Program) -> None:
    databases(tmp_path)
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 99, "utf-8")
    told = {
        f"duckdb:{tmp_path}/town.db?table=nobody": "E536: the database has no table nobody.",
        f"sqlite:{tmp_path}/town.sqlite?table=nobody": "E536: the database has no table nobody.",
        f"duckdb:{tmp_path}/text.db?table=x": "E537: the database cannot be read or written",
        f"sqlite:{tmp_path}/text.db?table=x": "E537: the database cannot be read or written",
        f"duckdb:{tmp_path}/gone.db?table=x": "E501: the file cannot be read: there is no such file.",
        "postgres:host=/nowhere password=secret?table=people": "E537: the database cannot be read or written",
        "postgresql://me:secret@127.0.0.1:1/db?table=people": "E537: the database cannot be read or written",
    }
    for address, wanted in told.items():
        with pytest.raises(RuleError) as caught:
            run_batch(little, Request({"resident": address}, AS_OF, tmp_path / "out"))
        (line,) = (diagnostic.show("en") for diagnostic in caught.value.diagnostics)
        assert f": {wanted}" in line
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
            results = [database.execute(query).fetchall() for query in queries]
        assert results == [[("C1", Decimal("5.01"))], [("C2", "E423")], [(1,)]]
    else:
        with closing(sqlite3.connect(file)) as lite:
            results = [lite.execute(query).fetchall() for query in queries]
        assert results == [[("C1", "5.01")], [("C2", "E423")], [(1,)]]


def test_a_database_that_is_none_is_left_alone(tmp_path: Path, little: Program) -> None:
    out = batch(tmp_path / "run", {"residents.csv": PEOPLE}, program=little)
    (tmp_path / "text.db").write_text("precious words" * 999, "utf-8")
    for kind in ("duckdb", "sqlite"):
        with pytest.raises(RuleError, match="E537"):
            put_into(target(f"{kind}:{tmp_path}/text.db"), out)
    assert (tmp_path / "text.db").read_text("utf-8") == "precious words" * 999
    with pytest.raises(RuleError, match="E538: this is no address of a database"):
        target("results.db")
    with pytest.raises(RuleError, match="E537") as caught:
        put_into(target("postgres:host=/nowhere password=secret"), out)
    assert "secret" not in str(caught.value)


def test_no_cell_of_a_sheet_is_a_formula_and_each_can_be_had_back(tmp_path: Path, little: Program) -> None:
    keys = ["=1+1", "+1", "-1", "@x", "'quoted", "＝1", "P1", '=HYPERLINK("a","b")', "a=b", "=a\nb"]
    people = "person_id\n" + "".join('"' + key.replace('"', '""') + '"\n' for key in keys)
    out = batch(
        tmp_path,
        {"residents.csv": people, "claims.csv": "claim_id,person_id,day\n=C,=1+1,x\n"},
        program=little,
    )
    files = write_sheets(out, tmp_path / "sheets")
    assert {item.stem for item in files} >= {"residents", "claims", "rejects"}
    with (tmp_path / "sheets" / "residents.csv").open(encoding="utf-8", newline="") as file:
        cells = [row["person_id"] for row in csv.DictReader(file)]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))]
    assert [cell.removeprefix("'") for cell in cells] == keys
    with (tmp_path / "sheets" / "rejects.csv").open(encoding="utf-8", newline="") as file:
        assert [row["key"] for row in csv.DictReader(file)] == ["'=C"]


# -- PostgreSQL, on a server of the test's own ---------------------------------------------------


def test_tables_and_views_of_postgresql_are_read_exactly(
    tmp_path: Path, little: Program, postgres: Postgres
) -> None:
    postgres.psql(
        "DROP SCHEMA IF EXISTS town CASCADE; CREATE SCHEMA town; "
        "CREATE TABLE town.people (person_id text); INSERT INTO town.people VALUES ('P1'); "
        'CREATE TABLE town."Costs" (claim_id varchar, person_id uuid, day timestamp, cost numeric, paid money); '
        "CREATE VIEW town.claims AS SELECT claim_id, 'P1' AS person_id, day, cost FROM town.\"Costs\"; "
        "INSERT INTO town.\"Costs\" VALUES ('C1', NULL, '2026-01-31 00:00', 10.01, 1), "
        "('C2', NULL, '2026-01-31 10:00', 10, 1), ('C3', NULL, 'infinity', 10, 1), ('C4', NULL, NULL, 'NaN', 1), "
        "('C5', NULL, '2026-01-31', 1.005, 1);"
    )
    named = {
        "resident": f"postgres:{postgres.words}?table=town.people",
        "claim": f"postgresql:///postgres?host={postgres.socket}&user=tester&table=town.claims",
    }
    run_batch(little, Request(named, AS_OF, tmp_path / "out"))
    assert [row["claim_id"] for row in rows(tmp_path / "out" / "claims.parquet")] == ["C1"]
    assert {(key, field) for _, _, key, field, _ in rejects(tmp_path / "out")} == {
        ("C2", "day"), ("C3", "day"), ("C4", "cost"), ("C5", "cost"),
    }  # fmt: skip
    manifest = (tmp_path / "out" / "manifest.json").read_text("utf-8")
    assert "tester" not in manifest
    with pytest.raises(RuleError, match="E536"):
        run_batch(
            little, Request({"resident": f"postgres:{postgres.words}?table=town.no"}, AS_OF, tmp_path / "no")
        )


def test_money_of_postgresql_is_read_in_yuan(tmp_path: Path, little: Program, postgres: Postgres) -> None:
    postgres.psql(
        "DROP TABLE IF EXISTS costs; CREATE TABLE costs (claim_id text, person_id text, day date, cost money); "
        "INSERT INTO costs VALUES ('C1', 'P1', '2026-01-31', 10.01);"
    )
    files = write(tmp_path / "in", {"residents.csv": PEOPLE})
    named: dict[str, Named] = {**files, "claim": f"postgres:{postgres.words}?table=costs"}
    run_batch(little, Request(named, AS_OF, tmp_path / "out"))
    assert [str(row["payment"]) for row in rows(tmp_path / "out" / "claims.parquet")] == ["5.01"]


TABLES_THAT_FAIL = {
    "a column that cannot be exact": ("cost float8", "cost", "E505: the column cost is DOUBLE"),
    "two names in other case": ('cost numeric, "COST" numeric', 'cost, "COST"', "E503: the column COST stands twice"),
    "a view that divides by zero": ("cost numeric", "1 / (cost - cost) AS cost", "E537: the database cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize(("columns", "shown", "said"), TABLES_THAT_FAIL.values(), ids=TABLES_THAT_FAIL)
def test_what_is_wrong_with_a_table_of_postgresql_names_the_table(
    tmp_path: Path, little: Program, postgres: Postgres, columns: str, shown: str, said: str
) -> None:
    postgres.psql(
        "DROP VIEW IF EXISTS wrong; DROP TABLE IF EXISTS wrongs; "
        f"CREATE TABLE wrongs (claim_id text, person_id text, day date, {columns}); "
        "INSERT INTO wrongs (claim_id, person_id, day, cost) VALUES ('C1', 'P1', '2026-01-31', 10); "
        f"CREATE VIEW wrong AS SELECT claim_id, person_id, day, {shown} FROM wrongs;"
    )
    files = write(tmp_path / "in", {"residents.csv": PEOPLE})
    named: dict[str, Named] = {**files, "claim": f"postgres:{postgres.words}?table=wrong"}
    with pytest.raises(RuleError) as caught:
        run_batch(little, Request(named, AS_OF, tmp_path / "out"))
    [line] = [diagnostic.show("en") for diagnostic in caught.value.diagnostics]
    assert line.startswith("postgres:…?table=wrong:")
    assert said in line


def test_a_type_of_postgresql_that_no_file_has_is_read_as_text(
    tmp_path: Path, little: Program, postgres: Postgres
) -> None:
    postgres.psql(
        "DROP TABLE IF EXISTS spans; CREATE TABLE spans (claim_id text, person_id text, day date, cost interval); "
        "INSERT INTO spans VALUES ('C1', 'P1', '2026-01-31', '1 day');"
    )
    files = write(tmp_path / "in", {"residents.csv": PEOPLE})
    named: dict[str, Named] = {**files, "claim": f"postgres:{postgres.words}?table=spans"}
    run_batch(little, Request(named, AS_OF, tmp_path / "out"))
    assert [(key, field) for _, _, key, field, _ in rejects(tmp_path / "out")] == [("C1", "cost")]


def test_results_go_into_postgresql_whole_or_not_at_all(
    tmp_path: Path, little: Program, postgres: Postgres
) -> None:
    out = batch(
        tmp_path / "run", {"residents.csv": PEOPLE, "claims.csv": COSTS + "C2,P1,x,1\n"}, program=little
    )
    postgres.psql("DROP TABLE IF EXISTS mianshen_notes; CREATE TABLE mianshen_notes (text text);")
    to = target(f"postgres:{postgres.words}")
    for _ in range(2):
        assert {"mianshen_residents", "mianshen_claims", "mianshen_rejects"} <= set(put_into(to, out))
    assert postgres.psql("SELECT claim_id, payment FROM mianshen_claims").strip() == "C1,5.01"
    assert postgres.psql("SELECT key, code FROM mianshen_rejects").strip() == "C2,E423"
    (out / "extra.parquet").write_bytes((out / "claims.parquet").read_bytes())
    put_into(to, out)
    (out / "extra.parquet").unlink()
    (out / "claims.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(pa.ArrowInvalid):
        put_into(to, out)
    assert postgres.psql("SELECT count(*) FROM mianshen_extra").strip() == "1"
    (out / "claims.parquet").unlink()
    put_into(to, out)
    left = postgres.psql(
        "SELECT tablename FROM pg_tables WHERE tablename LIKE 'mianshen%' ORDER BY 1"
    ).split()
    assert "mianshen_extra" not in left
    assert "mianshen_claims" not in left
    assert "mianshen_notes" in left


def test_a_column_of_nothing_is_unknown_whatever_its_type(tmp_path: Path, little: Program) -> None:
    with duckdb.connect(str(tmp_path / "town.db")) as database:
        database.execute("CREATE TABLE people AS SELECT 'P1' AS person_id, NULL::DOUBLE AS tags")
    run_batch(
        little, Request({"resident": f"duckdb:{tmp_path}/town.db?table=people"}, AS_OF, tmp_path / "out")
    )
    assert [row["person_id"] for row in rows(tmp_path / "out" / "residents.parquet")] == ["P1"]


def test_a_view_of_a_duckdb_file_reads_no_other_file(tmp_path: Path, little: Program) -> None:
    (tmp_path / "secret.csv").write_text("person_id\nP1\n", "utf-8")
    with duckdb.connect(str(tmp_path / "town.db")) as database:
        database.execute("CREATE TABLE people AS SELECT 'P1' AS person_id")
        database.execute("CREATE VIEW everybody AS FROM people")
        database.execute(f"CREATE VIEW others AS FROM read_csv('{tmp_path}/secret.csv', all_varchar=true)")
    run_batch(
        little, Request({"resident": f"duckdb:{tmp_path}/town.db?table=everybody"}, AS_OF, tmp_path / "out")
    )
    assert [row["person_id"] for row in rows(tmp_path / "out" / "residents.parquet")] == ["P1"]
    with pytest.raises(RuleError, match="E588"):
        run_batch(
            little, Request({"resident": f"duckdb:{tmp_path}/town.db?table=others"}, AS_OF, tmp_path / "no")
        )


def test_sheets_are_written_whole_and_leave_nothing_of_an_earlier_run(
    tmp_path: Path, little: Program
) -> None:
    out = batch(tmp_path / "run", {"residents.csv": PEOPLE, "claims.csv": COSTS}, program=little)
    sheets = tmp_path / "sheets"
    write_sheets(out, sheets)
    (sheets / "differences.csv").write_text("of an earlier run", "utf-8")
    write_sheets(out, sheets)
    before = {path.name: path.read_bytes() for path in sheets.iterdir()}
    assert set(before) == {"residents.csv", "claims.csv", "rejects.csv"}
    (out / "claims.parquet").write_bytes(b"PAR1")
    with pytest.raises(RuleError, match="E506"):
        write_sheets(out, sheets)
    assert {path.name: path.read_bytes() for path in sheets.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"run", "sheets"}


def test_no_sheets_replace_what_is_not_theirs(tmp_path: Path, little: Program) -> None:
    files = write(tmp_path / "in", {"residents.csv": PEOPLE})
    for folder, code in ((tmp_path / "in", "E517"), (tmp_path, "E517"), (tmp_path / "out", "E507")):
        with pytest.raises(RuleError, match=code):
            check_own_sheets(folder, str(folder), little, tmp_path / "out", files)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(RuleError, match="E507"):
        check_own_sheets(tmp_path / "mine", "mine", little, tmp_path / "out", files)
    check_own_sheets(tmp_path / "new", "new", little, tmp_path / "out", files)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_tables_of_an_earlier_run_go_and_no_input_is_replaced(
    tmp_path: Path, little: Program, kind: str
) -> None:
    out = batch(tmp_path / "run", {"residents.csv": PEOPLE, "claims.csv": COSTS}, program=little)
    to = target(f"{kind}:{tmp_path}/results.db")
    put_into(to, out)
    (out / "claims.parquet").unlink()
    assert put_into(to, out) == ["mianshen_rejects", "mianshen_residents"]
    if kind == "duckdb":
        with duckdb.connect(str(to.file)) as database:
            cursor = database.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    else:
        with closing(sqlite3.connect(to.file)) as lite:
            cursor = lite.execute("SELECT name FROM sqlite_master").fetchall()
    assert {name for (name,) in cursor} == {"mianshen_rejects", "mianshen_residents"}
    with pytest.raises(RuleError, match="E517"):
        check_replaces_no_input(to, {"resident": f"{kind}:{tmp_path}/results.db?table=mianshen_residents"})
    check_replaces_no_input(to, {"resident": f"{kind}:{tmp_path}/results.db?table=people"})
