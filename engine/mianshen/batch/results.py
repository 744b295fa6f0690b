"""The results of an entity's rows in one block: what the compiled program decided, and cells of the interpreter's.

In: `Decided`, or nothing where the interpreter decides all. Out: `Results`, whose columns become a table and totals.
Invariant: a decided row has a cell in every column; what other rows hold is never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.columns import Array, Cell, Lists, Numbers, ResultColumn, Texts
from mianshen.batch.output_files import MONEY, EntityFile, arrow_type
from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.native.deciding import Decided
from mianshen.native.layout import AREA_DIGITS
from mianshen.program.core import Code, String
from mianshen.program.program import Benefit, Decision

ROW_STATUS: Final = ("decided", "undetermined", "not_modelled")
BENEFIT_STATUS: Final = ("eligible", "ineligible", "undetermined", "not_modelled")
KNOWN, UNKNOWN, NOT_MODELLED = 0, 1, 2  # states of a decision
WORD_BYTES: Final = 8


@dataclass(slots=True)
class Results:
    """`columns` of the file; `states` of each shown and each settled decision; `ruled`: amounts that were settled."""

    file: EntityFile
    columns: dict[str, ResultColumn]
    states: dict[str, Array]
    ruled: dict[str, Numbers] = field(default_factory=dict)

    def table(self, keys: Mapping[str, pa.Array], decided: Array) -> pa.Table:
        """The rows that are decided, in order, as the file holds them."""
        columns = {**keys, **{name: column.array() for name, column in self.columns.items()}}
        table = pa.table({name: columns[name] for name in self.file.schema.names})
        return table if decided.all() else table.filter(pa.array(decided))

    def put(
        self, rows: Sequence[int], cells: Mapping[str, Sequence[Cell]], states: Mapping[str, Sequence[int]]
    ) -> None:
        """Take over what the interpreter decided of rows; `cells` by column, settled amounts by decision."""
        for name, column in self.columns.items():
            column.put(rows, cells[name])
        for name, state in self.states.items():
            state[list(rows)] = states[name]
        for name, amounts in self.ruled.items():
            if name not in self.columns:
                amounts.put(rows, cells[name])


def empty_results(file: EntityFile, count: int) -> Results:
    """Columns for so many rows, of which nothing is decided yet."""
    columns: dict[str, ResultColumn] = {d.name: _empty(d, count) for d in file.shown}
    if file.entity.outcome is not None:
        columns["status"] = Texts(_none(count), ROW_STATUS)
        columns["reason"] = Texts(_none(count), _reasons(file, file.entity.explained_by))
        columns["missing"] = Texts(_none(count), ())
    for benefit in file.benefits:
        columns[f"{benefit.name}_status"] = Texts(_none(count), BENEFIT_STATUS)
        columns[f"{benefit.name}_amount"] = _no_amount(count)
        columns[f"{benefit.name}_reason"] = Texts(_none(count), _reasons(file, benefit.eligible))
    states = {name: np.full(count, UNKNOWN, np.uint8) for name in file.stated}
    return Results(file, columns, states, _ruled(file, columns, lambda _name: _no_amount(count)))


def native_results(file: EntityFile, decided: Decided, count: int, texts: Iterable[str]) -> Results:
    """What the compiled program wrote of an entity's rows. `texts`: those of the run, by number."""
    names = pc.binary_join(_quoted(decided.sets), ",")
    needs = pc.binary_join_element_wise(pa.scalar(MISSING_FACTS), names, ": ")
    needs = pc.if_else(pc.equal(names, ""), pa.scalar(MISSING_FACTS), needs)
    reader = _NativeColumns(file, decided, count, names, needs, texts)
    columns: dict[str, ResultColumn] = {d.name: reader.shown(d) for d in file.shown}
    if file.entity.outcome is not None:
        columns |= reader.outcome()
    for benefit in file.benefits:
        columns |= reader.benefit(benefit)
    states = {name: reader.column(name, "state") for name in file.stated}
    return Results(file, columns, states, _ruled(file, columns, reader.number))


def _quoted(sets: pa.ListArray) -> pa.ListArray:
    """The names, those with a comma or a quote in quotes, as `names_of` has them."""
    names = sets.flatten()
    special = pc.match_substring_regex(names, '[,"]')
    if not pc.any(special).as_py():
        return sets
    quote = pa.scalar('"')
    quoted = pc.binary_join_element_wise(quote, pc.replace_substring(names, '"', '""'), quote, "")
    return pa.ListArray.from_arrays(sets.offsets, pc.if_else(special, quoted, names))


