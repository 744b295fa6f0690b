"""What has been told so far of one case: facts, facts told to be unknown, how many rows there are.

In: a record (or nothing), then answers one by one. Out: the case as it stands, and the record as text that
`mianshen check` reads.
Invariants: a fact is told, told to be unknown, taken as the vocabulary assumes, or may yet be told (`Row.told`);
a list that nobody has spoken of may hold rows; rows made here sort by key in the order they are told. People's rows
of other times are told apart; what is told of the present one, or never changes, holds in all that do not say.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

from mianshen.casework.interview.versions import put_in_place, same_person, written_rows
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence, read_tree
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.program import Entity, Program
from mianshen.records import diagnostics as record_diagnostics
from mianshen.records.read import A_MAPPING, CASE_KEYS, DAY, read_record
from mianshen.records.versions import HISTORY
from mianshen.source import RuleError, unlined
from mianshen.values import Known, Missing

NUMBER: Final = "P1"  # of a person who has not been given one
REQUIRED: Final = "E428"


@dataclass(frozen=True, slots=True)
class Place:
    """A fact of a row, or the list of its children of that name."""

    row: Row
    name: str


class Story:
    """One case as told so far."""

    def __init__(self, program: Program, case: Case) -> None:
        self.program = program
        self.case = case
        self.entry = program.entities[program.entry]
        self._count()

    def copy(self) -> Story:
        """The same story, to be told on differently."""
        return Story(self.program, Scenario(self.program).copy(self.case)[0])

    def same(self, place: Place, other: Story) -> Place:
        """The place in a copy of this story."""
        index = next(i for i, row in enumerate(self.case.rows()) if row is place.row)
        return Place(other.case.rows()[index], place.name)

    # -- what may be told ----------------------------------------------------------------------

    def lists(self, entity: str) -> dict[str, Entity]:
        """The lists of children a row may have, by name."""
        return {e.children or e.name: e for e in self.program.entities.values() if e.parent == entity}

    def open_list(self, place: Place) -> Entity | None:
        """The entity whose rows a list holds, where nobody has said how many; None for a fact."""
        entity = self.lists(place.row.entity).get(place.name)
        return entity if entity is not None and place.row.may_yet_tell(place.name) else None

    def is_open(self, place: Place) -> bool:
        """Whether a place may yet be told."""
        return place.name not in place.row.facts and place.row.may_yet_tell(place.name)

    def places(self) -> Iterator[tuple[str, Place]]:
        """Everything that can be answered, by the name an answer gives it; whose a row is stands by where it is."""
        for row in self.case.rows():
            whose = (
                self._keys(row) - {self.program.entities[row.entity].key}
                if row.parent is self.case.person
                else ()
            )
            names = [n for entity, n in self.program.facts if entity == row.entity and n not in whose]
            lists = [n for n, entity in self.lists(row.entity).items() if not entity.counted_by]
            for name in (*names, *lists):
                place = Place(row, name)
                yield self.answer_as(place), place

    def incomplete(self) -> list[Place]:
        """What every row needs and nobody was asked for, keys aside."""
        return [
            Place(row, name)
            for row in self.case.rows()
            for (entity, name), fact in self.program.facts.items()
            if entity == row.entity and fact.required and self.is_open(Place(row, name))
            if name not in self._keys(row)
        ]

    def _keys(self, row: Row) -> set[str]:
        above = None if row.parent is None else self.program.entities[row.parent.entity].key
        return {self.program.entities[row.entity].key, above or ""}

    def without(self, rows: Iterable[Row]) -> Story:
        """The story without some rows that have no children."""
        copy, without = Scenario(self.program).copy(self.case)
        for row in rows:
            parent = without[row].parent
            if parent is not None and without[row] in parent.children:
                parent.children.remove(without[row])
        return Story(self.program, copy)

    def answer_as(self, place: Place) -> str:
        """What an answer calls a place: `FACT` of the person or of what is above, else `KEY.FACT`."""
        row, name = place.row, place.name
        if row is self.case.person:
            return name
        if row.parent is None or row.children[:1] == [self.case.person]:
            taken = name in self.lists(self.entry.name) or (self.entry.name, name) in self.program.facts
            return f"{row.entity}.{name}" if taken else name
        return f"{row.key}.{name}"

    # -- telling -------------------------------------------------------------------------------

    def tell(self, place: Place, value: Known | None) -> None:
        """Take in an answer; None is not known. For a list the value is how many rows it has."""
        row, name = place.row, place.name
        assert row.told is not None
        entity = self.lists(row.entity).get(name)
        if entity is not None:
            assert isinstance(value, Decimal)
            self._add(row, entity, int(value))
            for item in (row, *same_person(row)):
                item.told = (item.told or frozenset()) | {name}
        else:
            for entry in self._told_alike(place):
                _set(entry, name, value)
            if value is not None and name == self.program.entities[row.entity].key:
                row.key = str(value)
        self._count()
        put_in_place(self.program, self.case)

    def _told_alike(self, place: Place) -> list[Row]:
        """The row, and the person's rows of other times which take from it what they do not say."""
        row, name = place.row, place.name
        fact = self.program.facts[row.entity, name]
        others = same_person(row) if fact.immutable or row.version_of is None else []
        return [
            row,
            *(o for o in others if self.is_open(Place(o, name)) or not (fact.asked or name in o.facts)),
        ]

    def assume(self, place: Place) -> None:
        """Take a fact as the vocabulary assumes it."""
        assumed = self.program.facts[place.row.entity, place.name].assumed_on(self.case.as_of)
        assert assumed is not None
        for row in self._told_alike(place):
            row.facts[place.name] = assumed
            row.assumed |= {place.name}

    def assume_unasked(self, row: Row, but: Collection[str] = ()) -> None:
        """Take the facts of a row that are not asked about, except some, as the vocabulary assumes them."""
        for (entity, name), fact in self.program.facts.items():
            assumed = None if fact.asked else fact.assumed_on(self.case.as_of)
            if entity == row.entity and assumed is not None and name not in row.facts and name not in but:
                row.facts[name] = assumed
                row.assumed |= {name}

    def forget(self, place: Place) -> None:
        """Let a fact be told anew, whatever was told of it."""
        place.row.facts.pop(place.name, None)
        place.row.told = (place.row.told or frozenset()) - {place.name}
        place.row.assumed -= {place.name}

    def _count(self) -> None:
        """Rows for as many children as a fact says there are."""
        for row in self.case.rows():
            for entity in self.lists(row.entity).values():
                stated = row.facts.get(entity.counted_by or "")
                if isinstance(stated, Decimal) and row.told is not None:
                    there = sum(child.entity == entity.name for child in row.children)
                    self._add(row, entity, int(stated) - there)

    def _add(self, parent: Row, entity: Entity, count: int) -> None:
        taken = {row.key for row in self.case.rows() if row.entity == entity.name}
        owner = "" if parent is self.case.person or parent.parent is None else f"{parent.key}-"
        letter = (entity.children or entity.name)[0].upper()
        free = (
            key
            for number in range(1, 10**6)
            if (key := f"{owner}{letter}{number:0{len(str(max(count, 0)))}}") not in taken
        )
        above = self.program.entities[parent.entity].key
        for _ in range(count):
            key = next(free)
            facts: dict[str, Known] = {entity.key: key}
            if (entity.name, above) in self.program.facts and parent.key:
                facts[above] = parent.key
            row = Row(entity.name, key, facts, parent, told=self.settled(entity.name))
            self.assume_unasked(row)
            parent.children.append(row)

    def settled(self, entity: str) -> frozenset[str]:
        """What needs no telling: lists that a fact counts, facts that are not asked about."""
        counted = {name for name, child in self.lists(entity).items() if child.counted_by}
        facts = self.program.facts.items()
        return frozenset(counted | {name for (owner, name), f in facts if owner == entity and not f.asked})

    # -- as text -------------------------------------------------------------------------------

    def text(self, matters: Collection[Missing] | None = None) -> str:
        """The record, as YAML. Lists nobody spoke of are null, where they are among what `matters`."""
        lines = [f"{DAY}: {self.case.as_of}"]
        person = self.case.person
        stated, others = written_rows(self.entry, person)
        lines.append(f"{self.entry.name}: {self._facts(stated)}")
        lines += [f"{HISTORY}:", *(f"  - {self._version(row)}" for row in others)] if others else []
        for above in islice(person.lineage(), 1, None):
            if any(name in above.facts for _, name in self._told_names(above)) or self.told_unknown(above):
                lines.append(f"{above.entity}: {self._facts(above)}")
            if person.parent is above:
                beside = [row for row in above.children if row is not person]
                lines += self._rows(self.entry.children or f"other_{self.entry.name}", beside)
        for name in self._listed(person):
            children = self._children(person, name)
            if children is not None:
                lines += self._rows(name, children) or [f"{name}: []"]
            elif matters is None or Missing(name, person.entity, person.key) in matters:
                lines.append(f"{name}: null")
        return "\n".join(lines) + "\n"

    def _told_names(self, row: Row) -> list[tuple[str, str]]:
        return [key for key in self.program.facts if key[0] == row.entity]

    def told_unknown(self, row: Row) -> list[str]:
        """The facts of a row that were told to be unknown."""
        unasked = {n for n in self.settled(row.entity) if self._fact_without_assumption(row, n)}
        unknown = (row.told or frozenset()) - unasked
        return [n for _, n in self._told_names(row) if n in unknown and n not in row.facts]

    def unknown_places(self) -> list[tuple[Row, str]]:
        """The facts that were told to be unknown."""
        return [(row, name) for row in self.case.rows() for name in self.told_unknown(row)]

    def facts_told(self) -> int:
        """How many facts were told, keys and assumptions aside."""
        keys = {entity.key for entity in self.program.entities.values()}
        return sum(len(set(row.facts) - set(row.assumed) - keys) for row in self.case.rows())

    def ask_again(self) -> None:
        """Let what was told to be unknown be told anew."""
        for row, name in self.unknown_places():
            row.told = (row.told or frozenset()) - {name}

    def _fact_without_assumption(self, row: Row, name: str) -> bool:
        fact = self.program.facts.get((row.entity, name))
        return fact is not None and fact.when_absent is None

    def _listed(self, row: Row) -> list[str]:
        return [name for name, entity in self.lists(row.entity).items() if not entity.counted_by]

    def _children(self, row: Row, name: str) -> list[Row] | None:
        """The rows of a list; None where nobody has said how many there are."""
        entity = self.lists(row.entity)[name]
        return None if row.may_yet_tell(name) else [c for c in row.children if c.entity == entity.name]

    def _rows(self, name: str, rows: list[Row]) -> list[str]:
        return [f"{name}:", *(f"  - {self._facts(row, nested=True)}" for row in rows)] if rows else []

    def _facts(self, row: Row, nested: bool = False) -> str:
        above = None if row.parent is None else self.program.entities[row.parent.entity].key
        stated, others = written_rows(self.program.entities[row.entity], row) if nested else (row, [])
        parts = list(self._parts(stated, {above} if nested else set()))
        parts += [f"{HISTORY}: [{', '.join(map(self._version, others))}]"] if others else []
        for name in self._listed(row) if nested else ():
            children = self._children(row, name)
            parts.append(f"{name}: {'null' if children is None else self._inline(children)}")
        return "{" + ", ".join(parts) + "}"

    def _parts(self, row: Row, but: Collection[str | None]) -> Iterator[str]:
        """The facts of a row that were told, and those told to be unknown."""
        names = [n for _, n in self._told_names(row) if n not in row.assumed and n not in but]
        yield from (f"{name}: {_written(row.facts[name])}" for name in names if name in row.facts)
        yield from (f"{name}: null" for name in self.told_unknown(row))

    def _version(self, row: Row) -> str:
        """A person's row of another time, with all that is known of it."""
        entity = self.program.entities[row.entity]
        above = None if entity.parent is None else self.program.entities[entity.parent].key
        parts = list(self._parts(row, {entity.key, above}))
        begins = [] if entity.valid_from in row.facts else [f"{entity.valid_from}: null"]
        return "{" + ", ".join([*begins, *(p for p in parts if p not in begins)]) + "}"

    def _inline(self, rows: list[Row]) -> str:
        return "[" + ", ".join(self._facts(row, nested=True) for row in rows) + "]"


