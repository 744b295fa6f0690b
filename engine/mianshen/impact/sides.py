"""Two programs made ready for the same rows: read once, decided twice.

In: a request, the programs before and after. Out: `Sides`: the rows in blocks, a decider a side.
Invariants: texts, lists and codes have the same numbers on both sides; a code that only one side's list knows makes
the row unreadable to the other.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import duckdb

from mianshen.batch import diagnostics as batch_diagnostics
from mianshen.batch.block_decider import BlockDecider
from mianshen.batch.block_store import Blocks, PartitionFiles
from mianshen.batch.blocks import block_count
from mianshen.batch.engines import WORTH, unit_of
from mianshen.batch.execution import BlockOutcome, Decider, Execution, in_order
from mianshen.batch.fallback import Fallback
from mianshen.batch.intake import Intake, rows_about
from mianshen.batch.output_files import EntityFile, entity_files
from mianshen.batch.request import Request
from mianshen.batch.run import connected, partitions_of
from mianshen.cache import cache_folder
from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.impact.rule_changes import RuleChanges
from mianshen.ingest.inputs import Input, open_inputs
from mianshen.native.layout import Layout, Unsupported
from mianshen.native.library import Compiled, compiled, is_kept
from mianshen.native.translation_unit import Unit
from mianshen.program.core import Numeric, Type
from mianshen.program.program import Fact, Key, Program
from mianshen.program.slicing import part_of
from mianshen.program.stages import reads_of
from mianshen.source import Diagnostic, Message, RuleError, unlined

WEIGHT: Final = Numeric(6, Decimal(0), Decimal(1_000_000))
SHARED: Final = ("key", "parent", "children", "counted_by", "date", "valid_from", "reverses")


@dataclass(slots=True)
class Sides:
    """Rows read, and what decides them on either side. `traces`: what tells at which decision the sides part."""

    programs: tuple[Program, Program]
    files: list[EntityFile]
    intake: Intake
    blocks: Blocks | PartitionFiles
    deciders: tuple[BlockDecider, BlockDecider]
    traces: tuple[Compiled, Compiled] | None
    threads: int
    inputs: Mapping[str, Input] = field(default_factory=dict)
    weights: Key | None = None  # the fact that says how many people each person stands for

    @property
    def weight(self) -> Type:
        """The type of the weights."""
        for program in self.programs:
            if self.weights is not None and self.weights in program.facts:
                return program.facts[self.weights].type
        return WEIGHT

    def outcomes(self, decider: Decider[BlockOutcome]) -> Iterator[BlockOutcome]:
        """What a decider makes of every block, in their order; rows are in memory a partition at a time."""
        for blocks in self.blocks.runs():
            yield from in_order(blocks, decider, self.threads)

    def decider_of(self, program: Program) -> BlockDecider:
        """What decides by a program that differs from the first side's in figures alone: by the same library."""
        first = self.deciders[0]
        compiled = None if first.compiled is None else first.compiled.with_figures(program)
        fallback = Fallback(program, {file.entity.name: file for file in first.files}, self.threads)
        return replace(first, program=program, compiled=compiled, fallback=fallback)

    @property
    def same_places(self) -> bool:
        """Whether rows that one side has placed stand so on the other."""
        one, other = (decider.compiled for decider in self.deciders)
        return (
            one is not None and other is not None and one.unit.layout.entities == other.unit.layout.entities
        )


