"""Columns as files hold them made into typed facts, in SQL: the grammar of `program.literals` again.

In: a fact, a source column with its DuckDB type. Out: `Read`: the value (NULL: unknown or wrong) and
the reasons a given value is refused. Nothing here raises at run time, nothing rounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from sqlglot import exp

from mianshen.program.core import Boolean, Code, Date, Listing, Numeric, Span_, String
from mianshen.program.literals import AREA, DAY, NUMBER, TRUTH
from mianshen.program.program import CodeList, Fact
from mianshen.sql import terms
from mianshen.sql.terms import Sql

WIDE: Final = "DECIMAL(38, 20)"
_DECIMAL: Final = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"})
_STAMP: Final = re.compile(r"TIMESTAMP(_S|_MS|_NS)?")


@dataclass(frozen=True, slots=True)
class Read:
    """A fact read from a column; `refused`: (test, reason), each test true or false."""

    value: Sql
    refused: tuple[tuple[Sql, str], ...]


class WrongColumn(Exception):
    """A column whose type cannot hold the fact exactly; `wanted` says what can."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(found)
        self.found = found
        self.wanted = wanted


Let: TypeAlias = Callable[[str, Sql], Sql]


def read_column(fact: Fact, column: Sql, found: str, codes: dict[str, CodeList], let: Let) -> Read:
    """How to read a fact from a column of DuckDB type `found`.

    `let` names an intermediate value as a column of an earlier layer. Raises WrongColumn.
    """
    if found == '"NULL"' or found == "NULL":
        return Read(terms.cast(terms.NULL, terms.sql_type(fact.type)), ())
    match fact.type:
        case Numeric():
            return _numeric(fact, fact.type, column, found, let)
        case Boolean():
            return _boolean(column, found, let)
        case Date():
            return _date(column, found, let)
        case Code(codes=name):
            return _code(_text(column, found, "text"), codes[name], let)
        case String(area=True):
            text = let("text", _text(column, found, "text"))
            fits = let("fits", _matches(text, AREA))
            return Read(terms.case([(fits, text)]), ((terms.surely_not(fits), "bad_area"),))
        case String():
            return Read(_text(column, found, "text"), ())
        case Listing(item=item):
            return _listing(column, found, item, codes)
        case Span_():
            raise WrongColumn(found, "text")


def _text(column: Sql, found: str, wanted: str) -> Sql:
    """The cell as text; an empty one is NULL."""
    if found == "VARCHAR" or found.startswith("ENUM"):
        text = column if found == "VARCHAR" else terms.cast(column, "VARCHAR")
        return exp.Nullif(this=text, expression=terms.literal(""))
    if found in _WHOLE:
        return terms.cast(column, "VARCHAR")
    raise WrongColumn(found, wanted)


def _matches(text: Sql, pattern: re.Pattern[str]) -> Sql:
    return terms.function("REGEXP_FULL_MATCH", text, terms.literal(pattern.pattern))


def _numeric(fact: Fact, type_: Numeric, column: Sql, found: str, let: Let) -> Read:
    to = terms.sql_type(type_)
    decimal = _DECIMAL.fullmatch(found)
    if decimal is not None and int(decimal[2]) <= type_.scale and int(decimal[1]) - int(decimal[2]) <= 18 - type_.scale:
        return _ranged(type_, terms.cast(column, to), column, (), 10 ** (int(decimal[1]) - int(decimal[2])))
    if found in _WHOLE:
        return _ranged(type_, let("number", terms.try_cast(column, to)), column, ())
    if decimal is not None:
        return _settled(type_, column, column, let)
    if found == "DOUBLE" and fact.written == "integer":
        whole = let("number", terms.try_cast(terms.try_cast(column, "BIGINT"), to))
        broken = terms.conjoin([terms.is_known(column), terms.surely(exp.NEQ(this=column.copy(), expression=terms.function("FLOOR", column)))])
        return _ranged(type_, whole, column, ((broken, "too_many_decimals"),))
    if found != "VARCHAR":
        raise WrongColumn(found, "DECIMAL or text")
    text = let("text", _text(column, found, "text"))
    number: Sql = terms.try_cast(terms.case([(_matches(text, NUMBER), text)]), WIDE)
    if fact.written == "rate":
        share = exp.Like(this=text.copy(), expression=terms.literal("%\\%"))
        part = terms.function("REPLACE", text, terms.literal("%"), terms.literal(""))
        hundredth = exp.Mul(this=terms.try_cast(terms.case([(_matches(part, NUMBER), part)]), "DECIMAL(30, 12)"), expression=terms.literal(Decimal("0.01")))
        number = terms.case([(share, terms.cast(hundredth, WIDE))], number)
    return _settled(type_, let("wide", number), text, let, unread=True)


