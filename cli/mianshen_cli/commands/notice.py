"""`mianshen notice`: one answer about one person as a printable notice.

In: a record, what is asked about. Out: an HTML page or a PDF. Exit status 0 written, whatever the
answer; 2 a file cannot be read or the record has no such thing.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from mianshen.source import Lang, Message, RuleError
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.session import Desk, refuse_replacing, rule_files

_DONE = Message("告知书已写入 {out}", "The notice is in {out}")


@command(
    Message(
        "把一项核定结果写成可打印的告知书（HTML 或 PDF）：结论、逐项金额、依据、所用数值及出处、缺少的事项。\n"
        "例：mianshen notice 核定材料.yaml --benefit illness_poverty_aid --out 告知书.pdf",
        "Write one decision as a printable notice (HTML or PDF): the answer, amounts layer by layer, clauses, "
        "every figure with its source, what is missing.\n"
        "Try: mianshen notice record.yaml --benefit illness_poverty_aid --out notice.pdf",
    )
)
@argument("file", metavar="FILE", words=Message("核定材料文件（YAML 或 JSON）", "record file: YAML or JSON"))
@option("--benefit", metavar="B", words=Message("告知哪一项待遇", "the benefit to tell about"))
@option(
    "--claim", metavar="ID", words=Message("告知哪一笔费用的核定", "the claim to tell about, layer by layer")
)
@option("--case", metavar="NAME", words=Message("文件中的哪一例", "the case of that name in the file"))
@options.record_day
@options.rulebook
@options.change
@option(
    "--out",
    required=True,
    metavar="F.html|F.pdf",
    words=Message("写到哪个文件，.html 或 .pdf（必填）", "file to write, .html or .pdf (required)"),
)
def notice(
    lang: Lang, file: str, benefit: str | None, claim: str | None, case: str | None, as_of: dt.date | None,
    rules: tuple[str, ...], overlays: tuple[str, ...], out: str,
) -> Status:  # fmt: skip
    from mianshen.casework.notice import Subject, diagnostics, notice_of, write_notice
    from mianshen.casework.notice.paper import refuse_unfit

    refuse_replacing(Path(out), [Path(file), *rule_files(rules, overlays)])
    refuse_unfit(Path(out))
    desk = Desk(tuple(map(Path, rules)), overlays, as_of)
    read = desk.read([Path(file)], case)
    if len(read) > 1:
        raise RuleError([diagnostics.several_records(file, len(read))])
    answer = desk.answer(read[0])
    for diagnostic in read[0].record.rejects:
        output.complain(diagnostic.show(lang))
    notice = notice_of(answer.checker, answer.checked, Subject(benefit, claim, file), lang)
    write_notice(notice, Path(out))
    output.say(_DONE.in_(lang).format(out=out))
    return Status.FOUND if read[0].record.rejects else Status.DONE
