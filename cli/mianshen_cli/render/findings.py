"""What lint found, for other programs: JSON, SARIF 2.1.0, and the annotations of GitHub's workflows.

In: diagnostics. Out: lines of text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias, assert_never

from mianshen.source import Diagnostic, Lang, Span
from mianshen.version import __version__

Format: TypeAlias = Literal["table", "json", "sarif", "github"]
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def written(
    findings: Sequence[Diagnostic], form: Literal["json", "sarif", "github"], lang: Lang
) -> Iterator[str]:
    """The findings in a format for other programs."""
    match form:
        case "json":
            yield json.dumps([_plain(finding) for finding in findings], ensure_ascii=False, indent=2)
        case "sarif":
            yield json.dumps(_sarif(findings, lang), ensure_ascii=False, indent=2)
        case "github":
            yield from (_annotation(finding, lang) for finding in findings)
        case _:
            assert_never(form)


def _plain(finding: Diagnostic) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        **_place(finding.span),
        "what": finding.what.plain,
        "fix": finding.fix.plain,
        "also": [{**_place(span), "note": note.plain} for span, note in finding.also],
    }


def _place(span: Span) -> dict[str, Any]:
    return {"file": span.file, "line": span.line, "column": span.column}


def _sarif(findings: Sequence[Diagnostic], lang: Lang) -> dict[str, Any]:
    codes = sorted({finding.code for finding in findings})
    driver = {"name": "mianshen", "version": __version__, "rules": [{"id": code} for code in codes]}
    results = [
        {
            "ruleId": finding.code,
            "level": finding.severity,
            "message": {"text": finding.sentences(lang)},
            "locations": [_location(finding.span)],
            "relatedLocations": [
                {**_location(span), "message": {"text": note.in_(lang)}} for span, note in finding.also
            ],
        }
        for finding in findings
    ]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": max(1, span.line), "startColumn": max(1, span.column)}
    return {"physicalLocation": {"artifactLocation": {"uri": span.file}, "region": region}}


def _annotation(finding: Diagnostic, lang: Lang) -> str:
    span = finding.span
    place = ",".join(
        f"{key}={_escaped(value, inside=True)}"
        for key, value in (
            ("file", span.file),
            ("line", span.line),
            ("col", span.column),
            ("title", finding.code),
        )
    )
    return f"::{finding.severity} {place}::{_escaped(finding.sentences(lang))}"


def _escaped(value: object, inside: bool = False) -> str:
    """A value in an annotation, of which the signs that end it are written otherwise."""
    text = str(value).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if inside else text
