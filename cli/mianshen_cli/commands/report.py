"""`mianshen report`: what a batch came to, as a page and as lists.

In: the folder of a finished batch, perhaps that of an earlier one. Out: a folder with `report.html`,
`report.json`, `lists/`, `changes.parquet`, written whole or not at all. Exit status 0 written, 2 there
is no such run or its inputs are not as they were.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

_DONE = wording("report.done")


@command
@argument("run", metavar="RUN_DIR", type=Path)
@option("--since", metavar="DIR", type=Path)
@options.record_files(moved=True)
@option("--rules", metavar="PATH", type=Path, callback=options.at_most_one)
@option("--overlay", multiple=True, metavar="F")
@options.encoding
@options.threads
@options.memory
@options.workbooks
@option("--out", required=True, metavar="DIR", type=Path)
def report(
    lang: Lang, run: Path, since: Path | None, records: dict[str, tuple[str, ...]], rules: tuple[Path, ...],
    overlay: tuple[str, ...], encoding: str | None, threads: int | None, memory: str | None, xlsx: bool, out: Path,
) -> Status:  # fmt: skip
    from mianshen.impact.since import rules_since
    from mianshen.past_runs.report import FinishedRun, Order, make_report, program_of
    from mianshen.rulebook import open_program

    limit = options.memory_limit(memory)
    program = open_program(rules, overlay) if rules or overlay else program_of(FinishedRun.of(run))
    options.check_entities(records, program)
    alone, doubts = (None, []) if since is None else rules_since(program, since)
    order = Order(run, out, lang, since, records, encoding, threads, limit, xlsx, alone)
    output.complain_of(doubts, lang)
    content = make_report(program, order)
    rows = sum(item["rows"] for item in content["lists"])
    output.say(_DONE.in_(lang, page=order.out / "report.html", lists=len(content["lists"]), rows=rows))
    return Status.DONE
