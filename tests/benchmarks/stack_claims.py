"""Made-up claims for the sides of bench_rivals.py, and what a side said against what another one did.

In: how many. Out: an Arrow table, a row a claim, columns as in claim_stack/rules.yaml; money is DECIMAL(18, 2).
Invariant: the same number gives the same claims, and the first claims of a larger number are those of a smaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import duckdb
import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]
NONE: Final = -(1 << 62)  # no amount, among amounts in fen
OUTPUTS: Final = (
    "in_scope_cost", "deductible", "basic_payment", "supplementary_payment", "critical_illness_payment",
    "assistance_payment", "patient_pays",
)  # fmt: skip
MONEY: Final = (
    "total_cost", "out_of_scope_cost", "deductible_used", "basic_paid_before", "assistance_paid_before",
)  # fmt: skip
CODES: Final = {
    "insurance_scheme": ("employee", "resident", "none"),
    "coverage_status": ("active", "suspended", "ended"),
    "employment_status": ("employed", "retired", "flexible", "unemployed", "none"),
    "assistance_category": ("destitute", "subsistence", "low_income", "illness_poverty", "none"),
    "care_type": ("inpatient", "outpatient", "delivery"),
    "hospital_level": ("primary", "secondary", "tertiary"),
}

CLAIMS: Final = """
WITH drawn AS (
    SELECT i, list_transform(range(12), lambda k: hash(i * 16 + k) % 1000000) AS d FROM range({count}) AS t(i)
), costs AS (
    SELECT i, d, (20000 + d[1] * CASE WHEN d[2] < 20000 THEN 90 WHEN d[2] < 300000 THEN 12 ELSE 2 END) AS fen
    FROM drawn
)
SELECT 'C' || lpad(CAST(i AS VARCHAR), 9, '0') AS claim_id, DATE '2026-01-01' + CAST(d[3] % 180 AS INTEGER) AS service_date,
    CASE WHEN d[4] < 980000 THEN '3101' || lpad(CAST(d[4] % 11 AS VARCHAR), 2, '0') ELSE '371724' END AS insured_area,
    CASE WHEN d[5] < 550000 THEN 'employee' WHEN d[5] < 980000 THEN 'resident' ELSE 'none' END AS insurance_scheme,
    CASE WHEN d[6] < 960000 THEN 'active' WHEN d[6] < 980000 THEN 'suspended' ELSE 'ended' END AS coverage_status,
    CASE WHEN d[7] < 500000 THEN 'employed' WHEN d[7] < 800000 THEN 'retired' WHEN d[7] < 900000 THEN 'flexible'
         WHEN d[7] < 950000 THEN 'unemployed' ELSE 'none' END AS employment_status,
    CASE WHEN d[8] < 20000 THEN 'destitute' WHEN d[8] < 80000 THEN 'subsistence' WHEN d[8] < 120000 THEN 'low_income'
         WHEN d[8] < 150000 THEN 'illness_poverty' ELSE 'none' END AS assistance_category,
    CASE WHEN d[9] < 900000 THEN 'inpatient' WHEN d[9] < 980000 THEN 'outpatient' ELSE 'delivery' END AS care_type,
    CASE WHEN d[10] < 200000 THEN 'primary' WHEN d[10] < 500000 THEN 'secondary' ELSE 'tertiary' END AS hospital_level,
    d[11] < 150000 AS critical_illness,
    CAST(fen AS DECIMAL(18, 0)) * 0.01 :: DECIMAL(18, 2) AS total_cost,
    CAST(fen * (d[12] % 300) // 1000 AS DECIMAL(18, 0)) * 0.01 :: DECIMAL(18, 2) AS out_of_scope_cost,
    CAST(least(150000, d[1] % 3 * d[12] // 4) AS DECIMAL(18, 0)) * 0.01 :: DECIMAL(18, 2) AS deductible_used,
    CAST(CASE WHEN d[2] % 50 = 0 THEN 50000000 + d[5] * 5 ELSE d[2] * 9 END AS DECIMAL(18, 0)) * 0.01 :: DECIMAL(18, 2)
        AS basic_paid_before,
    CAST(CASE WHEN d[3] % 20 = 0 THEN 15500000 + d[6] // 2 ELSE d[9] END AS DECIMAL(18, 0)) * 0.01 :: DECIMAL(18, 2)
        AS assistance_paid_before
FROM costs ORDER BY i
"""


class Running(Protocol):
    """A side that holds its inputs in the form it works on."""

    def run(self) -> Any:
        """Decide every claim: what is timed."""

    def fen(self, result: Any) -> dict[str, Array]:
        """Amounts in fen by output, `NONE` where there is none."""


@dataclass(frozen=True, slots=True)
class Side:
    """`needs`: modules that must be there; `claims`: how many it is given; `numbers`: what it computes with."""

    name: str
    start: Callable[[pa.Table], Running]
    claims: int
    numbers: str
    needs: tuple[str, ...] = ()


def claims(count: int) -> pa.Table:
    """Claims of Shanghai for the most part; 1 in 50 meets the annual limits."""
    with duckdb.connect() as connection:
        columns = ", ".join(
            f"CAST({name} AS DECIMAL(18, 2)) AS {name}" if name in MONEY else name for name in NAMES
        )
        return connection.sql(f"SELECT {columns} FROM ({CLAIMS.format(count=count)})").to_arrow_table()


NAMES: Final = ("claim_id", "service_date", "insured_area", *CODES, "critical_illness", *MONEY)


def without_cost(table: pa.Table) -> pa.Table:
    """The same claims, their total cost not told."""
    at = table.schema.get_field_index("total_cost")
    return table.set_column(at, "total_cost", pa.nulls(len(table), table.schema.field(at).type))


def differing(one: dict[str, Array], other: dict[str, Array]) -> int:
    """Rows in which some amount differs by a fen or more, or only one has an amount; as many as both have."""
    count = min(len(one[OUTPUTS[0]]), len(other[OUTPUTS[0]]))
    wrong = np.zeros(count, bool)
    for name in OUTPUTS:
        wrong |= one[name][:count] != other[name][:count]
    return int(wrong.sum())


def fen_of_yuan(values: Array) -> Array:
    """Yuan as binary floats in whole fen, to the nearest; not-a-number is `NONE`."""
    yuan = values.astype(np.float64)
    told = np.isfinite(yuan)
    return np.where(told, np.rint(np.where(told, yuan, 0.0) * 100).astype(np.int64), NONE)


def floats(table: pa.Table, name: str) -> Array:
    """A column of money as binary floats."""
    return np.asarray(table[name].cast(pa.float64()).to_numpy())
