"""The rows of some people's households among all rows of files.

In: opened inputs, keys of people. Out: by entity the rows of every household in which one of them stands, with the place of
each among its entity's rows. Files are read some rows at a time, and only the rows of those households are kept; of the
people's files the keys are read once before, for who belongs to a household only shows among all of them; of other files once
more, for a key may be doubled in another household.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.ingest.column_parts import concatenated
from mianshen.ingest.entity_cases import Numbers, cases_of
from mianshen.ingest.entity_rows import EntityRows, RowReader
from mianshen.ingest.inputs import Input
from mianshen.ingest.part_columns import spans_of
from mianshen.ingest.typed_columns import Array, ColumnReader, Refusal
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
        keys, parents = _members(*self._keys(entry), people)
        self._select(entry, lambda rows: np.union1d(_is_in(rows.key, keys), _is_in(rows.parent, parents)))
        above, below = entry, self.rows[entry.name]
        while above.parent is not None:
            above = program.entities[above.parent]
            self._select(above, _with_key(below.parent))
            below = self.rows[above.name]
        for entity in (program.entities[name] for name in parents_first(program)):
            if entity.name not in self.rows:
                self._select(entity, _under(None if entity.parent is None else self.rows[entity.parent].key))
                self._reject_doubled(entity)

    def _keys(self, entity: Entity) -> tuple[pa.StringArray, pa.StringArray]:
        """The key of every record of an entity and that of its parent; of its files only these columns are read."""
        owner = None if entity.parent is None else self.reader.program.entities[entity.parent].key
        columns: dict[str, list[pa.Array]] = {entity.key: [], owner or "": []}
        for cells in self._columns(entity, tuple(columns)):
            for name, column in columns.items():
                column += cells[name]
        key, parent = (concatenated([pa.array([], pa.string()), *column]) for column in columns.values())
        return key, parent

    def _columns(self, entity: Entity, names: tuple[str, ...]) -> Iterator[dict[str, list[pa.Array]]]:
        """Some columns of texts of an entity's files, some rows at a time; the others are not read."""
        program, source = self.reader.program, self.inputs.get(entity.name)
        for part in () if source is None else source.parts:
            there = {name: part.columns[name] for name in names if name in part.columns}
            readers = {name: ColumnReader(program.facts[entity.name, name], program) for name in there}
            for span in spans_of(replace(part, columns=there), self.reader.connection, ()):
                yield {
                    name: [readers[name].read(chunk).values for chunk in span.column(name)]
                    if name in there
                    else [pa.nulls(span.count, pa.string())]
                    for name in names
                }

    def _reject_doubled(self, entity: Entity) -> None:
        """Refuse the kept rows whose key another row of the files has, be it somebody else's."""
        rows = self.rows[entity.name]
        keys = pc.drop_null(pc.unique(rows.key))
        times: Counter[str] = Counter()
        for cells in self._columns(entity, (entity.key,)) if len(keys) else ():
            for chunk in cells[entity.key]:
                times.update(chunk.filter(pc.is_in(chunk, value_set=keys)).to_pylist())
        twice = _is_in(rows.key, pa.array([key for key, count in times.items() if count > 1], pa.string()))
        rows.rejects = rows.rejects.with_more([(twice, Refusal(entity.key, "duplicate"))])

    def cases(self) -> Iterator[tuple[Case, Numbers]]:
        """The households, each once, with the places of their rows among all of their entity's."""
        for case, numbers in cases_of(self.reader.program, self.rows, self.reader.as_of):
            yield case, {row: int(self.places[row.entity][number]) for row, number in numbers.items()}

    def _select(self, entity: Entity, chosen: Choice) -> None:
        """Keep the chosen rows of an entity."""
        source = self.inputs.get(entity.name)
        chunks: list[EntityRows] = []
        places: list[Array] = []
        before = 0
        for chunk in self.reader.chunks(entity, source):
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


def _members(
    keys: pa.StringArray, parents: pa.StringArray, people: pa.StringArray
) -> tuple[pa.StringArray, pa.StringArray]:
    """The keys of people and of all who share a household with them, now or at another time; those of the households.

    `keys`, `parents`: of every person's row the key and that of the household.
    """
    chosen = _is_in(keys, people)
    while True:
        members = keys.take(pa.array(chosen))
        households = parents.take(pa.array(chosen))
        more = np.union1d(_is_in(keys, members), _is_in(parents, households))
        if len(more) == len(chosen):
            return members, households
        chosen = more


def _is_in(values: pa.StringArray | None, keys: pa.StringArray | None) -> Array:
    """The rows whose value is one of some keys; null is none."""
    if values is None or keys is None:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.asarray(pc.is_in(values, value_set=pc.drop_null(keys))))
