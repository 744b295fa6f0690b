"""What the policy desk's commands print is no wider than the terminal, in either language."""

from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.impact.small import write_small
from tests.support.campaigns import few

from mianshen_cli import output

DRAFT = """\
overlay: {name: draft_of_the_annual_notice_on_rates, title: x}
set:
  rate: {from: 2026-01-01, value: 90%}
  line: {from: 2026-01-01, value: 1234567.00}
replace: {parameters: {old_age: {type: integer, title: {zh: 享受高龄补助的年龄（按周岁计算并以户籍登记为准）,
  en: the age in full years from which somebody is old by the register of households}, source: S, clause: 五,
  basis: cited, values: [{from: 2020-01-01, value: 70}]}}}
"""
PEOPLE = "person_id,income,birth_date\nP1,21000.00,1950-01-01\nP2,19900.00,\nP3,,1950-01-01\n"
CLAIMS = """\
claim_id,person_id,service_date,total_cost,settled_payment
C1,P1,2026-03-01,765432.00,612265.60
C2,P2,2026-03-01,,
C3,P3,2026-04-01,999999.00,799919.20
"""
CASES = """\
cases:
  - {name: a_person_below_the_line_of_the_annual_notice, as_of: 2026-06-30,
     resident: {person_id: P1, income: 100.00, birth_date: 1990-01-01}, expect: {resident: {poor: true}}}
"""
FILES = ("--residents", "r.csv", "--claims", "c.csv", "--as-of", "2026-06-30")
DRAFTED = ("--overlay", "draft.yaml")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("compare", *FILES, *DRAFTED, "--out", "compared"), ("compare", "--cases", "cases.yaml", *DRAFTED, "--out", "o"),
    ("thresholds", *FILES), ("drift", *FILES), ("coverage", "cases.yaml"),
    ("seek", "rate", *FILES, "--from", "2026-01-01", "--goal", "payment<=1300000"),
    ("seek", "rate", *FILES, "--from", "2026-01-01", "--goal", "payment<=1"),
    ("diff", *DRAFTED), ("diff", *DRAFTED, "--cases", "cases.yaml"), ("prove", "--property", "conflict"),
    *(("mutate", "cases.yaml"),)[: few(0, 1)],
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_small(tmp_path / "rules")
    texts = {"draft.yaml": DRAFT, "r.csv": PEOPLE, "c.csv": CLAIMS, "cases.yaml": CASES}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(run: Run, words: tuple[str, ...], lang: str) -> None:
    if words[0] == "prove":
        pytest.importorskip("z3")
    status, text, err = run(*words, "--rules", "rules", "--lang", lang)
    assert status in (0, 1), err
    assert text
    assert [line for line in text.splitlines() if output.width(line) > 80] == []
