"""Dates as files write them: a format as a pattern, and as SQL text for DuckDB that makes 2026-03-02 of it.

In: a format such as yyyymmdd, TIMESTAMP or EXCEL. Out: a regular expression, or an expression that is a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mianshen.mapping.text import quoted

_TOKEN: Final = re.compile(r"yyyy|mi|mm?|dd?|hh?|ss|[^a-zA-Z]")
_DIGITS: Final = {
    "yyyy": "([0-9]{4})",
    "mm": "([0-9]{2})",
    "m": "([0-9]{1,2})",
    "dd": "([0-9]{2})",
    "d": "([0-9]{1,2})",
}
_TIMES: Final = {"hh": "[0-9]{2}", "h": "[0-9]{1,2}", "mi": "[0-9]{2}", "ss": "[0-9]{2}"}
TIMESTAMP: Final = "timestamp"  # a date, perhaps with a time, a fraction of a second and a zone
EXCEL: Final = "excel"  # days since 1899-12-30, perhaps with a fraction
_TIME: Final = "[ T]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
_ISO: Final = f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}({_TIME})?"
_LOOSE: Final = f"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}})({_TIME})?"
_SERIAL: Final = "[0-9]{2,7}([.][0-9]+)?"
_SERIALS: Final = (61, 2_958_465)  # after the 29 February 1900 that there never was, to the end of 9999


def date_pattern(written: str) -> tuple[str, dict[str, int]] | None:
    """A date format as a regular expression, and which group is the year (`y`), month and day, if there is one."""
    if written in (TIMESTAMP, EXCEL):
        return (_LOOSE, {"y": 1, "m": 2, "d": 3}) if written == TIMESTAMP else (_SERIAL, {})
    tokens = _TOKEN.findall(written)
    dated = [token for token in tokens if token in _DIGITS]
    if "".join(tokens) != written or sorted(t[0] for t in dated) not in (["d", "m", "y"], ["m", "y"]):
        return None
    pattern = "".join(_DIGITS.get(token) or _TIMES.get(token) or re.escape(token) for token in tokens)
    return pattern, {token[0]: number for number, token in enumerate(dated, 1)}


def as_iso(text: str, formats: Sequence[str]) -> str:
    """2026-03-02 where the text is in a format, of a month its last day; else the text as it is."""
    branches = [branch for written in formats for branch in _dated(text, written)]
    return f"CASE {' '.join(branches)} ELSE {text} END"


def _dated(text: str, written: str) -> list[str]:
    """The branches that read one format."""
    result = date_pattern(written)
    assert result is not None  # refused when the mapping was read
    pattern, groups = result
    if written == EXCEL:
        serial = f"TRY_CAST(split_part({text}, '.', 1) AS INTEGER)"
        fits = f"regexp_full_match({text}, {quoted(pattern)}) AND {serial} BETWEEN {_SERIALS[0]} AND {_SERIALS[1]}"
        return [f"WHEN {fits} THEN CAST(DATE '1899-12-30' + {serial} AS VARCHAR)"]
    widths = (("y", 4), ("m", 2), ("d", 2))
    parts = [
        f"lpad(regexp_extract({text}, {quoted(pattern)}, {groups[letter]}), {width}, '0')"
        for letter, width in widths
        if letter in groups
    ]
    dated = f"concat_ws('-', {', '.join(parts)})"
    if "d" not in groups:
        dated = f"coalesce(CAST(last_day(TRY_CAST({dated} || '-01' AS DATE)) AS VARCHAR), {text})"
    iso = (
        [f"WHEN regexp_full_match({text}, {quoted(_ISO)}) THEN left({text}, 10)"]
        if written == TIMESTAMP
        else []
    )
    return [*iso, f"WHEN regexp_full_match({text}, {quoted(pattern)}) THEN {dated}"]
