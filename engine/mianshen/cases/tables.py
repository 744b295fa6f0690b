"""Cases of one day and one program decided by the script that `compile --dialect duckdb` writes, run in DuckDB.

In: cases read and not yet decided. Out: `Answers` for each, in order: values, statuses and provisions, never the
names of missing facts.
A script takes a record as its row says it. It knows no rows over time, no reversals and no amounts settled before, and
a household with a record that is refused or fails is left out of its results whole; `said_by_script` tells the cases
it can be asked. Every row of every case stands in one table an entity, its keys with the case's number before them, so
that persons with the same key stay apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from mianshen.casework.answers import Answer, Answers, Mark, Rejected, RowKey
from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Decision, Fact, Program
from mianshen.values import Known
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.plan import voidable
from mianshen.warehouse.script import FAILED, LEFT_OUT, REFUSED, Script


def said_by_script(case: Case, program: Program) -> bool:
    """Whether a script decides a case as it stands: no row over time, reversed, settled or rejected."""
    return not case.reversed and all(_plain(row, program) for row in case.rows())


def _plain(row: Row, program: Program) -> bool:
    if row.version_of is not None or row.versions or row.blank or row.idle:
        return False
    settled = any(fact in row.facts for fact in program.settled_facts(row.entity).values())
    return row.rejection is None and row.voider is None and not settled


def decided_by_script(program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
    """What the script answers to each case; all of them are of the day `as_of` and `said_by_script`.

    Every row of a household that the script leaves out is rejected, with the script's reason where it has one.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        return _CaseTables(program, connection, as_of, cases).decided()


@dataclass(slots=True)
class _CaseTables:
    """Cases as the tables that a script reads; `rows` and `owners` give the row and case of each key."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date
    cases: Sequence[Case]
    rows: dict[RowKey, Row] = field(default_factory=dict)
    owners: dict[RowKey, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, case in enumerate(self.cases):
            for row in case.rows():
                self.rows[row.entity, f"{number} {row.key}"] = row
                self.owners[row.entity, f"{number} {row.key}"] = number

    def decided(self) -> list[Answers]:
        """Run the script and take its answers apart by case."""
        keys = frozenset(decision.key for decision in self.program.decisions)
        inputs = {name: f"given_{name}" for name in self.program.entities}
        script = Script(self.program, self.as_of, keys, "duckdb", inputs, keys)
        script.write()
        for entity in script.entities():
            self._load(entity, script.facts(entity))
        for statement in script.statements:
            self.connection.execute(statement.text)
        decisions: list[dict[RowKey, dict[str, Answer]]] = [{} for _ in self.cases]
        rejected = self._left_out(script)
        for key, row in self.rows.items():
            if key not in rejected:
                decisions[self.owners[key]][row.entity, row.key] = {}
        for decision in self.program.decisions:
            for name, answer in self._answers(script, decision):
                row = self.rows[decision.entity, name]
                if (decision.entity, name) not in rejected:
                    decisions[self.owners[decision.entity, name]][row.entity, row.key][decision.name] = answer
        refusals: list[dict[RowKey, Rejected]] = [{} for _ in self.cases]
        for key, why in rejected.items():
            refusals[self.owners[key]][key[0], self.rows[key].key] = why
        return [Answers(*answers) for answers in zip(decisions, refusals, strict=True)]

    def _load(self, entity: str, facts: Mapping[str, Fact]) -> None:
        """The table of an entity's records."""
        described = self.program.entities[entity]
        types = [terms.sql_type(fact.type).sql("duckdb") for fact in facts.values()]
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in zip(facts, types, strict=True))
        self.connection.execute(f'CREATE TABLE "given_{entity}" ({columns})')
        above = None if described.parent is None else self.program.entities[described.parent].key
        keys = {other.key for other in self.program.entities.values()}
        values: list[object] = []
        count = 0
        for key, row in self.rows.items():
            if row.entity == entity:
                named = {n: f"{self.owners[key]} {v}" for n, v in row.facts.items() if n in keys}
                linked = {**named, described.key: key[1]}
                if above is not None and row.parent is not None:
                    linked[above] = f"{self.owners[key]} {row.parent.key}"
                values += [_cell({**row.facts, **linked}.get(name)) for name in facts]
                count += 1
        if count:
            one = f"({', '.join('?' for _ in facts)})"
            listed = ", ".join([one] * count)
            self.connection.execute(f'INSERT INTO "given_{entity}" VALUES {listed}', values)

    def _left_out(self, script: Script) -> dict[RowKey, Rejected]:
        """The rows of households left out, with what is told of them."""
        rejected: dict[RowKey, Rejected] = {}
        for entity in script.entities():
            key, table = self.program.entities[entity].key, script.rows[entity]
            query = f'SELECT "{key}" FROM "{table}" WHERE "?top" IN (SELECT "?top" FROM {LEFT_OUT})'
            for (left_out,) in self.connection.execute(query).fetchall():
                rejected[entity, left_out] = Rejected("", "left_out")
        tables = {s.table for s in script.statements}
        for table in (FAILED, REFUSED):
            query = f'SELECT entity, "key", reason FROM {table}'
            for entity, key, reason in self.connection.execute(query).fetchall() if table in tables else ():
                fact, _, why = reason.partition(": ")
                rejected[entity, key] = Rejected(fact, why) if why else Rejected("", f"failed at {fact}")
        return rejected

    def _answers(self, script: Script, decision: Decision) -> Iterator[tuple[str, Answer]]:
        """The key and the answer of each row."""
        name, table = decision.name, script.catalog.decided[decision.key]
        void = f'"{name}?void"' if decision.key in voidable(self.program) else "false"
        key = self.program.entities[decision.entity].key
        rows = f'"{script.rows[decision.entity]}" AS rows JOIN "{table}" AS decided USING ("?row")'
        query = f'SELECT rows."{key}", decided."{name}", {void}, "{name}?by" FROM {rows}'
        for row, value, is_void, by in self.connection.execute(query).fetchall():
            yield row, _answer(decision, value, is_void, by)


def _answer(decision: Decision, value: object, void: bool, by: int | None) -> Answer:
    if void:
        return Answer(Mark.NOT_MODELLED)
    if value is None:
        return Answer(Mark.UNKNOWN)
    known: Known = tuple(value) if isinstance(value, list) else value  # type: ignore[assignment]  # the column's type
    return Answer(known, None if by is None else decision.provisions[by].name)


def _cell(value: Known | None) -> object:
    return list(value) if isinstance(value, tuple) else value
