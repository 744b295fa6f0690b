"""The summary of a batch as tables: records, benefits, what rows add up to, and what is to be said beside them.

In: the content of `summary.json`, a program. Out: standard output.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mianshen.source import Lang
from mianshen_cli import output
from mianshen_cli.wording import wording

_ANSWERS = ("eligible", "ineligible", "undetermined", "not_modelled")
_FOR_NOBODY = wording("batch_summary.for_nobody")
_COUNT = wording("batch_summary.count")


def show_summary(lang: Lang, program: Any, summary: Any, out: Path) -> None:
    """The summary of a finished run and the notes on it."""
    _show(lang, program, summary.content)
    _notes(lang, program, summary, out)


def _notes(lang: Lang, program: Any, summary: Any, out: Path) -> None:
    """What a mapping made of the files, what stands in them twice, and why rows are rejected."""
    from mianshen.batch.reject_summary import reject_groups
    from mianshen_cli.render.batch_notes import finding_lines, mapping_lines, reject_table

    content = summary.content
    lines = [
        *mapping_lines(lang, program, content.get("mapping", {})),
        *finding_lines(lang, program, content.get("findings", {})),
    ]
    if lines:
        output.say("\n" + "\n".join(lines))
    if summary.rejected:
        output.say("\n" + reject_table(lang, reject_groups(out, summary.cells, program)))


def _show(lang: Lang, program: Any, content: dict[str, Any]) -> None:
    """The summary as tables, titles from the vocabulary."""
    from mianshen.batch.output_files import entity_files

    records = [
        (program.entities[entity].title.in_(lang), f"{n['read']:,}", f"{n['decided']:,}", f"{n['rejected']:,}")
        for entity, n in content["records"].items()
    ]  # fmt: skip
    output.say(output.table(wording.heads("batch_summary.records", lang), records, right=[1, 2, 3]))
    files = entity_files(program, content["records"])
    stem = {benefit.name: file.stem for file in files for benefit in file.benefits}
    benefits, nobody = [], []
    for name, answers in content["benefits"].items():
        title = program.benefits[name].title.in_(lang)
        if set(answers) <= {"not_modelled"}:
            nobody.append(title)
            continue
        counts = [answers.get(status, {}).get(stem[name], 0) for status in _ANSWERS]
        due = answers.get("eligible", {})
        left_out = f"{due['without_amount']:,}" if due.get("without_amount") else ""
        benefits.append((title, *(f"{count:,}" for count in counts), _yuan(due.get("amount")), left_out))
    output.say(
        "\n" + output.table(wording.heads("batch_summary.benefits", lang), benefits, right=range(1, 7))
    )
    if nobody:
        names = ("、" if lang == "zh" else "; ").join(nobody)
        output.say("\n" + "\n".join(output.fold(_FOR_NOBODY.in_(lang, names=names), output.columns() or 100)))
    for file in files:
        if file.stem in content:
            _show_rows(lang, program, file.entity, content[file.stem])


def _show_rows(lang: Lang, program: Any, entity: Any, rows: dict[str, Any]) -> None:
    """How many rows of an entity have which answer; what they add up to, and how many rows each sum leaves out."""
    from mianshen.casework.wording import STATUS

    if "status" in rows:
        statuses = [(STATUS[status].in_(lang), f"{n:,}") for status, n in rows["status"].items()]
        output.say("\n" + output.table([entity.title.in_(lang), _COUNT.in_(lang)], statuses, right=[1]))
    amounts = [
        (program.decision(entity.name, name).title.in_(lang), _yuan(total["amount"]), f"{total['rows']:,}",
         f"{total['undetermined']:,}", f"{total['not_modelled']:,}")
        for name, total in rows["totals"].items()
    ]  # fmt: skip
    output.say("\n" + output.table(wording.heads("batch_summary.amounts", lang), amounts, right=[1, 2, 3, 4]))


def _yuan(amount: str | None) -> str:
    return "" if amount is None else output.grouped(amount)