def both(before: Program, after: Program) -> Program:
    """What rows are read by: the facts of both sides, each as the side that has it says.

    Raises RuleError where the sides read the same fact differently.
    """
    wrong = []
    for name in before.entities.keys() & after.entities.keys():
        one, other = before.entities[name], after.entities[name]
        if any(getattr(one, part) != getattr(other, part) for part in SHARED):
            wrong.append(diagnostic("E820.other_shape", unlined(after.name), name=name))
    wrong += [
        diagnostic("E821.other_type", unlined(after.name), name=".".join(key))
        for key in before.facts.keys() & after.facts.keys()
        if before.facts[key].written != after.facts[key].written
    ]
    for name in before.codes.keys() & after.codes.keys():
        old, new = list(before.codes[name].values), list(after.codes[name].values)
        if new[: len(old)] != old and old[: len(new)] != new:
            wrong.append(diagnostic("E822.other_codes", unlined(after.name), name=name))
    if before.entry != after.entry:
        wrong.append(diagnostic("E820.other_shape", unlined(after.name), name=after.entry))
    if wrong:
        raise RuleError(wrong)
    longest = {
        name: max((p.codes[name] for p in (after, before) if name in p.codes), key=lambda c: len(c.values))
        for name in {**before.codes, **after.codes}
    }
    return replace(
        after,
        facts={**before.facts, **after.facts},
        codes=longest,
        entities={**before.entities, **after.entities},
    )


@contextmanager
def read_once(
    before: Program, after: Program, request: Request, changes: RuleChanges, *, again: bool = False,
    weights: str | None = None,
) -> Iterator[Sides]:  # fmt: skip
    """The request's rows, read for both programs; `again`: to be decided more than once.

    `weights`: a column of people's files, or a number that the rulebook knows, by which people are weighted.

    Raises RuleError, MemoryError, OSError.
    """
    programs = before, after
    reading = _weighted(both(before, after), weights)
    unknown = [entity for entity in request.inputs if entity not in reading.entities]
    if unknown:
        raise RuleError([batch_diagnostics.no_such_entity(after.name, entity) for entity in unknown])
    with (
        tempfile.TemporaryDirectory(prefix="mianshen-") as folder,
        connected(request, Path(folder)) as connection,
    ):
        inputs = _opened(reading, request, connection, Path(folder), weights)
        files = [entity_files(program, inputs) for program in programs]
        count = rows_about(inputs, connection)
        units = _compiled(programs, files, request, count)
        weighting = None if weights is None else (reading.entry, weights)
        facts = _read_facts(programs, reading, weighting)
        run = _execution(reading, request, connection, inputs, files[1], units, facts, count)
        store = _store(run, Path(folder) / "rows", again)
        try:
            intake = run.intake(store)
        finally:
            if isinstance(store, PartitionFiles):
                store.close()
        deciders = _deciders(programs, files, run, intake, units, changes)
        traces = None if units is None else _traced(changes, units)
        try:
            yield Sides(programs, files[1], intake, store, deciders, traces, run.threads, inputs, weighting)
        finally:
            for decider in deciders:
                decider.fallback.close()


def _opened(
    reading: Program, request: Request, connection: duckdb.DuckDBPyConnection, folder: Path, weights: str | None
) -> dict[str, Input]:  # fmt: skip
    """The request's files. Raises RuleError where one cannot be read, or of people and has no weights."""
    inputs = open_inputs(
        reading, request.inputs, connection, folder / "text", request.encoding, request.mapping, request.as_of
    )
    people = inputs.get(reading.entry)
    if weights is not None and (people is None or any(weights not in part.columns for part in people.parts)):
        why = Message("人群文件中没有这一列", "a file of people does not have it")
        raise RuleError([_no_weights(weights, why)])
    return inputs


def _read_facts(programs: tuple[Program, Program], reading: Program, weighting: Key | None) -> frozenset[Key]:
    """The facts that either program reads, or results are broken down or weighted by."""
    facts = frozenset(fact for p in programs for d in p.decisions for fact in reads_of(d, p)[1])
    return facts | breakdown_facts(reading) | (frozenset() if weighting is None else {weighting})


def _execution(
    reading: Program, request: Request, connection: duckdb.DuckDBPyConnection, inputs: dict[str, Input],
    files: list[EntityFile], units: tuple[Compiled, Compiled] | None, facts: frozenset[Key],
    count: int,
) -> Execution:  # fmt: skip
    """What reads the rows, about so many."""
    return Execution(
        reading, request, connection, inputs, files, None if units is None else units[1],
        request.threads or os.cpu_count() or 1, block_count(count), facts, count,
    )  # fmt: skip


