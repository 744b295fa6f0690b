"""The claim stack written by hand for two table engines: DuckDB in decimals, polars in whole fen.

Both hold codes as enumerations and have no parameters, dates of figures, reasons or missing names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
import pyarrow as pa
from tests.benchmarks.stack_claims import CODES, MONEY, NONE, OUTPUTS, Array

SQL: Final = """
CREATE OR REPLACE TEMP TABLE decided AS
WITH first AS (
    SELECT *, total_cost - out_of_scope_cost AS in_scope_cost,
        coverage_status = 'active' AND insurance_scheme IN ('employee', 'resident') AS covered,
        CASE WHEN covered AND care_type = 'inpatient' THEN insurance_scheme WHEN NOT covered THEN 'none' END AS layer,
        CASE WHEN employment_status = 'retired' THEN 0.92 ELSE 0.85 END AS rate
    FROM claim WHERE starts_with(insured_area, '31')
), second AS (
    SELECT *, CASE layer
        WHEN 'employee' THEN least(in_scope_cost,
            greatest(0.00, CASE WHEN employment_status = 'retired' THEN 1200.00 ELSE 1500.00 END - deductible_used))
        WHEN 'resident' THEN least(in_scope_cost,
            CASE hospital_level WHEN 'primary' THEN 50.00 WHEN 'secondary' THEN 100.00 WHEN 'tertiary' THEN 300.00 END)
        WHEN 'none' THEN 0.00 END AS deductible,
        round((in_scope_cost - deductible) * rate, 2) AS before_limit
    FROM first
), third AS (
    SELECT *, CASE layer
        WHEN 'employee' THEN least(before_limit, greatest(0.00, 550000.00 - basic_paid_before))
        WHEN 'resident' THEN round((in_scope_cost - deductible) * 0.75, 2)
        WHEN 'none' THEN 0.00 END AS basic_payment,
        CASE WHEN employment_status = 'retired' THEN 92 ELSE 85 END AS percent,
        -- a quotient of decimals would be a binary float: in whole fen, half up
        (2 * 100 * CAST((before_limit - basic_payment) * 100 AS BIGINT) + percent) // (2 * percent) AS above_limit_fen
    FROM second
), fourth AS (
    SELECT *, CASE layer
        WHEN 'employee' THEN round(CAST(above_limit_fen AS DECIMAL(14, 0)) * 0.01 * 0.80, 2)
        WHEN 'resident' THEN 0.00 WHEN 'none' THEN 0.00 END AS supplementary_payment,
        CASE WHEN layer = 'resident' AND critical_illness
            THEN round((in_scope_cost - basic_payment)
                * CASE WHEN assistance_category IN ('none', 'illness_poverty') THEN 0.60 ELSE 0.65 END, 2)
            WHEN layer IS NOT NULL THEN 0.00 END AS critical_illness_payment,
        greatest(0.00, in_scope_cost - basic_payment - supplementary_payment - critical_illness_payment) AS remaining
    FROM third
), fifth AS (
    SELECT *, CASE WHEN layer = 'none' OR layer IS NOT NULL AND assistance_category IN ('none', 'illness_poverty') THEN 0.00
        WHEN layer IS NOT NULL AND assistance_category = 'destitute' THEN remaining
        WHEN layer IS NOT NULL
            THEN least(round(remaining * 0.85, 2), greatest(0.00, 160000.00 - assistance_paid_before)) END AS assistance_payment
    FROM fourth
)
SELECT claim_id, in_scope_cost, deductible, basic_payment, supplementary_payment, critical_illness_payment,
    assistance_payment, total_cost - basic_payment - supplementary_payment - critical_illness_payment
        - assistance_payment AS patient_pays
