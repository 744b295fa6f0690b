"""The list of places as a table of a script, and area codes of any length read by it.

In: a column with a code as its owner writes it. Out: its canonical code, as `mianshen.places` has it; NULL where it is
no code that a list knows. Names of places are not read here.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from mianshen.places import MUNICIPAL, canonical_code, listed_places
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.dialects import Dialect
from mianshen.warehouse.expressions import Sql

COUNTY, PLACE, BELOW = "?county", "?place", "?below"  # its columns
NOTHING, TAKEN, DROPPED = "nothing", "taken", "dropped"  # what becomes of the digits after the sixth
_LEAVES: Final = tuple(code for code in MUNICIPAL if canonical_code(code) != code)  # nothing below is listed


def place_table(table: str, dialect: Dialect = "duckdb") -> str:
    """The statement that makes it: six digits, the place they stand for, what may follow them."""
    known = [code.ljust(6, "0") for code in listed_places()]
    known += [f"{code}99".ljust(6, "0") for code in listed_places() if len(code) == 4]
    known += [f"{code}01" for code in listed_places() if len(code) == 4]
    known += [f"{code}9900" for code in listed_places() if len(code) == 2]
    rows = sorted({code: _row(code) for code in known}.values())
    values = ",\n".join(f"('{county}', '{place}', '{below}')" for county, place, below in rows)
    quote, stored = ("`", " USING PARQUET") if dialect == "spark" else ('"', "")
    columns = ", ".join(f"{quote}{name}{quote}" for name in (COUNTY, PLACE, BELOW))
    return f"CREATE TABLE {table}{stored} AS SELECT * FROM (VALUES\n{values}\n) AS listed ({columns})"


def _row(code: str) -> tuple[str, str, str]:
    place, below = canonical_code(code), canonical_code(f"{code}001")
    assert place is not None
    return code, place, NOTHING if below is None else TAKEN if below == f"{code}001" else DROPPED


def county_of(code: Sql) -> Sql:
    """The six digits that the table is asked for."""
    leaf = exp.In(this=_left(code, 2), expressions=[terms.literal(leaf) for leaf in _LEAVES])
    return terms.case([(leaf, _padded(_left(code, 2)))], _padded(_left(code, 6)))


def place_of(code: Sql, fits: Sql, table: str) -> Sql:
    """The canonical code; `fits`: it has the shape of one. `table`: the list joined by `county_of`."""
    padding = [terms.literal(text) for text in ("", "000", "000000")]
    none = exp.In(this=_from(code, 7), expressions=padding)
    town = terms.conjoin([_equal(exp.Length(this=code), 12), _equal(_from(code, 10), "000")])
    digits = terms.case([(town, _from(code, 7, 3))], _from(code, 7))
    place, below = terms.column(PLACE, table), terms.column(BELOW, table)
    read = terms.case([
        (terms.disjoin([none, _equal(below, DROPPED)]), place),
        (_equal(below, TAKEN), exp.Concat(expressions=[place, digits])),
    ])  # fmt: skip
    return terms.case([(fits, read)])


def _equal(value: Sql, constant: object) -> Sql:
    return terms.equal(value, terms.literal(constant))


def _left(code: Sql, digits: int) -> Sql:
    return exp.Left(this=code, expression=terms.literal(digits))


def _from(code: Sql, start: int, digits: int | None = None) -> Sql:
    length = None if digits is None else terms.literal(digits)
    return exp.Substring(this=code, start=terms.literal(start), length=length)


def _padded(code: Sql) -> Sql:
    return exp.Pad(this=code, expression=terms.literal(6), fill_pattern=terms.literal("0"), is_left=False)
