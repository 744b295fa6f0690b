"""`mianshen prove` on the shipped rulebook with a mistake planted in it: each is found, with a person who replays."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mianshen.interpreter import Interpreter
from mianshen.proof.records import Records
from mianshen.rulebook import open_program
from mianshen_cli.main import main

pytest.importorskip("z3")

HEAD = "overlay: {name: planted, title: planted}\ndefaults: {source: OWN, clause: '1', from: 2020-01-01, area: '31'}\n"
Plant: TypeAlias = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def plant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Plant:
    """Proves the shipped rulebook under an overlay; gives the exit status and what is not proved."""

    def plant(overlay: str, *named: str) -> tuple[int, list[dict[str, Any]]]:
        file = tmp_path / "planted.yaml"
        file.write_text(HEAD + overlay, "utf-8")
        words = [word for name in named for word in ("--property", name)]
        status = main(["prove", "--overlay", str(file), "--format", "json", *words])
        findings = json.loads(capsys.readouterr().out)
        return status, [finding for finding in findings if finding["verdict"] != "proved"]

    return plant


def _replayed(record: dict[str, Any], overlay: Path) -> Any:
    """The claim of a record decided under the overlay, or the person where there is none."""
    records = Records(Interpreter(open_program((), [overlay])))
    case = records.read(record)
    assert case is not None
    records.interpreter.run(case)
    return records.row(case, "claim") or case.person


def test_a_conflict_is_found(plant: Plant, tmp_path: Path) -> None:
    status, findings = plant(
        "provisions:\n  planted: {decision: basic_payment, value: 1.00,"
        " when: care_type = 'inpatient' and scheme = 'resident' and total_cost > 5000}\n".replace("'", '"'),
        "conflict: shanghai_resident_basic",
    )
    finding = next(f for f in findings if f["property"] == "conflict: shanghai_resident_basic / planted")
    assert (status, finding["verdict"]) == (1, "refuted")
    row = _replayed(finding["record"], tmp_path / "planted.yaml")
    assert row.rejection.reason == "conflict"


def test_assistance_below_the_national_floor_is_found_in_a_rule_that_reads_no_rate(plant: Plant) -> None:
    status, findings = plant(
        "provisions:\n  planted: {decision: assistance_payment, value: cost_before_assistance * 0.6, title: x, "
        "exception_to: shanghai_assistance, "
        'when: \'entitled and care_type = "inpatient" and assistance_identity = "destitute"\'}\n',
        "assistance_not_below_the_floor",
    )
    assert [(f["property"], f["verdict"]) for f in findings] == [
        ("assistance_not_below_the_floor", "refuted")
    ]
    assert status == 1


def test_a_gap_is_found(plant: Plant, tmp_path: Path) -> None:
    status, findings = plant(
        "replace:\n  tables:\n    shanghai_employee_payment_rate:\n      decision: employee_payment_rate\n"
        "      inputs: [resident.employment_status]\n      rows:\n"
        "        - {id: retired, cells: ['\"retired\"'], value: employee_rate_retired}\n"
        "        - {id: working, cells: ['\"employed\"'], value: employee_rate_working}\n",
        "shanghai_stays_complete: basic_payment",
    )
    assert status == 1
    finding = next(f for f in findings if f["property"].endswith("basic_payment"))
    row = _replayed(finding["record"], tmp_path / "planted.yaml")
    assert str(row.values["basic_payment"]) == "NOT_MODELLED"
    person = row.above("resident").facts
    stated = row.facts.get("employment_status", person.get("employment_status"))
    assert stated not in ("retired", "employed", None)


def test_a_notch_is_found_with_its_size(plant: Plant, tmp_path: Path) -> None:
    status, (finding,) = plant(
        "replace:\n  provisions:\n    shanghai_resident_basic:\n      decision: basic_payment\n"
        '      when: entitled and scheme = "resident" and care_type = "inpatient"\n'
        "      value: if total_cost > 50000 then (in_scope_cost - deductible) * 0.70 else (in_scope_cost - deductible) * 0.75\n",
        "more_cost_never_less_paid: basic_payment",
    )
    assert (status, finding["property"]) == (1, "more_cost_never_less_paid: basic_payment")
    before = _replayed(finding["record"], tmp_path / "planted.yaml")
    after = _replayed(finding["other"], tmp_path / "planted.yaml")
    assert before.facts["total_cost"] < after.facts["total_cost"]
    less = before.values["basic_payment"] - after.values["basic_payment"]
    assert less > 0
    assert f"{less} less" in finding["because"]


def test_a_provision_that_never_decides_is_found(plant: Plant, tmp_path: Path) -> None:
    status, (finding,) = plant(
        "decisions: {claim: {planted: {type: boolean, title: planted}}}\n"
        "provisions:\n"
        "  never: {decision: planted, value: 'true', when: hospital_level = 'primary' and total_cost < out_of_scope_cost}\n"
        "  otherwise: {decision: planted, value: 'false', fallback: true}\n".replace(
            "'primary'", '"primary"'
        ),
        "unreachable: never",
    )
    assert (status, finding["property"], finding["verdict"]) == (1, "unreachable: never", "refuted")
    row = _replayed(finding["record"], tmp_path / "planted.yaml")
    assert row.values["planted"] is not True
    assert row.facts["hospital_level"] == "primary"


def test_an_over_payment_is_found(plant: Plant, tmp_path: Path) -> None:
    status, (finding,) = plant(
        "replace:\n  provisions:\n    shanghai_resident_no_supplementary:\n      decision: supplementary_payment\n"
        '      when: entitled and scheme = "resident" and care_type = "inpatient"\n'
        "      value: if in_scope_cost > 80000 then 20000.01 else 0.00\n",
        "payments_within_scope",
    )
    assert (status, finding["property"]) == (1, "payments_within_scope")
    values = _replayed(finding["record"], tmp_path / "planted.yaml").values
    paid = sum(
        values[f"{layer}_payment"] for layer in ("basic", "supplementary", "critical_illness", "assistance")
    )
    assert paid > values["in_scope_cost"]


def test_a_poorer_category_paid_less_is_found(plant: Plant, tmp_path: Path) -> None:
    rules = (Path("rules") / "shanghai" / "assistance.yaml").read_text("utf-8")
    table = rules[rules.index("  shanghai_assistance:") :]
    changed = table.replace(
        "cost_before_assistance * shanghai_assistance_rate_destitute",
        "min(150000.00, cost_before_assistance * shanghai_assistance_rate_destitute)",
    )
    assert changed != table
    indented = "".join(f"  {line}\n" for line in changed.splitlines())
    status, findings = plant(
        f"replace:\n  tables:\n{indented}",
        "destitute_never_assisted_less: assistance_payment, destitute / low_income",
    )
    assert status == 1
    finding = findings[0]
    poorer = _replayed(finding["other"], tmp_path / "planted.yaml")
    other = _replayed(finding["record"], tmp_path / "planted.yaml")
    assert poorer.above("resident").facts["assistance_category"] == "destitute"
    assert poorer.values["assistance_payment"] < other.values["assistance_payment"]


ELSEWHERE = {
    "conflict: planted / beijing_illness_poverty_amount": """\
