"""Operands of a mapping as SQL text for DuckDB: cells trimmed, looked up, dated, scaled, added, chosen.

In: an operand, the columns of a file. Out: an expression that is a text, NULL where the cell is empty or unknown.
Nothing here raises at run time or rounds; a text that a conversion does not understand comes out such that the
fact's own reader refuses it. Numbers are decimals read from their digits, a float by its shortest decimal.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from mianshen.ingest.mapping import (
    FACTORS,
    PERCENT,
    Cell,
    Condition,
    Constant,
    Entries,
    First,
    Operand,
    Restricted,
    Sum,
    Test,
)

EXACT: Final = re.compile(
    r"VARCHAR|ENUM\(.*|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*|DATE|BOOLEAN|TIMESTAMP(_S|_MS|_NS)?"
    r"|\"NULL\""
)
FLOATS: Final = ("DOUBLE", "FLOAT")
_BLANKS: Final = " \t\r\n\v\f\u00a0\u3000\ufeff\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u2060"
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
_NUMBER: Final = r"-?([0-9]{1,18}(\.[0-9]{1,8})?|\.[0-9]{1,8})"  # DECIMAL(6, 6) is written .553562
_GROUPED: Final = r"-?[0-9]{1,3}([,，][0-9]{3})+(\.[0-9]+)?"
_WIDE: Final = "DECIMAL(28, 8)"
_MAPPED: Final = "?mapped:"
_PART: Final = re.compile(r"code|begin|end")


def quoted(text: str) -> str:
    """A SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def mapped_name(fact: str) -> str:
    """The column that a fact is beside a file's own columns."""
    return f"{_MAPPED}{fact}"


def fact_named(column: str) -> str:
    """The fact that such a column is."""
    return column.removeprefix(_MAPPED)


def canonical(name: str) -> str:
    """A column's name without case, blanks around it and underscores: SETL_ID, setl_id and setlId are one."""
    return name.strip(_BLANKS).casefold().replace("_", "")


def date_pattern(written: str) -> tuple[str, dict[str, int]] | None:
    """A date format as a regular expression, and which group is the year (`y`), month and day."""
    if written in (TIMESTAMP, EXCEL):
        return (_LOOSE, {"y": 1, "m": 2, "d": 3}) if written == TIMESTAMP else (_SERIAL, {})
    tokens = _TOKEN.findall(written)
    dated = [token for token in tokens if token in _DIGITS]
    if "".join(tokens) != written or sorted(token[0] for token in dated) != ["d", "m", "y"]:
        return None
    pattern = "".join(_DIGITS.get(token) or _TIMES.get(token) or re.escape(token) for token in tokens)
    return pattern, {token[0]: number for number, token in enumerate(dated, 1)}


def entry_pattern(part: str) -> tuple[str, dict[str, int]] | None:
    """How one of several entries is written, such as `code(begin~end)`, as a regular expression with its groups."""
    names = _PART.findall(part)
    if names[:1] != ["code"] or len(set(names)) != len(names):
        return None
    texts = [re.escape(text) for text in _PART.split(part)]
    pattern = texts[0] + "".join(f"(.*?){text}" for text in texts[1:])
    return pattern, {name: number for number, name in enumerate(names, 1)}


class Inexact(Exception):
    """A column whose type cannot be converted exactly: the cell, the column as written, its type."""

    def __init__(self, cell: Cell, written: str, type_: str) -> None:
        super().__init__(written)
        self.cell, self.written, self.type = cell, written, type_


