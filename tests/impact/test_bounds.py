"""The bounds of what unknown facts leave open hold whatever the facts turn out to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.impact.conftest import Under
from tests.impact.test_compare import ONE, SEVERAL
from tests.support.campaigns import SOAK
from tests.support.gaps import Gaps, asked_whether_known, filled
from tests.support.populations import AS_OF

from mianshen.batch.request import Engine, Request
from mianshen.impact.bounds import Amount, Bounds
from mianshen.impact.compare import compare
from mianshen.interpreter import Case
from mianshen.population.sample import write_population
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.values import Missing, Unknown

FIGURES = """
set:
  employee_annual_payment_limit: {from: 2020-01-01, value: 500.00}
  resident_inpatient_rate: {from: 2020-01-01, value: 50%}
  beijing_assistance_limit_inpatient: {from: 2023-01-01, value: 900.00}
  beijing_assistance_rate_inpatient: {from: 2023-01-01, value: 71%}
"""


def amounts_of(program: Program, case: Case) -> list[Amount]:
    """Every amount of money of every row that results show."""
    amounts: list[Amount] = []
    for row in case.rows():
        if row.rejection is None and row.version_of is None:
            names = [d.name for d in program.outputs(row.entity) if d.written == "money"]
            amounts += [((row.entity, row.key), name) for name in names]
            benefits = [b for b in program.benefits.values() if b.entity == row.entity and b.amount]
            amounts += [((row.entity, row.key), benefit) for benefit in benefits]
    return amounts


def amount(case: Case, wanted: Amount) -> Decimal | None:
    """What a decided case gives; None where it is unknown."""
    (name, subject) = wanted
    row = next(r for r in case.rows() if (r.entity, r.key) == name and r.version_of is None)
    if row.rejection is not None:
        return None
    if isinstance(subject, str):
        value = row.values[subject]
        return None if isinstance(value, Unknown) else value if isinstance(value, Decimal) else Decimal(0)
    due = row.values[subject.eligible]
    if due is not True:
        return None if isinstance(due, Unknown) else Decimal(0)
    value = row.values[str(subject.amount)]
    return value if isinstance(value, Decimal) else None


def missing_of(case: Case, wanted: Amount) -> frozenset[Missing]:
    """The facts that an amount waits for."""
    (name, subject) = wanted
    row = next(r for r in case.rows() if (r.entity, r.key) == name and r.version_of is None)
    names = (subject,) if isinstance(subject, str) else (subject.eligible, str(subject.amount))
    values = [row.values.get(decision) for decision in names]
    return frozenset(m for value in values if isinstance(value, Unknown) for m in value.missing)


@pytest.mark.parametrize("text", [ONE, SEVERAL, FIGURES], ids=["one", "several", "figures"])
def test_every_filling_lies_within_the_bounds(under: Under, text: str) -> None:
    programs = open_program(), under(text)
    gaps, bounds = Gaps(programs[0]), Bounds(programs)
    left_alone = asked_whether_known(programs[0]) | asked_whether_known(programs[1])
    rng, tried, open_amounts = Random(3), 0, 0
    for case in gaps.cases(7, 200 if SOAK else 4):
        sides = filled(case, {}), filled(case, {})
        wanted = amounts_of(programs[0], case)
        result = bounds.of(sides, wanted)
        known = [[amount(side, one) for one in wanted] for side in sides]
        open_ = [at for at in range(len(wanted)) if known[0][at] is None or known[1][at] is None]
        open_amounts += len(open_)
        named = {missing for side in sides for one in wanted for missing in missing_of(side, one)}
        missing = {m for m in named if gaps.is_fact(m) and m.name not in left_alone}
        for _ in range(6):
            filling = gaps.filling(rng, case, missing)
            if filling is None:
                continue
            pair = filled(case, filling), filled(case, filling)
            for interpreter, side in zip(bounds.interpreters, pair, strict=True):
                interpreter.run(side)
            tried += 1
            for at in open_:
                before, after = (amount(side, wanted[at]) for side in pair)
                if before is not None and after is not None:
                    bound = result[at]
                    assert isinstance(bound, frozenset) or bound[0] <= after - before <= bound[1], (
                        wanted[at],
                        filling,
                    )
    assert tried > 5
    assert open_amounts > 5


HIDDEN = {
    "residents": ("assistance_category", "insurance_scheme", "employment_status"),
    "claims": ("hospital_level", "care_type", "critical_illness"),
}
REFORM = """
set:
  employee_rate_working: {from: 2020-01-01, value: 90%}
  resident_inpatient_rate: {from: 2020-01-01, value: 70%}
  shanghai_assistance_rate_inpatient: {from: 2023-01-01, value: 80%}
