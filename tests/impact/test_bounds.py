"""The bounds of what unknown facts leave open hold whatever the facts turn out to be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from tests.impact.test_compare import ONE, SEVERAL, reform
from tests.support.gaps import Gaps, asked_whether_known, filled
from tests.support.populations import AS_OF, Row, nasty, write_csv

from mianshen.batch.request import Request
from mianshen.impact.bounds import Amount, Bounds
from mianshen.impact.compare import compare
from mianshen.interpreter import Case
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
def test_every_filling_lies_within_the_bounds(tmp_path: Path, text: str) -> None:
    programs = open_program(), open_program((), [reform(tmp_path, text)])
    gaps, bounds = Gaps(programs[0]), Bounds(programs)
    left_alone = asked_whether_known(programs[0]) | asked_whether_known(programs[1])
    rng, tried, open_amounts = Random(3), 0, 0
    for case in gaps.cases(7, 200 if os.environ.get("MIANSHEN_SOAK") else 6):
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
                    assert result[at][0] <= after - before <= result[at][1], (wanted[at], filling)
    assert tried > 5
    assert open_amounts > 5


def test_the_interval_of_a_population_with_gaps_holds_what_the_gaps_hid(tmp_path: Path) -> None:
    whole, rng = nasty(5, 70, unknown=0.0), Random(2)
    hidden = {
        "residents": ("assistance_category", "insurance_scheme"),
        "claims": ("hospital_level", "care_type"),
    }

    def gaps(table: str) -> tuple[Row, ...]:
        rows: tuple[Row, ...] = getattr(whole, table)
        names = hidden[table]
        return tuple(
            {**row, **{name: None for name in names if name in row and rng.random() < 0.06}} for row in rows
        )

    gapped = replace(whole, residents=gaps("residents"), claims=gaps("claims"))
    before, after = open_program(), open_program((), [reform(tmp_path, FIGURES)])
    contents = []
    for name, population in (("gapped", gapped), ("whole", whole)):
        (tmp_path / name).mkdir()
        paths = write_csv(population, tmp_path / name)
        inputs = {table.removesuffix("s"): str(path) for table, path in paths.items()}
        compare(before, after, Request(inputs, AS_OF, tmp_path / f"{name}_out", 1, engine="interpreter"))
        contents.append(json.loads((tmp_path / f"{name}_out/compare.json").read_text("utf-8")))
    open_ = 0
    for part in ("decisions", "benefits"):
        for name, sums in contents[0][part].items():
            if sums["least"] is not None:
                difference = Decimal(contents[1][part][name]["difference"])
                assert Decimal(sums["least"]) <= difference <= Decimal(sums["most"]), name
                open_ += sums["least"] != sums["most"]
    assert open_ >= 3
