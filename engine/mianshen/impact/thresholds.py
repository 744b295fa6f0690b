"""The lines in the rules, and who stands near them: what a step across would give or cost.

In: a program, files of records. Out: `Crossing`s: a fact moved by a step (500 yuan, 30 days, one level) for everybody, and
what changes, benefit by benefit; `Line`s: how many rows stand within a step below and above each value compared with.
Invariants: files are read once; a row counts where its fact is known; amounts are in fen; a notch is the largest jump that
one step makes. Rows are named only in the list that is asked for.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from mianshen.batch.block_decider import DecidedBlock
from mianshen.batch.blocks import Array
from mianshen.batch.columns import Numbers, Texts, integers
from mianshen.batch.request import Request
from mianshen.batch.row_batches import BlockRows
from mianshen.batch.totals import Counts, added, exact_sum
from mianshen.casework.wording import number
from mianshen.impact.compare import comparison_folder
from mianshen.impact.estimates import yuan
from mianshen.impact.rule_changes import RuleChanges
from mianshen.impact.sides import Sides, read_once
from mianshen.impact.tracing import Family
from mianshen.interpreter.evaluate import in_force
from mianshen.interpreter.rows import RowError
from mianshen.native.layout import EPOCH, wide
from mianshen.past_runs.report.cells import CsvFile
from mianshen.program.core import Const, Core, Date, FactRef, Numeric, Op, ParameterRef, walk
from mianshen.program.program import Fact, Key, Program, Provision
from mianshen.program.stages import nodes_of
from mianshen.source import Message
from mianshen.values import add_months

MONEY_STEP: Final = Decimal(500)  # yuan
DAYS_STEP: Final = 30
COMPARING: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
LIST: Final = pa.schema(
    [
        (name, pa.string())
        for name in ("entity", "key", "fact", "step", "benefit", "before", "after", "difference")
    ]
)


@dataclass(frozen=True, slots=True)
class Line:
    """A value that a provision compares a fact with; of an age, in years."""

    fact: Key
    value: Decimal | dt.date
    aged: bool
    provision: Provision


@dataclass(frozen=True, slots=True)
class Step:
    """A fact moved by one step, up or down."""

    fact: Fact
    up: bool

    @property
    def amount(self) -> int:
        """In the fact's last decimal, or days."""
        size = DAYS_STEP
        if isinstance(self.fact.type, Numeric):
            size = int(
                (MONEY_STEP if self.fact.written == "money" else Decimal(1)).scaleb(self.fact.type.scale)
            )
        return size if self.up else -size

    @property
    def text(self) -> str:
        """The step as people read it."""
        sign = "+" if self.up else "-"
        if self.fact.written == "money":
            return f"{sign}{MONEY_STEP:.2f}"
        return f"{sign}{DAYS_STEP} d" if isinstance(self.fact.type, Date) else f"{sign}1"


