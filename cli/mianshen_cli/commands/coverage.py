"""`mianshen coverage`: which provisions, table rows, lines and unknown paths the cases try.

In: case files or folders, a rulebook, overlays. Out: a count of each part, and what no case goes through.
Exit status 0 nothing uncovered, or every threshold reached; 1 something is uncovered, or a threshold missed; 2 a case
or the rulebook cannot be read.
"""

from __future__ import annotations

import re
from pathlib import Path

from mianshen.cases.read import Programs
from mianshen.policy.case_coverage import PART_TITLES, PARTS, CaseCoverage, Part, Uncovered, coverage_of
from mianshen.source import Lang
from mianshen_cli import case_arguments, options, output
from mianshen_cli.case_arguments import cases_at, place
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_THRESHOLD = re.compile(r"([a-z_]+)=([0-9]{1,3}(?:\.[0-9]{1,6})?)%?")
_BAD = wording("coverage.bad")
_MISSED = wording("coverage.missed")
_LEFT_OUT = wording("coverage.left_out")


@command
@case_arguments.paths
@options.rules
@option("--at-least", "thresholds", multiple=True, metavar="PART=PERCENT")
@options.form
def coverage(
    lang: Lang, paths: tuple[Path, ...], rules: tuple[Path, ...], overlays: tuple[str, ...],
    thresholds: tuple[str, ...], form: str,
) -> Status:  # fmt: skip
    least = dict(map(_threshold, thresholds))
    programs = Programs(rules, overlays)
    cases = cases_at(paths, Programs(programs.rules))
    with output.progress(len(cases)) as advance:
        result = coverage_of(cases, programs, advance)
    if form == "json":
        output.say(output.json_text(_plain(result)))
    else:
        _table(result, lang)
    missed = [part for part, percent in least.items() if not _reaches(result, part, percent)]
    for part in missed:
        count = result.counts[part]
        words = {
            "part": PART_TITLES[part].in_(lang),
            "covered": count.covered,
            "all": count.all,
            "least": least[part],
        }
        output.complain(_MISSED.in_(lang, **words))
    return Status.FOUND if missed or (result.uncovered and not least) else Status.DONE


def _threshold(text: str) -> tuple[Part, str]:
    match = _THRESHOLD.fullmatch(text)
    part = next((part for part in PARTS if match is not None and match[1] == part), None)
    if match is None or part is None:
        names = {"parts": ", ".join(PARTS)}
        raise Refused(_BAD.filled(**names))
    return part, match[2]


def _reaches(result: CaseCoverage, part: Part, percent: str) -> bool:
    from decimal import Decimal

    count = result.counts[part]
    return 100 * count.covered >= Decimal(percent) * count.all


def _plain(result: CaseCoverage) -> output.Plain:
    counts: dict[str, output.Plain] = {
        part: {"covered": count.covered, "all": count.all} for part, count in result.counts.items()
    }
    return {**counts, "uncovered": [_plain_point(point) for point in result.uncovered],
            "left_out": [str(case) for case in result.left_out]}  # fmt: skip


def _plain_point(point: Uncovered) -> output.Plain:
    return {
        "part": point.part, "name": point.name, "what": point.what, "where": str(point.span),
        "clause": point.clause.plain,
    }  # fmt: skip


def _table(result: CaseCoverage, lang: Lang) -> None:
    rows = [(PART_TITLES[part].in_(lang), str(c.covered), str(c.all)) for part, c in result.counts.items()]
    output.say(output.table(wording.heads("coverage.heads", lang), rows, right=[1, 2]))
    for part in PARTS:
        points = [point for point in result.uncovered if point.part == part]
        if points:
            output.say(f"\n{PART_TITLES[part].in_(lang)}")
            cells = [(place(p.span), p.name, p.what, str(p.clause)) for p in points]
            output.say(output.table(wording.heads("coverage.uncovered", lang), cells))
    if result.left_out:
        output.say_folded(_LEFT_OUT.in_(lang, names=", ".join(map(str, result.left_out))))