def _set(row: Row, name: str, value: Known | None) -> None:
    """Give a fact a value, or let it be known to be unknown."""
    if value is None:
        row.facts.pop(name, None)
        row.told = (row.told or frozenset()) | {name}
    else:
        row.facts[name] = value


def _written(value: Known) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case dt.date():
            return value.isoformat()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case tuple():
            return "[" + ", ".join(_written(item) for item in value) + "]"


# -- beginning -------------------------------------------------------------------------------------


def begun(program: Program, as_of: dt.date) -> Story:
    """A story of which nothing is told."""
    entry = program.entities[program.entry]
    person = Row(entry.name, NUMBER, {entry.key: NUMBER}, told=frozenset())
    top = person
    while (parent := program.entities[top.entity].parent) is not None:
        top.parent = Row(parent, "", {}, children=[top])
        top = top.parent
    story = Story(program, Case(as_of, top, person))
    return _opened(story, {})


def read_story(path: Path, program: Program, as_of: dt.date | None, today: dt.date) -> Story:
    """The story a record tells: what it leaves out may yet be told, null is told to be unknown.

    Raises RuleError with every mistake of a record that cannot be read or holds several.
    """
    root, findings = read_tree(path)
    if root is None or findings:
        raise RuleError(findings or [record_diagnostics.no_record(str(path))])
    return story_of(root, program, as_of, today)