@dataclass(slots=True)
class Atlas:
    """`lines` with how many stand near, `crossings` by fact, step and benefit; `rows`: the list, where asked for."""

    program: Program
    as_of: dt.date
    lines: list[Line]
    near: Counts = field(default_factory=dict)
    crossings: Counts = field(default_factory=dict)
    notches: dict[str, int] = field(default_factory=dict)
    rows: list[pa.Table] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """The same as data, money as text."""
        return {
            "as_of": self.as_of.isoformat(),
            "lines": [self._line(at, line) for at, line in enumerate(self.lines)],
            "crossings": sorted(
                (self._crossing(name, n) for name, n in self.crossings.items() if n["rows"]),
                key=lambda crossing: (
                    -abs(Decimal(crossing["difference"])),
                    crossing["fact"],
                    crossing["step"],
                ),
            ),
        }

    def _line(self, at: int, line: Line) -> dict[str, Any]:
        near = self.near.get(str(at), {"below": 0, "above": 0})
        citation = line.provision.citation
        written = self.program.facts[line.fact].written
        value = str(line.value) if isinstance(line.value, dt.date) else number(line.value, written)
        value = f"{value} a" if line.aged else value
        return {
            "fact": line.fact[1], "entity": line.fact[0], "title": self.program.facts[line.fact].title.plain,
            "line": value, "provision": line.provision.name,
            "clause": str(citation),
            "below": near["below"], "above": near["above"],
        }  # fmt: skip

    def _crossing(self, name: str, counts: Counts) -> dict[str, Any]:
        entity, fact, step, benefit = name.split("|")
        known_benefit = self.program.benefits.get(benefit)
        title = (
            known_benefit.title
            if known_benefit is not None
            else Message("付给个人或为个人支付", "paid to or for people")
        )
        return {
            "entity": entity, "fact": fact, "title": self.program.facts[entity, fact].title.plain, "step": step,
            "benefit": benefit, "benefit_title": title.plain, "rows": counts["rows"], "gained": counts["gained"],
            "lost": counts["lost"], "difference": yuan(counts["fen"]),
            "notch": yuan(self.notches.get(name, 0)),
        }  # fmt: skip


def atlas(program: Program, request: Request, *, listed: bool = False) -> Atlas:
    """Who stands near which line; `listed`: with the rows that a step would change. Raises RuleError, MemoryError, OSError."""
    lines = list(lines_of(program, request.as_of))
    result = Atlas(program, request.as_of, lines)
    steps = [Step(program.facts[key], up) for key in facts_compared(program) for up in (True, False)]
    with read_once(program, program, request, RuleChanges(program, program)) as sides:
        for blocks in sides.blocks.runs():
            for number in range(blocks.first, blocks.first + blocks.count):
                _Block(result, sides, sides.deciders[0].rows_of(blocks.take(number)), listed).look(steps)
    return result


def facts_compared(program: Program) -> list[Key]:
    """The numbers and days of people, and of what stands above them, that some comparison rests on."""
    owners = {program.entry, *program.ancestors(program.entry)}
    facts: dict[Key, None] = {}
    for decision in program.decisions:
        for root in nodes_of(decision):
            for node in walk(root):
                if isinstance(node, Op) and node.op in COMPARING:
                    for part in walk(node):
                        if (
                            isinstance(part, FactRef)
                            and part.entity in owners
                            and isinstance(part.type, Numeric | Date)
                        ):
                            facts |= {} if wide(part.type) else {(part.entity, part.name): None}
    return list(facts)


def lines_of(program: Program, as_of: dt.date) -> Iterator[Line]:
    """The values that provisions compare facts of people, or of what stands above them, with on a day."""
    seen: set[tuple[Key, object, str]] = set()
    owners = {program.entry, *program.ancestors(program.entry)}
    for decision in program.decisions:
        for provision in decision.provisions:
            for root in (*provision.condition, provision.value):
                for node in walk(root):
                    for line in _compared(node, provision, program, as_of):
                        name = (line.fact, line.value, provision.name)
                        if line.fact[0] in owners and name not in seen:
                            seen.add(name)
                            yield line


def _compared(node: Core, provision: Provision, program: Program, as_of: dt.date) -> Iterator[Line]:
    if not isinstance(node, Op) or node.op not in COMPARING:
        return
    for one, other in (node.args, node.args[::-1]):
        value = _constant(other, program, as_of)
        if value is None:
            continue
        match one:
            case FactRef(entity=entity, name=name, type=Numeric() | Date() as type_) if not wide(type_):
                yield Line((entity, name), value, aged=False, provision=provision)
            case Op(op="age", args=(FactRef(entity=entity, name=name), *_)) if isinstance(value, Decimal):
                yield Line((entity, name), value, aged=True, provision=provision)
            case _:
                pass


