"""What a notice tells: every answer of every case of the repository, on paper, with what it rests on."""

import datetime as dt
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path

import pytest
from tests.support.campaigns import few

from mianshen.cases.read import case_files
from mianshen.casework.check import Checker
from mianshen.casework.notice import Notice, Subject, notice_of, record_digest, to_html, to_pdf
from mianshen.document.yaml_tree import read_tree
from mianshen.records.read import read_cases, read_record
from mianshen.rulebook import open_program
from mianshen.source import Lang, RuleError

ROOT = Path(__file__).parents[2]
PERSON = 'person_id: P1, insured_area: "310113", insurance_scheme: resident, coverage_status: active'
STAY = "service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary"
RECORD = f"""
as_of: 2026-11-21
resident: {{{PERSON}, assistance_category: subsistence}}
household: {{household_id: H1, annual_income: 60000.00, member_count: 2}}
members:
  - person_id: P2
    insured_area: "310113"
    claims: [{{claim_id: D7, {STAY}, total_cost: 31415.92, out_of_scope_cost: 0.00}}]
claims:
  - {{claim_id: C1, {STAY}, total_cost: 60300.00, out_of_scope_cost: 0.00, critical_illness: true}}
  - {{claim_id: C2, {STAY}, total_cost: 8000.00}}
"""
BEIJING = """
as_of: 2026-11-21
resident:
  {person_id: P1, insured_area: "110101", insurance_scheme: resident, coverage_status: active,
   assistance_category: illness_poverty}
household: {household_id: H1, member_count: 1}
claims:
  - {claim_id: C1, service_date: 2025-03-02, care_type: inpatient,
     total_cost: 45678.90, out_of_scope_cost: 0.00, basic_paid: 0.00}
"""


@cache
def checker() -> Checker:
    return Checker(open_program())


def drafted(text: str, benefit: str | None = None, claim: str | None = None, lang: Lang = "en") -> Notice:
    node, _ = read_tree(text, "record.yaml")
    assert node is not None
    case, _ = read_record(node, checker().program)
    assert case is not None
    return notice_of(checker(), checker().check(case), Subject(benefit, claim, "record.yaml"), lang)


def digest(text: str) -> str:
    node, _ = read_tree(text, "record.yaml")
    assert node is not None
    case, _ = read_record(node, checker().program, dt.date(2026, 11, 21))
    assert case is not None
    return record_digest(case)


def all_notices() -> Iterator[Notice]:
    """A notice about each benefit and each claim of shipped cases that need no overlay: of each in `make soak`."""
    program = checker().program
    for file in case_files([ROOT / "cases"]):
        for record in read_cases(file, program)[:: few(11, 1)]:
            checked = checker().check(record.case)
            if record.overlays or record.case.person.rejection is not None:
                continue
            for name, benefit in program.benefits.items():
                if benefit.entity == record.case.person.entity:
                    yield notice_of(checker(), checked, Subject(name, None), "zh")
            for result in checked.result.rows:
                yield notice_of(checker(), checked, Subject(None, result.row.key), "en")


@cache
def notices() -> tuple[Notice, ...]:
    return tuple(all_notices())


def words_of(page: str) -> str:
    """What a reader of the page sees, in one line."""
    seen: list[str] = []

    class Reader(HTMLParser):
        hidden = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.hidden = tag in ("style", "script")

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                seen.append(data)

    Reader().feed(page)
    return " ".join(" ".join(seen).split())


def test_the_cases_give_notices_of_every_status() -> None:
    assert {notice.status for notice in notices()} == {
        "eligible", "ineligible", "undetermined", "not_modelled", "decided",
    }  # fmt: skip


def test_every_figure_shown_carries_its_basis_and_a_document_of_the_rulebook_with_the_clause() -> None:
    figures = [figure for notice in notices() for figure in notice.figures]
    assert len({figure.name for figure in figures}) > 15
    sources = checker().program.sources
    for figure in figures:
        assert figure.source in sources, figure
        assert figure.clause, figure
        title = sources[figure.source].title
        assert figure.citation.startswith((title.zh, title.en)), figure
        assert figure.citation.endswith(figure.clause), figure
        assert figure.basis_words, figure


def test_what_is_provisional_is_named_and_so_is_the_remedy() -> None:
    for notice in notices():
        marked = {figure.title for figure in notice.figures if figure.basis == "provisional"}
        assert marked <= set(notice.provisional)
        told = any("暂定" in remedie or "provisional" in remedie for remedie in notice.remedies)
        assert told is bool(notice.provisional)


