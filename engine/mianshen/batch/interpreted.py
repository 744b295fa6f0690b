"""Households decided by the interpreter, as cells of the batch's files.

In: a case, the number of each of its rows. Out: `Interpreted`: by entity the cells of the rows that are decided,
why others are rejected, and which rows take no part. Everything in it can be sent between processes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mianshen.batch.columns import Cell
from mianshen.batch.output_files import EntityFile
from mianshen.batch.results import KNOWN, NOT_MODELLED, UNKNOWN
from mianshen.ingest.entity_cases import Numbers
from mianshen.interpreter import Interpreter
from mianshen.interpreter.result import MISSING_FACTS, BenefitResult, benefit_result, names_of, row_result
from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Key
from mianshen.values import Missing, NotModelled, Unknown, Value


@dataclass(slots=True)
class EntityOutcome:
    """What became of an entity's rows. `rejected`: rows by field and reason; `reversed`: the voiding row, what it voids."""

    rows: list[int] = field(default_factory=list)  # those that are decided
    cells: dict[str, list[Cell]] = field(default_factory=dict)  # by column, a cell for each of them
    states: dict[str, list[int]] = field(default_factory=dict)
    rejected: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    history: list[int] = field(default_factory=list)
    reversed: list[tuple[int, int]] = field(default_factory=list)
    traced: dict[str, list[tuple[Value, str]]] = field(
        default_factory=dict
    )  # of `rows`: value, what decided it


Interpreted: TypeAlias = "dict[str, EntityOutcome]"


def interpreted(
    interpreter: Interpreter,
    files: Mapping[str, EntityFile],
    cases: Iterable[tuple[Case, Numbers]],
    traced: Collection[Key] = (),
) -> Interpreted:
    """Decide cases; rows without a number are nobody's, such as a household that was made up.

    `traced`: decisions whose values are wanted too, with the provisions that decided them.
    """
    outcomes: Interpreted = {name: EntityOutcome() for name in interpreter.program.entities}
    for case, numbers in cases:
        interpreter.run(case)
        voided = {id(row) for pair in case.reversed for row in pair}
        for voiding, target in case.reversed:
            outcomes[voiding.entity].reversed.append((numbers[voiding], numbers[target]))
        for row, number in numbers.items():
            if id(row) not in voided:
                _take(outcomes[row.entity], row, number, files.get(row.entity), traced)
    return outcomes


def _take(
    outcome: EntityOutcome, row: Row, number: int, file: EntityFile | None, traced: Collection[Key]
) -> None:
    if row.rejection is not None:
        why = row.rejection.field, row.rejection.reason
        outcome.rejected.setdefault(why, []).append(number)
        return
    if row.version_of is not None:
        outcome.history.append(number)
        return
    outcome.rows.append(number)
    for entity, name in traced:
        if entity == row.entity:
            by = " ".join(provision.name for provision in row.chosen.get(name, ()))
            outcome.traced.setdefault(name, []).append((row.values[name], by))
    if file is None:
        return
    for name, cell in _cells(file, row).items():
        outcome.cells.setdefault(name, []).append(cell)
    for name in file.stated:
        outcome.states.setdefault(name, []).append(_state(row.values[name]))


def _cells(file: EntityFile, row: Row) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: _known(row.values[name]) for name in file.settled_facts}
    cells |= {d.name: _known(row.values[d.name]) for d in file.shown}
    if file.entity.outcome is not None:
        result = row_result(file.program, row)
        cells |= {
            "status": result.status,
            "reason": result.reason,
            "missing": names_of(result.missing) or None,
        }
    for benefit in file.benefits:
        answer = benefit_result(benefit, row)
        cells[f"{benefit.name}_status"] = answer.status
        cells[f"{benefit.name}_amount"] = answer.amount
        cells[f"{benefit.name}_reason"] = _reason(row, answer)
    return cells


def _reason(row: Row, answer: BenefitResult) -> str:
    """The provision that decided, or what the answer or the amount of a benefit that is due lacks."""
    amount = None if answer.benefit.amount is None else row.values[answer.benefit.amount]
    missing = answer.missing if answer.status == "undetermined" else frozenset[Missing]()
    if answer.status == "eligible" and isinstance(amount, Unknown):
        missing = amount.missing
    elif answer.status != "undetermined":
        return answer.reason
    names = names_of(missing)
    return f"{MISSING_FACTS}: {names}" if names else MISSING_FACTS


def _state(value: Value) -> int:
    match value:
        case Unknown():
            return UNKNOWN
        case NotModelled():
            return NOT_MODELLED
        case _:
            return KNOWN


def _known(value: Value) -> Cell:
    return None if isinstance(value, Unknown | NotModelled) else value