def _constant(node: Core, program: Program, as_of: dt.date) -> Decimal | dt.date | None:
    value: object = None
    match node:
        case Const(value=constant):
            value = constant
        case ParameterRef(name=name):
            try:
                value = in_force(program.parameters[name], as_of).known
            except RowError:
                return None
        case _:
            pass
    return value if isinstance(value, Decimal | dt.date) and not isinstance(value, bool) else None


@dataclass
class _Block:
    """One block looked at."""

    atlas: Atlas
    sides: Sides
    rows: dict[str, BlockRows]
    listed: bool

    def look(self, steps: Sequence[Step]) -> None:
        """Count the rows near lines, then take every step."""
        for at, line in enumerate(self.atlas.lines):
            self.atlas.near = added(self.atlas.near, {str(at): self._near(line)})
        decider = self.sides.deciders[0]
        places = None
        if decider.compiled is not None:
            places = decider.deciding(decider.compiled, self.rows).placing().all()
        before = decider.outcome(self.rows, None if places is None else places.copy())
        for step in steps:
            moved = self._moved(step)
            if moved is not None:
                after = decider.outcome(moved, None if places is None else places.copy())
                self._compare(step, before, after)

    def _near(self, line: Line) -> Counts:
        entity, name = line.fact
        cells = self.rows[entity].rows.facts.get(name)
        if cells is None:
            return {"below": 0, "above": 0}
        known = np.asarray(cells.is_valid())
        step = Step(self.atlas.program.facts[line.fact], up=True).amount
        if line.aged:
            assert isinstance(line.value, Decimal)
            day = add_months(self.atlas.as_of, -12 * int(line.value))  # who was born by then is that old
            gap = (day - EPOCH).days - _numbers(cells)
        elif isinstance(line.value, dt.date):
            gap = _numbers(cells) - (line.value - EPOCH).days
        else:
            type_ = self.atlas.program.facts[line.fact].type
            assert isinstance(type_, Numeric)
            gap = _numbers(cells) - int(line.value.scaleb(type_.scale))
        return {
            "below": int((known & (gap < 0) & (gap >= -step)).sum()),
            "above": int((known & (gap >= 0) & (gap <= step)).sum()),
        }

    def _moved(self, step: Step) -> dict[str, BlockRows] | None:
        """The rows with the fact moved for everybody of whom it is known, within its range."""
        fact, block = step.fact, self.rows[step.fact.entity]
        cells = block.rows.facts.get(fact.name)
        if cells is None or cells.null_count == len(cells):
            return None
        values = _numbers(cells) + step.amount
        if isinstance(fact.type, Numeric):
            low = fact.type.low if fact.low is None else fact.low
            high = fact.type.high if fact.high is None else fact.high
            values = np.clip(values, int(low.scaleb(fact.type.scale)), int(high.scaleb(fact.type.scale)))
        if isinstance(fact.type, Date):
            values = np.minimum(values, (self.atlas.as_of - EPOCH).days).astype(np.int32)
        taken = block.rows.taken(np.arange(block.rows.count))
        taken.facts[fact.name] = integers(values, cells.type, np.asarray(cells.is_valid()))
        return {**self.rows, fact.entity: BlockRows(taken, block.numbers)}

    def _compare(self, step: Step, before: DecidedBlock, after: DecidedBlock) -> None:
        program = self.atlas.program
        family = Family(program, before)
        for file in self.sides.files:
            name = file.entity.name
            both = before.decided(name) & after.decided(name)
            results = before.results[name], after.results[name]
            for benefit in file.benefits:
                status = [side.columns[f"{benefit.name}_status"] for side in results]
                amounts = [side.columns[f"{benefit.name}_amount"] for side in results]
                one, other = status
                assert isinstance(one, Texts)
                assert isinstance(other, Texts)
                due = [both & (side.places == 0) for side in (one, other)]
                fen = [_known(side, both) for side in amounts]
                self._note(
                    step,
                    benefit.name,
                    name,
                    np.flatnonzero((one.places != other.places) & both),
                    due,
                    fen[1] - fen[0],
                )
        self._paid(step, before, after, family)

    def _paid(self, step: Step, before: DecidedBlock, after: DecidedBlock, family: Family) -> None:
        """What is paid of rows below people, by person."""
        entry = self.atlas.program.entry
        net = np.zeros(before.rows[entry].rows.count, np.int64)
        for file in self.sides.files:
            name = file.entity.name
            people = family.ancestor(name, entry)
            if people is None:
                continue
            both = before.decided(name) & after.decided(name)
            for key in self.atlas.program.paid:
                if key[0] == name:
                    was, now = (
                        _known(side.results[name].columns.get(key[1]), both) for side in (before, after)
                    )
                    change = now - was
                    at = np.flatnonzero((change != 0) & (people >= 0))
                    np.add.at(net, people[at], change[at])
        rows = np.flatnonzero(net)
        nobody = np.zeros(len(net), bool)
        self._note(step, "paid", entry, rows, [nobody, nobody], net)

    def _note(
        self, step: Step, benefit: str, entity: str, rows: Array, due: list[Array], change: Array
    ) -> None:
        """Count what a step changes of a benefit."""
        rows = np.union1d(rows, np.flatnonzero(change))
        name = f"{step.fact.entity}|{step.fact.name}|{step.text}|{benefit}"
        gained, lost = due[1] & ~due[0], due[0] & ~due[1]
        counts = {
            "rows": len(rows), "gained": int(gained.sum()), "lost": int(lost.sum()), "fen": exact_sum(change[rows]),
        }  # fmt: skip
        self.atlas.crossings = added(self.atlas.crossings, {name: counts})
        if not len(rows):
            return
        largest = int(change[rows][np.argmax(np.abs(change[rows]))])
        if abs(largest) > abs(self.atlas.notches.get(name, 0)):
            self.atlas.notches[name] = largest
        if self.listed:
            keys = self.rows[entity].rows.key.take(pa.array(rows))
            texts = (entity, step.fact.name, step.text, benefit)
            same = [pa.array([text] * len(rows), pa.string()) for text in texts]
            said = [pa.array(["eligible" if there else "" for there in d[rows]], pa.string()) for d in due]
            difference = pa.array([yuan(fen) for fen in change[rows].tolist()], pa.string())
            self.atlas.rows.append(
                pa.Table.from_arrays(
                    [same[0], keys, same[1], same[2], same[3], said[0], said[1], difference], schema=LIST
                )
            )


