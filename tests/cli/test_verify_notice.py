"""A notice held against its record: by the command and by the offline page, which both decide it again."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.serve.browsing import browser, fits
from tests.support.campaigns import few

from mianshen.cases.read import CaseOf, Programs, case_files, read_case_files
from mianshen.casework.check import Checker
from mianshen.casework.notice import Subject, digests_in, verification_file
from mianshen.casework.notice.digest import text_of
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook
from mianshen_cli.main import main

RECORD = """
as_of: 2026-11-21
resident: {person_id: P1, insured_area: "310113", insurance_scheme: resident, coverage_status: active,
  assistance_category: subsistence}
household: {member_count: 1}
claims: [{claim_id: C1, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary, total_cost: 60300.00,
  out_of_scope_cost: 0.00, critical_illness: true}]
"""


@pytest.fixture
def notice(run: Run, tmp_path: Path) -> Path:
    """A notice in Chinese about a claim, its record and verification file beside it."""
    (tmp_path / "r.yaml").write_text(RECORD, "utf-8")
    out = tmp_path / "n.html"
    words = [
        "notice",
        str(tmp_path / "r.yaml"),
        "--claim",
        "C1",
        "--verification",
        "--out",
        str(out),
        "--lang",
        "zh",
    ]
    assert run(*words)[0] == 0
    return out


def test_a_notice_is_what_its_record_gives_however_the_record_is_written(run: Run, notice: Path) -> None:
    status, text, _ = run("verify-notice", str(notice), str(notice.with_name("r.yaml")))
    assert (status, text.splitlines()[-1]) == (
        0,
        "Decided again from the record, it is what the notice says: claim C1: decided, 803.25 yuan.",
    )
    other = notice.with_name("other.yaml")
    other.write_text(RECORD.replace("60300.00", "60300.0").replace("subsistence", "低保"), "utf-8")
    assert run("verify-notice", str(notice), str(other))[0] == 0
    code = notice.read_text("utf-8").partition('data-code="')[2].partition('"')[0]
    assert run("verify-notice", "--code", code, str(other))[0] == 0


@pytest.mark.parametrize(
    ("change", "differing"),
    [(("60300.00", "60300.01"), {"record", "answer"}), (("member_count: 1", "member_count: 2"), {"record"})],
)
def test_another_record_differs_in_what_it_differs_in(
    run: Run, notice: Path, change: tuple[str, str], differing: set[str]
) -> None:
    notice.with_name("r.yaml").write_text(RECORD.replace(*change), "utf-8")
    status, text, _ = run("verify-notice", str(notice), str(notice.with_name("r.yaml")))
    assert status == 1
    assert {line.split()[0] for line in text.splitlines() if "differs" in line} == differing


def test_another_rulebook_differs(run: Run, notice: Path) -> None:
    words = ["verify-notice", str(notice), str(notice.with_name("r.yaml")), "--overlay", "outbreak_waiver"]
    status, text, _ = run(*words)
    assert status == 1
    assert {line.split()[0] for line in text.splitlines() if "differs" in line} == {"rulebook"}


def test_what_holds_no_code_is_refused_in_one_line(run: Run, notice: Path) -> None:
    record = str(notice.with_name("r.yaml"))
    assert run("verify-notice", record, record)[2] == (
        f"{record}: E753: holds no text of a notice's QR code. "
        "Name the notice's HTML file, or give the scanned text with --code.\n"
    )
    assert run("verify-notice", record)[0] == run("verify-notice")[0] == 2


def test_the_verification_file_holds_what_the_code_stands_for(notice: Path) -> None:
    content = json.loads(notice.with_suffix(".verification.json").read_text("utf-8"))
    digests = digests_in(notice.read_text("utf-8"))
    assert digests is not None
    assert digests.code() == content["code"]
    for part, digest in (("record", digests.record), ("answer", digests.answer)):
        assert f"sha256:{sha256(content[part].encode()).hexdigest()}" == digest


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of the offline page; it takes a compiler some ten seconds."""
    file = tmp_path_factory.mktemp("page") / "verify.html"
    assert main(("verify-notice", "--page", str(file))) == 0
    return file.read_text("utf-8")


@pytest.fixture
def page(offline: str, tmp_path: Path) -> Iterator[Any]:
    """The offline page, opened from its file with no network."""
    (tmp_path / "verify.html").write_text(offline, "utf-8")
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 400, "height": 800}, offline=True)
        opened = context.new_page()
        opened.goto((tmp_path / "verify.html").as_uri())
        yield opened
        context.close()


def _verdict(page: Any, file: Path, code: str) -> str:
    """What the page says of a file and a code: the class of its verdict."""
    page.fill("#code", "")
    page.set_input_files("#file", [])
    page.wait_for_selector("#result > *", state="detached")
    page.set_input_files("#file", str(file))
    page.wait_for_selector("#result > *")
    page.fill("#code", code)
    return str(page.wait_for_selector("#verdict").get_attribute("class"))


