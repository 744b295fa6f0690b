"""The folder of results: refused where it is somebody else's, put in its place in one step, cleared of what kills leave.

In: where results go. Out: a folder beside it to write into, which takes its place once it is whole.
"""

from __future__ import annotations

import ctypes
import glob
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from mianshen.batch import diagnostics
from mianshen.batch.output_files import MANIFEST, TIMINGS, file_names
from mianshen.ingest.input_paths import Named, paths_of
from mianshen.program.program import Program
from mianshen.source import RuleError


def check_own_folder(out: Path, named: str, program: Program, inputs: Mapping[str, Named]) -> None:
    """Only an empty folder or an earlier batch's is replaced, and never one that an input lies in. Raises RuleError."""
    for path in paths_of(inputs):
        if path.resolve().is_relative_to(out):
            raise RuleError([diagnostics.inputs_inside(named, path.name)])
    if out.exists() and (not out.is_dir() or not _is_ours(out, program)):
        raise RuleError([diagnostics.foreign_folder(named)])


def _is_ours(out: Path, program: Program) -> bool:
    names = {path.name for path in out.iterdir()}
    return not names or (MANIFEST in names and names <= {*file_names(program), MANIFEST, TIMINGS})


def beside(out: Path, purpose: str) -> Path:
    """A hidden name of its own in the folder's folder."""
    return out.with_name(f".{out.name}.{purpose}-{secrets.token_hex(4)}")


def work_folder(out: Path) -> Path:
    """Where a run in partitions keeps what it finished, until its results are in place."""
    return out.with_name(f".{out.name}.work")


def clear_up(out: Path) -> None:
    """Remove what killed runs left behind, and put back the results that one had just moved aside.

    The lock tells that none of them lives.
    """
    name = glob.escape(out.name)
    for old in out.parent.glob(f".{name}.old-*"):
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(out)
    for part in out.parent.glob(f".{name}.part-*"):
        shutil.rmtree(part, ignore_errors=True)


def let_go(work: Path, out: Path) -> None:
    """Remove a folder that none may go on from, not even while it is being removed."""
    if work.exists():
        part = beside(out, "part")
        work.rename(part)
        shutil.rmtree(part, ignore_errors=True)


def missing_above(out: Path) -> list[Path]:
    """The folders above `out` that are not there yet, the nearest first."""
    return [folder for folder in out.parents if not folder.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of some folders that are empty, lower ones first; another run may have written into the others."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def publish(part: Path, out: Path) -> None:
    """Put the finished folder in its place, in one step; an earlier run's stays until then."""
    if not out.exists():
        part.rename(out)
        return
    if _exchanged(part, out):
        return  # the earlier one is now where the finished one was, and goes with it
    old = beside(out, "old")
    out.rename(old)
    try:
        part.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Swap two folders' names at once, where the system can."""
    here, at_once = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(swap(here, os.fsencode(one), here, os.fsencode(other), at_once) == 0)
