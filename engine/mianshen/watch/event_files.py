"""Events as people and systems write them: JSON lines, YAML or JSON, CSV or Parquet.

In: a file, a program (for its life events and vocabulary). Out: `Event`s with their places, and a
`Refusal` for each event that is none.
Invariants: every line or row is an event, refused, or blank and counted; a value is read from its text, as
in a record; a column that no event has ends the reading; of different events that share a number none is
right, so each is refused.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping as Fields
from mianshen.document.yaml_tree import Node, Scalar, Sequence, read_tree
from mianshen.elaboration.events import EVENT_TYPES
from mianshen.events import Event, Refusal
from mianshen.ingest.total_rows import is_total_label
from mianshen.program.core import Date, String
from mianshen.program.program import EventType, Fact, Program
from mianshen.records.diagnostics import total_row, wrong_shape
from mianshen.records.facts import read_fact
from mianshen.source import Diagnostic, Message, RuleError, Span, listed, reason_of, suggestion, unlined
from mianshen.values import Known
from mianshen.watch.event_tables import rows_of

LINES: Final = (".jsonl", ".ndjson")
TREES: Final = (".yaml", ".yml", ".json")
ID, TYPE, DATE = "event_id", "type", "date"
MOST_LISTED: Final = 40  # names in one sentence
LIST: Final = "events"  # the key under which a YAML or JSON file may list them


@dataclass(slots=True)
class Read:
    """What a file holds; `count`: lines or rows, `blank` ones aside, of which nothing is filled in."""

    events: list[Event] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    count: int = 0
    blank: int = 0


def read_events(path: Path, program: Program) -> Read:
    """Every event of a file, by its suffix. Raises RuleError when the file as a whole cannot be read."""
    if not program.events:
        raise RuleError([diagnostic("E606.no_event_types", unlined(program.name))])
    reader = _Reader(program)
    suffix = path.suffix.lower()
    if suffix in LINES:
        reader.lines(path)
    elif suffix in TREES:
        reader.tree(path)
    else:
        for row in rows_of(path, program, list(reader.columns.values())):
            reader.one(row)
    return reader.result()


class _Reader:
    """Reads events one by one into `read`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.read = Read()
        self.person = program.entities[program.entry].key
        self.columns = columns(program)
        self.types = program.codes[EVENT_TYPES].spellings
        self.titles = _by_title(self.columns.values())
        self.firsts: dict[str, Event] = {}
        self.doubled: set[str] = set()

    # -- files -------------------------------------------------------------------------------

    def lines(self, path: Path) -> None:
        """JSON lines; each is read for itself, so that one that is broken spoils no other."""
        for number, line in enumerate(_text_lines(path), 1):
            if line.strip():
                self._line(str(path), number, line.rstrip("\r\n"))

    def _line(self, file: str, number: int, line: str) -> None:
        try:
            json.loads(line)
        except (ValueError, RecursionError) as error:
            column = error.colno if isinstance(error, json.JSONDecodeError) else 1
            why = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deep"
            self._refuse("", "", _malformed(Span(file, number, column), Message("此处断开或有误", why)))
            return
        node, wrong = read_tree(line, file)
        wrong = [at_line(finding, number) for finding in wrong]
        if wrong or node is None:
            empty = _malformed(Span(file, number, 1), Message("是空的", "it is empty"))
            self._refuse("", "", wrong[0] if wrong else empty)
        else:
            self.one(node, number)

    def tree(self, path: Path) -> None:
        """A list of events, or one under `events:`."""
        root, wrong = read_tree(path)
        if wrong:
            raise RuleError(wrong)
        listed = root.get(LIST) if isinstance(root, Fields) else root
        if listed is None and root is None:
            return
        if not isinstance(listed, Sequence):
            span = unlined(str(path)) if root is None else root.span
            raise RuleError([wrong_shape(span, LIST, ("事件的列表", "a list of events"))])
        for node in listed.items:
            self.one(node)

    # -- one event ---------------------------------------------------------------------------

    def one(self, node: Node, line: int | None = None) -> None:
        """One event; `line`: where the text that holds it stands, if that is not the file's first."""
        if isinstance(node, Fields) and all(_is_blank(value) for _, value in node.entries):
            self.read.blank += 1
            return
        self.read.count += 1
        if not isinstance(node, Fields):
            why = Message("应为若干 key: value 项", "a mapping of keys to values is expected")
            self._refuse("", "", _at(_malformed(node.span, why), line))
            return
        if (total := _total(node)) is not None:
            self._refuse("", total.text, _at(total_row(total.span, total.text), line))
            return
        fields: dict[str, Node] = {}
        wrong: list[tuple[str, Diagnostic]] = []
        for key, value in node.entries:
            name = self.titles.get(key.text, key.text)
            if name not in self.columns:
                fix = suggestion(key.text, self.columns, Message("可用的有", "It takes"), most=MOST_LISTED)
                unknown = diagnostic("E611.unknown_field", key.span, fix=fix, name=key.text)
                wrong.append((key.text, unknown))
            elif not (isinstance(value, Scalar) and value.null):
                fields.setdefault(name, value)
        for name in (ID, self.person, TYPE, DATE):
            if name not in fields and not any(part == name for part, _ in wrong):
                wrong.append((name, diagnostic("E612.required", node.span, name=name)))
        event = None if wrong else self._event(node, fields, wrong)
        id_ = fields.get(ID)
        name = id_.text if isinstance(id_, Scalar) else ""
        for at, finding in wrong:
            self._refuse(name, at, _at(finding, line))
        if event is not None and not wrong:
            place = node.span if line is None else replace(node.span, line=line)
            self._add(replace(event, place=place))

    def _event(
        self, node: Fields, fields: Mapping[str, Node], wrong: list[tuple[str, Diagnostic]]
    ) -> Event | None:
        written = fields[TYPE]
        type_ = self.types.get(written.text) if isinstance(written, Scalar) else None
        if type_ is None:
            text = written.text if isinstance(written, Scalar) else "[...]"
            fix = suggestion(text, self.program.events, Message("可用的有", "Known are"), most=MOST_LISTED)
            wrong.append((TYPE, diagnostic("E613.unknown_type", written.span, fix=fix, name=text)))
            return None
        declared = self.program.events[type_]
        unread = self._unread(declared, fields)
        values: dict[str, Known] = {}
        for name, value in fields.items():
            if name == TYPE or name in unread:
                continue
            fact = self._fact(declared, name)
            if fact is None:
                span = next(
                    key.span for key, _ in node.entries if self.titles.get(key.text, key.text) == name
                )
                wrong.append((name, _not_of_this_type(span, name, type_, declared)))
                continue
            read = read_fact(value, fact, self.program)
            if isinstance(read, Diagnostic):
                wrong.append((name, read))
            elif read is not None:
                values[name] = read
        if wrong:
            return None
        id_, person, date = (values.pop(name) for name in (ID, self.person, DATE))
        assert isinstance(date, dt.date)
        return Event(str(id_), str(person), type_, date, values)

    def _unread(self, type_: EventType, fields: Mapping[str, Node]) -> set[str]:
        """The facts that are not read of an event whose row voids another: all but keys, and what it voids."""
        entity = None if type_.adds is None else self.program.entities[type_.adds]
        if entity is None or entity.reverses is None or entity.reverses not in fields:
            return set()
        needed = {entity.key, entity.reverses, self.person}
        return {name for name, (owner, _) in type_.own.items() if owner == entity.name and name not in needed}

    def _fact(self, type_: EventType, name: str) -> Fact | None:
        """The fact a field of an event of that type gives."""
        if name in (ID, self.person, DATE):
            return self.columns[name]
        key = type_.own.get(name)
        return None if key is None else self.program.facts[key]

    # -- results -----------------------------------------------------------------------------

    def _add(self, event: Event) -> None:
        first = self.firsts.setdefault(event.id, event)
        if first != event:
            self.doubled.add(event.id)
        self.read.events.append(event)

    def _refuse(self, id_: str, name: str, finding: Diagnostic) -> None:
        self.read.refused.append(Refusal(id_, name, finding))

    def result(self) -> Read:
        """What was read, without the events that share a number with a different one."""
        for event in self.read.events:
            if event.id in self.doubled:
                first = self.firsts[event.id]
                other = next(e for e in self.read.events if e.id == event.id and e.place != event.place)
                place = other.place if first is event else first.place
                also = ((place, Message("另一处在这里", "the other one is here")),)
                self._refuse(event.id, ID, diagnostic("E615.number_taken", event.place, also=also))
        self.read.events = [event for event in self.read.events if event.id not in self.doubled]
        return self.read


