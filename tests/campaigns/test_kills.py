"""A batch with a database, sheets and a report, killed at any moment: each of them is whole, of this run or the one before.

`MIANSHEN_KILLS` says how many are killed (200 in `make soak`). Runs take turns over two populations, so that a mixture
shows. Batches in partitions are killed in `tests/batch/test_batch_shares.py`, watches in `tests/events/test_killed.py`.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias

import duckdb
import pytest
from tests.batch.batches import small
from tests.batch.test_batch_shares import many

KILLS: Final = int(os.environ.get("MIANSHEN_KILLS", "2"))
PLACES: Final = ("out", "sheets", "report", "results.db")
SECONDS: Final = re.compile(
    rb'<td class="n">[0-9]+[.][0-9]{3}</td>|"(?:read|decide|seal)": "[0-9.]+"'
)  # of a report
Content: TypeAlias = "dict[str, object] | None"


def words(folder: Path, people: Path, kind: str) -> list[str]:
    """A batch that writes everything it can."""
    return [
        sys.executable, "-m", "mianshen_cli", "batch", "--residents", str(people / "residents.csv"),
        "--claims", str(people / "claims.csv"), "--rules", str(folder / "rules"), "--as-of", "2026-11-21",
        "--max-rejects", "100%", "--yes", "--out", str(folder / "out"), "--csv", str(folder / "sheets"),
        "--into", f"{kind}:{folder / 'results.db'}", "--report", str(folder / "report"),
    ]  # fmt: skip


def of_folder(folder: Path) -> Content:
    """Every file with its bytes, timings aside; None where there is no folder."""
    if not folder.exists():
        return None
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "timings.json")
    return {str(path.relative_to(folder)): SECONDS.sub(b"", path.read_bytes()) for path in files}


def of_database(file: Path, kind: str) -> Content:
    """Every table with its rows; None where there are none."""
    if not file.exists():
        return None
    if kind == "duckdb":
        with duckdb.connect(str(file)) as connection:  # takes up what its log holds
            names = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
            return {
                name: connection.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in names
            } or None
    with closing(sqlite3.connect(file)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in names} or None


def written(folder: Path, kind: str) -> dict[str, Content]:
    """What stands in each place."""
    reads: dict[str, Callable[[Path], Content]] = dict.fromkeys(PLACES, of_folder)
    reads["results.db"] = lambda file: of_database(file, kind)
    return {place: read(folder / place) for place, read in reads.items()}


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_what_a_killed_batch_leaves_is_whole_and_the_next_one_clears_up(kind: str, tmp_path: Path) -> None:
    small(tmp_path / "rules")
    people = [tmp_path / "one", tmp_path / "two"]
    for number, home in enumerate(people):
        many(home, 200 + 150 * number)
    whole: list[dict[str, Content]] = []
    lasts = 0.0
    for home in people:
        begun = time.monotonic()
        done = subprocess.run(words(tmp_path, home, kind), capture_output=True, check=False)
        lasts = time.monotonic() - begun
        assert done.returncode in (0, 1), done.stderr
        whole.append(written(tmp_path, kind))
    assert all(whole[0][place] != whole[1][place] for place in PLACES)
    chance, left = random.Random(kind), Counter[str]()
    for number in range(KILLS // 2 or 1):
        process = subprocess.Popen(
            words(tmp_path, people[number % 2], kind), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.3, 1.0) * lasts)
        process.send_signal(signal.SIGKILL)
        left["killed"] += process.wait() == -signal.SIGKILL
        for place, content in written(tmp_path, kind).items():
            assert content is None or content in (whole[0][place], whole[1][place]), (number, place)
            whose = (
                "nobody" if content is None else "this" if content == whole[number % 2][place] else "another"
            )
            left[f"{place} of {whose}"] += 1
    done = subprocess.run(words(tmp_path, people[0], kind), capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert written(tmp_path, kind) == whole[0]
    assert {path.name for path in tmp_path.iterdir()} == {"rules", "one", "two", *PLACES}, left
