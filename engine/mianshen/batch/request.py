"""What a batch is asked, and what it answers.

In: the words of an operator. Out: `Request`, `Summary`, sizes of memory as numbers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from mianshen.batch.recorded_rules import Rules
from mianshen.ingest.input_paths import Named
from mianshen.ingest.plausibility import ColumnCells
from mianshen.source import Diagnostic

Engine: TypeAlias = Literal["auto", "native", "interpreter", "spark"]
_SIZE: Final = re.compile(r"([0-9.]+) ?([KMGT])(i?)B", re.IGNORECASE)
_POWER: Final = {"K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True, slots=True)
class Request:
    """What a batch is asked. `inputs`: entity to files, folders or patterns, one or several."""

    inputs: Mapping[str, Named]
    as_of: dt.date
    out: Path
    threads: int | None = None
    memory: str | None = None  # such as 4GB
    encoding: str | None = None  # of CSV files; None: UTF-8 or GB18030, as found
    rules: Rules | None = None  # where the program was read from, to be kept with the results
    engine: Engine = (
        "auto"  # auto: native where there is a C compiler and it is worth it, else the interpreter
    )
    master: str | None = None  # Spark's, such as spark://host:7077; None: in process
    mapping: Path | str | None = None  # which columns are which facts: a file, or the name of a shipped one
    shares: int | None = (
        None  # how many partitions to decide one after the other; None: as the memory asks for
    )
    resume: bool = False  # go on from the partitions that a killed run finished
    yes: bool = False  # go on where the files are doubtful


@dataclass(frozen=True, slots=True)
class Summary:
    """`content` is `summary.json`; `rejected` counts the records that were not decided.

    `doubts`: those with which the run went on. `cells`: what is refused in the columns of files, by file and fact.
    """

    content: dict[str, Any]
    rejected: int
    read: int
    doubts: Sequence[Diagnostic] = ()
    cells: Mapping[tuple[str, str], ColumnCells] = field(default_factory=dict)


def bytes_of(size: str) -> int:
    """A memory size such as 4GB as a number of bytes."""
    matched = _SIZE.fullmatch(size)
    assert matched is not None
    unit = 1024 if matched[3] else 1000
    return int(Decimal(matched[1]) * unit ** _POWER[matched[2].upper()])
