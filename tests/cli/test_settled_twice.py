"""Bills of one person that may be one bill under two numbers, as `mianshen check` tells them."""

import json
from pathlib import Path

from tests.cli.conftest import Run

BILLS = """\
as_of: 2026-06-30
resident: {person_id: P1}
claims:
  - {claim_id: C1, service_date: 2026-03-05, care_type: inpatient, hospital_area: "310113", total_cost: 100.00, networked: true}
  - {claim_id: C2, service_date: 2026-03-05, care_type: inpatient, hospital_area: "310113", total_cost: 100.00}
  - {claim_id: C3, service_date: 2026-03-05, care_type: inpatient, hospital_area: "310113", total_cost: 100.01}
  - {claim_id: C4, service_date: 2026-03-05, care_type: inpatient, hospital_area: "310118", total_cost: 100.00}
  - {claim_id: C5, service_date: 2026-03-06, care_type: inpatient, hospital_area: "310113", total_cost: 100.00}
  - {claim_id: C6, service_date: 2026-03-07, care_type: inpatient, hospital_area: "310113", total_cost: 0.00}
  - {claim_id: C7, service_date: 2026-03-07, care_type: inpatient, hospital_area: "310113", total_cost: 0.00}
  - {claim_id: C8, service_date: 2026-03-08, care_type: outpatient, total_cost: 5.00}
  - {claim_id: C9, service_date: 2026-03-08, care_type: outpatient, total_cost: 5.00}
  - {claim_id: R9, service_date: 2026-03-09, reverses: C9}
"""


def test_a_bill_under_two_numbers_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    file.write_text(BILLS, "utf-8")
    status, out, _ = run("check", str(file), "--format", "json")
    assert status == 0
    assert [note for note in json.loads(out)["notes"] if "settled twice" in note] == [
        "claim C2 is of the same day, place and amounts as C1: likely settled twice"
    ]
