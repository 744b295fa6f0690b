"""The morning after: what a report counts, lists and compares is what the run wrote, and names nobody elsewhere."""

import csv
import datetime as dt
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.batch.batches import AS_OF, CLAIMS, RESIDENTS, batch, rows
from tests.support.campaigns import few

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.ingest.inputs import open_inputs
from mianshen.past_runs.finished_run import table_of_facts
from mianshen.past_runs.report import FinishedRun, Order, make_report, phrases, program_of
from mianshen.past_runs.report.bars import against, bars, stacked
from mianshen.past_runs.report.cells import safe
from mianshen.past_runs.report.tables import Counting
from mianshen.places import shown_place
from mianshen.population.sample import write_population
from mianshen.records.diagnostics import REASONS
from mianshen.rulebook import open_program
from mianshen.source import Lang, RuleError

pytestmark = pytest.mark.xdist_group("report")

STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # of what a spreadsheet takes for a formula
PROGRAM = open_program()
BENEFITS = [name for name, benefit in PROGRAM.benefits.items() if benefit.entity == PROGRAM.entry]
OF_HOUSEHOLDS = [name for name, benefit in PROGRAM.benefits.items() if benefit.entity == "household"]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up residents with unknown facts, some with wrong ones, and two runs over them: `before`, `now`."""
    folder = tmp_path_factory.mktemp("people")
    write_population(folder, few(450, 900), 11, "parquet", AS_OF, unknowns=True)
    with duckdb.connect() as database:
        database.execute(f"""
            CREATE TABLE r AS FROM '{folder}/residents.parquet';
            CREATE TABLE c AS FROM '{folder}/claims.parquet';
            COPY (SELECT * EXCLUDE (insured_area), CASE WHEN hash(person_id) % 29 = 0 THEN 'nowhere'
                ELSE insured_area END AS insured_area FROM r) TO '{folder}/residents.csv' (HEADER);
            COPY (SELECT * REPLACE (total_cost + 700 AS total_cost) FROM c WHERE hash(claim_id) % 13 <> 0)
                TO '{folder}/fewer.parquet';
        """)  # fmt: skip
    households = folder / "households.parquet"
    now = {
        "resident": folder / "residents.csv",
        "claim": folder / "claims.parquet",
        "household": households,
    }
    before = {
        "resident": folder / "residents.parquet",
        "claim": folder / "fewer.parquet",
        "household": households,
    }
    run_batch(PROGRAM, Request(now, AS_OF, folder / "now"))
    run_batch(PROGRAM, Request(before, AS_OF, folder / "before"))
    return folder


@pytest.fixture(scope="module")
def content(people: Path) -> dict[str, Any]:
    return make_report(PROGRAM, Order(people / "now", people / "report", "zh", since=people / "before"))


def csv_rows(file: Path) -> list[dict[str, str]]:
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def listed(folder: Path, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a list with the area of the folder each stands in."""
    for file in sorted((folder / "lists").glob(f"*/{name}.csv")):
        for row in csv_rows(file):
            yield file.parent.name, row


