"""Somebody else's export as facts: columns renamed, values, dates and units converted exactly, typos refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.batch.batches import AS_OF, GOOD, rejects, rows, write

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.mapping.reading import read_mapping
from mianshen.mapping.schema import mapping_schema
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError

HOSPITAL: Final = """\
claim:
  columns:
    结算流水号: claim_id
    证件号: person_id
    出院时间: {fact: service_date, date: [yyyymmdd, yyyy/m/d, yyyy年m月d日]}
    总费用分: {fact: total_cost, unit: fen}
    自费万元: {fact: out_of_scope_cost, unit: 万元}
    类别: {fact: care_type, values: {"1": inpatient, "2": 门诊, "9": null}}
    大病: {fact: critical_illness, values: {Y: true, N: false}}
  constants: {hospital_level: tertiary}
  ignore: [姓名, 备注]
"""
EXPORT: Final = """\
姓名,结算流水号,证件号,出院时间,总费用分,自费万元,类别,大病,备注,就医地
甲,C1,P1,20260302,4865037,0.553562,1,N,=1+1,310113
乙,C2,P1,2026/3/2,12.5,0,2,Y,,
丙,C3,P1,2026年3月2日,abc,0,9,,,
丁,C4,P1,2026-03-02,100,0.0000001,1,否,,
戊,C5,P1,02.03.2026,100,0,1,X,,
己,C6,P1,20260231,100, ,3,Y,,
庚,C7,P1,20260302,10000000000000000000,0,1,Y,,
辛,C8,P1,20260302,1.0000000000,0,1,Y,,
"""


def run(folder: Path, mapping: str, claims: str | bytes, program: Program | None = None) -> Path:
    files = write(folder / "in", {"residents.csv": GOOD, "claims.csv": claims})
    (folder / "map.yaml").write_text(mapping, "utf-8")
    request = Request(files, AS_OF, folder / "out", rules=Rules(), mapping=folder / "map.yaml")
    run_batch(program or open_program(), request)
    return folder / "out"


def test_an_export_of_a_hospital_is_read_exactly_and_what_does_not_convert_is_rejected(
    tmp_path: Path,
) -> None:
    out = run(tmp_path, HOSPITAL, EXPORT.encode("gb18030"))
    (claim, *_) = rows(out / "claims.parquet")
    in_scope = Decimal("48650.37") - Decimal("5535.62")
    assert (claim["claim_id"], claim["in_scope_cost"]) == ("C1", in_scope)
    assert {(key, field, why) for _, _, key, field, why in rejects(out)} == {
        ("C2", "total_cost", "too_many_decimals"),
        ("C3", "total_cost", "bad_number"),
        ("C4", "out_of_scope_cost", "too_many_decimals"),
        ("C5", "service_date", "bad_date"),
        ("C6", "service_date", "bad_date"),
        ("C7", "total_cost", "bad_number"),
        ("C8", "total_cost", "bad_number"),
    }


def test_a_run_keeps_its_mapping_and_replays_by_it(tmp_path: Path) -> None:
    out = run(tmp_path, HOSPITAL, EXPORT)
    (tmp_path / "map.yaml").unlink()
    assert (out / "mapping.yaml").read_text("utf-8") == HOSPITAL
    replayed = replay(FinishedRun.recorded(out), "P1", {})
    assert replayed.differences == ()
    assert len(replayed.checked.result.rejected) == 7


def test_columns_that_parquet_types_are_converted_too(tmp_path: Path) -> None:
    table = pa.table({
        "结算流水号": ["C1"], "证件号": ["P1"], "出院时间": pa.array([20260302], pa.int32()), "姓名": ["甲"],
        "总费用分": pa.array([4865037], pa.int64()), "自费万元": [Decimal("0.553562")], "类别": pa.array([1], pa.int8()),
        "大病": ["N"], "备注": [None],
    })  # fmt: skip
    files = write(tmp_path / "in", {"residents.csv": GOOD})
    pq.write_table(table, tmp_path / "claims.parquet")
    (tmp_path / "map.yaml").write_text(HOSPITAL, "utf-8")
    request = Request(
        {**files, "claim": tmp_path / "claims.parquet"},
        AS_OF,
        tmp_path / "out",
        mapping=tmp_path / "map.yaml",
    )
    run_batch(open_program(), request)
    (claim,) = rows(tmp_path / "out" / "claims.parquet")
    assert claim["patient_pays"] == Decimal("13277.83")


def test_dates_shares_and_constants_of_any_rulebook(tmp_path: Path, little: Program) -> None:
    mapping = """\
resident:
  columns: {号: person_id, 比例: {fact: share, unit: percent}, 生日: {fact: born, date: d.m.yyyy}}
  constants: {tags: stay}
claim:
  columns: {编号: claim_id, 人: person_id, 金额: {fact: cost, unit: yuan}}
  constants: {day: 2026-01-01}
