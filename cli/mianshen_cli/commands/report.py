"""`mianshen report`: what a batch came to, as a page and as lists.

In: the folder of a finished batch, perhaps that of an earlier one. Out: a folder with `report.html`,
`report.json`, `lists/`, `changes.parquet`, written whole or not at all. Exit status 0 written, 2 there
is no such run or its inputs are not as they were.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status

_DONE = Message(
    "报告已写入 {page}；清单 {lists} 个，共 {rows:,} 行",
    "The report is in {page}; {lists} lists, {rows:,} rows",
)


@command(
    Message(
        "把一次批量核定写成报告：各项待遇、各地、各层支付、退回记录和缺少的事实，以及按参保地分开的待办清单。\n"
        "例：mianshen report run --since run-of-yesterday --out report",
        "Report on a batch: benefits, jurisdictions, layers, rejects, missing facts, and lists to work through "
        "split by area of insurance.\nTry: mianshen report run --since run-of-yesterday --out report",
    )
)
@argument("run", metavar="RUN_DIR", words=Message("批量核定的结果文件夹", "folder that a batch wrote"))
@option(
    "--since", metavar="DIR", words=Message("与哪一次的结果比较", "folder of an earlier run to compare with")
)
@options.record_files(moved=True)
@option(
    "--rules",
    metavar="PATH",
    words=Message(
        "当时的规则库（默认为随结果保存的）", "rulebook of the run (default: the one kept with it)"
    ),
)
@option(
    "--overlay",
    multiple=True,
    metavar="F",
    words=Message("当时的调整方案，可多次给出", "overlay of the run, may be given more than once"),
)
@options.encoding
@options.threads
@options.memory
@options.workbooks
@option(
    "--out",
    required=True,
    metavar="DIR",
    words=Message("报告的文件夹（必填）", "folder for the report (required)"),
)
def report(
    lang: Lang, run: str, since: str | None, records: dict[str, tuple[str, ...]], rules: str | None,
    overlay: tuple[str, ...], encoding: str | None, threads: int | None, memory: str | None, xlsx: bool, out: str,
) -> Status:  # fmt: skip
    from mianshen.impact.since import rules_since
    from mianshen.past_runs.report import FinishedRun, Order, make_report, program_of
    from mianshen.rulebook import open_program

    limit = options.memory_limit(memory)
    report = rules is not None or bool(overlay)
    program = (
        open_program([Path(rules)] if rules else (), overlay)
        if report
        else program_of(FinishedRun.of(Path(run)))
    )
    options.refuse_unknown_entities(records, program)
    earlier = None if since is None else Path(since)
    alone, doubts = (None, []) if earlier is None else rules_since(program, earlier)
    order = Order(Path(run), Path(out), lang, earlier, records, encoding, threads, limit, xlsx, alone)
    for doubt in doubts:
        output.complain(doubt.show(lang))
    content = make_report(program, order)
    rows = sum(item["rows"] for item in content["lists"])
    output.say(_DONE.in_(lang).format(page=order.out / "report.html", lists=len(content["lists"]), rows=rows))
    return Status.DONE
