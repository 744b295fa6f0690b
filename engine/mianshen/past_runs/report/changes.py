"""What changed since an earlier run: who is newly due, no longer due, due another amount, or not known to be due any more.

In: two finished runs. Out: a table of changes, a row for each person (or household) and benefit; counts by benefit.
Invariants: a person or a benefit that one of the runs does not have counts there as not due; answers
that were and are not due do not appear, whatever their status. One that was due and is undetermined, or whose person is
rejected, is not said to be no longer due, and nothing is said of its amount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import duckdb

from mianshen.batch.output_files import REJECTS
from mianshen.ingest.inputs import identifier, pattern, quoted
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.program.program import Entity, Program

KINDS: Final = ("newly_due", "no_longer_due", "now_open", "amount_changed")
TABLE: Final = "changes"
_AMOUNT: Final = "DECIMAL(18, 2)"
# an answer that is open, or a side on which it is due and no amount is known
_OPEN: Final = (
    "change = 'now_open' OR status = 'eligible' AND amount IS NULL "
    "OR status_before = 'eligible' AND amount_before IS NULL"
)

_NOTHING: Final = (
    "SELECT NULL::VARCHAR AS person, NULL::VARCHAR AS owner, NULL::VARCHAR AS benefit, NULL::VARCHAR AS change, "
    f"NULL::VARCHAR AS status_before, NULL::VARCHAR AS status, NULL::{_AMOUNT} AS amount_before, "
    f"NULL::{_AMOUNT} AS amount, NULL::VARCHAR AS reason WHERE false"
)


@dataclass(frozen=True, slots=True)
class Change:
    """Counts of one kind of change of one benefit.

    `difference`: what it adds to the amounts due; `open`: how many rows it leaves out, for want of an amount.
    """

    benefit: str
    kind: str
    residents: int
    difference: Decimal | None
    open: int


def compare(
    program: Program,
    runs: tuple[FinishedRun, FinishedRun],
    entities: Iterable[Entity],
    rows: Callable[[FinishedRun, Entity], str],
    connection: duckdb.DuckDBPyConnection,
) -> list[Change]:
    """Makes the table of changes, by person and benefit; gives its counts.

    `runs`: the run and the earlier one; `rows`: what stands after FROM to read the rows of an entity, with `person` and
    `owner`. A benefit of households has a row for each household, with its first member.
    """
    names: list[str] = []
    parts = [_NOTHING]
    for entity in entities:
        now, before = (rows(run, entity) for run in runs)
        table = identifier(f"differing {entity.name}")
        of_entity = _keep_differing(table, entity, now, before, _rejected(runs[0], entity), connection)
        names += of_entity
        parts += [_rows(name, table) for name in of_entity]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT * FROM ({' UNION ALL '.join(parts)}) "
        "ORDER BY person, owner, benefit"
    )
    counted = connection.execute(
        f"SELECT benefit, change, count(*), sum(CASE WHEN {_OPEN} THEN NULL WHEN amount IS NOT NULL OR amount_before "
        f"IS NOT NULL THEN coalesce(amount, 0) - coalesce(amount_before, 0) END), count(*) FILTER ({_OPEN}) "
        f"FROM {TABLE} GROUP BY ALL"
    ).fetchall()
    paid = {name for name, benefit in program.benefits.items() if benefit.amount is not None}
    result = {
        (benefit, kind): Change(benefit, kind, count, total, open_ if benefit in paid else 0)
        for benefit, kind, count, total, open_ in counted
    }
    return [result[name, kind] for name in names for kind in KINDS if (name, kind) in result]


def add_causes(compared: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Add to the table of changes which change of the rules is behind each; NULL: the records are.

    `compared`: the changed cells of a comparison of the rules over the same records.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT c.*, min(r.cause) AS cause FROM {TABLE} AS c "
        f"LEFT JOIN {pattern(compared)} AS r ON r.key = coalesce(nullif(c.owner, ''), c.person) "
        "AND r.decision IN (c.benefit || '_status', c.benefit || '_amount') GROUP BY ALL "
        "ORDER BY person, owner, benefit"
    )


def _rejected(run: FinishedRun, entity: Entity) -> str:
    """What stands after IN: the keys of an entity's rejected rows."""
    files = ", ".join(quoted(part["file"]) for part in run.manifest["inputs"].get(entity.name, ())) or "NULL"
    return f"(SELECT key FROM {run.rows(REJECTS)} WHERE file IN ({files}) AND key IS NOT NULL)"


def _keep_differing(
    table: str, entity: Entity, now: str, before: str, rejected: str, connection: duckdb.DuckDBPyConnection
) -> list[str]:
    """Makes the table of an entity's rows in which a benefit differs; gives the benefits of either run."""
    here, there = (_benefits(side, connection) for side in (now, before))
    names = [*here, *(name for name in there if name not in here)]
    wanted = [_columns(name, name in here, name in there) for name in names]
    differing = " OR ".join(f"({test})" for test, _ in wanted) or "false"
    key = identifier(entity.key)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT coalesce(now.person, before.person) AS person, "
        f"coalesce(now.owner, before.owner) AS owner, "
        f"now.{key} IS NULL AND before.{key} IN {rejected} AS rejected, {', '.join(columns for _, columns in wanted) or 'NULL'} "
        f"FROM {now} AS now FULL JOIN {before} AS before ON now.{key} = before.{key} WHERE {differing}"
    )
    return names


def _benefits(people: str, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The benefits a run tells of, by its columns."""
    described = connection.execute(f"DESCRIBE FROM {people}").fetchall()
    columns = [row[0] for row in described]
    return [name.removesuffix("_status") for name in columns if name.endswith("_status")]


def _columns(name: str, now: bool, before: bool) -> tuple[str, str]:
    """When a benefit's answers differ in what is due, and its columns in both runs."""

    def at(run: str, part: str, there: bool, kind: str) -> str:
        return f"{run}.{identifier(f'{name}_{part}')}" if there else f"NULL::{kind}"

    status, earlier = at("now", "status", now, "VARCHAR"), at("before", "status", before, "VARCHAR")
    amount, paid = at("now", "amount", now, _AMOUNT), at("before", "amount", before, _AMOUNT)
    due, was = (f"coalesce({side} = 'eligible', false)" for side in (status, earlier))
    test = f"{due} <> {was} OR ({due} AND {was} AND {amount} IS DISTINCT FROM {paid})"
    columns = {
        "test": test, "due": due, "was": was, "status": status, "before": earlier, "amount": amount, "paid": paid,
        "reason": at("now", "reason", now, "VARCHAR"),
    }  # fmt: skip
    return test, ", ".join(f"{value} AS {identifier(f'{name}?{part}')}" for part, value in columns.items())


def _rows(name: str, table: str) -> str:
    """The changes of one benefit."""

    def of(part: str) -> str:
        return identifier(f"{name}?{part}")

    kind = (
        f"CASE WHEN {of('due')} AND NOT {of('was')} THEN 'newly_due' "
        f"WHEN {of('was')} AND (rejected OR {of('status')} = 'undetermined') THEN 'now_open' "
        f"WHEN {of('was')} AND NOT {of('due')} THEN 'no_longer_due' ELSE 'amount_changed' END"
    )
    return (
        f"SELECT person, owner, {quoted(name)}, {kind}, {of('before')}, {of('status')}, "
        f"CASE WHEN {of('was')} THEN {of('paid')} END, CASE WHEN {of('due')} THEN {of('amount')} END, {of('reason')} "
        f"FROM {table} WHERE {of('test')}"
    )
