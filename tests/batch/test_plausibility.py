"""Doubts about whole files before a batch decides, and people and bills that stand in them twice."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.batch.batches import CLAIMS, EMPLOYEE, RESIDENTS, STAY, batch, refusal, rows

from mianshen.ingest import entity_rows, part_columns
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.identity_columns import sound_identity_numbers
from mianshen.ingest.inputs import open_inputs
from mianshen.ingest.plausibility import Plausibility
from mianshen.program.program import Program
from mianshen.program.stages import parents_first
from mianshen.records.identity_numbers import check_digit, is_identity_number
from mianshen.rulebook import open_program

DAY: Final = dt.date(2026, 6, 30)
SOUND: Final = "31011319900101001" + check_digit("31011319900101001")
CLAIM: Final = "claim_id,person_id,service_date,hospital_area,care_type,total_cost\n"


@cache
def program() -> Program:
    return open_program()


def seen(
    folder: Path, residents: str, claims: str = "", day: dt.date = DAY
) -> tuple[Plausibility, list[str]]:
    """What was seen of two files, and the doubts in English, without their folder."""
    files = {"resident": folder / "residents.csv", "claim": folder / "claims.csv"}
    files["resident"].write_text(residents, "utf-8")
    files["claim"].write_text(claims or CLAIM, "utf-8")
    with duckdb.connect() as connection:
        inputs = open_inputs(program(), files, connection, folder / "text")
        looked = Plausibility(program(), connection, day)
        reader = RowReader(program(), connection, day, plausibility=looked)
        for name in parents_first(program()):
            for _ in reader.chunks(program().entities[name], inputs.get(name)):
                pass
        doubts = [doubt.show("en").replace(f"{folder}/", "") for doubt in looked.doubts(inputs)]
        return looked, doubts


def people(count: int, shown: str = "{}") -> str:
    return "person_id\n" + "".join(f"{shown.format(at)}\n" for at in range(1, count + 1))


def bills(count: int, shown: str = "{}", day: str = "2026-03-02") -> str:
    rows = (f"C{at},{shown.format(at)},{day},310113,inpatient,{at}.00\n" for at in range(1, count + 1))
    return CLAIM + "".join(rows)


def test_plain_files_raise_no_doubt(tmp_path: Path) -> None:
    looked, doubts = seen(tmp_path, people(40), bills(40))
    assert (doubts, looked.doubled_identities, looked.likely_doubles("claim").count) == ([], 0, 0)


def test_claims_after_the_decision_date_are_doubted(tmp_path: Path) -> None:
    claims = bills(100, day="2026-07-02").replace("2026-07-02", "2026-06-02", 6)
    _, doubts = seen(tmp_path, people(100), claims)
    line = "claims.csv: E544: 94% of the rows (claim) lie after the decision date 2026-06-30. "
    assert doubts == [f"{line}Check --as-of; --yes goes on."]


def test_a_decision_date_long_after_the_last_claim_is_doubted(tmp_path: Path) -> None:
    _, doubts = seen(tmp_path, people(20), bills(20), dt.date(2062, 6, 30))
    assert doubts[0].startswith("claims.csv: E545: the last row (claim) lies 36 years before")
    _, doubts = seen(tmp_path, people(20), bills(20), dt.date(206, 6, 30))
    assert doubts[0].startswith("--as-of: E546: the decision date 0206-06-30 is implausible")


@pytest.mark.parametrize(
    ("residents", "claims", "why"),
    [
        ("{:08}", "{}", "leading zeros"),
        ("p{}", "P{}", "differ in case"),
        ("A{}", "B{}", "same people"),
    ],
)
def test_claims_that_find_nobody_are_doubted_with_the_reason(
    tmp_path: Path, residents: str, claims: str, why: str
) -> None:
    _, doubts = seen(tmp_path, people(300, residents), bills(300, claims))
    assert len(doubts) == 1
    assert doubts[0].startswith("claims.csv: E547: hardly any row (claim) finds its resident by person_id. ")
    assert why in doubts[0]


def test_a_few_claims_of_strangers_are_no_doubt(tmp_path: Path) -> None:
    _, doubts = seen(tmp_path, people(100), bills(300))
    assert doubts == []


def test_one_identity_number_under_two_person_numbers_is_counted_and_not_repeated(tmp_path: Path) -> None:
    wrong = SOUND[:-1] + ("0" if SOUND[-1] != "0" else "1")
    for number in (SOUND, wrong):  # a wrong one is rejected, and still one person's
        rows = f"person_id,identity_number\nP1,{number}\nP2,{number}\nP3,{number.lower()}\nP4,\nP5,\n"
        looked, doubts = seen(tmp_path, rows)
        assert looked.doubled_identities == 1
        assert number not in repr(looked) + "".join(doubts)
    old = SOUND[:6] + SOUND[8:17]  # the same number as it was written before 1999
    looked, _ = seen(tmp_path, f"person_id,identity_number\nP1,{SOUND}\nP2,{old}\nP3,\n")
    assert looked.doubled_identities == 1
    looked, _ = seen(
        tmp_path, f"person_id,valid_from,identity_number\nP1,2025-01-01,{SOUND}\nP1,2026-01-01,{SOUND}\n"
    )
    assert looked.doubled_identities == 0


BILL: Final = "{},{},2026-03-02,310113,inpatient,{}\n"


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        ([("C1", "1", "60300.00"), ("C2", "1", "60300.00"), ("C3", "1", "20300.00")], [(1, 0)]),
        ([("C1", "1", "60300.00"), ("C1", "1", "60300.00")], [(1, 0)]),
        (
            [("C1", "1", "5.00"), ("C2", "2", "5.00"), ("C3", "1", "5.00"), ("C4", "1", "5.00")],
            [(2, 0), (3, 0)],
        ),
        ([("C1", "1", "0.00"), ("C2", "1", "0.00"), ("C3", "1", ""), ("C4", "1", "")], []),
    ],
)
def test_a_bill_under_two_numbers_is_likely_a_double(
    tmp_path: Path, rows: list[tuple[str, str, str]], pairs: list[tuple[int, int]]
) -> None:
    looked, _ = seen(tmp_path, people(5), CLAIM + "".join(BILL.format(*row) for row in rows))
    assert looked.likely_doubles("claim").rows == pairs


def test_a_bill_settled_again_after_its_reversal_is_no_double(tmp_path: Path) -> None:
    claims = (
        "claim_id,person_id,service_date,total_cost,reverses\n"
        "C1,1,2026-03-02,9.00,\nR1,1,2026-03-02,9.00,C1\nC2,1,2026-03-02,9.00,\n"
    )
    looked, _ = seen(tmp_path, people(3), claims)
    assert looked.likely_doubles("claim").count == 0


def test_a_placeholder_is_unknown_and_counted(tmp_path: Path) -> None:
    rows = "person_id,birth_date\nP1,1900-01-01\nP2,1970-01-01\nP3,1970-01-02\n"
    looked, _ = seen(tmp_path, rows)
    assert looked.placeholders() == {"resident": {"birth_date": 2}}


def test_what_is_seen_does_not_depend_on_how_files_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    residents, claims = (
        people(3000, "{:08}"),
        bills(3000) + bills(3000).partition("\n")[2].replace("\nC", "\nD"),
    )
    whole, doubts = seen(tmp_path, residents, claims)
    monkeypatch.setattr(part_columns, "ROWS", 100)
    monkeypatch.setattr(entity_rows, "ROWS", 100, raising=False)
    cut, same = seen(tmp_path, residents, claims)
    assert doubts == same != []
    assert whole.likely_doubles("claim") == cut.likely_doubles("claim")
    assert whole.likely_doubles("claim").count == 3000


@given(st.lists(st.one_of(
    st.none(), st.text("0123456789Xx ", max_size=20),
    st.tuples(st.dates(dt.date(1700, 1, 1), dt.date(2100, 1, 1)), st.integers(0, 999), st.integers(0, 19)).map(
        lambda parts: _number(*parts)
    ),
), max_size=20))  # fmt: skip
def test_columns_and_single_numbers_are_checked_alike(texts: list[str | None]) -> None:
    sound = sound_identity_numbers(pa.array(texts, pa.string()))
    assert list(sound) == [text is None or is_identity_number(text) for text in texts]


def _number(born: dt.date, order: int, spoil: int) -> str:
    """An identity number, of which the digit `spoil` may be another."""
    front = f"310113{born:%Y%m%d}".replace("310113", f"310113{born.year:04}"[:6]) + f"{order:03}"
    number = front + check_digit(front)
    return number if spoil >= len(number) else f"{number[:spoil]}7{number[spoil + 1 :]}"


def test_a_file_that_is_plainly_another_entitys_is_told_so_once(tmp_path: Path) -> None:
    residents = "person_id,sex,birth_date,insured_area\n1,male,1980-01-01,310113\n"
    told = [
        "claims.csv:1:1: E543: this file is given as claim and looks like resident. Check which file each option names.",
        "residents.csv:1:1: E543: this file is given as resident and looks like claim. Check which file each option names.",
    ]
    assert refusal(tmp_path, {"residents.csv": CLAIMS, "claims.csv": RESIDENTS}) == told
    assert refusal(tmp_path, {"residents.csv": bills(2), "claims.csv": residents}) == told


def test_what_is_dated_before_the_birth_of_its_person_is_counted_and_decided(tmp_path: Path) -> None:
    people = RESIDENTS.replace("person_id,", "person_id,birth_date,") + "".join(
        EMPLOYEE.replace("P1", f"P{number},{day}")
        for number, day in (
            (1, "2026-03-03"),
            (2, ""),
            (3, "1970-01-01"),
            (4, "1980-01-01"),
            (5, "2027-01-01"),
        )
    )
    claims = CLAIMS + "".join(
        STAY.replace("C1,P1,2026-03-02", f"C{number},P{person},2026-03-{day:02}")
        for number, (person, day) in enumerate(((1, 2), (1, 3), (2, 2), (3, 2), (4, 2), (5, 2)))
    )
    out = batch(tmp_path, {"residents.csv": people, "claims.csv": claims})
    findings = json.loads((out / "summary.json").read_text("utf-8"))["findings"]
    assert findings["dated_before_birth"] == {"claim": 1}
    assert "dated_after_death" not in findings
    assert len(rows(out / "claims.parquet")) == 5


def test_the_dead_and_what_is_dated_after_their_death_are_counted(tmp_path: Path) -> None:
    people = RESIDENTS.replace("person_id,", "person_id,death_date,") + "".join(
        EMPLOYEE.replace("P1", f"P{number},{day}")
        for number, day in ((1, "2026-03-02"), (2, ""), (3, "2026-12-30"))
    )
    claims = CLAIMS + "".join(
        STAY.replace("C1,P1,2026-03-02", f"C{number},P{person},2026-03-{day:02}")
        for number, (person, day) in enumerate(((1, 2), (1, 3), (1, 4), (2, 3), (3, 3)))
    )
    out = batch(tmp_path, {"residents.csv": people, "claims.csv": claims})
    findings = json.loads((out / "summary.json").read_text("utf-8"))["findings"]
    assert findings["dead_by_the_decision_date"] == 1
    assert findings["dated_after_death"] == {"claim": 2}
    assert rows(out / "rejects.parquet") == []
