"""Batches in shares: the same results as in one, and nothing lost to a kill at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.batch.batches import AS_OF, COSTS, PEOPLE, small, write
from tests.batch.test_batch_compiled import FILES, table

from mianshen.kernel.compiled import compiler
from mianshen.program.program import Program
from mianshen.source import RuleError
from mianshen.workbench.batch import Request, run_batch

KILLS = int(os.environ.get("MIANSHEN_KILLS", "5"))
RUN = """
import datetime, sys
from pathlib import Path
from mianshen.workbench.batch import Request, run_batch
from mianshen.workbench.rulebook import open_program
rules, people, claims, out = map(Path, sys.argv[1:])
inputs = {"resident": people, "claim": claims}
request = Request(inputs, datetime.date(2026, 11, 21), out, 2, engine="compiled", shares=4, resume=True)
print("ready", flush=True)
run_batch(open_program([rules]), request)
"""

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return small(tmp_path_factory.mktemp("rulebook") / "rules")


def many(folder: Path, people: int) -> dict[str, Path]:
    """People and claims, some of them wrong: doubled keys, nobody's claims, costs that are no number."""
    chance = random.Random(7)
    residents, claims = [PEOPLE], [COSTS]
    for n in range(2, people):
        residents.append(
            f"P{n},{chance.choice(['stay', 'visit', ''])},{chance.choice(['25%', '50%', ''])},\n"
        )
        for k in range(chance.randrange(4)):
            cost = chance.choice(["10.00", "33.33", "", "x"] if n % 50 == 0 else ["10.00", "7.01"])
            claims.append(f"C{n}-{k},P{n},2026-0{chance.randrange(1, 9)}-01,{cost}\n")
    residents.append("P7,stay,50%,\n")
    claims += ["C2-0,P9,2026-01-01,1.00\n", "C0,P0,2026-01-01,1.00\n"]
    return write(folder, {"residents.csv": "".join(residents), "claims.csv": "".join(claims)})


def test_shares_give_what_one_run_gives(tmp_path: Path, program: Program) -> None:
    inputs = many(tmp_path / "in", 300)
    for out, shares in (("one", None), ("many", 5)):
        run_batch(program, Request(inputs, AS_OF, tmp_path / out, 2, engine="compiled", shares=shares))
    for name in FILES:
        one, several = table(tmp_path / "one" / name), table(tmp_path / "many" / name)
        assert one[0] == several[0]
        assert sorted(map(repr, one[1])) == sorted(map(repr, several[1])), name
    assert (tmp_path / "one" / "summary.json").read_bytes() == (
        tmp_path / "many" / "summary.json"
    ).read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "many", "one"]


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """`MIANSHEN_KILLS` sets how many runs are killed; each at a moment of its own."""
    inputs = many(tmp_path / "in", 300)
    rules = tmp_path / "rules"
    small(rules)
    words = [sys.executable, "-c", RUN, str(rules), str(inputs["resident"]), str(inputs["claim"])]

    def start(out: Path) -> subprocess.Popen[bytes]:
        started = subprocess.Popen([*words, str(out)], stdout=subprocess.PIPE)
        assert started.stdout is not None
        with started.stdout as told:
            assert told.readline() == b"ready\n"
        return started

    begun = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0
    lasts = time.monotonic() - begun
    whole = {p.name: p.read_bytes() for p in (tmp_path / "whole").iterdir() if p.name != "timings.json"}
    chance = random.Random(11)
    for number in range(KILLS):
        out = tmp_path / f"out{number % 2}"
        before = {p.name: p.read_bytes() for p in out.iterdir()} if out.exists() else None
        killed = start(out)
        time.sleep(chance.random() * lasts)
        killed.send_signal(signal.SIGKILL)
        died = killed.wait() != 0
        if died and before is not None:
            now = {p.name: p.read_bytes() for p in out.iterdir()}
            finished = {n: b for n, b in now.items() if n != "timings.json"} == whole
            assert now == before or finished
        assert start(out).wait() == 0
        assert {p.name: p.read_bytes() for p in out.iterdir() if p.name != "timings.json"} == whole
    left = {each.name for each in tmp_path.iterdir()}
    assert left <= {"in", "rules", "whole", "out0", "out1"}


def test_other_files_are_not_resumed_with(tmp_path: Path, program: Program) -> None:
    inputs = many(tmp_path / "in", 100)
    work = tmp_path / ".out.work"
    work.mkdir()
    (work / "shares.json").write_text('{"of": "another run", "counts": {}, "files": {}}', "utf-8")
    request = Request(inputs, AS_OF, tmp_path / "out", 2, engine="compiled", shares=3, resume=True)
    with pytest.raises(RuleError, match="E541"):
        run_batch(program, request)
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out", 2, engine="compiled", shares=3))
    assert not work.exists()
