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
from functools import lru_cache
from typing import Final, assert_never

from mianshen.mapping.dates import TIMESTAMP, as_iso
from mianshen.mapping.model import (
    FACTORS,
    PERCENT,
    Cell,
    Condition,
    Constant,
    Entries,
    First,
    Operand,
    Restricted,
    RowNumber,
    Sum,
    Test,
    operands_of,
)
from mianshen.mapping.text import identifier, quoted
from mianshen.records.identity_numbers import CHECK_DIGITS, WEIGHTS

EXACT: Final = re.compile(
    r"VARCHAR|ENUM\(.*|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*|DATE|BOOLEAN|TIMESTAMP(_S|_MS|_NS)?"
    r"|\"NULL\""
)
FLOATS: Final = ("DOUBLE", "FLOAT")
_BLANKS: Final = " \t\r\n\v\f\u00a0\u3000\ufeff\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u2060"
_NUMBER: Final = r"-?([0-9]{1,18}(\.[0-9]{1,8})?|\.[0-9]{1,8})"  # DECIMAL(6, 6) is written .553562
_GROUPED: Final = r"-?[0-9]{1,3}([,，][0-9]{3})+(\.[0-9]+)?"
_WIDE: Final = "DECIMAL(28, 8)"
FILE_ROW: Final = "?file_row"  # the row's number in its file, from 1
_MAPPED: Final = "?mapped:"
_LET: Final = "?let:"
_MADE: Final = re.compile(r'"(\?(?:mapped|let):(?:[^"]|"")*)"')
_PART: Final = re.compile(r"code|begin|end")


def mapped_name(fact: str) -> str:
    """The column that a fact is beside a file's own columns."""
    return f"{_MAPPED}{fact}"


def fact_named(column: str) -> str:
    """The fact that such a column is."""
    return column.removeprefix(_MAPPED)


