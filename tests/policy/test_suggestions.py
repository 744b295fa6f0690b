"""`mianshen suggest`: cases for what no case notices, which then is noticed."""

import json
from pathlib import Path

import pytest
from tests.policy.conftest import Write

from mianshen.policy.case_text import MARK
from mianshen_cli.main import main

CASES = """\
cases:
  - name: poor
    as_of: 2026-01-01
    person: {person_id: P1, age: 60, cost: 1100.05, standing: poor}
    expect: {person: {paid: 800.04}}
"""


def test_suggested_cases_notice_what_no_case_did(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, cases = write(cases=CASES)
    draft = tmp_path / "draft.yaml"
    words = ["--rules", str(rules), "--sample", "300", "--jobs", "1"]
    assert main(["suggest", str(cases), *words, "--out", str(draft)]) == 1
    text = draft.read_text("utf-8")
    assert text.count(MARK) >= 4
    assert main(["test", str(draft), "--rules", str(rules)]) == 0
    capsys.readouterr()
    before, after = (_survivors(rules, files, capsys) for files in ([cases], [cases, draft]))
    assert len(after) < len(before) / 4
    assert main(["suggest", str(cases), *words, "--out", str(draft)]) == 2  # nothing is overwritten


def _survivors(rules: Path, files: list[Path], capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(["mutate", *map(str, files), "--rules", str(rules), "--format", "json"])
    return [survivor["what"] for survivor in json.loads(capsys.readouterr().out)["survivors"]]


def test_so_many_cases_are_written_and_what_was_not_looked_at_is_told(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, cases = write(cases=CASES)
    journal = tmp_path / "journal"
    words = ["--rules", str(rules), "--sample", "100", "--jobs", "1", "--journal", str(journal)]
    assert main(["--lang", "en", "suggest", str(cases), *words, "--most", "2"]) == 1
    told = capsys.readouterr()
    assert told.out.count(MARK) == 2
    assert "places were not looked at, for 2 cases are written" in told.err
    judged = len(journal.read_text("utf-8").splitlines())
    assert main(["--lang", "en", "suggest", str(cases), *words]) == 1
    assert "not looked at" not in capsys.readouterr().err
    assert len(journal.read_text("utf-8").splitlines()) == judged  # nothing was judged again


def test_a_suggestion_says_what_it_is_for(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rules, cases = write(cases=CASES)
    main(["suggest", str(cases), "--rules", str(rules), "--sample", "300", "--jobs", "1", "--format", "json"])
    first = json.loads(capsys.readouterr().out)[0]
    assert first.keys() == {"for", "where", "clause", "case"}
    assert first["clause"] == {"source": "S", "clause": "1"}
    assert first["case"].keys() >= {"name", "as_of", "person", "expect"}


def test_one_key_confirms_or_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "draft.yaml"
    block = f"{MARK}: why\n  - name: NAME\n    expect: {{}}\n"
    file.write_text(
        "cases:\n" + "".join(block.replace("NAME", name) for name in ("one", "two", "three")), "utf-8"
    )
    answers = iter(["y", "n", ""])
    monkeypatch.setattr("mianshen_cli.output.hear", lambda _: next(answers))
    assert main(["suggest", "--confirm", str(file)]) == 1
    assert file.read_text("utf-8") == "cases:\n  - name: one\n    expect: {}\n" + block.replace(
        "NAME", "three"
    )
    capsys.readouterr()
