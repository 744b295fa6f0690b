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
