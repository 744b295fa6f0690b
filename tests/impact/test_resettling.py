"""Everybody settled anew: what is due less what was paid, by person and layer."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from tests.batch.batches import AS_OF, CLAIMS, RESIDENTS, write
from tests.impact.conftest import Under

from mianshen.batch.request import Request
from mianshen.impact.compare import compare
from mianshen.rulebook import open_program

RETIRED = "P2,310113,employee,active,retired,none\n"
SETTLED = CLAIMS.strip() + ",settled_basic_payment\n"
STAYS = (
    "C1,P1,2026-03-02,inpatient,tertiary,11500.00,0.00,8500.00\n"  # 10,000 at 85%, at 90% once the reform is in force
    "C2,P1,2026-09-02,inpatient,tertiary,1000.00,0.00,\n"  # a year later, all of it below the deductible
    "C3,P2,2026-03-02,inpatient,tertiary,11200.00,0.00,9300.00\n"  # settled 100.00 above the 92% of 10,000
)


def test_owed_less_overpaid_is_due_less_paid(tmp_path: Path, under: Under) -> None:
    residents = RESIDENTS + "P1,310113,employee,active,employed,none\n" + RETIRED
    files = write(tmp_path / "in", {"residents.csv": residents, "claims.csv": SETTLED + STAYS})
    before = open_program()
    after = under("set: {employee_rate_working: {from: 2026-01-01, value: 90%}}")
    inputs = {entity: str(path) for entity, path in files.items()}
    request = Request(inputs, AS_OF, tmp_path / "out", 1, engine="interpreter")
    compare(before, after, request, lang="en", resettle="notices")
    rows = {
        (row["person_id"], row["decision"]): row
        for row in pq.read_table(tmp_path / "out/resettlement.parquet").to_pylist()
    }
    one, two = rows["P1", "basic_payment"], rows["P2", "basic_payment"]
    assert (one["paid"], one["due"], one["owed"], one["overpaid"]) == tuple(
        map(Decimal, ("8500.00", "9000.00", "500.00", "0.00"))
    )
    assert (two["owed"], two["overpaid"]) == (Decimal("0.00"), Decimal("100.00"))
    assert (one["cause"], two["cause"]) == ("employee_rate_working", "")
    content = json.loads((tmp_path / "out/compare.json").read_text("utf-8"))
    assert content["resettlement"]["basic_payment"] == {
        "people_owed": 1, "owed": "500.00", "people_overpaid": 1, "overpaid": "100.00",
    }  # fmt: skip
    lines = list(csv.reader((tmp_path / "out/resettlement.csv").read_text("utf-8-sig").splitlines()))
    assert [line[1] for line in lines[1:]] == ["P1", "P2"]
    assert "85%" in lines[1][8]
    assert "90%" in lines[1][8]
    notices = (tmp_path / "out/notices.html").read_text("utf-8")
    assert notices.count("<section>") == 2
    assert "owed to you 500.00" in notices


def test_no_person_is_named_unless_asked(tmp_path: Path) -> None:
    files = write(
        tmp_path / "in",
        {"residents.csv": RESIDENTS + RETIRED, "claims.csv": SETTLED + STAYS[STAYS.index("C3") :]},
    )
    program = open_program()
    inputs = {entity: str(path) for entity, path in files.items()}
    compare(program, program, Request(inputs, AS_OF, tmp_path / "out", 1, engine="interpreter"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "compare.json",
        "changes.parquet",
        "report.html",
    }
