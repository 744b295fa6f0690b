"""A rulebook out to a workbook and back: nothing edited changes nothing, an edit changes what it says, a mistake has its cell."""

from __future__ import annotations

import datetime as dt
import tempfile
import zipfile
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from tests.support.campaigns import few

from mianshen.document import read
from mianshen.exchange import Imported, export_workbook, import_workbook
from mianshen.exchange.sheets import sheets_of
from mianshen.policy.rule_diff import rule_changes
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook
from mianshen.source import RuleError
from mianshen_cli.main import main

HERE = Path(__file__).parent.parent / "rulebooks"
RULEBOOKS = {
    "shipped": [shipped_rulebook()],
    "taxes": [HERE / "taxes" / "rules"],
    **{
        name: [HERE / "people.yaml", HERE / f"{name}.yaml"]
        for name in ("city", "accumulators", "dates", "earlier", "figures")
    },
}
SMALL = """
rulebook: {name: small, title: 小规则库, entry: person}
entities: {person: {title: 人, key: person_id}}
facts:
  person:
    person_id: {type: text, title: 编号, required: true}
    level: {type: code level, title: 级别}
    income: {type: money, title: 收入}
codes: {level: {title: 级别, values: {low: {zh: 低, en: low, also: [低档, L]}, high: 高, other: 其他}}}
sources: {S: {title: 文件}}
decisions:
  person: {grant: {type: money, title: 补助}, share: {type: money, title: 分段}, step: {type: integer, title: 档次}}
defaults: {from: 2020-01-01, source: S, clause: 一}
parameters:
  base: {type: money, title: 基数, values: [{value: 100, basis: cited}, {from: 2024-01-01, value: 120.50, basis: cited}]}
  later: {type: rate, title: 以后的比例, values: [{basis: missing}]}
  first_day: {type: date, title: 首日, values: [{value: 2020-02-01, basis: provisional, note: "=1+1"}]}
  steps: {type: scale, title: 分段, values: [{basis: provisional, value: [{over: 0, rate: 5%}, {over: 1000, rate: 8%}]}]}
  by_level:
    type: money
    title: 按级别
    keys: {level: code level}
    values:
      - {basis: provisional, value: {low: 10, "high, other": 20}}
      - {from: 2025-01-01, for: {level: low}, basis: cited, value: 12}
data:
  houses:
    title: 机构
    keys: {level: code level}
    columns: {house_rate: rate, house_limit: money}
    values: [{basis: provisional, rows: {low: [9%, 90], high: [8%, 80], otherwise: [7%, null]}}]
tables:
  grants:
    decision: grant
    title: 补助表
    inputs: [level, income]
    rows:
      - {id: low, cells: ['"low"', '< 1000'], value: base}
      - {id: high, cells: ['"high"', '-'], value: base * house_rate(level), title: 高档, clause: 二}
      - {id: rest, cells: ['not("high")', '>= 1000'], value: "0.00"}
      - {id: other, cells: ['"other"', '< 1000'], value: by_level(level)}
  stepped:
    decision: step
    hit_policy: first
    inputs: [income]
    rows: [{id: a, cells: ['< 10'], value: 1}, {id: b, cells: ['< 100'], value: 2}, {id: c, cells: ['-'], value: 3}]
provisions: {share: {decision: share, title: 分段, value: "marginal(income, steps)"}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(SMALL, "utf-8")
    return path


@cache
def exported(rules: str, names: tuple[str, ...]) -> bytes:
    """The workbook of a rulebook's text, written once for all who edit it."""
    with tempfile.TemporaryDirectory() as folder:
        file, book = Path(folder) / "rules.yaml", Path(folder) / "t.xlsx"
        file.write_text(rules, "utf-8")
        export_workbook([file], [], names, book)
        return book.read_bytes()


