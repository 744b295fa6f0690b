"""Records as they arrive: in several files, folders, packed, in GB18030; none lost, each told with its file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.batch.batches import AS_OF, CLAIMS, COSTS, GOOD, PEOPLE, STAY, rejects, rows, write

from mianshen.batch.run import Request, run_batch
from mianshen.ingest.input_paths import Named
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError

HEAD: Final = "claim_id,person_id,day,cost\n"


def run(folder: Path, program: Program, encoding: str | None = None, **named: Named) -> Path:
    run_batch(program, Request(named, AS_OF, folder / "out", encoding=encoding))
    return folder / "out"


def people(folder: Path) -> Path:
    return write(folder, {"residents.csv": PEOPLE})["resident"]


def ids(out: Path) -> list[str]:
    return [row["claim_id"] for row in rows(out / "claims.parquet")]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of four files in two formats and two orders of columns; one of them has no record."""
    folder = tmp_path / "claims"
    (folder / "2026").mkdir(parents=True)
    (folder / "a.csv").write_text(HEAD + "C1,P1,2026-01-01,10\nC2,P1,2026-01-02,x\n", "utf-8")
    (folder / "b.csv").write_text(HEAD, "utf-8")
    table = pa.table(
        {"day": [AS_OF] * 2, "claim_id": ["C3", "C4"], "person_id": ["P1", "P9"], "cost": ["-1", "2"]}
    )
    pq.write_table(table, folder / "c.parquet")
    packed = gzip.compress(b"cost,day,person_id,claim_id\n5,2026-01-03,P1,C5\n,2026-13-01,P1,C6\n")
    (folder / "2026" / "d.csv.gz").write_bytes(packed)
    (folder / "_SUCCESS").write_text("", "utf-8")
    return folder


def test_a_folder_is_all_its_files_and_rejects_name_the_file_and_its_row(
    tmp_path: Path, mixed: Path, little: Program
) -> None:
    out = run(tmp_path, little, resident=people(tmp_path / "in"), claim=mixed)
    assert ids(out) == ["C5", "C1"]  # in the order of files, then of records
    assert rejects(out) == [
        ("a.csv", 2, "C2", "cost", "bad_number"),
        ("c.parquet", 1, "C3", "cost", "out_of_range"),
        ("c.parquet", 2, "C4", "person_id", "unknown_parent"),
        ("d.csv.gz", 2, "C6", "day", "bad_date"),
    ]
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["records"]["claim"] == {"read": 6, "decided": 2, "rejected": 4}
    assert [item["file"] for item in manifest["inputs"]["claim"]] == [
        "d.csv.gz",
        "a.csv",
        "b.csv",
        "c.parquet",
    ]


def test_a_pattern_and_a_list_are_the_same_records_as_their_folder(
    tmp_path: Path, mixed: Path, little: Program
) -> None:
    resident = people(tmp_path / "in")
    by_folder = run(tmp_path / "one", little, resident=resident, claim=mixed)
    files = [mixed / "2026" / "d.csv.gz", mixed / "a.csv", mixed / "b.csv", mixed / "c.parquet"]
    by_list = run(tmp_path / "two", little, resident=resident, claim=files)
    by_pattern = run(
        tmp_path / "three", little, resident=resident, claim=[str(mixed / "**" / "d*"), str(mixed / "*.*")]
    )
    for name in ("claims.parquet", "rejects.parquet", "residents.parquet", "manifest.json"):
        wanted = (by_folder / name).read_bytes()
        assert (by_list / name).read_bytes() == wanted, name
        assert (by_pattern / name).read_bytes() == wanted, name


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, little: Program) -> None:
    for home in ("east", "west"):
        write(tmp_path / "in" / home, {"claims.csv": HEAD + f"{home},P1,2026-01-01,x\n"})
    files = sorted((tmp_path / "in").glob("*/claims.csv"))
    out = run(tmp_path, little, resident=people(tmp_path / "people"), claim=files)
    assert [line[:3] for line in rejects(out)] == [
        ("east/claims.csv", 1, "east"),
        ("west/claims.csv", 1, "west"),
    ]


def test_a_key_in_two_files_is_a_duplicate_in_both(tmp_path: Path, little: Program) -> None:
    one, two = (write(tmp_path / n, {"claims.csv": COSTS})["claim"] for n in ("1", "2"))
    out = run(tmp_path, little, resident=people(tmp_path / "in"), claim=[one, two])
    assert [(file, row, reason) for file, row, _, _, reason in rejects(out)] == [
        ("1/claims.csv", 1, "duplicate"),
        ("2/claims.csv", 1, "duplicate"),
    ]


