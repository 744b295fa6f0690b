"""Places as people write them: any digits, names; the same place is the same, a coarse one is told, an unknown one refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Run = Callable[..., tuple[int, str, str]]

JUYE = ("371724", "371724000", "371724000000", "山东省菏泽市巨野县", "菏泽市巨野县", "巨野县")
MEMBER = {
    "person_id": "P1",
    "insurance_scheme": "employee",
    "coverage_status": "active",
    "employment_status": "employed",
    "assistance_category": "none",
}
VISIT = {
    "claim_id": "C1",
    "service_date": "2026-03-02",
    "care_type": "outpatient",
    "networked": True,
    "filed_for_remote_care": True,
    "total_cost": "300.00",
    "out_of_scope_cost": "0.00",
}


def _checked(
    run: Run, folder: Path, resident: dict[str, Any], *claims: dict[str, Any], status: int = 0
) -> Any:
    record = {"as_of": "2026-06-30", "resident": MEMBER | resident, "claims": list(claims)}
    (folder / "r.json").write_text(json.dumps(record, ensure_ascii=False), "utf-8")
    code, out, err = run("--lang", "zh", "check", str(folder / "r.json"), "--format", "json", "--explain")
    assert code == status, err
    return json.loads(out) | {"err": err}


@pytest.mark.parametrize("before", JUYE)
@pytest.mark.parametrize("now", JUYE)
def test_the_same_county_in_other_words_has_not_moved(
    run: Run, tmp_path: Path, before: str, now: str
) -> None:
    answer = _checked(run, tmp_path, {"previous_insured_area": before, "insured_area": now})
    assert answer["benefits"]["insurance_transfer"]["status"] == "ineligible"


@pytest.mark.parametrize(
    ("before", "now", "missing"),
    [
        ("37", "371724", ["previous_insured_area"]),
        ("370000", "370000000000", ["insured_area", "previous_insured_area"]),
        (
            "371202",
            "370116",
            ["previous_insured_area"],
        ),  # Laiwu's, dissolved into Jinan: nobody wrote where it went
    ],
)
def test_a_place_known_too_coarsely_is_what_is_missing(
    run: Run, tmp_path: Path, before: str, now: str, missing: list[str]
) -> None:
    answer = _checked(run, tmp_path, {"previous_insured_area": before, "insured_area": now})
    transfer = answer["benefits"]["insurance_transfer"]
    assert (transfer["status"], transfer["missing"]) == ("undetermined", missing)
    assert "只知道在山东省" in transfer["reason"]


def test_another_city_of_the_province_is_a_move(run: Run, tmp_path: Path) -> None:
    answer = _checked(run, tmp_path, {"previous_insured_area": "青岛市市南区", "insured_area": "巨野县"})
    assert answer["benefits"]["insurance_transfer"]["status"] == "eligible"
    assert "山东省菏泽市巨野县（371724）" in json.dumps(answer, ensure_ascii=False)


@pytest.mark.parametrize("care", ["inpatient", "outpatient"])
@pytest.mark.parametrize("hospital", ["310118", "310118001", "310118003000", "310113", "上海市宝山区"])
def test_care_at_home_is_not_remote(run: Run, tmp_path: Path, care: str, hospital: str) -> None:
    visit = VISIT | {"care_type": care, "hospital_area": hospital, "filed_for_remote_care": False}
    answer = _checked(run, tmp_path, {"insured_area": "310118"}, visit)
    assert answer["benefits"]["remote_direct_settlement"]["status"] == "ineligible"


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("371742", "山东省菏泽市巨野县（371724）"),
        ("巨野", "山东省菏泽市巨野县（371724）"),
        ("朝阳区", "北京市朝阳区（110105）、吉林省长春市朝阳区（220104）"),
        ("3718", "山东省菏泽市（3717）"),
    ],
)
def test_what_names_no_place_is_refused_with_the_nearest(
    run: Run, tmp_path: Path, written: str, nearest: str
) -> None:
    answer = _checked(run, tmp_path, {"insured_area": written}, status=1)
    assert "E425" in answer["err"]
    assert nearest in answer["err"]


def test_a_batch_reads_places_as_a_record_does(run: Run, tmp_path: Path) -> None:
    areas = [*JUYE, "371742", "朝阳区", "31", "441900003", ""]
    head = [*MEMBER, "insured_area"]
    rows = [",".join([*(MEMBER | {"person_id": f"P{n}"}).values(), area]) for n, area in enumerate(areas)]
    (tmp_path / "r.csv").write_text("\n".join([",".join(head), *rows, ""]), "utf-8")
    words = ["--residents", str(tmp_path / "r.csv"), "--as-of", "2026-06-30", "--out", str(tmp_path / "out")]
    code, _, err = run("batch", *words, "--max-rejects", "100%")
    assert code in (0, 1), err
    rejects = pq.read_table(tmp_path / "out" / "rejects.parquet").to_pylist()
    assert [(row["key"], row["field"], row["reason"].split(":")[0]) for row in rejects] == [
        ("P6", "insured_area", rejects[0]["reason"].split(":")[0]),
        ("P7", "insured_area", rejects[0]["reason"].split(":")[0]),
    ]
    decided = {
        row["person_id"]: row for row in pq.read_table(tmp_path / "out" / "residents.parquet").to_pylist()
    }
    assert len({tuple(decided[f"P{n}"].values())[1:] for n in range(len(JUYE))}) == 1
