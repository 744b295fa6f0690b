"""Inputs spoilt by chance, given to the command line: one seed is one input, the same on every machine.

In: a seed. Out: files in a folder and the words of a command. Kinds: records, tables (CSV, TSV, JSON lines, Parquet,
workbooks), exports of the platform, mappings, events, kept programs, packed files. Everybody is called NAME and has NUMBER.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from tests.batch.test_file_formats import workbook

RULEBOOKS: Final = Path(__file__).resolve().parent.parent / "rulebooks"
NAME, NUMBER = "欧阳娜娜敏", "310113199001011235"
PEOPLE: Final = [
    "person_id", "name", "identity_number", "household_id", "birth_date", "sex", "insured_area", "insurance_scheme",
    "coverage_status", "employment_status", "assistance_category", "valid_from", "opening_basic_paid", "death_date",
]  # fmt: skip
PERSON: Final = [
    "P1", NAME, NUMBER, "H1", "1990-01-01", "女", "310113", "居民医保", "active", "none", "低保", "2020-01-01", "12.50", "",
]  # fmt: skip
COSTS: Final = [
    "claim_id", "person_id", "name", "service_date", "care_type", "hospital_level", "hospital_area", "total_cost",
    "out_of_scope_cost", "critical_illness", "reverses", "settled_basic_payment", "basic_paid",
]  # fmt: skip
COST: Final = [
    "C1", "P1", NAME, "2026-03-02", "inpatient", "tertiary", "310101", "60300.00", "0.00", "true", "", "", "",
]  # fmt: skip
SETTLEMENT: Final = {
    "SETL_ID": "S1", "INIT_SETL_ID": "", "PSN_NO": "P1", "PSN_NAME": NAME, "PSN_CERT_TYPE": "01", "CERTNO": NUMBER,
    "GEND": "1", "BRDY": "1978-05-06 00:00:00+08:00", "INSUTYPE": "310", "PSN_TYPE": "1101", "INSU_ADMDVS": "310113",
    "FIX_BLNG_ADMDVS": "310101", "HOSP_LV": "03", "DEDC_HOSP_LV": "", "MED_TYPE": "2101", "DISE_NO": "",
    "BEGNDATE": "2026-03-01", "ENDDATE": "2026-03-09 10:00:00", "SETL_TIME": "2026-03-10 11:00:00",
    "MEDFEE_SUMAMT": "48650.37", "FULAMT_OWNPAY_AMT": "3000.00", "OVERLMT_SELFPAY": "535.62", "PRESELFPAY_AMT": "2000.00",
    "INSCP_AMT": "43114.75", "ACT_PAY_DEDC": "1500.00", "HIFP_PAY": "35372.54", "HIFMI_PAY": "0.00", "MAF_PAY": "0.00",
    "OTHFUND_PAY": "0.00", "BALC": "0.00", "REFD_SETL_FLAG": "0", "VALI_FLAG": "1", "SP_PSN_TYPE": "",
}  # fmt: skip
RECORD: Final = f"""\
as_of: 2026-06-30
resident: {{person_id: P1, name: {NAME}, identity_number: "{NUMBER}", birth_date: 1990-01-01, sex: 女, insured_area: "310113",
  insurance_scheme: 居民医保, coverage_status: active, employment_status: none, assistance_category: 低保}}
household: {{annual_income: 60000, member_count: 2}}
members:
  - {{person_id: P2, name: {NAME}, claims: [{{claim_id: D1, service_date: 2026-01-02, care_type: outpatient, total_cost: 5.00}}]}}
history: [{{valid_from: 2026-01-01, assistance_category: none}}]
claims:
  - {{claim_id: C1, name: {NAME}, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary, total_cost: 60300.00,
      out_of_scope_cost: 0.00, critical_illness: true, settled_basic_payment: 45000.00}}
  - {{claim_id: R1, service_date: 2026-03-03, reverses: C1}}
