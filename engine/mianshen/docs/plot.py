"""A figure over time as a step chart: inline SVG with every date and every value in words.

In: the values of a series. Out: SVG text, or an empty text where nothing can be drawn.
Invariants: no floats: places are whole pixels; the axis of values begins at zero; two labels never overlap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from mianshen.closed_sets import Basis
from mianshen.program.program import Parameter
from mianshen.templates import templates
from mianshen.text_columns import width

WIDTH: Final = 700
HEIGHT: Final = 120  # of the plot between its labels
LEADING: Final = 16
COLUMN: Final = 7  # pixels that a column of text fills, at most
YEAR: Final = dt.timedelta(days=365)
LABELLED: Final = 8  # pixels between two labels


@dataclass(frozen=True, slots=True)
class Step:
    """A value from one day until another; None: it is not published."""

    start: dt.date
    end: dt.date
    value: Decimal | None
    label: str
    basis: Basis


def steps_of(parameter: Parameter, labels: Sequence[str]) -> list[Step]:
    """The values of a series with their labels; none where a value is no number."""
    series = parameter.series
    values = [dated.known for dated in series]
    if not any(isinstance(value, Decimal) for value in values):
        return []
    steps = []
    for number, (dated, label) in enumerate(zip(series, labels, strict=True)):
        following = series[number + 1].start if number + 1 < len(series) else dated.review_by or dated.start
        end = dated.end or max(
            following, dated.start + (YEAR if number + 1 == len(series) else dt.timedelta())
        )
        value = values[number]
        steps.append(
            Step(dated.start, end, value if isinstance(value, Decimal) else None, label, dated.basis)
        )
    return steps


def plot(steps: Sequence[Step], title: str) -> str:
    """The step chart."""
    if not steps:
        return ""
    first, last = steps[0].start.toordinal(), max(step.end for step in steps).toordinal()
    known = [step.value for step in steps if step.value is not None]
    low, high = min(*known, Decimal(0)), max(*known, Decimal(0))

    def across(day: dt.date) -> int:
        return 10 + (day.toordinal() - first) * (WIDTH - 20) // max(1, last - first)

    values = _rows((across(step.start), step.label) for step in steps)
    dates = _rows((across(step.start), step.start.isoformat()) for step in steps)
    top = (max(row for row, _ in values) + 1) * LEADING + 6
    bottom = top + HEIGHT

    def down(value: Decimal) -> int:
        return bottom - int((value - low) * HEIGHT / (high - low or 1))

    drawn = [
        {
            "left": across(step.start), "right": across(step.end), "basis": step.basis, "label": step.label,
            "level": bottom if step.value is None else down(step.value), "label_x": x, "label_y": (row + 1) * LEADING - 4,
            "start": step.start, "date_x": date_x, "date_y": bottom + (date_row + 1) * LEADING,
        }
        for step, (row, x), (date_row, date_x) in zip(steps, values, dates, strict=True)
    ]  # fmt: skip
    height = bottom + (max(row for row, _ in dates) + 1) * LEADING + 6
    text: str = _template().render(
        steps=drawn, title=title, zero=down(Decimal(0)), width=WIDTH, height=height, leading=LEADING
    )
    return text


@cache
def _template() -> Any:
    return templates(Path(__file__).parent / "templates").get_template("plot.svg")


def _rows(labels: Iterable[tuple[int, str]]) -> list[tuple[int, int]]:
    """For each label from the left its row and where it begins: the first row in which it overlaps none before it."""
    ends: list[int] = []
    places = []
    for at, text in labels:
        size = width(text) * COLUMN
        x = max(0, min(at, WIDTH - size))
        row = next((row for row, end in enumerate(ends) if end + LABELLED <= x), len(ends))
        ends[row:] = [x + size, *ends[row + 1 :]]
        places.append((row, x))
    return places
