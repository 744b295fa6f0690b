"""`mianshen coverage`: what of a rulebook the cases go through."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.policy.conftest import RULES, Write

from mianshen_cli.main import main


def _covered(capsys: pytest.CaptureFixture[str], rules: Path, cases: Path, *more: str) -> tuple[int, Any]:
    status = main(["coverage", str(cases), "--rules", str(rules), "--format", "json", *more])
    return status, json.loads(capsys.readouterr().out)


def test_cases_that_try_everything_leave_nothing_uncovered(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    status, result = _covered(capsys, *write())
    assert (status, result["uncovered"]) == (0, [])
    assert result["provisions"] == {"covered": 5, "all": 5}
    assert result["rows"] == {"covered": 2, "all": 2}
    assert result["boundaries"] == {"covered": 3, "all": 3}
    assert result["unknown_paths"] == {"covered": 3, "all": 3}


def test_a_row_no_case_takes_is_named_at_its_place(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rules, cases = write(("standing: ordinary", "standing: poor"), ("paid: 500.03", "paid: 800.04"))
    status, result = _covered(capsys, rules, cases)
    assert status == 1
    assert result["rows"] == {"covered": 1, "all": 2}
    (row,) = [point for point in result["uncovered"] if point["part"] == "rows"]
    assert (row["name"], row["clause"]) == ("rates.ordinary", {"source": "S", "clause": "1"})
    assert row["where"].startswith(f"{rules}:{_line(rules, 'id: ordinary')}:")


def test_a_line_is_covered_side_by_side(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    _, result = _covered(capsys, *write(("age: 60,", "age: 61,")))
    assert [p["what"] for p in result["uncovered"] if p["part"] == "boundaries"] == ["age >= 60: at"]


def test_an_unknown_path_is_the_decision_and_the_fact_it_lacks(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result = _covered(
        capsys,
        *write(
            (
                "cost: null}, expect: {person: {excess: unknown, paid: unknown}}",
                "cost: 100.00}, expect: {person: {paid: 0.00}}",
            )
        ),
    )
    assert [p["what"] for p in result["uncovered"]] == ["excess: person.cost"]


def test_a_threshold_alone_decides_the_exit_status(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    files = write(("age: 60,", "age: 61,"))
    assert _covered(capsys, *files, "--at-least", "rows=100", "--at-least", "provisions=100")[0] == 0
    assert _covered(capsys, *files, "--at-least", "boundaries=70")[0] == 1
    assert _covered(capsys, *files, "--at-least", "boundaries=66")[0] == 0
    assert main(["coverage", "--at-least", "lines=100"]) == 2


def test_a_provision_changed_by_an_overlay_is_covered_by_no_case_under_it(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "draft.yaml"
    overlay.write_text(
        "overlay: {name: draft, title: draft}\ndefaults: {source: S, clause: '2'}\n"
        "replace: {provisions: {of_age: {decision: old, value: age >= 65}}}\n",
        "utf-8",
    )
    under = "{name: poor, overlays: [draft.yaml], person: {age: 60}, expect: {person: {old: false}}}"
    rules, cases = write(
        ("age: 60,", "age: 61,"), ("{name: poor, expect: {person: {paid: 800.04, old: true}}}", under)
    )
    _, result = _covered(capsys, rules, cases)
    assert [p["what"] for p in result["uncovered"]] == ["age >= 60: at"]


def _line(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text("utf-8").splitlines(), 1) if text in line)


def test_the_shipped_cases_try_every_provision_and_every_row() -> None:
    assert main(["coverage", "--at-least", "provisions=100", "--at-least", "rows=100"]) == 0


EITHER = RULES.replace(
    "  of_age: {decision: old, value: age >= 60}",
    "  of_age: {decision: old, value: 'age >= 60 or standing = \"poor\"'}",
)


@pytest.mark.parametrize(
    ("people", "covered"),
    [
        ([(59, "ordinary"), (60, "ordinary"), (59, "poor")], 4),
        ([(59, "ordinary"), (60, "poor")], 2),  # of two that hold neither decides alone
        ([(60, "poor")], 0),
    ],
)
def test_an_operand_is_covered_where_it_alone_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], people: list[tuple[int, str]], covered: int
) -> None:
    (tmp_path / "rules.yaml").write_text(EITHER, "utf-8")
    cases = "".join(
        f"  - {{name: c{n}, person: {{age: {age}, standing: {standing}}}, expect: {{person: {{old: {old}}}}}}}\n"
        for n, (age, standing) in enumerate(people)
        for old in [str(age >= 60 or standing == "poor").lower()]
    )
    head = "defaults: {as_of: 2026-01-01, person: {person_id: P1, cost: 1.00}}\ncases:\n"
    (tmp_path / "cases.yaml").write_text(head + cases, "utf-8")
    main(
        [
            "coverage",
            str(tmp_path / "cases.yaml"),
            "--rules",
            str(tmp_path / "rules.yaml"),
            "--format",
            "json",
        ]
    )
    content = json.loads(capsys.readouterr().out)
    assert content["conditions"] == {"covered": covered, "all": 4}
