"""Whether a finished run is still what its manifest says: digests of results, inputs and rulebook, anew.

In: a run. Out: a `Finding` for each file the manifest names, and for each it does not.
Inputs and their places are told apart: one that is no longer where it lay proves nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from mianshen.batch.manifest import digest_of_file
from mianshen.batch.output_files import MANIFEST, TIMINGS
from mianshen.batch.recorded_rules import RULES, recorded_digest
from mianshen.ingest.databases import file_behind
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.source import RuleError

Kind: TypeAlias = Literal["output", "input", "rulebook"]
Outcome: TypeAlias = Literal["same", "differs", "missing", "moved", "stranger"]
WRONG: frozenset[Outcome] = frozenset(("differs", "missing", "stranger"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One file. `recorded`, `actual`: digests, empty where there is none; `path`: where an input is looked for."""

    kind: Kind
    name: str
    outcome: Outcome
    recorded: str
    actual: str
    path: Path | None = None

    @property
    def wrong(self) -> bool:
        """Whether the run is no longer what it was; an input that moved away says nothing."""
        return self.outcome in WRONG


def verify(run: FinishedRun) -> list[Finding]:
    """Every file of the run against its manifest."""
    return [*_outputs(run), *_inputs(run), *_rulebook(run)]


def _outputs(run: FinishedRun) -> Iterator[Finding]:
    recorded: dict[str, str] = run.manifest["outputs"]
    for name, digest in recorded.items():
        yield _finding("output", name, digest, run.folder / name, "missing")
    there = {file.relative_to(run.folder).as_posix() for file in run.folder.rglob("*") if not file.is_dir()}
    for name in sorted(there - {*recorded, MANIFEST, TIMINGS}):
        yield Finding("output", name, "stranger", "", digest_of_file(run.folder / name))


def _inputs(run: FinishedRun) -> Iterator[Finding]:
    for entity, files in run.manifest["inputs"].items():
        paths: list[Path | None] = [*run.paths.get(entity, ())]
        paths += [None] * (len(files) - len(paths))
        for file, path in zip(files, paths, strict=False):
            yield _finding("input", file["file"], file["digest"], path and file_behind(path), "moved")


def _finding(kind: Kind, name: str, digest: str, path: Path | None, gone: Outcome) -> Finding:
    if path is None or not path.is_file():
        return Finding(kind, name, gone, digest, "", path)
    finding = digest_of_file(path)
    return Finding(kind, name, "same" if finding == digest else "differs", digest, finding, path)


def _rulebook(run: FinishedRun) -> Iterator[Finding]:
    """The rulebook kept with the run, where there is one."""
    rulebook, archive = run.manifest["rulebook"], run.folder / RULES
    if RULES not in run.manifest["outputs"]:
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            result = f"sha256:{recorded_digest(archive, Path(scratch))}"
        except (RuleError, OSError):
            result = ""
    outcome: Outcome = "same" if result == rulebook["digest"] else "differs" if result else "missing"
    yield Finding("rulebook", rulebook["name"], outcome, rulebook["digest"], result)
