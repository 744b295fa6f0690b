"""`mianshen lint`."""

import cProfile
import json
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
        assert err.startswith(str(path))
        assert ": E10" in err


def test_a_calendar_about_to_end_is_told_ahead_at_its_last_year(run: Run) -> None:
    status, out, _ = run("lint", "--as-of", "2026-11-02")
    assert status == 0
    assert "calendar.yaml:" in out
    assert "E348: the working-day calendar ends on 2026-12-31" in out
    assert "E348" not in run("lint", "--as-of", "2026-11-01")[1]


def test_other_programs_read_what_is_found(run: Run) -> None:
    bad = str(BAD / "warnings")
    content = json.loads(run("lint", bad, "--format", "json")[1])
    assert {"code", "severity", "file", "line", "column", "what", "fix", "also"} == set(content[0])
    report = json.loads(run("lint", bad, "--format", "sarif")[1])
    assert report["version"] == "2.1.0"
    assert [r["ruleId"] for r in report["runs"][0]["results"]] == [one["code"] for one in content]
    assert len({r["id"] for r in report["runs"][0]["tool"]["driver"]["rules"]}) == len(
        {one["code"] for one in content}
    )
    annotations = run("lint", bad, "--format", "github")[1].splitlines()
    assert len(annotations) == len(content)
    assert annotations[0].startswith("::warning file=")
    assert run("lint", str(BAD / "twenty_mistakes"), "--format", "sarif")[0] == 1


DOUBTFUL = """
rulebook: {name: d, title: d, entry: person}
sources: {S: {title: s}}
defaults: {source: S, clause: x}
entities:
  person: {title: p, key: id}
  bill: {title: b, key: no, parent: person, children: bills, date: day, outcome: rest}
codes: {kind: {title: k, values: {a: a, b: b}}}
facts:
  person: {id: {type: text, title: i}}
  bill:
    no: {type: text, title: n}
    id: {type: text, title: i}
    day: {type: date, title: d}
    kind: {type: code kind, title: k}
    cost: {type: money, title: c, min: 0}
decisions:
  bill:
    one: {type: money, title: one, paid: true}
    two: {type: money, title: two, paid: true}
    three: {type: money, title: three, paid: true}
    rest: {type: money, title: rest}
    step: {type: integer, title: step}
    never: {type: money, title: never}
    never_too: {type: money, title: never}
accumulators:
  lonely: {title: l, sums: never}
  # lint: ignore E370 because it is for the next year
  waiting: {title: w, sums: never}
  other: {title: o, sums: rest}
  shared: {title: s, sums: [never, rest]}
  unfed: {title: u, sums: [never, never_too]}
provisions:
  one: {decision: one, when: cost >= 0, value: cost}
  two: {decision: two, value: cost}
  three: {decision: three, when: 'kind = "a"', value: cost}  # lint: ignore E371
  three_too: {decision: three, when: 'kind = "a"', value: 0}
  step_of_a: {decision: rest, when: 'kind = "a"', value: cost - one - two, annual_limit: {accumulator: other, limit: 5}}
  step_of_b: {decision: rest, when: 'kind = "b" and cost > 10', value: cost - one - two, exception_to: step_of_all}
  step_of_all: {decision: rest, when: 'kind = "b" and cost > 20', value: cost - one - two}
tables:
  t:
    decision: step
    inputs: [cost]
    hit_policy: first
    rows: [{id: r1, cells: ['< 100'], value: 1}, {id: r2, cells: ['< 50'], value: 2}, {id: r3, cells: ['-'], value: 3}]
"""


def test_a_colleague_would_ask(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(DOUBTFUL, "utf-8")
    status, out, _ = run("lint", str(file))
    assert status == 0, out
    codes = [line.split(": ")[1] for line in out.splitlines() if "(warning)" in line]
    assert set(codes) == {"E370", "E371", "E372", "E373", "E374", "E375", "E376"}, out
    assert "waiting" not in out
    assert "adds to the accumulator unfed" in out
    assert "shared" not in out
    assert "leaves out three" in out
    assert "step_of_b comes before it" in out
    assert "the row r2 is never reached: r1" in out


def many_rows(folder: Path, count: int) -> str:
    """A rulebook of one table of so many rows: ranges of a cost by two kinds, from a day on."""
    head = DOUBTFUL.partition("decisions:")[0].replace(", outcome: rest", "")
    rows = ", ".join(
        f"{{id: r{at}, cells: ['[{at * 10}..{at * 10 + 10})', '\"a\", \"b\"'], value: {at}}}"
        for at in range(count)
    )
    table = f"tables: {{t: {{decision: one, from: 2020-01-01, inputs: [cost, kind], rows: [{rows}]}}}}"
    file = folder / f"{count}.yaml"
    file.write_text(f"{head}decisions: {{bill: {{one: {{type: money, title: one}}}}}}\n{table}\n", "utf-8")
    return str(file)


def test_a_thousand_rows_on_one_decision_take_little_more_than_a_few(run: Run, tmp_path: Path) -> None:
    calls = []
    for count in (9, 250, 1000):  # the first one warms up
        file, profile = many_rows(tmp_path, count), cProfile.Profile()
        assert profile.runcall(run, "lint", file)[0] == 0
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[2] < 8 * calls[1]  # four times the rows; every pair of them would be sixteen times
