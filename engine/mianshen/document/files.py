"""Which files a rulebook is made of.

In: the folders and files a user names. Out: `RulebookPath`, in the order they are read.
Invariants: a folder gives all `*.yaml` below it, sorted by relative path, except what lies in a
folder named `overlays` or `mappings` or in a hidden folder; a file named twice is read once. Reads no content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ASIDE = ("overlays", "mappings")  # folders of what a rulebook carries but is not made of


@dataclass(frozen=True, slots=True)
class RulebookPath:
    """A file to read: where it is, its relative name in the digest, and whether it is an overlay."""

    path: Path
    name: str
    overlay: bool = False


def files_of(paths: Sequence[Path], overlays: Sequence[Path] = ()) -> tuple[RulebookPath, ...]:
    """The files of a rulebook, then the overlays in the order given. A missing path stands for itself."""
    rulebook_files = [
        *_rulebook_files(paths),
        *(RulebookPath(path, path.name, overlay=True) for path in overlays),
    ]
    seen: set[str] = set()
    unique = []
    for file in rulebook_files:
        real = _real(file.path)
        if file.overlay or real not in seen:
            unique.append(file)
        seen.add(real)
    return tuple(unique)


def passed_over(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Files that look like rulebook files and are not read, because their name ends in `.yml`."""
    return tuple(
        folder / name for folder in _folders(paths) for name in _names_below(folder, (".yml", ".YML"))
    )


def _rulebook_files(paths: Sequence[Path]) -> Iterator[RulebookPath]:
    for path in paths:
        if path.is_dir():
            yield from (RulebookPath(path / name, name) for name in _names_below(path, (".yaml", ".YAML")))
        else:
            yield RulebookPath(path, path.name)


def _real(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # reading it will say what is wrong
        return str(path)


def _folders(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.is_dir()]


def _names_below(folder: Path, endings: tuple[str, ...]) -> list[str]:
    names = []
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if name not in ASIDE and not name.startswith(".")]
        here = Path(place).relative_to(folder)
        names += [(here / name).as_posix() for name in files if name.endswith(endings) and name[0] != "."]
    return sorted(names)
