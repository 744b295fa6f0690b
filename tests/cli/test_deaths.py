"""Who died, and what is dated after a death, as `mianshen check` tells it."""

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_a_claim_after_death_and_benefits_of_the_dead_are_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    file.write_text(
        "as_of: 2026-06-30\nresident: {person_id: P1, death_date: 2026-03-01}\n"
        "claims: [{claim_id: C1, service_date: 2026-03-01}, {claim_id: C2, service_date: 2026-03-02}]\n", "utf-8",
    )  # fmt: skip
    status, out, _ = run("check", str(file), "--format", "json")
    notes = [note for note in json.loads(out)["notes"] if "death" in note or "died" in note]
    assert status == 0
    assert [note.partition(":")[0].partition(",")[0] for note in notes] == [
        "P1 died on 2026-03-01",
        "C2 is dated 2026-03-02",
    ]


def test_a_claim_before_birth_is_decided_and_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    file.write_text(
        "as_of: 2026-06-30\nresident: {person_id: P1, birth_date: 2026-03-02, insured_area: '310113', insurance_scheme: 居民医保,"
        " coverage_status: active, assistance_category: none}\n"
        "claims:\n  - {claim_id: C1, service_date: 2026-03-01, care_type: inpatient, hospital_level: tertiary,"
        " total_cost: 1000, out_of_scope_cost: 0, critical_illness: false}\n"
        "  - {claim_id: C2, service_date: 2026-03-02}\n", "utf-8",
    )  # fmt: skip
    status, out, _ = run("check", str(file), "--format", "json")
    answer = json.loads(out)
    assert (status, answer["claims"][0]["basic_payment"]) == (0, "525.00")
    assert [note for note in answer["notes"] if "birth" in note] == [
        "C1 is dated 2026-03-01, before the birth of P1 on 2026-03-02: decided by the facts as given. Check both dates"
    ]
    _, out, _ = run("check", str(file), "--lang", "zh")
    assert "C1 的日期 2026-03-01 早于本人出生日期 2026-03-02" in "".join(out.split("\n"))
