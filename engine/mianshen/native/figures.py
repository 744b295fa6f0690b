"""Figures of the rulebook as arguments of the compiled program: values and dates are data, not C text.

In: a layout. Out: C functions that look a figure up on a day; the table of all figures that they read. Programs that
differ in values and dates alone have one text, and so one library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from mianshen.native.arrays import Array
from mianshen.native.c_source import c_type
from mianshen.native.layout import EPOCH, Layout
from mianshen.program.program import Dated, Parameter

NEVER: Final = 1 << 40  # a day after all days
_WORD: Final = 1 << 64


def figure_functions(layout: Layout) -> Iterator[str]:
    """A function a figure: 0 known, 1 not known, 3 none on that day; of a scale, which of its values."""
    for number, name in enumerate(layout.figures_read):
        out = "word" if _is_scale(layout, name) else c_type(layout.figures[name])
        yield f"static inline byte figure_{name}(const struct run *run, word day, {out} *value) {{"
        yield f"  const struct figure *at; byte state = figure_at(run, {number}, day, &at);"
        if out == "wide":
            yield "  if (!state) *value = (wide)at->high << 64 | (uint64_t)at->low;"
        else:
            yield "  if (!state) *value = at->low;"
        yield "  return state;"
        yield "}"


def figure_table(layout: Layout) -> tuple[Array, Array]:
    """Where each figure's values begin, then the values: `struct figure` in rows of six words."""
    series = [layout.program.parameters[name] for name in layout.figures_read]
    begins = np.cumsum([0, *(len(parameter.series) for parameter in series)], dtype=np.int64)
    rows = [_row(layout, p, at, dated) for p in series for at, dated in enumerate(p.series)]
    return begins, np.array(rows or [[0] * 6], np.int64)


def _row(layout: Layout, parameter: Parameter, at: int, dated: Dated) -> list[int]:
    scale = _is_scale(layout, parameter.name)
    known = scale or dated.value is not None
    value = at
    if known and not scale:
        value = layout.encoded(dated.value, layout.figures[parameter.name])  # type: ignore[arg-type]  # no scale's
    low = value % _WORD
    return [
        (dated.start - EPOCH).days, NEVER if dated.end is None else (dated.end - EPOCH).days,
        NEVER if dated.review_by is None else (dated.review_by - EPOCH).days, int(known),
        low - _WORD if low >= _WORD // 2 else low, value >> 64,
    ]  # fmt: skip


def _is_scale(layout: Layout, name: str) -> bool:
    return layout.program.parameters[name].written == "scale"
