"""Whether files are what they are taken for, and whether people or bills stand in them twice: told before a batch decides.

In: typed rows of entities, parents before children, some at a time. Out: `doubts`, each a warning with what to do, for
which a run stops unless told to go on; `findings`, which are counted and reported beside the results.
Invariants: everything is counted on columns; no key, name, number or date of anybody is kept or repeated, only hashes;
nothing depends on how the rows are cut into pieces.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.catalogue import diagnostic
from mianshen.ingest.identity_columns import identity_numbers_in_full
from mianshen.ingest.inputs import Input, Part, identifier
from mianshen.ingest.key_differences import DIFFERENCES, Difference, strangers
from mianshen.ingest.typed_columns import Array, TypedColumn, without_empty
from mianshen.program.core import Code, String
from mianshen.program.program import Entity, Fact, Program
from mianshen.source import Diagnostic, Message, unlined

if TYPE_CHECKING:
    from mianshen.ingest.entity_rows import FileRows

FEWEST: Final = 10  # rows below which a share says nothing
MOST_LATE: Final = 0.5  # of an entity's rows may lie after the decision date
FOUND_AT_LEAST: Final = 0.1  # of the parents that rows name are in the parents' file
LONGEST_SILENCE: Final = dt.timedelta(days=3 * 366)  # between the last row and the decision date
YEARS: Final = (1990, 2100)  # of a decision date
SKETCH: Final = 1 << 14  # hashes by which the keys of two files are compared
SAMPLE: Final = 256  # keys by which padding is looked for
WHOLE_COLUMN: Final = 0.9  # of its cells are refused for one reason
MARKS: Final = np.uint64(1 << 20)  # by which rows of other people are passed over
SHOWN: Final = 20  # likely doubles that are named
Bound: TypeAlias = Literal["begins", "ends"]  # of a life, as an entity names the facts


@dataclass(slots=True)
class LikelyDoubles:
    """Rows that say the same as another one under another key. `rows`: (row, row it repeats), from 0, the first few."""

    count: int
    rows: list[tuple[int, int]]


@dataclass(slots=True)
class Smallest:
    """The smallest different hashes of those that went by: of two such sketches the share of one in the other is known."""

    hashes: Array = field(default_factory=lambda: np.empty(0, np.uint64))
    whole: bool = True  # none was left out

    def add(self, hashes: Array) -> None:
        if not self.whole:
            hashes = hashes[hashes < self.hashes[-1]]
        together = _different(np.concatenate([self.hashes, hashes]))
        self.whole = self.whole and len(together) <= SKETCH
        self.hashes = together[:SKETCH]

    def share_of(self, other: Smallest) -> tuple[float, int]:
        """The share of these that `other` has too, and of how many it is known."""
        below = np.uint64(2**64 - 1) if other.whole else other.hashes[-1]
        compared = self.hashes[self.hashes <= below]
        isin = np.isin(compared, other.hashes, assume_unique=True)
        return (float(isin.mean()) if len(compared) else 1.0), len(compared)


@dataclass(slots=True)
class ColumnCells:
    """A column of a file: what it is called there, how many cells say something, how many are refused, by reason.

    `hints`: what to do about the first one refused for a reason.
    """

    names: tuple[str, ...]
    filled: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    hints: dict[str, Message] = field(default_factory=dict)

    def whole(self, reason: str) -> bool:
        """Whether hardly a cell of the column is anything else."""
        return self.filled > 1 and self.refused.get(reason, 0) >= self.filled * WHOLE_COLUMN


@dataclass(slots=True)
class EntityCounts:
    """What was seen of an entity's rows."""

    rows: int = 0
    late: int = 0
    last: dt.date | None = None
    keys: Smallest = field(default_factory=Smallest)
    parents: Smallest = field(default_factory=Smallest)
    signatures: list[Array] = field(
        default_factory=list
    )  # a hash of what a row says; 0 where it says too little
    own: list[Array] = field(default_factory=list)  # hashes of keys
    voided: list[Array] = field(default_factory=list)  # hashes of the keys that reversals name
    placeholders: dict[str, int] = field(default_factory=dict)
    beyond: dict[Bound, int] = field(default_factory=dict)  # rows dated before a birth or after a death


