"""Many cases of one day and one program decided together on DuckDB.

In: cases read and not yet decided. Out: `Answers` for each, in order.
Invariants: every row of every case is a row of one table an entity; `?row` counts through all cases,
so that persons with the same key stay apart; rows rejected while reading come in as rejected. Where a
person has rows over time, `?under` is the row that a row reads, `?parent` the person's; a version has
`?of`, the person's row, and no `?parent`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from mianshen.casework.answers import Answer, Answers, Mark, Rejected, RowKey
from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Decision, Key, Program
from mianshen.values import Known
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.on_duckdb import Run


def decided_on_duckdb(program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
    """What DuckDB answers to each case; all of them must be of the day `as_of`."""
    with duckdb.connect(config={"threads": 1}) as connection:
        tables = CaseTables(program, connection)
        for case in cases:
            tables.add(case)
        return tables.decided(as_of)


@dataclass(slots=True)
class CaseTables:
    """Cases as row tables; `numbers` gives each row's `?row`, `owners` the case of each."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    rows: dict[str, list[Row]] = field(default_factory=dict)
    numbers: dict[Row, int] = field(default_factory=dict)
    owners: dict[Row, int] = field(default_factory=dict)
    count: int = 0

    @property
    def over_time(self) -> bool:
        """Whether some row reads its parent of another time."""
        return any(row.version_of is not None for rows in self.rows.values() for row in rows)

    def add(self, case: Case) -> None:
        """Take in a case that nobody has decided."""
        for row in case.rows():
            of_entity = self.rows.setdefault(row.entity, [])
            of_entity.append(row)
            self.numbers[row] = len(of_entity)
            self.owners[row] = self.count
        self.count += 1

    def decided(self, as_of: dt.date) -> list[Answers]:
        """Decide every row and take the answers apart by case."""
        for entity in self.program.entities:
            self._write(entity)
        keys = frozenset(decision.key for decision in self.program.decisions)
        run = Run(
            self.program, self.connection, {e: _table(e) for e in self.program.entities}, as_of, keys, keys
        )
        run.reject_children()
        run.all()
        missing = self._missing(run)
        found = self._rejected()
        for decision in self.program.decisions:
            self._take(run, decision, missing[decision.key], found)
        return found

    # -- tables ------------------------------------------------------------------------------

    def _write(self, entity: str) -> None:
        """One entity's table, in the order the cases came."""
        facts = {name: fact for (owner, name), fact in self.program.facts.items() if owner == entity}
        types = {"?row": "BIGINT", "?parent": "BIGINT", "?rejected": "BOOLEAN", "?unreadable": "VARCHAR"}
        types |= {name: terms.sql_type(fact.type).sql(dialect="duckdb") for name, fact in facts.items()}
        if self.program.entities[entity].parent is None:
            del types["?parent"]
        elif self.over_time:
            types["?under"] = "BIGINT"
        if any(row.voider is not None for row in self.rows.get(entity, ())):
            types["?voider"] = "VARCHAR"
        if any(row.version_of is not None for row in self.rows.get(entity, ())):
            types["?of"] = "BIGINT"
        columns = ", ".join(f'"{name}" {type_}' for name, type_ in types.items())
        self.connection.execute(f'CREATE TEMP TABLE "{_table(entity)}" ({columns})')
        rows = [self._values(row, list(types)) for row in self.rows.get(entity, ())]
        if rows:
            one = f"({', '.join('?' for _ in types)})"
            together = ", ".join([one] * len(rows))
            values = [value for row in rows for value in row]
            self.connection.execute(f'INSERT INTO "{_table(entity)}" VALUES {together}', values)

    def _values(self, row: Row, columns: list[str]) -> list[object]:
        above = None if row.idle else row.parent  # an idle row takes no part
        made: dict[str, object] = {
            "?row": self.numbers[row],
            "?parent": None if above is None or row.version_of is not None else self.numbers[above.current],
            "?under": None if above is None else self.numbers[above],
            "?of": None if row.version_of is None else self.numbers[row.version_of],
            "?rejected": row.rejection is not None,
            "?voider": None if row.voider is None else f"{row.voider.entity} {row.voider.key}",
            "?unreadable": f",{','.join(sorted(row.unreadable))}," if row.unreadable else None,
        }
        return [made[name] if name in made else _plain(row.facts.get(name)) for name in columns]

    # -- answers -----------------------------------------------------------------------------

    def _rejected(self) -> list[Answers]:
        """Which rows are rejected, those while deciding included."""
        decisions: list[dict[RowKey, dict[str, Answer]]] = [{} for _ in range(self.count)]
        rejected: list[dict[RowKey, Rejected]] = [{} for _ in range(self.count)]
        for entity, rows in self.rows.items():
            query = f'SELECT "?row" FROM "{_table(entity)}" WHERE "?rejected"'
            numbers = {number for (number,) in self.connection.execute(query).fetchall()}
            for row in rows:
                key, why = (row.entity, row.key), row.rejection
                if self.numbers[row] in numbers:
                    told = Rejected("", "") if why is None else Rejected(why.field, why.reason)
                    rejected[self.owners[row]][key] = told
                elif row.version_of is None:
                    decisions[self.owners[row]][key] = {}
        return [Answers(*each) for each in zip(decisions, rejected, strict=True)]

    def _take(
        self, run: Run, decision: Decision, missing: Mapping[int, frozenset[str]], found: list[Answers]
    ) -> None:
        """Put one decision's answers where they belong."""
        rows = self.rows.get(decision.entity, [])
        for number, value, void, by in _made(run, decision):
            row = rows[number - 1]
            answers = found[self.owners[row]].decisions.get((row.entity, row.key))
            if answers is None or (row.entity, row.key) in found[self.owners[row]].rejected:
                continue
            assert isinstance(answers, dict)
            answer = _answer(decision, value, void, by)
            answers[decision.name] = replace(answer, missing=missing.get(number, frozenset()))

    def _missing(self, run: Run) -> dict[Key, dict[int, frozenset[str]]]:
        """For each decision, the facts that unknown values rest on, by row; found by deciding once more."""
        again = run.asking(run.rows, frozenset(decision.key for decision in self.program.decisions))
        again.once()
        missing: dict[Key, dict[int, frozenset[str]]] = {}
        for decision in self.program.decisions:
            query = f'SELECT "?row", "{decision.name}?miss" FROM "{again.shelf.made[decision.key]}"'
            rows = again.connection.execute(query).fetchall()
            missing[decision.key] = {row: frozenset(names) for row, names in rows if names}
        return missing


def _made(run: Run, decision: Decision) -> list[tuple[int, object, bool, int | None]]:
    """Row, value, whether it is not modelled, and the number of the provision that gave it."""
    name, table = decision.name, run.shelf.made[decision.key]
    columns = {column for (column, *_) in run.connection.execute(f'DESCRIBE "{table}"').fetchall()}
    void = f'"{name}?void"' if f"{name}?void" in columns else "false"
    query = f'SELECT "?row", "{name}", {void}, "{name}?by" FROM "{table}" ORDER BY 1'
    return run.connection.execute(query).fetchall()


def _answer(decision: Decision, value: object, void: bool, by: int | None) -> Answer:
    if void:
        return Answer(Mark.NOT_MODELLED)
    if value is None:
        return Answer(Mark.UNKNOWN)
    known: Known = tuple(value) if isinstance(value, list) else value  # type: ignore[assignment]  # the column's type
    return Answer(known, None if by is None else decision.provisions[by].name)


def _plain(value: Known | None) -> object:
    return list(value) if isinstance(value, tuple) else value


def _table(entity: str) -> str:
    return f"rows_{entity}"