"""
MAPPING: Final = """\
lists: {level: {"3*": tertiary, "2": secondary, "9": null}}
conditions: {stay: {fact: care_type, is: inpatient}}
claim:
  cells: {trim: true, thousands: true, floats: shortest, date: [timestamp, yyyymmdd, excel], blank: ["NULL"]}
  rows: {title_lines: 0, missing_columns: allowed, other_columns: ignored, leave_out: [{column: reverses, is: "x"}],
    reversals: {names: reverses, key: claim_id, nothing: "0"}}
  columns: {claim_id: claim_id, person_id: person_id, service_date: {fact: service_date, date: yyyy-mm-dd}}
  facts:
    care_type: {column: care_type, values: {"inpatient": inpatient}, other: null}
    hospital_level: {column: hospital_level, values: level, empty: primary, other: null}
    total_cost: {sum: [total_cost, {column: basic_paid, empty: 0.00}], minus: [out_of_scope_cost]}
    settled_basic_payment: {first: [settled_basic_payment, basic_paid], only: stay}
resident:
  rows: {missing_columns: allowed, other_columns: ignored, per: person_id, order: [valid_from], keep: history, day: valid_from}
  columns: {person_id: person_id, name: name, identity_number: {fact: identity_number, invalid: unknown}}
  facts: {valid_from: valid_from, insured_area: insured_area, assistance_category: {column: assistance_category,
    values: {"1": destitute}, entries: {separator: ";", part: "code(begin~end)", order: [destitute, subsistence]}}}
"""
EVENTS: Final = [
    {"event_id": "E1", "person_id": "P1", "type": "birth", "date": "2026-05-01", "children_born": 1},
    {"event_id": "E2", "person_id": "P1", "type": "settlement", "date": "2026-05-02",
     "claim": dict(zip(COSTS[:10], COST[:10], strict=True))},
    {"event_id": "E3", "person_id": "P1", "type": "assistance_lost", "date": "2026-06-01"},
]  # fmt: skip
CELLS: Final = [
    "", " ", "\t", "NULL", "null", "#N/A", "#REF!", "3.10113E+17", "1e400", "-1", "-0.00", "+1", "0.005", "1,234.50", "１２",
    "1/0", "nan", "inf", "99999999999999999999", "2026-02-30", "0000-00-00", "20260302", "46083", "2026/3/2 10:00",
    "1900-01-01", "9999-12-31", "true", "是", "合计", "总计：", "'1", "=1+1", "\u200b", "\ufeff", "\u3000P1", "P1\u3000", "é",
    "x" * 3000, "1" * 50, "P1;P2", "P1,P2", "P1\nP2", '"', "31", "3101", "310113001000", "999999", "山东省菏泽市巨野县", "低保",
    "C1", "P1", "H1", "0", "-", "男", "inpatient", "destitute", NAME, NUMBER, f"{NAME}{NUMBER}", f"姓名：{NAME}",
]  # fmt: skip
BYTES: Final = [
    b",", b'"', b"\n", b"\r", b"\t", b"\x00", b"\xef\xbb\xbf", b"\xa0", b"''", b"{", b"}", b"[", b"]", b":", b": ", b"- ", b"|",
    b">", b"&a ", b"*a", b"!!", b"<<: ", b"#", b"PK", b"\xff\xfe",
    "，".encode(), "：".encode(), b"~", b"null", b"\\u0000", b"---\n",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A command to run in the folder that holds its inputs; `out`: files it may write that may not name anybody."""

    kind: str
    words: list[str]
    out: list[str] = field(default_factory=list)


