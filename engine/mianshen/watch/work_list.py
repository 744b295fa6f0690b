"""The work list as a file: JSON lines, CSV or Parquet, by its suffix; beside it the events refused.

In: items, refusals. Out: two files, each written whole or not at all.
Invariants: the same items give the same bytes; money is text with two decimals in JSON and CSV, DECIMAL in
Parquet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.events import KINDS, Item, Refusal, diagnostics
from mianshen.ingest.inputs import identifier, quoted
from mianshen.program.program import Program
from mianshen.records.diagnostics import REASONS
from mianshen.values import as_money

JSON_LINES: Final = (".jsonl", ".ndjson")
TABLES: Final = {".csv": "FORMAT csv, HEADER true", ".parquet": "FORMAT parquet"}
SUFFIXES: Final = (*JSON_LINES, *TABLES)
_MONEY: Final = ("amount", "granted_before")
_TYPES: Final = {
    **dict.fromkeys(_MONEY, "DECIMAL(18,2)"),
    "event_date": "DATE",
    "missing": "VARCHAR[]",
    "line": "BIGINT",
}
REJECT: Final = ("file", "line", "column", "event_id", "field", "code", "reason", "message_zh", "message_en")


def rejects_beside(out: Path) -> Path:
    """Where the refused events are listed: `work.rejects.jsonl` beside `work.jsonl`."""
    return out.with_name(f"{out.stem}.rejects{out.suffix}")


def write_work_list(
    program: Program, out: Path, items: Iterable[tuple[Item, str | None]], refused: Sequence[Refusal]
) -> dict[str, int]:
    """Write the work list and the refusals; how many items there are of each kind.

    `items` come with the event that has settled them since. Raises OSError where they cannot be written.
    """
    counts: dict[str, int] = dict.fromkeys(KINDS, 0)
    key = program.entities[program.entry].key

    def shown() -> Iterator[dict[str, Any]]:
        for item, settled in items:
            if item.listed is not None:
                counts[item.listed] += 1
                yield _item(item, settled, key)

    _write(out, shown(), item_columns(key))
    _write(rejects_beside(out), map(_reject, refused), REJECT)
    return counts


def item_columns(key: str) -> tuple[str, ...]:
    """The columns of a work list; `key`: what the number of a person is called."""
    return (
        "event_id", "event_type", "event_date", key, "benefit", "record", "kind", "amount", "granted_before",
        "period", "due_by", "reason_zh", "reason_en", "provision", "source", "clause", "missing", "settled_by",
    )  # fmt: skip


def _item(item: Item, settled: str | None, key: str) -> dict[str, Any]:
    return {
        "event_id": item.event,
        "event_type": item.type,
        "event_date": item.date.isoformat(),
        key: item.person,
        "benefit": item.benefit,
        "record": item.row or None,
        "kind": item.listed,
        "amount": None if item.amount is None else as_money(item.amount),
        "granted_before": None if item.before is None else as_money(item.before),
        "period": item.period,
        "due_by": item.by,
        "reason": {"zh": item.reason.zh, "en": item.reason.en},
        "provision": item.provision,
        "clause": {"source": item.citation.source, "clause": item.citation.clause},
        "missing": list(item.missing),
        "settled_by": settled if item.kind == "needs_facts" else None,
    }


def _reject(refusal: Refusal) -> dict[str, Any]:
    diagnostic = refusal.diagnostic
    span = diagnostic.span
    reason = {**REASONS, **diagnostics.REASONS}.get(diagnostic.code, "malformed")
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "event_id": refusal.event or None,
        "field": refusal.field or None,
        "code": diagnostic.code,
        "reason": reason,
        "message_zh": diagnostic.show("zh").splitlines()[0].split(": ", 2)[-1],
        "message_en": diagnostic.show("en").splitlines()[0].split(": ", 2)[-1],
    }


def _write(out: Path, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write rows under another name, then under their own."""
    table = TABLES.get(out.suffix.lower())
    part = out.with_name(f".{out.name}.{os.getpid()}")
    lines = part if table is None else part.with_suffix(".lines")
    try:
        with lines.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(row if table is None else _flat(row), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if table is not None:
            _tabled(lines, part, columns, table)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
        lines.unlink(missing_ok=True)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the mappings in it: `reason` and `clause` as columns of their own."""
    flat = dict(row)
    if isinstance(reason := flat.get("reason"), dict):
        del flat["reason"]
        flat |= {f"reason_{lang}": text for lang, text in reason.items()}
    if isinstance(clause := flat.get("clause"), dict):
        flat |= clause
    return flat


def _tabled(lines: Path, out: Path, columns: Sequence[str], form: str) -> None:
    types = ", ".join(f"{quoted(name)}: '{_TYPES.get(name, 'VARCHAR')}'" for name in columns)
    listed = ", ".join(
        f"nullif(array_to_string({identifier(name)}, ';'), '') AS {identifier(name)}"
        if name == "missing" and "csv" in form
        else identifier(name)
        for name in columns
    )
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"COPY (SELECT {listed} FROM read_json({quoted(str(lines))}, format='newline_delimited', "
            f"columns={{{types}}})) TO {quoted(str(out))} ({form})"
        )
