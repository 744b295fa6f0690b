"""Interviews with people who answer from a full record.

In: a program, full cases. Out: what was asked, the answer; and which facts a program reads on a case.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from mianshen.casework.interview import Interview, Place, Story
from mianshen.casework.interview.answer import answered
from mianshen.casework.interview.story import begun
from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter import BenefitResult, Case, Interpreter, Row
from mianshen.interpreter.what_if.scenario import Reads, Scenario
from mianshen.population.sample import write_population
from mianshen.program.program import Program
from mianshen.records.read import read_record

AS_OF = dt.date(2026, 6, 30)


def people(folder: Path, program: Program, count: int, seed: int) -> list[Case]:
    """Made-up residents of whole households, as records that `check` reads."""
    write_population(folder, count, seed, "csv", AS_OF)
    tables = {name: _rows(folder / f"{name}.csv") for name in ("residents", "households", "claims")}
    claims: dict[str, list[dict[str, str]]] = {}
    for claim in tables["claims"]:
        claims.setdefault(claim["person_id"], []).append(claim)
    homes = {home["household_id"]: home for home in tables["households"]}
    results = []
    for resident in tables["residents"]:
        home = resident.get("household_id")
        others = [r for r in tables["residents"] if r.get("household_id") == home and r is not resident]
        record = {
            "as_of": AS_OF.isoformat(),
            "resident": resident,
            "household": homes.get(home or ""),
            "members": [{**other, "claims": claims.get(other["person_id"], [])} for other in others],
            "claims": claims.get(resident["person_id"], []),
        }
        node, _ = read_tree(json.dumps(record, ensure_ascii=False))
        assert node is not None
        case, wrong = read_record(node, program)
        assert case is not None
        assert not wrong
        results.append(case)
    return results


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open("r", encoding="utf-8") as lines:
        return [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(lines)]


@dataclass(frozen=True, slots=True)
class Held:
    """An interview that is over: how many questions, and where it stands."""

    story: Story
    asked: tuple[Place, ...]
    results: dict[str, BenefitResult]


def interviewed(interview: Interview, full: Case) -> Held:
    """Ask until nothing is left to ask, the person answering from the full case."""
    story = begun(interview.program, full.as_of)
    known = {story.case.person: full.person}
    above, theirs = story.case.person.parent, full.person.parent
    while above is not None and theirs is not None:
        known[above], above, theirs = theirs, above.parent, theirs.parent
    asked = []
    while (question := interview.next(story)) is not None:
        place = question.place
        asked.append(place)
        _match(story, known)
        row = known[place.row]
        if question.counts is not None:
            there = [child for child in row.children if child.entity == question.counts.name]
            story.tell(place, Decimal(len(there)))
            continue
        assert question.fact is not None
        value = row.facts.get(place.name)
        if place.name in row.assumed:
            story.assume(place)
        else:
            story.tell(place, value)
    return Held(story, tuple(asked), answered(interview, story)[1].result.benefits)


def _match(story: Story, known: dict[Row, Row]) -> None:
    """Which row of the full case each row made by the interview stands for: dated rows in their order."""
    for row in story.case.rows():
        if row in known:
            mine = [child for child in row.children if child not in known]
            taken = {id(item) for item in known.values()}
            theirs = [child for child in known[row].children if id(child) not in taken]
            date = story.program.entities[mine[0].entity].date if mine else None
            theirs = (
                sorted(theirs, key=lambda item: (str(item.facts.get(date or "", "")), item.key))
                if date
                else theirs
            )
            known.update(zip(mine, theirs, strict=False))


def facts_read(program: Program, case: Case) -> Iterator[tuple[Row, str]]:
    """The facts that deciding a case looks up and finds, keys and keys of parents aside."""
    copy, rows = Scenario(program).copy(case, noting=True)
    Interpreter(program).run(copy)
    keys = {entity.key for entity in program.entities.values()}
    for row, noted in rows.items():
        assert isinstance(noted.facts, Reads)
        names = [name for name in noted.facts.read if name in row.facts and name not in keys]
        if names != [program.entities[row.entity].date]:  # what rows are sorted by
            yield from ((row, name) for name in names)
