"""The rulebook and its figures as data.

In: a program. Out: plain data: its benefits; each figure's dated values with what they rest on, numbers as text.
"""

from __future__ import annotations

from decimal import Decimal

from mianshen.casework.check import Plain
from mianshen.catalogue import diagnostic
from mianshen.program.program import Dated, Parameter, Program
from mianshen.rulebook import shipped_overlays
from mianshen.serve.problems import Problem
from mianshen.source import NOWHERE, nearest
from mianshen.values import as_money, as_text
from mianshen.version import __version__


def rulebook_of(program: Program) -> Plain:
    """What the rulebook is and which benefits it decides."""
    return {
        "name": program.name,
        "title": program.title.plain,
        "digest": f"sha256:{program.digest}",
        "overlays": list(program.overlays),
        "shipped_overlays": list(shipped_overlays()),
        "version": __version__,
        "benefits": [
            {
                "name": benefit.name, "title": benefit.title.plain, "entity": benefit.entity,
                "delivery": benefit.delivery, "clause": benefit.citation.plain,
            }
            for benefit in program.benefits.values()
        ],
    }  # fmt: skip


def figures_of(program: Program) -> Plain:
    """Every figure of the rulebook."""
    return [_figure(parameter) for parameter in program.parameters.values()]


def figure_of(program: Program, name: str) -> Plain:
    """One figure. Raises Problem where there is none of that name."""
    parameter = program.parameters.get(name)
    if parameter is None:
        near = nearest(name, program.parameters)
        fix = None if near is None else (f"是不是 {near}？", f"Did you mean {near}?")
        raise Problem("not_found", None, [diagnostic("E892.no_such_figure", NOWHERE, fix=fix, name=name)])
    return _figure(parameter)


def _figure(parameter: Parameter) -> Plain:
    return {
        "name": parameter.name,
        "title": parameter.title.plain,
        "type": parameter.written,
        "values": [_dated(parameter, dated) for dated in parameter.series],
    }


def _dated(parameter: Parameter, dated: Dated) -> Plain:
    brackets, value = dated.brackets, dated.known
    text = None if value is None else as_text(value)
    if parameter.written == "money" and isinstance(value, Decimal):
        text = as_money(value)
    return {
        "from": dated.start.isoformat(),
        "until": None if dated.end is None else dated.end.isoformat(),
        "value": text,
        "brackets": None if brackets is None else [
            {"over": as_money(over), "rate": f"{rate:f}"} for over, rate in brackets
        ],
        "basis": dated.basis,
        "clause": dated.citation.plain,
        "review_by": None if dated.review_by is None else dated.review_by.isoformat(),
        "note": dated.note,
    }  # fmt: skip
