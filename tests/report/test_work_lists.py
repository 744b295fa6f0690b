"""Work lists carry what a township needs to work from, the most pressing first, in forms that spreadsheets keep whole."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
import python_calamine
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from tests.batch.batches import AS_OF
from tests.serve.browsing import browser, fits

from mianshen.batch.run import Request, run_batch
from mianshen.past_runs.report import Order, make_report
from mianshen.past_runs.report.cells import safe, unmarked
from mianshen.past_runs.report.workbooks import sheet_name
from mianshen.rulebook import open_program

PROGRAM = open_program()
PEOPLE = (
    "person_id,household_id,insured_area,insurance_scheme,coverage_status,assistance_category,birth_date\n"
)
COSTS = {"310113199001010017": "30000.00", "007": "25000.00", "P3": "60000.00", "P4": "17000.00"}
INCOMES = {"H1": "50000.00", "H2": "10000.00", "H3": "100000.00", "H4": "50000.00"}
AT_310113 = Path("lists") / "310113"


def run_over(folder: Path, costs: dict[str, str]) -> Path:
    """A batch over four households of Baoshan, a member each with an outpatient bill that nobody pays."""
    folder.mkdir()
    households = dict(zip(costs, INCOMES, strict=True))
    (folder / "residents.csv").write_text(
        PEOPLE + "".join(f"{person},{home},310113,resident,active,none,\n" for person, home in households.items()),
        "utf-8",
    )  # fmt: skip
    (folder / "households.csv").write_text(
        "household_id,annual_income,member_count\n" + "".join(f"{home},{income},1\n" for home, income in INCOMES.items()),
        "utf-8",
    )  # fmt: skip
    bills = (
        f"C{n},{person},2026-03-02,outpatient,{cost},0.00,0.00\n"
        for n, (person, cost) in enumerate(costs.items())
    )
    (folder / "claims.csv").write_text(
        "claim_id,person_id,service_date,care_type,total_cost,out_of_scope_cost,basic_paid\n"
        + "".join(bills),
        "utf-8",
    )
    inputs = {name: folder / f"{name}s.csv" for name in ("resident", "household", "claim")}
    run_batch(PROGRAM, Request(inputs, AS_OF, folder / "run"))
    return folder / "run"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in English with workbooks, on a run and an earlier one in which one bill was smaller."""
    folder = tmp_path_factory.mktemp("lists")
    earlier = run_over(folder / "before", COSTS | {"007": "100.00"})
    run = run_over(folder / "now", COSTS)
    make_report(PROGRAM, Order(run, folder / "report", "en", earlier, workbooks=True))
    return folder


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def test_warnings_carry_household_place_burden_and_line_and_the_farthest_above_the_line_come_first(
    folder: Path,
) -> None:
    rows = rows_of(folder / "report" / AT_310113 / "poverty_warning.csv")
    burden, line = "medical burden of the resident's household", "warning line of the resident's household"
    above = "household's burden above the warning line (below where negative)"
    assert [
        (row["number of the resident's household"], row[above], row[burden], row[line]) for row in rows
    ] == [
        ("H2", "21000.00", "25000.00", "4000.00"),
        ("H3", "20000.00", "60000.00", "40000.00"),
        ("H1", "10000.00", "30000.00", "20000.00"),
    ]
    assert {row["area of insurance"] for row in rows} == {"上海市宝山区 (310113)"}
    watched = rows_of(folder / "report" / AT_310113 / "poverty_watch.csv")
    assert [(row["person number"], row[above]) for row in watched] == [("P4", "-3000.00")]


def test_a_list_says_what_is_new_since_the_earlier_run(folder: Path) -> None:
    rows = rows_of(folder / "report" / AT_310113 / "poverty_warning.csv")
    assert [row["answer"] for row in rows] == ["newly due", "due as before", "due as before"]


def test_numbers_that_a_spreadsheet_would_spoil_are_marked_as_text(folder: Path) -> None:
    rows = rows_of(folder / "report" / AT_310113 / "poverty_warning.csv")
    assert [row["person number"] for row in rows] == ["'007", "P3", "'310113199001010017"]


def test_a_workbook_of_a_place_holds_its_lists_with_keys_as_texts_and_amounts_as_numbers(
    folder: Path,
) -> None:
    book = python_calamine.CalamineWorkbook.from_path(folder / "report" / AT_310113 / "310113.xlsx")
    assert "Poverty warning" in book.sheet_names
    header, *rows = book.get_sheet_by_name("Poverty warning").to_python()
    at = header.index("warning line of the resident's household")
    assert [(row[0], row[at]) for row in rows] == [
        ("007", 4000),
        ("P3", 40000),
        ("310113199001010017", 20000),
    ]


def test_the_same_lists_give_the_same_bytes(folder: Path) -> None:
    again = Order(folder / "now" / "run", folder / "again", "en", folder / "before" / "run", workbooks=True)
    make_report(PROGRAM, again)
    for file in sorted((folder / "report" / "lists").rglob("*.*")):
        assert file.read_bytes() == (folder / "again" / file.relative_to(folder / "report")).read_bytes()


@given(st.text() | st.from_regex(r"[0-9eE]{1,20}", fullmatch=True))
def test_a_marked_text_is_found_again(text: str) -> None:
    assert unmarked(safe(text)) == text
    assert not (
        safe(text).isdecimal() and safe(text).isascii() and (len(text) > 11 or text[0] == "0" != text)
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_an_amount_stands_as_it_is(amount: Decimal) -> None:
    assert Decimal(safe(amount)) == amount


def test_the_page_reads_on_a_telephone_its_labels_whole(folder: Path) -> None:
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 400, "height": 800})
        page.goto((folder / "report" / "report.html").as_uri())
        fits(page)
        sizes = page.evaluate(
            "[...document.querySelectorAll('.bar span')].map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 12
        cut = "[...document.querySelectorAll('td, .bar span')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
        assert page.evaluate(cut) == 0


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_title_makes_a_sheet_of_its_own(titles: list[str]) -> None:
    taken: set[str] = set()
    names = [sheet_name(title, 1, taken) for title in titles]
    assert len({name.lower() for name in names}) == len(names)
    with xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True}) as book:
        for name in names:
            book.add_worksheet(name)
