"""What a person sees, and what the rulebook rests on: benefits, sources, what is out of scope.

In: the document's models. Out: the program's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mianshen.catalogue import diagnostic
from mianshen.elaboration.events import occasion, triggers
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.formulas.symbol_table import describe
from mianshen.program import diagnostics
from mianshen.program.core import Boolean, Numeric
from mianshen.program.literals import MONEY
from mianshen.program.program import Benefit, Citation, Clause, OutOfScope, SourceDocument
from mianshen.source import Message

if TYPE_CHECKING:
    from mianshen.document import Document


def benefits(vocabulary: Vocabulary) -> dict[str, Benefit]:
    """Every benefit; the decisions it names are checked."""
    by_name: dict[str, Benefit] = {}
    for name, model in vocabulary.document.benefits.items():
        entity = vocabulary.benefit_entity(name)
        if entity in vocabulary.entities:
            _decisions(name, vocabulary)
        else:
            span = vocabulary.document.span("benefits", name, "entity")
            vocabulary.unknown(span, "entities", entity, vocabulary.entities)
        vocabulary.source(model.source, "benefits", name, "source")
        triggers(name, vocabulary)
        occasion(name, vocabulary)
        by_name[name] = Benefit(
            name, message(model.title), entity, model.eligible, model.amount, model.shows,
            model.delivery,
            None if model.paid_to is None else message(model.paid_to), model.triggers,
            Citation(model.source, model.clause), model.once_per, model.work_list,
        )  # fmt: skip
    return by_name


def _decisions(name: str, vocabulary: Vocabulary) -> None:
    """`eligible` is true or false, `amount` a number, and everything shown is a decision."""
    model, path = vocabulary.document.benefits[name], ("benefits", name)
    entity = vocabulary.benefit_entity(name)
    eligible = vocabulary.decision_named(entity, model.eligible, (*path, "eligible"))
    if eligible is not None and not isinstance(eligible, Boolean):
        span = vocabulary.document.span(*path, "eligible")
        vocabulary.diagnostics.append(diagnostics.wrong_type(span, describe(Boolean()), describe(eligible)))
    if model.amount is not None:
        amount = vocabulary.decision_named(entity, model.amount, (*path, "amount"))
        if amount is not None and not isinstance(amount, Numeric):
            span = vocabulary.document.span(*path, "amount")
            vocabulary.diagnostics.append(diagnostics.wrong_type(span, describe(MONEY), describe(amount)))
    for index, decision in enumerate(model.shows):
        vocabulary.decision_named(entity, decision, (*path, "shows", index))


def sources(document: Document) -> dict[str, SourceDocument]:
    """The documents that clauses are cited from."""
    return {
        name: SourceDocument(name, message(model.title), model.number, model.issued, model.file)
        for name, model in document.sources.items()
    }


def out_of_scope(vocabulary: Vocabulary) -> tuple[OutOfScope, ...]:
    """What the rulebook says it leaves out, clause by clause."""
    listed: list[OutOfScope] = []
    for index, model in enumerate(vocabulary.document.out_of_scope):
        vocabulary.source(model.source, "out_of_scope", index, "source")
        subject, reason = message(model.subject), message(model.reason)
        listed += [OutOfScope(Citation(model.source, clause), subject, reason) for clause in model.clause]
    return tuple(listed)


def clauses(vocabulary: Vocabulary) -> tuple[Clause, ...]:
    """The clauses of the sources, each once."""
    by_citation: dict[Citation, Clause] = {}
    for index, model in enumerate(vocabulary.document.clauses):
        vocabulary.source(model.source, "clauses", index, "source")
        citation = Citation(model.source, model.clause)
        if citation in by_citation:
            span = vocabulary.document.span("clauses", index, "clause")
            vocabulary.diagnostics.append(
                diagnostic("E349.clause_twice", span, source=model.source, clause=model.clause)
            )
        else:
            by_citation[citation] = Clause(citation, message(model.subject), model.answered_by)
            _answers(vocabulary, index, model.answered_by)
    return tuple(by_citation.values())


def _answers(vocabulary: Vocabulary, index: int, names: tuple[str, ...]) -> None:
    """What is named as an answer is there; an overlay may have taken it out."""
    document = vocabulary.document
    known = {
        name: section for section in ("benefits", "provisions", "tables", "parameters")
        for name in getattr(document, section)
    }  # fmt: skip
    for place, name in enumerate(names):
        broken = any(document.is_broken(section, name) for section in set(known.values()))
        if name not in known and not broken and not document.overlays:
            span = document.span("clauses", index, "answered_by", place)
            kind = Message("待遇、条款、表或参数", "benefit, provision, table or parameter")
            vocabulary.diagnostics.append(diagnostics.unknown_reference(span, kind, name, known))
