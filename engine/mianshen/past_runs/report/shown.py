"""What benefits show beside their amounts (`shows`), for the rows of a finished run: its results do not hold it.

In: a program, the files of a run's inputs. Out: by entity a Parquet file of its keys and the decisions shown.
Invariants: the values are those that the run's own program gives the run's own inputs; only these decisions are decided.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mianshen.batch.output_files import EntityFile
from mianshen.batch.run import Request, run_batch
from mianshen.ingest.input_paths import Named
from mianshen.program.program import Program
from mianshen.program.slicing import part_of


def shown_decisions(program: Program) -> dict[str, tuple[str, ...]]:
    """By entity the decisions that its benefits show, each once."""
    names: dict[str, dict[str, None]] = {}
    for benefit in program.benefits.values():
        names.setdefault(benefit.entity, {}).update(dict.fromkeys(benefit.shows))
    return {entity: tuple(decisions) for entity, decisions in names.items() if decisions}


def decide_shown(
    program: Program, inputs: Mapping[str, Named], as_of: dt.date, out: Path, mapping: Path | None = None,
    encoding: str | None = None, threads: int | None = None, memory: str | None = None,
) -> dict[str, Path]:  # fmt: skip
    """Decide what benefits show into a folder; gives the file of each entity. Raises RuleError."""
    names_by_entity = shown_decisions(program)
    if not names_by_entity:
        return {}
    part = part_of(program, [(entity, name) for entity, names in names_by_entity.items() for name in names])
    entities = {
        name: replace(entity, outcome=None, explained_by=None) for name, entity in part.entities.items()
    }
    bare = replace(part, benefits={}, shown=names_by_entity, entities=entities)
    request = Request(
        inputs, as_of, out, threads, memory, encoding, mapping=mapping, yes=True
    )  # doubts were told when the run was made
    run_batch(bare, request)
    return {entity: out / EntityFile(bare, bare.entities[entity]).name for entity in names_by_entity}