def test_an_undetermined_answer_names_what_is_missing_and_only_it_lacks_an_amount() -> None:
    for notice in notices():
        if notice.status == "undetermined":
            assert notice.missing
        if notice.status in ("undetermined", "ineligible", "not_modelled"):
            assert notice.amount == ""


def test_every_notice_of_a_case_shows_its_facts_layers_and_digests_on_the_page() -> None:
    for notice in notices()[:: few(29, 19)]:
        words = words_of(to_html(notice))
        layers = [layer.value for layer in notice.layers]
        figures = chain.from_iterable((figure.value, figure.citation) for figure in notice.figures)
        facts = [given.value for facts in notice.facts for given in facts.given]
        for text in (*layers, *figures, *facts, *notice.missing, *(item.value for item in notice.replay)):
            assert " ".join(text.split()) in words


def test_a_claim_is_told_layer_by_layer_with_what_its_limits_did() -> None:
    notice = drafted(RECORD, claim="C1")
    shown = {layer.name: layer.value for layer in notice.layers if layer.shown}
    assert shown == {
        "in_scope_cost": "60,300.00", "deductible": "300.00", "basic_payment": "45,000.00",
        "supplementary_payment": "0.00", "critical_illness_payment": "9,945.00",
        "assistance_payment": "4,551.75", "patient_pays": "803.25",
    }  # fmt: skip
    assert (notice.status, notice.amount, notice.subject) == ("decided", "803.25 yuan", "claim C1 2026-03-02")
    [limit] = [ground.limit for layer in notice.layers for ground in layer.grounds if ground.limit]
    assert "limit 160,000.00, counted before 0.00, due 4,551.75, paid 4,551.75, above the limit 0.00" in limit
    assert any("inpatient assistance paid earlier" in assumption for assumption in notice.assumptions)


def test_an_amount_due_comes_with_its_scale_its_claims_and_who_is_paid() -> None:
    notice = drafted(BEIJING, "illness_poverty_aid", lang="zh")
    assert (notice.status_words, notice.amount) == ("符合条件", "15,271.56 元")
    assert {f.name: (f.value, f.basis) for f in notice.figures} == {
        "beijing_illness_poverty_limit": ("150,000.00", "cited"),
        "beijing_illness_poverty_scale": ("0.00 以上 30%、30,000.00 以上 40%、50,000.00 以上 50%", "cited"),
    }
    [table] = notice.counted
    assert table.rows[0][:3] == ("C1", "2025-03-02", "45,678.90")
    assert [term.value for term in notice.terms] == ["申请办理", "因病致贫家庭", "45,678.90"]
    assert notice.clauses[0] == "北京市因病致贫家庭医疗救助政策文件 京医保发〔2023〕9号 三"


def test_what_was_settled_in_fact_stands_beside_what_the_rules_give() -> None:
    text = RECORD.replace(
        "critical_illness: true}", "critical_illness: true, settled_basic_payment: 44000.00}"
    )
    notice = drafted(text, claim="C1")
    [layer] = [layer for layer in notice.layers if layer.settled]
    assert (layer.name, layer.value) == ("basic_payment", "45,000.00")
    assert layer.settled == "Settled in fact: 44,000.00, which is -1,000.00 against what the rules give."
    assert layer.settled in words_of(to_html(notice))


def test_a_cancelled_claim_has_no_notice() -> None:
    turned = (
        f"{RECORD}  - {{claim_id: C3, {STAY}, total_cost: 0.00, out_of_scope_cost: 0.00, reverses: C1}}\n"
    )
    with pytest.raises(RuleError) as error:
        drafted(turned, claim="C1")
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == ["E749"]
    assert drafted(turned, "premium_subsidy").status == "eligible"


def test_a_claim_tells_of_the_row_in_force_on_its_date() -> None:
    text = RECORD.replace("assistance_category: subsistence}", "assistance_category: none}\nhistory: []")
    dated = text.replace(
        "history: []", "history: [{valid_from: 2026-06-01, assistance_category: subsistence}]"
    )
    notice = drafted(dated, claim="C1")
    [row] = [facts for facts in notice.facts if facts.of.startswith("resident")]
    assert {given.name: given.value for given in row.given}[
        "assistance_category"
    ] == "not an assistance recipient"
    assert digest(dated) != digest(text.replace("history: []", ""))


def test_what_others_of_the_household_spent_is_not_told() -> None:
    notice = drafted(RECORD, "poverty_warning")
    assert notice.status == "undetermined"
    assert any("for their privacy" in assumption for assumption in notice.assumptions)
    page = words_of(to_html(notice))
    assert "31,415.92" not in page
    assert "60,300.00" in page
    # the figures used for them are still told
    assert "resident_deductible_tertiary" in {figure.name for figure in notice.figures}


