"""What a batch would do, as tables: its files and columns, what would be refused, time, size, and what would be written.

In: a `Plan` of the engine. Out: standard output; the same as plain values for JSON.
"""

from __future__ import annotations

from typing import Any

from mianshen.source import Lang, listed
from mianshen_cli import output
from mianshen_cli.render.batch_notes import finding_lines, mapping_lines
from mianshen_cli.wording import wording

_BY = wording.group("batch_plan.by")


def show_plan(lang: Lang, program: Any, plan: Any, places: list[str]) -> None:
    """The plan as tables and sentences."""
    rows = [
        (program.entities[name].title.in_(lang), f"{count:,}", ", ".join(f.name for f in plan.files if f.entity == name))
        for name, count in plan.rows.items()
    ]  # fmt: skip
    output.say(output.table(wording.heads("batch_plan.files", lang), rows, right=[1]))
    _show_columns(lang, program, plan)
    notes = [*mapping_lines(lang, program, plan.mapping), *finding_lines(lang, program, plan.findings)]
    if notes:
        output.say("\n" + "\n".join(notes))
    parts = (
        wording("batch_plan.whole").in_(lang)
        if plan.partitions == 1
        else wording("batch_plan.parts").in_(lang, count=plan.partitions)
    )
    by, seconds, size = _BY[plan.engine].in_(lang), _time(lang, plan.seconds), _size(plan.size)
    sentences = [
        wording("batch_plan.expected").in_(lang, by=by, parts=parts, seconds=seconds, size=size),
        wording("batch_plan.would").in_(lang, places=listed(places), files=listed(plan.outputs)),
        wording("batch_plan.nothing").in_(lang),
    ]
    output.say()
    for sentence in sentences:
        output.say("\n".join(output.fold(sentence, output.columns() or 100)))


def _show_columns(lang: Lang, program: Any, plan: Any) -> None:
    """How many columns of each file are read, which are named otherwise than their fact, what would be refused."""
    from mianshen.past_runs.report.phrases import REASONS

    renamed = [
        (file.name, written, fact, program.facts[file.entity, fact].title.in_(lang))
        for file in plan.files for written, fact in file.columns if written != fact
    ]  # fmt: skip
    output.say()
    for file in plan.files:
        output.say(wording("batch_plan.read").in_(lang, file=file.name, count=len(file.columns)))
    if renamed:
        output.say("\n" + output.table(wording.heads("batch_plan.columns", lang), renamed))
    refused = [
        (file, fact, REASONS[reason].in_(lang) if reason in REASONS else reason, f"{count:,}")
        for (file, fact), cells in plan.cells.items() for reason, count in cells.refused.items() if count
    ]  # fmt: skip
    output.say(
        "\n"
        + (
            output.table(wording.heads("batch_plan.refused", lang), refused, right=[3])
            if refused
            else wording("batch_plan.nothing_refused").in_(lang)
        )
    )


def plain_plan(lang: Lang, plan: Any) -> dict[str, Any]:
    """The plan as JSON has it."""
    return {
        "rows": dict(plan.rows),
        "files": [
            {"entity": file.entity, "file": file.name, "columns": dict(file.columns)}
            for file in plan.files
        ],
        "refused": [
            {"file": file, "fact": fact, "reason": reason, "cells": count}
            for (file, fact), cells in plan.cells.items() for reason, count in cells.refused.items() if count
        ],
        "findings": dict(plan.findings),
        "doubts": [{"code": doubt.code, "message": doubt.show(lang)} for doubt in plan.doubts],
        "engine": plan.engine,
        "partitions": plan.partitions,
        "seconds": str(round(plan.seconds, 1)),
        "bytes": plan.size,
        "outputs": list(plan.outputs),
    }  # fmt: skip


def _time(lang: Lang, seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} " + ("秒" if lang == "zh" else "s")
    return f"{round(seconds / 60)} " + ("分钟" if lang == "zh" else "min")


def _size(size: int) -> str:
    return f"{max(1, size // 1_000_000):,} MB"
