"""`mianshen ask`: the dialogue on a terminal, question by question as JSON, and the record it leaves."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
DAY = ("--as-of", "2026-11-21")
BAOSHAN = 'insured_area: "310113", insurance_scheme: resident, coverage_status: active'


@pytest.fixture
def typed(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs `ask` with lines typed at it."""

    def typed(lines: list[str], *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return run("ask", *words, *DAY)

    return typed


Typed = Callable[..., tuple[int, str, str]]


def test_it_stops_as_soon_as_it_is_decided(typed: Typed) -> None:
    status, out, err = typed(["低保", "1"], "illness_poverty_aid")
    assert (status, err) == (0, "")
    assert out.count("answer> ") == 2
    assert "Not eligible: Illness-poverty aid (household)." in out


def test_in_chinese(typed: Typed) -> None:
    status, out, _ = typed(["2", "1"], "illness_poverty_aid", "--lang", "zh")
    assert status == 0
    assert "[1] 医疗救助对象类别 (assistance_category)" in out
    assert "    2 低保 (subsistence)" in out
    assert "不符合" in out


def test_back_takes_an_answer_back(typed: Typed) -> None:
    status, out, _ = typed(["低保", "b", "none", "1"], "illness_poverty_aid")
    assert status == 0
    assert out.count("[1] medical-assistance category") == 2


def test_back_before_the_first_answer_asks_it_again(typed: Typed) -> None:
    status, out, _ = typed(["b", "none", "1"], "illness_poverty_aid")
    assert status == 0
    assert out.count("[1] ") == 2


def test_quitting_keeps_what_was_told(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    status, out, _ = typed(["因病致贫", "310113", "1", "q"], "illness_poverty_aid", "--save", str(file))
    assert status == 0
    assert "missing: the other claims" in " ".join(out.split())
    lines = file.read_text("utf-8").splitlines()
    assert lines[0] == "as_of: 2026-11-21"
    assert 'assistance_category: "illness_poverty"' in lines[1]
    assert "claims: null" in lines


def test_what_was_told_is_not_lost_where_a_file_cannot_be_written(typed: Typed, tmp_path: Path) -> None:
    file, nowhere = tmp_path / "record.yaml", tmp_path / "none" / "record.yaml"
    answers = ["因病致贫", "310113", "1", "q", ""]
    status, out, err = typed(
        [*answers, str(tmp_path), str(file)], "illness_poverty_aid", "--lang", "zh", "--save", str(nowhere)
    )
    assert status == 0
    assert f"{nowhere}: 无法保存：没有这个文件或文件夹。" in err.replace("\n", "")
    assert f"{tmp_path}: 无法保存：" in err.replace("\n", "")
    assert f"已存入 {file}" in out
    assert "illness_poverty" in file.read_text("utf-8")


def test_what_is_not_known_ends_it_where_nothing_else_could_decide(typed: Typed) -> None:
    status, out, _ = typed(["?"], "illness_poverty_aid")  # without a category nobody is known to have it
    assert status == 0
    assert out.count("answer> ") == 1
    assert "undetermined" in out


def test_what_is_not_known_is_passed_over(typed: Typed) -> None:
    _, out, _ = typed(["310113", "", "2", "q"], "premium_subsidy", "newborn_enrolment")
    asked = [line.rsplit("(", 1)[1].rstrip(")") for line in out.splitlines() if line.startswith("[")]
    assert len(set(asked)) == len(asked) == 3


def test_the_end_of_what_is_typed_is_quitting(typed: Typed) -> None:
    assert typed([], "illness_poverty_aid")[0] == 0


def test_an_answer_that_is_none_is_asked_again(typed: Typed) -> None:
    status, out, err = typed(["somewhere", "20", "none", "1"], "illness_poverty_aid")
    assert status == 0
    first, second = err.splitlines()
    assert first.startswith("assistance_category is somewhere, which is not one of its codes.")
    assert second == "there is no choice 20. Choose from 1 to 13."
    assert "Not eligible: " in out


def test_help_says_how_to_answer(typed: Typed) -> None:
    _, out, _ = typed(["h", "none", "1"], "illness_poverty_aid")
    assert "b back, ? don't know, q quit" in out.split("answer> ")[1]


def test_what_every_claim_needs_cannot_be_skipped(typed: Typed) -> None:
    _, _, err = typed(["因病致贫", "310113", "1", "1", "", "2025-01-01"], "illness_poverty_aid")
    assert err.splitlines() == ["date of service (of discharge for a stay) is needed. Answer it, or go back."]


def test_check_reads_what_was_saved_and_decides_the_same(typed: Typed, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    answers = {
        "insured_area": "310113", "assistance_category": "因病致贫", "claims": "1", "service_date": "2025-03-02",
        "member_count": "1",
        "coverage_status": "1", "care_type": "住院", "insurance_scheme": "2", "hospital_level": "tertiary",
        "total_cost": "10300", "out_of_scope_cost": "0", "critical_illness": "n",
    }  # fmt: skip
    told: list[str] = []
    while True:
        _, out, _ = typed([*told, "q"], "illness_poverty_aid", "--save", str(file))
        asked = [line for line in out.splitlines() if line.startswith("[")]
        if len(asked) == len(told):
            break
        told.append(answers.get(asked[-1].rsplit("(", 1)[1].rstrip(")"), ""))
        assert len(told) < 40
    assert "840.00" in out  # of 2,800.00 at 30%
    status, out, err = run("check", str(file), "--format", "json")
    assert (status, err) == (0, "")
    aid = json.loads(out)["benefits"]["illness_poverty_aid"]
    assert (aid["status"], aid["amount"]) == ("eligible", "840.00")


def test_a_record_tells_what_is_known_already(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "record.yaml"
    file.write_text('as_of: 2026-11-21\nresident: {person_id: P9, insured_area: "310113"}\n', "utf-8")
    status, out, _ = typed(["none", "1"], "illness_poverty_aid", str(file))
    assert status == 0
    assert out.count("answer> ") == 2
    assert "resident P9" in out


# Question by question


def next_(run: Run, *words: str) -> Any:
    status, out, err = run("ask", *words, "--next", *DAY)
    assert (status, err) == (0, "")
    return json.loads(out)


def test_the_next_question_as_json(run: Run) -> None:
    question = next_(
        run, "premium_subsidy", "--answer", "insured_area=371724", "--answer", "coverage_status=1"
    )["question"]
    assert question["type"].startswith("code ")
    assert question["answer_as"] == question["fact"]
    assert question["entity"] == "resident"
    assert set(question["title"]) == {"zh", "en"}
    assert all(set(choice) == {"code", "zh", "en"} for choice in question["choices"])
    assert question["why"] == ["premium_subsidy"]


def test_numbers_come_with_their_range(run: Run) -> None:
    entry = next_(run, "employer_contribution", "--answer", "insured_area=310113", "--answer", "insurance_scheme=employee",
                  "--answer", "coverage_status=active", "--answer", "employment_status=employed")  # fmt: skip
    question = entry["question"]
    assert (question["fact"], question["type"]) == ("contribution_base", "money")
    assert question["range"] == {"low": "0.00", "high": "9999999999999.99"}


def test_it_ends_in_the_answer_of_check_about_these_benefits(run: Run) -> None:
    answer = next_(
        run, "illness_poverty_aid", "--answer", "assistance_category=低保", "--answer", "member_count=1"
    )
    assert list(answer["answer"]["benefits"]) == ["illness_poverty_aid"]
    assert answer["answer"]["benefits"]["illness_poverty_aid"]["status"] == "ineligible"


def test_every_benefit_at_once(run: Run) -> None:
    question = next_(run, "all")["question"]
    assert question["fact"] == "insured_area"
    assert len(question["why"]) > 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["premium_subsid"], "there is no benefit premium_subsid. Did you mean premium_subsidy?"),
        (
            ["premium_subsidy", "--answer", "insurd_area=3"],
            "there is nothing called insurd_area to answer. Did you mean insured_area?",
        ),
        (["premium_subsidy", "--answer", "insured_area"], "insured_area is no answer. Write NAME=VALUE."),
        (["record.yaml"], "name at least one benefit, or all."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_one_line(run: Run, words: list[str], said: str) -> None:
    status, out, err = run("ask", *words, "--next", *DAY)
    assert (status, out, err) == (2, "", f"mianshen: {said}\n")


def test_whose_a_claim_is_cannot_be_answered(run: Run) -> None:
    status, _, err = run(
        "ask", "premium_subsidy", "--answer", "claims=1", "--answer", "C1.person_id=P9", *DAY
    )
    assert status == 2
    assert "there is nothing called C1.person_id to answer" in err


def test_several_records_in_a_file_are_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "records.yaml"
    file.write_text("- {resident: {person_id: P1}}\n- {resident: {person_id: P2}}\n", "utf-8")
    status, _, err = run("ask", "premium_subsidy", str(file), "--next")
    assert status == 2
    assert err == f"{file}: E709: {file} holds more than one record. Give one alone.\n"
    file.write_text("person_id,insured_area\nP1,310113\n", "utf-8")
    status, _, err = run("ask", "premium_subsidy", str(file), "--next")
    assert (status, err.partition("E402: ")[2]) == (
        2, "a record must be a mapping of keys to values. Write it as a mapping of keys to values.\n",
    )  # fmt: skip


def test_a_record_with_rows_over_time_is_asked_about_row_by_row(typed: Typed, tmp_path: Path) -> None:
    file, saved = tmp_path / "record.yaml", tmp_path / "saved.yaml"
    file.write_text(
        "resident: {person_id: P1, insured_area: '310113', insurance_scheme: employee, coverage_status: active,"
        " assistance_category: illness_poverty}\n"
        "household: {member_count: 1}\n"
        "history: [{valid_from: 2025-03-01, employment_status: retired}]\n"
        "claims: [{claim_id: C1, service_date: 2025-02-10, care_type: inpatient, total_cost: 20000.00,"
        " out_of_scope_cost: 0.00, critical_illness: false}]\n",
        "utf-8",
    )
    status, out, _ = typed(["employed", *[""] * 10], "illness_poverty_aid", str(file), "--save", str(saved))
    assert status == 0
    assert "resident P1@: employment status (employment_status)" in out
    assert re.search(r"^eligible +amount .*\n-.*\nIllness-poverty aid \(household\) ", out, re.MULTILINE)
    assert "history:" in saved.read_text("utf-8")


# As people type


@pytest.mark.parametrize(
    ("income", "count", "saved"),
    [
        ("6万", "3人", "60000.00"),
        ("60,300元", "３", "60300.00"),
        ("￥１．２５万元", "3", "12500.00"),
        ("1234.5", "3", "1234.50"),
    ],
)
def test_amounts_and_digits_are_taken_as_people_type_them(
    typed: Typed, tmp_path: Path, income: str, count: str, saved: str
) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(
        f"as_of: 2026-11-21\nresident: {{person_id: P1, {BAOSHAN}}}\nhousehold: {{household_id: H1}}\n",
        "utf-8",
    )
    _, out, err = typed([income, count], "poverty_warning", str(file), "--save", str(file))
    assert err == ""
    assert f"annual_income: {saved}, member_count: 3" in file.read_text("utf-8").replace('"', "")
    assert ("taken as" in out) == (income != "1234.5")


@pytest.mark.parametrize("income", ["6万3", "60,30元", "many", "-1元"])
def test_what_is_no_amount_is_asked_again(typed: Typed, tmp_path: Path, income: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(
        f"as_of: 2026-11-21\nresident: {{person_id: P1, {BAOSHAN}}}\nhousehold: {{household_id: H1}}\n",
        "utf-8",
    )
    _, out, err = typed([income], "poverty_warning", str(file))
    assert (err.count("\n"), out.count("[1] ")) == (1, 1)


def test_leaving_is_confirmed(typed: Typed) -> None:
    _, out, _ = typed(["q", "n", "低保", "1"], "illness_poverty_aid")
    assert out.count("[1] medical-assistance category") == 2
    assert "Not eligible: Illness-poverty aid (household)." in out


def test_an_answer_can_be_changed_when_nothing_is_left_to_ask(typed: Typed) -> None:
    _, out, _ = typed(["?", "b", "低保", "1"], "illness_poverty_aid")
    assert "Nothing is left to ask" in out
    assert "Not eligible: Illness-poverty aid (household)." in out


def test_what_was_not_known_is_asked_again_when_wanted(typed: Typed, tmp_path: Path) -> None:
    saved = tmp_path / "r.yaml"
    out = typed(["?"], "illness_poverty_aid", "--save", str(saved))[1]
    assert f"Saved to {saved}: 0 told, 1 not known." in out
    assert "[1]" not in typed([], "illness_poverty_aid", str(saved))[1]
    out = typed(["低保", "1"], "illness_poverty_aid", str(saved), "--again")[1]
    assert "Not eligible: Illness-poverty aid (household)." in out


def test_no_fact_is_named_by_an_identifier_alone_in_chinese(typed: Typed) -> None:
    out = typed(["q"], "poverty_warning", "--lang", "zh")[1]
    assert "其余就医费用" in out
    assert "其余claims" not in out


# A real terminal


def test_on_a_terminal() -> None:
    """The prompt shows before anything is typed, and Ctrl-D ends the dialogue."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "mianshen_cli", "ask", "illness_poverty_aid", "--lang", "zh", *DAY]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUTF8": "1"}
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, env=environment
    ) as running:
        os.close(theirs)
        seen = _until(ours, "回答> ")
        assert "[1] 医疗救助对象类别 (assistance_category)" in seen
        assert "5 因病致贫 (illness_poverty)" in seen
        os.write(ours, "因病致贫\n".encode())
        _until(ours, "回答> ")
        os.write(ours, b"310113\n")
        _until(ours, "回答> ")
        os.write(ours, b"\x04")
        assert re.search("符合的待遇 .*因病致贫家庭救助（家庭） +待定", _until(ours, None), re.DOTALL)
    os.close(ours)
    assert running.returncode == 0


def test_an_interruption_keeps_what_was_told(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "mianshen_cli", "ask", "illness_poverty_aid", "--lang", "zh", *DAY]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUTF8": "1"}
    saved = tmp_path / "r.yaml"
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, env=environment
    ) as running:
        os.close(theirs)
        _until(ours, "回答> ")
        os.write(ours, "因病致贫\n".encode())
        _until(ours, "回答> ")
        while Path(f"/proc/{running.pid}/stat").read_text("utf-8").rpartition(") ")[2][0] not in "SZ":
            pass  # a signal between the prompt and the reading would wait for the next line
        running.send_signal(signal.SIGINT)
        _until(ours, "回车不保存> ")
        os.write(ours, f"{saved}\n".encode())
        assert f"已存入 {saved}：答了 1 项" in _until(ours, None)
    os.close(ours)
    assert running.returncode == 130
    assert "illness_poverty" in saved.read_text("utf-8")


def _until(terminal: int, mark: str | None) -> str:
    """What a terminal shows up to a mark; up to its end with None."""
    seen = b""
    while mark is None or not seen.decode("utf-8", "ignore").endswith(mark):
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other side is gone
            break
        if not piece:
            break
        seen += piece
    return seen.decode("utf-8", "ignore")


def test_a_placeholder_is_no_answer(run: Run) -> None:
    words = ("ask", "centenarian_subsidy", "--next", "--answer", "birth_date=1900-01-01", *DAY)
    status, _, err = run(*words)
    assert (status, err) == (
        2, ("mianshen: 1900-01-01 is what systems write where the date of birth is not known. "
        "Give the real one, or answer that it is not known.\n"),
    )  # fmt: skip
