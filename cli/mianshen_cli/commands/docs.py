"""`mianshen docs`: everything a rulebook says as a folder of pages in both languages, with a search.

In: a rulebook, overlays, cases, the texts of its documents. Out: a folder to be opened in a browser. Exit status 0.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status
from mianshen_cli.wording import wording


@command
@options.out
@options.rules
@option("--cases", "paths", multiple=True, metavar="PATH", type=Path)
@option("--sources", metavar="DIR", type=Path)
def docs(
    lang: Lang, out: Path, rules: tuple[Path, ...], overlays: tuple[str, ...], paths: tuple[Path, ...], sources: Path | None
) -> Status:  # fmt: skip
    from mianshen.cases.read import Programs, case_files, read_case_files
    from mianshen.docs import subject_of, write_docs
    from mianshen.shipped import shipped_cases, shipped_rulebook

    programs = Programs(rules, overlays)
    programs.under(())
    folders = list(paths)
    if not folders and not rules:
        folders = [*filter(None, [shipped_cases()])]
    cases = read_case_files(case_files(folders), Programs(programs.rules)) if folders else None
    roots = programs.rules or (shipped_rulebook(),)
    with output.progress(len(cases or ())) as advance:
        subject = subject_of(programs, roots, cases, folders, sources, advance)
    pages = write_docs(subject, out)
    output.say(wording("docs.done").in_(lang, pages=pages, index=out / "index.html"))
    if subject.documents:
        output.say(wording("docs.quoted").in_(lang, all=len(subject.clauses), quoted=subject.quoted))
    return Status.DONE
