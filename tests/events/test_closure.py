"""Events and batch never disagree: what the batch finds is what the events of the same people bring up.

A made-up population is decided by the batch. Then what events tell is taken out of the residents' file, and
told by events, in any order, the claims by settlements of claims that are there. In the end each person's
automatic items are the benefits that the batch delivers automatically. The facts taken out are unknown until
they are told, so that nothing can be due on the way that is not due in the end.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import random
from pathlib import Path
from typing import Any, Final

import pytest
from tests.batch.batches import rows
from tests.events.town import Fields, brief, event, items
from tests.support.campaigns import few

from mianshen.batch.run import Request as Batch
from mianshen.batch.run import run_batch
from mianshen.events.deciding import reads_others
from mianshen.events.network import reached
from mianshen.population.sample import write_population
from mianshen.program.core import Boolean, Code, Numeric, String
from mianshen.program.program import Benefit, Program
from mianshen.rulebook import open_program
from mianshen.watch.run import Request, run_watch

AS_OF: Final = dt.date(2026, 6, 30)
PEOPLE: Final = int(os.environ.get("MIANSHEN_CLOSURE", "60"))
TELLING: Final = {  # the value an event's type alone tells
    "assistance_lost": ("assistance_category", "none"),
    "retirement": ("employment_status", "retired"),
}
FILES: Final = {"resident": "residents", "household": "households", "claim": "claims"}


@pytest.fixture(scope="module")
def shipped() -> Program:
    return open_program()


def automatic(program: Program) -> list[Benefit]:
    return [b for b in program.benefits.values() if b.entity == program.entry and b.delivery == "automatic"]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mixed(program: Program, path: Path, seed: int) -> list[dict[str, str]]:
    """The residents' file with some facts drawn anew, so that rare benefits have their people."""
    rng = random.Random(seed)
    people = table(path)
    for person in people:
        for name in person:
            fact = program.facts[program.entry, name]
            if rng.random() > 0.3 or not person[name]:
                continue
            match fact.type:
                case Code(codes=codes):
                    person[name] = rng.choice([*program.codes[codes].values])
                case Boolean():
                    person[name] = rng.choice(("true", "false"))
                case String(area=True):
                    person[name] = rng.choice(("310113", "371724", "371402", "371500", "110101"))
                case Numeric(scale=0, high=high) if high < 10:
                    person[name] = str(rng.randint(0, int(high)))
    return people


def written(path: Path, people: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, people[0])
        writer.writeheader()
        writer.writerows(people)


def stream(program: Program, people: list[dict[str, str]], claims: list[dict[str, str]]) -> list[Fields]:
    """Events that tell what is in the residents' file, and take it out there."""
    rng = random.Random(31)
    bills: dict[str, list[str]] = {}
    for claim in claims:
        bills.setdefault(claim["person_id"], []).append(claim["claim_id"])
    parts: list[Fields] = []
    for person in people:
        whole = dict(person)
        for type_ in program.events.values():
            day = (AS_OF - dt.timedelta(days=rng.randrange(400))).isoformat()
            number = f"{type_.name} {person['person_id']}"
            if type_.name in TELLING and whole[TELLING[type_.name][0]] != TELLING[type_.name][1]:
                continue
            told: dict[str, Any] = {}
            if type_.adds is not None and type_.always:
                if person["person_id"] not in bills:
                    continue
                told["claim_id"] = rng.choice(bills[person["person_id"]])
            else:
                own = {name: key for name, key in type_.own.items() if key[0] == program.entry}
                told = {name: whole[name] for name in own if whole.get(name)}
                for name in (*own, *(name for entity, name in type_.sets if entity == program.entry)):
                    if name in person and rng.random() < 0.8:
                        person[name] = ""
            parts.append(event(number, person["person_id"], type_.name, day, **told))
    rng.shuffle(parts)
    return parts


def of_households(program: Program, folder: Path, people: list[Fields]) -> set[tuple[str, str]]:
    """Undetermined benefits of households, with each member; somebody without a household has an unknown one."""
    decided = {row["household_id"]: row for row in rows(folder / "out" / "households.parquet")}
    return {
        (person["person_id"], benefit.name)
        for person in people
        for benefit in program.benefits.values()
        if benefit.entity == "household"
        if (row := decided.get(person["household_id"])) is None
        or row[f"{benefit.name}_status"] == "undetermined"
    }


@pytest.mark.parametrize(("seed", "unknowns"), [(7, True), (5, False)][: few(1, 2)])
def test_the_closure_of_events_is_what_the_batch_finds(
    shipped: Program, tmp_path: Path, seed: int, unknowns: bool
) -> None:
    write_population(tmp_path, PEOPLE, seed, "csv", AS_OF, unknowns)
    files = {entity: tmp_path / f"{name}.csv" for entity, name in FILES.items()}
    people = mixed(shipped, files["resident"], seed)
    written(files["resident"], people)
    run_batch(shipped, Batch(files, AS_OF, tmp_path / "out"))
    entry = rows(tmp_path / "out" / "residents.parquet")

    events = stream(shipped, people, table(files["claim"]))
    written(files["resident"], people)
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(member) + "\n" for member in events), "utf-8")
    request = Request(tmp_path / "events.jsonl", files, tmp_path / "work.jsonl", tmp_path / "journal", AS_OF)
    watched = run_watch(shipped, request)
    assert watched.refused == ()

    happened: dict[str, set[str]] = {}
    home = {person["person_id"]: person["household_id"] or person["person_id"] for person in people}
    for item in events:
        for whose in (item["person_id"], f"home {home[item['person_id']]}"):
            happened.setdefault(whose, set()).update(reached(shipped, item["type"]))
    shared = {b.name for b in automatic(shipped) if reads_others(shipped, b)}
    due = {
        (row["person_id"], benefit.name)
        for row in entry
        for benefit in automatic(shipped)
        if row[f"{benefit.name}_status"] == "eligible"
        and (
            benefit.name in happened.get(row["person_id"], set())
            or (benefit.name in shared and benefit.name in happened[f"home {home[row['person_id']]}"])
        )
    }
    brought_up = {(who, benefit) for _, who, benefit, kind, _ in brief(tmp_path) if kind == "automatic"}
    assert brought_up == due
    assert len({benefit for _, benefit in due}) >= 5
    unasked = {
        (i["person_id"], i["benefit"])
        for i in items(tmp_path)
        if i["kind"] == "needs_facts" and not i["settled_by"]
    }
    undetermined = {
        (row["person_id"], b.name)
        for row in entry
        for b in shipped.benefits.values()
        if b.entity == shipped.entry and row[f"{b.name}_status"] == "undetermined"
    }
    undetermined |= of_households(shipped, tmp_path, people)
    assert {fact for fact in unasked if fact not in brought_up} <= undetermined


def test_every_automatic_benefit_has_an_event_that_brings_it_up(shipped: Program) -> None:
    reachable = {name for type_ in shipped.events for name in reached(shipped, type_)}
    assert {benefit.name for benefit in automatic(shipped)} <= reachable


def test_what_others_spend_matters_where_the_household_is_asked(shipped: Program) -> None:
    shared = {name for name, benefit in shipped.benefits.items() if reads_others(shipped, benefit)}
    assert {"poverty_warning", "poverty_watch"} <= shared
    assert "premium_subsidy" not in shared