@dataclass(slots=True)
class Plausibility:
    """Looks at rows as they are read."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date
    seen: dict[str, EntityCounts] = field(default_factory=dict)
    numbers: list[tuple[Array, Array]] = field(
        default_factory=list
    )  # hashes of identity numbers, of their persons
    lives: dict[Bound, list[tuple[Array, Array]]] = field(
        default_factory=dict
    )  # hashes of who was born or died, and the day
    cells: dict[tuple[str, str], ColumnCells] = field(default_factory=dict)  # by file and fact

    def see(self, entity: Entity, part: Part, columns: Mapping[str, TypedColumn], count: int) -> None:
        """Take note of the next rows of an entity; `columns`: the facts that their file has a column for."""
        if not count:
            return
        counts = self.seen.setdefault(entity.name, EntityCounts())
        counts.rows += count
        cells = {name: column.values for name, column in columns.items()}
        self._refused(entity, part, columns)
        if entity.date in cells:
            self._dates(counts, cells[entity.date])
        written = {name: column.written for name, column in columns.items() if column.written is not None}
        hashes = self._keys(entity, counts, cells, written)
        bounds: dict[Bound, str | None] = {"begins": entity.begins, "ends": entity.ends}
        for bound, name in bounds.items():
            if name in cells and "key" in hashes:
                self.lives.setdefault(bound, []).append(_days(hashes["key"], cells[name]))
        if entity.parent == self.program.entry and entity.date in cells and "parent" in hashes:
            self._beyond(counts, *_days(hashes["parent"], cells[entity.date]))
        if entity.outcome is not None:
            self._signatures(entity, counts, cells, hashes)

    def _refused(self, entity: Entity, part: Part, columns: Mapping[str, TypedColumn]) -> None:
        """Which cells are refused or hold placeholders, by column."""
        placeholders = self.seen[entity.name].placeholders
        for name, column in columns.items():
            if column.placeholders:
                placeholders[name] = placeholders.get(name, 0) + column.placeholders
            refused = sum(len(rows) for rows, _ in column.refused)
            cells = self.cells.setdefault((part.name, name), ColumnCells(_names(part, name)))
            cells.filled += refused + len(column.values) - column.values.null_count
            for rows, why in column.refused:
                cells.refused[why.reason] = cells.refused.get(why.reason, 0) + len(rows)
                if why.hint is not None:
                    cells.hints.setdefault(why.reason, why.hint)

    def _dates(self, counts: EntityCounts, dates: pa.Array) -> None:
        counts.late += int(pc.sum(pc.greater(dates, pa.scalar(self.as_of, pa.date32()))).as_py() or 0)
        last = pc.max(dates).as_py()
        if last is not None and (counts.last is None or last > counts.last):
            counts.last = last

    def _keys(
        self,
        entity: Entity,
        counts: EntityCounts,
        cells: Mapping[str, pa.Array],
        written: Mapping[str, pa.Array],
    ) -> dict[str, Array]:
        """Keys of parents and children, to see whether they meet; identity numbers, to see whose they are.

        The hashes of the rows' keys (`key`) and of their parents' (`parent`).
        """
        parent = None if entity.parent is None else self.program.entities[entity.parent]
        wanted = {"key": cells.get(entity.key), "parent": None if parent is None else cells.get(parent.key)}
        hashes = self._hashes({name: [column] for name, column in wanted.items() if column is not None})
        if "key" in hashes and self.program.children_of(entity.name):
            counts.keys.add(hashes["key"][hashes["key"] != 0])
        if "parent" in hashes:
            counts.parents.add(hashes["parent"][hashes["parent"] != 0])
        person = "key" if entity.name == self.program.entry else "parent"
        of_person = person == "key" or entity.parent == self.program.entry
        for fact in self._facts(entity):
            if fact.format == "identity_number" and fact.name in written and of_person and person in hashes:
                texts = without_empty(identity_numbers_in_full(written[fact.name]))
                number = self._hashes({"n": [texts]})["n"]
                known = (number != 0) & (hashes[person] != 0)
                self.numbers.append((number[known], hashes[person][known]))
        return hashes

    def _beyond(self, counts: EntityCounts, persons: Array, days: Array) -> None:
        """Count rows that are dated before the birth or after the death of their person."""
        if not len(days):
            return
        first, latest = days.min(), days.max()
        for bound, lives in self.lives.items():
            # of few lives a row can lie outside; a birth to come rejects its person
            near = [
                (day > first) & (day <= self.last) if bound == "begins" else day < latest for _, day in lives
            ]
            people = np.concatenate([who[few] for (who, _), few in zip(lives, near, strict=True)])
            bounds = np.concatenate([day[few] for (_, day), few in zip(lives, near, strict=True)])
            if not len(people):
                continue
            marks = np.zeros(MARKS, np.bool_)
            marks[people % MARKS] = True
            rows = np.flatnonzero(marks[persons % MARKS])
            order = np.argsort(people, kind="stable")
            at = order[np.minimum(np.searchsorted(people[order], persons[rows]), len(order) - 1)]
            outside = days[rows] < bounds[at] if bound == "begins" else days[rows] > bounds[at]
            beyond = int(((people[at] == persons[rows]) & outside).sum())
            counts.beyond[bound] = counts.beyond.get(bound, 0) + beyond

    def _signatures(
        self, entity: Entity, counts: EntityCounts, cells: Mapping[str, pa.Array], hashes: Mapping[str, Array]
    ) -> None:
        """A hash of whose a row is, when, where, what kind and how much; none of a reversal."""
        facts = {fact.name: fact for fact in self._facts(entity)}
        money = [name for name in cells if facts[name].written == "money"]
        said = [n for n in cells if isinstance(facts[n].type, Code) or _is_area(facts[n])]
        signature = np.zeros(len(next(iter(cells.values()))), np.uint64)
        if "parent" in hashes and entity.date is not None and entity.date in cells and money:
            signature = hashes["parent"].copy()
            positive = np.zeros(len(signature), np.bool_)
            for name in (entity.date, *sorted([*money, *said])):
                words = _words(cells[name])
                signature += words * np.uint64(hash_of(name) | 1)
                if name in money:
                    positive |= _is_positive(cells[name], words)
            usable = (hashes["parent"] != 0) & np.asarray(cells[entity.date].is_valid()) & positive
            signature[~usable] = 0
        reversals = cells.get(entity.reverses or "")
        if reversals is not None:
            signature[np.asarray(reversals.is_valid())] = 0
            counts.voided.append(self._hashes({"r": [reversals.drop_null()]})["r"])
        counts.signatures.append(signature)
        if "key" in hashes and entity.reverses in facts:
            counts.own.append(hashes["key"])

    def _facts(self, entity: Entity) -> list[Fact]:
        return [fact for (owner, _), fact in self.program.facts.items() if owner == entity.name]

    def _hashes(self, columns: Mapping[str, Sequence[pa.Array]]) -> dict[str, Array]:
        """A hash of each row of each list of columns; 0 where the first of them is null."""
        if not columns:
            return {}
        named = {
            f"{name}{at}": column for name, listed in columns.items() for at, column in enumerate(listed)
        }
        hashed = []
        for name, listed in columns.items():
            every = ", ".join(identifier(f"{name}{at}") for at in range(len(listed)))
            known = f"{identifier(f'{name}0')} IS NOT NULL"
            hashed.append(f"CASE WHEN {known} THEN hash({every}) ELSE 0::UBIGINT END AS {identifier(name)}")
        cursor = self.connection.cursor()
        cursor.register("typed", pa.table(named))
        try:
            table = cursor.sql(f"SELECT {', '.join(hashed)} FROM typed").to_arrow_table()
        finally:
            cursor.unregister("typed")
            cursor.close()
        return {name: np.asarray(table[name].combine_chunks()).astype(np.uint64) for name in columns}

    # -- what stops a run ----------------------------------------------------------------------

    def doubts(self, inputs: Mapping[str, Input]) -> list[Diagnostic]:
        """Why the files may not be what they are taken for, or the decision date may be wrong."""
        problems = list(dict.fromkeys(doubt for source in inputs.values() for doubt in source.doubts))
        if not YEARS[0] <= self.as_of.year <= YEARS[1]:
            problems.append(diagnostic("E546.strange_day", unlined("--as-of"), day=self.as_of))
        for name, counts in self.seen.items():
            entity = self.program.entities[name]
            place, title = unlined(_shown(inputs[name])), entity.title
            if counts.rows >= FEWEST and counts.late > counts.rows * MOST_LATE:
                share = counts.late * 100 // counts.rows
                problems.append(
                    diagnostic("E544.mostly_late", place, entity=title, percent=share, day=self.as_of)
                )
            elif (
                counts.last is not None
                and counts.rows >= FEWEST
                and self.as_of - counts.last > LONGEST_SILENCE
            ):
                years = (self.as_of - counts.last).days // 365
                problems.append(diagnostic("E545.long_ago", place, entity=title, years=years, day=self.as_of))
            problems += self._strangers(entity, counts, inputs)
        return problems

    def _strangers(
        self, entity: Entity, counts: EntityCounts, inputs: Mapping[str, Input]
    ) -> list[Diagnostic]:
        """The doubt that hardly any row finds its parent, with what the keys differ by."""
        parent = None if entity.parent is None else self.program.entities[entity.parent]
        if parent is None or parent.name not in self.seen:
            return []
        share, known = counts.parents.share_of(self.seen[parent.name].keys)
        if known < FEWEST or share > FOUND_AT_LEAST:
            return []
        why = self._padding(entity, parent, inputs)
        return [strangers(_shown(inputs[entity.name]), entity.title, parent.title, parent.key, why)]

    def _padding(self, entity: Entity, parent: Entity, inputs: Mapping[str, Input]) -> Difference | None:
        """By what the keys of a sample differ from those of the parents; None where it is nothing of that kind."""
        child_part, parent_parts = inputs[entity.name].parts[0], inputs[parent.name].parts
        if parent.key not in child_part.columns:
            return None
        padding = identifier(child_part.columns[parent.key][0])
        known = f"SELECT DISTINCT CAST({padding} AS VARCHAR) AS k FROM {child_part.relation} WHERE {padding} IS NOT NULL"
        sample = f"({known} LIMIT {SAMPLE})"
        keys = " UNION ALL ".join(
            f"SELECT CAST({identifier(part.columns[parent.key][0])} AS VARCHAR) AS k FROM {part.relation}"
            for part in parent_parts if parent.key in part.columns
        )  # fmt: skip
        for difference, normal in DIFFERENCES.items():
            query = (
                f"SELECT count(*), count_if(n IN (SELECT {normal.format(k='k')} FROM ({keys}))) "
                f"FROM (SELECT {normal.format(k='k')} AS n FROM {sample})"
            )
            count, met = self.connection.execute(query).fetchone() or (0, 0)
            if met * 2 > count:
                return difference
        return None

    # -- what is reported beside the results -----------------------------------------------------

    @property
    def doubled_identities(self) -> int:
        """How many identity numbers stand under more than one person number."""
        if not self.numbers:
            return 0
        pairs = np.unique(
            np.stack([np.concatenate(number) for number in zip(*self.numbers, strict=True)], axis=1), axis=0
        )
        return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())

    def likely_doubles(self, entity: str) -> LikelyDoubles:
        """Rows that repeat another one of the entity under another key, in their order."""
        counts = self.seen.get(entity)
        if counts is None or not counts.signatures:
            return LikelyDoubles(0, [])
        signatures = np.concatenate(counts.signatures)
        if counts.voided and counts.own:
            voided = np.isin(np.concatenate(counts.own), np.concatenate(counts.voided))
            signatures[voided] = 0
        ordered = np.sort(signatures)
        repeated = ordered[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)]
        if not len(repeated):
            return LikelyDoubles(0, [])
        rows = np.flatnonzero(np.isin(signatures, np.unique(repeated)))
        order = rows[np.argsort(signatures[rows], kind="stable")]
        same = np.flatnonzero(signatures[order[1:]] == signatures[order[:-1]]) + 1
        starts = (
            np.flatnonzero(np.r_[True, signatures[order[1:]] != signatures[order[:-1]]])
            if len(order)
            else same
        )
        firsts = order[starts[np.searchsorted(starts, same, side="right") - 1]] if len(same) else same
        pairs = sorted(zip(order[same].tolist(), firsts.tolist(), strict=True))
        return LikelyDoubles(len(pairs), pairs[:SHOWN])

    def findings(self, files: Mapping[str, Sequence[FileRows]]) -> dict[str, Any]:
        """What a summary says of people and bills that stand twice, placeholders and blank rows; nothing where there are none."""
        doubles = {name: self.likely_doubles(name) for name in self.seen}
        findings = {
            "identity_numbers_under_several_persons": self.doubled_identities,
            "likely_double_settlements": {
                name: {"rows": double.count, "first": [_pair(files[name], *pair) for pair in double.rows]}
                for name, double in doubles.items() if double.count
            },
            "placeholders": self.placeholders(),
            "dead_by_the_decision_date": self.dead,
            "dated_before_birth": self.beyond("begins"),
            "dated_after_death": self.beyond("ends"),
            "blank_rows": {name: blank for name, listed in files.items() if (blank := sum(f.blank_rows for f in listed))},
        }  # fmt: skip
        return {name: value for name, value in findings.items() if value}

    @property
    def last(self) -> int:
        """The decision date as days since 1970."""
        return (self.as_of - dt.date(1970, 1, 1)).days

    @property
    def dead(self) -> int:
        """How many persons died by the decision date."""
        died = [who[day <= self.last] for who, day in self.lives.get("ends", ())]
        return len(np.unique(np.concatenate(died))) if died else 0

    def beyond(self, bound: Bound) -> dict[str, int]:
        """How many rows are dated before a birth or after a death, by entity; nothing where there are none."""
        return {name: rows for name, counts in self.seen.items() if (rows := counts.beyond.get(bound, 0))}

    def placeholders(self) -> dict[str, dict[str, int]]:
        """How many cells held what means unknown, by entity and fact."""
        return {name: dict(counts.placeholders) for name, counts in self.seen.items() if counts.placeholders}


def _days(persons: Array, dates: pa.Array) -> tuple[Array, Array]:
    """Hashes of the persons of whom a date is known, and the date as days since 1970."""
    known = np.asarray(dates.is_valid()) & (persons != 0)
    return persons[known], np.asarray(dates.cast(pa.int32()).fill_null(0))[known]


def _pair(files: Sequence[FileRows], row: int, first: int) -> dict[str, Any]:
    """A row and the one it repeats, by file and number there."""
    places = [(file.name, int(file.numbers(np.array([at]))[0])) for at in (row, first) for file in files
              if file.first <= at < file.first + file.count]  # fmt: skip
    (name, number), (other, before) = places
    return {"file": name, "row": number, "repeats": {"file": other, "row": before}}


def _names(part: Part, fact: str) -> tuple[str, ...]:
    """What a fact's columns are called in a file, where they are called otherwise."""
    names = tuple(part.sources.get(fact, ())) or (part.columns[fact][0].strip(),)
    return () if names == (fact,) else names


