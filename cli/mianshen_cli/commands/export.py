"""`mianshen export`: figures, decision tables and code lists as a workbook; decisions as a DMN model.

In: a rulebook, names of entries. Out: a workbook, a DMN file with what it does not carry. Exit status 0 written, 2 a name
or rulebook cannot be used.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.session import refuse_replacing, rule_files
from mianshen_cli.usage_errors import Refused

_NOWHERE = Message(
    "请用 --xlsx 或 --dmn 指明要写的文件，只用其一",
    "name the file to write with --xlsx or --dmn, one of them",
)
_ENDING = Message("{out} 应以 {ending} 结尾", "{out} has to end in {ending}")
_SHEETS = Message("{out}：{count} 张工作表", "{out}; sheets: {count}")
_DECISIONS = Message("{out}：{count} 个决策和函数", "{out}: {count} decisions and functions")


@command(
    Message(
        "把参数、分段比例、数据表、决策表和代码表写成电子表格，供不写 YAML 的同事修改；"
        "或把决定写成 DMN 模型，并列出带不出的内容。mianshen import 读回。\n例：mianshen export --xlsx 规则.xlsx",
        "Write figures, scales, tables of data, decision tables and code lists to a workbook that can be edited without "
        "YAML, or decisions to a DMN model, with a list of what it cannot carry. mianshen import reads both back.\n"
        "Try: mianshen export --xlsx rules.xlsx",
    )
)
@argument(
    "names",
    nargs=-1,
    metavar="[NAME]...",
    words=Message(
        "只导出这些名称（--dmn：决定及其依据；默认全部）",
        "only these (--dmn: decisions and what they rest on; default: all)",
    ),
)
@option("--xlsx", metavar="F", words=Message("写成的工作簿", "the workbook to write"))
@option("--dmn", metavar="F", words=Message("写成的 DMN 1.3 模型", "the DMN 1.3 model to write"))
@options.rulebook
@options.overlay_named
@options.form
def export(
    lang: Lang, names: tuple[str, ...], xlsx: str | None, dmn: str | None, rules: tuple[str, ...],
    overlays: tuple[str, ...], form: str,
) -> Status:  # fmt: skip
    from mianshen.exchange import Loss, export_model, export_workbook
    from mianshen.rulebook import overlay_file
    from mianshen_cli.render.losses import losses_table, plain_losses

    if (xlsx is None) == (dmn is None):
        raise Refused(_NOWHERE)
    ending, out = (".xlsx", xlsx) if xlsx is not None else (".dmn", dmn)
    assert out is not None
    if not out.lower().endswith(ending):
        raise Refused(Message(*(words.format(out=out, ending=ending) for words in (_ENDING.zh, _ENDING.en))))
    refuse_replacing(Path(out), rule_files(rules, overlays))
    files, applied = rule_files(rules, ()), [overlay_file(one) for one in overlays]
    losses: tuple[Loss, ...] = ()
    if xlsx is not None:
        count = export_workbook(files, applied, names, Path(out))
    else:
        count, losses = export_model(files, applied, names, Path(out))
    if form == "json":
        output.say(output.json_text({"file": out, "written": count, "not_carried": plain_losses(losses)}))
        return Status.DONE
    if losses:
        output.say(losses_table(losses, lang))
    output.say((_SHEETS if xlsx is not None else _DECISIONS).in_(lang).format(out=out, count=count))
    return Status.DONE
