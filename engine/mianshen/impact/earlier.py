"""An earlier run as the side before: its rulebook, its files and its day.

In: the folder of a batch. Out: the program that decided it, and a request for the same files.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from mianshen.batch.request import Request
from mianshen.mapping.model import COLUMNS
from mianshen.past_runs.report import FinishedRun, program_of
from mianshen.past_runs.report.diagnostics import input_moved
from mianshen.program.program import Program
from mianshen.source import RuleError


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A finished run: what decided it, and what it read."""

    program: Program
    inputs: dict[str, list[str]]
    as_of: dt.date
    encoding: str | None
    mapping: Path | None

    def request(self, out: Path, threads: int | None) -> Request:
        """The same files, to be compared into a folder."""
        return Request(
            self.inputs, self.as_of, out, threads, None, self.encoding, mapping=self.mapping, yes=True
        )


def earlier_run(folder: Path) -> EarlierRun:
    """The run in a folder. Raises RuleError where it is none, or its files are no longer where they were."""
    run = FinishedRun.of(folder)
    inputs: dict[str, list[str]] = {}
    for entity, files in run.manifest["inputs"].items():
        places = [str(place) for place in run.timings.get("inputs", {}).get(entity, ())]
        gone = [Path(place).name for place in places if not Path(place).exists()]
        if gone or not places:
            raise RuleError([input_moved(str(folder), entity, gone[0] if gone else files[0]["file"])])
        inputs[entity] = places
    mapping = folder / COLUMNS if (folder / COLUMNS).exists() else None
    day = dt.date.fromisoformat(run.manifest["as_of"])
    return EarlierRun(program_of(run), inputs, day, run.manifest.get("encoding"), mapping)