@dataclass(slots=True)
class Columns:
    """The columns of a file, by name and DuckDB type, and the expressions over them.

    `mapped`: facts that are columns already, for the tests and sums that read them.
    """

    found: Sequence[tuple[str, str]]
    as_of: dt.date | None = None
    mapped: set[str] = field(default_factory=set)

    def column(self, names: Sequence[str]) -> tuple[str, str] | None:
        """The first of the names that the file has, as written there, and its type."""
        for name in names:
            same = [column for column in self.found if column[0].strip(_BLANKS) == name]
            alike = [column for column in self.found if canonical(column[0]) == canonical(name)]
            if same or len(alike) == 1:
                return (same or alike)[0]
        return None

    def has(self, operand: Operand) -> bool:
        """Whether the file has what the operand needs."""
        match operand:
            case Cell():
                return operand.absent is not None or self.column(operand.columns) is not None
            case Constant():
                return True
            case Sum():
                return all(self.has(part) for part in (*operand.plus, *operand.minus))
            case First():
                return any(self.has(part) for part in operand.operands)
            case Restricted():
                return self.has(operand.operand)
            case _:
                assert_never(operand)

    def sources(self, operand: Operand) -> list[str]:
        """The file's columns behind an operand, as written."""
        match operand:
            case Cell():
                column = self.column(operand.columns)
                return [] if column is None else [column[0].strip(_BLANKS)]
            case Constant():
                return []
            case Sum():
                return [name for part in (*operand.plus, *operand.minus) for name in self.sources(part)]
            case First():
                return [name for part in operand.operands for name in self.sources(part)]
            case Restricted():
                return self.sources(operand.operand)
            case _:
                assert_never(operand)

    # -- expressions -------------------------------------------------------------------------

    def fact(self, operand: Operand) -> str:
        """What a fact's column holds: a cell that is only renamed as it is, anything else as text. Raises Inexact."""
        if isinstance(operand, Cell) and (column := self.column(operand.columns)) is not None:
            listed, float_ = column[1].endswith("[]"), column[1] in FLOATS and operand.shortest
            if (operand.plain and not float_) or listed:
                return identifier(column[0])
        return self.value(operand)

    def value(self, operand: Operand) -> str:
        """The operand as text; the file `has` it. Raises Inexact."""
        match operand:
            case Cell():
                return self._cell(operand)
            case Constant():
                return quoted(operand.text)
            case Sum():
                return self._sum(operand)
            case First():
                present = [self.value(part) for part in operand.operands if self.has(part)]
                return f"coalesce({', '.join(present)})"
            case Restricted():
                tests = [self.holds(condition) for condition in operand.only]
                tests += [f"NOT {self.holds(condition)}" for condition in operand.unless]
                value = self.value(operand.operand)
                return f"CASE WHEN {' AND '.join(tests)} THEN {value} END" if tests else value
            case _:
                assert_never(operand)

    def holds(self, condition: Condition) -> str:
        """Whether every test holds; a column that is not there is empty."""
        return "(" + " AND ".join(self._test(test) for test in condition) + ")"

    def _test(self, test: Test) -> str:
        if test.fact is not None:
            text = identifier(mapped_name(test.fact)) if test.fact in self.mapped else "NULL"
        else:
            column = self.column(test.columns)
            text = (
                "NULL"
                if column is None
                else self.text(Cell(test.columns, test.span, True, shortest=True), column)
            )
        tests = [_is_value(text, value) if value else f"{text} IS NULL" for value in test.values]
        return f"coalesce({' OR '.join(tests)}, false)"

    def text(self, cell: Cell, column: tuple[str, str]) -> str:
        """The cell as text, NULL where it is empty. Raises Inexact."""
        written, type_ = column
        text = identifier(written)
        if type_ in FLOATS and cell.shortest:
            text = f"regexp_replace(CAST({text} AS VARCHAR), '[.]0$', '')"
        elif not EXACT.fullmatch(type_):
            raise Inexact(cell, written, type_)
        elif type_ != "VARCHAR":
            text = f"CAST({text} AS VARCHAR)"
        if cell.trim:
            text = f"trim({text}, {quoted(_BLANKS)})"
        return f"nullif({text}, '')"

    def _cell(self, cell: Cell) -> str:
        column = self.column(cell.columns)
        if column is None:
            assert cell.absent is not None
            return quoted(cell.absent)
        given = self.text(cell, column)
        if cell.entries is not None:
            return self._in_force(cell, cell.entries, given)
        text = _looked_up(cell, given)
        for written in cell.dates:
            text = as_iso(text, written)
        if cell.thousands:
            bare = f"replace(replace({text}, ',', ''), '，', '')"
            text = f"CASE WHEN regexp_full_match({text}, {quoted(_GROUPED)}) THEN {bare} ELSE {text} END"
        if cell.unit == PERCENT:
            text = _where_number(text, f"{text} || '%'")
        elif cell.unit is not None:
            text = _where_number(text, _scaled(text, FACTORS[cell.unit]))
        return text if cell.empty is None else f"coalesce({text}, {_when_empty(given, cell.empty)})"

    def unlisted(self, operand: Operand) -> str | None:
        """Whether some cell of the operand holds a value that its list does not have; None where it has no list."""
        match operand:
            case Cell():
                column = self.column(operand.columns)
                if column is None or operand.other is None or operand.entries is not None:
                    return None
                given = self.text(operand, column)
                listed = [_is_value(given, value) for value, _ in operand.values]
                return f"({given} IS NOT NULL AND NOT ({' OR '.join(listed)}))"
            case Restricted():
                return self.unlisted(operand.operand)
            case Constant() | Sum() | First():
                return None
            case _:
                assert_never(operand)

    def _sum(self, operand: Sum) -> str:
        """The exact sum; NULL where a part is, refused where one is no number."""
        plus, minus = ([self.value(part) for part in parts] for parts in (operand.plus, operand.minus))
        numbers = [_decimal(text) for text in (*plus, *minus)]
        signs = ["+"] * len(plus) + ["-"] * len(minus)
        total = " ".join(
            f"{sign} {number}" for sign, number in zip(signs, numbers, strict=True)
        ).removeprefix("+ ")
        shown = f"rtrim(rtrim(CAST({total} AS VARCHAR), '0'), '.')"
        pairs = zip((*plus, *minus), numbers, strict=True)
        wrong = " OR ".join(f"({text} IS NOT NULL AND {number} IS NULL)" for text, number in pairs)
        return f"CASE WHEN {wrong} THEN '?' ELSE {shown} END"

    def _in_force(self, cell: Cell, entries: Entries, given: str) -> str:
        """Of several identities in a cell, the first in `order` that is in force; an ill-written one is refused."""
        day = "NULL" if self.as_of is None else f"DATE '{self.as_of}'"
        if entries.on is not None:
            day = (
                f"TRY_CAST({identifier(mapped_name(entries.on))} AS DATE)"
                if entries.on in self.mapped
                else "NULL"
            )
        split = f"string_split({given}, {quoted(entries.separator)})"
        if entries.part is not None:
            pattern, groups = entry_pattern(entries.part) or ("", {})
            texts = {
                name: f"regexp_extract(e, {quoted(f'^{pattern}$')}, {number})"
                for name, number in groups.items()
            }
            parts, shape = split, f"regexp_full_match(trim(e), {quoted(pattern)})"
            texts = {name: text.replace("(e,", "(trim(e),", 1) for name, text in texts.items()}
        else:
            lists = [
                split,
                *(self._parallel(names, entries.separator) for names in (entries.begins, entries.ends)),
            ]
            parts, shape = f"list_zip({', '.join(lists)})", "true"
            texts = {
                "code": "trim(e[1])",
                "begin": "trim(coalesce(e[2], ''))",
                "end": "trim(coalesce(e[3], ''))",
            }
        begin, end = (f"nullif({texts.get(name, quoted(''))}, '')" for name in ("begin", "end"))
        for written in (TIMESTAMP, *cell.dates):
            begin, end = as_iso(begin, written), as_iso(end, written)
        dated = [f"({text} IS NULL OR TRY_CAST({text} AS DATE) IS NOT NULL)" for text in (begin, end)]
        sound = " AND ".join([f"coalesce({shape}, false)", *dated])
        began = f"({begin} IS NULL OR TRY_CAST({begin} AS DATE) <= {day})"
        lasts = f"({end} IS NULL OR TRY_CAST({end} AS DATE) >= {day})"
        held = f"list_filter({parts}, lambda e: {began} AND {lasts})"
        codes = f"list_transform({held}, lambda e: {_looked_up(cell, texts['code'])})"
        cases = (f"WHEN list_contains({codes}, {quoted(v)}) THEN {quoted(v)}" for v in entries.order)
        chosen = " ".join(cases)
        ill = f"len(list_filter({parts}, lambda e: NOT ({sound}))) > 0"
        none = "NULL" if cell.empty is None else quoted(cell.empty)
        unread = f"WHEN {day} IS NULL THEN NULL WHEN {ill} THEN '?'"
        return (
            f"CASE WHEN {given} IS NULL THEN {none} {unread} {chosen} WHEN len({codes}) = 0 THEN {none} END"
        )

    def _parallel(self, names: Sequence[str], separator: str) -> str:
        column = self.column(names)
        if column is None:
            return "CAST([] AS VARCHAR[])"
        text = f"CAST({identifier(column[0])} AS VARCHAR)"
        return f"string_split(coalesce({text}, ''), {quoted(separator)})"


