"""The results of cases for other programs: JSON, and the XML that CI servers know as JUnit's.

In: outcomes of cases. Out: plain values; one text of XML, a suite for each file, a failure for each case that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from mianshen.cases.changes import Changes
from mianshen.cases.runs import Difference, Outcome
from mianshen.source import Lang
from mianshen_cli.output import Plain, printable
from mianshen_cli.wording import wording

_SAID = wording("case_results.said")


def plain_outcomes(outcomes: Sequence[Outcome]) -> Plain:
    """How many cases there are, and every difference."""
    differences = [difference for outcome in outcomes for difference in outcome.differences]
    return {
        "cases": len(outcomes),
        "failed": sum(bool(outcome.differences) for outcome in outcomes),
        "differences": [
            {
                "case": difference.case.name, "file": str(difference.case.file), "where": str(difference.case.span),
                "what": difference.what, "expected": difference.expected, "got": difference.got,
                "back_end": difference.back_end, "against": difference.against, "by": difference.by,
            }
            for difference in differences
        ],
    }  # fmt: skip


def plain_changes(changes: Changes) -> Plain:
    """Every expectation that a proposed change moves, with what is responsible."""
    return {
        "changes": [
            {
                "case": change.case.name, "file": str(change.case.file), "what": change.what,
                "expected": change.expected, "before": change.before, "after": change.after,
                "causes": [
                    {"kind": cause.kind, "name": cause.name, "before": cause.before, "after": cause.after}
                    for cause in change.causes
                ],
            }
            for change in changes.changes
        ],
        "left_out": [str(case) for case in changes.left_out],
    }  # fmt: skip


def junit_text(outcomes: Sequence[Outcome], lang: Lang) -> str:
    """The outcomes as a report of JUnit's."""
    failed = sum(bool(outcome.differences) for outcome in outcomes)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="mianshen" tests="{len(outcomes)}" failures="{failed}" errors="0">',
    ]
    for file, group in groupby(outcomes, key=lambda outcome: outcome.case.file):
        part = list(group)
        wrong = sum(bool(outcome.differences) for outcome in part)
        lines.append(
            f'  <testsuite name={_quoted(str(file))} tests="{len(part)}" failures="{wrong}" errors="0">'
        )
        for outcome in part:
            lines += _case(outcome, lang)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"])


def _case(outcome: Outcome, lang: Lang) -> list[str]:
    case = outcome.case
    start = f"    <testcase classname={_quoted(case.file.stem)} name={_quoted(case.name)} file={_quoted(str(case.file))}"
    start += f' line="{case.span.line}"'
    if not outcome.differences:
        return [start + "/>"]
    said = [_said(difference, lang) for difference in outcome.differences]
    body = escape(printable(" | ".join(said)))
    return [start + ">", f"      <failure message={_quoted(said[0])}>{body}</failure>", "    </testcase>"]


def _said(difference: Difference, lang: Lang) -> str:
    return _SAID.in_(
        lang,
        what=difference.what,
        expected=difference.expected or "-",
        got=difference.got or "-",
        back_end=difference.back_end,
    )


def _quoted(text: str) -> str:
    """An attribute's value."""
    return quoteattr(printable(text))
