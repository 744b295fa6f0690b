"""A rulebook of another field, pupils and their families: the commands speak its words, not those of medical insurance."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Final

import pytest
from tests.cli.conftest import Run

RULES: Final = str(Path(__file__).parent.parent / "rulebooks" / "school" / "rules.yaml")
DAY: Final = "2026-11-21"
FOREIGN: Final = re.compile(
    r"\b(residents?|claims?|persons?|insur\w*|medical\w*|households?|patients?|hospitals?|stays)\b"
    r"|参保|医疗|医保|就医|人员|居民|费用|住院",
    re.IGNORECASE,
)
RECORD: Final = """\
as_of: 2026-11-21
family: {family_no: F1, income: 20000, pupils_count: 2, guardians_count: 1}
guardians: [{guardian_no: G1, salary: 100, out_of_work: false}]
pupils: [{pupil_no: P2, born: 2016-05-05, stage: primary}]
pupil: {pupil_no: P1, born: 2015-05-05, stage: primary, school_area: "310113"}
fee_notes:
  - {note_no: N1, billed_on: 2026-03-01, fee: 3000, waived: 100}
  - {note_no: N2, billed_on: 2026-05-01, fee: 3000, waived: 0}
"""


def words_of(page: str) -> str:
    """What a reader of a page sees."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL))


def foreign(text: str) -> set[str]:
    return {match[0] for match in FOREIGN.finditer(text)}


@pytest.fixture
def inputs(run: Run, tmp_path: Path) -> list[str]:
    """Options that name made-up files."""
    people = tmp_path / "people"
    status, text, _ = run(
        "sample",
        "--rules",
        RULES,
        "--out",
        str(people),
        "--residents",
        "120",
        "--format",
        "csv",
        "--as-of",
        DAY,
    )
    assert (status, foreign(text)) == (0, set())
    files = {
        "family": "family", "guardian": "guardians", "pupil": "pupils", "term_fee": "fee_notes", "meal": "meals",
    }  # fmt: skip
    named = [word for entity, name in files.items() for word in ("--input", f"{entity}={people / name}.csv")]
    return ["--rules", RULES, "--as-of", DAY, *named]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_batch_its_report_and_a_comparison_speak_the_rulebooks_words(
    lang: str, run: Run, inputs: list[str], tmp_path: Path
) -> None:
    out, report, overlay = tmp_path / "out", tmp_path / "report", tmp_path / "o.yaml"
    status, text, _ = run("--lang", lang, "batch", *inputs, "--out", str(out))
    assert (status, foreign(text)) == (0, set())
    assert {path.name for path in out.glob("*.parquet")} >= {
        "families.parquet",
        "pupils.parquet",
        "term_fees.parquet",
    }
    status, text, _ = run("--lang", lang, "report", str(out), "--out", str(report))
    assert (status, foreign(text)) == (0, set())
    assert foreign(words_of((report / "report.html").read_text("utf-8"))) == set()
    assert foreign((report / "report.json").read_text("utf-8")) == set()
    overlay.write_text(
        "overlay: {name: more, title: more, source: ACT, clause: '9'}\n"
        "set: {fee_limit: {from: 2025-01-01, value: 4000}}\n"
    )
    compared = str(tmp_path / "compared")
    words = ["compare", *inputs, "--overlay", str(overlay), "--out", compared, "--resettle", "--notices"]
    status, text, _ = run("--lang", lang, *words)
    assert (status, foreign(text)) == (1, set())
    assert ("学生 120：" if lang == "zh" else "pupil 120: ") in text
    for page in ("report.html", "notices.html"):
        assert foreign(words_of((tmp_path / "compared" / page).read_text("utf-8"))) == set()
    fund = json.loads((tmp_path / "compared" / "compare.json").read_text("utf-8"))["fund"]
    assert fund.keys() == {"paid"}  # the outcome of a fee note is paid: no part that the family bears


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("about", [("--benefit", "books"), ("--benefit", "family_grant"), ("--claim", "N2")])
def test_a_notice_and_an_answer_speak_the_rulebooks_words(
    about: tuple[str, str], lang: str, run: Run, tmp_path: Path
) -> None:
    record, page = tmp_path / "record.yaml", tmp_path / "notice.html"
    record.write_text(RECORD, "utf-8")
    status, text, _ = run("--lang", lang, "check", str(record), "--rules", RULES, "--why", "all")
    assert (status, foreign(text)) == (0, set())
    words = ["notice", str(record), "--rules", RULES, *about, "--out", str(page)]
    status, text, _ = run("--lang", lang, *words)
    assert (status, foreign(text)) == (0, set())
    assert foreign(words_of(page.read_text("utf-8"))) == set()
    for wrong in (["--claim", "N9"], ["--claim", "N1", "--benefit", "books"]):
        status, _, complaint = run(
            "--lang", lang, "notice", str(record), "--rules", RULES, *wrong, "--out", str(page)
        )
        assert status == 2
        assert foreign(complaint.replace("--claim", "")) == set()


@pytest.mark.usefixtures("inputs")
def test_a_sample_keeps_the_checks_says_how_many_there_are_and_gives_nothing_that_others_decided(
    tmp_path: Path,
) -> None:
    with (tmp_path / "people" / "family.csv").open(newline="") as file:
        families = list(csv.DictReader(file))
    with (tmp_path / "people" / "pupils.csv").open(newline="") as file:
        pupils = [row["family_no"] for row in csv.DictReader(file)]
    assert {row["family_no"]: int(row["pupils_count"]) for row in families} == {
        row["family_no"]: pupils.count(row["family_no"]) for row in families
    }
    with (tmp_path / "people" / "fee_notes.csv").open(newline="") as file:
        notes = list(csv.DictReader(file))
    assert "given_fee_grant" not in notes[0]
    assert all(float(row["waived"]) <= float(row["fee"]) for row in notes)


def test_a_benefit_of_a_family_is_listed_once_whoever_joins_or_leaves_it(run: Run, tmp_path: Path) -> None:
    """Also where the member under whose number it stands is no longer the first, or no longer there."""
    families, pupils, events = (tmp_path / f"{name}.csv" for name in ("family", "pupil", "event"))
    rules = tmp_path / "rules.yaml"
    rules.write_text(Path(RULES).read_text("utf-8").replace("count(pupils) * 200", "200"), "utf-8")

    def listed(day: str, who: str, there: list[str]) -> list[tuple[str, str]]:
        families.write_text(f"family_no,income,pupils_count,guardians_count\nF1,10000,{len(there)},0\n")
        people = "".join(f"{number},F1,2015-05-05,primary\n" for number in there)
        pupils.write_text(f"pupil_no,family_no,born,stage\n{people}")
        events.write_text(f"event_id,pupil_no,type,date,stage\nE{day},{who},moved_up,{day},secondary\n")
        words = ["--rules", str(rules), "--events", str(events), "--journal", str(tmp_path / "journal")]
        named = [
            "--input",
            f"family={families}",
            "--input",
            f"pupil={pupils}",
            "--out",
            str(tmp_path / "w.csv"),
        ]
        assert run("watch", *words, *named)[0] == 0
        with (tmp_path / "w.csv").open(newline="") as file:
            items = [row for row in csv.DictReader(file) if row["benefit"] == "family_grant"]
        return [(item["event_id"], item["pupil_no"]) for item in items]

    assert listed("2026-09-01", "P5", ["P5"]) == [("E2026-09-01", "P5")]
    assert listed("2026-10-01", "P5", ["A1", "P5"]) == [("E2026-09-01", "P5")]
    assert listed("2026-11-01", "A1", ["A1"]) == [("E2026-09-01", "P5")]