@pytest.fixture(scope="module")
def whole_workbook(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The workbook of a whole rulebook, written once; no test changes it."""
    folder = tmp_path_factory.mktemp("whole")

    def written(name: str) -> Path:
        path = folder / f"{name}.xlsx"
        if not path.exists():
            export_workbook(RULEBOOKS[name], [], (), path)
        return path

    return written


def edited(rules: Path, edit: Callable[[Workbook], object], *names: str) -> Imported:
    """What is read back after an edit of the exported workbook."""
    book_path = rules.parent / "t.xlsx"
    book_path.write_bytes(exported(rules.read_text("utf-8"), names))
    book = load_workbook(book_path)
    edit(book)
    book.save(book_path)
    return import_workbook(book_path, [rules], [], "draft")


def refused(rules: Path, edit: Callable[[Workbook], object]) -> list[str]:
    with pytest.raises(RuleError) as raised:
        edited(rules, edit)
    return [str(one).replace(f"{rules.parent}/", "") for one in raised.value.diagnostics]


def put(sheet: str, cell: str, value: Any) -> Callable[[Workbook], None]:
    def edit(book: Workbook) -> None:
        book[sheet][cell] = value

    return edit


def changes(rules: Path, text: str) -> list[tuple[str, str, str, str]]:
    overlay = rules.parent / "draft.yaml"
    overlay.write_text(text, "utf-8")
    differences = rule_changes(open_program([rules]), open_program([rules], [overlay]))
    return [(one.name, one.part, one.before, one.after) for one in differences]


# -- round trips -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULEBOOKS)
def test_what_is_not_edited_does_not_change(name: str, whole_workbook: Callable[[str], Path]) -> None:
    path = whole_workbook(name)
    assert import_workbook(path, RULEBOOKS[name], [], "draft").text == ""
    document, _ = read(RULEBOOKS[name])
    entries = (document.parameters, document.data, document.tables, document.codes)
    exported = sheets_of(document)
    listed = {row.get("name") or row.get("list") or sheet.entry for sheet in exported for row in sheet.rows}
    assert listed >= {entry for section in entries for entry in section}


@pytest.mark.parametrize("name", RULEBOOKS)
def test_what_a_sheet_says_is_all_that_a_figure_or_row_means(
    name: str, whole_workbook: Callable[[str], Path], tmp_path: Path
) -> None:
    """With a note on each row every value and row is written anew from its cells, and no rule differs."""
    rules, path = RULEBOOKS[name], tmp_path / "t.xlsx"
    book = load_workbook(whole_workbook(name))
    for page in book.worksheets:
        heads = {cell.value: cell.column for cell in page[3]}
        if "note" in heads:
            for number in range(4, page.max_row + 1):
                if page.cell(number, 1).value:
                    page.cell(number, int(heads["note"] or 1)).value = "仅供测试"
    book.save(path)
    overlay, text = tmp_path / "draft.yaml", import_workbook(path, rules, [], "draft").text
    assert bool(text) == (name != "accumulators")  # which has neither figures nor tables
    overlay.write_text(text or "overlay: {name: none, title: none}", "utf-8")
    old, new = open_program(rules), open_program(rules, [overlay])
    assert rule_changes(old, new) == ()
    assert old.parameters.keys() == new.parameters.keys()


def test_texts_that_look_like_formulas_stay_texts_and_none_is_cut(small: Path) -> None:
    assert edited(small, lambda book: book["参数"]["K7"].value).text == ""
    assert load_workbook(small.parent / "t.xlsx")["参数"]["K7"].data_type == "s"
    small.write_text(SMALL.replace('"=1+1"', "x" * 40_000), "utf-8")
    with pytest.raises(RuleError, match=r"参数!K7: E925"):
        export_workbook([small], [], (), small.parent / "t.xlsx")


def test_a_part_of_a_rulebook_is_exported_by_name(small: Path) -> None:
    text = edited(small, put("补助表", "A5", "high"), "grants", "base").text
    assert text == ""
    with pytest.raises(RuleError, match="grants"):
        export_workbook([small], [], ["grant"], small.parent / "u.xlsx")


@settings(max_examples=few(5, 100))
@given(
    st.decimals(0, 9_999_999, places=2),
    st.decimals(0, 1, places=4),
    st.dates(dt.date(2020, 1, 2), dt.date(2040, 1, 1)),
)
def test_any_value_comes_back_exactly(amount: Decimal, rate: Decimal, day: dt.date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.yaml"
        rules.write_text(SMALL, "utf-8")

        def edit(book: Workbook) -> None:
            page = book["参数"]
            page["F5"], page["G5"] = str(amount), "provisional"
            page["F7"] = dt.datetime.combine(day, dt.time())
            book["机构"]["D4"] = str(rate)

        overlay = Path(folder) / "draft.yaml"
        overlay.write_text(edited(rules, edit).text, "utf-8")
        program = open_program([rules], [overlay])
        assert program.parameters["base"].series[-1].value == amount
        assert program.parameters["first_day"].series[-1].value == day
        assert program.parameters["house_rate__low"].series[0].value == rate


# -- edits -------------------------------------------------------------------------------------------


def test_one_dated_value_is_set_and_nothing_else(small: Path) -> None:
    def edit(book: Workbook) -> None:
        page = book["参数"]
        for column, text in zip(
            "ADFGHI", ("base", "2026-01-01", " 130.00 ", "cited", "S", "二"), strict=True
        ):
            page[f"{column}8"] = text

    text = edited(small, edit).text
    assert text.splitlines()[2:] == [
        "set:", "  base:", "    - {from: 2026-01-01, value: 130.00, basis: cited, source: S, clause: 二}",
    ]  # fmt: skip
    assert changes(small, text) == [("base", "2026-01-01", "120.50 (cited)", "130.00 (cited)")]


def test_a_changed_value_does_not_keep_the_clause_of_the_old_one(small: Path) -> None:
    imported = edited(small, put("参数", "F5", "125.00"))
    assert changes(small, imported.text) == [("base", "2024-01-01", "120.50 (cited)", "125.00 (provisional)")]
    assert [(one.code, one.span.file.rsplit(":", 1)[1]) for one in imported.warnings] == [("E923", "参数!F5")]


def test_the_same_value_written_otherwise_is_no_change(small: Path) -> None:
    assert edited(small, put("参数", "F5", "120.5")).text == ""
    assert edited(small, put("参数", "F5", 120.5)).text == ""
    assert edited(small, put("分段比例", "G5", 0.08)).text == ""


def test_every_kind_of_sheet_can_be_edited(small: Path) -> None:
    def edit(book: Workbook) -> None:
        book["分段比例"]["G5"] = "9%"
        book["按级别"]["D5"] = "22"
        book["机构"]["E5"] = "85"
        book["补助表"]["C4"] = "< 2000"
        book["补助表"]["C6"] = ">= 2000"
        book["补助表"]["C7"] = "< 2000"
        book["按级别"]["C5"] = "high, other, middle"
        page = book["代码表"]
        for column, text in zip("ACD", ("level", "middle", "中"), strict=True):
            page[f"{column}7"] = text

    text = edited(small, edit).text
    differences = {(name, part) for name, part, _, _ in changes(small, text)}
    assert differences == {
        ("steps", "2020-01-01"), ("by_level__high_other", "2020-01-01"),
        ("by_level__high_other_middle", "2020-01-01"), ("house_limit__high", "2020-01-01"),
        ("grants.low", "when"), ("grants.rest", "when"), ("grants.other", "when"), ("level", "values"),
    }  # fmt: skip
    assert "middle: {zh: 中, en: 中}" in text


def test_a_removed_row_of_a_series_and_of_a_table_is_gone(small: Path) -> None:
    def edit(book: Workbook) -> None:
        book["参数"].delete_rows(4)
        book["补助表"].delete_rows(5)

    text = edited(small, edit).text
    assert "replace:" in text
    gone = changes(small, text)
    assert ("base", "2020-01-01", "100.00 until 2023-12-31 (cited)", "") in gone
    assert [(name, after) for name, _, _, after in gone if name == "grants.high"] == [("grants.high", "")]


def test_order_matters_only_where_the_first_row_decides(small: Path) -> None:
    def swap(sheet: str) -> Callable[[Workbook], None]:
        def edit(book: Workbook) -> None:
            page = book[sheet]
            for column in range(1, page.max_column + 1):
                one, two = page.cell(4, column), page.cell(5, column)
                one.value, two.value = two.value, one.value

        return edit

    assert edited(small, swap("补助表")).text == ""
    assert edited(small, swap("参数")).text == ""
    assert "replace:" in edited(small, swap("stepped")).text


def test_columns_may_be_moved_and_tabs_renamed(small: Path) -> None:
    def edit(book: Workbook) -> None:
        page = book["参数"]
        page.move_range("F3:F40", cols=20)
        page.title = "我的参数"
        page["Z5"] = "125.00"

    imported = edited(small, edit)
    assert changes(small, imported.text) == [("base", "2024-01-01", "120.50 (cited)", "125.00 (provisional)")]
    assert [one.span.file.rsplit(":", 1)[1] for one in imported.warnings] == ["我的参数!Z5"]


def test_a_value_until_a_day_is_what_the_sheet_says(small: Path) -> None:
    def edit(book: Workbook) -> None:
        page = book["参数"]
        for column, text in zip(
            "ADEFG", ("first_day", "2021-01-01", "2021-12-31", "2021-05-01", "provisional"), strict=True
        ):
            page[f"{column}8"] = text

    text = edited(small, edit).text
    overlay = small.parent / "draft.yaml"
    overlay.write_text(text, "utf-8")
    series = open_program([small], [overlay]).parameters["first_day"].series
    assert [(str(one.start), str(one.end)) for one in series] == [
        ("2020-01-01", "2020-12-31"),
        ("2021-01-01", "2021-12-31"),
    ]


# -- mistakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "start", "part"),
    [
        (put("参数", "F4", "一百"), "t.xlsx:参数!F4: E311", "一百"),
        (put("参数", "F4", "１２０"), "t.xlsx:参数!F4: E311", "１２０"),
        (put("参数", "D4", "2020-13-01"), "t.xlsx:参数!D4: E1", "2020-13-01"),
        (put("参数", "D4", 43831), "t.xlsx:参数!D4: E916", "2020-01-01"),
        (put("参数", "F7", 43862), "t.xlsx:参数!F7: E916", "2020-02-01"),
        (put("参数", "I4", dt.date(2026, 1, 2)), "t.xlsx:参数!I4: E917", "2026-01-02"),
        (put("参数", "F4", "=100+20"), "t.xlsx:参数!F4: E912", "formula"),
        (put("参数", "F4", 12345678.12345678), "t.xlsx:参数!F4: E915", "text"),
        (put("参数", "A4", "bose"), "t.xlsx:参数!A4: E920", "base"),
        (put("参数", "B4", "新基数"), "t.xlsx:参数!B4: E918", "基数"),
        (put("参数", "G4", "citd"), "t.xlsx:参数!G4: E1", "citd"),
        (put("参数", "D5", "2020-01-01"), "t.xlsx:参数!D5: E919", "twice"),
        (put("参数", "F3", "valeu"), "t.xlsx:参数!F3: E910", "value"),
        (put("按级别", "C4", "lwo"), "t.xlsx:按级别!C4: E305", "low"),
        (put("机构", "E5", "八十"), "t.xlsx:机构!E5: E311", "八十"),
        (put("机构", "A4", ""), "t.xlsx:机构!", "from"),
        (put("机构", "C5", "lwo"), "t.xlsx:机构!C5: E305", "low"),
        (put("补助表", "B4", '"lwo"'), "t.xlsx:补助表!B4: E305", "low"),
        (put("补助表", "D4", "bose"), "t.xlsx:补助表!D4: E301", "base"),
        (put("补助表", "A5", "low"), "t.xlsx:补助表!A5: E919", "twice"),
        (put("代码表", "D4", "更低"), "t.xlsx:代码表!D4: E918", "低"),
        (put("代码表", "C4", "lower"), "t.xlsx:代码表!A1: E926", "level.low"),
        (put("参数", "A1", "parameter"), "t.xlsx:参数!A1: E906", "parameters"),
        (lambda book: book.remove(book["机构"]), "t.xlsx:说明!A1: E905", "data.houses"),
        (lambda book: book.remove(book["说明"]), "t.xlsx: E904", "export"),
        (lambda book: book["参数"].merge_cells("H4:H5"), "t.xlsx:参数!H4: E913", "Unmerge"),
        (lambda book: book["参数"].delete_cols(6), "t.xlsx:参数!A3: E909", "value"),
        (lambda book: book["参数"].delete_rows(6), "t.xlsx:参数!A1: E921", "later"),
        (lambda book: book["参数"].delete_rows(4, 4), "t.xlsx:参数!A1: E921", "base"),
        (lambda book: book["按级别"].delete_rows(4, 9), "t.xlsx:按级别!A1: E921", "by_level"),
        (lambda book: book["补助表"].delete_rows(4, 9), "t.xlsx:补助表!A1: E921", "grants"),
        (lambda book: book.copy_worksheet(book["参数"]), "t.xlsx:参数 Copy!A1: E907", "parameters"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_cell(
    small: Path, edit: Callable[[Workbook], object], start: str, part: str
) -> None:
    messages = refused(small, edit)
    assert any(one.startswith(start) and part in one for one in messages), messages
    assert all(one.startswith("t.xlsx") for one in messages), messages


def test_every_mistake_of_a_workbook_is_told_at_once(small: Path) -> None:
    def edit(book: Workbook) -> None:
        book["参数"]["F4"] = "=1"
        book["补助表"].merge_cells("B4:B5")
        book["代码表"]["D4"] = "更低"

    assert len(refused(small, edit)) >= 3


def test_an_export_older_than_the_rulebook_is_refused_where_both_changed(small: Path) -> None:
    path = small.parent / "t.xlsx"
    export_workbook([small], [], (), path)
    small.write_text(SMALL.replace("value: 120.50", "value: 121.50"), "utf-8")
    assert import_workbook(path, [small], [], "draft").text == ""
    book = load_workbook(path)
    book["参数"]["F5"] = "125.00"
    book.save(path)
    with pytest.raises(RuleError, match=r"参数!A1: E922"):
        import_workbook(path, [small], [], "draft")


def test_what_is_no_workbook_is_refused(small: Path) -> None:
    path = small.parent / "t.xlsx"
    path.write_bytes(b"name,value\n")
    with pytest.raises(RuleError, match="E903"):
        import_workbook(path, [small], [], "draft")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(RuleError, match="E903"):
        import_workbook(path, [small], [], "draft")


def test_entities_in_a_workbook_are_not_expanded(small: Path) -> None:
    path = small.parent / "t.xlsx"
    export_workbook([small], [], (), path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    text = parts["xl/workbook.xml"]
    parts["xl/workbook.xml"] = text.replace("?>", '?><!DOCTYPE a [<!ENTITY x "lol">]>', 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    if find_spec("lxml") is not None:  # with lxml openpyxl leaves entities alone, else it refuses them
        assert import_workbook(path, [small], [], "draft").text == ""
        return
    with pytest.raises(RuleError, match="E903"):
        import_workbook(path, [small], [], "draft")


# -- the commands ------------------------------------------------------------------------------------


def test_the_commands_write_a_workbook_and_read_it_back(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small.parent)
    assert main(["export", "--xlsx", "t.xlsx", "--rules", "rules.yaml", "--lang", "en"]) == 0
    assert main(["import", "t.xlsx", "--rules", "rules.yaml", "--lang", "en"]) == 0
    assert "nothing was edited" in capsys.readouterr().out
    assert not Path("t.yaml").exists()
    book = load_workbook("t.xlsx")
    book["参数"]["F5"] = "125.00"
    book.save("t.xlsx")
    for _ in range(2):  # what import wrote, it may write again
        assert main(["import", "t.xlsx", "--rules", "rules.yaml", "--lang", "en"]) == 0
        shown = capsys.readouterr()
        assert "120.50 (cited)" in shown.out
        assert "125.00 (provisional)" in shown.out
        assert shown.err.startswith("t.xlsx:参数!F5: E923: ")
    Path("t.yaml").write_text("overlay: {name: mine, title: mine}\n", "utf-8")
    assert main(["import", "t.xlsx", "--rules", "rules.yaml"]) == 2
    assert main(["import", "t.xlsx", "--rules", "rules.yaml", "--out", "rules.yaml"]) == 2
    assert main(["export", "--rules", "rules.yaml"]) == 2
    assert main(["export", "--xlsx", "t.csv", "--rules", "rules.yaml"]) == 2


def test_a_workbook_of_a_rulebook_with_overlays(small: Path) -> None:
    overlay = small.parent / "first.yaml"
    overlay.write_text(
        "overlay: {name: first, title: 先}\nset: {base: {from: 2026-01-01, value: 140}}\n", "utf-8"
    )
    path = small.parent / "t.xlsx"
    export_workbook([small], [overlay], (), path)
    book = load_workbook(path)
    assert book["参数"]["F6"].value == "140"
    book["参数"]["F6"] = "141"
    book.save(path)
    text = import_workbook(path, [small], [overlay], "draft").text
    assert "value: 141" in text
    assert "120" not in text