FROM fifth
UNION ALL SELECT claim_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM claim WHERE NOT starts_with(insured_area, '31')
"""


@dataclass(slots=True)
class HandSql:
    """A table in memory; the answer is another one."""

    claims: pa.Table
    threads: int
    connection: duckdb.DuckDBPyConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = ?", [self.threads])
        self.connection.register("given", self.claims)
        enums = ", ".join(
            f"CAST({name} AS ENUM {values!r}) AS {name}" if len(values) > 1 else name
            for name, values in CODES.items()
        )
        self.connection.execute(
            f"CREATE TEMP TABLE claim AS SELECT * EXCLUDE ({', '.join(CODES)}), {enums} FROM given"
        )

    def run(self) -> None:
        self.connection.execute(SQL)

    def fen(self, result: None) -> dict[str, Array]:
        cells = ", ".join(f"coalesce(CAST({n} * 100 AS BIGINT), {NONE}) AS {n}" for n in OUTPUTS)
        outcome = self.connection.sql(f"SELECT {cells} FROM decided ORDER BY claim_id").fetchnumpy()
        return {name: outcome[name] for name in OUTPUTS}


@dataclass(slots=True)
class Polars:
    """A frame in memory, money in whole fen; one lazy query."""

    claims: pa.Table
    threads: int
    frame: Any = field(init=False)

    def __post_init__(self) -> None:
        os.environ.setdefault("POLARS_MAX_THREADS", str(self.threads))
        import polars as pl

        frame = pl.from_arrow(self.claims)
        assert isinstance(frame, pl.DataFrame)
        self.frame = frame.with_columns(
            *(pl.col(n).cast(pl.Enum(values)) for n, values in CODES.items()),
            *((pl.col(n) * 100).cast(pl.Int64) for n in MONEY),
        )

    def run(self) -> Any:
        return _polars_query(self.frame.lazy()).collect()

    def fen(self, result: Any) -> dict[str, Array]:
        return {name: result[name].fill_null(NONE).to_numpy() for name in OUTPUTS}


def _polars_query(claims: Any) -> Any:
    """The stack. A share is `(amount * percent + 50) // 100`: half up, amounts being 0 or more."""
    import polars as pl

    c, least, most = pl.col, pl.min_horizontal, pl.max_horizontal
    none = pl.lit(0, pl.Int64)
    here = c("insured_area").str.starts_with("31")
    covered = (c("coverage_status") == "active") & c("insurance_scheme").is_in(["employee", "resident"])
    stay = here & covered & (c("care_type") == "inpatient")
    employee, resident = (
        stay & (c("insurance_scheme") == "employee"),
        stay & (c("insurance_scheme") == "resident"),
    )
    outside = here & ~covered
    retired = c("employment_status") == "retired"
    level, category = c("hospital_level"), c("assistance_category")
    rate = pl.when(retired).then(92).otherwise(85)
    annual = pl.when(retired).then(120_000).otherwise(150_000)
    item = pl.when(level == "primary").then(5_000).when(level == "secondary").then(10_000).otherwise(30_000)

    def share(amount: Any, percent: Any) -> Any:
        return (amount * percent + 50) // 100

    def least_told(one: Any, other: Any) -> Any:
        return pl.when(one.is_not_null()).then(least(one, other))  # least(unknown, 1) would be 1

    def layer(of_employee: Any, of_resident: Any) -> Any:
        return pl.when(employee).then(of_employee).when(resident).then(of_resident).when(outside).then(none)

    in_scope = pl.when(here).then(c("total_cost") - c("out_of_scope_cost"))
    left = c("in_scope_cost")
    deductible = layer(least_told(left, most(none, annual - c("deductible_used"))), least_told(left, item))
    before = share(left - c("deductible"), rate)
    basic = layer(
        least_told(before, most(none, 55_000_000 - c("basic_paid_before"))), share(left - c("deductible"), 75)
    )
    above = (2 * 100 * (before - c("basic_payment")) + rate) // (2 * rate)
    poor = category.is_in(["none", "illness_poverty"])
    critical = share(left - c("basic_payment"), pl.when(poor).then(60).otherwise(65))
    remaining = left - c("basic_payment") - c("supplementary_payment") - c("critical_illness_payment")
    assisted = least_told(share(c("remaining"), 85), most(none, 16_000_000 - c("assistance_paid_before")))
    assistance = (
        pl.when(outside | stay & poor).then(none).when(stay & (category == "destitute")).then(c("remaining"))
        .when(stay).then(assisted)
    )  # fmt: skip
    paid = ("basic_payment", "supplementary_payment", "critical_illness_payment", "assistance_payment")
    return (
        claims.with_columns(in_scope_cost=in_scope)
        .with_columns(deductible=deductible)
        .with_columns(basic_payment=basic)
        .with_columns(
            supplementary_payment=layer(share(above, 80), none),
            critical_illness_payment=layer(
                none, pl.when(c("critical_illness")).then(critical).otherwise(none)
            ),
        )
        .with_columns(remaining=most(none, remaining))
        .with_columns(assistance_payment=assistance)
        .with_columns(patient_pays=c("total_cost") - sum(c(name) for name in paid))
        .select("claim_id", *OUTPUTS)
    )
