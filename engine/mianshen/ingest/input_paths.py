"""What an operator names as input: files, folders and patterns become files, each with a name of its own.

In: paths as written. Out: paths of files in a fixed order, and their names. Invariants: a path that exists is that file alone,
whatever characters it holds; a folder gives every file of records below it, in the order of their
names, and refuses others, for a file passed over is a record lost; two files never share a name.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.ingest import diagnostics
from mianshen.ingest.databases import slashed, table_address
from mianshen.ingest.postgres import KINDS
from mianshen.source import Diagnostic, RuleError, unlined

HEAD: Final = 1 << 20  # bytes that tell what a file is; a header may fill them
Named: TypeAlias = "str | Path | Sequence[str | Path]"
READ: Final = (
    ".csv",
    ".csv.gz",
    ".tsv",
    ".tsv.gz",
    ".parquet",
    ".arrow",
    ".feather",
    ".jsonl",
    ".jsonl.gz",
    ".ndjson",
    ".xlsx",
    ".xlsm",
    ".ods",
    ".xls",
)
_ASIDE: Final = (".", "_", "~$")  # how names begin that other programs leave beside their files


def each_named(named: Named) -> tuple[Path, ...]:
    """What was named, one by one."""
    several = (named,) if isinstance(named, str | Path) else named
    return tuple(slashed(one) for one in several)


def paths_of(inputs: Mapping[str, Named]) -> list[Path]:
    """Every path that a request names, of whatever entity: files, folders, patterns and addresses of tables."""
    return [path for named in inputs.values() for path in each_named(named)]


def files(named: Named) -> list[Path]:
    """The files named, in the order given, those of a folder or pattern by name.

    Raises RuleError when a pattern or folder gives nothing, holds what cannot be read, or a file comes twice.
    """
    paths: list[Path] = []
    wrong: list[Diagnostic] = []
    for path in each_named(named):
        try:
            paths += _files(path)
        except RuleError as error:
            wrong += error.diagnostics
    twice = [path for path, times in Counter(p.resolve() for p in paths).items() if times > 1]
    wrong += [diagnostic("E522.named_twice", unlined(str(path))) for path in twice]
    if wrong:
        raise RuleError(wrong)
    return paths


def names(paths: Iterable[Path]) -> dict[Path, str]:
    """What rejects and the manifest call each file: its name, and as many folders before it as tell it apart."""
    parts = {path: _parts(path) for path in paths}
    taken = dict.fromkeys(parts, 1)
    while True:
        called = {path: "/".join(parts[path][-count:]) for path, count in taken.items()}
        times = Counter(called.values())
        doubled = [
            path for path, name in called.items() if times[name] > 1 and taken[path] < len(parts[path])
        ]
        if not doubled:
            return called
        taken.update({path: taken[path] + 1 for path in doubled})


def _parts(path: Path) -> tuple[str, ...]:
    """What a name may be made of; of a server's table nothing that stands in its address."""
    address = table_address(path)
    return (address.shown,) if address is not None and address.kind in KINDS else path.resolve().parts


def _files(path: Path) -> list[Path]:
    if table_address(path) is not None:
        return [path]
    if path.is_dir():
        return _below(path)
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return [path]
    matched = sorted(Path(one) for one in glob.glob(str(path), recursive=True))  # noqa: PTH207  # an absolute pattern
    if not matched:
        raise RuleError([diagnostic("E523.nothing_matches", unlined(str(path)))])
    return [file for one in matched for file in (_below(one) if one.is_dir() else [one])]


def _below(folder: Path) -> list[Path]:
    """The files of a folder; what another program left aside is no record."""
    files = sorted(
        (file for file in folder.rglob("*") if not file.is_dir() and not _is_aside(file, folder)),
        key=lambda file: file.relative_to(folder).as_posix(),
    )
    strange = [file for file in files if not file.name.lower().endswith(READ)]
    if strange:
        place, names_ = unlined(str(folder)), (str(file.relative_to(folder)) for file in strange)
        raise RuleError([diagnostic("E524.not_records", place, file=shown(name)) for name in names_])
    if not files:
        raise RuleError([diagnostic("E525.empty_folder", unlined(str(folder)))])
    return files


def _is_aside(file: Path, folder: Path) -> bool:
    return any(part.startswith(_ASIDE) for part in file.relative_to(folder).parts)


def _unreadable(path: Path, en: str, zh: str) -> RuleError:
    return RuleError([diagnostics.cannot_read(unlined(str(path)), en, zh)])


def first_bytes(path: Path) -> bytes:
    """The first bytes of a regular file. Raises RuleError where it is none, or cannot be read."""
    if path.is_dir():
        raise _unreadable(path, "it is a folder", "这是一个文件夹")
    if not path.exists():
        raise _unreadable(path, "there is no such file", "没有这个文件")
    if not path.is_file():
        raise _unreadable(path, "it is not a regular file", "不是普通文件")
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise _unreadable(path, error.strerror or "", error.strerror or "") from None