def _settled(type_: Numeric, number: Sql, given: Sql, let: Let, unread: bool = False) -> Read:
    """A wide decimal brought to the fact's decimals; more that are not zero are refused."""
    kept = let("kept", exp.Round(this=number.copy(), decimals=terms.literal(type_.scale)))
    uneven = terms.surely(exp.NEQ(this=number.copy(), expression=kept))
    refused: list[tuple[Sql, str]] = []
    if unread:
        refused.append((terms.conjoin([terms.is_known(given), terms.is_null(number)]), "bad_number"))
    refused.append((uneven, "too_many_decimals"))
    return _ranged(type_, let("number", terms.try_cast(kept, terms.sql_type(type_))), given, tuple(refused))


def _ranged(type_: Numeric, value: Sql, given: Sql, refused: tuple[tuple[Sql, str], ...], size: int | None = None) -> Read:
    """A number within the fact's range; one that does not fit its column is outside.

    `size`: what the column's own type keeps the number below, None where it may be anything."""
    tests = []
    if size is None or type_.low > -size:
        tests.append(terms.surely(exp.LT(this=value.copy(), expression=terms.literal(type_.low, type_.scale))))
    if size is None or type_.high < size - Decimal(1).scaleb(-type_.scale):
        tests.append(terms.surely(exp.GT(this=value.copy(), expression=terms.literal(type_.high, type_.scale))))
    if size is None:
        tests.append(terms.conjoin([terms.is_null(value), terms.is_known(given)]))
    outside = terms.disjoin(tests)
    wrong = terms.disjoin([*(test for test, _ in refused), outside])
    if wrong == terms.FALSE:
        return Read(value, ())
    return Read(terms.case([(terms.negate(wrong), value)]), (*refused, (outside, "out_of_range")))


def _boolean(column: Sql, found: str, let: Let) -> Read:
    if found == "BOOLEAN":
        return Read(column, ())
    if found != "VARCHAR":
        raise WrongColumn(found, "BOOLEAN or text: true, false")
    text = let("text", exp.Lower(this=_text(column, found, "text")))
    branches = [(exp.EQ(this=text.copy(), expression=terms.literal(word)), terms.literal(truth)) for word, truth in TRUTH.items()]
    value = let("truth", terms.case(branches))
    return Read(value, ((terms.conjoin([terms.is_known(text), terms.is_null(value)]), "bad_boolean"),))


def _date(column: Sql, found: str, let: Let) -> Read:
    if found == "DATE":
        return Read(column, ())
    if _STAMP.fullmatch(found):
        day = let("day", terms.cast(column, "DATE"))
        whole = terms.surely(exp.EQ(this=column.copy(), expression=terms.cast(day, found)))
        return Read(terms.case([(whole, day)]), ((terms.conjoin([terms.is_known(column), terms.negate(whole)]), "bad_date"),))
    if found != "VARCHAR":
        raise WrongColumn(found, "DATE or text: 2026-01-31")
    text = let("text", _text(column, found, "text"))
    day = let("day", terms.try_cast(terms.case([(_matches(text, DAY), text)]), "DATE"))
    value = terms.case([(exp.GTE(this=day.copy(), expression=terms.cast(terms.literal("0001-01-01"), "DATE")), day)])
    return Read(value, ((terms.conjoin([terms.is_known(text), terms.is_null(value)]), "bad_date"),))


def _code(text: Sql, codes: CodeList, let: Let) -> Read:
    given = let("text", text)
    plain = exp.In(this=given.copy(), expressions=[terms.literal(code) for code in codes.values])
    branches: list[tuple[Sql, Sql]] = [(plain, given)]
    for code in codes.values:
        others = [s for s, c in codes.spellings.items() if c == code and s not in codes.values]
        if others:
            branches.append((exp.In(this=given.copy(), expressions=[terms.literal(s) for s in others]), terms.literal(code)))
    value = let("code", terms.case(branches))
    return Read(value, ((terms.conjoin([terms.is_known(given), terms.is_null(value)]), "bad_code"),))


def _listing(column: Sql, found: str, item: Code | String, codes: dict[str, CodeList]) -> Read:
    """A list of codes or texts: a list column, or `a; b` in text."""
    parts: Sql
    if found == "VARCHAR[]":
        parts = column
    else:
        text = _text(column, found, "a list of text")
        split = terms.function("STRING_SPLIT", text, terms.literal(";"))
        trimmed = terms.function("LIST_TRANSFORM", split, _each(terms.function("TRIM", exp.column("x"))))
        parts = terms.function("LIST_FILTER", trimmed, _each(exp.NEQ(this=exp.column("x"), expression=terms.literal(""))))
    if not isinstance(item, Code):
        return Read(parts, ())
    value = terms.function("LIST_TRANSFORM", parts, _each(_code(exp.column("x"), codes[item.codes], lambda _, inner: inner).value))
    spoilt = exp.GT(this=terms.function("LEN", terms.function("LIST_FILTER", value, _each(terms.is_null(exp.column("x"))))), expression=terms.literal(0))
    return Read(terms.case([(terms.surely_not(spoilt), value)]), ((terms.surely(spoilt), "bad_code"),))


def _each(body: Sql) -> Sql:
    return exp.Lambda(this=body, expressions=[exp.to_identifier("x")])
