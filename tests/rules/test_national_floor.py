"""The national floor of assistance, 国办发〔2021〕42号, as a property of every rulebook.

The destitute and subsistence recipients are not assisted at less than the floor wherever assistance is
modelled at all, until an annual limit is reached.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.campaigns import few

from mianshen.document import read
from mianshen.interpreter import Case, Interpreter, make_row
from mianshen.program.core import ParameterRef, walk
from mianshen.program.program import Program
from mianshen.rulebook import open_program, shipped_overlays
from mianshen.shipped import shipped_rulebook
from mianshen.source import RuleError
from mianshen.values import Known

AS_OF = dt.date(2026, 11, 21)
FEN = Decimal("0.01")
OVERLAYS = [(), *((name,) for name in shipped_overlays())]


def assisted(program: Program, facts: dict[str, Known], claim: dict[str, Known]) -> tuple[object, object]:
    """(what assistance pays, what the layers before it left in scope) of one claim of one resident."""
    household = make_row(program, "household", "H1", {"household_id": "H1", "member_count": Decimal(1)})
    own = {"claim_id": "C1", "person_id": "P1", "service_date": AS_OF, **claim}
    resident = make_row(program, "resident", "P1", {"person_id": "P1", **facts}, assumed(program, "resident"))
    row = make_row(program, "claim", "C1", own, assumed(program, "claim"))
    resident.parent, row.parent = household, resident
    household.children, resident.children = [resident], [row]
    Interpreter(program).run(Case(AS_OF, household, resident))
    return row.values["assistance_payment"], row.values["cost_before_assistance"]


def assumed(program: Program, entity: str) -> frozenset[str]:
    """The facts of which something is taken where nobody says anything."""
    return frozenset(
        n for (e, n), fact in program.facts.items() if e == entity and fact.when_absent is not None
    )


def floor_of(program: Program) -> Decimal:
    (figure,) = program.parameters["assistance_rate_floor"].series
    assert isinstance(figure.value, Decimal)
    return figure.value


@pytest.mark.parametrize("overlays", OVERLAYS, ids=lambda o: "+".join(o) or "as_shipped")
@settings(max_examples=few(8, 500))
@given(
    area=st.sampled_from(["310113", "110101", "371724"]),
    category=st.sampled_from(["destitute", "subsistence"]),
    scheme=st.sampled_from(["employee", "resident"]),
    care=st.sampled_from(["inpatient", "outpatient"]),
    fen=st.integers(0, 900_000),
)
def test_no_area_assists_below_the_national_floor(
    overlays: tuple[str, ...], area: str, category: str, scheme: str, care: str, fen: int
) -> None:
    program = open_program(overlays=overlays)
    resident: dict[str, Known] = {
        "insured_area": area, "insurance_scheme": scheme, "coverage_status": "active",
        "employment_status": "employed", "assistance_category": category, "birth_date": dt.date(1960, 1, 1),
    }  # fmt: skip
    cost = Decimal(fen) * FEN
    claim: dict[str, Known] = {
        "care_type": care, "hospital_level": "tertiary", "total_cost": cost, "out_of_scope_cost": Decimal("0.00"),
        "critical_illness": False, "basic_paid": Decimal("0.00"),
    }  # fmt: skip
    paid, left = assisted(program, resident, claim)
    assert isinstance(paid, Decimal)
    assert isinstance(left, Decimal)
    assert paid >= left * floor_of(program) - FEN / 2


LOWER = """overlay: {{name: lower, title: lower}}
replace:
  parameters:
    beijing_assistance_rate_outpatient:
      type: rate
      title: lower
      values: [{{from: 2023-01-01, value: {rate}, basis: provisional}}]
"""


@pytest.mark.parametrize(("rate", "codes"), [("70%", []), ("69.99%", ["E360"]), ("60%", ["E360"])])
def test_a_rate_below_the_floor_is_refused(tmp_path: Path, rate: str, codes: list[str]) -> None:
    overlay = tmp_path / "lower.yaml"
    overlay.write_text(LOWER.format(rate=rate), encoding="utf-8")
    if not codes:
        open_program(overlays=(overlay,))
        return
    with pytest.raises(RuleError) as refused:
        open_program(overlays=(overlay,))
    assert [diagnostic.code for diagnostic in refused.value.diagnostics] == codes


def test_the_floor_itself_cannot_be_lowered(tmp_path: Path) -> None:
    overlay = tmp_path / "lower.yaml"
    floor = LOWER.replace("beijing_assistance_rate_outpatient", "assistance_rate_floor")
    overlay.write_text(floor.format(rate="60%").replace("2023-01-01", "2021-01-01"), encoding="utf-8")
    with pytest.raises(RuleError) as refused:
        open_program(overlays=(overlay,))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "E360"
    assert "assistance_rate_floor is 0.6, below 0.7" in diagnostic.show("en")


def test_every_rate_of_assistance_is_held_to_the_floor() -> None:
    """A rate that a provision of assistance reads and no property names would slip through."""
    document, _ = read([shipped_rulebook()])
    program = open_program()
    rates = {
        node.name
        for provision in program.decision("claim", "assistance_payment").provisions
        for node in walk(provision.value)
        if isinstance(node, ParameterRef) and program.parameters[node.name].written == "rate"
    }
    assert rates
    assert rates <= set(document.properties["national_floor"].figures)
