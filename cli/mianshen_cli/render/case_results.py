"""The results of cases for other programs: JSON, and the XML that CI servers know as JUnit's.

In: outcomes of cases. Out: plain values; one text of XML, a suite for each file, a failure for each case that differs.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

from mianshen.cases.changes import Changes
from mianshen.cases.runs import Difference, Outcome
from mianshen.source import Lang
from mianshen_cli.output import Plain, printable
from mianshen_cli.wording import wording


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
                "causes": [asdict(cause) for cause in change.causes],
            }
            for change in changes.changes
        ],
        "left_out": [str(case) for case in changes.left_out],
    }  # fmt: skip


def junit_text(outcomes: Sequence[Outcome], lang: Lang) -> str:
    """The outcomes as a report of JUnit's."""
    root = ET.Element("testsuites", {"name": "mianshen", **_counts(outcomes)})
    for file, group in groupby(outcomes, key=lambda outcome: outcome.case.file):
        part = list(group)
        suite = ET.SubElement(root, "testsuite", {"name": printable(str(file)), **_counts(part)})
        for case, differences in ((outcome.case, outcome.differences) for outcome in part):
            names = {"classname": printable(file.stem), "name": case.name, "file": printable(str(file))}
            entry = ET.SubElement(suite, "testcase", {**names, "line": str(case.span.line)})
            if differences:
                texts = [printable(_said(difference, lang)) for difference in differences]
                ET.SubElement(entry, "failure", message=texts[0]).text = " | ".join(texts)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _counts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    failed = sum(bool(outcome.differences) for outcome in outcomes)
    return {"tests": str(len(outcomes)), "failures": str(failed), "errors": "0"}


def _said(difference: Difference, lang: Lang) -> str:
    return wording("case_results.said").in_(
        lang,
        what=difference.what,
        expected=difference.expected or "-",
        got=difference.got or "-",
        back_end=difference.back_end,
    )
