"""`mianshen lint`: everything wrong or doubtful about a rulebook.

In: folders or files, overlays. Out: one line each, and a count.
Exit status 0 nothing wrong (warnings alone too), 1 mistakes found, 2 something could not be read.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import get_args

import click

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.findings import Format, written
from mianshen_cli.wording import wording


@command
@argument("paths", nargs=-1, metavar="[PATH]...", type=Path)
@options.overlay_named
@option("--as-of", type=Day())
@option("--format", "form", type=click.Choice(get_args(Format)), default="table")
def lint(
    lang: Lang, paths: tuple[Path, ...], overlays: tuple[str, ...], as_of: dt.date | None, form: Format
) -> Status:
    from mianshen.policy.lint import UNREADABLE
    from mianshen.policy.lint import lint as findings_of
    from mianshen.rulebook import overlay_file

    findings = findings_of(paths, [overlay_file(overlay) for overlay in overlays], as_of)
    status = (
        Status.UNUSABLE if findings.unreadable else Status.FOUND if findings.count("error") else Status.DONE
    )
    if form != "table":
        for line in written(findings.diagnostics, form, lang):
            output.say(line)
        return status
    for item in findings.diagnostics:
        first, *more = item.show(lang).split("\n")
        mark = wording("lint.warning").in_(lang) if item.severity == "warning" else ""
        tell = output.complain if item.code in UNREADABLE else output.say
        tell("\n".join([first + mark, *more]))
    errors, warnings = findings.count("error"), findings.count("warning")
    counts = ((findings.files, "file"), (errors, "mistake"), (warnings, "warning"))
    of_files, of_errors, of_warnings = (output.counted(count, thing, lang) for count, thing in counts)
    output.say(wording("lint.count").in_(lang, files=of_files, errors=of_errors, warnings=of_warnings))
    return status