def _weighted(program: Program, name: str | None) -> Program:
    """The program with a column of weights as a fact of people. Raises RuleError where the fact there is is no number."""
    key = program.entry, name or ""
    if name is None or (key in program.facts and isinstance(program.facts[key].type, Numeric)):
        return program
    if key in program.facts:
        raise RuleError([_no_weights(name, Message("它不是数值", "it holds no numbers"))])
    fact = Fact(*key, WEIGHT, "number", Message("权重", "weight"), low=WEIGHT.low, high=WEIGHT.high)
    return replace(program, facts={**program.facts, key: fact})


def _no_weights(name: str, why: Message) -> Diagnostic:
    return diagnostic("E829.no_weights", unlined("--weights"), name=shown(name), why=why)


def _store(run: Execution, folder: Path, again: bool) -> Blocks | PartitionFiles:
    """Where rows are put: in memory, or in a folder's files where they do not fit it."""
    partitions = min(partitions_of(run.request, run.inputs, run.rows), run.blocks)
    if partitions == 1:
        return Blocks(run.blocks, again=again)
    folder.mkdir()
    return PartitionFiles(folder, run.blocks, partitions)


def _deciders(
    programs: tuple[Program, Program], files: list[list[EntityFile]], run: Execution, intake: Intake,
    units: tuple[Compiled, Compiled] | None, changes: RuleChanges,
) -> tuple[BlockDecider, BlockDecider]:  # fmt: skip
    """What decides blocks on either side."""
    deciders = []
    for at, (program, side) in enumerate(zip(programs, files, strict=True)):
        by_entity = {file.entity.name: file for file in side}
        fallback = Fallback(program, by_entity, run.threads, traced_keys(changes, program))
        compiled = None if units is None else units[at]
        deciders.append(BlockDecider(program, run.request.as_of, side, intake, compiled, fallback))
    return deciders[0], deciders[1]


def _compiled(
    programs: tuple[Program, Program], files: list[list[EntityFile]], request: Request, rows: int
) -> tuple[Compiled, Compiled] | None:
    """Both programs compiled, where that is worth it; they share a library where only figures differ."""
    if request.engine == "interpreter":
        return None
    folder = cache_folder()
    try:
        first = unit_of(programs[0], files[0], rows)
        second = unit_of(programs[1], files[1], rows, beside=first.layout)
        eager = request.engine == "native" or rows >= WORTH
        if not eager and not (is_kept(first, folder) and is_kept(second, folder)):
            return None
        return compiled(first, folder), compiled(second, folder)
    except Unsupported as why:
        if request.engine == "native":
            raise RuleError([batch_diagnostics.not_compiled(str(why))]) from None
        return None


def _traced(changes: RuleChanges, units: tuple[Compiled, Compiled]) -> tuple[Compiled, Compiled] | None:
    """The decisions at which several changes are met, compiled alone so that each tells what decided it."""
    if len(changes.listed) < 2:
        return None
    traced = []
    for program in (changes.before, changes.after):
        keys = traced_keys(changes, program)
        layout = Layout(part_of(program, keys), beside=units[1].unit.layout)
        traced.append(compiled(Unit(layout, keys, (), details=True, quick=True), cache_folder()))
    return traced[0], traced[1]


def traced_keys(changes: RuleChanges, program: Program) -> tuple[Key, ...]:
    """The decisions at which several changes are met, as far as a program has them."""
    known = {d.key for d in program.decisions}
    return tuple(o.key for o in changes.origins if o.key in known) if len(changes.listed) > 1 else ()


def breakdown_facts(program: Program) -> frozenset[tuple[str, str]]:
    """The facts that results are broken down by."""
    from mianshen.impact.groups import dimensions

    return frozenset(dimension.key for dimension in dimensions(program))
