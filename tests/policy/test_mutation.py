"""`mianshen mutate`: whether the cases notice a rulebook changed in one place."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.policy.conftest import Write

from mianshen.policy.mutation import mutants_of
from mianshen.rulebook import open_program
from mianshen_cli.main import main


def _mutated(capsys: pytest.CaptureFixture[str], rules: Path, cases: Path, *more: str) -> tuple[int, Any]:
    status = main(["mutate", str(cases), "--rules", str(rules), "--format", "json", *more])
    return status, json.loads(capsys.readouterr().out)


def test_every_part_of_the_rulebook_is_changed(write: Write) -> None:
    mutants = mutants_of(open_program([write()[0]]))
    changes = {f"{mutant.name}: {mutant.before} -> {mutant.after}" for mutant in mutants}
    assert changes >= {
        "of_age: age >= 60 -> age > 60",
        "of_age: 60 -> 61",
        "of_age: of_age -> -",
        "floor: 100.00 -> 100.01",
        "floor: 2020-01-01 -> 2020-01-02",
        "rates.poor: 0.80 -> 0.81",
        'rates.poor: standing = "poor" -> -',
        "share: half_up (excess * rate) -> down",
        "share: half_up (excess * rate) -> half_down",
        "above_floor: max(0.00, cost - floor) -> min(0.00, cost - floor)",
        "above_floor: cost - floor -> cost + floor",
    }


@pytest.mark.parametrize(
    ("without", "change"),
    [
        (
            "  - {name: ordinary, person: {age: 59, standing: ordinary}, expect: {person: {paid: 500.03, old: false}}}\n",
            "half_up (excess * rate) -> half_down",
        ),
        ("  - {name: poor, expect: {person: {paid: 800.04, old: true}}}\n", "age >= 60 -> age > 60"),
    ],
)
def test_what_no_case_notices_is_listed_with_its_clause(
    without: str, change: str, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _mutated(capsys, *write())[1]
    status, after = _mutated(capsys, *write((without, "")))
    assert not any(change in survivor["what"] for survivor in before["survivors"])
    (survivor,) = [s for s in after["survivors"] if change in s["what"]]
    assert survivor["clause"] == {"source": "S", "clause": "1"}
    assert survivor["where"].partition(":")[0].endswith("rules.yaml")
    assert survivor["moves"].keys() == {"people", "of", "amount"}
    assert 0 <= survivor["moves"]["people"] <= survivor["moves"]["of"]
    assert status == 1
    assert after["mutants"] == after["noticed"] + after["equivalent"] + len(after["survivors"])


def test_a_case_that_is_wrong_already_notices_nothing(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result = _mutated(capsys, *write(("paid: 500.03", "paid: 500.00")))
    assert [name.rpartition(":")[2] for name in result["left_out"]] == ["ordinary"]


def test_a_run_goes_on_from_its_journal_and_from_no_other(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "mutants.jsonl"
    files = write()
    whole = _mutated(capsys, *files, "--resume", str(journal))[1]
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[:20]) + '[40, "noti', "utf-8")
    assert _mutated(capsys, *files, "--resume", str(journal))[1] == whole
    write(("age: 60,", "age: 62,"))
    assert main(["mutate", str(files[1]), "--rules", str(files[0]), "--resume", str(journal)]) == 2
    assert "E790" in capsys.readouterr().err


def test_several_processes_judge_as_one_does(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = _mutated(capsys, *write())[1]
    monkeypatch.setattr("mianshen.policy.mutation.campaign.FEW", 1)
    assert _mutated(capsys, *write(), "--jobs", "2")[1] == alone


def test_what_is_proved_equivalent_no_case_could_notice(write: Write) -> None:
    pytest.importorskip("z3")
    from mianshen.cases.read import Programs, read_case_files
    from mianshen.policy.mutation import Mutation

    rules, cases = write(
        (
            "above_floor: {decision: excess, value:",
            "above_floor: {decision: excess, from: 2020-01-01, value:",
        ),
        ("share: {decision: paid, value:", "share: {decision: paid, from: 2020-01-01, value:"),
    )
    mutation = Mutation(read_case_files([cases], Programs((rules,))), Programs((rules,)))
    judged = {f"{m.name}: {m.before} -> {m.after}": mutation.judge(m)[0] for m in mutation.mutants}
    assert (
        judged['share: date("2020-01-01") -> date("2019-12-31")'] == "equivalent"
    )  # excess is not modelled then
    assert judged['share: date("2020-01-01") -> date("2020-01-02")'] == "survived"
    mutation.cases.clear()  # nothing notices anything now: what a case noticed is still not proved equivalent
    for mutant in mutation.mutants:
        if judged[f"{mutant.name}: {mutant.before} -> {mutant.after}"] == "noticed":
            assert mutation.judge(mutant)[0] != "equivalent", mutant


POOL = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from mianshen.policy.mutation.campaign import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_of_the_pool_outlives_the_run(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        worker = int(run.stdout.readline())
        run.send_signal(how)
        run.wait(120)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and _lives(worker):
        time.sleep(0.02)
    assert not _lives(worker)


def _lives(process: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
