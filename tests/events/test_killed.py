"""A watch killed at random moments: nothing is lost, nothing is granted twice.

Each round starts the command as a process of its own and kills it, with SIGKILL, after a random part of the
time a whole run takes; in the end the work list is byte for byte that of a run nobody stopped.
`MIANSHEN_KILLS=100` kills it a hundred times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.events.town import Fields, event, items, request, town
from tests.support.campaigns import few

from mianshen.events import opened
from mianshen.program.program import Program
from mianshen.watch.run import Request

KILLS = int(os.environ.get("MIANSHEN_KILLS", "2"))
PEOPLE = few(78, 900)  # three events each, of which a commit keeps 200


def stream() -> list[Fields]:
    rng = random.Random(11)
    events = []
    for number in range(PEOPLE * 3):
        person, day = f"P{rng.randrange(PEOPLE)}", f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        match number % 3:
            case 0:
                events.append(
                    event(f"E{number}", person, "identity", day, category=rng.choice(("poor", "none", None)))
                )
            case 1:
                events.append(event(f"E{number}", person, "birth", day, children=rng.randint(1, 3)))
            case _:
                events.append(event(f"E{number}", person, "stay", day, bill=rng.randint(1, 400)))
    return events


def ask(folder: Path) -> Request:
    people = "".join(f"P{n},H{n // 3},31,none,{n}.00\n" for n in range(PEOPLE))
    homes = "".join(f"H{n},3,100.00\n" for n in range(PEOPLE // 3))
    residents = "person_id,household_id,area,category,premium\n" + people
    return request(folder, stream(), residents=residents, households="household_id,size,income\n" + homes)


def words(folder: Path, asked: Request) -> list[str]:
    command = [sys.executable, "-m", "mianshen_cli", "watch", "--events", str(asked.events)]
    for entity, option in (("resident", "--residents"), ("household", "--households")):
        command += [option, str(asked.records[entity])]
    return [
        *command,
        "--out",
        str(asked.out),
        "--journal",
        str(asked.journal),
        "--rules",
        str(folder / "rules"),
    ]


def whole_run(folder: Path, asked: Request) -> None:
    done = subprocess.run(words(folder, asked), capture_output=True, check=False)
    assert (done.stderr, done.returncode) == (b"", 0)


def killed_run(folder: Path, asked: Request, after: float) -> bool:
    """Whether the process was killed before it ended by itself."""
    process = subprocess.Popen(words(folder, asked), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def taken(program: Program, asked: Request) -> int:
    """How many events the journal holds."""
    if not asked.journal.exists():
        return 0
    with opened(asked.journal, program) as journal:
        (count,) = journal.connection.execute("SELECT count(*) FROM event").fetchone()
        return int(count)


def test_a_watch_killed_at_any_moment_goes_on_where_it_was(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    program = town(tmp_path)
    whole = ask(tmp_path / "whole")
    begun = time.monotonic()
    whole_run(tmp_path, whole)
    seconds = time.monotonic() - begun

    rng = random.Random(23)
    broken = ask(tmp_path / "broken")
    all_ = len(stream())
    results: Counter[str] = Counter()
    while results["killed"] < KILLS:
        before = taken(program, broken)
        if before == all_:
            results["begun anew"] += 1  # or the kills left would find nothing to do
            whole_run(tmp_path, broken)
            assert broken.out.read_bytes() == whole.out.read_bytes()
            broken.out.unlink()
            broken.journal.unlink()
            before = 0
        results["killed"] += killed_run(tmp_path, broken, rng.uniform(0, seconds))
        after = taken(program, broken)
        assert after >= before
        results["left half done"] += 0 < after < all_
    whole_run(tmp_path, broken)
    record_property("found", dict(results))
    assert broken.out.read_bytes() == whole.out.read_bytes()
    grants = Counter(
        (i["person_id"], i["benefit"], i["record"], i["period"], i["amount"])
        for i in items(tmp_path / "broken")
        if i["kind"] == "automatic"
    )
    assert max(grants.values()) == 1
