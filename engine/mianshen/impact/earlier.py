"""An earlier run as the side before: its rulebook, its files and its day.

In: the folder of a batch. Out: the program that decided it, and a request for the same files.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.batch.request import Request
from mianshen.past_runs.finished_run import FinishedRun, program_of, unchanged_inputs
from mianshen.program.program import Program


def earlier_run(folder: Path, out: Path, threads: int | None = None) -> tuple[Program, Request]:
    """The program that decided a run, and a request to compare over the files it read, into a folder.

    Raises RuleError where it is no run, or its files are no longer as they were.
    """
    run = FinishedRun.of(folder)
    return program_of(run), same_files(run, out, threads)


def same_files(run: FinishedRun, out: Path, threads: int | None = None) -> Request:
    """A request for the files that a run read, as it read them. Raises RuleError where one is gone or differs."""
    encoding = run.manifest.get("encoding")
    return Request(
        unchanged_inputs(run), run.as_of, out, threads, None, encoding, mapping=run.mapping, yes=True
    )
