"""A figure of the shipped rulebook that was wrong for a while, in a made-up year of settlements, is named first with its days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.support.campaigns import few

from mianshen.batch.request import Request
from mianshen.batch.run import run_batch
from mianshen.impact.drift import drift
from mianshen.impact.figures import with_value
from mianshen.population.sample import write_population
from mianshen.rulebook import open_program

AS_OF = dt.date(2026, 6, 30)
LAYERS = (
    "deductible",
    "basic_payment",
    "supplementary_payment",
    "critical_illness_payment",
    "assistance_payment",
)
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_population(folder, few(900, 1500), 9, "parquet", AS_OF)
    return folder


def settled(population: Path, folder: Path, name: str, value: Decimal) -> Path:
    """The claims with what was settled under another value of a figure between the two days."""
    inputs = {entity: str(population / f"{entity}s.parquet") for entity in ("resident", "household", "claim")}
    program = with_value(open_program(), name, value, FIRST, LAST)
    run_batch(program, Request(inputs, AS_OF, folder / "run", 2, engine="interpreter", yes=True))
    columns = ", ".join(f"r.{layer} AS settled_{layer}" for layer in LAYERS)
    claims, results = population / "claims.parquet", folder / "run/claims.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT c.*, {columns} FROM '{claims}' c JOIN '{results}' r USING (claim_id)) "
            f"TO '{folder}/settled.parquet'"
        )
    return folder / "settled.parquet"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("employee_rate_working", "0.80"),
        ("resident_deductible_tertiary", "200.00"),
        ("shanghai_assistance_rate_inpatient", "0.75"),
    ][:: few(2, 1)],
)
def test_a_wrong_figure_of_a_year_is_named_first(
    population: Path, tmp_path: Path, name: str, value: str
) -> None:
    inputs = {
        "resident": str(population / "residents.parquet"), "household": str(population / "households.parquet"),
        "claim": str(settled(population, tmp_path, name, Decimal(value))),
    }  # fmt: skip
    result = drift((), (), Request(inputs, AS_OF, tmp_path, 2, engine="native", yes=True))
    best = result.suspects[0]
    assert (best.parameter.name, best.value) == (name, Decimal(value)), result.content()["suspects"]
    assert abs(best.first - FIRST) <= dt.timedelta(days=14), best.first
    assert best.last is not None
    assert abs(best.last - LAST) <= dt.timedelta(days=14), best.last
    assert best.explained > 0.8 * result.differing
