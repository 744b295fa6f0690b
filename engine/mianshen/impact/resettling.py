"""Everybody settled anew under a reform: what was paid beside what is due, row by row, then person by person and layer.

In: blocks decided on both sides. Out: rows of a block; from those of all, `resettlement.parquet`, `resettlement.csv` and
`notices.html`.
Invariants: what was paid is the amount that was settled where a file tells it, else what the rules before give; owed
less overpaid is what is due less what was paid, to the fen. These files name persons: they are written when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.batch.block_decider import DecidedBlock
from mianshen.batch.columns import Numbers, Texts
from mianshen.batch.output_files import MONEY, EntityFile
from mianshen.batch.results import KNOWN
from mianshen.batch.settled import amounts_of
from mianshen.casework.notice.phrases import office
from mianshen.impact.page import template
from mianshen.impact.rule_changes import RuleChanges
from mianshen.impact.tracing import Trace
from mianshen.ingest.inputs import quoted
from mianshen.past_runs.report.cells import CsvFile
from mianshen.places import place_name
from mianshen.program.program import Key, Program
from mianshen.program.titles import area_title, key_title
from mianshen.source import Lang
from mianshen.wording import wording

ROWS: Final = pa.schema(
    [
        ("person_id", pa.string()), ("area", pa.string()), ("entity", pa.string()), ("key", pa.string()),
        ("decision", pa.string()), ("paid", MONEY), ("due", MONEY), ("cause", pa.string()), ("provision", pa.string()),
    ]
)  # fmt: skip
PARQUET, SHEET, NOTICES = "resettlement.parquet", "resettlement.csv", "notices.html"


def resettled_rows(
    programs: tuple[Program, Program], file: EntityFile, before: DecidedBlock, after: DecidedBlock, trace: Trace,
    names: pa.StringArray,
) -> Iterator[pa.Table]:  # fmt: skip
    """The rows of one entity in a block of which another amount is due than was paid, a table a layer."""
    entity = file.entity.name
    paid_here = sorted(key for key in programs[0].paid | programs[1].paid if key[0] == entity)
    if not paid_here or entity not in before.results:
        return
    results = before.results[entity], after.results[entity]
    both = before.decided(entity) & after.decided(entity)
    rows = before.rows[entity].rows
    for key in paid_here:
        cells = [side.columns.get(key[1]) for side in results]
        old, new = cells
        stated_here = all(key[1] in side.states for side in results)  # a benefit's column may bear its name
        if not stated_here or not isinstance(old, Numbers) or not isinstance(new, Numbers):
            continue
        settled, stated = np.zeros(len(both), np.int64), np.zeros(len(both), bool)
        fact = programs[1].settled_facts(entity).get(key[1])
        if fact is not None and fact in rows.facts:
            settled, stated = amounts_of(rows.facts[fact])
        paid = np.where(stated, settled, old.values)
        certain = (
            both & (results[1].states[key[1]] == KNOWN) & (stated | (results[0].states[key[1]] == KNOWN))
        )
        at = np.flatnonzero(certain & (paid != new.values))
        if len(at):
            yield _table(file, before, after, trace, key, at, (paid, new.values, old.values), names)


def _table(
    file: EntityFile, before: DecidedBlock, after: DecidedBlock, trace: Trace, key: Key, at: Any,
    amounts: tuple[Any, Any, Any], names: pa.StringArray,
) -> pa.Table:  # fmt: skip
    paid, due, old = amounts
    family, entity = trace.family, file.entity.name
    entry = before.rows[family.program.entry].rows
    people = family.ancestor(entity, family.program.entry)
    where = np.full(len(at), -1) if people is None else people[at]
    place = pa.array(where, mask=where < 0)
    area_fact = family.program.entities[family.program.entry].area
    area = pa.nulls(len(at), pa.string())
    if area_fact is not None and area_fact in entry.facts:
        area = entry.column(area_fact).take(place)
    cause = trace.causes(key, at)
    changed = due[at] != old[at]
    cause_names = names.take(pa.array(cause, mask=(cause < 0) | ~changed))
    reason = after.results[entity].columns.get("reason")
    provision = pa.nulls(len(at), pa.string())
    if isinstance(reason, Texts):
        provision = (
            Texts(reason.places[at], reason.declared, reason.others, reason.more).array().dictionary_decode()
        )
    constant = [
        pa.array([text], pa.string()).take(pa.array(np.zeros(len(at), np.int32))) for text in (entity, key[1])
    ]
    known = np.ones(len(at), bool)
    columns = [
        entry.key.take(place), area, constant[0], before.rows[entity].rows.key.take(pa.array(at)), constant[1],
        Numbers(paid[at], known, MONEY).array(), Numbers(due[at], known, MONEY).array(), cause_names,
        provision.cast(pa.string()),
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=ROWS)


def write_resettlement(
    part: Path, rows: Path, changes: RuleChanges, lang: Lang, *, notices: bool
) -> dict[str, Any]:
    """The files of persons, from the rows of all blocks; gives what they come to by layer. Raises OSError."""
    connection = duckdb.connect()
    net = (
        f"SELECT area, person_id, entity, decision, count(*) AS rows, sum(paid) AS paid, sum(due) AS due, "
        f"greatest(sum(due) - sum(paid), 0) AS owed, greatest(sum(paid) - sum(due), 0) AS overpaid, "
        f"coalesce(string_agg(DISTINCT cause, ', ' ORDER BY cause), '') AS cause, "
        f"coalesce(string_agg(DISTINCT provision, ', ' ORDER BY provision), '') AS provision "
        f"FROM read_parquet({quoted(str(rows))}) GROUP BY area, person_id, entity, decision "
        f"HAVING sum(due) <> sum(paid)"
    )
    connection.execute(f"CREATE TEMP TABLE net AS {net} ORDER BY area, person_id, decision")
    connection.execute(f"COPY net TO {quoted(str(part / PARQUET))} (FORMAT parquet)")
    listed = connection.execute("SELECT * FROM net ORDER BY area, person_id, decision").fetchall()
    words = _Words(changes, lang)
    sheet = CsvFile(part / SHEET, _heads(changes.after, lang))
    for row in listed:
        sheet.write(words.cells(row))
    sheet.close()
    if notices:
        (part / NOTICES).write_text(_notices(changes.after, words, listed, lang), "utf-8")
    totals = connection.execute(
        "SELECT decision, count(*) FILTER (owed > 0), sum(owed), count(*) FILTER (overpaid > 0), sum(overpaid) "
        "FROM net GROUP BY decision ORDER BY decision"
    ).fetchall()
    return {
        name: {"people_owed": n, "owed": f"{owed:.2f}", "people_overpaid": m, "overpaid": f"{overpaid:.2f}"}
        for name, n, owed, m, overpaid in totals
    }


def _heads(program: Program, lang: Lang) -> list[str]:
    """The work list's columns: number and area are called what the rulebook calls them."""
    heads = wording.labels("resettled_heads", lang)
    if lang == "zh":
        area, key = area_title(program), key_title(program, program.entry)
        heads |= {"person_id": key.zh} | ({} if area is None else {"area": area.zh})
    else:
        heads["person_id"] = program.entities[program.entry].key
    return [*heads.values()]


