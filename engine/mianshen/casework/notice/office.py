"""What an office puts on its notices: its name, numbers, contact and remedies, from a file of its own.

In: a YAML file of the office. Out: `Letterhead`, texts in one language.
Invariants: a person's name and masked identity number stand on a notice only where an office issues it; the number is
never whole.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mianshen.document.model import Shape, Titled
from mianshen.document.validate import fit
from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter.rows import Row
from mianshen.program.program import Program
from mianshen.source import Lang, RuleError

_SHOWN: Final = (4, 4)  # characters of an identity number that stay, at its ends
NAME: Final = "name"  # the fact of the vocabulary
IDENTITY: Final = "identity_number"  # the format of a fact


class OfficeFile(Shape):
    """`number`: how notices are numbered, with {year} and {serial}; `remedies` replace the usual paragraphs."""

    office: Titled
    number: str | None = None
    contact: Titled | None = None
    remedies: tuple[Titled, ...] = ()


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Texts of one notice; empty where the office or the record says nothing. `issued`: ISO date."""

    office: str
    number: str
    issued: str
    name: str
    identity_number: str
    contact: str
    remedies: tuple[str, ...]


def read_office(file: Path) -> OfficeFile:
    """The file of an office. Raises RuleError with every mistake at its line and column."""
    root, findings = read_tree(file)
    if root is None or findings:
        raise RuleError(findings)
    office, findings = fit(OfficeFile, root, root.span)
    if office is None:
        raise RuleError(findings)
    return office


def letterhead(
    office: OfficeFile, program: Program, person: Row, serial: str, issued: dt.date, lang: Lang
) -> Letterhead:
    """What the office puts on a notice to a person. `serial`: the notice's own part of its number."""
    texts = {name: str(person.facts[name]) for _, name in program.facts if name in person.facts}
    numbers = [
        texts[name]
        for (entity, name), fact in program.facts.items()
        if entity == person.entity and fact.format == IDENTITY and name in texts
    ]
    number = office.number if serial else None
    contact = None if office.contact is None else getattr(office.contact, lang)
    return Letterhead(
        office=getattr(office.office, lang),
        number=""
        if number is None
        else number.replace("{year}", str(issued.year)).replace("{serial}", serial),
        issued=issued.isoformat(),
        name=texts.get(NAME, ""),
        identity_number=masked(numbers[0]) if numbers else "",
        contact=contact or "",
        remedies=tuple(getattr(remedy, lang) for remedy in office.remedies),
    )


def masked(number: str) -> str:
    """An identity number of which only the ends are to be read."""
    before, after = _SHOWN
    hidden = len(number) - before - after
    return number[:before] + "*" * hidden + number[-after:] if hidden > 0 else "*" * len(number)
