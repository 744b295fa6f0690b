"""Columns as files hold them made into typed facts, in SQL: the grammar of `program.literals` again.

In: a fact, a source column with its DuckDB type. Out: `Read`: the value (NULL: unknown or wrong) and
the reasons a given value is refused, the same as the reader of single records gives. Nothing here
raises at run time, nothing rounds. A cell of nothing but blanks is refused as `empty`; what that costs
is spent only on cells that are refused anyway, or may be blank.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from sqlglot import exp

from mianshen.program.core import Boolean, Code, Date, Duration, Listing, Numeric, String
from mianshen.program.literals import DAY, NUMBER, TRUTH
from mianshen.program.program import CodeList, Fact
from mianshen.source import Message
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.place_columns import PLACE_CODE

_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_WHOLE: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
)
_STAMP: Final = re.compile(r"TIMESTAMP(_S|_MS|_NS)?")
_BLANKS: Final = "".join(
    f"\\x{{{code:x}}}" for code in range(0x3001) if chr(code).isspace()
)  # as Python strips
_ONLY_BLANKS: Final = ""  # what is left of a cell of blanks
# blanks, control characters and characters of no width, as `records.facts` has them
_INVISIBLE: Final = "".join(
    chr(code)
    for code in (*range(1, 0x21), *range(0x7F, 0xA1), 0xAD, 0x34F, 0x61C, *range(0x115F, 0x1161), 0x1680, 0x180E,
                 *range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2070), 0x3000, 0x3164, 0xFE0F,
                 0xFEFF, 0xFFA0)
)  # fmt: skip
_MIDNIGHT: Final = r"(?:[T ]|\s+)0?0:00(?::00(?:\.0+)?)?Z?$"
_AROUND: Final = f"^[{_BLANKS}]+|[{_BLANKS}]+$"
_SHARE: Final = f"(?:{NUMBER.pattern})%"
_FIRST, _LAST = terms.literal(dt.date.min), terms.literal(dt.date.max)

TEXT: Final = Message("文本", "text")
NUMBERS: Final = Message("DECIMAL 或文本", "DECIMAL or text")
TRUTHS: Final = Message("BOOLEAN，或文本 true、false", "BOOLEAN, or text: true, false")
DATES: Final = Message("DATE，或文本 2026-01-31", "DATE, or text: 2026-01-31")
TEXTS: Final = Message("文本的列表", "a list of text")


@dataclass(frozen=True, slots=True)
class Read:
    """A fact read from a column; `refused`: (test, reason), each test true or false, each reason a text."""

    value: Sql
    refused: tuple[tuple[Sql, Sql], ...]


class WrongColumn(Exception):
    """A column whose type cannot hold the fact exactly; `wanted` says what can."""

    def __init__(self, found: str, wanted: Message) -> None:
        super().__init__(found)
        self.found = found
        self.wanted = wanted


Let: TypeAlias = Callable[[str, Sql], Sql]


def read_column(fact: Fact, column: Sql, found: str, codes: dict[str, CodeList], let: Let) -> Read:
    """How to read a fact from a column of DuckDB type `found`.

    `let` names an intermediate value as a column of an earlier layer. Raises WrongColumn.
    """
    read = _read(fact, column, found, codes, let)
    value = read.value
    for placeholder in fact.placeholders:
        value = exp.Nullif(this=value, expression=terms.literal(placeholder))
    return Read(value, read.refused)


def _read(fact: Fact, column: Sql, found: str, codes: dict[str, CodeList], let: Let) -> Read:
    if found in {'"NULL"', "NULL"}:
        return Read(terms.cast(terms.NULL, terms.sql_type(fact.type)), ())
    match fact.type:
        case Numeric():
            return _numeric(fact, fact.type, column, found, let)
        case Boolean():
            return _boolean(column, found, let)
        case Date():
            return _date(column, found, let)
        case Code(codes=name):
            return _code(_text(column, found, TEXT), codes[name], let)
        case String(area=True):
            text = let("text", _text(column, found, TEXT))
            return _given(text, let("place", terms.function(PLACE_CODE, text)), _why(text, "bad_area"))
        case String():
            return _plain(column, found, let)
        case Listing(item=item):
            return _listing(column, found, item, codes, let)
        case Duration():
            raise WrongColumn(found, TEXT)


def _text(column: Sql, found: str, wanted: Message) -> Sql:
    """The cell as text; an empty one is NULL."""
    if found == "VARCHAR" or found.startswith("ENUM"):
        text = column if found == "VARCHAR" else terms.cast(column, "VARCHAR")
        trimmed = terms.function("TRIM", text, terms.literal(_INVISIBLE))
        empty = exp.EQ(this=text.copy(), expression=terms.literal(""))
        return terms.case([(empty, terms.NULL)], trimmed)
    if found in _WHOLE:
        return terms.cast(column, "VARCHAR")
    raise WrongColumn(found, wanted)


def _matches(text: Sql, pattern: str) -> Sql:
    return terms.function("REGEXP_FULL_MATCH", text, terms.literal(pattern))


def _why(text: Sql, reason: str) -> Sql:
    """Why a text is refused: it may be nothing but blanks."""
    return terms.case([(_matches(text, _ONLY_BLANKS), terms.literal("empty"))], terms.literal(reason))


def _plain(column: Sql, found: str, let: Let) -> Read:
    """A text; what begins with a printable ASCII character needs no closer look for blanks."""
    text = _text(column, found, TEXT)
    if found in _WHOLE:
        return Read(text, ())
    text = let("text", text)
    blank = let("blank", terms.surely(exp.EQ(this=text, expression=terms.literal(""))))
    return Read(terms.case([(terms.negate(blank), text)]), ((blank, terms.literal("empty")),))


def _numeric(fact: Fact, type_: Numeric, column: Sql, found: str, let: Let) -> Read:
    to = terms.sql_type(type_)
    decimal = _DECIMAL.fullmatch(found)
    if (
        decimal is not None
        and int(decimal[2]) <= type_.scale
        and int(decimal[1]) - int(decimal[2]) <= 18 - type_.scale
    ):
        return _ranged(type_, terms.cast(column, to), column, (), 10 ** (int(decimal[1]) - int(decimal[2])))
    if found in _WHOLE:
        return _ranged(type_, let("number", terms.try_cast(column, to)), column, ())
    if decimal is not None:
        return _settled(type_, column, found, column, (), let)
    if found == "DOUBLE" and fact.written == "integer":
        whole = let("number", terms.try_cast(terms.try_cast(column, "BIGINT"), to))
        broken = terms.conjoin(
            [
                terms.is_known(column),
                terms.surely(exp.NEQ(this=column, expression=terms.function("FLOOR", column))),
            ]
        )
        return _ranged(type_, whole, column, ((broken, terms.literal("too_many_decimals")),))
    if found != "VARCHAR":
        raise WrongColumn(found, NUMBERS)
    text = let("text", _text(column, found, NUMBERS))
    return _spelled(type_, text, fact.written == "rate", let)


def _spelled(type_: Numeric, text: Sql, percent: bool, let: Let) -> Read:
    """A number as text: 15 digits and 20 decimals are read, more digits are out of every range (LARGEST).

    A share is read as its hundredfold.
    """
    fits = let("fits", _matches(text, NUMBER.pattern))
    wide = "DECIMAL(37, 22)" if percent else "DECIMAL(35, 20)"
    number = terms.try_cast(terms.case([(fits, text)]), wide)
    if percent:
        share = let("share", _matches(text, _SHARE))
        hundredfold = terms.case([(share, terms.function("RTRIM", text, terms.literal("%")))])
        hundredth = terms.cast(terms.literal("0.01"), "DECIMAL(2, 2)")
        part = exp.Mul(this=terms.try_cast(hundredfold, "DECIMAL(37, 20)"), expression=hundredth)
        number = terms.case([(share, terms.try_cast(part, wide))], number)
        fits = terms.disjoin([fits, share])
    unread = terms.surely_not(fits)
    return _settled(type_, let("wide", number), wide, text, ((unread, _why(text, "bad_number")),), let)


def _settled(
    type_: Numeric, number: Sql, own: str, given: Sql, refused: tuple[tuple[Sql, Sql], ...], let: Let
) -> Read:
    """A decimal of the column type `own` brought to the fact's decimals; more that are not zero are refused."""
    kept = let("kept", exp.Round(this=number, decimals=terms.literal(type_.scale)))
    even = terms.surely(exp.EQ(this=number, expression=terms.try_cast(kept, own)))
    uneven = terms.conjoin([terms.is_known(number), terms.negate(even)])
    value = let("number", terms.try_cast(kept, terms.sql_type(type_)))
    return _ranged(type_, value, given, (*refused, (uneven, terms.literal("too_many_decimals"))))


