"""Batches in partitions: the same bytes as in one, and nothing lost to a kill at any moment."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.batch.batches import AS_OF, COSTS, PEOPLE, small, write
from tests.batch.test_batch_compiled import FILES

from mianshen.batch.run import Request, run_batch
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.source import RuleError

KILLS = int(os.environ.get("MIANSHEN_KILLS", "2"))
RUN = """
import datetime, sys
from pathlib import Path
from mianshen.batch import blocks
from mianshen.batch.run import Request, run_batch
from mianshen.rulebook import open_program
blocks.BLOCK_ROWS = 60
rules, people, claims, out = map(Path, sys.argv[1:])
inputs = {"resident": people, "claim": claims}
request = Request(inputs, datetime.date(2026, 11, 21), out, 2, engine="native", shares=4, resume=True)
print("ready", flush=True)
run_batch(open_program([rules]), request)
"""

SCARCE = """
import resource
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ({0} << 20), used + ({0} << 20)))
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


def in_partitions(program: Program, inputs: dict[str, Path], out: Path) -> None:
    """What RUN does, in this process."""
    run_batch(program, Request(inputs, AS_OF, out, 2, engine="native", shares=4, resume=True))


def content(out: Path) -> dict[str, bytes]:
    """The files of a folder of results but the one that tells how long it took."""
    return {p.name: p.read_bytes() for p in out.iterdir() if p.name != "timings.json"}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks of few rows."""
    monkeypatch.setattr("mianshen.batch.blocks.BLOCK_ROWS", 60)


def test_partitions_and_threads_change_no_byte(tmp_path: Path, program: Program) -> None:
    inputs = many(tmp_path / "in", 300)
    for out, threads, shares in (("one", 1, None), ("threads", 3, None), ("few", 2, 2), ("many", 1, 7)):
        run_batch(program, Request(inputs, AS_OF, tmp_path / out, threads, engine="native", shares=shares))
        assert content(tmp_path / out) == content(tmp_path / "one"), out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few", "in", "many", "one", "threads"]


# -- killed, and out of room -----------------------------------------------------------------


def phase(folder: Path, out: Path) -> str:
    """What a run was at when it died."""
    work = folder / f".{out.name}.work"
    if not (work / "plan.json").exists():
        return "dealing" if work.exists() else "before"
    if not (work / "finished-3").exists():
        return "deciding"
    return "joining" if list(folder.glob(f".{out.name}.part-*")) else "publishing"


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path, program: Program) -> None:
    """`MIANSHEN_KILLS` sets how many runs are killed; each at a moment of its own, every third one twice."""
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

    in_partitions(program, inputs, tmp_path / "whole")  # compiled, and kept
    whole = content(tmp_path / "whole")
    begun = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0
    lasts = time.monotonic() - begun
    assert content(tmp_path / "whole") == whole
    chance = random.Random(11)
    phases: Counter[str] = Counter()
    done = 0
    while phases.total() < KILLS:
        out = tmp_path / f"out{done % 2}"
        done += 1
        for _ in range(2 if done % 3 == 0 else 1):
            before = content(out) if out.exists() else None
            killed, begun = start(out), time.monotonic()
            try:
                assert killed.wait(chance.random() * lasts) == 0
                lasts = time.monotonic() - begun  # the machine has less to do than it had
                continue
            except subprocess.TimeoutExpired:
                killed.send_signal(signal.SIGKILL)
            if killed.wait() == 0:
                continue  # it was faster
            lasts *= 1.02
            phases[phase(tmp_path, out)] += 1
            assert (content(out) if out.exists() else None) in (before, whole)
        assert start(out).wait() == 0
        assert content(out) == whole
        if KILLS >= 100:  # how far it is, and what the killed runs were at
            Path("build").mkdir(exist_ok=True)
            Path("build/kills.json").write_text(json.dumps(phases), "utf-8")
        if done % 5 == 0:
            shutil.rmtree(out)  # so that some runs have no results before them
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"in", "rules", "whole", "out0", "out1"}
    if KILLS >= 100:
        assert {"dealing", "deciding", "joining"} <= set(phases)


def test_a_disk_that_fills_up_leaves_the_earlier_results_and_what_was_finished(
    tmp_path: Path, program: Program, small_disk: Path
) -> None:
    out = small_disk / "out"
    run_batch(program, Request(many(tmp_path / "few", 20), AS_OF, out, 2, engine="native", shares=2))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    inputs = many(tmp_path / "in", 6000)
    request = Request(inputs, AS_OF, out, 2, engine="native", shares=4)
    with pytest.raises(RuleError, match=r"E506|E518"):
        run_batch(program, request)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert {path.name for path in small_disk.iterdir()} <= {"out", ".out.work"}
    assert not list(small_disk.glob(".out.work/unfinished-*"))


@pytest.mark.parametrize("left", [50, 400, 1000])
def test_a_process_that_runs_out_of_address_space_harms_nothing(
    tmp_path: Path, program: Program, left: int
) -> None:
    """However it ends (a library may well abort): the earlier results stay, and the next run goes on."""
    small(tmp_path / "rules")
    out = tmp_path / "out"
    earlier, inputs = many(tmp_path / "earlier", 20), many(tmp_path / "in", 300)
    scarce = RUN.replace("run_batch(open", SCARCE.format(left) + "run_batch(open")
    words = [str(tmp_path / "rules"), str(inputs["resident"]), str(inputs["claim"]), str(out)]
    in_partitions(program, earlier, out)
    before = content(out)
    done = subprocess.run([sys.executable, "-c", scarce, *words], check=False, capture_output=True)
    assert done.returncode == 0 or content(out) == before
    in_partitions(program, inputs, out)
    in_partitions(program, inputs, tmp_path / "whole")
    assert content(out) == content(tmp_path / "whole")


def test_another_memory_is_no_reason_to_begin_anew(tmp_path: Path, program: Program) -> None:
    """How many shares there are is read from what the killed run left."""
    inputs = many(tmp_path / "in", 100)
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out", 2, engine="native", shares=3))
    stored = tmp_path / "kept"

    def stop(name: str, _rows: int) -> None:
        if name == "share 2/3":
            shutil.copytree(tmp_path / ".again.work", stored)

    request = Request(inputs, AS_OF, tmp_path / "again", 1, engine="native", shares=3)
    run_batch(program, request, stop)
    stored.rename(tmp_path / ".again.work")
    run_batch(program, replace(request, shares=None, memory="1GB", resume=True))
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_other_files_are_not_resumed_with(tmp_path: Path, program: Program) -> None:
    inputs = many(tmp_path / "in", 100)
    work = tmp_path / ".out.work"
    work.mkdir()
    (work / "plan.json").write_text('{"of": "another run", "partitions": 3}', "utf-8")
    request = Request(inputs, AS_OF, tmp_path / "out", 2, engine="native", shares=3, resume=True)
    with pytest.raises(RuleError, match="E541"):
        run_batch(program, request)
    run_batch(program, Request(inputs, AS_OF, tmp_path / "out", 2, engine="native", shares=3))
    assert not work.exists()


def test_a_folder_that_others_may_write_to_is_not_resumed_from(tmp_path: Path, program: Program) -> None:
    inputs, stored = many(tmp_path / "in", 100), tmp_path / "kept"

    def stop(name: str, _rows: int) -> None:
        if name == "share 1/3":
            shutil.copytree(tmp_path / ".out.work", stored)

    request = Request(inputs, AS_OF, tmp_path / "out", 1, engine="native", shares=3)
    run_batch(program, request, stop)
    stored.rename(tmp_path / ".out.work")
    (tmp_path / ".out.work").chmod(0o777)
    with pytest.raises(RuleError, match="E541"):
        run_batch(program, replace(request, resume=True))
