"""`mianshen columns`: how each column of a file would be read, before any run.

In: a file. Out: a table, a line a column; what would be refused. Exit status 0; 1 where a column is unknown, missing or
cannot be read, or cells would be refused; 2 where the file cannot be read.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.ingest.column_survey import ColumnSurvey, FileSurvey

_WITHHELD = wording("columns.withheld")
_ABOUT = wording("columns.about")
_MISSING = wording("columns.missing")


@command
@argument("file", metavar="FILE")
@option("--entity", metavar="NAME")  # fmt: skip
@options.encoding
@option("--mapping", metavar="F")
@option("--as-of", type=Day())
@options.one_rules
def columns(
    lang: Lang, file: str, entity: str | None, encoding: str | None, mapping: str | None, as_of: dt.date | None,
    rules: tuple[Path, ...], overlay: tuple[str, ...],
) -> Status:  # fmt: skip
    from mianshen.ingest.column_survey import survey
    from mianshen.rulebook import open_program

    program = open_program(rules, overlay)
    options.check_entities(filter(None, [entity]), program)
    about = survey(program, file, entity, encoding, mapping, as_of or today())
    output.say(
        output.table(wording.heads("columns.heads", lang), [_row(c, lang) for c in about.columns], right={5})
    )
    title = f"{about.entity.title.in_(lang)} ({about.entity.name})"
    output.say("\n" + _ABOUT.in_(lang, rows=f"{about.rows:,}", title=title, encoding=about.encoding))
    for line in _problems(about, lang):
        output.say(line)
    wrong = about.missing or any(c.problem or c.refused for c in about.columns)
    return Status.FOUND if wrong else Status.DONE


def _row(column: ColumnSurvey, lang: Lang) -> list[str]:
    fact = column.fact
    if fact is None:
        return [column.written, "—", "", "", column.type, "", ""]
    shape = _WITHHELD.in_(lang) if fact.personal else column.shape or ""
    written = column.type if column.type != "VARCHAR" else shape
    empty = f"{100 * column.empty / column.cells:.0f}%" if column.cells else ""
    colon, then = ("：", "；") if lang == "zh" else (": ", "; ")
    counts = _by_reason(column).items()
    refused = then.join(f"{_reason(code, lang)}{colon}{count:,}" for code, count in counts)
    return [column.written, fact.name, fact.title.in_(lang), fact.written, written, empty, refused]


def _by_reason(column: ColumnSurvey) -> dict[str, int]:
    counts: dict[str, int] = {}
    for refusal, count in column.refused:
        counts[refusal.reason] = counts.get(refusal.reason, 0) + count
    return counts


def _reason(code: str, lang: Lang) -> str:
    """Why cells are refused, in words."""
    from mianshen.past_runs.report.phrases import REASONS

    return REASONS[code].in_(lang) if code in REASONS else code


def _problems(about: FileSurvey, lang: Lang) -> list[str]:
    """What is to be done before a run, a line each."""
    lines = [doubt.show(lang) for doubt in about.doubts]
    lines += [column.problem.show(lang) for column in about.columns if column.problem is not None]
    for column in about.columns:
        if column.refused:
            refusal, _ = column.refused[0]
            if refusal.hint is not None:
                why = f"{_reason(refusal.reason, lang)}{'。' if lang == 'zh' else '. '}"
                lines.append(f"{column.written}: {why}{refusal.hint.in_(lang)}")
    if about.missing:
        lines.append(_MISSING.in_(lang, names=", ".join(fact.name for fact in about.missing)))
    return lines