def _ranged(
    type_: Numeric, value: Sql, given: Sql, refused: tuple[tuple[Sql, Sql], ...], size: int | None = None
) -> Read:
    """A number within the fact's range; one that does not fit its column is outside.

    `size`: what the column's own type keeps the number below, None where it may be anything.
    """
    tests = []
    if size is None or type_.low > -size:
        tests.append(terms.surely(exp.LT(this=value, expression=terms.literal(type_.low, type_.scale))))
    if size is None or type_.high < size - Decimal(1).scaleb(-type_.scale):
        tests.append(terms.surely(exp.GT(this=value, expression=terms.literal(type_.high, type_.scale))))
    if size is None:
        tests.append(terms.conjoin([terms.is_null(value), terms.is_known(given)]))
    outside = terms.disjoin(tests)
    wrong = terms.disjoin([*(test for test, _ in refused), outside])
    if terms.is_false(wrong):
        return Read(value, ())
    return Read(
        terms.case([(terms.negate(wrong), value)]), (*refused, (outside, terms.literal("out_of_range")))
    )


def _given(text: Sql, value: Sql, reason: Sql) -> Read:
    """A value that is wrong where something was given and nothing could be read."""
    return Read(value, ((terms.conjoin([terms.is_known(text), terms.is_null(value)]), reason),))