@lru_cache(maxsize=1 << 14)
def canonical(name: str) -> str:
    """A column's name without case, blanks around it and underscores: SETL_ID, setl_id and setlId are one."""
    return name.strip(_BLANKS).casefold().replace("_", "")


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

    An expression that is used more than once is a column of an earlier layer (`layered`), so that the text of a query
    grows with the mapping and not faster.
    """

    columns: Sequence[tuple[str, str]]
    as_of: dt.date | None = None
    blank: Sequence[str] = ()  # texts, in any case, that stand for an empty cell
    mapped: set[str] = field(default_factory=set)  # facts that are columns already
    _layers: list[list[str]] = field(default_factory=list)
    _depths: dict[str, int] = field(default_factory=dict)  # of the columns that layers have made
    _named: dict[str, str] = field(default_factory=dict)  # expressions to the columns that they are

    def define(self, fact: str, operand: Operand) -> None:
        """Make a fact a column. Raises Inexact."""
        self._add(mapped_name(fact), self.fact(operand))
        self.mapped.add(fact)

    def layered(self, query: str) -> str:
        """A query with every column that expressions so far refer to."""
        for layer in self._layers:
            query = f"SELECT *, {', '.join(layer)} FROM ({query})"
        return query

    def let(self, expression: str) -> str:
        """The expression as a column."""
        if expression not in self._named:
            name = f"{_LET}{len(self._named)}"
            self._named[expression] = identifier(name)
            self._add(name, expression)
        return self._named[expression]

    def _add(self, name: str, expression: str) -> None:
        depth = max((self._depths.get(read, -1) for read in _MADE.findall(expression)), default=-1) + 1
        while len(self._layers) <= depth:
            self._layers.append([])
        self._layers[depth].append(f"{expression} AS {identifier(name)}")
        self._depths[name] = depth

    def column(self, names: Sequence[str]) -> tuple[str, str] | None:
        """The first of the names that the file has, as written there, and its type."""
        for name in names:
            same = [column for column in self.columns if column[0].strip(_BLANKS) == name]
            alike = [column for column in self.columns if canonical(column[0]) == canonical(name)]
            if same or len(alike) == 1:
                return (same or alike)[0]
        return None

    def has(self, operand: Operand) -> bool:
        """Whether the file has what the operand needs."""
        match operand:
            case Cell():
                return operand.absent is not None or self.column(operand.columns) is not None
            case First():
                return any(self.has(part) for part in operand.operands)
            case Constant() | RowNumber() | Sum() | Restricted():
                return all(self.has(part) for part in operands_of(operand))
            case _:
                assert_never(operand)

    def sources(self, operand: Operand) -> list[str]:
        """The file's columns behind an operand, as written."""
        if isinstance(operand, Cell):
            column = self.column(operand.columns)
            return [] if column is None else [column[0].strip(_BLANKS)]
        return [name for part in operands_of(operand) for name in self.sources(part)]

    # -- expressions -------------------------------------------------------------------------

    def fact(self, operand: Operand) -> str:
        """What a fact's column holds: a cell that is only renamed as it is, anything else as text. Raises Inexact."""
        if isinstance(operand, Cell) and (column := self.column(operand.columns)) is not None:
            listed, float_ = column[1].endswith("[]"), column[1] in FLOATS and operand.shortest
            if (operand.plain and not float_ and not self.blank) or listed:
                return identifier(column[0])
        return self.value(operand)

    def value(self, operand: Operand) -> str:
        """The operand as text; the file `has` it. Raises Inexact."""
        match operand:
            case Cell():
                return self._cell(operand)
            case Constant():
                return quoted(operand.text)
            case RowNumber():
                return f"{quoted(operand.beginning)} || {identifier(FILE_ROW)}"
            case Sum():
                return self._sum(operand)
            case First():
                present = [self.value(part) for part in operand.operands if self.has(part)]
                return f"coalesce({', '.join(present)})"
            case Restricted():
                tests, value = self._tests(operand), self.value(operand.operand)
                return f"CASE WHEN {tests} THEN {value} END" if tests else value
            case _:
                assert_never(operand)

    def _tests(self, restricted: Restricted) -> str:
        """Whether the operand counts; empty where it always does."""
        tests = [self.holds(condition) for condition in restricted.only]
        tests += [f"NOT {self.holds(condition)}" for condition in restricted.unless]
        return " AND ".join(tests)

    def blank_row(self) -> str:
        """Whether no cell of the row holds anything."""
        cells = [f"CAST({identifier(name)} AS VARCHAR)" for name, _ in self.columns]
        first = (
            f"coalesce({_doubtful(cells[0], True, [''])}, true)" if cells else "false"
        )  # spares most rows the rest
        return f"({first} AND concat({', '.join(map(_trimmed, cells))}) = '')"

    def holds(self, condition: Condition) -> str:
        """Whether every test holds; a column that is not there is empty."""
        return "(" + " AND ".join(self._test(test) for test in condition) + ")"

    def _test(self, test: Test) -> str:
        if test.fact is not None:
            text = (
                self.let(f"CAST({identifier(mapped_name(test.fact))} AS VARCHAR)")
                if test.fact in self.mapped
                else "NULL"
            )
        else:
            column = self.column(test.columns)
            cell = Cell(test.columns, test.span, True, shortest=True)
            text = "NULL" if column is None else self.let(_whole(self.text(cell, column)))
        tests = [_is_value(text, value) if value else f"{text} IS NULL" for value in test.values]
        return self.let(f"coalesce({' OR '.join(tests)}, false)")

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
        blank = ["", *(value.lower() for value in self.blank)]
        # what is converted is read without the blanks around it, as facts are
        trims = cell.trim or cell.thousands or any((cell.dates, cell.unit, cell.values))
        doubtful = self.let(_doubtful(text, trims, blank))
        # what a CASE names twice would be worked out for every row, whether or not the row needs it
        trimmed = self.let(f"CASE WHEN {doubtful} THEN {_trimmed(text)} ELSE {text} END") if trims else text
        empty = f"{doubtful} AND lower({trimmed}) IN ({', '.join(map(quoted, blank))})"
        return self.let(f"CASE WHEN {empty} THEN NULL ELSE {trimmed} END")

    def _cell(self, cell: Cell) -> str:
        column = self.column(cell.columns)
        if column is None:
            assert cell.absent is not None
            return quoted(cell.absent)
        result = self.text(cell, column)
        if cell.entries is not None:
            return self._in_force(cell, cell.entries, result)
        if cell.sound:
            return f"CASE WHEN {self.let(_is_sound(result))} THEN {result} END"
        text = _looked_up(cell, self._code(cell, result))
        if cell.dates:
            text = as_iso(self.let(text), cell.dates)
        if cell.thousands:
            text = _without_marks(self.let(text))
        if cell.unit is not None:
            text = self.let(text)
            number = f"{text} || '%'" if cell.unit == PERCENT else _scaled(text, FACTORS[cell.unit])
            text = _where_number(text, number)
        return text if cell.empty is None else f"coalesce({text}, {_when_empty(result, cell.empty)})"

    def _code(self, cell: Cell, text: str) -> str:
        """The cell as its list has it: a code without the .0 that a program adds which takes it for a number."""
        return self.let(_whole(text)) if cell.values and cell.shortest else text

    def unlisted(self, operand: Operand) -> str | None:
        """The cell that made the operand unknown, as its list does not have it, else NULL; None where it has no list.

        What may be an identity number is not repeated: an empty text stands for it.
        """
        match operand:
            case Cell():
                return self._unlisted_cell(operand)
            case Restricted():
                unlisted = self.unlisted(operand.operand)
                tests = self._tests(operand)
                return unlisted if unlisted is None or not tests else f"CASE WHEN {tests} THEN {unlisted} END"
            case First():
                parts = [self.unlisted(part) for part in operand.operands if self.has(part)]
                texts = [part for part in parts if part is not None]
                unknown = f"{self.value(operand)} IS NULL"
                return f"CASE WHEN {unknown} THEN coalesce({', '.join(texts)}) END" if texts else None
            case Constant() | RowNumber() | Sum():
                return None
            case _:
                assert_never(operand)

    def _unlisted_cell(self, cell: Cell) -> str | None:
        column = self.column(cell.columns)
        if column is None or cell.entries is not None:
            return None
        text = self.text(cell, column)
        if cell.sound:
            return f"CASE WHEN NOT coalesce({self.let(_is_sound(text))}, false) AND {text} IS NOT NULL THEN '' END"
        if cell.other is None:
            return None
        text = self._code(cell, text)
        listed = [_is_value(text, value) for value, _ in cell.values]
        return f"CASE WHEN NOT ({' OR '.join(listed)}) THEN {text} END"

    def _sum(self, operand: Sum) -> str:
        """The exact sum; NULL where a part is, refused where one is no number."""
        plus, minus = ([self.value(part) for part in parts] for parts in (operand.plus, operand.minus))
        plus, minus = [self.let(text) for text in plus], [self.let(text) for text in minus]
        numbers = [self.let(_decimal(text)) for text in (*plus, *minus)]
        signs = ["+"] * len(plus) + ["-"] * len(minus)
        total = " ".join(
            f"{sign} {number}" for sign, number in zip(signs, numbers, strict=True)
        ).removeprefix("+ ")
        written = f"rtrim(rtrim(CAST({total} AS VARCHAR), '0'), '.')"
        pairs = zip((*plus, *minus), numbers, strict=True)
        wrong = " OR ".join(f"({text} IS NOT NULL AND {number} IS NULL)" for text, number in pairs)
        return f"CASE WHEN {wrong} THEN '?' ELSE {written} END"

    def _in_force(self, cell: Cell, entries: Entries, content: str) -> str:
        """Of several identities in a cell, the first in `order` that is in force; an ill-written one is refused."""
        day = "NULL" if self.as_of is None else f"DATE '{self.as_of}'"
        if entries.on is not None:
            day = (
                f"TRY_CAST({identifier(mapped_name(entries.on))} AS DATE)"
                if entries.on in self.mapped
                else "NULL"
            )
        parts, shape, texts = self._entries(entries, content)
        begin, end = (f"nullif({texts.get(name, quoted(''))}, '')" for name in ("begin", "end"))
        formats = tuple(dict.fromkeys((TIMESTAMP, *cell.dates)))
        begin, end = as_iso(begin, formats), as_iso(end, formats)
        dated = [f"({text} IS NULL OR TRY_CAST({text} AS DATE) IS NOT NULL)" for text in (begin, end)]
        sound = " AND ".join([f"coalesce({shape}, false)", *dated])
        began = f"({begin} IS NULL OR TRY_CAST({begin} AS DATE) <= {day})"
        lasts = f"({end} IS NULL OR TRY_CAST({end} AS DATE) >= {day})"
        force = f"list_filter({parts}, lambda e: {began} AND {lasts})"
        codes = f"list_transform({force}, lambda e: {_looked_up(cell, texts['code'])})"
        cases = (f"WHEN list_contains({codes}, {quoted(v)}) THEN {quoted(v)}" for v in entries.order)
        chosen = " ".join(cases)
        ill = f"len(list_filter({parts}, lambda e: NOT ({sound}))) > 0"
        none = "NULL" if cell.empty is None else quoted(cell.empty)
        unread = f"WHEN {day} IS NULL THEN NULL WHEN {ill} THEN '?'"
        return (
            f"CASE WHEN {content} IS NULL THEN {none} {unread} {chosen} WHEN len({codes}) = 0 THEN {none} END"
        )

    def _entries(self, entries: Entries, cell: str) -> tuple[str, str, dict[str, str]]:
        """The list of a cell's entries; of one, `e`, whether it is well written, and its parts by name."""
        split = f"string_split({cell}, {quoted(entries.separator)})"
        if entries.part is not None:
            pattern, groups = entry_pattern(entries.part) or ("", {})
            texts = {
                name: f"regexp_extract(trim(e), {quoted(f'^{pattern}$')}, {number})"
                for name, number in groups.items()
            }
            return split, f"regexp_full_match(trim(e), {quoted(pattern)})", texts
        columns = (self._parallel(names, entries.separator) for names in (entries.begins, entries.ends))
        texts = {
            "code": "trim(e[1])",
            "begin": "trim(coalesce(e[2], ''))",
            "end": "trim(coalesce(e[3], ''))",
        }
        return f"list_zip({', '.join([split, *columns])})", "true", texts

    def _parallel(self, names: Sequence[str], separator: str) -> str:
        column = self.column(names)
        if column is None:
            return "CAST([] AS VARCHAR[])"
        text = f"CAST({identifier(column[0])} AS VARCHAR)"
        return f"string_split(coalesce({text}, ''), {quoted(separator)})"


