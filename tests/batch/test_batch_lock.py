"""One run at a time on a folder: a living one keeps others out, a dead one does not. A full disk loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.batch.batches import AS_OF, OUTPUTS, PEOPLE, write

from mianshen.batch.lock import locked
from mianshen.batch.run import Request, run_batch
from mianshen.program.program import Program
from mianshen.source import RuleError

HOLDER: Final = """\
import sys
from pathlib import Path
from mianshen.batch.lock import locked
with locked(Path(sys.argv[1]), "out"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(out: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the folder until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_second_run_is_refused_while_the_first_lives_and_not_after(tmp_path: Path, little: Program) -> None:
    out = tmp_path / "out"
    request = Request(write(tmp_path / "in", {"residents.csv": PEOPLE}), AS_OF, out)
    with holder(out) as other:
        with pytest.raises(RuleError, match="E528: another run is at work on this folder for results"):
            run_batch(little, request)
        assert not out.exists()
        other.communicate()
    run_batch(little, request)
    assert {path.name for path in out.iterdir()} == OUTPUTS
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_a_run_that_was_killed_holds_nothing(tmp_path: Path, little: Program) -> None:
    out = tmp_path / "out"
    with holder(out) as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert (tmp_path / ".out.lock").exists()
    run_batch(little, Request(write(tmp_path / "in", {"residents.csv": PEOPLE}), AS_OF, out))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_runs_on_different_folders_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with locked(tmp_path / "one", "one"), locked(tmp_path / "two", "two"):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


# -- a full disk -----------------------------------------------------------------------------


def test_a_full_disk_leaves_the_earlier_results_as_they_were(
    tmp_path: Path, small_disk: Path, little: Program
) -> None:
    out = small_disk / "out"
    run_batch(little, Request(write(tmp_path / "in", {"residents.csv": PEOPLE}), AS_OF, out))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    rng = Random(3)
    people = "person_id\n" + "".join(f"{rng.getrandbits(80):020x}\n" for _ in range(60_000))
    with pytest.raises(RuleError, match=r"E506: the results cannot be written|E518"):
        run_batch(little, Request(write(tmp_path / "more", {"residents.csv": people}), AS_OF, out))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in small_disk.iterdir()] == ["out"]
