"""The `mianshen` script.

In: the words on the command line. Out: the exit status; whatever goes wrong is one line on standard
error, and no traceback.
Invariant: starting costs click and nothing else of weight; a command brings what it needs.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from mianshen.source import Lang, Message, RuleError
from mianshen.version import __version__
from mianshen_cli import output
from mianshen_cli.click_commands import COMPLETION, Lazy, Option
from mianshen_cli.lang import language
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import usage_mistake

GROUPS = {
    Message("窗口", "At the counter"): {
        "check": Message("核定一人或多人的待遇和费用，说明理由", "check one person or several, with reasons"),
        "ask": Message("逐题询问，只问仍会改变结论的事实", "ask only what can still change the answer"),
        "redetermine": Message(
            "同一参保人核定两次：有何变化，应补发或应追回多少",
            "decide one person twice: what changes, what is owed",
        ),
        "notice": Message(
            "把一项核定结果写成可打印的告知书", "write one decision as a printable notice, HTML or PDF"
        ),
        "verify-notice": Message(
            "由核定材料重新核定，与告知书核对", "is a notice what its record gives when decided again?"
        ),
        "serve": Message("启动服务：网页和 HTTP 接口", "serve pages and an HTTP API"),
    },
    Message("批量与夜间", "Overnight"): {
        "columns": Message("显示文件的每一列会怎样读取", "show how each column of a file would be read"),
        "batch": Message(
            "批量核定参保人文件，写出结果、退回记录和运行清单",
            "decide every resident of a file, with rejects and a manifest",
        ),
        "report": Message(
            "把一次批量核定写成报告页和待办清单",
            "a batch's folder as a page of tables and lists to work from",
        ),
        "verify-run": Message(
            "核对一次批量核定的结果、输入和规则库是否未被改动",
            "is a finished batch still what its manifest says?",
        ),
        "replay": Message(
            "重现一次批量核定中某个人的结果，并与写出的核对",
            "decide one person of a past batch again, and compare",
        ),
        "watch": Message(
            "按生活事件列出应办的待遇：自动、待确认、缺事实",
            "turn life events into a work list: what is due now",
        ),
    },
    Message("政策", "Policy desk"): {
        "lint": Message("检查规则库，逐条列出错误", "check a rulebook and tell every mistake"),
        "test": Message(
            "运行案例，或看所提改动影响哪些案例", "run cases, or see what a proposed change moves"
        ),
        "compare": Message(
            "测算改动的影响：谁受益、谁受损、多少钱、为什么",
            "what a change would do: who gains and loses, cost, causes",
        ),
        "seek": Message("求参数取何值才能达到目标", "the value of a figure at which a goal is met"),
        "thresholds": Message(
            "界限附近有多少人，跨过去得失多少", "who stands near a line, what crossing costs"
        ),
        "drift": Message("已结算金额为何与规则不符", "which wrong figure explains settled amounts"),
        "coverage": Message("案例覆盖了规则库的哪些部分", "which parts of the rulebook the cases try"),
        "mutate": Message("逐处改动规则库，看案例能否发现", "would the cases notice a wrong rule?"),
        "suggest": Message("为没有案例发现的改动写案例，待确认", "cases for what no case notices"),
        "prove": Message("证明规则库的性质，或举出反例", "prove what the rulebook states, or refute it"),
        "diff": Message("用规则的语言列出两个规则库的差别", "what differs between two rulebooks"),
        "graph": Message("把一个名称依据什么画成图（SVG）", "draw what a name rests on, as SVG"),
        "export": Message(
            "把参数、决策表和代码表写成电子表格，或把决定写成 DMN",
            "figures, tables and code lists as a workbook, decisions as DMN",
        ),
        "import": Message(
            "读回改过的电子表格，写成调整方案；读入 DMN",
            "an edited workbook as an overlay, DMN as a rulebook",
        ),
        "docs": Message("把规则库写成可检索的网页", "the rulebook as searchable pages"),
        "show": Message("查看规则库中的一个名称", "show what the rulebook says about a name"),
    },
    Message("工具", "Tools"): {
        "init": Message("新建一个规则库，带案例、CI 和编辑器设置", "make a new rulebook with cases and CI"),
        "sample": Message("生成一份虚构的参保人群，供试算", "make up a population to try rules on"),
        "compile": Message(
            "把规则库编译成在自己数仓中运行的 SQL", "the rulebook as SQL for a warehouse of your own"
        ),
        "schema": Message(
            "输出规则和案例文件的 JSON Schema，供编辑器使用",
            "JSON Schemas of rule and case files, for editors",
        ),
        "lsp": Message("编辑器的语言服务（LSP）", "a language server for editors of rulebooks"),
        "explain": Message("说明一个诊断代码", "explain a diagnostic code"),
        "completion": Message("输出 shell 的补全脚本", "a shell's completion script"),
        "man": Message("输出手册页", "the manual page, for man"),
    },
}
COMMANDS = {name: words for group in GROUPS.values() for name, words in group.items()}

_WORDS = Message(
    "免申：谁可以享受哪项医保待遇、多少钱、依据哪一条；判断不了时，缺什么。",
    "Mianshen: who is due which medical-insurance benefit, how much, under which clause; "
    "and what is missing when that cannot be told.",
)
_VERSION = Message("显示版本", "show the version")
_COLLECTING = (
    50_000,
    50,
    50,
)  # programs and records live to the end: Python's own pace costs a quarter of a run
_TRACEBACK = "MIANSHEN_TRACEBACK"  # when set, an internal error shows where it happened


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    gc.set_threshold(*_COLLECTING)
    argv = list(sys.argv[1:] if words is None else words)
    lang = language(argv, os.environ)
    _forgive(sys.stdout)
    _forgive(sys.stderr)
    try:
        status = group().main(argv, prog_name="mianshen", standalone_mode=False, obj=lang)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - py4j and pyspark raise several kinds, none of them ours
        return (
            Status.DONE if COMPLETION in os.environ else _explain(error, lang)
        )  # a shell's line stays clean
    return int(status or Status.DONE)


def group() -> Lazy:
    """All commands, under whom they are for."""

    def version(context: click.Context, _: click.Parameter, asked: bool) -> None:
        if asked and not context.resilient_parsing:
            output.say(f"mianshen {__version__}")
            context.exit()

    shown = Option(
        ["-V", "--version"], is_flag=True, is_eager=True, expose_value=False, callback=version, words=_VERSION
    )
    return Lazy("mianshen", _WORDS, "mianshen_cli.commands", COMMANDS, groups=GROUPS, params=[shown])


def _explain(error: Exception, lang: Lang) -> int:
    """Says in one line what went wrong; returns the exit status."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            output.complain(error.message)
        case click.ClickException():
            _complain(usage_mistake(error), lang)
        case click.Abort():
            return 130  # as a shell counts an interrupt
        case RuleError():
            for diagnostic in error.diagnostics:
                output.complain(diagnostic.show(lang))
        case BrokenPipeError():  # whoever read our output has gone: nothing more to say
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Status.FOUND
        case OSError():
            _complain(_unusable(error), lang)
        case _:
            _complain(_internal(error), lang)
    return Status.UNUSABLE


def _complain(words: Message, lang: Lang) -> None:
    text = words.in_(lang)
    stop = "" if text.endswith(("。", "？", ".", "?")) else ("。" if lang == "zh" else ".")
    output.complain(f"mianshen: {output.printable(text)}{stop}")


def _unusable(error: OSError) -> Message:
    place, reason = error.filename or "", error.strerror or str(error)
    where = f"{place}: " if place else ""
    return Message(
        f"{where}无法读写：{reason}。请检查路径和权限", f"{where}{reason}. Check the path and its permissions"
    )


def _internal(error: Exception) -> Message:
    """What an error of our own may say: its kind and place, never a value from a record."""
    if os.environ.get(_TRACEBACK):
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
    kind = type(error).__name__
    return Message(
        f"内部错误（{kind}，{place}）。请报告；设 {_TRACEBACK}=1 再运行可看到详情",
        f"internal error ({kind} at {place}). Please report it; {_TRACEBACK}=1 shows more",
    )


def _forgive(stream: TextIO) -> None:
    """Lets a character the terminal's encoding lacks show as `?` instead of ending the run."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