"""
    files = write(
        tmp_path / "in",
        {
            "residents.csv": "号,比例,生日\nP1,50,2.1.2020\nP2,0.5%,\n",
            "claims.csv": "编号,人,金额\nC1,P1,10.01\n",
        },
    )
    (tmp_path / "map.yaml").write_text(mapping, "utf-8")
    run_batch(little, Request(files, AS_OF, tmp_path / "out", mapping=tmp_path / "map.yaml"))
    assert [tuple(row.values())[:3] for row in rows(tmp_path / "out" / "claims.parquet")] == [
        ("C1", "P1", Decimal("5.01"))
    ]
    assert [(key, field, why) for _, _, key, field, why in rejects(tmp_path / "out")] == [
        ("P2", "share", "bad_number")
    ]


TYPOS: Final = {
    "an entity": ("claims: {}\n", "1:1: E550: there is no claims in map.yaml. Perhaps claim is meant."),
    "a section": ("claim: {colums: {}}\n", "1:9: E550: there is no colums in claim. Perhaps columns is meant."),
    "a key": (
        "claim:\n  columns:\n    a: {fact: claim_id, untis: fen}\n",
        "3:25: E550: there is no untis in columns. Perhaps unit is meant.",
    ),
    "a fact": (
        "claim: {columns: {a: totl_cost}}\n",
        "1:22: E552: claim has no fact totl_cost. Perhaps total_cost is meant.",
    ),
    "a constant": ("claim: {constants: {x: 1}}\n", "1:21: E552: claim has no fact x. It takes: claim_id, "),
    "a fact twice": (
        "claim: {columns: {a: claim_id, b: claim_id}}\n",
        "1:35: E553: claim_id is given twice. Keep one of them.",
    ),
    "a column": (
        "claim: {columns: {结算流水: claim_id}}\n",
        "1:19: E554: the file claims.csv has no column 结算流水. Perhaps 结算流水号 is meant.",
    ),
    "an ignored column": (
        "claim: {ignore: [名字]}\n", "1:18: E554: the file claims.csv has no column 名字. Perhaps 姓名 is meant."
    ),
    "a date": (
        "claim: {columns: {a: {fact: service_date, date: yyyy-dd}}}\n",
        "1:49: E555: yyyy-dd is no date format. Write yyyy, mm or m, dd or d once each",
    ),
    "a unit": (
        "claim: {columns: {a: {fact: total_cost, unit: fenn}}}\n",
        "1:47: E556: there is no unit fenn. Perhaps fen is meant.",
    ),
    "a unit that does not fit": (
        "claim: {columns: {a: {fact: claim_id, unit: fen}}}\n",
        "1:45: E557: claim_id is of type text, which unit: fen does not convert.",
    ),
    "a value": (
        'claim: {columns: {a: {fact: care_type, values: {"1": inpatiant}}}}\n',
        "1:54: E558: this is no value of care_type: ",
    ),
    "a shape": ("claim: {ignore: 姓名}\n", "1:17: E551: ignore must be a list. Write it as a list."),
    "no mapping": ("- claim\n", "1:1: E551: map.yaml must be a mapping of keys to values."),
}  # fmt: skip


@pytest.mark.parametrize(("mapping", "wanted"), TYPOS.values(), ids=TYPOS)
def test_every_typo_is_refused_at_its_place(tmp_path: Path, mapping: str, wanted: str) -> None:
    with pytest.raises(RuleError) as caught:
        run(tmp_path, mapping, EXPORT)
    told = [diagnostic.show("en").replace(f"{tmp_path}/", "") for diagnostic in caught.value.diagnostics]
    assert any(line.startswith(f"map.yaml:{wanted}") for line in told), told
    assert not (tmp_path / "out").exists()


def test_a_column_of_floats_is_not_converted(tmp_path: Path, little: Program) -> None:
    table = pa.table({"claim_id": ["C1"], "person_id": ["P1"], "day": [dt.date(2026, 1, 1)], "分": [1.5]})
    pq.write_table(table, tmp_path / "claims.parquet")
    (tmp_path / "map.yaml").write_text("claim: {columns: {分: {fact: cost, unit: fen}}}\n", "utf-8")
    files = write(tmp_path / "in", {"residents.csv": "person_id\nP1\n"})
    request = Request(
        {**files, "claim": tmp_path / "claims.parquet"},
        AS_OF,
        tmp_path / "out",
        mapping=tmp_path / "map.yaml",
    )
    with pytest.raises(RuleError, match=r"map\.yaml:1:19: E559: the column 分 is DOUBLE"):
        run_batch(little, request)


def test_the_schema_names_what_the_reader_takes(tmp_path: Path) -> None:
    program = open_program()
    schema = mapping_schema(program)
    assert set(schema["properties"]) == {*program.entities, "lists", "conditions"}
    claim = schema["properties"]["claim"]["properties"]
    assert set(claim) == {"columns", "facts", "constants", "ignore", "rows", "cells"}
    (tmp_path / "map.yaml").write_text(HOSPITAL, "utf-8")
    facts = set(read_mapping(tmp_path / "map.yaml", program).entities["claim"].facts)
    assert facts <= set(claim["constants"]["propertyNames"]["enum"])


def test_a_first_line_that_may_be_a_record_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(RuleError) as caught:
        run(tmp_path, HOSPITAL, "欧阳某某,C1,310113199001010010\n")
    lines = "".join(diagnostic.show(lang) for diagnostic in caught.value.diagnostics for lang in ("zh", "en"))
    assert "E554" in lines
    assert "欧阳" not in lines
    assert "310113199001010010" not in lines
