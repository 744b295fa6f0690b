"""The work list as a file: JSON lines, CSV or Parquet, by its suffix; beside it the events refused.

In: items, refusals. Out: two files, each written whole or not at all.
Invariants: the same items give the same bytes; money is text with two decimals in JSON and CSV, DECIMAL in
Parquet; a fact of a row is asked for once, however many people and benefits need it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, TypeAlias

import duckdb

from mianshen.events import KINDS, Item, Refusal
from mianshen.events.items import Matter
from mianshen.ingest.inputs import identifier, quoted
from mianshen.program.program import Program
from mianshen.records.diagnostics import REASONS
from mianshen.values import Missing, as_money
from mianshen.whole_file import whole_file

JSON_LINES: Final = (".jsonl", ".ndjson")
TABLES: Final = {".csv": "FORMAT csv, HEADER true", ".parquet": "FORMAT parquet"}
SUFFIXES: Final = (*JSON_LINES, *TABLES)
_MONEY: Final = ("amount", "granted_before")
_TYPES: Final = {
    **dict.fromkeys(_MONEY, "DECIMAL(18,2)"),
    "event_date": "DATE",
    "missing": "VARCHAR[]",
    "also": "VARCHAR[]",
    "line": "BIGINT",
}
OF_EVENTS: Final = {  # why an event is refused
    "E610": "malformed", "E611": "unknown_field", "E612": "required", "E613": "unknown_type",
    "E614": "not_of_this_type", "E615": "number_taken", "E616": "unknown_person", "E617": "person_rejected",
    "E618": "after_as_of", "E619": "undecidable",
}  # fmt: skip
REJECT: Final = ("file", "line", "column", "event_id", "field", "code", "reason", "message_zh", "message_en")


def rejects_beside(out: Path) -> Path:
    """Where the refused events are listed: `work.rejects.jsonl` beside `work.jsonl`."""
    return out.with_name(f"{out.stem}.rejects{out.suffix}")


Items: TypeAlias = Callable[[], Iterable[tuple[Item, str | None]]]


@dataclass(slots=True)
class _Question:
    """What one item asks for, and the other items, of whatever person and benefit, that need it too."""

    item: Item
    names: set[str] = field(default_factory=set)
    others: dict[Matter, None] = field(default_factory=dict)


def _questions(items: Iterable[tuple[Item, str | None]]) -> dict[tuple[str, Matter], _Question]:
    """By event and matter, the items that ask: for facts that none before asks for, open or settled as they are."""
    by_fact: dict[tuple[Missing, str | None], _Question] = {}
    questions: dict[tuple[str, Matter], _Question] = {}
    for item, settled in items:
        if item.kind != "needs_facts":
            continue
        own = _Question(item)
        if not item.missing:
            questions[item.event, item.matter] = own
        for fact in item.missing:
            of_row = fact if fact.key else fact._replace(key=item.person)
            question = by_fact.setdefault((of_row, settled), own)
            if question is own:
                own.names.add(fact.name)
                questions[item.event, item.matter] = own
            else:
                question.others[item.matter] = None
    return questions


def write_work_list(program: Program, out: Path, items: Items, refused: Sequence[Refusal]) -> dict[str, int]:
    """Write the work list and the refusals; how many items there are of each kind.

    `items` come, as often as they are asked for, with the event that has settled them since. Raises OSError where
    they cannot be written.
    """
    counts: dict[str, int] = dict.fromkeys(KINDS, 0)
    key = program.entities[program.entry].key
    questions = _questions(items())

    def shown() -> Iterator[dict[str, Any]]:
        for item, settled in items():
            question = questions.get((item.event, item.matter)) if item.kind == "needs_facts" else None
            if item.listed is not None and (question is not None or item.kind != "needs_facts"):
                counts[item.listed] += 1
                yield _item(item, settled, key, question)

    _write(out, shown(), item_columns(key))
    _write(rejects_beside(out), map(_reject, refused), REJECT)
    return counts


def item_columns(key: str) -> tuple[str, ...]:
    """The columns of a work list; `key`: what the number of a person is called."""
    return (
        "event_id", "event_type", "event_date", key, "benefit", "record", "kind", "amount", "granted_before",
        "period", "due_by", "reason_zh", "reason_en", "provision", "source", "clause", "missing", "also", "settled_by",
    )  # fmt: skip


def _item(item: Item, settled: str | None, key: str, question: _Question | None) -> dict[str, Any]:
    others = () if question is None else question.others
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
        "reason": item.reason.plain,
        "provision": item.provision,
        "clause": item.citation.plain,
        "missing": list(item.names) if question is None else sorted(question.names),
        "also": [{key: person, "benefit": benefit, "record": row or None} for person, benefit, row in others],
        "settled_by": settled if item.kind == "needs_facts" else None,
    }


def _reject(refusal: Refusal) -> dict[str, Any]:
    diagnostic = refusal.diagnostic
    span = diagnostic.span
    reason = {**REASONS, **OF_EVENTS}.get(diagnostic.code, "malformed")
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "event_id": refusal.event or None,
        "field": refusal.field or None,
        "code": diagnostic.code,
        "reason": reason,
        "message_zh": diagnostic.sentences("zh"),
        "message_en": diagnostic.sentences("en"),
    }


def _write(out: Path, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as lines of JSON, or as a table made of such lines."""
    table = TABLES.get(out.suffix.lower())
    with whole_file(out) as part, NamedTemporaryFile(suffix=".jsonl") as scratch:
        lines = part if table is None else Path(scratch.name)
        with lines.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(row if table is None else _flat(row), ensure_ascii=False) + "\n")
        if table is not None:
            _tabled(lines, part, columns, table)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the mappings in it: `reason` and `clause` as columns of their own."""
    flat = dict(row)
    if isinstance(reason := flat.get("reason"), dict):
        del flat["reason"]
        flat |= {f"reason_{lang}": text for lang, text in reason.items()}
    if isinstance(clause := flat.get("clause"), dict):
        flat |= clause
    if "also" in flat:
        flat["also"] = [" ".join(filter(None, other.values())) for other in flat["also"]]
    return flat


def _tabled(lines: Path, out: Path, columns: Sequence[str], form: str) -> None:
    types = ", ".join(f"{quoted(name)}: '{_TYPES.get(name, 'VARCHAR')}'" for name in columns)
    listed = ", ".join(
        f"nullif(array_to_string({identifier(name)}, ';'), '') AS {identifier(name)}"
        if name in ("missing", "also") and "csv" in form
        else identifier(name)
        for name in columns
    )
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"COPY (SELECT {listed} FROM read_json({quoted(str(lines))}, format='newline_delimited', "
            f"columns={{{types}}})) TO {quoted(str(out))} ({form})"
        )