def columns(program: Program) -> dict[str, Fact]:
    """What an event may hold, by name: what every event has, and every type's own facts."""
    person = program.facts[program.entry, program.entities[program.entry].key]
    columns = {
        ID: Fact("event", ID, String(), "text", Message("事件编号", "event number"), required=True),
        person.name: replace(person, entity="event", required=True),
        TYPE: Fact("event", TYPE, String(), "text", Message("事件类型", "type of event"), required=True),
        DATE: Fact("event", DATE, Date(), "date", Message("事件日期", "date of the event"), required=True),
    }
    for type_ in program.events.values():
        for name, key in type_.own.items():
            columns.setdefault(name, replace(program.facts[key], entity="event", required=False))
    return columns


def _by_title(facts: Iterable[Fact]) -> dict[str, str]:
    """Titles to names; a title that several facts share is none."""
    named: dict[str, set[str]] = {}
    for fact in facts:
        for title in (fact.title.zh, fact.title.en):
            named.setdefault(title, set()).add(fact.name)
    return {title: min(names) for title, names in named.items() if len(names) == 1}


def at_line(finding: Diagnostic, line: int) -> Diagnostic:
    """A mistake in a text that stands on a line of its file."""
    return replace(finding, span=replace(finding.span, line=line, end_line=line))


def _at(finding: Diagnostic, line: int | None) -> Diagnostic:
    return finding if line is None else at_line(finding, line)


def _malformed(span: Span, why: Message) -> Diagnostic:
    return diagnostic("E610.malformed", span, why=why)


def _not_of_this_type(span: Span, name: str, type_: str, declared: EventType) -> Diagnostic:
    """A field that events of another type have."""
    own = listed(declared.own, MOST_LISTED)
    fix = Message("删去这一项", "Leave it out")
    if declared.own:
        fix = Message(f"它可带：{own.zh}", f"It may give: {own.en}")
    return diagnostic("E614.not_of_this_type", span, fix=fix, type=type_, name=name)


def _text_lines(path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8; bytes that are not are shown as such in the one line they spoil."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            yield from file
    except OSError as error:
        raise RuleError([diagnostic("E607.cannot_read", unlined(str(path)), why=reason_of(error))]) from None


def _is_blank(value: Node) -> bool:
    return isinstance(value, Scalar) and (value.null or not value.text.strip())


def _total(row: Fields) -> Scalar | None:
    """The key under which a row says that it holds totals, where it does."""
    return next((k for k, v in row.entries if isinstance(v, Scalar) and is_total_label(v.text)), None)