def _known(column: object, both: Array) -> Array:
    """Amounts in fen, nothing where there is none."""
    if not isinstance(column, Numbers) or column.values.ndim > 1:
        return np.zeros(len(both), np.int64)
    amounts: Array = np.where(both & (column.known != 0), column.values, 0)
    return amounts


def _numbers(cells: pa.Array) -> Array:
    """The cells as integers of their last decimal, or days; nothing said of those not known."""
    width = np.int32 if pa.types.is_date32(cells.type) else np.int64
    data = cells.buffers()[1]
    if data is None:
        return np.zeros(len(cells), np.int64)
    values: Array = np.frombuffer(data, width)[cells.offset : cells.offset + len(cells)].astype(np.int64)
    return values


def write_atlas(folder: Path, atlas: Atlas) -> None:
    """`thresholds.json`, and `thresholds.csv` where rows were listed, whole or not at all. Raises RuleError."""
    with comparison_folder(folder) as part:
        text = json.dumps(atlas.content(), ensure_ascii=False, indent=2)
        (part / "thresholds.json").write_text(text + "\n", "utf-8")
        if atlas.rows:
            sheet = CsvFile(part / "thresholds.csv", LIST.names)
            for table in atlas.rows:
                for row in table.to_pylist():
                    sheet.write(str(cell or "") for cell in row.values())
            sheet.close()
