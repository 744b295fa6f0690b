"""`import mianshen`: what a program that embeds the engine gets."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import mianshen
from mianshen import api
from mianshen_cli.main import main

AS_OF = dt.date(2026, 6, 30)
RECORD: dict[str, object] = {
    "as_of": AS_OF,
    "resident": {
        "person_id": "P1",
        "insured_area": 310113,
        "insurance_scheme": "resident",
        "coverage_status": "active",
        "assistance_category": "低保",
    },
    "claims": [
        {
            "claim_id": "C1",
            "service_date": dt.date(2026, 3, 2),
            "care_type": "inpatient",
            "hospital_level": "tertiary",
            "total_cost": Decimal("60300.00"),
            "out_of_scope_cost": 0,
            "critical_illness": True,
        }
    ],
}


@pytest.fixture(scope="module")
def rulebook() -> mianshen.Rulebook:
    return mianshen.open_rulebook()


def test_what_is_exported_is_what_the_face_names() -> None:
    assert set(mianshen.__all__) == {*api.__all__, "__version__"}
    assert all(hasattr(mianshen, name) for name in mianshen.__all__)
    with pytest.raises(AttributeError, match="no attribute 'open_rulebok'"):
        _ = mianshen.open_rulebok


def test_importing_it_brings_nothing_of_weight() -> None:
    code = "import sys, mianshen; print([m for m in ('pyarrow', 'pydantic', 'duckdb', 'yaml') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_record_of_python_values_is_answered_in_types(rulebook: mianshen.Rulebook) -> None:
    answer = rulebook.check(RECORD)
    assert (answer.key, answer.as_of, answer.rejects) == ("P1", AS_OF, ())
    (claim,) = answer.rows
    assert (claim.entity, claim.key, claim.status, claim.missing) == ("claim", "C1", "decided", ())
    assert claim.values["assistance_payment"] == Decimal("4551.75")
    assert claim.values["patient_pays"] == Decimal("803.25")
    direct = answer.benefits["centenarian_subsidy"]
    assert (direct.status, direct.amount) == ("undetermined", None)
    assert "birth_date" in direct.missing
    assert direct.title.zh


def test_values_text_and_file_give_the_command_s_json(
    rulebook: mianshen.Rulebook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(RECORD, default=str, ensure_ascii=False)
    file = tmp_path / "record.json"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file), "--format", "json", "--lang", "en"]) == 0
    printed = json.loads(capsys.readouterr().out)
    for record in (RECORD, text, file, str(file)):
        assert json.loads(rulebook.check(record).to_json("en")) == printed


def test_the_day_asked_for_comes_before_the_record_s(rulebook: mianshen.Rulebook) -> None:
    assert rulebook.check(RECORD, as_of=dt.date(2026, 7, 1)).as_of == dt.date(2026, 7, 1)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0.1, "float"), (b"1", "bytes"), ({1: 2}, "key int"), (dt.datetime(2026, 1, 1, 3, tzinfo=dt.UTC), "datetime")],
)  # fmt: skip
def test_a_value_of_no_record_s_type_is_refused_at_its_path(
    rulebook: mianshen.Rulebook, value: object, kind: str
) -> None:
    with pytest.raises(mianshen.RuleError, match=rf"record\.resident\.annual_premium: E408: .*{kind}"):
        rulebook.check({"resident": {"person_id": "P1", "annual_premium": value}}, AS_OF)


def test_a_wrong_value_rejects_its_row_and_says_why(rulebook: mianshen.Rulebook) -> None:
    record = {**RECORD, "claims": [{"claim_id": "C1", "service_date": "2026-02-30"}]}
    (reject,) = rulebook.check(record).rejects
    assert (reject.entity, reject.key, reject.field, reject.code) == ("claim", "C1", "service_date", "E423")


def test_an_overlay_by_name_changes_the_answer_and_the_digest() -> None:
    name = "outbreak_waiver"
    changed = mianshen.open_rulebook(overlays=[name])
    assert changed.digest != mianshen.open_rulebook().digest
    with pytest.raises(mianshen.RuleError, match="E460"):
        mianshen.open_rulebook(overlays=["outbreak_waver"])


def _columns() -> dict[str, dict[str, list[Any]]]:
    return {
        "resident": {
            "person_id": ["P1", "P2"],
            "insured_area": ["310113", "310113"],
            "insurance_scheme": ["resident", "resident"],
            "coverage_status": ["active", "active"],
            "assistance_category": ["subsistence", None],
        },
        "claim": {
            "claim_id": ["C1", "C2", "C3"],
            "person_id": ["P1", "P2", "P9"],
            "service_date": [dt.date(2026, 3, 2)] * 3,
            "care_type": ["inpatient"] * 3,
            "hospital_level": ["tertiary"] * 3,
            "total_cost": [Decimal("60300.00")] * 3,
            "out_of_scope_cost": [Decimal("0.00")] * 3,
            "critical_illness": [True] * 3,
        },
    }


def _as_polars(columns: dict[str, list[Any]]) -> Any:
    return pytest.importorskip("polars").DataFrame(columns)


def _as_pandas(columns: dict[str, list[Any]]) -> Any:
    return pa.table(columns).to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)


@pytest.mark.parametrize("as_table", [pa.table, _as_polars, _as_pandas], ids=["pyarrow", "polars", "pandas"])
def test_tables_are_decided_as_files_are(rulebook: mianshen.Rulebook, as_table: Any) -> None:
    tables = {entity: as_table(columns) for entity, columns in _columns().items()}
    decided = rulebook.decide(tables, AS_OF)
    claims = {row["claim_id"]: row for row in decided["claim"].to_pylist()}
    assert set(claims) == {"C1", "C2"}
    assert claims["C1"]["patient_pays"] == Decimal("803.25")
    assert claims["C2"]["status"] == "undetermined"
    assert "assistance_category" in claims["C2"]["missing"].split(",")
    assert decided["rejects"].select(["key", "reason"]).to_pylist() == [
        {"key": "C3", "reason": "unknown_parent"}
    ]
    assert decided["resident"].column_names[0] == "person_id"
    assert decided.summary["records"]["claim"] == {"read": 3, "decided": 2, "rejected": 1}


@pytest.mark.parametrize("guide", ["developer.md", "developer.zh-CN.md"])
def test_the_example_of_the_guide_gives_what_it_says(guide: str) -> None:
    text = (Path(__file__).parents[2] / "cli/guides" / guide).read_text("utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    columns = _columns()
    names: dict[str, Any] = {"residents": pa.table(columns["resident"]), "claims": pa.table(columns["claim"])}
    exec(code, names)
    said = dict(re.findall(r"^(answer\..*\])  # (Decimal\(.*?\)|\".*?\")", code, re.MULTILINE))
    assert len(said) == 2
    for expression, value in said.items():
        assert eval(expression, names) == eval(value, {"Decimal": Decimal})
    assert json.loads(names["answer"].to_json("zh"))["person_id"] == "P1"


def test_a_table_with_a_column_nobody_knows_is_refused(rulebook: mianshen.Rulebook) -> None:
    with pytest.raises(mianshen.RuleError, match=r"^resident: E[0-9]+: .*insured_aera"):
        rulebook.decide({"resident": pa.table({"person_id": ["P1"], "insured_aera": ["310113"]})}, AS_OF)


@pytest.mark.parametrize("entity", ["people", "../resident"])
def test_a_table_of_an_entity_that_is_none_is_refused_and_written_nowhere(
    rulebook: mianshen.Rulebook, monkeypatch: pytest.MonkeyPatch, entity: str
) -> None:
    monkeypatch.setattr(api, "_written", pytest.fail)
    with pytest.raises(mianshen.RuleError, match="E520"):
        rulebook.decide({entity: pa.table({"person_id": ["P1"]})}, dt.date(2026, 6, 30))


def test_an_installed_wheel_gives_the_same_library(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    (tmp_path / "test_library.py").write_bytes(Path(__file__).read_bytes())
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not wheel and not guide", "test_library.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
