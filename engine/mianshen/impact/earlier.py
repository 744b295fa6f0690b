"""An earlier run as the side before: its rulebook, its files and its day.

In: the folder of a batch. Out: the program that decided it, and a request for the same files.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from mianshen.batch.request import Request
from mianshen.ingest.input_paths import Named
from mianshen.past_runs.finished_run import FinishedRun, named_inputs, program_of
from mianshen.program.program import Program


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A finished run: what decided it, and what it read."""

    program: Program
    inputs: dict[str, Named]
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
    inputs = named_inputs(run, {})
    return EarlierRun(program_of(run), inputs, run.as_of, run.manifest.get("encoding"), run.mapping)
