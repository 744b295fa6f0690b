"""A comparison equals two batches: the same sums, every cell that differs and no other, each with its cause."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.impact.conftest import Under
from tests.impact.small import reform, write_small
from tests.support.campaigns import few
from tests.support.populations import AS_OF, nasty, spoil, write_csv

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.request import Engine, Request
from mianshen.batch.run import run_batch
from mianshen.impact.compare import compare
from mianshen.impact.earlier import earlier_run
from mianshen.impact.people import Incomes
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError
from mianshen_cli.render.impact import summary

ONE = "set: {employee_rate_working: {from: 2020-06-01, value: 90%}}"
SEVERAL = """
set:
  employee_rate_working: {from: 2020-06-01, value: 90.125%}
  beijing_assistance_rate_inpatient: {from: 2023-01-01, value: 80%}
remove: {provisions: [shanghai_employee_supplementary]}
"""
CELLS = ("status", "reason", "missing")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    population = spoil(nasty(11, few(80, 200), unknown=0.06), 5, 0.05)
    return write_csv(population, tmp_path_factory.mktemp("people"))


def inputs(people: dict[str, Path]) -> dict[str, str]:
    return {name.removesuffix("s"): str(path) for name, path in people.items()}


def batch(program: Program, people: dict[str, Path], out: Path) -> dict[str, Any]:
    run_batch(program, Request(inputs(people), AS_OF, out, 1, engine="interpreter"))
    content: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    return content


def cells(out: Path) -> dict[tuple[str, str, str], str | None]:
    """Every cell of a batch's files that a comparison looks at, by entity, key and column."""
    result = {}
    for entity, key in (("resident", "person_id"), ("claim", "claim_id"), ("household", "household_id")):
        for row in pq.read_table(out / f"{entity}s.parquet").to_pylist():
            for name, value in row.items():
                if name in CELLS or name.endswith(("_id", "_reason")):
                    continue
                result[entity, row[key], name] = None if value is None else str(value)
    return result


@pytest.mark.parametrize("engine", ["interpreter", "native"])
@pytest.mark.parametrize("text", [ONE, SEVERAL], ids=["one", "several"])
def test_a_comparison_is_the_difference_of_two_batches(
    people: dict[str, Path], tmp_path: Path, under: Under, text: str, engine: Engine
) -> None:
    before, after = open_program(), under(text)
    summaries = [batch(program, people, tmp_path / name) for name, program in (("a", before), ("b", after))]
    request = Request(inputs(people), AS_OF, tmp_path / "out", 1, engine=engine)
    comparison = compare(before, after, request)
    content = json.loads((tmp_path / "out/compare.json").read_text("utf-8"))
    rejected = {
        name: counts["rejected"] for name, counts in summaries[0]["records"].items() if counts["rejected"]
    }
    assert {name: part["rows"] for name, part in content["rejected"].items()} == rejected
    assert rejected["claim"]
    assert f"claim {rejected['claim']}" in summary("en", content)
    for name, sums in content["decisions"].items():
        totals = [s["claims"]["totals"].get(name, {}).get("amount") or "0.00" for s in summaries]
        assert [sums["before"], sums["after"]] == totals
        assert Decimal(sums["difference"]) == Decimal(totals[1]) - Decimal(totals[0])
        assert sums["left_out"] or sums["least"] == sums["most"] == sums["difference"]
    for name, sums in content["benefits"].items():
        amounts = [s["benefits"].get(name, {}).get("eligible", {}).get("amount") or "0.00" for s in summaries]
        assert sums["before"] is None or [sums["before"], sums["after"]] == amounts
    one, other = cells(tmp_path / "a"), cells(tmp_path / "b")
    differing = {cell for cell in one.keys() | other.keys() if one.get(cell) != other.get(cell)}
    rows = pq.read_table(tmp_path / "out/changes.parquet").to_pylist()
    listed = {(row["entity"], row["key"], row["decision"]): row for row in rows}
    assert differing <= listed.keys()
    assert {c for c in listed if listed[c]["before"] != "not_modelled" != listed[c]["after"]} <= differing
    assert rows
    assert len(rows) == comparison.changed == len(listed)
    causes = {cause["name"] for cause in content["causes"]}
    assert {row["cause"] for row in rows} <= causes
    for cell in differing - {
        cell for cell in listed if "not_modelled" in (listed[cell]["before"], listed[cell]["after"])
    }:
        assert (listed[cell]["before"], listed[cell]["after"]) == (one.get(cell), other.get(cell))


