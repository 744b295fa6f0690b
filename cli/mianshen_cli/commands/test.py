"""`mianshen test`: cases run over every back end, or with a proposed change on top.

In: case files or folders. Out: a summary of each file, and a table of what is not as expected.
Exit status 0 all as expected, 1 something is not, 2 a case or the rulebook cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mianshen.cases.changes import Change, Changes, changes_of
from mianshen.cases.read import CaseOf, Programs
from mianshen.cases.runs import BACK_ENDS, USUAL, Difference, Outcome, run_cases, usable
from mianshen.casework.causes import Cause
from mianshen.source import Lang
from mianshen_cli import case_arguments, options, output
from mianshen_cli.case_arguments import cases_at
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status
from mianshen_cli.render.case_results import junit_text, plain_changes, plain_outcomes
from mianshen_cli.wording import wording

_NONE = wording("test.none")


@command
@case_arguments.paths
@options.rulebook
@option("--backend", type=click.Choice(["all", *BACK_ENDS]))
@option("--overlay", "overlays", metavar="F", multiple=True)
@option("--format", "form", type=click.Choice(["table", "json", "junit"]), default="table")
@option("--junit", metavar="F")
def test(
    lang: Lang, paths: tuple[Path, ...], rules: tuple[Path, ...], backend: str | None, overlays: tuple[str, ...],
    form: str, junit: str | None,
) -> Status:  # fmt: skip
    programs = Programs(rules)
    cases = cases_at(paths, programs)
    if overlays:
        changes = changes_of(cases, programs, Programs(programs.rules, overlays))
        if form == "json":
            output.say(output.json_text(plain_changes(changes)))
            return Status.FOUND if changes.changes else Status.DONE
        return _changes(lang, cases, changes)
    back_ends = usable([name for name in BACK_ENDS if backend in ("all", name)] if backend else USUAL)
    with output.progress(len(cases)) as advance:
        outcomes = run_cases(cases, programs, back_ends, advance)
    if junit is not None:
        Path(junit).write_text(junit_text(outcomes, lang), "utf-8")
    if form == "table":
        return _outcomes(lang, outcomes)
    output.say(junit_text(outcomes, lang) if form == "junit" else output.json_text(plain_outcomes(outcomes)))
    return Status.FOUND if _failed(outcomes) else Status.DONE


# -- as expected or not ------------------------------------------------------------------------------


def _outcomes(lang: Lang, outcomes: Sequence[Outcome]) -> Status:
    files: dict[Path, list[Outcome]] = {}
    for outcome in outcomes:
        files.setdefault(outcome.case.file, []).append(outcome)
    rows = [(str(file), str(len(part)), str(_failed(part) or "")) for file, part in files.items()]
    output.say(output.table(wording.heads("test.files", lang), rows, right=[1, 2]))
    differences = [difference for outcome in outcomes for difference in outcome.differences]
    if differences:
        output.say()
        output.say(
            output.table(
                wording.heads("test.differences", lang),
                [_difference(difference, lang) for difference in differences],
            )
        )
    output.say()
    output.say(
        wording("test.total").in_(
            lang, cases=output.counted(len(outcomes), "case", lang), failed=_failed(outcomes)
        )
    )
    scripted = sum("duckdb" in outcome.answers for outcome in outcomes)
    if scripted:
        output.say(wording("test.scripted").in_(lang, count=scripted))
    return Status.FOUND if differences else Status.DONE


def _failed(outcomes: Sequence[Outcome]) -> int:
    return sum(bool(outcome.differences) for outcome in outcomes)


def _difference(difference: Difference, lang: Lang) -> tuple[str, ...]:
    expected = difference.expected
    if difference.against is not None:
        expected = wording("test.against").in_(lang, one=difference.against, expected=expected)
    return (
        difference.case.label,
        difference.what,
        expected or _NONE.in_(lang),
        difference.got or _NONE.in_(lang),
        difference.back_end,
        difference.by,
    )


# -- with a change on top ----------------------------------------------------------------------------


def _changes(lang: Lang, cases: list[CaseOf], changes: Changes) -> Status:
    if changes.changes:
        output.say(
            output.table(wording.heads("test.changes", lang), [_change(item) for item in changes.changes])
        )
        output.say()
    for cause in dict.fromkeys(cause for item in changes.changes for cause in item.causes):
        if cause.kind == "provision" and cause.before and cause.after:
            words = {"name": cause.name, "before": cause.before, "after": cause.after}
            output.say(wording("test.wording").in_(lang, **words))
    if changes.left_out:
        output.say(
            wording("test.left_out").in_(lang, names=", ".join(case.label for case in changes.left_out))
        )
    touched = {id(item.case) for item in changes.changes}
    many = output.counted(len(changes.changes), "expectation", lang)
    tried = output.counted(len(cases) - len(changes.left_out), "case", lang)
    output.say(wording("test.changed").in_(lang, cases=tried, changed=len(touched), many=many))
    return Status.FOUND if changes.changes else Status.DONE


def _change(change: Change) -> tuple[str, ...]:
    return (
        change.case.label,
        change.what,
        change.expected,
        change.before,
        change.after,
        "; ".join(map(_cause, change.causes)),
    )


def _cause(cause: Cause) -> str:
    if cause.kind == "figure":
        return f"{cause.name}: {cause.before} -> {cause.after}"
    sign = "+" if not cause.before else "-" if not cause.after else "~"
    return f"{sign}{cause.name}"
