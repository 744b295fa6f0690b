"""Warnings that a comment beside them says to ignore: `# lint: ignore E375 because the law says so`.

In: what was found, the files looked at. Out: what is left. Mistakes are never ignored; an ignore without a reason, and
one that ignores nothing, are warnings themselves. A comment counts for its own line and, alone on a line, for the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mianshen import catalogue
from mianshen.source import Diagnostic, Span

_IGNORE: Final = re.compile(
    r"#[ \t]*lint:[ \t]*ignore[ \t]+(?P<codes>E\d{3}(?:[ \t,]+E\d{3})*)(?P<reason>[ \t]+because[ \t]+\S.*)?"
)


@dataclass(slots=True)
class Ignore:
    """One comment: where it stands, which lines it is for, what it ignores."""

    span: Span
    lines: frozenset[int]
    codes: tuple[str, ...]
    reason: bool
    used: set[str] = field(default_factory=set)


def unless_ignored(reported: Iterable[Diagnostic], files: Iterable[str]) -> Iterator[Diagnostic]:
    """The diagnostics that are not ignored, and those of the ignoring comments."""
    ignores = {file: _of(file) for file in files}
    for diagnostic in reported:
        matching = [
            ignore
            for ignore in ignores.get(diagnostic.span.file, ())
            if diagnostic.severity == "warning"
            and diagnostic.span.line in ignore.lines
            and diagnostic.code in ignore.codes
        ]
        for ignore in matching:
            ignore.used.add(diagnostic.code)
        if not matching:
            yield diagnostic
    for ignore in (ignore for among in ignores.values() for ignore in among):
        if not ignore.reason:
            yield catalogue.diagnostic(
                "E376.ignored_without_reason", ignore.span, codes=", ".join(ignore.codes)
            )
        idle = [code for code in ignore.codes if code not in ignore.used]
        if idle:
            yield catalogue.diagnostic("E376.ignores_nothing", ignore.span, codes=", ".join(idle))


def _of(file: str) -> list[Ignore]:
    """The comments of a file."""
    try:
        lines = Path(file).read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
    ignores = []
    for number, line in enumerate(lines, 1):
        match = _IGNORE.search(line)
        if match is not None:
            alone = not line[: match.start()].strip()
            codes = tuple(re.findall(r"E\d{3}", match["codes"]))
            span = Span(file, number, match.start() + 1)
            ignores.append(Ignore(span, frozenset((number, number + alone)), codes, bool(match["reason"])))
    return ignores