@dataclass(frozen=True, slots=True)
class _NativeColumns:
    file: EntityFile
    decided: Decided
    count: int
    names: pa.StringArray  # the missing names of each set, as one text
    needs: pa.StringArray  # the same as a reason
    texts: Iterable[str]  # by their numbers

    def column(self, name: str, part: str) -> Array:
        wanted = (self.file.entity.name, name, part)
        return next(v for w, v in self.decided.columns.items() if (w.entity, w.name, w.part) == wanted)

    def number(self, name: str) -> Numbers:
        """A decision of numbers, days or truth values, in the scale of its column."""
        key = self.file.entity.name, name
        type_ = arrow_type(self.file.program.decision(*key))
        values = self.column(name, "value")
        if values.dtype.itemsize > WORD_BYTES:
            values = values.view(np.int64).reshape(-1, 2)
            values = values if pa.types.is_decimal128(type_) else values[:, 0]
        return Numbers(values, self.column(name, "state") == KNOWN, type_)

    def shown(self, decision: Decision) -> ResultColumn:
        """A decision's column, of whatever type."""
        program = self.file.program
        if not pa.types.is_string(arrow_type(decision)):
            return self.number(decision.name)
        values, known = self.column(decision.name, "value"), self.column(decision.name, "state") == KNOWN
        match decision.type:
            case Code(codes=codes):
                texts, places = list(program.codes[codes].values), values
            case String(area=True):
                areas, places = np.unique(values, return_inverse=True)
                texts = [area_digits(int(area)) for area in areas]
            case _:
                texts, places = list(self.texts), values
        return Texts(np.where(known, places, -1).astype(np.int32), (), pa.array(texts, pa.string()))

    def outcome(self) -> dict[str, ResultColumn]:
        """Status, reason and missing names of rows with an outcome."""
        status, reason, missing = (self.column("", part) for part in ("status", "reason", "missing"))
        declared = _reasons(self.file, self.file.entity.explained_by)
        places = np.where(
            status == UNKNOWN, len(declared) - 1, np.where(reason < 0, len(declared) - 2, reason)
        )
        return {
            "status": Texts(status.astype(np.int32), ROW_STATUS),
            "reason": Texts(places.astype(np.int32), declared),
            "missing": Texts(missing.astype(np.int32), (), self.names),
        }

    def benefit(self, benefit: Benefit) -> dict[str, ResultColumn]:
        """The three columns of a benefit; a reason below -1 is a set of missing names."""
        status, reason = self.column(benefit.name, "status"), self.column(benefit.name, "reason")
        declared = _reasons(self.file, benefit.eligible)
        places = np.where(
            reason == -1, len(declared) - 2, np.where(reason < -1, len(declared) - 2 - reason, reason)
        )
        amount = (
            _no_amount(self.count)
            if benefit.amount is None
            else Numbers(self.column(benefit.name, "value"), self.column(benefit.name, "known"), MONEY)
        )
        return {
            f"{benefit.name}_status": Texts(status.astype(np.int32), BENEFIT_STATUS),
            f"{benefit.name}_amount": amount,
            f"{benefit.name}_reason": Texts(places.astype(np.int32), declared, self.needs),
        }


def _ruled(
    file: EntityFile, columns: Mapping[str, ResultColumn], not_shown: Callable[[str], Numbers]
) -> dict[str, Numbers]:
    """The columns of settled decisions; `not_shown` makes that of a decision without a column in the file."""
    return {
        name: column if isinstance(column := columns.get(name), Numbers) else not_shown(name)
        for name in file.settled_facts
    }


def _empty(decision: Decision, count: int) -> ResultColumn:
    type_ = arrow_type(decision)
    if pa.types.is_string(type_):
        return Texts(_none(count), ())
    if pa.types.is_list(type_):
        return Lists([None] * count, type_)
    return Numbers(np.zeros(count, np.int64), np.zeros(count, bool), type_)


def _none(count: int) -> Array:
    return np.full(count, -1, np.int32)


def _no_amount(count: int) -> Numbers:
    return Numbers(np.zeros(count, np.int64), np.zeros(count, bool), MONEY)


def _reasons(file: EntityFile, decision: str | None) -> list[str]:
    """The provisions that may be a reason, then that there is none, then that facts are missing."""
    provisions = () if decision is None else file.program.decision(file.entity.name, decision).provisions
    return [*(p.name for p in provisions), NO_PROVISION, MISSING_FACTS]


def area_digits(number: int) -> str:
    """The digits of an area as the compiled program holds it."""
    digits, length = divmod(number, 16)
    return f"{digits:0{AREA_DIGITS}}"[:length]
