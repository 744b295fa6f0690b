"""Opening a rulebook: read, built, and kept so that the next opening is quick.

In: folders, files, overlays (none: the shipped rulebook). Out: a `Program`.
A built program is kept in the user's own cache folder under the digest of what it was built from
and of the engine that built it; a changed file or engine is built anew.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path

from mianshen.cache import cache_folder, keep, read_kept
from mianshen.document.digest import digest_of
from mianshen.program.program import Program
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, Message, RuleError, Span, nearest, unlined


def open_program(paths: Sequence[Path] = (), overlays: Sequence[Path | str] = ()) -> Program:
    """The program of a rulebook with overlays applied in order.

    An overlay is a file, or the name of one that the shipped rulebook carries. Raises RuleError
    with every mistake when the rulebook is wrong.
    """
    roots = tuple(paths) or (shipped_rulebook(),)
    files = tuple(overlay_file(o) for o in overlays)
    result = _kept_at(roots, files)
    outcome = _read(result)
    if outcome is None:
        from mianshen.document import read
        from mianshen.elaboration.build import build

        document, mistakes = read(roots, files)
        outcome, _ = build(document, mistakes)
        _keep(result, outcome)
    return outcome


def open_spread(
    paths: Sequence[Path], overlays: Sequence[Path | str], spread: Mapping[str, Sequence[Decimal]]
) -> Program:
    """The program as `open_program` gives it, in which figures may take further values. Raises RuleError."""
    from mianshen.document import read
    from mianshen.elaboration.build import build

    roots = tuple(paths) or (shipped_rulebook(),)
    document, mistakes = read(roots, tuple(overlay_file(o) for o in overlays))
    return build(document, mistakes, spread)[0]


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
    what = Message(f"随附的调整方案中没有 {name}", f"no overlay {name} travels with the rulebook")
    close = nearest(name, known)
    if close is not None:
        return Diagnostic("E460", span, what, Message(f"也许想写 {close}", f"Perhaps {close} is meant"))
    fix = Message(f"可用：{'、'.join(known)}", f"Known are: {', '.join(known)}")
    return Diagnostic("E460", span, what, fix)


def shipped_overlays() -> list[str]:
    """The names of the overlays that travel with the rulebook."""
    return sorted(p.stem for p in (shipped_rulebook() / "overlays").glob("*.yaml"))


# -- keeping ---------------------------------------------------------------------------------


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


def _kept_at(roots: tuple[Path, ...], overlays: tuple[Path, ...]) -> Path | None:
    base = cache_folder()
    if base is None:
        return None
    try:
        digest = digest_of(roots, overlays)
    except OSError:
        return None
    names = ";".join(str(p) for p in (*roots, *overlays))  # spans in a program show the paths as given
    return base / f"{sha256(f'{digest};{_engine_digest()};{names}'.encode()).hexdigest()[:40]}.program"


def _read(path: Path | None) -> Program | None:
    """A kept program."""
    content = None if path is None else read_kept(path)
    if content is None:
        return None
    try:
        program = pickle.loads(content)  # noqa: S301  # sealed by this user
    except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, TypeError, IndexError):
        return None
    return program if isinstance(program, Program) else None


def _keep(path: Path | None, program: Program) -> None:
    """Keep a program; failing to is no failure."""
    if path is not None:
        keep(path, pickle.dumps(program, protocol=pickle.HIGHEST_PROTOCOL))