def test_the_cause_is_the_first_change_that_a_row_meets(
    people: dict[str, Path], tmp_path: Path, under: Under
) -> None:
    before, after = open_program(), under(SEVERAL)
    tables = []
    for engine in ("interpreter", "native"):
        request = Request(inputs(people), AS_OF, tmp_path / engine, 1, engine=engine)
        compare(before, after, request)
        tables.append(pq.read_table(tmp_path / engine / "changes.parquet").sort_by(
            [(name, "ascending") for name in ("entity", "key", "decision")]
        ))  # fmt: skip
    assert tables[0].to_pylist() == tables[1].to_pylist()
    basic = [row for row in tables[0].to_pylist() if row["decision"] == "basic_payment"]
    assert basic
    assert {row["cause"] for row in basic} == {"employee_rate_working"}
    supplementary = [
        r
        for r in tables[0].to_pylist()
        if r["decision"] == "supplementary_payment" and r["after"] == "not_modelled"
    ]
    assert {row["cause"] for row in supplementary} <= {
        "shanghai_employee_supplementary",
        "employee_rate_working",
    }


def test_nothing_changes_under_the_same_rules(people: dict[str, Path], tmp_path: Path) -> None:
    program = open_program()
    request = Request(inputs(people), AS_OF, tmp_path / "out", 1, engine="interpreter")
    comparison = compare(program, program, request)
    assert comparison.changed == 0
    content = comparison.content()
    assert all(sums["difference"] in ("0.00", None) for sums in content["decisions"].values())
    assert content["people"]["changed"] == 0


def test_the_page_speaks_both_languages_and_names_nobody(
    people: dict[str, Path], tmp_path: Path, under: Under
) -> None:
    before, after = open_program(), under(ONE)
    compare(before, after, Request(inputs(people), AS_OF, tmp_path / "out", 1, engine="interpreter"))
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert "各层支付" in page
    assert "Layers of payment" in page
    assert "<script" not in page
    assert "http" not in page
    rows = pq.read_table(tmp_path / "out/changes.parquet").to_pylist()
    names = {row["person_id"] for row in rows} | {row["key"] for row in rows}
    text = re.sub(r"<[^>]*>", " ", page.split("</style>")[1])
    assert not {name for name in names if name and re.search(rf"\b{re.escape(name)}\b", text)}


def test_an_earlier_run_is_a_side_of_its_own(people: dict[str, Path], tmp_path: Path, under: Under) -> None:
    program, after = open_program(), under(ONE)
    batch(program, people, tmp_path / "run")
    decided_by, request = earlier_run(tmp_path / "run", tmp_path / "out", 1)
    comparison = compare(decided_by, after, request)
    again = compare(
        program, after, Request(inputs(people), AS_OF, tmp_path / "again", 1, engine="interpreter")
    )
    assert comparison.changed > 0
    assert comparison.content()["decisions"] == again.content()["decisions"]


def test_an_earlier_run_whose_files_changed_is_no_side(tmp_path: Path) -> None:
    people = tmp_path / "residents.csv"
    people.write_text("person_id,insured_area\nP1,310113\n", "utf-8")
    run_batch(open_program(), Request({"resident": people}, AS_OF, tmp_path / "run", rules=Rules()))
    earlier_run(tmp_path / "run", tmp_path / "out")
    people.write_text("person_id,insured_area\nP1,310118\n", "utf-8")
    with pytest.raises(RuleError, match=r"residents\.csv: E572"):
        earlier_run(tmp_path / "run", tmp_path / "out")


NEW = """
decisions: {resident: {extra_due: {type: boolean, title: x}, extra: {type: money, title: x}}}
provisions:
  extra_for_women: {decision: extra_due, title: x, value: 'sex = "female"', source: S2, clause: x}
  extra_amount: {decision: extra, title: x, value: 12.00, source: S2, clause: x}
benefits: {extra_help: {title: x, eligible: extra_due, amount: extra, delivery: automatic, source: S2, clause: x}}
"""


