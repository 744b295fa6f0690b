"""What no record may fail: the entities' checks, typed.

In: the entities as written. Out: entities with their checks.
Invariant: a check reads facts of its own row and nothing else, so that any reader of records can apply it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mianshen.catalogue import diagnostic
from mianshen.elaboration.provision_parts import PartChecks, Place, conjunction
from mianshen.elaboration.vocabulary import message
from mianshen.program import core
from mianshen.program.program import Check, Entity
from mianshen.program.references import reference


@dataclass(frozen=True, slots=True)
class RecordChecks:
    """Types the checks of every entity."""

    checks: PartChecks

    def all(self) -> dict[str, Entity]:
        """The entities, their checks included."""
        entities = self.checks.vocabulary.entities
        return {name: replace(entity, checks=tuple(self._of(name))) for name, entity in entities.items()}

    def _of(self, entity: str) -> Iterable[Check]:
        document, names = self.checks.document, self.checks.names
        for index, model in enumerate(document.entities[entity].checks):
            place: Place = ("entities", entity, "checks", index)
            if (entity, model.field) not in names.facts:
                known = [name for owner, name in names.facts if owner == entity]
                span = document.span(*place, "field")
                self.checks.vocabulary.unknown(span, "facts", model.field, known)
            condition = self.checks.condition(entity, (*place, "condition"))
            if condition is not None:
                whole = conjunction(condition)
                for name in dict.fromkeys(_foreign(whole, entity)):
                    span = document.span(*place, "condition")
                    self.checks.diagnostics.append(diagnostic("E337.check_reads", span, name=name))
                yield Check(model.name, model.field, whole, message(model.title), model.condition)


def _foreign(condition: core.Core, entity: str) -> Iterable[str]:
    """What a condition reads besides the row's own facts."""
    for read in map(reference, core.walk(condition)):
        if read is not None and (read.kind, read.entity) != ("fact", entity):
            yield f"{read.entity}.{read.name}" if read.kind == "fact" else read.name
