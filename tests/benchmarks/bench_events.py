"""Life events: how many a second, from file to work list, and in the network alone.

On a machine that does other work too, the processor's time says more than the clock's.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mianshen.events.network import Network, Said
from mianshen.population.sample import write_population
from mianshen.rulebook import open_program
from mianshen.watch.run import Request, run_watch

AS_OF = dt.date(2026, 6, 30)
RESIDENTS = 2_000
EVENTS = 2_000
TYPES: dict[str, dict[str, Any]] = {
    "assistance_gained": {"assistance_category": "subsistence"},
    "retirement": {"contribution_months": 200},
    "disability_assessed": {"disability_level": 4},
    "chronic_disease_diagnosed": {"diagnosed_chronic_disease": "diabetes"},
    "settlement": {"care_type": "inpatient", "hospital_level": "tertiary", "total_cost": "8000.00"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entry = tmp_path_factory.mktemp("people")
    write_population(entry, RESIDENTS, 9, "parquet", AS_OF)
    rng = random.Random(9)
    with (entry / "events.jsonl").open("w", encoding="utf-8") as file:
        for number in range(EVENTS):
            type_, facts = rng.choice([*TYPES.items()])
            person = f"P{rng.randint(1, RESIDENTS):08}"
            head = {"event_id": f"E{number}", "person_id": person, "type": type_, "date": "2026-06-01"}
            file.write(json.dumps({**head, **facts}) + "\n")
    return entry


def test_events_to_a_work_list(benchmark: Any, folder: Path) -> None:
    """Everything: files read, events decided, journal and work list written."""
    program = open_program()
    records = {"resident": "residents", "household": "households", "claim": "claims"}
    files = {entity: folder / f"{name}.parquet" for entity, name in records.items()}
    turns = iter(range(100))

    def watch() -> None:
        out = folder / f"work{next(turns)}.jsonl"
        outcome = run_watch(
            program, Request(folder / "events.jsonl", files, out, out.with_suffix(".journal"), AS_OF)
        )
        assert outcome.counts.taken == EVENTS

    begun = time.process_time()
    benchmark.pedantic(watch, rounds=2)
    worked = (time.process_time() - begun) / 2
    print(
        f"{EVENTS / benchmark.stats.stats.min:.0f} events a second, {EVENTS / worked:.0f} a second of processor time"
    )


def test_events_through_the_network(benchmark: Any) -> None:
    """The network alone: the answers of one person, an event that makes several of them due."""
    network = Network(open_program())
    benefits = sorted(network.reach("settlement"))
    answers = [Said("P1", benefit, "P1", "eligible", Decimal("12.34")) for benefit in benefits]
    assert len(benchmark(network.due, "settlement", answers)) == len(benefits)
