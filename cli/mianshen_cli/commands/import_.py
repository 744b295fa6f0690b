"""`mianshen import`: an edited workbook as an overlay that holds only what was changed, and what that changes.

In: a workbook that `mianshen export` wrote, the rulebook. Out: an overlay, warnings, the changes as a table.
Exit status 0 read (an overlay is written where anything was edited), 2 a cell or the rulebook cannot be used.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.rule_changes import changes_table
from mianshen_cli.session import refuse_replacing, rule_files
from mianshen_cli.usage_errors import Refused

_OTHER = Message(
    "{out} 已存在，不是 mianshen import 写的。请用 --out 换一个文件名",
    "{out} is there and was not written by mianshen import. Name another file with --out",
)
_ENDING = Message("{out} 应以 .yaml 结尾", "{out} has to end in .yaml")
_NOTHING = Message("没有改动，不写调整方案", "nothing was edited; no overlay is written")
_WRITTEN = Message("改动写成调整方案 {out}", "the changes are the overlay {out}")
_ONLY_WORDS = Message(
    "只改了标题、备注或代码表的名称，不影响核定", "only titles, notes or labels differ; no answer does"
)


@command(
    Message(
        "读回用电子表格改过的参数、表和代码表，写成只含改动的调整方案，并列出改动；有误处指明单元格。\n"
        "例：mianshen import 规则.xlsx --out 草案.yaml",
        "Read back figures, tables and code lists edited in a workbook, write an overlay with nothing but the changes, and "
        "list them; what is wrong is shown at its cell.\nTry: mianshen import rules.xlsx --out draft.yaml",
    )
)
@argument(
    "file",
    metavar="FILE",
    words=Message("mianshen export 写出、改过的工作簿", "a workbook that mianshen export wrote"),
)
@option(
    "--out",
    metavar="F",
    words=Message(
        "调整方案写到的文件（默认同名的 .yaml）", "the overlay to write (default: FILE with .yaml)"
    ),
)
@options.rulebook
@options.overlay_named
def import_(
    lang: Lang, file: str, out: str | None, rules: tuple[str, ...], overlays: tuple[str, ...]
) -> Status:
    from mianshen.exchange import MADE_BY, import_workbook
    from mianshen.rulebook import overlay_file

    target = Path(out) if out is not None else Path(file).with_suffix(".yaml")
    _check(target, file, rules, overlays, MADE_BY)
    imported = import_workbook(
        Path(file), rule_files(rules, ()), [overlay_file(one) for one in overlays], target.stem
    )
    for warning in imported.warnings:
        output.complain(warning.show(lang))
    if not imported.text:
        output.say(_NOTHING.in_(lang))
        return Status.DONE
    target.write_text(imported.text, "utf-8")
    output.say(_changes(lang, target, rules, overlays))
    output.say(_WRITTEN.in_(lang).format(out=target))
    return Status.DONE


def _check(target: Path, file: str, rules: tuple[str, ...], overlays: tuple[str, ...], made_by: str) -> None:
    """Raises where the overlay would replace what somebody wrote by hand."""
    if target.suffix != ".yaml":
        raise Refused(Message(_ENDING.zh.format(out=target), _ENDING.en.format(out=target)))
    refuse_replacing(target, [Path(file), *rule_files(rules, overlays)])
    if target.exists() and made_by not in target.read_text("utf-8", errors="replace").split("\n", 1)[0]:
        raise Refused(Message(_OTHER.zh.format(out=target), _OTHER.en.format(out=target)))


def _changes(lang: Lang, target: Path, rules: tuple[str, ...], overlays: tuple[str, ...]) -> str:
    """What the overlay changes, in the language of rules."""
    from mianshen.casework.wording import Words
    from mianshen.policy.rule_diff import rule_changes
    from mianshen.rulebook import open_program

    paths = tuple(map(Path, rules))
    edited = open_program(paths, (*overlays, target))
    changes = rule_changes(open_program(paths, overlays), edited)
    return changes_table(changes, Words(edited), lang) if changes else _ONLY_WORDS.in_(lang)
