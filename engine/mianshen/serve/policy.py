"""The policy desk: figures over time, a change of one as an overlay, what it moves.

In: a program, what a form says. Out: views, the text of an overlay, a comparison over a past run's files.
Invariants: a change is an overlay's text and nothing else, so that what is tried here is what a merge request holds;
nothing is kept on the server.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mianshen.casework.wording import BASIS, Words
from mianshen.docs.plot import plot, steps_of
from mianshen.document.yaml_text import scalar
from mianshen.impact.compare import PAGE, compare
from mianshen.impact.earlier import same_files
from mianshen.policy.descriptions import figure_words, latest_by
from mianshen.program.program import Parameter, Program
from mianshen.proof import findings
from mianshen.rulebook import open_program
from mianshen.serve.office import Named, in_overlay
from mianshen.serve.problems import Problem
from mianshen.serve.runs import run_named
from mianshen.source import Lang, Message, RuleError
from mianshen.wording import wording

if TYPE_CHECKING:
    from mianshen.proof.prover import Finding

BUDGET: Final = 10_000  # milliseconds, about, for what a property comes to
SPECIAL: Final = ("scale", "month_day")  # changed as text alone


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
class FigureView:
    """`plot`: the value over time as a picture, empty where it is no number. `plain`: a form can change it."""

    name: str
    title: str
    type: str
    values: tuple[ValueView, ...]
    plot: str
    plain: bool
    suggestion: str


def figure_lines(program: Program, today: dt.date, words: str, lang: Lang) -> list[FigureLine]:
    """The figures whose name or title holds some words."""
    say, wanted = Words(program), words.strip().casefold()
    lines = []
    for parameter in program.parameters.values():
        title = parameter.title
        if wanted in f"{parameter.name} {title.zh} {title.en}".casefold():
            dated = latest_by(parameter, today)
            clause = say.citation(dated.citation).in_(lang)
            value, basis = figure_words(say, parameter, dated).in_(lang) or "—", BASIS[dated.basis].in_(lang)
            lines.append(FigureLine(parameter.name, title.in_(lang), value, str(dated.start), basis, clause))
    return lines


def figure_view(program: Program, name: str, lang: Lang) -> FigureView:
    """One figure with all its values. Raises a Problem where there is none of that name."""
    parameter = program.parameters.get(name)
    if parameter is None:
        raise Problem("not_found")
    say = Words(program)
    labels = [figure_words(say, parameter, dated).in_(lang) or "—" for dated in parameter.series]
    values = tuple(
        ValueView(
            str(dated.start), str(dated.end or ""), label, BASIS[dated.basis].in_(lang),
            say.citation(dated.citation).in_(lang), str(dated.review_by or ""), dated.note or "",
        )
        for dated, label in zip(parameter.series, labels, strict=True)
    )  # fmt: skip
    plain = not parameter.written.startswith(SPECIAL)
    known = parameter.series[-1].known
    written = (
        ""
        if known is None
        else say.value(known, parameter.written, parameter.type).in_("en").replace(",", "")
    )
    title, types = parameter.title.in_(lang), wording.group("value_types")
    return FigureView(
        name, title, types.get(parameter.written, Message(parameter.written, parameter.written)).in_(lang), values,
        plot(steps_of(parameter, labels), title), plain, written if plain else "",
    )  # fmt: skip


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
    title, amount = parameter.title, value.strip().replace(",", "").replace("，", "")
    return "\n".join((
        "overlay:",
        f"  name: draft_{parameter.name}",
        "  title:",
        f"    zh: {scalar(title.zh + '（草案）')}",
        f"    en: {scalar('Draft: ' + title.en)}",
        f"  clause: {scalar(clause.strip() or '草案 draft')}",
        "set:",
        f"  {parameter.name}: {{from: {scalar(start.strip())}, value: {scalar(amount)}}}",
        "",
    ))  # fmt: skip


def population_page(
    rules: tuple[Path, ...], overlays: Named, overlay: str, folder: Path, name: str, lang: Lang
) -> str:
    """The page of a comparison over the files of a past run. Raises RuleError where they or the overlay do not do."""
    run = run_named(folder, name)
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
        compare(before, after, same_files(run, out), lang=lang)
        return (out / PAGE).read_text("utf-8")
