"""What stands on a notice: plain texts in one language, nothing left to decide or to look up.

In: nothing. Out: `Notice` and its parts, which the templates lay out.
Invariants: every figure carries its basis, and its source and clause where it has them; texts are not
escaped here, for each template escapes what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from mianshen.casework.notice.office import Letterhead
from mianshen.closed_sets import Basis
from mianshen.source import Lang


@dataclass(frozen=True, slots=True)
class Given:
    """A value that went in: a fact, a figure or an earlier layer; `note` marks an assumed one."""

    title: str
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the rulebook as it was in force: its value, since when, and what vouches for it."""

    title: str
    name: str
    value: str
    dates: str
    basis: Basis
    basis_words: str
    source: str  # the document's short name in the rulebook, such as S2; empty when none is named
    clause: str
    citation: str  # the document by title, its number, the clause


@dataclass(frozen=True, slots=True)
class Ground:
    """A provision that decided a layer, or might have."""

    title: str
    name: str
    citation: str
    condition: str
    formula: str
    limit: str  # what an annual limit did, in a sentence
    pilot: bool
    given: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One decision. Several grounds: it is open which applies; none: the rulebook has no rule for it."""

    title: str
    name: str
    value: str
    of: str  # whose decision it is, when not the subject's own
    shown: bool  # stands in the table of amounts; the others only in the working
    settled: str  # what was really paid and how far it is from the value, in a sentence; mostly empty
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one record that the answer rests on."""

    of: str
    given: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Records that were counted, a row each; the columns from `money` on are set flush right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    money: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One answer. `status` is a code (eligible, decided, …); everything else is text in `lang`."""

    lang: Lang
    heading: str
    subject: str  # the benefit, or the record, that was asked about
    person: str
    person_title: str
    day: str
    status: str
    status_words: str
    amount: str
    amount_title: str
    reason: str
    terms: tuple[Given, ...]  # delivery, who is paid
    clauses: tuple[str, ...]
    missing: tuple[str, ...]
    layers: tuple[Layer, ...]
    counted: tuple[Table, ...]
    figures: tuple[Figure, ...]
    provisional: tuple[str, ...]  # titles of provisional figures and provisions
    facts: tuple[Facts, ...]
    assumptions: tuple[str, ...]
    remedies: tuple[str, ...]
    replay: tuple[Given, ...]
    code: str  # the digests as the QR code holds them
    letterhead: Letterhead | None = None