def household_dues(people: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """For each household and benefit of households: the first member, the list's title, the household's row."""
    first: dict[str, str] = {}
    for row in sorted(rows(people / "residents.parquet"), key=lambda row: row["person_id"]):
        if row["household_id"]:
            first.setdefault(row["household_id"], row["person_id"])
    titles = {name: PROGRAM.benefits[name].title.zh for name in OF_HOUSEHOLDS}
    return [
        (
            first.get(row["household_id"], ""),
            f"{title}（家庭 {row['household_id']}）",
            row | {"benefit": name},
        )
        for row in rows(people / "now" / "households.parquet")
        for name, title in titles.items()
    ]


def refusal(order: Order) -> list[str]:
    with pytest.raises(RuleError) as caught:
        make_report(PROGRAM, order)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


# -- what is counted -------------------------------------------------------------------------


def test_the_counts_and_amounts_of_all_places_are_those_of_the_run(
    people: Path, content: dict[str, Any]
) -> None:
    summary = json.loads((people / "now" / "summary.json").read_text("utf-8"))
    for name in BENEFITS:
        told = {status: count for status, count in content["benefits"][name]["residents"].items() if count}
        assert told == {status: benefit["residents"] for status, benefit in summary["benefits"][name].items()}
        amounts = [benefit["amount"] for benefit in summary["benefits"][name].values() if benefit["amount"]]
        assert content["benefits"][name]["amount"] == (amounts[0] if amounts else None)
        by_place = [Decimal(place["benefits"][name]["amount"] or 0) for place in content["places"]]
        assert sum(by_place) == Decimal(content["benefits"][name]["amount"] or 0)
    assert content["claims"]["status"] == summary["claims"]["status"]
    assert content["claims"]["amounts"] == summary["claims"]["amounts"]
    assert content["residents"] == summary["records"]["resident"]["decided"]
    assert {None, "3101", "1101"} <= {place["area"] for place in content["places"]}


def test_a_resident_due_several_benefits_is_counted_once(people: Path, content: dict[str, Any]) -> None:
    decided = rows(people / "now" / "residents.parquet")
    assert content["due"] == sum(
        any(row[f"{name}_status"] == "eligible" for name in BENEFITS) for row in decided
    )


def test_rejects_and_missing_facts_are_counted_by_reason_and_name_no_record(
    people: Path, content: dict[str, Any]
) -> None:
    rejects = rows(people / "now" / "rejects.parquet")
    assert sum(line["count"] for line in content["rejects"]) == len(rejects) > 40
    claims = [row["missing"].split(",") for row in rows(people / "now" / "claims.parquet") if row["missing"]]
    told = {fact["fact"]: fact["count"] for fact in content["missing"] if fact["benefit"] is None}
    expected = Counter(
        re.sub(r"^(claim|resident) .*", r"rejected \1", name) for names in claims for name in names
    )
    assert told == expected


def test_ratios_are_insurance_over_cost_of_the_decided_stays_of_the_covered(
    people: Path, content: dict[str, Any]
) -> None:
    with duckdb.connect() as database:
        cursor = database.execute(f"""
            SELECT left(r.insured_area, 2) AS province, r.insurance_scheme AS scheme, sum(made.in_scope_cost),
                sum(made.basic_payment + made.supplementary_payment + made.critical_illness_payment)
            FROM '{people}/now/claims.parquet' AS made JOIN '{people}/claims.parquet' AS c USING (claim_id)
            JOIN '{people}/residents.csv' AS r ON r.person_id = made.person_id
            WHERE made.status = 'decided' AND c.care_type = 'inpatient' AND r.coverage_status = 'active'
                AND r.insurance_scheme <> 'none' GROUP BY ALL ORDER BY ALL
        """).fetchall()  # fmt: skip
    assert [
        (entry["province"], entry["scheme"], Decimal(entry["in_scope_cost"]), Decimal(entry["insurance"]))
        for entry in content["ratios"]
    ] == [(str(province), scheme, cost, paid) for province, scheme, cost, paid in cursor if paid]
    targets = {(entry["province"], entry["scheme"]): entry["target"] for entry in content["ratios"]}
    assert targets["31", "employee"] == "0.8000"
    assert targets["31", "resident"] == "0.7000"
    assert {target for (province, _), target in targets.items() if province != "31"} <= {None}
    for ratio in content["ratios"]:
        exact = Decimal(ratio["insurance"]) / Decimal(ratio["in_scope_cost"])
        assert abs(Decimal(ratio["share"]) - exact) <= Decimal("0.00005")


# -- lists -----------------------------------------------------------------------------------


def test_everybody_due_something_stands_once_in_the_lists_of_their_area(
    people: Path, content: dict[str, Any]
) -> None:
    areas = {row["person_id"]: row["insured_area"] for row in rows(people / "residents.parquet")}
    expected = {
        (row["person_id"], PROGRAM.benefits[name].title.zh)
        for row in rows(people / "now" / "residents.parquet")
        for name in BENEFITS
        if row[f"{name}_status"] == "eligible"
    }
    expected |= {
        (person, title)
        for person, title, row in household_dues(people)
        if row[f"{row['benefit']}_status"] == "eligible"
    }
    own = [name for name in BENEFITS if PROGRAM.benefits[name].work_list]
    assert "poverty_warning" in own
    results = []
    for name in ("automatic", "confirm", "application", *own):
        for area, row in listed(people / "report", name):
            results.append((row["人员编号"], row["待遇"]))
            assert area == (areas[row["人员编号"]] or "unknown")
            assert row["参保地"] == ("" if area == "unknown" else shown_place(area))
            assert name in own or name == PROGRAM.benefits[_named(row["待遇"])].delivery
    assert len(results) == len(expected)
    assert set(results) == expected
    assert sum(
        entry["rows"] for entry in content["lists"] if entry["list"] not in ("undetermined", "changes")
    ) == len(results)


def _named(title: str) -> str:
    titles = {benefit.title.zh: name for name, benefit in PROGRAM.benefits.items()}
    return titles[title.partition("（家庭 ")[0]]


@pytest.mark.usefixtures("content")
def test_amounts_and_reasons_in_the_lists_are_those_of_the_run(people: Path) -> None:
    decided = {row["person_id"]: row for row in rows(people / "now" / "residents.parquet")}
    provisions = {p.name: p.title.zh for d in PROGRAM.decisions for p in d.provisions}
    of_households = {(person, title): row for person, title, row in household_dues(people)}
    seen = 0
    for _, row in listed(people / "report", "application"):
        name, person = _named(row["待遇"]), row["人员编号"]
        whose = of_households.get((person, row["待遇"])) or decided[person]
        amount, reason = (whose[f"{name}_{part}"] for part in ("amount", "reason"))
        if amount is not None:
            assert row["金额（元）"] == f"{amount:.2f}"
            seen += 1
        assert row["依据"] == provisions.get(reason, "")
    assert seen


@pytest.mark.usefixtures("content")
def test_what_is_missing_is_listed_by_fact_with_everything_that_waits_for_it(people: Path) -> None:
    expected: dict[tuple[str, str, str], set[str]] = {}
    for row in rows(people / "now" / "residents.parquet"):
        for name in BENEFITS:
            reason = row[f"{name}_reason"]
            if reason.startswith("missing_facts"):
                named = reason.removeprefix("missing_facts").removeprefix(": ") or "household_id"
                for fact in named.split(","):
                    expected.setdefault((fact, row["person_id"], ""), set()).add(
                        PROGRAM.benefits[name].title.zh
                    )
    for person, title, row in household_dues(people):
        reason = row[f"{row['benefit']}_reason"]
        if reason.startswith("missing_facts"):
            for fact in reason.removeprefix("missing_facts: ").split(","):
                expected.setdefault((fact, person, ""), set()).add(title)
    for row in rows(people / "now" / "claims.parquet"):
        for fact in (row["missing"] or "").split(",") if row["missing"] else ():
            expected[fact, row["person_id"], row["claim_id"]] = {"就医费用"}
    results = {
        (row["字段"], row["人员编号"], row["费用编号"]): set(row["等待核定的事项"].split("; "))
        for _, row in listed(people / "report", "undetermined")
    }
    assert results == expected


@pytest.mark.usefixtures("content")
def test_nobody_is_named_on_the_page_nor_in_its_data(people: Path) -> None:
    numbers = [row["person_id"] for row in rows(people / "residents.parquet")]
    claims = [row["claim_id"] for row in rows(people / "claims.parquet")]
    known = {*numbers, *claims}
    for name in ("report.html", "report.json"):
        words = set(re.findall(r"[A-Za-z0-9_-]+", (people / "report" / name).read_text("utf-8")))
        assert not words & known


@given(st.text())
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not safe(text).startswith(STARTS)
    assert safe(text) in (text, f"'{text}")


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", " \n+", "\u3000=", "\ufeff@", " \u200b-", "\x00="]
)
def test_what_a_spreadsheet_would_run_is_marked_as_text(start: str) -> None:
    assert safe(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


def test_a_hostile_number_is_text_in_every_list(tmp_path: Path) -> None:
    hostile = '=HYPERLINK("http://x")'
    quoted = hostile.replace('"', '""')
    residents = RESIDENTS + f'"{quoted}",310113,resident,active,,illness_poverty\n'
    claims = CLAIMS + f'"@C1","{quoted}",2026-03-02,inpatient,tertiary,100.00,\n'
    run = batch(tmp_path, {"residents.csv": residents, "claims.csv": claims})
    make_report(PROGRAM, Order(run, tmp_path / "report", "en"))
    cells = [
        cell
        for file in (tmp_path / "report").rglob("*.csv")
        for row in csv_rows(file)
        for cell in row.values()
    ]
    assert {f"'{hostile}", "'@C1"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(STARTS)]


# -- changes ---------------------------------------------------------------------------------


def test_changes_are_what_differs_in_what_is_due(people: Path, content: dict[str, Any]) -> None:
    runs = [
        {row["person_id"]: row for row in rows(people / name / "residents.parquet")}
        for name in ("before", "now")
    ]

    rejected = {row["key"] for row in rows(people / "now" / "rejects.parquet")}

    def lost(run: dict[str, dict[str, Any]], key: str, name: str) -> str:
        is_open = key in rejected if key not in run else run[key][f"{name}_status"] == "undetermined"
        return "now_open" if is_open else "no_longer_due"

    def due(run: dict[str, dict[str, Any]], person: str, name: str) -> tuple[bool, Decimal | None]:
        row = run.get(person)
        eligible = row is not None and row[f"{name}_status"] == "eligible"
        return eligible, row[f"{name}_amount"] if row is not None and eligible else None

    expected = set()
    for person in {*runs[0], *runs[1]}:
        for name in BENEFITS:
            (was, paid), (now, amount) = (due(run, person, name) for run in runs)
            if was != now:
                kind = "newly_due" if now else lost(runs[1], person, name)
                expected.add((person, "", name, kind, paid, amount))
            elif was and paid != amount:
                expected.add((person, "", name, "amount_changed", paid, amount))
    households = [
        {row["household_id"]: row for row in rows(people / name / "households.parquet")}
        for name in ("before", "now")
    ]
    first = {row["household_id"]: person for person, _, row in household_dues(people)}
    for household in {*households[0], *households[1]}:
        for name in OF_HOUSEHOLDS:
            (was, paid), (now, amount) = (due(run, household, name) for run in households)
            if was != now or (was and paid != amount):
                kind = (
                    "amount_changed"
                    if was == now
                    else "newly_due"
                    if now
                    else lost(households[1], household, name)
                )
                expected.add((first[household], household, name, kind, paid, amount))
    results = {
        (row["person"], row["owner"], row["benefit"], row["change"], row["amount_before"], row["amount"])
        for row in rows(people / "report" / "changes.parquet")
    }
    assert results == expected
    counts = Counter((name, kind) for _, _, name, kind, _, _ in expected)
    told = {
        (change["benefit"], change["change"]): change["residents"] for change in content["since"]["changes"]
    }
    assert told == counts
    assert {kind for _, kind in counts} == {"newly_due", "no_longer_due", "now_open", "amount_changed"}
    assert sum(1 for _ in listed(people / "report", "changes")) == len(expected)


def test_whose_answer_is_open_now_or_who_is_rejected_is_not_called_no_longer_due(tmp_path: Path) -> None:
    good = RESIDENTS + "".join(f"P{n},310113,resident,active,none,subsistence\n" for n in range(4))
    before = batch(tmp_path / "a", {"residents.csv": good})
    spoilt = good.replace("P0,310113,resident", "P0,310113,residnet").replace("P1,310113", "P1,")
    now = batch(tmp_path / "b", {"residents.csv": spoilt.replace("P2,310113", "P2,110101")})
    content = make_report(PROGRAM, Order(now, tmp_path / "r", "en", since=before))
    changes = {(row["person"], row["change"]) for row in rows(tmp_path / "r" / "changes.parquet")}
    assert changes == {("P0", "now_open"), ("P1", "now_open"), ("P2", "no_longer_due")}
    assert [c["change"] for c in content["since"]["changes"]] == ["no_longer_due", "now_open"]


def test_a_run_compared_with_itself_has_no_changes(people: Path, tmp_path: Path) -> None:
    content = make_report(PROGRAM, Order(people / "now", tmp_path / "r", "en", since=people / "now"))
    assert content["since"]["changes"] == []
    assert rows(tmp_path / "r" / "changes.parquet") == []


def test_a_benefit_that_the_earlier_rulebook_did_not_have_is_newly_due(people: Path, tmp_path: Path) -> None:
    shutil.copytree(people / "before", tmp_path / "before")
    with duckdb.connect() as database:
        database.execute(f"""
            COPY (SELECT * EXCLUDE (poverty_warning_status, poverty_warning_amount, poverty_warning_reason),
                'eligible' AS gone_status, 5.00::DECIMAL(18, 2) AS gone_amount, 'x' AS gone_reason
            FROM '{people}/before/residents.parquet') TO '{tmp_path}/before/residents.parquet'
        """)  # fmt: skip
    content = make_report(PROGRAM, Order(people / "now", tmp_path / "r", "en", since=tmp_path / "before"))
    told = {(change["benefit"], change["change"]): change for change in content["since"]["changes"]}
    warned = content["benefits"]["poverty_warning"]["residents"]["eligible"]
    assert told["poverty_warning", "newly_due"]["residents"] == warned
    gone = told["gone", "no_longer_due"]
    assert Decimal(gone["difference"]) == -5 * gone["residents"]


# -- the folder ------------------------------------------------------------------------------


def test_the_run_is_left_as_it_was_and_the_report_is_replaced_whole(people: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in (people / "now").iterdir()}
    order = Order(people / "now", tmp_path / "r", "en", since=people / "before")
    make_report(PROGRAM, order)
    make_report(PROGRAM, replace(order, since=None))
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["lists", "report.html", "report.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert {file.name: file.read_bytes() for file in (people / "now").iterdir()} == before


STOPS: list[tuple[Exception, str]] = [
    (duckdb.IOException("IO Error: no space left\nmore"), "E576"),
    (OSError(28, "No space left on device"), "E576"),
    (duckdb.OutOfMemoryException("out of memory"), "E577"),
]


@pytest.mark.parametrize(("stop", "code"), STOPS, ids=["the database", "the system", "memory"])
def test_a_report_that_cannot_be_finished_leaves_nothing(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: Exception, code: str
) -> None:
    def fail(*_: object) -> None:
        raise stop

    monkeypatch.setattr(Counting, "tables", fail)
    assert refusal(Order(people / "now", tmp_path / "new" / "report", "en")) == [code]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_no_report_wrote_is_left_alone(people: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "letters.txt").write_text("mine", "utf-8")
    assert refusal(Order(people / "now", tmp_path / "r", "en")) == ["E574"]
    assert refusal(Order(people / "now", people / "now" / "r", "en")) == ["E575"]
    assert refusal(Order(people / "now", people, "en")) == ["E575"]
    assert refusal(Order(tmp_path / "r", tmp_path / "s", "en")) == ["E570"]
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["letters.txt"]


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("claims.parquet", b"PAR1 and no more"),
        ("claims.parquet", b"PAR1 damaged PAR1"),
        ("rejects.parquet", b"PAR1"),
        ("summary.json", b'{"records": 3, "benefits": {}}'),
        ("claims.parquet", None),
        (
            "manifest.json",
            b'{"as_of": "2026-06-31", "inputs": {}, "outputs": {}, "rulebook": {}, "records": {}}',
        ),
        ("summary.json", b"{}"),
    ],
)
def test_a_run_of_which_a_file_is_spoilt_or_gone_is_none(
    tmp_path: Path, name: str, spoilt: bytes | None
) -> None:
    good = RESIDENTS + "P1,310113,employee,active,employed,none\n"
    run = batch(tmp_path / "was", {"residents.csv": good, "claims.csv": "claim_id,person_id,service_date\n"})
    (run / name).unlink()
    if spoilt is not None:
        (run / name).write_bytes(spoilt)
    with pytest.raises(RuleError) as caught:
        make_report(PROGRAM, Order(run, tmp_path / "r", "en"))
    [line] = [diagnostic.show("en") for diagnostic in caught.value.diagnostics]
    assert f"E570: this is not the folder of a batch: {name} is not in it, or cannot be read" in line


