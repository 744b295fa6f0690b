"""Which column of a file is which fact.

In: the names and types of a file's columns, an entity. Out: fact to column; every mistake at its column, with the
nearest known name. A name is taken in any case, trimmed, in full-width letters too; titles of facts are names.
Invariant: what may be a person's is not repeated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.ingest.typed_columns import wrong_type
from mianshen.program.program import Entity, Fact, Program
from mianshen.records.facts import INVISIBLE
from mianshen.source import Diagnostic, Message, RuleError, Span, is_key, nearest

Typed = tuple[str, str]  # the column's name in the file, its DuckDB type
_TYPES: Final = {
    "VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "DOUBLE": pa.float64(), "FLOAT": pa.float32(),
    '"NULL"': pa.null(), "NULL": pa.null(),
    **{f"{sign}{size}": pa.int64() for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")},
    **{f"TIMESTAMP{unit}": pa.timestamp("us") for unit in ("", "_S", "_MS", "_NS")},
}  # fmt: skip
_NOTE: Final = re.compile(r"\s*\([^()]*\)$")  # behind a title, folded
_TELLING: Final = 3  # columns from which a header tells what a file is
_MOSTLY: Final = 0.6  # of them are one entity's


def folded(name: str) -> str:
    """A column's name without what makes no difference: case, blanks around it, full-width letters."""
    return unicodedata.normalize("NFKC", name).strip(INVISIBLE).casefold()


@dataclass(slots=True)
class Header:
    """Matches the header of one file. `line`: where it stands, `places`: the character at which each column begins.

    `nameless`: of columns without a name, the first cell that says something.
    """

    program: Program
    entity: Entity
    path: Path
    columns: Sequence[Typed]
    places: Sequence[int]
    line: int = 1
    nameless: Mapping[str, Span] = field(default_factory=dict)
    facts: dict[str, Fact] = field(init=False)
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.facts = {n: f for (owner, n), f in self.program.facts.items() if owner == self.entity.name}
        self.names = names_of(self.facts)

    @property
    def known(self) -> bool:
        """Whether some cell is a column's name."""
        return any(folded(written) in self.names for written, _ in self.columns)

    def matched(self, mapped: Mapping[str, Typed]) -> dict[str, Typed]:
        """The facts of the file's columns; `mapped` are those a mapping has named. Raises RuleError."""
        if (other := self._other_entity()) is not None:
            wanted = self.entity.title
            raise RuleError([diagnostic("E543.looks_like", self._place(1), wanted=wanted, other=other.title)])
        readable = bool(mapped) or self.known
        if not readable and not any(nearest(written, self.names) for written, _ in self.columns):
            raise RuleError([diagnostics.no_header(self._place(1), self.entity.key)])
        columns: dict[str, Typed] = dict(mapped)
        meant: set[str] = set()  # what misspelt columns seem to be
        wrong: list[Diagnostic] = []
        for number, ((written, type_), at) in enumerate(zip(self.columns, self.places, strict=True), 1):
            name = self.names.get(folded(written))
            if not folded(written):
                wrong.append(self.without_name(written, number, at))
            elif name is None:
                near = nearest(written, self.names)
                meant.add(self.names[near] if near else "")
                echo = written if self.is_name(written, readable) else None
                wrong.append(diagnostics.unknown_column(self._place(at), echo, number, near))
            elif name in columns:
                wrong.append(diagnostics.doubled_column(self._place(at), name))
            else:
                columns[name] = (written, type_)
                wrong += self._unfit(name, type_, at)
        for name, (_, type_) in mapped.items():
            wrong += self._unfit(name, type_, 1)
        for name, fact in self.facts.items():
            if fact.required and name not in columns and name not in meant:
                wrong.append(diagnostic("E504.missing_column", self._place(1), name=name))
        if wrong:
            raise RuleError(wrong)
        return columns

    def without_name(self, written: str, number: int, at: int) -> Diagnostic:
        """A column without a name, at the first cell that says something."""
        place = self.nameless.get(written, self._place(at))
        return diagnostic(
            "E516.nameless_column", place, number=len(written) if written in self.nameless else number
        )

    def _place(self, column: int) -> Span:
        return Span(str(self.path), self.line, column)

    def _other_entity(self) -> Entity | None:
        """The entity that a header is plainly of, where it is not the one that the file is given for.

        What both have (a person's number, a place) tells nothing, but a file without its own key and with another's does.
        """
        written = {folded(name) for name, _ in self.columns}
        known = {
            entity.name: written.intersection(
                names_of({n: f for (e, n), f in self.program.facts.items() if e == entity.name})
            )
            for entity in self.program.entities.values()
        }
        best = max(self.program.entities.values(), key=lambda e: (len(known[e.name]), e.key in written))
        own, other = known[self.entity.name], known[best.name]
        telling = self.entity.key not in written or len(other - own) >= max(1, len(other ^ own) * _MOSTLY)
        plain = len(written) >= _TELLING and len(other) >= len(written) * _MOSTLY and best.key in written
        return best if best.name != self.entity.name and plain and telling else None

    def is_name(self, written: str, readable: bool) -> bool:
        """Whether an unknown name may be repeated; in a line where nothing is known only what is plainly a name."""
        return is_key(written, self.names) and (
            readable or written.isascii() or nearest(written, self.names) is not None
        )

    def _unfit(self, name: str, type_: str, at: int) -> list[Diagnostic]:
        """A column whose type cannot give the fact exactly."""
        why = unfit(self.facts[name], type_)
        return (
            []
            if why is None
            else [diagnostic("E505.wrong_column", self._place(at), name=name, found=type_, wanted=why)]
        )


def names_of(facts: Mapping[str, Fact]) -> dict[str, str]:
    """Names and titles to facts, titles without what stands in brackets behind them, too.

    A title that several facts share, or that is another's name, is none.
    """
    titles: dict[str, set[str]] = {}
    bare: dict[str, set[str]] = {}
    for name, fact in facts.items():
        for title in (fact.title.zh, fact.title.en):
            titles.setdefault(folded(title), set()).add(name)
            bare.setdefault(_NOTE.sub("", folded(title)), set()).add(name)
    return {
        **{title: min(owners) for title, owners in bare.items() if len(owners) == 1},
        **{title: min(owners) for title, owners in titles.items() if len(owners) == 1},
        **{folded(name): name for name in facts},
    }


def check_names_differ(path: Path, columns: Sequence[Typed], places: Sequence[int], line: int) -> None:
    """Raises RuleError where two columns are of one name, or of names that differ in case alone."""
    seen: set[str] = set()
    wrong = []
    for (written, _), at in zip(columns, places, strict=True):
        name = written.strip(INVISIBLE).casefold()
        if name and name in seen:
            echo = written.strip(INVISIBLE) if name.isascii() and name.isidentifier() else None
            wrong.append(diagnostics.doubled_column(Span(str(path), line, at), echo))
        seen.add(name)
    if wrong:
        raise RuleError(wrong)


def unfit(fact: Fact, type_: str) -> Message | None:
    """What a column should be instead of a type of DuckDB's that cannot give the fact exactly."""
    return wrong_type(fact, arrow_of(type_))


def arrow_of(type_: str) -> pa.DataType:
    """A type of DuckDB's as one of Arrow's that is read in the same way; of those that no fact is read from, one."""
    if type_.endswith("[]"):
        return pa.list_(arrow_of(type_.removesuffix("[]")))
    if type_ in _TYPES:
        return _TYPES[type_]
    word = type_.partition("(")[0]
    return {"ENUM": pa.string(), "DECIMAL": pa.decimal128(38, 0)}.get(word, pa.binary())