provisions:
  planted: {decision: illness_poverty_aid_amount, area: null, from: 2024-01-01, value: 200.00,
            when: aid_member_insured_here and annual_income < 1000}
""",
    "gap: dezhou_monthly_allowance": """\
replace:
  tables:
    dezhou_monthly_allowance: {decision: ltc_monthly_allowance, area: "3714", when: ltc_institution_allowance_due,
      inputs: [disability_level], rows: [
        {id: level_3, cells: ['3'], value: dezhou_ltc_monthly_level_3},
        {id: level_5, cells: ['5'], value: dezhou_ltc_monthly_level_5}]}
""",
    "longer_care_never_less_allowance: ltc_institution_allowance_amount": """\
replace:
  provisions:
    dezhou_institution_allowance_amount: {decision: ltc_institution_allowance_amount, area: "3714",
      value: 'if institution_days > 20 then 600.00 else 900.00'}
""",
    "premium_subsidy_within_premium": """\
replace: {rows: {shandong_premium_subsidy_amount: {destitute: {value: annual_premium + 0.01}}}}
""",
    "payments_within_scope": """\
replace: {rows: {beijing_assistance: {retrenched_outpatient: {value: cost_before_assistance * 1.02}}}}
""",
    "poorer_never_less_critical_illness: critical_illness_payment, destitute / none": """\
replace:
  rows:
    shanghai_critical_illness:
      destitute: {value: 'min(5000.00, (in_scope_cost - basic_payment) * critical_illness_rate_destitute)'}
""",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_mistakes_planted_elsewhere_are_found_with_a_person_who_replays(
    plant: Plant, tmp_path: Path, name: str
) -> None:
    status, (finding,) = plant(ELSEWHERE[name], name)
    assert (status, finding["property"], finding["verdict"]) == (1, name, "refuted")
    records = Records(Interpreter(open_program((), [tmp_path / "planted.yaml"])))
    for record in filter(None, (finding["record"], finding["other"])):
        case = records.read(record)
        assert case is not None
        records.interpreter.run(case)
        rejected = [row.rejection.reason for row in case.rows() if row.rejection is not None]
        assert ("conflict" in rejected) == name.startswith("conflict")


def test_without_the_extra_one_line_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mianshen.proof.find_spec", lambda _: None)
    assert main(["prove"]) == 2
    assert 'pip install "mianshen[proof]"' in capsys.readouterr().err