def test_an_input_that_changed_where_it_lies_is_not_called_gone(tmp_path: Path) -> None:
    good = RESIDENTS + "P1,310113,employee,active,employed,none\n"
    run = batch(tmp_path / "was", {"residents.csv": good})
    (tmp_path / "was" / "residents.csv").write_text(good.replace("P1", "P2"), "utf-8")
    assert refusal(Order(run, tmp_path / "r", "en")) == ["E572"]


def test_inputs_that_moved_are_named_and_those_that_changed_are_refused(tmp_path: Path) -> None:
    good = RESIDENTS + "P1,310113,employee,active,employed,none\n"
    run = batch(tmp_path / "was", {"residents.csv": good})
    moved = tmp_path / "elsewhere.csv"
    (tmp_path / "was" / "residents.csv").rename(moved)
    order = Order(run, tmp_path / "r", "en")
    assert refusal(order) == ["E571"]
    make_report(PROGRAM, replace(order, inputs={"resident": moved}))
    moved.write_text(good.replace("P1", "P2"), "utf-8")
    assert set(refusal(replace(order, inputs={"resident": moved}))) == {"E572"}
    assert not (tmp_path / "r2").exists()


def test_a_run_of_another_rulebook_is_refused(people: Path, tmp_path: Path) -> None:
    other = open_program((), ["limit_counts_costs"])
    with pytest.raises(RuleError) as caught:
        make_report(other, Order(people / "now", tmp_path / "r", "en"))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E573"]