def _trimmed(text: str) -> str:
    return f"trim({text}, {quoted(_BLANKS)})"


def _doubtful(text: str, trim: bool, blank: Sequence[str]) -> str:
    """Whether a cell may be empty, say so or need trimming: one look that spares most cells the rest, ten times as dear."""
    patterns = [
        f"(?i:{'|'.join(map(re.escape, blank))})",
        *([f"[{_BLANKS}].*", f".*[{_BLANKS}]"] if trim else []),
    ]
    return f"regexp_full_match({text}, {quoted('|'.join(patterns))}, 's')"


def _is_sound(text: str) -> str:
    """Whether a text has the shape and check digit of an identity number."""
    number = f"TRY_CAST(left({text}, {len(WEIGHTS)}) AS BIGINT)"
    digits = (f"{number} // {10**place} % 10" for place in reversed(range(len(WEIGHTS))))
    total = " + ".join(f"{weight} * ({digit})" for weight, digit in zip(WEIGHTS, digits, strict=True))
    digit = f"substr('{CHECK_DIGITS}', CAST(({total}) % 11 AS INTEGER) + 1, 1)"
    shape = f"regexp_full_match({text}, '[1-9][0-9]{{16}}[0-9Xx]')"
    born = f"try_strptime(substr({text}, 7, 8), '%Y%m%d') IS NOT NULL"
    return f"(CASE WHEN {shape} THEN {born} AND {digit} = upper(right({text}, 1)) ELSE false END)"


def _is_value(text: str, value: str) -> str:
    """Whether a text is a value of a list, or begins as one that ends in a star says."""
    return (
        f"starts_with({text}, {quoted(value[:-1])})" if value.endswith("*") else f"{text} = {quoted(value)}"
    )


def _whole(text: str) -> str:
    """A code without the .0 that a program adds which takes it for a number."""
    return f"CASE WHEN ends_with({text}, '.0') THEN left({text}, -2) ELSE {text} END"


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


def _when_empty(content: str, text: str) -> str:
    """The value of an empty cell; a cell that means unknown is not empty."""
    return f"CASE WHEN {content} IS NULL THEN {quoted(text)} END"


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


def _without_marks(text: str) -> str:
    """A number without the marks between its thousands; any other text as it is."""
    bare = f"replace(replace({text}, ',', ''), '，', '')"
    marked = (
        f"(contains({text}, ',') OR contains({text}, '，'))"  # a quick look spares most cells the pattern
    )
    return f"CASE WHEN {marked} AND regexp_full_match({text}, {quoted(_GROUPED)}) THEN {bare} ELSE {text} END"