def _boolean(column: Sql, found: str, let: Let) -> Read:
    if found == "BOOLEAN":
        return Read(column, ())
    if found != "VARCHAR":
        raise WrongColumn(found, TRUTHS)
    text = let("text", exp.Lower(this=_text(column, found, TRUTHS)))
    branches = [
        (exp.EQ(this=text, expression=terms.literal(word)), terms.literal(truth))
        for word, truth in TRUTH.items()
    ]
    return _given(text, let("truth", terms.case(branches)), _why(text, "bad_boolean"))


def _date(column: Sql, found: str, let: Let) -> Read:
    if found == "DATE":
        return _given(column, let("date", _of_our_years(column)), terms.literal("bad_date"))
    if _STAMP.fullmatch(found):
        day = let("day", terms.try_cast(column, "DATE"))
        whole = exp.EQ(this=terms.try_cast(column, "TIMESTAMP"), expression=terms.try_cast(day, "TIMESTAMP"))
        return _given(
            column, let("date", terms.case([(whole, _of_our_years(day))])), terms.literal("bad_date")
        )
    if found != "VARCHAR":
        raise WrongColumn(found, DATES)
    cell = let("cell", _text(column, found, DATES))
    text = let("text", terms.function("REGEXP_REPLACE", cell, terms.literal(_MIDNIGHT), terms.literal("")))
    day = let("day", terms.try_cast(terms.case([(_matches(text, DAY.pattern), text)]), "DATE"))
    return _given(text, let("date", _of_our_years(day)), _why(text, "bad_date"))


def _of_our_years(day: Sql) -> Sql:
    """The day, if its year has four digits and is not 0."""
    return terms.case([(exp.Between(this=day, low=_FIRST, high=_LAST), day)])


def _code(text: Sql, codes: CodeList, let: Let) -> Read:
    given = let("text", text)
    return _given(given, let("code", _spelt(given, codes)), _why(given, "bad_code"))


def _spelt(given: Sql, codes: CodeList) -> Sql:
    """The code that a text is, or is a label of; NULL when there is none.

    One by one: a longer IN would become a join, and lose the order of the rows.
    """
    ranked = sorted(codes.spellings.items(), key=lambda each: each[0] not in codes.values)
    return terms.case(
        [(exp.EQ(this=given, expression=terms.literal(s)), terms.literal(c)) for s, c in ranked]
    )


def _listing(column: Sql, found: str, item: Code | String, codes: dict[str, CodeList], let: Let) -> Read:
    """A list of codes or texts: a list column, or `a; b` in text."""
    each = exp.column("x")
    if found == "VARCHAR[]":
        blank = terms.disjoin([terms.is_null(each), _matches(each, f"[{_BLANKS}]*")])
        parts, empty = let("parts", column), _any(column, blank)
    else:
        text = let("text", _text(column, found, TEXTS))
        stripped = terms.function(
            "REGEXP_REPLACE", each, terms.literal(_AROUND), terms.literal(""), terms.literal("g")
        )
        split = terms.function(
            "LIST_TRANSFORM", terms.function("STRING_SPLIT", text, terms.literal(";")), _each(stripped)
        )
        parts = let(
            "parts",
            terms.function("LIST_FILTER", split, _each(exp.NEQ(this=each, expression=terms.literal("")))),
        )
        empty = terms.surely(_matches(text, _ONLY_BLANKS))
    value = parts
    if isinstance(item, Code):
        value = let("codes", terms.function("LIST_TRANSFORM", parts, _each(_spelt(each, codes[item.codes]))))
    empty = let("empty", empty)
    spoilt = let("spoilt", terms.disjoin([empty, _any(value, terms.is_null(each))]))
    why = terms.case([(empty, terms.literal("empty"))], terms.literal("bad_code"))
    return Read(terms.case([(terms.negate(spoilt), value)]), ((spoilt, why),))


def _any(items: Sql, test: Sql) -> Sql:
    """Whether a list has an item that passes; false where there is no list."""
    found = terms.function("LEN", terms.function("LIST_FILTER", items, _each(test)))
    return terms.surely(exp.GT(this=found, expression=terms.literal(0)))


def _each(body: Sql) -> Sql:
    return exp.Lambda(this=body, expressions=[exp.to_identifier("x")])