def _different(hashes: Array) -> Array:
    """Every hash once, sorted."""
    ordered = np.sort(hashes)
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]] if len(ordered) else ordered


def _is_positive(amounts: pa.Array, words: Array) -> Array:
    """Which amounts, in decimals, are known and greater than zero; `words` as `_words` gives them."""
    if pa.types.is_decimal64(amounts.type):
        return words.view(np.int64) > 1
    return np.asarray(pc.fill_null(pc.greater(amounts, 0), False))


def _words(cells: pa.Array) -> Array:
    """What each cell adds to the hash of its row: a number of 64 bits, one more than a number's own; unknown adds nothing."""
    if pa.types.is_dictionary(cells.type):
        values = np.array([hash_of(value) for value in cells.dictionary.to_pylist()] + [0], np.uint64)
        texts: Array = values[np.asarray(pc.fill_null(cells.indices, len(values) - 1))]
        return texts
    if pa.types.is_string(cells.type) or cells.type.bit_width > 64:
        return _words(cells.cast(pa.string()).dictionary_encode())
    word = pa.int32() if cells.type.bit_width == 32 else pa.int64()
    bits = pa.Array.from_buffers(word, len(cells), [None, cells.buffers()[1]], 0, cells.offset)
    words: Array = np.asarray(bits).astype(np.uint64)
    words += np.uint64(1)
    if cells.null_count:
        words *= np.asarray(cells.is_valid())
    return words


def hash_of(text: str | None) -> int:
    """A hash of a text that is the same in every process."""
    return 0 if text is None else int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _is_area(fact: Fact) -> bool:
    return isinstance(fact.type, String) and fact.type.area


def _shown(source: Input) -> str:
    return ", ".join(str(part.shown) for part in source.parts[:3]) + (", …" if len(source.parts) > 3 else "")
