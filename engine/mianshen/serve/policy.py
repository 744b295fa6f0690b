"""The policy desk: figures over time, a change of one as an overlay, what it moves.

In: a program, what a form says. Out: views, the text of an overlay, a comparison over a past run's files.
Invariants: a change is an overlay's text and nothing else, so that what is tried here is what a merge request holds;
nothing is kept on the server.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mianshen.batch.request import Request
from mianshen.casework.wording import BASIS, Words, number
from mianshen.impact.compare import PAGE, compare
from mianshen.program.core import Numeric
from mianshen.program.program import Dated, Parameter, Program
from mianshen.proof import findings
from mianshen.rulebook import open_program
from mianshen.serve.office import Named, in_overlay
from mianshen.serve.problems import Problem
from mianshen.serve.runs import run_named
from mianshen.source import Lang, RuleError

if TYPE_CHECKING:
    from mianshen.proof.prover import Finding

BUDGET: Final = 10_000  # milliseconds, about, for what a property comes to
_BEYOND: Final = 365  # days that a plot goes on after the last value
SPECIAL: Final = ("scale", "month_day")  # changed as text alone
_HIGH, _WIDE = 120, 640  # of a plot


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure among the others: its value on a day."""

    name: str
    title: str
    value: str
    since: str
    basis: str
    clause: str


@dataclass(frozen=True, slots=True)
class ValueView:
    start: str
    end: str
    value: str
    basis: str
    clause: str
    review_by: str
    note: str


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands beside a plot of a value over time: its lowest and highest value, its first and last day."""

    low: str
    high: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class FigureView:
    """`steps`: the value over time as points of a plot, empty where it is no number or always the same.

    `plain`: a form can change it.
    """

    name: str
    title: str
    type: str
    values: tuple[ValueView, ...]
    steps: str
    axes: Axes
    plain: bool
    suggestion: str


def figure_lines(program: Program, today: dt.date, words: str, lang: Lang) -> list[FigureLine]:
    """The figures whose name or title holds some words."""
    say, wanted = Words(program), words.strip().casefold()
    lines = []
    for parameter in program.parameters.values():
        title = parameter.title
        if wanted in f"{parameter.name} {title.zh} {title.en}".casefold():
            dated = _in_force(parameter, today)
            clause = say.citation(dated.citation).in_(lang)
            value, basis = _value(say, parameter, dated, lang), BASIS[dated.basis].in_(lang)
            lines.append(FigureLine(parameter.name, title.in_(lang), value, str(dated.start), basis, clause))
    return lines


def figure_view(program: Program, name: str, lang: Lang) -> FigureView:
    """One figure with all its values. Raises a Problem where there is none of that name."""
    parameter = program.parameters.get(name)
    if parameter is None:
        raise Problem("not_found")
    say = Words(program)
    values = tuple(
        ValueView(
            str(dated.start), str(dated.end or ""), _value(say, parameter, dated, lang), BASIS[dated.basis].in_(lang),
            say.citation(dated.citation).in_(lang), str(dated.review_by or ""), dated.note or "",
        )
        for dated in parameter.series
    )  # fmt: skip
    plain = not parameter.written.startswith(SPECIAL)
    known = parameter.series[-1].known
    written = (
        ""
        if known is None
        else say.value(known, parameter.written, parameter.type).in_("en").replace(",", "")
    )
    return FigureView(
        name,
        parameter.title.in_(lang),
        parameter.written,
        values,
        _steps(parameter),
        _axes(parameter),
        plain,
        written if plain else "",
    )


def _in_force(parameter: Parameter, day: dt.date) -> Dated:
    """The value in force on a day; before the first, the first."""
    series = parameter.series
    return next((dated for dated in reversed(series) if dated.start <= day), series[0])


def _value(say: Words, parameter: Parameter, dated: Dated, lang: Lang) -> str:
    if dated.brackets is not None:
        return "; ".join(
            f"> {number(over, 'money')}: {number(rate, 'rate')}" for over, rate in dated.brackets
        )
    return "—" if dated.known is None else say.value(dated.known, parameter.written, parameter.type).in_(lang)


def _axes(parameter: Parameter) -> Axes:
    """The ends of the axes of a figure's plot; empty texts where there is nothing to plot."""
    known = [(dated.start, dated.known) for dated in parameter.series if isinstance(dated.known, Decimal)]
    if not known:
        return Axes("", "", "", "")
    values = [value for _, value in known]
    low, high = (number(value, parameter.written) for value in (min(values), max(values)))
    return Axes(low, high, str(known[0][0]), str(known[-1][0] + dt.timedelta(_BEYOND)))


