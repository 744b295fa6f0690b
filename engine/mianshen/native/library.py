"""The C text compiled by the machine's own compiler, and its functions.

In: a unit, a folder to keep what was compiled. Out: `Compiled`. What is kept is named by the text and the
compiler.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mianshen.cache import keep, read_kept, sealed
from mianshen.native.arrays import Texts
from mianshen.native.layout import Unsupported
from mianshen.native.translation_unit import Unit
from mianshen.program.program import Program

FLAGS: Final = ("-std=gnu11", "-fPIC", "-shared", "-w")
WASM_FLAGS: Final = ("-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s", "-w", "-std=gnu11")
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
                "unpacked", "level", "places", "next", "start", "early", "turn", "missing", "list_begin", "list_item",
                "figure_begin", "figures",
            )
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compiled:
    """A unit and the library made of it."""

    unit: Unit
    library: ctypes.CDLL

    def with_figures(self, program: Program) -> Compiled:
        """The same library for a program that differs in the values and days of figures alone."""
        unit = copy(self.unit)
        object.__setattr__(unit, "layout", self.unit.layout.with_figures(program))
        vars(unit).pop("text", None)
        return Compiled(unit, self.library)


def compiler() -> tuple[str, ...] | None:
    """The command of the C compiler that is tried first; None where there is none."""
    return next(compilers(), None)


def compilers() -> Iterator[tuple[str, ...]]:
    """The commands of C compilers: `CC`, cc, gcc, clang, the wheel ziglang. One may be there and lack what it needs."""
    paths = (shutil.which(name) for name in (os.environ.get("CC"), "cc", "gcc", "clang") if name)
    yield from dict.fromkeys((path,) for path in paths if path is not None)
    zig = _zig()
    if zig is not None:
        yield zig


def _zig() -> tuple[str, ...] | None:
    return (sys.executable, "-m", "ziglang", "cc") if find_spec("ziglang") is not None else None


def compiled(unit: Unit, folder: Path | None) -> Compiled:
    """The unit, compiled now or before by the first compiler that can; what was kept is loaded only as this user kept it.

    Raises Unsupported: no compiler, nowhere to write what it reads, or a program it does not carry.
    """
    why = Unsupported("no C compiler")
    for command in compilers():
        try:
            return _compiled_by(command, unit, folder)
        except Unsupported as error:
            why = error
    raise why


def _compiled_by(command: tuple[str, ...], unit: Unit, folder: Path | None) -> Compiled:
    text = unit.text
    flags = (*FLAGS, *unit.flags)
    library_file = None if folder is None else folder / _named(text, command, flags)
    if library_file is not None and sealed(library_file):
        return Compiled(unit, _functions(unit, library_file))
    try:
        with tempfile.TemporaryDirectory(prefix="mianshen-") as temporary:
            path = _made(command, flags, text, Path(temporary))
            if library_file is not None and keep(library_file, path.read_bytes()):
                path = library_file
            return Compiled(unit, _functions(unit, path))
    except OSError as error:
        raise Unsupported(f"its text cannot be written to a temporary folder: {error.strerror}") from None


def webassembly(unit: Unit, called: Sequence[str], folder: Path | None) -> bytes:
    """The unit as a WebAssembly module that gives out the functions `called` and imports nothing; kept as a library is.

    Raises Unsupported: the wheel ziglang, which compiles it, is not installed; or as `compiled` does.
    """
    text, command = unit.text, _zig()
    if command is None:
        raise Unsupported("no compiler that makes WebAssembly")
    flags = (*WASM_FLAGS, *(f"-Wl,--export={name}" for name in called))
    module_file = None if folder is None else folder / _named(text, command, flags)
    content = None if module_file is None else read_kept(module_file)
    if content is None:
        try:
            with tempfile.TemporaryDirectory(prefix="mianshen-") as folder_:
                content = _made(command, flags, text, Path(folder_)).read_bytes()
        except OSError as error:
            raise Unsupported(f"its text cannot be written to a temporary folder: {error.strerror}") from None
        if module_file is not None:
            keep(module_file, content)
    return content


def content_of(compiled_: Compiled) -> bytes | None:
    """The library's bytes, for another process; None where they are no longer there."""
    try:
        return Path(compiled_.library._name).read_bytes()  # noqa: SLF001  (its only name)
    except OSError:
        return None


def loaded(unit: Unit, content: bytes) -> Compiled:
    """The unit with a library that was compiled on a machine of this kind. Raises Unsupported."""
    try:
        with tempfile.TemporaryDirectory(prefix="mianshen-") as folder:
            path = Path(folder) / "program.so"
            path.write_bytes(content)
            return Compiled(unit, _functions(unit, path))
    except OSError as error:
        raise Unsupported(f"it cannot be written to a temporary folder: {error.strerror}") from None


def is_kept(unit: Unit, folder: Path | None) -> bool:
    """Whether compiling would take no time."""
    return folder is not None and any(_is_kept_by(command, unit, folder) for command in compilers())


def _is_kept_by(command: tuple[str, ...], unit: Unit, folder: Path) -> bool:
    try:
        return sealed(folder / _named(unit.text, command, (*FLAGS, *unit.flags)))
    except Unsupported:
        return False


def _named(text: str, command: tuple[str, ...], flags: tuple[str, ...]) -> str:
    """The name of a library: what it is made of, and by what."""
    parts = (text, *flags, _version(command), platform.machine())
    return f"{sha256(chr(10).join(parts).encode()).hexdigest()[:40]}.so"


@cache
def _version(command: tuple[str, ...]) -> str:
    try:
        return subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        raise Unsupported("no C compiler that runs") from None


def _made(command: tuple[str, ...], flags: tuple[str, ...], text: str, folder: Path) -> Path:
    source, path = folder / "program.c", folder / "program.so"
    source.write_text(text, encoding="utf-8")
    try:
        subprocess.run(
            [*command, *flags, "-o", str(path), str(source)],
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        line = next(
            (text_ for text_ in error.stderr.decode(errors="replace").splitlines() if "error" in text_), ""
        )
        raise Unsupported(f"the C compiler failed: {line.rpartition('error:')[2].strip()}") from None
    except (OSError, subprocess.SubprocessError):
        raise Unsupported("the C compiler failed") from None
    return path


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