def _is_value(text: str, value: str) -> str:
    """Whether a text is a value of a list, or begins as one that ends in a star says."""
    return (
        f"starts_with({text}, {quoted(value[:-1])})" if value.endswith("*") else f"{text} = {quoted(value)}"
    )


def _looked_up(cell: Cell, text: str) -> str:
    """The text by the cell's list: exact values before beginnings, longer beginnings first."""
    if not cell.values:
        return text
    ordered = sorted(cell.values, key=lambda pair: (pair[0].endswith("*"), -len(pair[0])))
    branches = " ".join(f"WHEN {_is_value(text, value)} THEN {_literal(to)}" for value, to in ordered)
    unlisted = (
        text if cell.other is None else f"CASE WHEN {text} IS NOT NULL THEN {_literal(cell.other.text)} END"
    )
    return f"CASE {branches} ELSE {unlisted} END"


def _literal(text: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if text is None else quoted(text)


def _when_empty(given: str, text: str) -> str:
    """The value of an empty cell; a cell that means unknown is not empty."""
    return f"CASE WHEN {given} IS NULL THEN {quoted(text)} END"


def _where_number(text: str, number: str) -> str:
    """The converted number; what is none, blanks aside, is marked so that it is refused, not read unconverted."""
    blank = f"regexp_full_match({text}, '\\s*')"
    fits = f"regexp_full_match({text}, {quoted(_NUMBER)})"
    return f"CASE WHEN {fits} THEN {number} WHEN {blank} THEN {text} ELSE '?' || {text} END"


def _decimal(text: str) -> str:
    """The number a text is, exactly; NULL where it is none."""
    return f"TRY_CAST(CASE WHEN regexp_full_match({text}, {quoted(_NUMBER)}) THEN {text} END AS {_WIDE})"


def _scaled(text: str, factor: str) -> str:
    places = len(factor.partition(".")[2])
    type_ = f"DECIMAL({max(len(factor.replace('.', '')), places + 1)}, {places})"
    return f"CAST(TRY_CAST({text} AS {_WIDE}) * CAST({quoted(factor)} AS {type_}) AS VARCHAR)"


def as_iso(text: str, written: str) -> str:
    """2026-03-02 where the text is in the format; else the text as it is."""
    if written == EXCEL:
        serial = f"TRY_CAST(split_part({text}, '.', 1) AS INTEGER)"
        fits = f"regexp_full_match({text}, {quoted(_SERIAL)}) AND {serial} BETWEEN {_SERIALS[0]} AND {_SERIALS[1]}"
        return f"CASE WHEN {fits} THEN CAST(DATE '1899-12-30' + {serial} AS VARCHAR) ELSE {text} END"
    found = date_pattern(written)
    assert found is not None  # refused when the mapping was read
    pattern, groups = found
    parts = [
        f"lpad(regexp_extract({text}, {quoted(pattern)}, {groups[letter]}), {width}, '0')"
        for letter, width in (("y", 4), ("m", 2), ("d", 2))
    ]
    iso = (
        f"WHEN regexp_full_match({text}, {quoted(_ISO)}) THEN left({text}, 10) "
        if written == TIMESTAMP
        else ""
    )
    dated = f"concat_ws('-', {', '.join(parts)})"
    return f"CASE {iso}WHEN regexp_full_match({text}, {quoted(pattern)}) THEN {dated} ELSE {text} END"