def _steps(parameter: Parameter) -> str:
    """The points of a stair, from the first value to a year after the last."""
    known = [(dated.start, dated.known) for dated in parameter.series if isinstance(dated.known, Decimal)]
    low, high = min((value for _, value in known), default=0), max((value for _, value in known), default=0)
    if not isinstance(parameter.type, Numeric) or low == high:
        return ""
    first, last = known[0][0].toordinal(), known[-1][0].toordinal() + _BEYOND

    def across(day: int) -> str:
        return str((day - first) * _WIDE // (last - first))

    def up(value: Decimal) -> str:
        share = (value - low) / (high - low)
        return str(int(_HIGH - 10 - share * (_HIGH - 20)))

    points = []
    for index, (start, value) in enumerate(known):
        end = known[index + 1][0].toordinal() if index + 1 < len(known) else last
        points += [f"{across(start.toordinal())},{up(value)}", f"{across(end)},{up(value)}"]
    return " ".join(points)


# -- what is proved --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PropertyView:
    """A property that the rulebook states, and what the solver finds of it; empty where it was not asked."""

    name: str
    title: str
    clause: str
    findings: tuple[Finding, ...]


def properties(program: Program, lang: Lang, proved: str = "") -> list[PropertyView]:
    """The properties that the rulebook states; the one to be proved with its findings."""
    say = Words(program)
    return [
        PropertyView(
            item.name, item.title.in_(lang), say.citation(item.citation).in_(lang),
            tuple(findings(program, BUDGET, (item.name,))) if item.name == proved else (),
        )
        for item in program.properties
    ]  # fmt: skip


# -- a change --------------------------------------------------------------------------------------


def overlay_text(parameter: Parameter, start: str, value: str, clause: str) -> str:
    """An overlay that gives a figure a value from a day on. The value is written as a text, and read by its type."""
    title = parameter.title
    return "\n".join((
        "overlay:",
        f"  name: draft_{parameter.name}",
        "  title:",
        f"    zh: {_quoted(title.zh + '（草案）')}",
        f"    en: {_quoted('Draft: ' + title.en)}",
        f"  clause: {_quoted(clause.strip() or '草案 draft')}",
        "set:",
        f"  {parameter.name}: {{from: {_quoted(start.strip())}, value: {_plain(value)}}}",
        "",
    ))  # fmt: skip


def _quoted(text: str) -> str:
    """A text that YAML reads as it is, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def _plain(value: str) -> str:
    """A number, rate or word as YAML has it; anything else quoted, for the reader to refuse."""
    text = value.strip().replace(",", "").replace("，", "")
    simple = bool(text) and all(part.isalnum() or part in ".-%_" for part in text)
    return text if simple and text[0] != "-" and text[0] != "%" else _quoted(text)


def population_page(
    rules: tuple[Path, ...], overlays: Named, overlay: str, folder: Path, name: str, lang: Lang
) -> str:
    """The page of a comparison over the files of a past run. Raises RuleError where they or the overlay do not do."""
    run = run_named(folder, name)
    inputs = dict(_inputs(run.timings.get("inputs", {})))
    with tempfile.TemporaryDirectory(prefix="mianshen-") as scratch:
        file = Path(scratch) / "overlay.yaml"
        file.write_text(overlay, "utf-8")
        try:
            before, after = open_program(rules, overlays), open_program(rules, [*overlays, file])
        except RuleError as error:
            raise Problem(
                "conflict", None, [in_overlay(item, scratch) for item in error.diagnostics]
            ) from None
        out = Path(scratch) / "compared"
        day = dt.date.fromisoformat(str(run.manifest["as_of"]))
        compare(
            before,
            after,
            Request(inputs, day, out, encoding=run.manifest.get("encoding"), yes=True),
            lang=lang,
        )
        return (out / PAGE).read_text("utf-8")


def _inputs(recorded: dict[str, list[str]]) -> Iterator[tuple[str, list[Path]]]:
    for entity, paths in recorded.items():
        yield entity, [Path(path) for path in paths]
