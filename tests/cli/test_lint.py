"""`mianshen lint`."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from mianshen.shipped import shipped_rulebook

Run = Callable[..., tuple[int, str, str]]
BAD = Path(__file__).parents[1] / "program" / "bad"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return copytree(shipped_rulebook(), tmp_path / "rules")


def test_the_shipped_rulebook_has_no_mistakes(run: Run) -> None:
    status, out, err = run("lint")
    assert (status, err) == (0, "")
    assert out.endswith("files: 0 mistakes, 0 warnings\n")


def test_figures_whose_review_is_overdue_are_told_of_a_day(run: Run) -> None:
    status, out, _ = run("lint", "--as-of", "2028-01-01")
    assert status == 0
    assert "E319: the value of employee_rate_working was to be reviewed by 2027-12-31" in out
    assert "E319" not in run("lint", "--as-of", "2027-12-31")[1]


def test_warnings_alone_exit_with_0(run: Run) -> None:
    status, out, _ = run("lint", str(BAD / "warnings"))
    assert status == 0
    assert "(warning)" in out
    assert out.endswith("2 files: 0 mistakes, 8 warnings\n")
    assert run("lint", str(BAD / "warnings"), "--lang", "zh")[1].endswith("2 个文件：0 个错误，8 个提醒\n")


def test_every_mistake_is_told_and_exits_with_1(run: Run) -> None:
    status, out, _ = run("lint", str(BAD / "twenty_mistakes"))
    assert status == 1
    assert f"{BAD / 'twenty_mistakes'}/shanghai/rules.yaml:6:13: E301: unknown name costs." in out
    assert out.endswith("5 files: 21 mistakes, 0 warnings\n")


def test_a_file_is_judged_within_its_rulebook(run: Run, rules: Path) -> None:
    one, other = rules / "shanghai" / "employee.yaml", rules / "shanghai" / "resident.yaml"
    assert run("lint", str(one)) == (0, "1 file: 0 mistakes, 0 warnings\n", "")
    one.write_text(one.read_text("utf-8").replace("value: in_scope_cost\n", "value: inscope_cost\n"), "utf-8")
    status, out, _ = run("lint", str(one))
    assert status == 1
    assert "E301: unknown name inscope_cost. Perhaps in_scope_cost is meant." in out
    assert run("lint", str(other))[0] == 0


def test_overlays_of_the_folder_are_checked_too(run: Run, rules: Path) -> None:
    overlay = rules / "overlays" / "limit_counts_costs.yaml"
    overlay.write_text(
        overlay.read_text("utf-8").replace("in_scope_cost - deductible -", "in_scope_cost -deductable -"),
        "utf-8",
    )
    for words in ((str(rules),), (str(overlay),), (str(rules), "--overlay", str(overlay))):
        status, out, _ = run("lint", *words)
        assert status == 1
        assert f"{overlay}:" in out
        assert "unknown name deductable" in out


def test_what_cannot_be_read_exits_with_2(run: Run, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        status, _, err = run("lint", str(path))
        assert status == 2
        assert err.startswith(f"{path}:1:1: E10")


def test_a_calendar_about_to_end_is_told_ahead_at_its_last_year(run: Run) -> None:
    status, out, _ = run("lint", "--as-of", "2026-11-02")
    assert status == 0
    assert "calendar.yaml:" in out
    assert "E348: the working-day calendar ends on 2026-12-31" in out
    assert "E348" not in run("lint", "--as-of", "2026-11-01")[1]
