"""Who stands near which line, and what a step across gives or costs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from tests.impact.small import write_small

from mianshen.batch.request import Engine, Request
from mianshen.impact.thresholds import Atlas, atlas
from mianshen.rulebook import open_program
from mianshen_cli.main import main

AS_OF = dt.date(2026, 12, 31)
PEOPLE = """\
person_id,income,birth_date
just_below,19900.00,1990-01-01
at_the_line,20000.00,1990-01-01
just_above,20400.00,1990-01-01
far_above,25000.00,1990-01-01
unknown,,1990-01-01
nearly_old,90000.00,1947-01-20
just_old,90000.00,1946-12-15
"""


def looked(tmp_path: Path, engine: Engine) -> Atlas:
    people, claims = tmp_path / "residents.csv", tmp_path / "claims.csv"
    people.write_text(PEOPLE, encoding="utf-8")
    claims.write_text(
        "claim_id,person_id,service_date,total_cost\nC1,far_above,2026-03-01,500.00\n", encoding="utf-8"
    )
    program = open_program([write_small(tmp_path / "rules")])
    inputs = {"resident": str(people), "claim": str(claims)}
    return atlas(program, Request(inputs, AS_OF, tmp_path / "out", 1, engine=engine), listed=True)


@pytest.mark.parametrize("engine", ["interpreter", "native"])
def test_people_within_a_step_of_a_line_are_counted_with_what_crossing_gives(
    tmp_path: Path, engine: Engine
) -> None:
    result = looked(tmp_path, engine)
    content = result.content()
    lines = {line["fact"]: line for line in content["lines"]}
    assert (lines["income"]["line"], lines["income"]["below"], lines["income"]["above"]) == (
        "20,000.00",
        1,
        2,
    )
    assert (lines["birth_date"]["line"], lines["birth_date"]["below"], lines["birth_date"]["above"]) == (
        "80 a",
        1,
        1,
    )
    assert lines["income"]["clause"] == "S 三"
    crossings = {(c["fact"], c["step"]): c for c in content["crossings"] if c["benefit"] == "help"}
    up, down = crossings["income", "+500.00"], crossings["income", "-500.00"]
    assert (up["rows"], up["lost"], up["difference"], up["notch"]) == (2, 2, "-1200.00", "-600.00")
    assert (down["rows"], down["gained"], down["difference"]) == (1, 1, "600.00")
    assert crossings["birth_date", "-30 d"]["gained"] == 1
    assert crossings["birth_date", "+30 d"]["lost"] == 1
    rows = [row for table in result.rows for row in table.to_pylist()]
    assert {(row["key"], row["step"]) for row in rows if row["fact"] == "income"} == {
        ("just_below", "+500.00"), ("at_the_line", "+500.00"), ("just_above", "-500.00"),
    }  # fmt: skip


def test_years_and_days_are_words_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looked(tmp_path, "interpreter")
    words = [
        "thresholds",
        "--residents",
        str(tmp_path / "residents.csv"),
        "--claims",
        str(tmp_path / "claims.csv"),
    ]
    rules = ["--rules", str(tmp_path / "rules"), "--as-of", AS_OF.isoformat()]
    main([*words, *rules, "--lang", "zh"])
    shown = capsys.readouterr().out
    assert "80 周年" in shown
    assert "-30 天" in shown
    main([*words, *rules, "--lang", "en"])
    assert "-30 days" in capsys.readouterr().out
