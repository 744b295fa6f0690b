"""A wrong rule planted by hand in the shipped rulebook fails a case of its subject."""

import shutil
from pathlib import Path

import pytest

from mianshen.shipped import shipped_rulebook
from mianshen_cli.main import main

CASES = Path(__file__).parents[2] / "cases"
PLANTED = [  # rules and the cases of their subject, what stands there, what is planted
    ("shanghai/employee", "value: 85%}", "value: 86%}"),
    ("shanghai/employee", "(in_scope_cost - deductible) * employee_payment_rate", "in_scope_cost * employee_payment_rate"),
    ("shanghai/resident", "min(in_scope_cost, resident_deductible_primary)", "resident_deductible_primary"),
    ("shanghai/assistance", "shanghai_assistance_rate_outpatient\n", "shanghai_assistance_rate_inpatient\n"),
    ("shanghai/inpatient_ratio", "round half up(", "round half down("),
    ("national/poverty_warning", "medical_burden >= poverty_warning_line\n", "medical_burden > poverty_warning_line\n"),
    ("national/retiree_benefits", "value: 300,", "value: 301,"),
    ("national/newborn_enrolment", "value: 90,", "value: 91,"),
    ("shandong/long_term_care", "min(30, institution_days) / 30", "institution_days / 30"),
    ("shandong/maternity", "maternity_leave_days / 30", "maternity_leave_days / 31"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "right", "wrong"), PLANTED, ids=[planted[2] for planted in PLANTED])
def test_what_is_planted_by_hand_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], subject: str, right: str, wrong: str
) -> None:
    rules = shutil.copytree(shipped_rulebook(), tmp_path / "rules")
    file = rules / f"{subject}.yaml"
    text = file.read_text("utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong, 1), "utf-8")
    words = ["test", str(CASES / f"{subject}.yaml"), "--rules", str(rules), "--backend", "interpreter"]
    assert main(words) == 1, capsys.readouterr().err