def test_a_benefit_that_one_side_has_alone_is_gained_or_lost(
    people: dict[str, Path], tmp_path: Path, under: Under
) -> None:
    one, other = open_program(), under(NEW)
    contents = []
    for name, pair in (("gained", (one, other)), ("lost", (other, one))):
        request = Request(inputs(people), AS_OF, tmp_path / name, 1, engine="interpreter")
        contents.append(compare(*pair, request).content()["benefits"]["extra_help"])
    assert contents[0]["gained"] == contents[1]["lost"] == contents[0]["eligible_after"] > 0
    assert contents[0]["before"] == "0.00"
    assert (
        Decimal(contents[0]["difference"])
        == 12 * contents[0]["gained"]
        == -Decimal(contents[1]["difference"])
    )
    rows = pq.read_table(tmp_path / "gained/changes.parquet").to_pylist()
    assert {row["cause"] for row in rows} <= {"extra_for_women", "extra_amount"}


TOP_UP = """
set: {rate: {from: 2026-01-01, value: 90%}}
decisions: {claim: {top_up: {type: money, title: x}}}
provisions:
  tops_up: {decision: top_up, title: x, when: total_cost > 400.00, value: 7.00, source: S, clause: x}
  no_top_up: {decision: top_up, title: x, when: total_cost <= 400.00, value: 0.00, source: S, clause: x}
replace:
  provisions: {rest: {decision: patient_pays, title: x, value: total_cost - payment - top_up, source: S, clause: 一}}
"""
STAYS = """\
claim_id,person_id,service_date,total_cost
C1,P1,2026-03-01,90.00
C2,P1,2025-03-01,500.00
C3,P1,2026-03-01,300.00
"""


@pytest.mark.parametrize("engine", ["interpreter", "native"])
def test_a_decision_that_is_new_is_a_cause_where_it_decides(tmp_path: Path, engine: Engine) -> None:
    rules = write_small(tmp_path / "rules")
    before, after = open_program([rules]), open_program([rules], [reform(tmp_path, TOP_UP)])
    (tmp_path / "residents.csv").write_text("person_id\nP1\n", encoding="utf-8")
    (tmp_path / "claims.csv").write_text(STAYS, encoding="utf-8")
    files = {"resident": str(tmp_path / "residents.csv"), "claim": str(tmp_path / "claims.csv")}
    compare(before, after, Request(files, AS_OF, tmp_path / "out", 1, engine=engine))
    rows = pq.read_table(tmp_path / "out/changes.parquet").to_pylist()
    causes = {(row["key"], row["decision"]): row["cause"] for row in rows}
    assert causes == {
        ("C2", "patient_pays"): "tops_up", ("C3", "payment"): "rate", ("C3", "patient_pays"): "rate",
    }  # fmt: skip


WEIGHTED = """\
person_id,income,weight
P1,100.00,10
P2,100.00,2.5
P3,100.00,
"""


def test_people_count_as_often_as_their_weight_says(tmp_path: Path) -> None:
    rules = write_small(tmp_path / "rules")
    text = "set: {rate: {from: 2026-01-01, value: 90%}}"
    before, after = open_program([rules]), open_program([rules], [reform(tmp_path, text)])
    (tmp_path / "residents.csv").write_text(WEIGHTED, encoding="utf-8")
    claims = "".join(f"C{n},P{n},2026-03-01,1100.00\n" for n in (1, 2, 3))
    (tmp_path / "claims.csv").write_text("claim_id,person_id,service_date,total_cost\n" + claims, "utf-8")
    files = {"resident": str(tmp_path / "residents.csv"), "claim": str(tmp_path / "claims.csv")}
    request = Request(files, AS_OF, tmp_path / "out", 1, engine="interpreter")
    content = compare(before, after, request, weights="weight").content()
    people = content["people"]
    assert (people["people"], people["difference"]) == (3, "150.00")  # 5% of 1,000.00 each
    weighted = people["weighted"]
    assert (weighted["people"], weighted["gain"], weighted["lose"]) == ("12.5", "12.5", "0")
    assert (weighted["difference"], weighted["gained"]) == (
        "625.00",
        "625.00",
    )  # 10 times 50.00 and 2.5 times 50.00
    # squares of 500, 125 and 0 less 625 squared by three, times three halves: the square of 450.69
    assert weighted["standard_error"] == "450.69"
    payment, fund = content["decisions"]["payment"], content["fund"]
    assert payment["weighted"] == {
        "before": "10625.00", "after": "11250.00", "difference": "625.00", "least": "625.00", "most": "625.00",
        "standard_error": "450.69",
    }  # fmt: skip
    assert fund["paid"]["weighted"] == payment["weighted"]
    assert fund["patients"]["weighted"]["difference"] == "-625.00"
    gainers = content["bands"]["gains"]
    assert (gainers["people"], gainers["weighted"]["people"], gainers["weighted"]["difference"]) == (
        3,
        "12.5",
        "625.00",
    )
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert page.count("+625.00 ± 450.69") >= 4  # tile, amounts, bands, cause


