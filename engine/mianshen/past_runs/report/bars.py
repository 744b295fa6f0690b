"""Bars of a plot: numbers become widths, in thousandths of the longest.

In: labelled exact numbers. Out: `Bar`s, which the template draws as inline SVG. No floats: a width is a
whole number of thousandths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

FULL: Final = 1000


@dataclass(frozen=True, slots=True)
class Segment:
    kind: str  # what it is coloured by
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    text: str  # the number, beside the bar
    segments: tuple[Segment, ...]
    mark: int | None = None  # a target, in thousandths


def bars(rows: Iterable[tuple[str, str, Decimal | int]], kind: str = "main") -> tuple[Bar, ...]:
    """Plain bars, the largest number at full width."""
    listed = list(rows)
    most = max((Decimal(value) for _, _, value in listed), default=Decimal(0))
    return tuple(
        Bar(label, text, (Segment(kind, 0, _width(Decimal(value), most)),)) for label, text, value in listed
    )


def stacked(label: str, text: str, parts: Sequence[tuple[str, int]]) -> Bar:
    """A bar of full width, divided by its parts."""
    total = Decimal(sum(value for _, value in parts))
    segments: list[Segment] = []
    passed = 0
    for kind, value in parts:
        start = _width(Decimal(passed), total)
        passed += value
        if value:
            segments.append(Segment(kind, start, max(_width(Decimal(passed), total) - start, 1)))
    return Bar(label, text, tuple(segments))


def against(label: str, text: str, share: Decimal, target: Decimal | None) -> Bar:
    """A share of one as a bar, with its target marked."""
    mark = None if target is None else _width(target, Decimal(1))
    return Bar(label, text, (Segment("main", 0, _width(min(share, Decimal(1)), Decimal(1))),), mark)


def _width(value: Decimal, most: Decimal) -> int:
    """Thousandths of the most, rounded down; what is there at all is seen."""
    if most <= 0 or value <= 0:
        return 0
    return max(int(value * FULL / most), 1)