def test_the_rulebook_kept_with_a_run_tells_of_it(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(RESIDENTS + "P1,310113,employee,active,employed,none\n", "utf-8")
    rules = Rules((), ("limit_counts_costs",))
    program = open_program(rules.paths, rules.overlays)
    run_batch(program, Request({"resident": tmp_path / "r.csv"}, AS_OF, tmp_path / "run", rules=rules))
    result = program_of(FinishedRun.of(tmp_path / "run"))
    assert (result.digest, result.overlays) == (program.digest, ("limit_counts_costs",))
    make_report(result, Order(tmp_path / "run", tmp_path / "report", "en"))


def test_inputs_read_by_a_mapping_are_read_by_it_again(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("证件号,统筹区,险种\nP1,310113,1\n", "utf-8")
    (tmp_path / "map.yaml").write_text(
        "resident:\n  columns:\n    证件号: person_id\n    统筹区: insured_area\n"
        '    险种: {fact: insurance_scheme, values: {"1": employee}}\n',
        "utf-8",
    )
    request = Request(
        {"resident": tmp_path / "r.csv"}, AS_OF, tmp_path / "run", mapping=tmp_path / "map.yaml"
    )
    run_batch(PROGRAM, request)
    content = make_report(PROGRAM, Order(tmp_path / "run", tmp_path / "report", "en"))
    assert [(place["area"], place["residents"]) for place in content["places"]] == [("3101", 1)]


def test_of_a_persons_rows_the_one_in_force_says_where_the_person_belongs(tmp_path: Path) -> None:
    head = RESIDENTS.replace("person_id", "person_id,valid_from")
    old = "P1,2020-01-01,110101,resident,active,none,illness_poverty\n"
    new = "P1,2026-02-01,310113,resident,active,none,illness_poverty\n"
    (tmp_path / "r.csv").write_text(head + new + old, "utf-8")
    with duckdb.connect() as database:
        inputs = open_inputs(PROGRAM, {"resident": tmp_path / "r.csv"}, database, tmp_path)
        entity = PROGRAM.entities["resident"]
        for day, area in ((dt.date(2026, 1, 31), "110101"), (dt.date(2026, 2, 1), "310113")):
            table = table_of_facts(PROGRAM, entity, inputs["resident"], ("insured_area",), database, day)
            assert database.execute(f"FROM {table}").fetchall() == [("P1", area)]


def test_every_reason_a_row_is_rejected_for_is_said_in_words() -> None:
    assert set(phrases.REASONS) == set(REASONS.values())


# -- the page --------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "words"), [("zh", "待办清单"), ("en", "Lists to work through")])
def test_the_page_is_whole_in_each_language_and_fetches_nothing(
    people: Path, tmp_path: Path, lang: Lang, words: str
) -> None:
    make_report(PROGRAM, Order(people / "now", tmp_path / "r", lang))
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert words in page
    assert "<svg" in page
    assert not re.search(r"<script|<link|@import|url\(|https?:|\bon\w+=", page)
    for path in re.findall(r'href="(lists/[^"]+)"', page):
        assert (tmp_path / "r" / path).is_file()
    if lang == "en":
        shown = re.sub(r"<style.*?</style>|[（）]", "", page, flags=re.DOTALL)
        shown = re.sub(r"[\u4e00-\u9fff]+ \([0-9]+\)", "", shown)  # places have their own names
        assert not re.search(r"[\u4e00-\u9fff]", re.sub(r"<td>[^<]*(沪|指标表|条号)[^<]*</td>", "", shown))


@pytest.mark.usefixtures("content")
def test_a_browser_shows_the_page(people: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    picture = tmp_path / "page.png"
    words = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1100,2000", f"--screenshot={picture}", (people / "report" / "report.html").as_uri(),
    ]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=6))
def test_bars_stay_within_the_plot_and_what_is_there_is_seen(values: list[int]) -> None:
    for bar, value in zip(bars([("", "", value) for value in values]), values, strict=True):
        assert (bar.segments[0].width > 0) is (value > 0)
        assert bar.segments[0].width <= 1000
    parts = stacked("", "", [(str(at), value) for at, value in enumerate(values)])
    assert [segment.kind for segment in parts.segments] == [
        str(at) for at, value in enumerate(values) if value
    ]
    assert all(segment.start + segment.width <= 1001 for segment in parts.segments)
    assert against("", "", Decimal("1.5"), Decimal("0.8")).mark == 800


def test_planned_benefits_stand_apart_from_those_in_force(people: Path, content: dict[str, Any]) -> None:
    planned = [name for name, counted in content["benefits"].items() if counted.get("planned")]
    assert "elderly_subsidy" in planned
    assert "premium_subsidy" not in planned
    assert {content["benefits"][name]["residents"]["eligible"] for name in planned} == {0}
    table, _, apart = (people / "report" / "report.html").read_text("utf-8").partition("计划中的待遇</h3>")
    title = PROGRAM.benefits["elderly_subsidy"].title.zh
    assert title not in table
    assert title in apart
