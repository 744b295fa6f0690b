"""`mianshen docs`: whole for any rulebook, its links lead somewhere, the same bytes each time."""

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from tests.policy.conftest import CASES, RULES
from tests.rulebooks.test_rulebooks import HERE, MECHANISMS, files
from tests.support.campaigns import SOAK

from mianshen.docs.quotes import Document
from mianshen_cli.main import main

pytestmark = pytest.mark.xdist_group("docs")
CASE = """\
defaults: {as_of: 2026-01-01}
cases: [{name: 老人, 人: {编号: P1, 年龄: 60, 类别: A}, expect: {人: {补贴: 20.00}}}]
"""
TAXES = HERE / "taxes"
SMALL = {
    "title: cost}": "title: {zh: 费用, en: cost}}",
    "standing: {type: code standing, title: standing}": "standing: {type: code standing, title: <script>alert(1)</script>}",
    "decision: excess, value": "decision: excess, basis: provisional, stand_in: {of: 甲市, authority: 乙局}, value",
    "basis: cited, values: [{from: 2020-01-01, value: 100.00}]": "values: [{from: 2020-01-01, value: 100.00, "
    "basis: provisional}, {from: 2024-01-01, basis: missing}, {from: 2025-01-01, value: 120.00, basis: cited}]",
    "sources: {S: {title: S}}": "sources: {S: {title: S, file: S.txt}}",
}


class _Reader(HTMLParser):
    """What a page leads to, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.scripts += tag == "script"
        if named.get("id"):
            self.places.add(str(named["id"]))
        self.links += [str(named[name]) for name in ("href", "src") if named.get(name)]


def broken(site: Path) -> list[str]:
    """Every link of a page or of the search that leads nowhere."""
    read = {page: _Reader(page.read_text("utf-8")) for page in site.rglob("*.html")}
    wrong = []
    for page, reader in read.items():
        assert reader.scripts in (0, 2), page
        for link in reader.links:
            path, _, place = link.partition("#")
            if path.startswith("data:"):
                continue
            assert "://" not in link, link
            target = (page.parent / unquote(path)).resolve() if path else page
            known = read.get(target)
            if not target.is_file() or (place and (known is None or unquote(place) not in known.places)):
                wrong.append(f"{page.relative_to(site)}: {link}")
    text = (site / "search-index.js").read_text("utf-8")
    for *_, link in json.loads(text.partition("=")[2].rstrip(" ;\n")):
        path, _, place = link.partition("#")
        for lang in ("zh", "en"):
            known = read.get(site / lang / path)
            if known is None or (place and place not in known.places):
                wrong.append(f"search: {link}")
    return wrong


def write_site(out: Path, *words: str) -> Path:
    assert main(["docs", "--out", str(out), *words]) == 0
    return out.resolve()


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """A rulebook with something of everything to mind, its cases and the text of its source, as arguments."""
    rules = RULES
    for before, after in SMALL.items():
        assert before in rules
        rules = rules.replace(before, after)
    (tmp_path / "rules.yaml").write_text(rules, "utf-8")
    (tmp_path / "cases.yaml").write_text(CASES, "utf-8")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "S.txt").write_text("一、总则\n（一）对象\n1.老年人。\n2.其他人。\n", "utf-8")
    named = (
        ("rules", tmp_path / "rules.yaml"),
        ("cases", tmp_path / "cases.yaml"),
        ("sources", tmp_path / "texts"),
    )
    return [word for name, path in named for word in (f"--{name}", str(path))]


def test_names_in_any_script_have_pages_and_none_shares_another_s(tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(CASE, "utf-8")
    rules = str(Path(__file__).parent / "names.yaml")
    site = write_site(tmp_path / "site", "--rules", rules, "--cases", str(tmp_path / "cases.yaml"))
    assert broken(site) == []
    pages = [page.relative_to(site).as_posix() for page in site.rglob("*.html")]
    assert len({page.casefold() for page in pages}) == len(pages)
    assert "zh/source/国办发=30142021=301542号=2f附件=3f=23.html" in pages


@pytest.mark.parametrize(
    "mechanism",
    [name for name in MECHANISMS if SOAK or name != "city"],  # the shipped rulebook has what a city has
)
def test_any_rulebook_has_docs_whose_links_resolve(mechanism: str, tmp_path: Path) -> None:
    rules = [word for file in files(mechanism) for word in ("--rules", str(file))]
    cases = ["--cases", str(HERE / f"{mechanism}.cases.yaml")]
    assert broken(write_site(tmp_path / "site", *rules, *cases)) == []


def test_taxes_have_docs_with_their_tables(tmp_path: Path) -> None:
    words = ["--rules", str(TAXES / "rules"), "--cases", str(TAXES / "cases.yaml")]
    site = write_site(tmp_path / "site", *words)
    assert broken(site) == []
    tables = (site / "en" / "tables.html").read_text("utf-8")
    assert "contributions by age ([18..67))" in tables
    assert "9%" in tables
    assert "tax_on(income: money): money" in (site / "en" / "function" / "tax_on.html").read_text("utf-8")
    brackets = (site / "en" / "parameter" / "brackets.html").read_text("utf-8")
    assert "&gt; 12,000.00: 20%" in brackets


def test_a_function_is_not_taken_for_one_whose_name_ends_alike(tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text('functions:\n  ax_on: {takes: {income: money}, gives: money, value: "income"}\n', "utf-8")
    site = write_site(tmp_path / "site", "--rules", str(TAXES / "rules"), "--rules", str(more))
    assert 'id="readers"' in (site / "en" / "function" / "tax_on.html").read_text("utf-8")
    assert 'id="readers"' not in (site / "en" / "function" / "ax_on.html").read_text("utf-8")


def test_the_shipped_rulebook_has_docs_whose_links_resolve(shipped_site: Path) -> None:
    assert broken(shipped_site) == []
    rows = json.loads((shipped_site / "search-index.js").read_text("utf-8").partition("=")[2].rstrip(" ;\n"))
    assert [
        "待遇",
        "benefit",
        "医疗救助对象资助参保",
        "Premium subsidy",
        "premium_subsidy",
        "benefit/premium_subsidy.html",
    ] in rows
    case = (shipped_site / "zh" / "cases" / "assistance.yaml.html").read_text("utf-8")
    assert "参保地 <b>北京市东城区（110101）</b>" in case
    assert "医疗救助支付</a> <b>160,000.00</b>" in case


def test_what_is_provisional_or_not_tried_is_marked(small: list[str], tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", *small)
    assert broken(site) == []
    excess = (site / "zh" / "decision" / "person.excess.html").read_text("utf-8")
    assert '<span class="mark warn">暂定</span>' in excess
    assert "代用（甲市，本地规定待录入；向乙局核实）" in excess
    floor = (site / "en" / "parameter" / "floor.html").read_text("utf-8")
    assert "step provisional" in floor
    assert "step missing" in floor
    assert "step cited" in floor
    assert floor.count("dated values 2020-01-01") == 1  # the cases are decided for a later day
    opened = (site / "en" / "open.html").read_text("utf-8")
    assert "not published" in opened
    assert "stand-in (甲市; the local one is not entered; ask 乙局)" in opened
    assert "floor" in (site / "zh" / "coverage.html").read_text("utf-8")


def test_no_text_of_a_rulebook_becomes_markup(small: list[str], tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", *small)
    assert all("<script>alert" not in page.read_text("utf-8") for page in site.rglob("*.html"))
    assert "&lt;script&gt;alert" in (site / "en" / "entity" / "person.html").read_text("utf-8")


def test_the_same_inputs_give_the_same_bytes(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write_site(tmp_path / "one", *small)
    monkeypatch.chdir(tmp_path)
    two = write_site(
        Path("two"), *(str(Path(word).relative_to(tmp_path)) if word[0] == "/" else word for word in small)
    )
    contents = [
        {p.relative_to(site): p.read_bytes() for p in site.rglob("*") if p.is_file()} for site in (one, two)
    ]
    assert contents[0] == contents[1]


def test_docs_replace_docs_and_nothing_else(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_site(tmp_path / "site", *small)
    write_site(tmp_path / "site", *small)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine", "utf-8")
    assert main(["docs", "--out", str(tmp_path / "own"), *small]) == 2
    assert "E794" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "own").iterdir()] == ["thesis.txt"]
    assert main(["docs", "--out", str(tmp_path / "new"), *small[:-1], str(tmp_path / "own")]) == 2
    assert "E795" in capsys.readouterr().err


TEXT = """\
关于某事的通知