def story_of(root: Node, program: Program, as_of: dt.date | None, today: dt.date) -> Story:
    """The story that a record tells, as `read_story` reads it from a file."""
    if isinstance(root, Sequence) and len(root.items) == 1:
        root = root.items[0]
    if not isinstance(root, Mapping | Sequence):
        raise RuleError([record_diagnostics.wrong_shape(root.span, record_diagnostics.A_RECORD, A_MAPPING)])
    if not isinstance(root, Mapping) or root.get("cases") is not None:
        raise RuleError([diagnostic("E709.several_records", unlined(root.span.file), file=root.span.file)])
    dated = root.get(DAY) is not None
    case, wrong = read_record(root, program, as_of or (None if dated else today), CASE_KEYS, growing=True)
    wrong = [finding for finding in wrong if finding.code != REQUIRED]  # that may yet be told
    if case is None or wrong:
        raise RuleError(wrong)
    return _opened(Story(program, case), _written_rows(program, case, root))


def _written_rows(program: Program, case: Case, root: Mapping) -> dict[Row, list[Mapping]]:
    """Where each row's facts and lists are written."""
    entry, person = program.entities[program.entry], case.person
    mappings: dict[Row, list[Mapping]] = {person: [root, *_mappings(root.get(entry.name))]}
    mappings |= {row: _mappings(root.get(row.entity)) for row in islice(person.lineage(), 1, None)}
    if person.parent is not None:
        others = [row for row in person.parent.children if row is not person]
        items = _items(root.get(entry.children or f"other_{entry.name}"))
        mappings |= {row: [item] for row, item in zip(others, items, strict=False)}
    for row in [row for row in mappings if row.entity == entry.name]:
        result = [*mappings[row], *(item for m in mappings[row] for item in _items(m.get(HISTORY)))]
        mappings |= dict.fromkeys(row.versions, result)
        for name, child in (
            (e.children or e.name, e) for e in program.entities.values() if e.parent == entry.name
        ):
            items = next((_items(m.get(name)) for m in mappings[row] if m.get(name) is not None), [])
            below = [item for item in row.children if item.entity == child.name]
            mappings |= {part: [item] for part, item in zip(below, items, strict=False)}
    return mappings


def _mappings(node: Node | None) -> list[Mapping]:
    return [node] if isinstance(node, Mapping) else []


def _items(node: Node | None) -> list[Mapping]:
    return [item for item in node.items if isinstance(item, Mapping)] if isinstance(node, Sequence) else []


def _opened(story: Story, written: dict[Row, list[Mapping]]) -> Story:
    """The story with everything that is not written left to be told."""
    for row in story.case.rows():
        if row.blank:
            continue
        entries = [entry for mapping in written.get(row, []) for entry in mapping.entries]
        nulls = {key.text for key, value in entries if isinstance(value, Scalar) and value.null}
        lists = story.lists(row.entity)
        texts = {key.text for key, _ in entries if key.text in lists} - nulls
        row.told = frozenset((nulls - set(lists)) | texts) | story.settled(row.entity)
        row.facts = {name: value for name, value in row.facts.items() if name not in row.assumed}
        row.assumed, row.rejection, row.unreadable = frozenset(), None, frozenset()
        story.assume_unasked(row, nulls)
        if not row.key and row.parent is not None and row is not story.case.person:
            row.key = story.program.entities[row.entity].name
    return Story(story.program, story.case)
