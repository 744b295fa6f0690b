"""`mianshen compare`: what another rule would do, over cases or a population, before it is law.

In: overlays, or another rulebook; cases, or files of records and a day. Out: a folder with `compare.json`,
`changes.parquet` and `report.html`, and a page of summary. Exit status 0 nothing changes, 1
something does or a record is rejected and so not compared, 2 unusable.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, Whole, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.progress import Progress
from mianshen_cli.session import check_replaces_no_input, rule_files
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

STAGES = wording.group("compare.stages")


@command
@options.overlay
@option("--to", metavar="PATH", type=Path)
@option("--cases", multiple=True, metavar="PATH", type=Path)
@option("--run", "earlier", metavar="DIR", type=Path)
@options.record_files()
@option("--as-of", type=Day())
@options.out
@options.one_rulebook
@options.encoding
@option("--mapping", metavar="F|NAME")
@options.threads
@options.yes
@option("--resettle", is_flag=True)
@option("--notices", is_flag=True)
@option("--sample-of", type=Whole(2), metavar="N")
@option("--statement", metavar="F", type=Path)
@option("--weights", metavar="COLUMN")
@options.form
def compare(
    lang: Lang, overlay: tuple[str, ...], to: Path | None, cases: tuple[Path, ...], earlier: Path | None,
    records: dict[str, tuple[str, ...]], as_of: dt.date | None, out: Path, rules: tuple[Path, ...], encoding: str | None,
    mapping: str | None, threads: int | None, yes: bool, resettle: bool, notices: bool, sample_of: int | None,
    statement: Path | None, weights: str | None, form: str,
) -> Status:  # fmt: skip
    from mianshen.batch.request import Request

    beside = statement is not None and bool(records)
    _check_options(
        bool(overlay) or to is not None, (bool(cases) and not beside, bool(records), bool(earlier)), as_of
    )
    if weights is not None and not records:
        raise Refused(wording("compare.weights"))
    if statement is not None:
        check_replaces_no_input(statement, [*rule_files(rules, overlay), *cases])
    other = rules if to is None else (to,)
    resettling: Literal["lists", "notices"] | None = "notices" if notices else "lists" if resettle else None
    digests = statement is not None
    if cases and not beside:
        comparison = _over_cases(lang, rules, other, overlay, cases, out)
    elif earlier is not None:
        comparison = _since(lang, earlier, other, overlay, out, threads, resettling, digests)
    else:
        assert as_of is not None
        request = Request(records, as_of, out, threads, None, encoding, mapping=mapping, yes=yes)
        comparison = _over_files(
            lang, rules, other, overlay, request, resettling, sample_of, digests, weights
        )
    content = comparison.content()
    if statement is not None:
        _state(statement, comparison, content, rules, other, overlay, cases)
    if form == "json":
        output.say(output.json_text(content))
    else:
        _show(lang, comparison.program, content, out)
    return Status.FOUND if comparison.changed or comparison.rejected else Status.DONE


def _show(lang: Lang, program: Any, content: dict[str, Any], out: Path) -> None:
    """Print the page of summary, what a mapping made of the files, and where the report is."""
    from mianshen_cli.render.batch_notes import mapping_lines
    from mianshen_cli.render.impact import summary

    output.say(summary(lang, content))
    for line in mapping_lines(lang, program, content.get("mapping", {})):
        output.say_folded(line)
    output.say_folded("\n" + wording("compare.done").in_(lang, page=out / "report.html"))


def _check_options(changed: bool, over: tuple[bool, bool, bool], as_of: dt.date | None) -> None:
    """Raises where nothing is changed, or it is not said over what: cases, records with a day, or an earlier run."""
    _, records, earlier = over
    if not changed and not earlier:
        raise Refused(wording("compare.change"))
    if sum(over) != 1 or (records and as_of is None):
        raise Refused(wording("compare.either"))


def _over_files(
    lang: Lang, rules: tuple[Path, ...], to: tuple[Path, ...], overlays: tuple[str, ...], request: Any, resettling: Any,
    sample_of: int | None, digests: bool, weights: str | None,
) -> Any:  # fmt: skip
    """The comparison over files of records."""
    from mianshen.impact.compare import compare as compared
    from mianshen.rulebook import open_program

    before, after = open_program(rules), open_program(to, overlays)
    options.check_record_files(request.inputs, after)
    with Progress(lang, STAGES) as progress:
        return compared(
            before,
            after,
            request,
            progress,
            lang,
            resettling,
            sample_of=sample_of,
            digests=digests,
            weights=weights,
        )


def _since(
    lang: Lang, folder: Path, to: tuple[Path, ...], overlays: tuple[str, ...], out: Path, threads: int | None, resettling: Any,
    digests: bool,
) -> Any:  # fmt: skip
    """The comparison with an earlier run, over the files it read."""
    from mianshen.impact.compare import compare as compared
    from mianshen.impact.earlier import earlier_run
    from mianshen.rulebook import open_program

    before, request = earlier_run(folder, out, threads)
    after = open_program(to, overlays)
    with Progress(lang, STAGES) as progress:
        return compared(before, after, request, progress, lang, resettling, digests=digests)


def _over_cases(
    lang: Lang, rules: tuple[Path, ...], to: tuple[Path, ...], overlays: tuple[str, ...], cases: tuple[Path, ...], out: Path
) -> Any:  # fmt: skip
    """The comparison over cases."""
    from mianshen.cases.read import Programs
    from mianshen.impact.over_cases import compare_cases
    from mianshen_cli.case_arguments import cases_at

    before, after = Programs(rules), Programs(to, overlays)
    compared = compare_cases(cases_at(cases, before), before, after, out, lang)
    if compared.left_out:
        names = ", ".join(case.label for case in compared.left_out)
        output.complain(wording("compare.left_out").in_(lang, names=names))
    return compared.comparison


def _state(
    file: Path, comparison: Any, content: Any, rules: tuple[Path, ...], to: tuple[Path, ...], overlays: tuple[str, ...],
    paths: tuple[Path, ...],
) -> None:  # fmt: skip
    """Write the statement of a comparison; with cases, what moves in them."""
    from mianshen.batch.manifest import digest_of_file
    from mianshen.cases.changes import changes_of
    from mianshen.cases.read import Programs, case_files, read_case_files
    from mianshen.impact.statement import Statement
    from mianshen.policy.rule_diff import rule_changes

    before, after = comparison.changes.before, comparison.changes.after
    moved, digests = None, {}
    if paths:
        files = case_files(paths)
        programs = Programs(rules)
        moved = changes_of(read_case_files(files, programs), programs, Programs(to, overlays))
        digests = {case_file.name: digest_of_file(case_file) for case_file in files}
    stated = Statement(after, content, rule_changes(before, after), moved, digests)
    file.write_text(stated.html(), "utf-8")
