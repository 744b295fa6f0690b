"""Made-up people of any rulebook, spoilt: cells that do not read, doubled keys, lost parents, rows over time, reversals."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from mianshen.population.any_rulebook import write_any
from mianshen.program.core import Numeric
from mianshen.program.program import Entity, Program

Cells: TypeAlias = "list[dict[str, str]]"
SPOILT: Final = (
    "",
    "x",
    "-1",
    "99999999999",
    "1.239",
    " ",
    "２０",
    "NaN",
    "2026-13-45",
    "99",
    "31",
    "310113",
    "true",
    "否",
)


def dirty(
    program: Program, folder: Path, seed: int, people: int, rate: float, as_of: dt.date
) -> dict[str, Path]:
    """Write CSV files of people of whom about so many rows have something wrong; their paths by entity."""
    write_any(folder / "clean", program, people, seed, "csv", as_of, unknowns=True)
    tables: dict[str, Cells] = {}
    for entity in program.entities.values():
        with (folder / "clean" / f"{entity.children or entity.name}.csv").open(newline="") as file:
            tables[entity.name] = list(csv.DictReader(file))
    _Spoiling(program, tables, random.Random(seed), rate, as_of).all()
    paths = {}
    for name, rows in tables.items():
        paths[name] = folder / f"{name}.csv"
        with paths[name].open("w", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), restval="")
            writer.writeheader()
            writer.writerows(rows)
    return paths


class _Spoiling:
    def __init__(
        self, program: Program, tables: dict[str, Cells], chance: random.Random, rate: float, as_of: dt.date
    ) -> None:
        self.program, self.tables, self.chance, self.rate, self.as_of = program, tables, chance, rate, as_of

    def all(self) -> None:
        entities = self.program.entities.values()
        for entity in entities:
            self._count(entity)
        for entity in entities:
            self._amounts(entity)
            if entity.valid_from is not None:
                self._over_time(entity, entity.valid_from)
            if entity.reverses is not None:
                self._reverse(entity, entity.reverses)
        for entity in entities:
            self._spoil(entity)
            self.chance.shuffle(self.tables[entity.name])

    def _rarely(self, share: float = 1.0) -> bool:
        return self.chance.random() < self.rate * share

    def _owner(self, entity: Entity) -> str:
        return "" if entity.parent is None else self.program.entities[entity.parent].key

    def _count(self, entity: Entity) -> None:
        """How many there are, told by the row above, sometimes wrongly."""
        if entity.counted_by is None or entity.parent is None:
            return
        owner = self._owner(entity)
        counts = Counter(row[owner] for row in self.tables[entity.name])
        for row in self.tables[entity.parent]:
            count = counts[row[owner]]
            wrong = ("", str(count + 1), str(max(0, count - 1)))
            row[entity.counted_by] = self.chance.choice(wrong) if self._rarely() else str(count)

    def _amounts(self, entity: Entity) -> None:
        """What was settled, and what stands for a decision, on some rows."""
        for (owner, name), fact in self.program.facts.items():
            if owner != entity.name or not isinstance(fact.type, Numeric):
                continue
            for row in self.tables[owner] if fact.settles is not None else ():
                row[name] = (
                    f"{self.chance.randint(0, 300000) / 100:.2f}" if self.chance.random() < 0.3 else ""
                )
            for row in self.tables[owner] if fact.overrides is not None else ():
                row[name] = row.get(name, "") if self.chance.random() < 0.1 else ""

    def _over_time(self, entity: Entity, begins: str) -> None:
        """Rows of other times for some, a few of them in other families or begun with another."""
        rows: Cells = self.tables[entity.name]
        more: Cells = []
        for row in rows:
            row[begins] = ""
            if self.chance.random() > 0.25:
                continue
            row[begins] = str(self.as_of - dt.timedelta(days=self.chance.randint(300, 900)))
            later = {**row, begins: str(self.as_of - dt.timedelta(days=self.chance.randint(-30, 400)))}
            if self._rarely():
                later[begins] = self.chance.choice(("bad", row[begins], ""))
            if self._rarely():
                later[self._owner(entity)] = self.chance.choice(rows).get(self._owner(entity), "nobody")
            more += [later, dict(later)] if self._rarely() else [later]
        rows += more

    def _reverse(self, entity: Entity, names: str) -> None:
        """Rows that cancel others, some of them nobody's, twice, or of what cancels itself."""
        rows: Cells = self.tables[entity.name]
        more: Cells = []
        for row in rows:
            row[names] = ""
            if self.chance.random() > 0.08:
                continue
            voiding = {
                **dict.fromkeys(row, ""),
                entity.key: f"R{len(more)}-{row[entity.key]}",
                names: row[entity.key],
            }
            voiding[self._owner(entity)] = row[self._owner(entity)]
            if entity.date is not None:
                voiding[entity.date] = self.chance.choice((row[entity.date], str(self.as_of), ""))
            if self._rarely():
                voiding[names] = self.chance.choice(("nobody", self.chance.choice(rows)[entity.key]))
            more.append(voiding)
            if self._rarely():
                more.append({**voiding, entity.key: f"{voiding[entity.key]}b"})
            if self._rarely():
                more.append({**voiding, entity.key: f"{voiding[entity.key]}c", names: voiding[entity.key]})
        rows += more

    def _spoil(self, entity: Entity) -> None:
        """Cells of no use, keys that others have, parents that nobody is, days that are too late."""
        rows = self.tables[entity.name]
        keys: Mapping[bool, str] = {True: "", False: rows[0][entity.key]}
        for row in list(rows):
            if self._rarely():
                row[self.chance.choice(list(row))] = self.chance.choice(SPOILT)
            if self._rarely(0.3):
                row[entity.key] = keys[self.chance.random() < 0.3]
            if self._rarely(0.3) and entity.parent is not None:
                row[self._owner(entity)] = self.chance.choice(("nobody", ""))
            if self._rarely(0.3) and entity.date is not None:
                row[entity.date] = self.chance.choice(("2027-01-01", "1980-01-01", "", str(self.as_of)))
            if self._rarely(0.2):
                rows.append(dict(row))
