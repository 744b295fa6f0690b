"""`mianshen export`: figures, decision tables and code lists for whoever edits them without YAML.

In: a rulebook, names of entries. Out: a workbook. Exit status 0 written, 2 a name or rulebook cannot be used.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.session import refuse_replacing, rule_files
from mianshen_cli.usage_errors import Refused

_NOWHERE = Message("请用 --xlsx 指明要写的文件", "name the file to write with --xlsx")
_ENDING = Message("{out} 应以 .xlsx 结尾", "{out} has to end in .xlsx")
_WRITTEN = Message("{out}：{count} 张工作表", "{out}: {count} sheets")


@command(
    Message(
        "把参数、分段比例、数据表、决策表和代码表写成电子表格，供不写 YAML 的同事修改；mianshen import 读回。\n"
        "例：mianshen export --xlsx 规则.xlsx",
        "Write figures, scales, tables of data, decision tables and code lists to a workbook that can be edited without "
        "YAML; mianshen import reads it back.\nTry: mianshen export --xlsx rules.xlsx",
    )
)
@argument(
    "names",
    nargs=-1,
    metavar="[NAME]...",
    words=Message("只导出这些名称（默认全部）", "only these entries (default: all)"),
)
@option("--xlsx", metavar="F", words=Message("写成的工作簿", "the workbook to write"))
@options.rulebook
@options.overlay_named
def export(
    lang: Lang, names: tuple[str, ...], xlsx: str | None, rules: tuple[str, ...], overlays: tuple[str, ...]
) -> Status:
    from mianshen.exchange import export_workbook
    from mianshen.rulebook import overlay_file

    if xlsx is None:
        raise Refused(_NOWHERE)
    if not xlsx.lower().endswith(".xlsx"):
        raise Refused(Message(_ENDING.zh.format(out=xlsx), _ENDING.en.format(out=xlsx)))
    refuse_replacing(Path(xlsx), rule_files(rules, overlays))
    count = export_workbook(rule_files(rules, ()), [overlay_file(one) for one in overlays], names, Path(xlsx))
    output.say(_WRITTEN.in_(lang).format(out=xlsx, count=count))
    return Status.DONE
