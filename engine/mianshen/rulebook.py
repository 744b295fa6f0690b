"""Opening a rulebook: read, built, and kept so that the next opening is quick.

In: folders, files, overlays (none: the shipped rulebook). Out: a `Program`.
A built program is kept, in this process and in the user's own cache folder, under the digest of what it was
built from and of the engine that built it; a changed file or engine is built anew.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from mianshen.cache import cache_folder, keep, read_kept
from mianshen.catalogue import diagnostic
from mianshen.document.digest import digest_of
from mianshen.program.program import Program
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, RuleError, Span, suggestion, unlined


def open_program(paths: Sequence[Path] = (), overlays: Sequence[Path | str] = ()) -> Program:
    """The program of a rulebook with overlays applied in order.

    An overlay is a file, or the name of one that the shipped rulebook carries. Raises RuleError
    with every mistake when the rulebook is wrong.
    """
    roots = tuple(paths) or (shipped_rulebook(),)
    files = tuple(overlay_file(o) for o in overlays)
    name = _name_of(roots, files)
    program = None if name is None else _opened.get(name)
    if program is None:
        program = _read(name)
    if program is None:
        from mianshen.document import read
        from mianshen.elaboration.build import build

        document, findings = read(roots, files)
        program, _ = build(document, findings)
        _keep(name, program)
    if name is not None:
        _opened[name] = program
        if len(_opened) > LATEST:
            _opened.pop(next(iter(_opened)), None)
    return program


def open_spread(
    paths: Sequence[Path], overlays: Sequence[Path | str], spread: Mapping[str, Sequence[Decimal]]
) -> Program:
    """The program as `open_program` gives it, in which figures may take further values. Raises RuleError."""
    from mianshen.document import read
    from mianshen.elaboration.build import build

    roots = tuple(paths) or (shipped_rulebook(),)
    document, findings = read(roots, tuple(overlay_file(o) for o in overlays))
    return build(document, findings, spread)[0]


def overlay_file(overlay: Path | str) -> Path:
    """An overlay's file: the path itself, or the shipped overlay of that name.

    Raises RuleError, with the nearest name, where none is shipped under it.
    """
    path = Path(overlay)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    if str(overlay) not in shipped_overlays():
        raise RuleError([unknown_overlay(unlined(str(overlay)), str(overlay), shipped_overlays())])
    return shipped_rulebook() / "overlays" / f"{overlay}.yaml"


def unknown_overlay(span: Span, name: str, known: Sequence[str]) -> Diagnostic:
    fix = suggestion(name, known, most=len(known))
    return diagnostic("E460.unknown_overlay", span, fix=fix, name=name)


def shipped_overlays() -> list[str]:
    """The names of the overlays that travel with the rulebook."""
    return sorted(p.stem for p in (shipped_rulebook() / "overlays").glob("*.yaml"))


# -- keeping ---------------------------------------------------------------------------------

LATEST: Final = 16  # programs kept in this process
_opened: dict[str, Program] = {}


@cache
def _engine_digest() -> str:
    """The digest of the code that builds programs: a changed engine must not trust an old build."""
    package = Path(__file__).parent
    engine_digest = sha256()
    for room in ("document", "elaboration", "formulas", "program", "syntax"):
        for file in sorted((package / room).glob("*")):
            if file.suffix in (".py", ".lark"):
                stat = file.stat()
                engine_digest.update(f"{file.name}:{stat.st_size}:{stat.st_mtime_ns};".encode())
    engine_digest.update((package / "values.py").read_bytes())
    return engine_digest.hexdigest()


def _name_of(roots: tuple[Path, ...], overlays: tuple[Path, ...]) -> str | None:
    """Under which name the program of these files is kept; None where one cannot be read."""
    try:
        digest = digest_of(roots, overlays)
    except OSError:
        return None
    names = ";".join(str(p) for p in (*roots, *overlays))  # spans in a program show the paths as given
    return f"{sha256(f'{digest};{_engine_digest()};{names}'.encode()).hexdigest()[:40]}.program"


def _read(name: str | None) -> Program | None:
    """A kept program."""
    folder = cache_folder()
    content = None if name is None or folder is None else read_kept(folder / name)
    if content is None:
        return None
    try:
        program = pickle.loads(content)  # noqa: S301  # sealed by this user
    except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, TypeError, IndexError):
        return None
    return program if isinstance(program, Program) else None


def _keep(name: str | None, program: Program) -> None:
    """Keep a program; failing to is no failure."""
    folder = cache_folder()
    if name is not None and folder is not None:
        keep(folder / name, pickle.dumps(program, protocol=pickle.HIGHEST_PROTOCOL))
