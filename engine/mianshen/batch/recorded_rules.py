"""The rulebook a run decided by, kept with its results: a zip file, written and opened again.

In: the folders and files of a rulebook and its overlays. Out: `rulebook.zip`, the same bytes for the same
rulebook; later, the program again. Invariant: what is kept is what was decided by: its digest is the program's.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from mianshen.batch import diagnostics
from mianshen.catalogue import diagnostic
from mianshen.document.digest import digest_of, digest_of_bytes
from mianshen.document.files import RulebookPath, files_of
from mianshen.program.program import Program
from mianshen.rulebook import open_program, overlay_file
from mianshen.shipped import shipped_rulebook
from mianshen.source import RuleError, unlined

RULES: Final = "rulebook.zip"
_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Rules:
    """Where a rulebook was read from: folders and files (none: the shipped one), overlays in order."""

    paths: tuple[Path, ...] = ()
    overlays: tuple[Path | str, ...] = ()

    def files(self) -> tuple[RulebookPath, ...]:
        """Every file of it, in the order it was read."""
        roots = self.paths or (shipped_rulebook(),)
        return files_of(roots, tuple(overlay_file(overlay) for overlay in self.overlays))


def record(rules: Rules, program: Program, target: Path) -> None:
    """Write the rulebook's files. Raises RuleError when they are no longer what the program was built from."""
    contents = [(file, file.path.read_bytes()) for file in rules.files()]
    if digest_of_bytes(contents) != program.digest:
        raise RuleError([diagnostic("E529.rulebook_changed", unlined(program.name))])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, (file, content) in enumerate(contents):
            folder = "overlays" if file.overlay else "rules"
            archive.writestr(zipfile.ZipInfo(f"{folder}/{number:06}/{file.name}", _FIRST_DAY), content)


def recorded_digest(archive: Path, scratch: Path) -> str:
    """The digest of a recorded rulebook, unpacked into `scratch`. Raises RuleError when it cannot be read."""
    return digest_of(*_unpacked(archive, scratch))


def recorded_program(archive: Path, scratch: Path) -> Program:
    """The program of a recorded rulebook, unpacked into `scratch`. Raises RuleError."""
    return open_program(*_unpacked(archive, scratch))


def _unpacked(archive: Path, scratch: Path) -> tuple[Sequence[Path], Sequence[Path]]:
    """The files of the rules, each below a folder of its own, and of the overlays, in order."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            if any(".." in PurePosixPath(name).parts or name.startswith("/") for name in names):
                raise RuleError([diagnostics.bad_record(str(archive))])
            opened.extractall(scratch)
    except (zipfile.BadZipFile, FileNotFoundError, NotImplementedError):
        raise RuleError([diagnostics.bad_record(str(archive))]) from None
    rules = [scratch / "/".join(name.split("/")[:2]) for name in names if name.startswith("rules/")]
    return rules, [scratch / name for name in names if name.startswith("overlays/")]