def _notices(program: Program, words: _Words, listed: list[tuple[Any, ...]], lang: Lang) -> str:
    """A notice for each person, one after the other."""
    people = [
        (person, [words.line(row) for row in part]) for person, part in groupby(listed, lambda row: row[1])
    ]
    labels = {
        name: text.in_(lang, office=office(program)) for name, text in wording.group("resettled").items()
    }
    labels["person"] = key_title(program, program.entry).in_(lang)
    return template("notices.html").render(people=people, words=labels, lang=lang)


class _Words:
    """Says in words what a person's layer comes to."""

    def __init__(self, changes: RuleChanges, lang: Lang) -> None:
        self.lang = lang
        self.causes = {change.name: change for change in changes.listed}
        self.titles = {d.name: d.title for d in changes.after.decisions}
        self.provisions = changes.after.provisions

    def cells(self, row: tuple[Any, ...]) -> list[str]:
        """A line of the work list."""
        area, person, _, decision, count, paid, due, owed, overpaid, cause, provision = row
        amounts = [f"{amount:.2f}" for amount in (paid, due, owed, overpaid)]
        return [
            f"{place_name(area) or ''} {area}".strip() if area else "", str(person or ""),
            self.titles[decision].in_(self.lang), str(count), *amounts, self._causes(cause), self._clauses(cause),
            ", ".join(self._provision(name) for name in provision.split(", ") if name),
        ]  # fmt: skip

    def line(self, row: tuple[Any, ...]) -> Mapping[str, str]:
        """A line of a notice."""
        cells = self.cells(row)
        return dict(zip(wording.group("resettled_heads"), cells, strict=True))

    def _causes(self, cause: str) -> str:
        if not cause:
            return wording("resettled_otherwise").in_(self.lang)
        return ", ".join(
            f"{self.causes[name].title.in_(self.lang)}: {self.causes[name].before} → {self.causes[name].after}"
            for name in cause.split(", ")
        )

    def _clauses(self, cause: str) -> str:
        return ", ".join(dict.fromkeys(self.causes[name].clause for name in cause.split(", ") if name))

    def _provision(self, name: str) -> str:
        provision = self.provisions.get(name)
        return name if provision is None else provision.title.in_(self.lang)
