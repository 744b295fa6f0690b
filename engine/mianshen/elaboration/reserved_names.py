"""Names that results use for themselves, so that no decision, fact or entity may bear them.

In: the vocabulary. Out: a diagnostic for each such name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mianshen.elaboration.vocabulary import AS_OF, Vocabulary
from mianshen.program import diagnostics
from mianshen.program.program import ancestors
from mianshen.program.titles import plural
from mianshen.source import Diagnostic, Message

# columns of the batch's files; keys beside the decisions of a row below the person in the JSON of `check`
COLUMNS: Final = frozenset("status reason missing".split())
ROW_KEYS: Final = frozenset("provision missing_from not_modelled provisional assumed clause settled".split())
OF_BENEFIT: Final = ("status", "amount", "reason")  # columns for each benefit, after its name
# files of a batch, and parts of its summary and of a record
COLLECTIONS: Final = frozenset(
    "rejects summary manifest timings differences reversals benefits records notes history as_of".split()
)
_COLUMN: Final = Message("结果文件的一列", "a column of results")
_PART: Final = Message("结果或核定材料的一部分", "a part of results or records")
_DAY: Final = Message("核定日", "the decision date")


def reserved(vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """Decisions named like a column of results, rows named like a file, and anything named as_of."""
    document, entities = vocabulary.document, vocabulary.entities
    above = _from_entry_up(vocabulary)
    of_benefits = {
        (vocabulary.benefit_entity(name), f"{name}_{part}")
        for name in document.benefits
        for part in OF_BENEFIT
    }  # beside which an entity shows decisions only where its rows have an outcome
    for entity, name in vocabulary.decisions:
        parent = entities[entity].parent
        keys = {entities[owner].key for owner in (entity, parent) if owner is not None}
        is_output = entities[entity].outcome is not None and document.decisions[entity][name].output
        taken = name in COLUMNS | keys or (is_output and (entity, name) in of_benefits)
        if taken or (entity not in above and name in ROW_KEYS):
            yield diagnostics.reserved_name(document.span("decisions", entity, name), name, _COLUMN)
    for section, names in (("decisions", vocabulary.decisions), ("facts", vocabulary.facts)):
        for entity, name in names:
            if name == AS_OF:
                yield diagnostics.reserved_name(document.span(section, entity, name), name, _DAY)
    if AS_OF in document.parameters:
        yield diagnostics.reserved_name(document.span("parameters", AS_OF), AS_OF, _DAY)
    for name, entry in entities.items():
        part = "children" if entry.children in COLLECTIONS else None
        if part is not None or not COLLECTIONS.isdisjoint((name, plural(name))):
            at = ("entities", name) if part is None else ("entities", name, part)
            yield diagnostics.reserved_name(document.span(*at), entry.children if part else name, _PART)


def _from_entry_up(vocabulary: Vocabulary) -> set[str]:
    """The entry and what stands above it."""
    header = vocabulary.document.header
    if header is None or header.entry not in vocabulary.entities:
        return set()
    return {header.entry, *ancestors(vocabulary.entities, header.entry)}
