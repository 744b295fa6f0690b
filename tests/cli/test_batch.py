"""`mianshen batch` as an operator meets it: exit status, rejects, what is written and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from tests.cli.conftest import Run

RESIDENTS = """\
person_id,insured_area,insurance_scheme,coverage_status,employment_status,assistance_category
P1,310113,职工医保,active,employed,none
P2,310113,employee,aktive,employed,none
"""
CLAIMS = """\
claim_id,person_id,service_date,care_type,total_cost,out_of_scope_cost
C1,P1,2026-03-02,inpatient,48650.37,5535.62
C2,P1,2026-04-02,inpatient,-5,1
C3,P1,2026-05-02,inpatient,100,0
C4,P2,2026-05-02,inpatient,100,0
C5,P9,2026-05-02,inpatient,100,0
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "r.csv").write_text(RESIDENTS, encoding="utf-8")
    (tmp_path / "c.csv").write_text(CLAIMS, encoding="utf-8")
    files = ["--residents", str(tmp_path / "r.csv"), "--claims", str(tmp_path / "c.csv")]
    return ["batch", *files, "--as-of", "2026-11-21", "--out", str(tmp_path / "out")]


def test_bad_rows_are_in_the_rejects_and_spoil_only_what_reads_them(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    status, out, _ = run(*words, "--format", "json")
    assert status == 1
    assert json.loads(out)["records"]["claim"] == {"read": 5, "decided": 2, "rejected": 3}
    with duckdb.connect() as database:
        rejects = database.execute(f"FROM read_parquet('{tmp_path}/out/rejects.parquet')").fetchall()
        claims = database.execute(
            f"SELECT claim_id, status, missing, patient_pays FROM read_parquet('{tmp_path}/out/claims.parquet')"
        ).fetchall()
    assert rejects == [
        ("c.csv", 2, "C2", "total_cost", "E422", "out_of_range"),
        ("c.csv", 4, "C4", None, "E434", "parent_rejected"),
        ("c.csv", 5, "C5", "person_id", "E433", "unknown_parent"),
        ("r.csv", 2, "P2", "coverage_status", "E424", "bad_code"),
    ]
    assert [(c, s, m) for c, s, m, _ in claims] == [
        ("C1", "decided", None),
        ("C3", "undetermined", "claim C2"),
    ]
    assert str(claims[0][3]) == "13277.83"


@pytest.mark.parametrize(("allowed", "status"), [("4", 0), ("3", 1), ("60%", 0), ("50%", 1), ("many", 2)])
def test_rejects_beyond_what_is_allowed_exit_one(
    run: Run, words: list[str], allowed: str, status: int
) -> None:
    assert run(*words, "--max-rejects", allowed)[0] == status


def test_a_misspelt_column_is_refused_at_its_place(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(CLAIMS.replace("total_cost,", "total_cots,"), encoding="utf-8")
    status, _, err = run(*words)
    assert status == 2
    assert f"{tmp_path / 'c.csv'}:1:43: E502: " in err
    assert "total_cost" in err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_no_batch_wrote_is_left_alone(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").write_text("mine", encoding="utf-8")
    assert run(*words)[0] == 2
    assert (tmp_path / "out" / "letters.txt").read_text(encoding="utf-8") == "mine"


def test_an_earlier_run_is_replaced_whole(run: Run, words: list[str], tmp_path: Path) -> None:
    run(*words)
    first = (tmp_path / "out" / "manifest.json").read_bytes()
    run(*words)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == first
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "claims.parquet", "households.parquet",
        "manifest.json", "rejects.csv", "rejects.parquet", "residents.parquet", "rulebook.zip", "summary.json",
        "timings.json",
    ]  # fmt: skip
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv", "out", "r.csv"]


def test_a_stranger_among_an_earlier_run_is_not_lost(run: Run, words: list[str], tmp_path: Path) -> None:
    run(*words)
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    assert run(*words)[0] == 2
    assert (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_json_on_screen_is_the_summary_and_the_rest_goes_to_standard_error(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    status, out, err = run(*words, "--format", "json", "--max-rejects", "33.4%")
    assert status == 1
    assert json.loads(out) == json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    stages = [line.partition(":")[0] for line in err.splitlines()]
    assert stages == ["read and checked", "decided and written", "digests and manifest"]


def test_tables_and_stages_speak_chinese(run: Run, words: list[str], tmp_path: Path) -> None:
    status, out, err = run(
        *words, "--lang", "zh", "--max-rejects", "100%", "--threads", "1", "--memory", "1GB"
    )
    assert status == 0
    assert err.startswith("读取与校验：7 行，")
    shown = [line.split() for line in out.splitlines()]
    assert shown[0] == ["记录", "读取", "核定", "退回"]
    assert ["就医费用", "5", "2", "3"] in shown
    assert ["新生儿参保登记", "0", "1", "0", "0"] in shown
    assert ["政策范围内费用", "43,214.75", "2", "0", "0"] in shown
    assert shown[-1] == ["结果已写入", str(tmp_path / "out")]


@pytest.mark.parametrize(
    ("option", "value", "english", "chinese"),
    [
        ("--max-rejects", "-1", "--max-rejects takes a whole number or a share, such as 10 or 0.5%.",
         "--max-rejects 应为整数或百分比，如 10 或 0.5%。"),
        ("--max-rejects", "120%", "--max-rejects takes a whole number or a share, such as 10 or 0.5%.",
         "--max-rejects 应为整数或百分比，如 10 或 0.5%。"),
        ("--max-rejects", "１%", "--max-rejects takes a whole number or a share, such as 10 or 0.5%.",
         "--max-rejects 应为整数或百分比，如 10 或 0.5%。"),
        ("--memory", "lots", "--memory takes a size, and lots is none. Write it like 4GB.",
         "--memory 的值 lots 不是内存大小。请写成 4GB 的样子。"),
        ("--threads", "0", "--threads takes a whole number from 1 to 256, and this is 0.",
         "--threads 只能填 1 到 256 之间的整数，而这里是 0。"),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_used_is_told_in_both_languages(
    run: Run, words: list[str], tmp_path: Path, option: str, value: str, english: str, chinese: str
) -> None:
    assert run(*words, f"{option}={value}") == (2, "", f"mianshen: {english}\n")
    assert run(*words, f"{option}={value}", "--lang=zh") == (2, "", f"mianshen: {chinese}\n")
    assert not (tmp_path / "out").exists()


def test_the_mistakes_of_all_files_are_a_line_each_and_quote_no_record(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text(RESIDENTS + "310101194909030000,310113\n", encoding="utf-8")
    expected = "the header has 6 columns, and this line has 2. Give the line as many cells, and quote a cell that holds a comma."
    assert run(*words) == (2, "", f"{tmp_path}/r.csv:4:26: E509: {expected}\n")
    (tmp_path / "r.csv").write_text("人员编号,参保第\n", encoding="utf-8")
    (tmp_path / "c.csv").write_bytes(CLAIMS.replace("C2", "\udcff").encode("utf-8", "surrogateescape"))
    status, out, err = run(*words, "--lang", "zh")
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        f"{tmp_path}/c.csv:3:1: E508: 文件不是 UTF-8 编码。请用 --encoding 写明编码，或另存为 UTF-8。",
        f"{tmp_path}/r.csv:1:6: E502: 未知的列 第 2 列。也许想写 参保地。",
    ]


def test_too_little_memory_is_told_so(run: Run, words: list[str], tmp_path: Path) -> None:
    status, _, err = run(*words, "--memory", "1MB")
    assert status == 2
    assert err.splitlines()[-1].startswith(f"{tmp_path}/out: E518: the memory does not suffice.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv", "r.csv"]