REFUSED: Final[dict[str, tuple[dict[str, bytes], str, str]]] = {
    "a pattern of nothing": ({}, "in/*.csv", "in/*.csv: E523: no file matches it."),
    "an empty folder": ({".hidden": b""}, "in", "in: E525: the folder holds no file of records."),
    "a stranger in the folder": (
        {"a.csv": HEAD.encode(), "notes.txt": b""}, "in", "in: E524: notes.txt in the folder is no table"
    ),
    "GB18030 cut in the middle of a character": (
        {"a.csv": HEAD.encode() + "C1,P1,2026-01-01,1\nC2,人".encode("gb18030")[:-1]}, "in/a.csv",
        "in/a.csv:3:4: E508: the file is not UTF-8.",
    ),
    "UTF-8 with one bad byte": (
        {"a.csv": "人员,b\n\udcff\n".encode("utf-8", "surrogateescape")}, "in/a.csv",
        "in/a.csv:2:1: E508: the file is not UTF-8.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "named", "wanted"), REFUSED.values(), ids=REFUSED)
def test_what_gives_no_records_is_refused_with_its_place(
    tmp_path: Path, little: Program, files: dict[str, bytes], named: str, wanted: str
) -> None:
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
    with pytest.raises(RuleError) as caught:
        run(tmp_path, little, resident=people(tmp_path / "people"), claim=str(tmp_path / named))
    (told,) = caught.value.diagnostics
    assert told.show("en").replace(f"{tmp_path}/", "").startswith(wanted)
    assert not (tmp_path / "out").exists()


def test_a_file_named_twice_is_refused(tmp_path: Path, little: Program) -> None:
    claim = write(tmp_path / "in", {"claims.csv": COSTS})["claim"]
    with pytest.raises(RuleError, match="E522: the file is named twice"):
        run(tmp_path, little, resident=people(tmp_path / "people"), claim=[claim, tmp_path / "in" / "*.csv"])


# -- encodings -------------------------------------------------------------------------------

IN_CHINESE: Final = (
    GOOD.replace("employee", "职工医保"),
    (
        "费用编号,就医人员编号,就医日期（住院为出院日期）,就医类别,医院级别,总费用,政策范围外费用\n"
        "C1,P1,2026-03-02,住院,三级,48650.37,5535.62\n"
    ),
)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "marked"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_an_encoding_a_mark_and_packing_change_nothing(
    tmp_path: Path, encoding: str, mark: str, packed: bool
) -> None:
    files = []
    for name, text in zip(("r.csv", "c.csv"), IN_CHINESE, strict=True):
        content = (mark + text).encode(encoding)
        files.append(tmp_path / (f"{name}.gz" if packed else name))
        files[-1].write_bytes(gzip.compress(content) if packed else content)
    for told in (None, encoding.upper()):
        out = run(tmp_path, open_program(), told, resident=files[0], claim=files[1])
        assert [(row["claim_id"], str(row["patient_pays"])) for row in rows(out / "claims.parquet")] == [
            ("C1", "13277.83")
        ]
        assert rejects(out) == []
        assert {path.name for path in tmp_path.iterdir()} == {*(file.name for file in files), "out"}


def test_what_is_said_to_be_gb18030_and_is_not_is_refused_at_its_byte(
    tmp_path: Path, little: Program
) -> None:
    content = HEAD.encode() + b"C1,P1,2026-01-01,1\nC2,P1,\xff,1\n"
    claim = write(tmp_path / "in", {"claims.csv": content})["claim"]
    with pytest.raises(RuleError, match=r"claims\.csv:3:7: E526: the bytes here are not GB18030"):
        run(tmp_path, little, "GB18030", resident=people(tmp_path / "people"), claim=claim)


def test_a_quoted_line_break_in_gb18030_is_one_record(tmp_path: Path) -> None:
    person = '"甲\n乙"'
    files = write(
        tmp_path / "in",
        {
            "residents.csv": GOOD.replace("P1", person).encode("gb18030"),
            "claims.csv": (CLAIMS + STAY.replace("P1", person)).encode("gb18030"),
        },
    )
    out = run(tmp_path, open_program(), None, **files)
    assert [row["person_id"] for row in rows(out / "claims.parquet")] == ["甲\n乙"]