def spoilt_bytes(content: bytes, chance: Random) -> bytes:
    """Some bytes changed, left out, doubled, put in or cut off."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at, size = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 8, 64))
        match chance.randrange(6):
            case 0:
                data[at : at + size] = chance.randbytes(size)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size]
            case 3 | 4:
                data[at:at] = chance.choice(BYTES)
            case _ if chance.random() < 0.2:
                data = data[: max(1, at)]
            case _:
                data[at : at + size] = data[at : at + size][::-1]
    return bytes(data)


def spoilt_text(text: str, chance: Random, cells: list[str] = CELLS) -> str:
    """A text with words exchanged, left out or put in; its layout stays."""
    words = list(_words(text))
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                words[at] = chance.choice(words)
            case 1:
                words[at] = ""
            case 2:
                words[at] += " " + chance.choice(words)
            case _:
                words[at] = chance.choice(cells)
    return "".join(words)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w]", text)


def table(header: list[str], row: list[str], chance: Random) -> list[list[str]]:
    """A header and rows with some cells, rows and columns spoilt."""
    rows = [list(header), *([*row] for _ in range(chance.choice((1, 2, 3, 12))))]
    for number, cells in enumerate(rows[1:], 1):
        if chance.random() < 0.8:
            cells[0] += str(number)
    for _ in range(chance.choice((0, 1, 2, 5))):
        cells = rows[0] if chance.random() < 0.15 else chance.choice(rows)
        match chance.randrange(8):
            case 0 if cells:
                cells.pop(chance.randrange(len(cells)))
            case 1:
                cells.insert(chance.randrange(len(cells) + 1), chance.choice(CELLS))
            case 2:
                rows.insert(chance.randrange(1, len(rows) + 1), [""] * chance.randrange(len(header) + 1))
            case 3:
                rows[0][chance.randrange(len(rows[0]))] = chance.choice([*header, *CELLS])
            case _ if cells:
                cells[chance.randrange(len(cells))] = chance.choice(CELLS)
            case _:
                pass
    return rows


def csv_text(rows: list[list[str]], separator: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator).writerows(rows)
    return stream.getvalue()


def parquet(rows: list[list[str]], chance: Random) -> bytes:
    """The rows as Parquet, with columns of types that may not suit them."""
    header, *body = rows
    columns: dict[str, Any] = {}
    for at, name in enumerate(header):
        cells = [row[at] if at < len(row) and row[at] else None for row in body]
        columns[name or f"?{at}"] = _typed(cells, chance)
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def _typed(cells: list[str | None], chance: Random) -> pa.Array:
    kinds: list[Callable[[], pa.Array]] = [
        lambda: pa.array(cells, pa.string()).dictionary_encode(), lambda: pa.array(cells, pa.large_string()),
        lambda: pa.nulls(len(cells)),
        lambda: pa.array([c and float(c) for c in cells]), lambda: pa.array([c and int(c) for c in cells]),
        lambda: pa.array([c and Decimal(c) for c in cells], pa.decimal128(38, 4)),
        lambda: pa.array([c and dt.date.fromisoformat(c) for c in cells]),
        lambda: pa.array([c and dt.datetime.fromisoformat(c) for c in cells], pa.timestamp("us", chance.choice((None, "UTC")))),
        lambda: pa.array([c and c.encode() for c in cells]), lambda: pa.array([c and [c] for c in cells]),
        lambda: pa.array([c and {"a": c} for c in cells]), lambda: pa.array([bool(c) for c in cells]),
        lambda: pa.array([c and dt.time(1) for c in cells]),
    ]  # fmt: skip
    if chance.random() < 0.7:
        return pa.array(cells, pa.string())
    try:
        return chance.choice(kinds)()
    except (ValueError, ArithmeticError, OverflowError, pa.ArrowException):
        return pa.array(cells, pa.string())


def packed(content: bytes, name: str, chance: Random) -> bytes:
    """A zip or gzip of a content, sometimes encrypted, doubled, nested, or of much more than it seems."""
    if chance.random() < 0.3:
        return gzip.compress(content, mtime=0)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for part in chance.choice(
            ([name], [name, "b.csv"], ["../" + name], [], ["a/" + name], [name, name + ".zip"])
        ):
            archive.writestr(part, content if chance.random() < 0.9 else b"0" * 3_000_000)
    data = bytearray(stream.getvalue())
    if chance.random() < 0.2:  # said to be encrypted
        for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = data.find(sign)
            if place >= 0:
                data[place + at] |= 1
    return bytes(data)


def written(rows: list[list[str]], chance: Random, folder: Path, stem: str) -> str:
    """The rows as a file of some format, perhaps spoilt once more; its name."""
    suffix = chance.choice(("csv", "csv", "csv", "tsv", "parquet", "xlsx", "jsonl", "csv.gz", "zip"))
    text = csv_text(rows, "\t" if suffix == "tsv" else ",")
    match suffix:
        case "parquet":
            content = parquet(rows, chance)
        case "xlsx":
            plain = [["".join(c for c in cell if c.isprintable()) for cell in row] for row in rows]
            content = workbook([list[str | float](row) for row in plain])
        case "jsonl":
            content = "".join(
                json.dumps(dict(zip(rows[0], row, strict=False)), ensure_ascii=chance.random() < 0.5) + "\n"
                for row in rows[1:]
            ).encode()
        case "csv.gz":
            content = gzip.compress(text.encode(), mtime=0)
        case "zip":
            content = packed(text.encode(), f"{stem}.csv", chance)
        case _:
            content = text.encode(
                chance.choice(("utf-8", "utf-8", "utf-8", "gb18030", "utf-16", "utf-8-sig"))
            )
    if chance.random() < 0.35:
        content = spoilt_bytes(content, chance)
    name = f"{stem}.{suffix}"
    (folder / name).write_bytes(content)
    return name


# -- the kinds ----------------------------------------------------------------------------------


def _record(chance: Random, folder: Path) -> Spoilt:
    text = RECORD
    if chance.random() < 0.3:
        text = json.dumps(yaml.safe_load(RECORD), ensure_ascii=False, default=str)
    way = chance.randrange(3)
    content = spoilt_text(text, chance).encode() if way else text.encode()
    if way != 1:
        content = spoilt_bytes(content, chance)
    name = "record.json" if text is not RECORD else "record.yaml"
    (folder / name).write_bytes(content)
    command = chance.choice((
        ["check", name], ["check", name], ["check", name, "--format", "json"], ["check", name, "--explain"],
        ["redetermine", name, "--with", "with.yaml"], ["notice", name, "--claim", "C1", "--out", "notice.html"],
    ))  # fmt: skip
    if "--with" in command:
        (folder / "with.yaml").write_text(
            "claims:\n  - {claim_id: C9, service_date: 2026-03-09, reverses: C1}\n", "utf-8"
        )
    return Spoilt("record", command)


def _batch(chance: Random, folder: Path) -> Spoilt:
    people = written(table(PEOPLE, PERSON, chance), chance, folder, "people")
    claims = written(table(COSTS, COST, chance), chance, folder, "claims")
    words = [
        "batch",
        "--residents",
        people,
        "--claims",
        claims,
        "--as-of",
        "2026-06-30",
        "--out",
        "out",
        "--yes",
    ]
    words += (
        ["--encoding", chance.choice(("gb18030", "claims=gb18030", "utf-8"))]
        if chance.random() < 0.15
        else []
    )
    words += ["--threads", "1"]
    return Spoilt("batch", words, ["out/summary.json", "out/manifest.json"])


def _columns(chance: Random, folder: Path) -> Spoilt:
    header, row = chance.choice(
        ((PEOPLE, PERSON), (COSTS, COST), (list(SETTLEMENT), list(SETTLEMENT.values())))
    )
    name = written(table(header, row, chance), chance, folder, "table")
    words = ["columns", name, "--as-of", "2026-06-30"]
    words += ["--mapping", "nhsa"] if header[0] == "SETL_ID" and chance.random() < 0.7 else []
    words += ["--entity", chance.choice(("resident", "claim"))] if chance.random() < 0.5 else []
    return Spoilt("columns", words)


def _export(chance: Random, folder: Path) -> Spoilt:
    name = written(table(list(SETTLEMENT), list(SETTLEMENT.values()), chance), chance, folder, "setl")
    words = [
        "batch",
        "--residents",
        name,
        "--claims",
        name,
        "--mapping",
        "nhsa",
        "--as-of",
        "2026-06-30",
        "--out",
        "out",
    ]
    return Spoilt("export", [*words, "--yes", "--threads", "1"], ["out/summary.json"])


def _mapping(chance: Random, folder: Path) -> Spoilt:
    (folder / "claims.csv").write_text(csv_text(table(COSTS, COST, chance)), "utf-8")
    (folder / "people.csv").write_text(csv_text(table(PEOPLE, PERSON, chance)), "utf-8")
    nameless = [
        cell for cell in CELLS if NAME not in cell
    ]  # a mapping holds no records; its columns may be named
    content = spoilt_text(MAPPING, chance, nameless).encode()
    (folder / "m.yaml").write_bytes(spoilt_bytes(content, chance) if chance.random() < 0.4 else content)
    words = [
        "batch",
        "--residents",
        "people.csv",
        "--claims",
        "claims.csv",
        "--mapping",
        "m.yaml",
        "--as-of",
        "2026-06-30",
    ]
    return Spoilt("mapping", [*words, "--out", "out", "--yes", "--threads", "1"], ["out/summary.json"])


def _events(chance: Random, folder: Path) -> Spoilt:
    (folder / "people.csv").write_text(csv_text([PEOPLE, PERSON]), "utf-8")
    text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in EVENTS)
    content = spoilt_text(text, chance).encode()
    (folder / "events.jsonl").write_bytes(spoilt_bytes(content, chance) if chance.random() < 0.5 else content)
    return Spoilt(
        "events", ["watch", "--events", "events.jsonl", "--residents", "people.csv", "--out", "work.jsonl"]
    )


def _cache(chance: Random, folder: Path) -> Spoilt:
    """`spoil_cache` spoils what is kept before the command runs."""
    (folder / "record.yaml").write_text(
        "as_of: 2026-06-30\nresident: {person_id: P1}\nclaims: [{claim_id: C1, service_date: 2026-01-02}]\n",
        "utf-8",
    )
    (folder / "rules").mkdir()
    for name in ("people.yaml", "earlier.yaml"):
        shutil.copy(RULEBOOKS / name, folder / "rules" / name)
    words = ["check", "record.yaml", "--rules", "rules"]
    if chance.random() < 0.3:  # the compiled program is kept too
        (folder / "people.csv").write_text("person_id\nP1\n", "utf-8")
        words = [
            "batch",
            "--residents",
            "people.csv",
            "--rules",
            "rules",
            "--as-of",
            "2026-06-30",
            "--out",
            "out",
            "--threads",
            "1",
        ]
    return Spoilt("cache", words)


KINDS: Final[list[tuple[Callable[[Random, Path], Spoilt], int]]] = [
    (_record, 35), (_batch, 22), (_columns, 12), (_export, 10), (_mapping, 12), (_events, 4), (_cache, 5),
]  # fmt: skip


def spoilt(seed: int, folder: Path) -> Spoilt:
    """The input of a seed, written into a folder."""
    chance = Random(f"spoilt {seed}")
    make = chance.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    return make(chance, folder)


def spoil_cache(seed: int, cache: Path) -> None:
    """Spoil one of the files that are kept."""
    chance = Random(f"cache {seed}")
    stored = sorted(path for path in cache.rglob("*") if path.is_file())
    if stored:
        path = chance.choice(stored)
        path.chmod(0o600)
        content = path.read_bytes()
        path.write_bytes(spoilt_bytes(content, chance) if chance.random() < 0.8 else b"")
