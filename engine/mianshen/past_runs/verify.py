"""Whether a finished run is still what its receipt says: digests of results, inputs and rulebook, anew.

In: a folder that a batch wrote. Out: a `Finding` for each file the receipt names, and for each it does not.
Inputs and their places are told apart: one that is no longer where it lay proves nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mianshen.batch import diagnostics
from mianshen.batch.manifest import digest_of_file
from mianshen.batch.output_files import MANIFEST, TIMINGS
from mianshen.batch.recorded_rules import RULES, recorded_digest
from mianshen.ingest.databases import file_behind
from mianshen.source import RuleError

Kind: TypeAlias = Literal["output", "input", "rulebook"]
Outcome: TypeAlias = Literal["same", "differs", "missing", "moved", "stranger"]
WRONG: frozenset[Outcome] = frozenset(("differs", "missing", "stranger"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One file. `recorded`, `found`: digests, empty where there is none; `path`: where an input is looked for."""

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


@dataclass(frozen=True, slots=True)
class Past:
    """A finished run: its receipt, and where its inputs lay."""

    folder: Path
    receipt: dict[str, Any]
    paths: dict[str, list[Path]]


def past_run(folder: Path) -> Past:
    """The run in a folder. Raises RuleError when the folder holds none."""
    receipt = _json(folder / MANIFEST)
    if not all(isinstance(receipt.get(part), dict) for part in ("inputs", "outputs", "rulebook", "records")):
        raise RuleError([diagnostics.bad_record(str(folder / MANIFEST))])
    try:
        past_run = _json(folder / TIMINGS).get("inputs", {})
        paths = {entity: [Path(path) for path in listed] for entity, listed in past_run.items()}
    except RuleError:
        paths = {}
    return Past(folder, receipt, paths)


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise RuleError([diagnostics.bad_record(str(file))])
    return content


def verify(past: Past) -> list[Finding]:
    """Every file of the run against its receipt."""
    return [*_outputs(past), *_inputs(past), *_rulebook(past)]


def _outputs(past: Past) -> Iterator[Finding]:
    recorded: dict[str, str] = past.receipt["outputs"]
    for name, digest in recorded.items():
        yield _finding("output", name, digest, past.folder / name, "missing")
    there = {file.relative_to(past.folder).as_posix() for file in past.folder.rglob("*") if not file.is_dir()}
    for name in sorted(there - {*recorded, MANIFEST, TIMINGS}):
        yield Finding("output", name, "stranger", "", digest_of_file(past.folder / name))


def _inputs(past: Past) -> Iterator[Finding]:
    for entity, files in past.receipt["inputs"].items():
        paths: list[Path | None] = [*past.paths.get(entity, ())]
        paths += [None] * (len(files) - len(paths))
        for file, path in zip(files, paths, strict=False):
            yield _finding("input", file["file"], file["digest"], path and file_behind(path), "moved")


def _finding(kind: Kind, name: str, digest: str, path: Path | None, gone: Outcome) -> Finding:
    if path is None or not path.is_file():
        return Finding(kind, name, gone, digest, "", path)
    finding = digest_of_file(path)
    return Finding(kind, name, "same" if finding == digest else "differs", digest, finding, path)


def _rulebook(past: Past) -> Iterator[Finding]:
    """The rulebook kept with the run, where there is one."""
    rulebook, archive = past.receipt["rulebook"], past.folder / RULES
    if RULES not in past.receipt["outputs"]:
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            result = f"sha256:{recorded_digest(archive, Path(scratch))}"
        except (RuleError, OSError):
            result = ""
    outcome: Outcome = "same" if result == rulebook["digest"] else "differs" if result else "missing"
    yield Finding("rulebook", rulebook["name"], outcome, rulebook["digest"], result)
