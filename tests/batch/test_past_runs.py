"""A finished run later on: verified against its receipt, and any person of it decided again."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from tests.batch.batches import AS_OF, CLAIMS, COSTS, GOOD, PEOPLE, SMALL, STAY, rows, write
from tests.support.populations import nasty, spoil, write_csv
from xlsxwriter import Workbook

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.past_runs.verify import verify
from mianshen.rulebook import open_program, overlay_file
from mianshen.source import RuleError

pytestmark = pytest.mark.xdist_group("past_runs")

RESULTS: Final = (
    "residents.parquet", "claims.parquet", "rejects.parquet", "rejects.csv", "summary.json", "rulebook.zip",
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over spoilt people under an overlay; `out` beside its inputs."""
    folder = tmp_path_factory.mktemp("finished")
    population = spoil(nasty(61, 60, unknown=0.05), 61)
    files = write_csv(population, folder, 61)
    rules = Rules((), ("limit_counts_costs",))
    inputs = {"resident": files["residents"], "household": files["households"], "claim": files["claims"]}
    program = open_program(rules.paths, rules.overlays)
    run_batch(program, Request(inputs, AS_OF, folder / "out", rules=rules))
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The results, to be tampered with; the inputs stay where they were."""
    shutil.copytree(finished / "out", tmp_path / "out")
    return tmp_path / "out"


def outcomes(out: Path) -> dict[str, str]:
    return {
        finding.name: finding.outcome
        for finding in verify(FinishedRun.recorded(out))
        if finding.outcome != "same"
    }


def test_an_untouched_run_is_as_its_receipt_says(finished: Path) -> None:
    findings = verify(FinishedRun.recorded(finished / "out"))
    assert {finding.name for finding in findings} == {
        *RESULTS,
        "residents.csv",
        "households.parquet",
        "claims.csv",
        "households.csv",
        "mianshen",
    }
    assert {finding.outcome for finding in findings} == {"same"}
    assert not any(finding.wrong for finding in findings)


@pytest.mark.parametrize("name", RESULTS)
def test_one_changed_byte_of_any_result_is_told(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert outcomes(copy)[name] == "differs"


def test_what_is_missing_or_strange_is_told(copy: Path) -> None:
    (copy / "summary.json").unlink()
    (copy / "letters.txt").write_text("mine", "utf-8")
    assert outcomes(copy) == {"summary.json": "missing", "letters.txt": "stranger"}


def test_an_input_that_changed_is_told_and_one_that_moved_is_no_fault(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "there")
    timings = tmp_path / "there" / "out" / "timings.json"
    timings.write_text(timings.read_text("utf-8").replace(str(finished), str(tmp_path / "there")), "utf-8")
    (tmp_path / "there" / "claims.csv").write_text("x", "utf-8")
    (tmp_path / "there" / "residents.csv").unlink()
    assert outcomes(tmp_path / "there" / "out") == {"claims.csv": "differs", "residents.csv": "moved"}


def test_a_folder_that_holds_no_run_is_refused(tmp_path: Path) -> None:
    for content in (None, "[]", "{", '{"inputs": {}}'):
        if content is not None:
            (tmp_path / "manifest.json").write_text(content, "utf-8")
        with pytest.raises(RuleError, match="E530: there is no intact record of the run here"):
            FinishedRun.recorded(tmp_path)


# -- replay ----------------------------------------------------------------------------------


def test_every_person_comes_out_as_written(finished: Path) -> None:
    past = FinishedRun.recorded(finished / "out")
    people = [row["person_id"] for row in rows(finished / "out" / "residents.parquet")]
    gone = [
        row["key"] for row in rows(finished / "out" / "rejects.parquet") if row["file"] == "residents.csv"
    ]
    rejected_claims = 0
    for person in [*people[::9], *gone]:
        replayed = replay(past, person, {})
        assert replayed.differences == (), person
        assert replayed.compared > 0
        rejected_claims += len(replayed.checked.result.rejected)
        assert replayed.checker.program.overlays == ("limit_counts_costs",)
    assert rejected_claims > 0


def test_every_cell_that_was_written_otherwise_is_told(copy: Path) -> None:
    program = open_program(overlays=[overlay_file("limit_counts_costs")])
    benefit = next(name for name, entry in program.benefits.items() if entry.entity == "resident")
    claims = rows(copy / "claims.parquet")
    claim = next(row for row in claims if row["status"] == "decided" and row["patient_pays"] > 0)
    other = next(row for row in claims if row["person_id"] != claim["person_id"])["claim_id"]
    changes = {
        "claims": "SELECT * REPLACE (CASE WHEN claim_id = $claim THEN patient_pays + 0.01 ELSE patient_pays END "
        "AS patient_pays, CASE WHEN claim_id = $other THEN $person ELSE person_id END AS person_id)",
        "residents": f"SELECT * REPLACE (CASE WHEN person_id = $person THEN 'due' ELSE {benefit}_status END "
        f"AS {benefit}_status)",
    }
    values = {"claim": claim["claim_id"], "other": other, "person": claim["person_id"]}
    with duckdb.connect() as database:
        for name, query in changes.items():
            file = str(copy / f"{name}.parquet")
            used = {number: value for number, value in values.items() if f"${number}" in query}
            database.execute(f"CREATE TABLE {name} AS {query} FROM read_parquet('{file}')", used)
            database.execute(f"COPY {name} TO '{file}' (FORMAT parquet)")
    replayed = replay(FinishedRun.recorded(copy), claim["person_id"], {})
    told = {
        (difference.key, difference.column): (difference.written, difference.now)
        for difference in replayed.differences
    }
    pays = claim["patient_pays"]
    assert told.pop((claim["person_id"], f"{benefit}_status"))[0] == "due"
    assert told == {
        (claim["claim_id"], "patient_pays"): (f"{pays + Decimal('0.01')}", f"{pays}"),
        (other, "claim_id"): (other, ""),
    }


def test_an_input_that_moved_can_be_pointed_at_and_must_be_the_same(tmp_path: Path) -> None:
    files = write(tmp_path / "in", {"residents.csv": GOOD, "claims.csv": CLAIMS + STAY})
    run_batch(open_program(), Request(files, AS_OF, tmp_path / "out", rules=Rules()))
    past = FinishedRun.recorded(tmp_path / "out")
    moved = (tmp_path / "in").rename(tmp_path / "elsewhere")
    with pytest.raises(RuleError) as caught:
        replay(past, "P1", {})
    assert [d.code for d in caught.value.diagnostics] == ["E571", "E571"]
    named = {"resident": moved / "residents.csv", "claim": moved / "claims.csv"}
    assert replay(past, "P1", named).differences == ()
    with pytest.raises(RuleError, match="E534: no record of that run's input has this number"):
        replay(past, "P2", named)
    named["claim"].write_text(CLAIMS + STAY.replace("48650.37", "48650.38"), "utf-8")
    with pytest.raises(RuleError, match=r"claims\.csv: E572: the file is not the one this run read"):
        replay(past, "P1", named)


def test_files_that_moved_may_be_named_in_any_order(tmp_path: Path) -> None:
    stays = [CLAIMS + STAY, CLAIMS + STAY.replace("C1", "C2"), CLAIMS + STAY.replace("C1,P1", "C3,P9")]
    for number, text in enumerate(stays):
        (tmp_path / f"c{number}.csv").write_text(text, "utf-8")
    files: dict[str, Any] = write(tmp_path, {"residents.csv": GOOD})
    claims = [tmp_path / f"c{number}.csv" for number in range(3)]
    run_batch(open_program(), Request(files | {"claim": claims}, AS_OF, tmp_path / "out", rules=Rules()))
    past = FinishedRun.recorded(tmp_path / "out")
    assert replay(past, "P1", {"claim": claims[::-1]}).differences == ()
    with pytest.raises(
        RuleError, match=r"c1\.csv: E571: .* Say where it is now by --input claim=FILE"
    ) as caught:
        replay(past, "P1", {"claim": claims[::2]})
    assert len(caught.value.diagnostics) == 1


def test_a_run_over_a_sheet_of_a_workbook_is_replayed_from_that_sheet(tmp_path: Path) -> None:
    with Workbook(tmp_path / "all.xlsx") as book:
        for sheet, text in {
            "2025": CLAIMS + STAY.replace("48650.37", "90000.00"), "参保人": GOOD, "2026": CLAIMS + STAY
        }.items():  # fmt: skip
            page = book.add_worksheet(sheet)
            for row, line in enumerate(text.splitlines()):
                page.write_row(row, 0, line.split(","))
    files = {"resident": Path(f"{tmp_path}/all.xlsx#参保人"), "claim": Path(f"{tmp_path}/all.xlsx#2026")}
    run_batch(open_program(), Request(files, AS_OF, tmp_path / "out", rules=Rules()))
    past = FinishedRun.recorded(tmp_path / "out")
    assert replay(past, "P1", {}).differences == ()
    assert {finding.outcome for finding in verify(past)} == {"same"}
    (tmp_path / "all.xlsx").rename(tmp_path / "moved.xlsx")
    with pytest.raises(RuleError, match=r"all\.xlsx#2026: E571"):
        replay(past, "P1", {})


def test_a_rulebook_of_one_s_own_is_kept_even_when_it_changes_later(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(SMALL, "utf-8")
    rules = Rules((tmp_path / "rules",))
    files = write(tmp_path / "in", {"residents.csv": PEOPLE, "claims.csv": COSTS})
    run_batch(open_program(rules.paths), Request(files, AS_OF, tmp_path / "out", rules=rules))
    (tmp_path / "rules" / "rules.yaml").write_text("{", "utf-8")
    assert outcomes(tmp_path / "out") == {}
    replayed = replay(FinishedRun.recorded(tmp_path / "out"), "P1", {})
    assert (replayed.differences, replayed.compared) == ((), 7)


def test_a_run_is_refused_whose_rulebook_changes_under_it(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(SMALL, "utf-8")
    rules = Rules((tmp_path / "rules.yaml",))
    program = open_program(rules.paths)
    (tmp_path / "rules.yaml").write_text(SMALL + "\n", "utf-8")
    request = Request(write(tmp_path / "in", {"residents.csv": PEOPLE}), AS_OF, tmp_path / "out", rules=rules)
    with pytest.raises(RuleError, match="E529: the rulebook changed while the run was at work"):
        run_batch(program, request)
    assert not (tmp_path / "out").exists()


def test_the_manifest_holds_no_place_of_this_machine(finished: Path) -> None:
    for name in ("manifest.json", "summary.json"):
        assert str(finished) not in (finished / "out" / name).read_text("utf-8")
    assert json.loads((finished / "out" / "timings.json").read_text("utf-8"))["inputs"]["claim"] == [
        str(finished / "claims.csv")
    ]
