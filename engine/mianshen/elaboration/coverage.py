"""Which clause of the sources is answered by what.

In: a program. Out: for each clause the provisions, benefits and figures that cite it or are named by it, or
the reason why it is out of scope. In: the document as well. Out: warnings about clauses nothing answers,
and about citations of clauses that are not in the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.program.program import Citation, Clause, OutOfScope, Program
from mianshen.source import Diagnostic

if TYPE_CHECKING:
    from mianshen.document import Document

Kind: TypeAlias = Literal["benefits", "provisions", "tables", "parameters"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`planned`: it decides nothing until an overlay switches it on."""

    kind: Kind
    name: str
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """A clause, what answers it, and why it is left out; one of the two is there, or it is not answered."""

    clause: Clause
    answers: tuple[Answer, ...]
    left_out: tuple[OutOfScope, ...]


def coverage(program: Program) -> tuple[Covered, ...]:
    """Every clause the rulebook lists, in its order."""
    citing: dict[Citation, dict[Answer, None]] = {}
    named: dict[str, dict[Answer, None]] = {}
    for citation, answer in _citing(program):
        citing.setdefault(citation, {})[answer] = None
        named.setdefault(answer.name, {})[answer] = None
    left_out: dict[Citation, list[OutOfScope]] = {}
    for part in program.out_of_scope:
        left_out.setdefault(part.citation, []).append(part)
    return tuple(
        Covered(
            clause,
            tuple({
                **citing.get(clause.citation, {}),
                **{answer: None for name in clause.answered_by for answer in named.get(name, ())},
            }),
            tuple(left_out.get(clause.citation, ())),
        )
        for clause in program.clauses
    )  # fmt: skip


def gaps(program: Program, document: Document) -> Iterator[Diagnostic]:
    """Warnings, where the rulebook lists clauses at all; under overlays, which may cite anything, none."""
    if not program.clauses or program.overlays:
        return
    for index, covered in enumerate(coverage(program)):
        if not covered.answers and not covered.left_out:
            citation = covered.clause.citation
            yield diagnostic(
                "E350.not_answered",
                document.span("clauses", index, "clause"),
                source=citation.source or "",
                clause=citation.clause or "",
            )
    listed = {clause.citation for clause in program.clauses}
    citations: set[Citation] = set()
    for citation, answer in _citing(program):
        if citation.source and citation.clause and citation not in listed | citations:
            citations.add(citation)
            span = document.span(answer.kind, answer.name, "clause")
            yield diagnostic("E351.not_listed", span, source=citation.source, clause=citation.clause)
    for index, model in enumerate(document.out_of_scope):
        for clause in model.clause:
            if Citation(model.source, clause) not in listed:
                yield diagnostic(
                    "E351.not_listed",
                    document.span("out_of_scope", index, "clause"),
                    source=model.source,
                    clause=clause,
                )


def _citing(program: Program) -> Iterator[tuple[Citation, Answer]]:
    """Everything that cites a clause, benefits first."""
    for benefit in program.benefits.values():
        yield benefit.citation, Answer("benefits", benefit.name)
    for decision in program.decisions:
        for provision in decision.provisions:
            yield provision.citation, _answer(provision.name)
    for planned in program.planned:
        yield planned.citation, _answer(planned.name, planned=True)
    for parameter in program.parameters.values():
        for dated in parameter.series:
            yield dated.citation, Answer("parameters", parameter.name)


def _answer(name: str, planned: bool = False) -> Answer:
    """A provision, or the table it is a row of."""
    table, dot, _ = name.partition(".")
    return Answer("tables" if dot else "provisions", table, planned)
