"""The rows of some people's households among all rows of files.

In: opened inputs, keys of people. Out: by entity the rows of every household in which one of them stands, with the place of
each among its entity's rows. Files are read once, some rows at a time, and only the rows that are wanted are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.ingest.entity_cases import Numbers, cases_of
from mianshen.ingest.entity_rows import EntityRows, RowReader
from mianshen.ingest.inputs import Input
from mianshen.ingest.typed_columns import Array
from mianshen.interpreter.rows import Case
from mianshen.program.program import Entity
from mianshen.program.stages import parents_first

Choice: TypeAlias = Callable[[EntityRows], Array]


@dataclass(slots=True)
class HouseholdRows:
    """Reads the households of people. `rows` and `places` are by entity, once `read` is through."""

    reader: RowReader
    inputs: Mapping[str, Input]
    rows: dict[str, EntityRows] = field(default_factory=dict)
    places: dict[str, Array] = field(default_factory=dict)

    def read(self, people: pa.StringArray) -> None:
        """Raises RuleError where a file cannot be read, MemoryError."""
        program = self.reader.program
        entry = program.entities[program.entry]
        self._select(entry, lambda rows: _members(rows, people), whole=True)
        above, below = entry, self.rows[entry.name]
        while above.parent is not None:
            above = program.entities[above.parent]
            self._select(above, _with_key(below.parent))
            below = self.rows[above.name]
        for entity in (program.entities[name] for name in parents_first(program)):
            if entity.name not in self.rows:
                self._select(entity, _under(None if entity.parent is None else self.rows[entity.parent].key))

    def cases(self) -> Iterator[tuple[Case, Numbers]]:
        """The households, each once, with the places of their rows among all of their entity's."""
        for case, numbers in cases_of(self.reader.program, self.rows, self.reader.as_of):
            yield case, {row: int(self.places[row.entity][number]) for row, number in numbers.items()}

    def _select(self, entity: Entity, chosen: Choice, whole: bool = False) -> None:
        """Keep the chosen rows of an entity; `whole`: they are chosen among all of them at once."""
        source = self.inputs.get(entity.name)
        chunks: list[EntityRows] = []
        places: list[Array] = []
        before = 0
        for chunk in [self.reader.read(entity, source)] if whole else self.reader.chunks(entity, source):
            rows = chosen(chunk)
            chunks.append(chunk.taken(rows))
            places.append(rows + before)
            before += chunk.count
        self.rows[entity.name] = self.reader.joined(entity, source, chunks)
        self.places[entity.name] = np.concatenate([*places, np.empty(0, np.int64)])
        self.rows[entity.name].name_unkeyed(self.places[entity.name])


def _with_key(keys: pa.StringArray | None) -> Choice:
    """Chooses the rows whose key is one of some."""
    return lambda rows: _is_in(rows.key, keys)


def _under(keys: pa.StringArray | None) -> Choice:
    """Chooses the rows whose parent has one of some keys."""
    return lambda rows: _is_in(rows.parent, keys)


def _members(rows: EntityRows, people: pa.StringArray) -> Array:
    """The rows of people, of all who share a household with them, and of both over time."""
    chosen = _is_in(rows.key, people)
    while True:
        keys = rows.key.take(pa.array(chosen))
        more = _is_in(rows.key, keys)
        if rows.parent is not None:
            more = np.union1d(more, _is_in(rows.parent, rows.parent.take(pa.array(chosen))))
        if len(more) == len(chosen):
            return more
        chosen = more


def _is_in(values: pa.StringArray | None, keys: pa.StringArray | None) -> Array:
    """The rows whose value is one of some keys; null is none."""
    if values is None or keys is None:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.asarray(pc.is_in(values, value_set=pc.drop_null(keys))))