一、目标
（一）任务
1.扩大资助范围，对困难人员
给予资助。
2.提高标准。
10.其他。
（二）要求
1.落实到位。

二、附则
自印发之日起施行。资助参保按年办理；逾期不办。
"""


@pytest.mark.parametrize(
    ("clause", "found_by", "paragraphs", "words"),
    [
        ("一（一）1", "number", ["1.扩大资助范围，对困难人员给予资助。"], ""),
        ("一（一）1（困难人员）", "number", ["1.扩大资助范围，对困难人员给予资助。"], "困难人员"),
        ("一（一）2、10", "number", ["2.提高标准。", "10.其他。"], ""),
        ("一（一）1-2", "number", ["1.扩大资助范围，对困难人员给予资助。", "2.提高标准。"], ""),
        ("一（二）", "number", ["（二）要求", "1.落实到位。"], ""),
        ("资助参保段", "words", ["资助参保按年办理；"], "资助参保"),
        ("附件（按年办理）", "words", ["资助参保按年办理；"], "按年办理"),
    ],
)
def test_a_clause_is_quoted_by_its_number_or_its_words(
    clause: str, found_by: str, paragraphs: list[str], words: str
) -> None:
    quote = Document(TEXT).quote(clause)
    assert quote is not None
    assert (quote.found_by, list(quote.paragraphs), quote.words) == (found_by, paragraphs, words)


@pytest.mark.parametrize("clause", ["三（一）", "一（一）3", "门诊段", "第七条", "一（三）1"])
def test_a_clause_that_is_not_found_is_not_quoted(clause: str) -> None:
    assert Document(TEXT).quote(clause) is None


def test_a_number_that_leads_to_two_places_is_not_quoted() -> None:
    assert Document(TEXT + "附件\n" + TEXT).quote("一（一）2") is None