def _differing(page: Any) -> list[str]:
    """The heads of the rows that differ."""
    texts: list[str] = page.locator("tr:has(td.differs) th").all_inner_texts()
    return [text.split(" · ")[0] for text in texts]


@pytest.mark.xdist_group("offline page")
def test_the_offline_page_tells_a_true_file_from_a_changed_one(notice: Path, page: Any) -> None:
    file, changed = notice.with_suffix(".verification.json"), notice.with_name("changed.json")
    text = file.read_text("utf-8")
    code = json.loads(text)["code"]
    assert _verdict(page, file, code) == "same"
    assert "803.25" in page.inner_text("#result")
    fits(page)
    changed.write_text(text.replace("803.25", "903.25"), "utf-8")
    assert _verdict(page, changed, code) == "differs"
    assert _differing(page) == ["核定结果", "重新核定", "个人支付"]
    changed.write_text(text.replace('\\"total_cost\\":\\"60300', '\\"total_cost\\":\\"50300'), "utf-8")
    assert _verdict(page, changed, code) == "differs"
    assert _differing(page)[:3] == ["核定材料", "重新核定", "医疗救助支付"]
    changed.write_text(text.replace("tertiary", "quaternary"), "utf-8")
    assert _verdict(page, changed, code) == "differs"
    assert 'cannot be decided ("quaternary")' in page.inner_text("#result")


@pytest.mark.xdist_group("offline page")
def test_the_offline_page_decides_shipped_cases_as_check_does(page: Any, tmp_path: Path) -> None:
    programs = Programs()
    checker, covered, decided = Checker(programs.under(())), set[tuple[str, ...]](), 0
    for case_of in _shipped(programs):
        case = case_of.record(checker.program)
        checked = checker.check(case)
        kinds = {("over time", str(len(case.person.versions))), ("reversed", str(len(case.reversed)))}
        answers = checked.result.benefits
        statuses = {(name, answer.status) for name, answer in answers.items()}
        if (statuses | kinds) <= covered or any(row.rejection for row in case.rows()) or case.person.blank:
            continue
        subject = Subject(
            next((name for name, status in sorted(statuses) if (name, status) not in covered), None)
            or next(iter(answers)),
            None,
            "",
        )
        covered |= statuses | kinds
        file = tmp_path / "case.json"
        file.write_text(verification_file(checker, checked, subject), "utf-8")
        assert _verdict(page, file, json.loads(file.read_text("utf-8"))["code"]) == "same", str(case_of)
        told = page.eval_on_selector_all(
            "tr[data-benefit]", "(rows) => rows.map((row) => ({ ...row.dataset }))"
        )
        amounts = {name: "" if a.amount is None else text_of(a.amount) for name, a in answers.items()}
        assert {t["benefit"]: (t["status"], t["amount"]) for t in told} == {
            name: (answer.status, amounts[name]) for name, answer in answers.items()
        }, str(case_of)
        decided += 1
    assert decided >= 20
    assert {status for _, status in covered} >= {"eligible", "ineligible", "undetermined", "not_modelled"}


def _shipped(programs: Programs) -> Sequence[CaseOf]:
    """The shipped cases that are decided under no overlay; of every third file, in the soak of all."""
    files = case_files([shipped_rulebook().parent / "cases"])[:: few(3, 1)]
    return [case for case in read_case_files(files, programs) if not case.overlays]


@pytest.mark.xdist_group("offline page")
def test_a_page_of_another_rulebook_says_so(notice: Path, page: Any, offline: str) -> None:
    out = notice.with_name("other.html")
    digest = open_program().digest
    assert digest in offline
    out.write_text(offline.replace(digest, open_program((), ["outbreak_waiver"]).digest), "utf-8")
    page.goto(out.as_uri())
    file = notice.with_suffix(".verification.json")
    assert _verdict(page, file, json.loads(file.read_text("utf-8"))["code"]) == "differs"
    assert _differing(page) == ["规则库（本页所用）"]


def test_without_its_compiler_the_page_compares_and_says_so(
    run: Run, notice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mianshen.native.library.find_spec", lambda _name: None)
    out = notice.with_name("compares.html")
    status, text, _ = run("verify-notice", "--page", str(out))
    assert (status, "pip install 'mianshen[compiler]'" in text) == (0, True)
    with browser() as chromium:
        page = chromium.new_context(offline=True).new_page()
        page.goto(out.as_uri())
        file = notice.with_suffix(".verification.json")
        assert _verdict(page, file, json.loads(file.read_text("utf-8"))["code"]) == "same"
        assert "install mianshen[compiler]" in page.inner_text("#can_en")