def test_deciles_are_tenths_of_the_weights() -> None:
    people = np.array(
        [[100, 0, 0, -1, 0, 8], [200, 0, 5, 0, 1, 1], [300, 0, 0, -1, 0, 1], [-1, 0, 0, -1, 0, 1]]
    )
    counts = Incomes([people]).deciles()
    # the poorest stands for eight tenths, the next for the ninth, the richest for the last; one has no known income
    assert {group: n["weighted"]["people"] for group, n in counts.items()} == {
        "0": 8,
        "8": 1,
        "9": 1,
        "-1": 1,
    }
    assert (counts["8"]["changed"], counts["8"]["open"], counts["8"]["gain"]) == (1, 1, 1)


def test_a_sample_stands_for_its_population_in_every_sum(tmp_path: Path) -> None:
    rules = write_small(tmp_path / "rules")
    text = "set: {rate: {from: 2026-01-01, value: 90%}}"
    before, after = open_program([rules]), open_program([rules], [reform(tmp_path, text)])
    (tmp_path / "residents.csv").write_text("person_id,income\nP1,1.00\nP2,2.00\nP3,3.00\n", encoding="utf-8")
    stays = "C1,P1,2026-03-01,1100.00\nC2,P2,2026-03-01,600.00\n"
    (tmp_path / "claims.csv").write_text("claim_id,person_id,service_date,total_cost\n" + stays, "utf-8")
    files = {"resident": str(tmp_path / "residents.csv"), "claim": str(tmp_path / "claims.csv")}
    request = Request(files, AS_OF, tmp_path / "out", 1, engine="interpreter")
    content = compare(before, after, request, sample_of=300).content()
    # 50.00, 25.00 and 0.00: 75.00 of three people; their variance is 625, a hundredth of the population is read
    error = "4308.42"  # 300 times the root of 625 / 3 * 0.99
    payment = content["decisions"]["payment"]["sample"]
    assert (payment["difference"], payment["standard_error"]) == ("7500.00", error)
    assert (payment["least"], payment["most"]) == ("7500.00", "7500.00")
    assert content["sample"]["standard_error"] == error
    assert content["bands"]["gains"]["sample"]["people"] == 200
    assert error.replace("4308", "4,308") in (tmp_path / "out/report.html").read_text("utf-8")


def test_what_nothing_bounds_names_the_fact(tmp_path: Path) -> None:
    rules = write_small(tmp_path / "rules")
    text = rules / "small.yaml"
    text.write_text(
        text.read_text("utf-8").replace("title: 费用, min: 0.00, max: 1000000.00", "title: 费用"), "utf-8"
    )
    draft = "set: {rate: {from: 2026-01-01, value: 90%}}"
    before, after = open_program([rules]), open_program([rules], [reform(tmp_path, draft)])
    (tmp_path / "residents.csv").write_text("person_id\nP1\n", encoding="utf-8")
    stays = "C1,P1,2026-03-01,\nC2,P1,2026-03-01,600.00\n"
    (tmp_path / "claims.csv").write_text("claim_id,person_id,service_date,total_cost\n" + stays, "utf-8")
    files = {"resident": str(tmp_path / "residents.csv"), "claim": str(tmp_path / "claims.csv")}
    compared = compare(before, after, Request(files, AS_OF, tmp_path / "out", 1, engine="interpreter"))
    payment = compared.content()["decisions"]["payment"]
    assert (payment["difference"], payment["least"], payment["most"]) == ("25.00", None, None)
    assert [named["fact"] for named in payment["unbounded_by"]] == ["claim.total_cost"]
    assert "无法界定，因为这些事实未知且没有上限：费用" in summary("zh", compared.content())


def test_weights_that_no_file_has_are_refused(tmp_path: Path) -> None:
    program = open_program([write_small(tmp_path / "rules")])
    (tmp_path / "residents.csv").write_text("person_id,income\nP1,1.00\n", encoding="utf-8")
    request = Request(
        {"resident": str(tmp_path / "residents.csv")}, AS_OF, tmp_path / "out", 1, engine="interpreter"
    )
    for name in ("nosuch", "birth_date"):
        with pytest.raises(RuleError) as caught:
            compare(program, program, request, weights=name)
        assert [d.code for d in caught.value.diagnostics] == ["E829"]
