"""Overlays as a policy team uses them, by the command line: warned of, checked, compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.impact.small import write_small

from mianshen_cli.main import main

PEOPLE = "person_id,income,birth_date\nP1,21000.00,1990-01-01\nP2,90000.00,1990-01-01\n"
CLAIMS = "claim_id,person_id,service_date,total_cost\nC1,P1,2026-03-01,500.00\n"

MINERS = """\
codes: {job: {title: 工种, values: {miner: 矿工, other: 其他}}}
facts: {resident: {job_kind: {type: code job, title: 工种}}}
provisions:
  miners: {decision: help, title: 矿工, when: 'job_kind = "miner"', value: 900.00, exception_to: helped, source: S, clause: 六}
"""


def overlay(folder: Path, name: str, body: str) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(f"overlay: {{name: {name}, title: {name}}}\n{body}\n", encoding="utf-8")
    return str(path)


def test_lint_warns_of_overlays_that_change_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = str(write_small(tmp_path / "rules"))
    one = overlay(tmp_path, "one", "set: {line: {from: 2026-01-01, value: 21000.00}}")
    other = overlay(tmp_path, "other", "set: {line: {from: 2026-01-01, value: 22000.00}}")
    assert main(["--lang", "en", "lint", rules, "--overlay", one, "--overlay", other]) == 0
    assert "E148: the overlay one changes line.2026-01-01, too" in capsys.readouterr().out


def test_a_case_whose_overlay_adds_facts_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = str(write_small(tmp_path / "rules"))
    overlay(tmp_path, "miners", MINERS)
    case = tmp_path / "case.yaml"
    case.write_text(
        "cases:\n  - {name: miner, title: x, overlays: [miners.yaml], as_of: 2026-06-30,\n"
        "     resident: {person_id: P1, income: 100.00, birth_date: 1990-01-01, job_kind: miner},\n"
        "     expect: {benefits: {help: {status: eligible, amount: 900.00}}}}\n",
        encoding="utf-8",
    )
    assert main(["--lang", "en", "check", str(case), "--rules", rules, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "900.00" in json.dumps(answer)
    assert main(["--lang", "en", "test", str(case), "--rules", rules]) == 0


def test_compare_tells_and_exits_as_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = str(write_small(tmp_path / "rules"))
    people, claims = tmp_path / "residents.csv", tmp_path / "claims.csv"
    people.write_text(PEOPLE, encoding="utf-8")
    claims.write_text(CLAIMS, encoding="utf-8")
    files = ["--rules", rules, "--residents", str(people), "--claims", str(claims), "--as-of", "2026-12-31"]
    moved = overlay(tmp_path, "moved", "set: {line: {from: 2026-01-01, value: 22000.00}}")
    still = overlay(tmp_path, "still", "set: {line: {from: 2026-01-01, value: 20000.00}}")
    assert main(["--lang", "en", "compare", "--overlay", moved, *files, "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr().out
    assert "参保人 2: 1 gain, 0 lose" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 80
    content = json.loads((tmp_path / "out/compare.json").read_text("utf-8"))
    assert {"before", "after", "difference", "least", "most", "left_out"} <= content["benefits"][
        "help"
    ].keys()
    assert content["benefits"]["help"]["difference"] == "600.00"
    assert content["causes"][0]["name"] == "line"
    assert (
        main(["compare", "--overlay", still, *files, "--out", str(tmp_path / "out"), "--format", "json"]) == 0
    )
    claims.write_text(CLAIMS.replace("500.00", "much"), encoding="utf-8")
    capsys.readouterr()
    assert main(["--lang", "en", "compare", "--overlay", still, *files, "--out", str(tmp_path / "out")]) == 1
    assert "\nrejected, and so not compared" in capsys.readouterr().out
    assert (
        main(["compare", "--overlay", str(tmp_path / "none.yaml"), *files, "--out", str(tmp_path / "out")])
        == 2
    )
    assert main(["compare", *files, "--out", str(tmp_path / "out")]) == 2


def test_a_sample_stands_for_a_population_with_its_error(tmp_path: Path) -> None:
    rules = str(write_small(tmp_path / "rules"))
    people, claims = tmp_path / "residents.csv", tmp_path / "claims.csv"
    people.write_text(PEOPLE, encoding="utf-8")
    claims.write_text(CLAIMS, encoding="utf-8")
    moved = overlay(tmp_path, "moved", "set: {line: {from: 2026-01-01, value: 22000.00}}")
    words = [
        "compare",
        "--overlay",
        moved,
        "--rules",
        rules,
        "--residents",
        str(people),
        "--claims",
        str(claims),
    ]
    out = tmp_path / "out"
    assert main([*words, "--as-of", "2026-12-31", "--sample-of", "1000", "--out", str(out)]) == 1
    sample = json.loads((out / "compare.json").read_text("utf-8"))["sample"]
    # two people of a thousand: 600.00 and 0.00 more; the mean 300.00, the deviation 424.26
    assert sample["difference"] == "300000.00"
    assert sample["standard_error"] == "299699.85"  # 1000 x 424.264 / sqrt(2) x sqrt(1 - 2/1000)
