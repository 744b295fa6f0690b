"""A notice held against its record: by the program, which decides it again, and by the offline page, which compares digests."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.serve.browsing import browser, fits

from mianshen.casework.notice import digests_in

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


@pytest.fixture
def page(run: Run, tmp_path: Path) -> Iterator[Any]:
    """The offline page, opened from its file with no network."""
    assert run("verify-notice", "--page", str(tmp_path / "verify.html"))[0] == 0
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 400, "height": 800}, offline=True)
        opened = context.new_page()
        opened.goto((tmp_path / "verify.html").as_uri())
        yield opened
        context.close()


def test_the_offline_page_tells_a_true_file_from_a_changed_one(notice: Path, page: Any) -> None:
    file = notice.with_suffix(".verification.json")
    code = json.loads(file.read_text("utf-8"))["code"]
    page.set_input_files("#file", str(file))
    page.fill("#code", code)
    page.wait_for_selector("#verdict.same")
    assert "803.25" in page.inner_text("#result")
    fits(page)
    changed = file.with_name("changed.json")
    changed.write_text(file.read_text("utf-8").replace("803.25", "903.25"), "utf-8")
    page.set_input_files("#file", str(changed))
    page.wait_for_selector("#verdict.differs")