def test_what_a_record_says_is_text_on_the_page_and_on_paper() -> None:
    hostile = '<img src=x onerror="1"> #pagebreak() ${1+1} {{7*7}} \\\\ *x*'
    text = BEIJING.replace("P1", f"'{hostile}'")
    page = to_html(drafted(text, "illness_poverty_aid"))
    assert "<img" not in page
    assert "&lt;img src=x onerror=&#34;1&#34;&gt; #pagebreak() ${1+1} {{7*7}}" in page


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    page = to_html(drafted(BEIJING, "illness_poverty_aid"))
    assert not re.search(r"<script|<link|@import|url\(|https?:|\bon\w+=", page)


def test_one_thing_is_asked_about_and_it_must_be_there() -> None:
    wrong = [
        (None, None, "E747"), ("illness_poverty_ade", None, "E740"), (None, "C9", "E741"),
        ("illness_poverty_aid", "C1", "E748"),
    ]  # fmt: skip
    for benefit, claim, code in wrong:
        with pytest.raises(RuleError) as error:
            drafted(RECORD, benefit, claim)
        assert [diagnostic.code for diagnostic in error.value.diagnostics] == [code]
    with pytest.raises(RuleError) as error:
        drafted(RECORD.replace("total_cost: 8000.00", "total_cost: -1"), claim="C2")
    assert [diagnostic.code for diagnostic in error.value.diagnostics] == ["E743"]


# -- the digest of a record ------------------------------------------------------------------


def test_the_digest_is_that_of_the_facts_however_they_are_written() -> None:
    lines = RECORD.strip().splitlines()
    turned = "\n".join([*lines[:-2], lines[-1], lines[-2]]).replace("60300.00", '"60300.0"')
    assert digest(turned.replace("subsistence", "低保")) == digest(RECORD)


@pytest.mark.parametrize(
    "change",
    [("60300.00", "60300.01"), ("C2,", "C3,"), ("D7,", "D8,"), ("member_count: 2", "member_count: 3"),
     ("2026-11-21", "2026-11-22"), ("total_cost: 8000.00", "total_cost: 8000.00, out_of_scope_cost: 0"),
     ("total_cost: 8000.00", "total_cost: -1"), ("assistance_category", "opening_basic_paid: 0, assistance_category")],
)  # fmt: skip
def test_the_digest_of_another_record_is_another(change: tuple[str, str]) -> None:
    text = RECORD.replace(*change)
    assert text != RECORD
    if change[0] == "2026-11-21":
        node, _ = read_tree(text, "r.yaml")
        assert node is not None
        case, _ = read_record(node, checker().program)
        assert case is not None
        assert record_digest(case) != digest(RECORD)
    else:
        assert digest(text) != digest(RECORD)


# -- the PDF ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def typesetter() -> None:
    for package in ("typst", "pylopdf_fonts_zh_cn"):
        pytest.importorskip(package, reason="the extra `notice` is not installed")


@pytest.mark.usefixtures("typesetter")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_pdf_is_the_same_bytes_each_time(lang: Lang) -> None:
    notice = drafted(RECORD, "poverty_warning", lang=lang)
    pages = to_pdf(notice)
    assert pages.startswith(b"%PDF-")
    assert to_pdf(notice) == pages


@pytest.mark.usefixtures("typesetter")
def test_the_text_of_a_pdf_can_be_selected_and_its_fonts_travel_with_it(tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None or shutil.which("pdffonts") is None:
        pytest.skip("poppler-utils is not installed")
    hostile = "<b> #pagebreak() $x$"
    file = tmp_path / "notice.pdf"
    file.write_bytes(to_pdf(drafted(BEIJING.replace("P1", f"'{hostile}'"), "illness_poverty_aid", lang="zh")))
    text = subprocess.run(
        ["pdftotext", "-layout", file, "-"], check=True, capture_output=True
    ).stdout.decode()
    for words in (
        "医疗保障待遇核定告知书",
        "15,271.56",
        "北京因病致贫救助年度限额",
        hostile,
        "京医保发〔2023〕",
    ):
        assert words in text
    fonts = (
        subprocess.run(["pdffonts", file], check=True, capture_output=True).stdout.decode().splitlines()[2:]
    )
    assert fonts
    assert all("NotoSansSC" in line and re.search(r"yes +yes +yes", line) for line in fonts)
