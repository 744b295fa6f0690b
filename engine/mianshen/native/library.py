"""The C text compiled by the machine's own compiler, and its functions.

In: a unit, a folder to keep what was compiled. Out: `Compiled`. What is kept is named by the text and the
compiler, and only the user's own file is loaded.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mianshen.native.arrays import Texts
from mianshen.native.layout import Unsupported
from mianshen.native.translation_unit import Unit

FLAGS: Final = ("-O2", "-std=gnu11", "-fPIC", "-shared", "-w")
PATIENCE: Final = 300  # seconds a compiler may take
POINTER: Final = ctypes.c_void_p
WORD: Final = ctypes.c_int64


class Run(ctypes.Structure):
    """`struct run` of run.c."""

    _fields_ = (
        ("as_of", WORD),
        *(
            (name, POINTER)
            for name in (
                "inputs", "valid", "wrong", "out", "begin", "row", "status", "fallback", "under", "voider", "packed",
                "made", "level", "places", "next", "start", "early", "missing",
            )
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compiled:
    """A unit and the library made of it."""

    unit: Unit
    library: ctypes.CDLL


def compiler() -> str | None:
    """The C compiler: `CC`, or the first of cc, gcc, clang; None where there is none."""
    named = os.environ.get("CC")
    return next(
        (found for name in (named, "cc", "gcc", "clang") if name and (found := shutil.which(name))), None
    )


def compiled(unit: Unit, folder: Path | None) -> Compiled:
    """The unit, compiled now or before.

    Raises Unsupported: no compiler, nowhere to write what it reads, or a program it does not carry.
    """
    text = unit.text()
    found = compiler()
    if found is None:
        raise Unsupported("no C compiler")
    kept = None if folder is None else folder / _named(text, found)
    if kept is not None and _is_ours(kept):
        return Compiled(unit, _functions(unit, kept))
    try:
        with tempfile.TemporaryDirectory(prefix="mianshen-") as made:
            path = _made(found, text, Path(made))
            return Compiled(unit, _functions(unit, kept if kept is not None and _keep(path, kept) else path))
    except OSError as error:
        raise Unsupported(f"its text cannot be written to a temporary folder: {error.strerror}") from None


def is_kept(unit: Unit, folder: Path | None) -> bool:
    """Whether compiling would take no time."""
    found = compiler()
    if folder is None or found is None:
        return False
    return _is_ours(folder / _named(unit.text(), found))


def _named(text: str, found: str) -> str:
    """The name of a library: what it is made of, and by what."""
    parts = (text, *FLAGS, _version(found), platform.machine())
    return f"{sha256(chr(10).join(parts).encode()).hexdigest()[:40]}.so"


@cache
def _version(found: str) -> str:
    try:
        return subprocess.run(
            [found, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        raise Unsupported("no C compiler that runs") from None


def _made(found: str, text: str, folder: Path) -> Path:
    source, path = folder / "program.c", folder / "program.so"
    source.write_text(text, encoding="utf-8")
    try:
        subprocess.run(
            [found, *FLAGS, "-o", str(path), str(source)], capture_output=True, timeout=PATIENCE, check=True
        )
    except subprocess.CalledProcessError as error:
        told = next(
            (line for line in error.stderr.decode(errors="replace").splitlines() if "error" in line), ""
        )
        raise Unsupported(f"the C compiler failed: {told.rpartition('error:')[2].strip()}") from None
    except (OSError, subprocess.SubprocessError):
        raise Unsupported("the C compiler failed") from None
    return path


def _is_ours(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.getuid()
    except OSError:
        return False


def _keep(path: Path, kept: Path) -> bool:
    """Keep the library, whole or not at all."""
    try:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(path, part)
        part.replace(kept)
    except OSError:
        return False
    return True


def _functions(unit: Unit, path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        raise Unsupported("what was compiled cannot be loaded") from None
    texts, run = ctypes.POINTER(Texts), ctypes.POINTER(Run)
    for name, result, arguments in (
        ("table_of", POINTER, (texts, WORD, POINTER, ctypes.POINTER(WORD))),
        ("table_free", None, (POINTER,)),
        ("ascending", ctypes.c_int, (texts, WORD)),
        ("parents_of", None, (POINTER, texts, WORD, ctypes.c_int, texts, WORD, WORD, POINTER)),
        ("children_of", ctypes.c_int, (POINTER, WORD, WORD, POINTER, POINTER, texts, POINTER, POINTER)),
        ("persons_of", ctypes.c_int, (POINTER, WORD, POINTER, POINTER, ctypes.c_int32, *[POINTER] * 4)),
        ("read_rows", None, (POINTER, WORD, *[POINTER] * 5, ctypes.c_int32, POINTER)),
        ("pack_bits", WORD, (POINTER, WORD, POINTER)),
        ("sets_new", POINTER, ()),
        ("sets_free", None, (POINTER,)),
        ("sets_count", WORD, (POINTER,)),
        ("sets_begin", POINTER, (POINTER,)),
        ("sets_codes", POINTER, (POINTER,)),
        ("decide_places", WORD, (run, WORD, WORD)),
    ):
        _declare(library, name, result, arguments)
    for entity in unit.order:
        if unit.rows.is_packed(entity):
            _declare(library, f"size_in_{entity.name}", WORD, ())
            _declare(library, f"size_out_{entity.name}", WORD, ())
            _declare(library, f"pack_{entity.name}", None, (run, POINTER, WORD, WORD))
            _declare(library, f"unpack_{entity.name}", None, (run, POINTER, WORD, WORD))
    return library


def _declare(library: ctypes.CDLL, name: str, result: Any, arguments: tuple[Any, ...]) -> None:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
