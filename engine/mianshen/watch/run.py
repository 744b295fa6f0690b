"""Watching: life events in, a work list out.

In: a file of events, files of records, a program. Out: the work list, the events refused, and the journal
that remembers what has been taken.
Invariants: stopped at any moment and run again, nothing is lost and nothing is granted twice; every event of
the file is taken, known from before, or refused with a reason.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.casework.wording import Words
from mianshen.catalogue import diagnostic
from mianshen.events import (
    Answer,
    Counts,
    Decider,
    Event,
    Journal,
    Refusal,
    Watcher,
    durable_rules,
    opened,
    people_of,
)
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.household_rows import HouseholdRows
from mianshen.ingest.input_paths import Named, paths_of
from mianshen.ingest.inputs import Input, open_inputs
from mianshen.interpreter.rows import Row
from mianshen.interpreter.trace.explain import Explainer
from mianshen.program.program import Program
from mianshen.source import Diagnostic, Message, RuleError, listed, unlined
from mianshen.watch.event_files import read_events
from mianshen.watch.event_versions import placing
from mianshen.watch.work_list import SUFFIXES, rejects_beside, write_work_list

AT_ONCE = 200  # events that a commit makes last; what a kill can cost is doing these again


@dataclass(frozen=True, slots=True)
class Request:
    """What a watch is asked. `records`: entity to files; `as_of` None: each event on its own day."""

    events: Path
    records: Mapping[str, Named]
    out: Path
    journal: Path
    as_of: dt.date | None = None


@dataclass(slots=True)
class Seen:
    """What there is to say of the files of records."""

    doubts: list[Diagnostic] = field(default_factory=list)
    rejected: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch found: items of the whole list by kind, this run's events and refusals."""

    items: Mapping[str, int]
    counts: Counts
    refused: tuple[Refusal, ...]
    blank: int = 0  # rows of the file of events of which nothing is filled in
    doubts: tuple[
        Diagnostic, ...
    ] = ()  # what is likely wrong with the files of records, or strange in an event
    rejected: tuple[Diagnostic, ...] = ()  # records of the events' households that take no part


def run_watch(program: Program, request: Request) -> Watched:
    """Take every event of the request's file that has not been taken, and write the work list anew.

    Raises RuleError when a file cannot be read, the journal is another's, or durable-rules is not there.
    """
    _check_options(request)
    durable_rules()
    read = read_events(request.events, program)
    with opened(request.journal, program) as journal:
        words = Words(program)
        decider = Decider(program)
        explainer = Explainer(decider.interpreter)

        def explain(answer: Answer) -> Message:
            return words.of_benefit(answer.result, explainer, answer.row)

        watcher = Watcher(decider, journal, explain, placing(program), request.as_of)
        seen = _take(program, request, watcher, journal, read.events)
        refused = (*read.refused, *watcher.refused)
        refused = tuple(
            sorted(refused, key=lambda item: (item.diagnostic.span.line, item.diagnostic.span.column))
        )
        items = write_work_list(program, request.out, journal.items, refused)
    return Watched(items, watcher.counts, refused, read.blank, tuple(seen.doubts), tuple(seen.rejected))


def _take(
    program: Program,
    request: Request,
    watcher: Watcher,
    journal: Journal,
    events: list[Event],
) -> Seen:
    """The events, household by household."""
    of: dict[str, list[Event]] = {}
    for event in events:
        of.setdefault(event.person, []).append(event)
    day = request.as_of or max((event.date for event in events), default=dt.date.max)
    since, seen = 0, Seen()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        inputs = open_inputs(program, request.records, connection, Path(folder)) if of else {}
        seen.doubts += [doubt for source in inputs.values() for doubt in source.doubts]
        for top in _households(program, inputs, day, of, connection, seen) if of else ():
            people = people_of(program, top)
            mine = [event for person in people for event in of.pop(person.key, [])]
            seen.doubts += _after_death(program, people, mine)
            watcher.take(top, mine)
            since += len(mine)
            if since >= AT_ONCE:
                journal.commit()
                since = 0
        journal.commit()
    key = program.entities[program.entry].key
    for event in (event for part in of.values() for event in part):
        watcher.refuse(event, key, diagnostic("E616.unknown_person", event.place, key_name=key))
    return seen


def _households(
    program: Program, inputs: Mapping[str, Input], day: dt.date, people: Iterable[str],
    connection: duckdb.DuckDBPyConnection, seen: Seen,
) -> Iterator[Row]:  # fmt: skip
    """The households of some people, as the batch reads them: the top row of each. Rejected rows are noted in `seen`."""
    keys = pa.array(list(people), pa.string())
    wanted = frozenset(keys.to_pylist())
    households = HouseholdRows(RowReader(program, connection, day, threads=os.cpu_count() or 1), inputs)
    households.read(keys)
    for case, numbers in households.cases():
        if any(person.key in wanted for person in people_of(program, case.top)):
            for row, number in numbers.items():
                refused = row.entity == program.entry and row.key in wanted  # of whom each event is refused
                if row.rejection is not None and row.rejection.reason != "parent_rejected" and not refused:
                    seen.rejected.append(_rejected(households, inputs, row, number))
            yield case.top


def _rejected(households: HouseholdRows, inputs: Mapping[str, Input], row: Row, number: int) -> Diagnostic:
    """Why a row takes no part, at its file."""
    (which,), (record,) = households.rows[row.entity].places(np.array([number]))
    place = unlined(str(inputs[row.entity].parts[which].shown))
    title, why = (
        households.reader.program.entities[row.entity].title,
        "" if row.rejection is None else row.rejection.message,
    )
    return diagnostic("E620.record_rejected", place, row=int(record), title=title, why=why)


def _after_death(program: Program, people: Iterable[Row], events: Iterable[Event]) -> Iterator[Diagnostic]:
    """Events that are dated after the death of their person."""
    ends = program.entities[program.entry].ends or ""
    died = {person.key: person.facts.get(ends) for person in people}
    for event in events:
        day = died.get(event.person)
        if isinstance(day, dt.date) and event.date > day:
            yield diagnostic("E621.after_death", event.place, date=event.date, day=day)


def _check_options(request: Request) -> None:
    """Neither the work list nor the journal may replace an input, or each other."""
    inputs = [request.events, *paths_of(request.records)]
    read = {path.resolve() for path in inputs}
    written = [request.out, rejects_beside(request.out), request.journal]
    for index, path in enumerate(written):
        if path.resolve() in read | {other.resolve() for other in written[:index]}:
            raise RuleError([diagnostic("E605.same_file", unlined(str(path)))])
    if request.out.suffix.lower() not in SUFFIXES:
        raise RuleError([diagnostic("E608.unknown_form", unlined(str(request.out)), names=listed(SUFFIXES))])
