"""What decides a batch: the compiled program, the interpreter's processes, or Spark's tasks with either.

In: a request, what it reads. Out: the program compiled, or none. Raises RuleError where an engine that was asked for is
not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from mianshen.batch import diagnostics
from mianshen.batch.output_files import EntityFile
from mianshen.batch.request import Engine
from mianshen.cache import cache_folder
from mianshen.native.layout import Layout, Unsupported
from mianshen.native.library import Compiled, compiled, is_kept
from mianshen.native.translation_unit import Unit
from mianshen.program.program import Key, Program
from mianshen.program.remembered import remembered
from mianshen.source import RuleError

WORTH: Final = 20_000  # rows of input from which compiling a program takes less time than interpreting it
MANY: Final = 100_000  # rows of input from which optimising takes less time than it saves over a few runs


def unit_of(program: Program, files: Sequence[EntityFile], rows: int, beside: Layout | None = None) -> Unit:
    """What of the program a batch of so many rows writes; `beside`: the layout of one that decides the same rows.

    Raises Unsupported.
    """
    stated = [(file.entity.name, name) for file in files for name in file.stated]
    benefits = tuple(benefit.name for file in files for benefit in file.benefits)
    unit = _unit(program, tuple(stated), benefits, rows < MANY)
    return unit if beside is None else replace(unit, layout=Layout(program, beside))


@remembered
def _unit(program: Program, decisions: tuple[Key, ...], benefits: tuple[str, ...], quick: bool) -> Unit:
    return Unit(Layout(program), decisions, tuple(program.benefits[name] for name in benefits), quick=quick)


def expected_engine(program: Program, files: Sequence[EntityFile], engine: Engine, rows: int) -> Engine:
    """What would decide so many rows, with nothing compiled for it."""
    if engine != "auto":
        return engine
    try:
        ready = rows >= WORTH or is_kept(unit_of(program, files, rows), cache_folder())
    except Unsupported:
        ready = False
    return "native" if ready else "interpreter"


def compiled_for(program: Program, files: Sequence[EntityFile], engine: Engine, rows: int) -> Compiled | None:
    """The program compiled; None where the interpreter decides. Raises RuleError."""
    match engine:
        case "interpreter":
            return None
        case "native":
            eager = True
        case "auto" | "spark":
            eager = rows >= WORTH
        case _:
            assert_never(engine)
    folder = cache_folder()
    try:
        unit = unit_of(program, files, rows)
        return compiled(unit, folder) if eager or is_kept(unit, folder) else None
    except Unsupported as why:
        if engine == "native":
            raise RuleError([diagnostics.not_compiled(str(why))]) from None
        return None
