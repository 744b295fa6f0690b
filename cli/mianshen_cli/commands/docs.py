"""`mianshen docs`: everything a rulebook says as a folder of pages in both languages, with a search.

In: a rulebook, overlays, cases, the texts of its documents. Out: a folder to be opened in a browser. Exit status 0.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status

_DONE = Message("已写出 {pages} 页，请打开 {index}", "{pages} pages written; open {index}")
_QUOTED = Message(
    "条文 {all} 条，其中 {quoted} 条引有原文", "{all} clauses, {quoted} of them quoted from their documents"
)


@command(
    Message(
        "把规则库写成可检索的网页（中英文）：待遇、条款、数值沿革、条文原文、体现它的案例、依据关系；不需要服务器。\n"
        "例：mianshen docs --out site",
        "Write the rulebook as searchable pages in both languages: benefits, provisions, figures over time, clauses "
        "quoted, the cases that show them, what rests on what; no server is needed.\nTry: mianshen docs --out site",
    )
)
@options.out
@options.rulebook
@options.overlay_named
@option(
    "--cases",
    "paths",
    multiple=True,
    metavar="PATH",
    words=Message(
        "案例文件或文件夹，可多次（随附的规则库默认用随附的案例）",
        "case file or folder, may be repeated (the shipped rulebook: its own cases)",
    ),
)
@option(
    "--sources",
    metavar="DIR",
    words=Message(
        "来源文件原文所在的文件夹，用来引用条文",
        "folder with the texts of the sources, to quote clauses from",
    ),
)
def docs(
    lang: Lang, out: str, rules: tuple[str, ...], overlays: tuple[str, ...], paths: tuple[str, ...], sources: str | None
) -> Status:  # fmt: skip
    from mianshen.cases.read import Programs, case_files, read_case_files
    from mianshen.docs import subject_of, write_docs
    from mianshen.shipped import shipped_rulebook

    programs = Programs(tuple(map(Path, rules)), overlays)
    programs.under(())
    folders = [Path(path) for path in paths]
    if not folders and not rules:
        folders = [folder for folder in [shipped_rulebook().parent / "cases"] if folder.is_dir()]
    cases = read_case_files(case_files(folders), Programs(programs.rules)) if folders else None
    roots = programs.rules or (shipped_rulebook(),)
    with output.progress(len(cases or ())) as advance:
        subject = subject_of(
            programs, roots, cases, folders, None if sources is None else Path(sources), advance
        )
    pages = write_docs(subject, Path(out))
    output.say(_DONE.in_(lang).format(pages=pages, index=Path(out) / "index.html"))
    if subject.documents:
        output.say(_QUOTED.in_(lang).format(all=len(subject.clauses), quoted=subject.quoted))
    return Status.DONE
