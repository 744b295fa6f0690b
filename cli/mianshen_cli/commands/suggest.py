"""`mianshen suggest`: cases for what no case notices or goes through, with what the rules give, to be confirmed.

In: case files or folders, a rulebook, overlays. Out: a case file, or JSON. With `--confirm F`: each case of such a file
shown, and kept, left out or left for later by one key.
Exit status 0 nothing to suggest, 1 something is suggested, 2 a case or the rulebook cannot be read.
"""

from __future__ import annotations

import os
from itertools import chain, islice
from pathlib import Path

from mianshen.cases.read import Programs
from mianshen.policy.case_coverage import coverage_of
from mianshen.policy.case_text import Answer, case_file, confirmed
from mianshen.policy.mutation import Setup, run_campaign
from mianshen.policy.suggestions import SAMPLE, Suggesting, Suggestion
from mianshen.source import Lang
from mianshen_cli import case_arguments, options, output
from mianshen_cli.case_arguments import cases_at, files_at
from mianshen_cli.click_commands import Whole, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.progress import bar
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_PRESENT = wording("suggest.present")


@command
@case_arguments.paths
@options.rules
@option("--out", metavar="F")
@option("--confirm", metavar="F")
@option("--sample", type=Whole(1, 1_000_000), default=SAMPLE)
@option("--most", type=Whole(1, 100_000), default=100)
@option("--journal", metavar="F")
@options.jobs
@options.form
def suggest(
    lang: Lang, paths: tuple[Path, ...], rules: tuple[Path, ...], overlays: tuple[str, ...], out: str | None,
    confirm: str | None, sample: int, most: int, journal: str | None, jobs: int | None, form: str,
) -> Status:  # fmt: skip
    if confirm is not None:
        return _confirm(lang, Path(confirm))
    if out is not None and Path(out).exists():
        raise Refused(_PRESENT.filled(file=out))
    suggestions, rest = _suggestions(paths, rules, overlays, sample, most, journal, jobs)
    if rest:
        output.complain(wording("suggest.more").in_(lang, count=rest, most=most))
    if form == "json":
        output.say(output.json_text([_plain(suggestion, n) for n, suggestion in enumerate(suggestions, 1)]))
    elif not suggestions:
        output.say(wording("suggest.nothing").in_(lang))
    elif out is None:
        output.say(case_file(suggestions))
    else:
        Path(out).write_text(case_file(suggestions), "utf-8")
        output.say_folded(wording("suggest.written").in_(lang, file=out, count=len(suggestions)))
    return Status.FOUND if suggestions else Status.DONE


def _suggestions(
    paths: tuple[Path, ...], rules: tuple[Path, ...], overlays: tuple[str, ...], sample: int, most: int,
    journal: str | None, jobs: int | None,
) -> tuple[list[Suggestion], int]:  # fmt: skip
    """For the mutants that survive, and then for what is still gone through by none; how many were not looked at."""
    roots = rules
    programs = Programs(roots, overlays)
    cases = cases_at(paths, Programs(roots))
    points = [point for point in coverage_of(cases, programs).uncovered if point.part != "unknown_paths"]
    files = tuple(files_at(paths))
    with bar() as advance:
        survivors = run_campaign(
            Setup(files, roots, overlays),
            jobs or os.cpu_count() or 1,
            None if journal is None else Path(journal),
            advance,
        ).survivors
    places = len(survivors) + len(points)
    done = 0

    with bar() as advance:

        def one_more(count: int) -> None:
            nonlocal done
            done += count
            advance(sample + places, count)

        seeking = Suggesting(programs.under(()), sample, one_more)
        suggestions = [*islice(chain(seeking.for_mutants(survivors), seeking.for_points(points)), most)]
    return suggestions, sample + places - done


def _plain(suggestion: Suggestion, number: int) -> output.Plain:
    return {
        "for": suggestion.reason, "where": str(suggestion.span),
        "clause": suggestion.clause.plain,
        "case": suggestion.case(f"suggested_{number}"),
    }  # fmt: skip


def _confirm(lang: Lang, file: Path) -> Status:
    """Each case of the file asked about; what is confirmed loses its mark, what is refused is taken out."""
    text = file.read_text("utf-8")
    undecided = 0

    def ask(block: str) -> Answer:
        nonlocal undecided
        output.say(block)
        match (output.hear(wording("suggest.ask").in_(lang)) or "").strip().lower():
            case "y":
                return "confirm"
            case "n":
                return "refuse"
            case _:
                undecided += 1
                return "later"

    file.write_text(confirmed(text, ask), "utf-8")
    return Status.FOUND if undecided else Status.DONE
