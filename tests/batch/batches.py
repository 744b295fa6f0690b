"""Batches for the tests of this room: files in, a folder out, and a small rulebook to decide by."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mianshen.batch.request import Engine
from mianshen.batch.run import Request, run_batch
from mianshen.program.program import Program
from mianshen.records.diagnostics import CODES
from mianshen.rulebook import open_program
from mianshen.source import RuleError

AS_OF: Final = dt.date(2026, 11, 21)
RESIDENTS: Final = (
    "person_id,insured_area,insurance_scheme,coverage_status,employment_status,assistance_category\n"
)
EMPLOYEE: Final = "P1,310113,employee,active,employed,none\n"
GOOD: Final = RESIDENTS + EMPLOYEE
CLAIMS: Final = "claim_id,person_id,service_date,care_type,hospital_level,total_cost,out_of_scope_cost\n"
STAY: Final = "C1,P1,2026-03-02,inpatient,tertiary,48650.37,5535.62\n"
OUTPUTS: Final = {
    "residents.parquet",
    "claims.parquet",
    "rejects.parquet",
    "rejects.csv",
    "summary.json",
    "manifest.json",
    "timings.json",
}

Content: TypeAlias = "str | bytes | pa.Table"
ENTITIES: Final = {"residents": "resident", "claims": "claim", "households": "household", "visits": "visit"}


def write(folder: Path, files: dict[str, Content]) -> dict[str, Path]:
    """Files by name, such as `claims.csv`; gives their paths by entity."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, content in files.items():
        path = paths[ENTITIES[name.partition(".")[0]]] = folder / name
        match content:
            case str():
                path.write_bytes(content.encode())
            case bytes():
                path.write_bytes(content)
            case _:
                pq.write_table(content, path)
    return paths


def batch(
    folder: Path,
    files: dict[str, Content],
    as_of: dt.date = AS_OF,
    threads: int | None = None,
    program: Program | None = None,
    engine: Engine = "auto",
) -> Path:
    asked = Request(write(folder, files), as_of, folder / "out", threads, engine=engine)
    run_batch(program or open_program(), asked)
    return folder / "out"


def refusal(
    folder: Path, files: dict[str, Content], lang: str = "en", program: Program | None = None
) -> list[str]:
    """What a batch says when it cannot read its files; it leaves nothing behind."""
    with pytest.raises(RuleError) as caught:
        batch(folder, files, program=program)
    assert {path.name for path in folder.iterdir()} == set(files)
    return [
        d.show("zh" if lang == "zh" else "en").replace(f"{folder}/", "") for d in caught.value.diagnostics
    ]


def queried(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers, on a connection of its own: the module's is everybody's, and may be busy."""
    with duckdb.connect() as database:
        return database.execute(query).fetchall()


def rows(file: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as database:
        cursor = database.execute("FROM read_parquet(?)", [str(file)])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def columns(file: Path) -> list[tuple[str, str]]:
    """Names and types."""
    with duckdb.connect() as database:
        return [row[:2] for row in database.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()]


def rejects(out: Path) -> list[tuple[Any, ...]]:
    """File, row, key, field, reason."""
    table = rows(out / "rejects.parquet")
    assert all(row["code"] == CODES[row["reason"]] for row in table)
    return [tuple(value for name, value in row.items() if name != "code") for row in table]


# -- a small rulebook, where the shipped one is not the point ----------------------------------

SMALL: Final = """\
rulebook: {name: small, title: {zh: 小, en: Small}, entry: resident}
entities:
  resident: {title: resident, key: person_id}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: day, outcome: payment}
codes:
  care: {title: care, values: {stay: {zh: 住院, en: a stay}, visit: visit}}
facts:
  resident:
    person_id: {type: text, required: true, title: number}
    tags: {type: list of code care, title: tags}
    share: {type: rate, min: 0, max: 1, title: born}
    born: {type: date, title: share}
  claim:
    claim_id: {type: text, required: true, title: number}
    person_id: {type: text, required: true, title: person}
    day: {type: date, required: true, title: day}
    cost: {type: money, min: 0, title: cost}
decisions:
  resident:
    due: {type: boolean, title: due}
    total: {type: money, title: total}
  claim:
    payment: {type: money, title: payment, output: true}
sources:
  S1: {title: a notice}
defaults: {source: S1, clause: 1}
provisions:
  pays: {title: pays, decision: payment, value: cost * resident.share}
  stays: {title: stays, decision: due, when: 'contains(tags, "stay")', value: 'true'}
  does_not: {title: does not, decision: due, when: 'not(contains(tags, "stay"))', value: 'false'}
  totals: {title: totals, decision: total, value: sum(claims.payment)}
benefits:
  grant: {title: grant, entity: resident, eligible: due, amount: total, delivery: automatic, source: S1, clause: 1}
"""


def small(folder: Path, text: str = SMALL) -> Program:
    folder.mkdir()
    (folder / "rules.yaml").write_text(text, "utf-8")
    return open_program([folder])


PEOPLE: Final = "person_id,tags,share,born\nP1,stay,50%,2020-01-01\n"
COSTS: Final = "claim_id,person_id,day,cost\nC1,P1,2026-01-01,10.01\n"
