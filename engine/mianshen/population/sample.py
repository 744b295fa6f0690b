"""A seeded, realistic population to try a rulebook on.

In: a size, a seed, a date. Out: the files residents, households, claims and visits, with the columns of the
records contract, and how many rows each has.
Invariants: the same arguments write the same bytes, whatever the number of threads; money is exact
(DECIMAL(16,2) in Parquet, text with two decimals in CSV); each file appears whole or not at all.
The people are drawn in `population.sql`, by arithmetic on row numbers.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import count
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from mianshen.whole_file import whole_file

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Format: TypeAlias = Literal["csv", "parquet"]

_KEYS = re.compile("[A-Z][0-9]{8}")
_VIEWS = ("residents", "households", "claims", "visits")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows each file of a population has."""

    residents: int
    households: int
    claims: int
    visits: int

    def by_file(self, form: str) -> dict[str, int]:
        """The counts by the name of the file."""
        return {f"{name}.{form}": getattr(self, name) for name in _VIEWS}


def write_population(
    folder: Path,
    residents: int,
    seed: int,
    format: Format,  # noqa: A002 - what the caller calls it
    as_of: dt.date,
    unknowns: bool = False,
) -> Counts:
    """Write residents, households, claims and visits into `folder` (made if need be) as `format` files.

    Claims number three times `residents` and lie in the 18 months up to `as_of`. With `unknowns`,
    about 15 in 1,000 of the cells that may be empty are. Every seed from 0 to 2^32 - 1 gives a
    population of its own.

    Raises ValueError for a size below one or a seed outside that range, OSError where `folder`
    cannot be written or holds a file of one of these names that no sample wrote.
    """
    _refuse(residents, seed)
    folder.mkdir(parents=True, exist_ok=True)
    with _drawn(residents, seed, as_of, unknowns) as database:
        for view in _VIEWS:
            _check_own(database, view, folder / f"{view}.{format}")
        return Counts(*(_write(database, view, folder / f"{view}.{format}", format) for view in _VIEWS))


def write_settlements(folder: Path, residents: int, seed: int, as_of: dt.date) -> int:
    """Write the claims of a population as settlements of the national platform, and give how many rows there are.

    Raises what `write_population` raises.
    """
    _refuse(residents, seed)
    folder.mkdir(parents=True, exist_ok=True)
    with _drawn(residents, seed, as_of, False) as database:
        database.execute(Path(__file__).with_name("settlements.sql").read_text("utf-8"))
        _check_own(database, "settlements", folder / "settlements.csv")
        return _write(database, "settlements", folder / "settlements.csv", "csv")


def _refuse(residents: int, seed: int) -> None:
    if residents < 1:
        raise ValueError("a population needs at least one resident")
    if not 0 <= seed < 2**32:
        raise ValueError("a seed lies between 0 and 4294967295")


def _drawn(residents: int, seed: int, as_of: dt.date, unknowns: bool) -> DuckDBPyConnection:
    """A database in memory that holds the four views of `population.sql`."""
    import duckdb

    database = duckdb.connect()
    variables = {
        "residents": residents,
        "seed": seed,
        "as_of": as_of,
        "unknowns": unknowns,
        "stride": _stride(residents),
    }
    for name, value in variables.items():
        database.execute(f"SET VARIABLE {name} = ?", [value])
    database.execute(Path(__file__).with_name("population.sql").read_text("utf-8"))
    return database


def _stride(residents: int) -> int:
    """A step that visits every resident once before it meets the first again."""
    return next(step for step in count(residents * 618 // 1000 + 1) if gcd(step, residents) == 1)


def _check_own(database: DuckDBPyConnection, view: str, file: Path) -> None:
    from mianshen.population.existing import check_own_folder

    if file.exists():
        check_own_folder(file, [name for name in database.view(view).columns if name != "n"], _KEYS)


def _write(database: DuckDBPyConnection, view: str, file: Path, form: Format) -> int:
    """Write one view whole, in the order of its rows, and give how many there are."""
    import duckdb

    settings = "FORMAT parquet" if form == "parquet" else "FORMAT csv, HEADER"
    try:
        with whole_file(file) as part:
            path = str(part).replace("'", "''")
            query = f"COPY (SELECT * EXCLUDE (n) FROM {view} ORDER BY n) TO '{path}' ({settings})"  # noqa: S608
            [(number,)] = database.execute(query).fetchall()
    except duckdb.IOException as error:
        raise OSError(f"{file}: cannot be written") from error
    return int(number)
