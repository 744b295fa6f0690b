"""`mianshen notice`: one answer about one person as a printable notice.

In: a record, what is asked about. Out: an HTML page or a PDF. Exit status 0 written, whatever the
answer; 2 a file cannot be read or the record has no such thing.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from mianshen.program.titles import name_of
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
@option(
    "--office",
    metavar="F.yaml",
    words=Message(
        "机关的落款文件：名称、文号格式、联系方式、救济途径；给出时告知书写明姓名和遮盖后的证件号码",
        "the issuing office's file: its name, how it numbers, contact, remedies; the person's name and masked number "
        "then stand on the notice",
    ),
)
@option(
    "--number",
    "serial",
    default="",
    metavar="N",
    words=Message("文号中的序号", "this notice's serial number"),
)
def notice(
    lang: Lang, file: str, benefit: str | None, claim: str | None, case: str | None, as_of: dt.date | None,
    rules: tuple[str, ...], overlays: tuple[str, ...], out: str, office: str | None, serial: str,
) -> Status:  # fmt: skip
    from mianshen.casework.notice import (
        Subject,
        diagnostics,
        letterhead,
        notice_of,
        read_office,
        write_notice,
    )
    from mianshen.casework.notice.paper import refuse_unfit

    refuse_replacing(
        Path(out), [Path(file), *([] if office is None else [Path(office)]), *rule_files(rules, overlays)]
    )
    refuse_unfit(Path(out))
    issuer = None if office is None else read_office(Path(office))
    desk = Desk(tuple(map(Path, rules)), overlays, as_of)
    read = desk.read([Path(file)], case)
    if len(read) > 1:
        raise RuleError([diagnostics.several_records(file, len(read))])
    answer = desk.answer(read[0])
    for diagnostic in read[0].record.rejects:
        output.complain(diagnostic.show(lang))
    program, person = answer.checker.program, answer.checked.case.person
    head = None if issuer is None else letterhead(issuer, program, person, serial, desk.today, lang)
    named = None if benefit is None else name_of(benefit, program.benefits)
    notice = notice_of(answer.checker, answer.checked, Subject(named, claim, file), lang, head)
    write_notice(notice, Path(out))
    output.say(_DONE.in_(lang).format(out=out))
    return Status.FOUND if read[0].record.rejects else Status.DONE