"""
FILLINGS = 1000 if SOAK else 10
Gap: TypeAlias = tuple[str, int, str]  # a table, the row's number, the fact
Tables: TypeAlias = dict[str, list[dict[str, Any]]]


def test_the_interval_of_a_population_with_gaps_holds_every_filling(tmp_path: Path, under: Under) -> None:
    people, rng = Sampled(tmp_path), Random(2)
    programs = open_program(), under(REFORM)
    gaps: list[Gap] = [
        (table, number, name)
        for table, names in HIDDEN.items()
        for number, row in enumerate(people.tables[table])
        for name in names
        if row[name] is not None and rng.random() < 0.06
    ]
    values = {gap: sorted({row[gap[2]] for row in people.tables[gap[0]]} - {None}) for gap in gaps}
    interval = people.compared(programs, [dict.fromkeys(gaps)])
    bounded = {
        name: (Decimal(sums["least"]), Decimal(sums["most"]))
        for part in ("decisions", "benefits")
        for name, sums in interval[part].items()
        if sums["least"] is not None
    }
    people.compared(programs, [{gap: rng.choice(values[gap]) for gap in gaps} for _ in range(FILLINGS)])
    sums: dict[tuple[str, str], Decimal] = {}  # by decision and the number of the filling
    for row in pq.read_table(tmp_path / "out/changes.parquet").to_pylist():
        name = row["decision"].removesuffix("_amount")
        if name in bounded and not row["decision"].endswith("_status"):
            place = name, row["key"].rpartition("~")[2]
            sums[place] = sums.get(place, Decimal(0)) + amount_in(row["after"]) - amount_in(row["before"])
    varying = 0
    for name, (least, most) in bounded.items():
        differences = [sums.get((name, str(filling)), Decimal(0)) for filling in range(FILLINGS)]
        assert least <= min(differences), name
        assert max(differences) <= most, name
        varying += len(set(differences)) > 1
    assert varying >= 3


def test_bounds_of_many_households_are_wider_and_hold(
    tmp_path: Path, under: Under, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, rng = Sampled(tmp_path), Random(4)
    programs = open_program(), under(REFORM)
    gaps: list[Gap] = [
        (table, number, name)
        for table, names in HIDDEN.items()
        for number, row in enumerate(people.tables[table])
        for name in names
        if row[name] is not None and rng.random() < 0.02
    ]
    one_by_one = people.compared(programs, [dict.fromkeys(gaps)])["decisions"]
    monkeypatch.setattr("mianshen.impact.bounding.FEW", 0)
    monkeypatch.setattr("mianshen.impact.bounding.TOGETHER", 3)
    at_once = people.compared(programs, [dict.fromkeys(gaps)])["decisions"]
    held = 0
    for name, sums in one_by_one.items():
        wider = at_once[name]
        assert (sums["difference"], sums["left_out"]) == (wider["difference"], wider["left_out"])
        if sums["least"] is not None and wider["least"] is not None:
            assert Decimal(wider["least"]) <= Decimal(sums["least"]) <= Decimal(sums["most"])
            assert Decimal(sums["most"]) <= Decimal(wider["most"])
            held += sums["least"] != sums["most"]
    assert held >= 2


class Sampled:
    """A few people made up, compared with some of their facts otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_population(folder, 40, 9, "parquet", AS_OF)
        self.tables: Tables = {}
        self.schemas: dict[str, pa.Schema] = {}
        for name in ("residents", "claims", "households"):
            table = pq.read_table(folder / f"{name}.parquet")
            self.tables[name] = table.to_pylist()
            self.schemas[name] = pa.schema([(field.name, field.type) for field in table.schema])

    def compared(
        self, programs: tuple[Program, Program], fillings: Sequence[Mapping[Gap, str | None]]
    ) -> dict[str, Any]:
        """As many copies of them, each with its own keys and facts, compared at once."""
        rows: Tables = {name: [] for name in self.tables}
        for number, filling in enumerate(fillings):
            for table, people in self.tables.items():
                for at, row in enumerate(people):
                    copy = {
                        name: f"{cell}~{number}" if cell is not None and name.endswith("_id") else cell
                        for name, cell in row.items()
                    }
                    copy |= {
                        name: filling[table, at, name]
                        for name in HIDDEN.get(table, ())
                        if (table, at, name) in filling
                    }
                    rows[table].append(copy)
        inputs = {}
        for name, copies in rows.items():
            path = self.folder / f"{name}_copied.parquet"
            pq.write_table(pa.Table.from_pylist(copies, self.schemas[name]), path)
            inputs[name.removesuffix("s")] = str(path)
        engine: Engine = "native" if SOAK else "interpreter"
        request = Request(inputs, AS_OF, self.folder / "out", 2, engine=engine, yes=True)
        return compare(*programs, request).content()


def amount_in(text: str | None) -> Decimal:
    """The amount in a cell that differs; what is no amount adds nothing."""
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
