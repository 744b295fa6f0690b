"""What the figures of a rulebook must satisfy: floors and ceilings that no overlay may break.

In: the document's `properties`, the parameters. Out: a diagnostic for each value that breaks one.
Invariant: values are compared over the days on which both hold; a missing value breaks nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Literal

from mianshen.program import diagnostics
from mianshen.program.program import Dated, Parameter
from mianshen.program.vocabulary import Vocabulary, message
from mianshen.source import Message

Side = Literal["at_least", "at_most"]
_SIDES: Final[tuple[Side, ...]] = ("at_least", "at_most")


def check_properties(vocabulary: Vocabulary, parameters: Mapping[str, Parameter]) -> None:
    """Report every figure outside the bounds a property sets."""
    for name, model in vocabulary.document.properties.items():
        vocabulary.source(model.source, "properties", name, "source")
        for side in _SIDES:
            bound = getattr(model, side)
            if bound is None or not _is_known(vocabulary, parameters, bound, (name, side)):
                continue
            for index, figure in enumerate(model.figures):
                if _is_known(vocabulary, parameters, figure, (name, "figures", index)):
                    for value, limit in _outside(parameters[figure], parameters[bound], side):
                        span = vocabulary.document.span("parameters", figure)
                        title = message(model.title)
                        vocabulary.found.append(
                            diagnostics.property_broken(
                                span, figure, _plain(value), _plain(limit), side, title
                            )
                        )


def _is_known(
    vocabulary: Vocabulary, parameters: Mapping[str, Parameter], name: str, path: tuple[str | int, ...]
) -> bool:
    if name in parameters:
        return True
    span = vocabulary.document.span("properties", *path)
    vocabulary.unknown(span, "parameters", Message("参数", "parameter"), name, parameters)
    return False


def _outside(figure: Parameter, bound: Parameter, side: Side) -> Iterable[tuple[Decimal, Decimal]]:
    """Values of the figure with the bound each breaks."""
    for dated in figure.series:
        for limit in bound.series:
            value, edge = dated.known, limit.known
            if not isinstance(value, Decimal) or not isinstance(edge, Decimal) or not _overlap(dated, limit):
                continue
            if (value < edge) if side == "at_least" else (value > edge):
                yield value, edge


def _overlap(one: Dated, other: Dated) -> bool:
    last = min(one.end or dt.date.max, other.end or dt.date.max)
    return max(one.start, other.start) <= last


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
